// Choosing a token from logits. The choice is a function of the logits, the tokens before, the
// options and (seed, choice, position): never of time, threads or what else runs.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "weir/engine.h"
#include "weir/options.h"
#include "weir/status.h"

namespace weir {

// Bounds of every field, as options.h states them; `vocabulary` bounds the biases' tokens.
Status check(const SamplingOptions& options, uint32_t vocabulary);

// One stream of choices.
class Sampler {
 public:
  // REQUIRES check(options). `choice` tells apart the continuations of one request.
  Sampler(const SamplingOptions& options, uint64_t seed, uint32_t choice);

  // Tokens that the penalties count. Each is told once, in order.
  void see_prompt(Token token);
  void see_generated(Token token);

  // The token for `position`. Changes `logits` in place. `banned` tokens cannot be chosen.
  // kInternal: a NaN, or nothing left to choose from.
  Result<Token> sample(std::span<float> logits, std::span<const Token> banned, uint64_t position);

 private:
  struct Counts {
    uint32_t generated = 0;  // 0: in the prompt only.
  };
  void penalise(std::span<float> logits) const;

  SamplingOptions options_;
  uint64_t seed_;
  uint32_t choice_;
  bool counting_;  // Some penalty is on.
  std::unordered_map<Token, Counts> seen_;
};

// What the distribution says of `token`, with the `top` likeliest (-1: only to be counted as 0).
// kInternal: a NaN among the logits.
Result<TokenLogprob> logprob_of(std::span<const float> logits, Token token, int top);

}  // namespace weir
