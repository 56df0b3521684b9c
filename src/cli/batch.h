// The work that a benchmark measures: sequences of random tokens that go on together.
#pragma once

#include <cstdint>
#include <vector>

#include "eval/draw.h"
#include "weir/engine.h"

namespace weir::cli {

// The same ids on every machine.
class TokenSource {
 public:
  TokenSource(uint64_t seed, uint32_t vocabulary) : draw_(seed), vocabulary_(vocabulary) {}

  std::vector<Token> take(uint32_t count);

 private:
  eval::Draw draw_;
  const uint32_t vocabulary_;
};

// Sequences that go on together.
class Batch {
 public:
  static Result<Batch> create(Engine& engine, uint32_t size);

  // `count` random tokens to each.
  Status append_random(TokenSource& source, uint32_t count);

  // One token to each, its likeliest.
  Status step();

 private:
  explicit Batch(Engine& engine) : engine_(&engine) {}

  Status append(const std::vector<std::vector<Token>>& tokens);

  Engine* engine_;
  std::vector<Sequence> sequences_;
};

}  // namespace weir::cli
