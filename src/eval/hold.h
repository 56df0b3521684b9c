// Sequences that hold a prompt, and what that took.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "weir/engine.h"

namespace weir::eval {

struct Held {
  Sequence sequence;
  double seconds = 0;
  uint64_t bytes = 0, bytes_peak = 0;  // Of keys, values and what the method notes.
};

// The tokens as one prompt under a recipe. REQUIRES that the engine computes nothing else.
Result<Held> hold(Engine& engine, const std::string& recipe, std::span<const Token> tokens);

// What a token takes that is appended alone, on a fork.
Result<double> decode_seconds(const Sequence& sequence, Token token);

// One token to each sequence, in one step; for the methods that is decoding, not a prompt.
Status step(Engine& engine, std::span<Sequence* const> sequences, std::span<const Token> tokens);

}  // namespace weir::eval
