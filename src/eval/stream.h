// A text that comes in pieces, and how well each part of it is foreseen.
#pragma once

#include <span>
#include <vector>

#include "eval/plan.h"
#include "eval/report.h"
#include "eval/tally.h"
#include "weir/engine.h"

namespace weir::eval {

// Positions put together: the first 256, then always as many as came before, up to `tokens`.
std::vector<Bucket> position_buckets(uint32_t tokens);

// Feeds the first `context` of the tokens in pieces of 64, each a prompt to the method, so that it
// is at work from the first of its points on. Adds the mean negative log-likelihood of the tokens
// after each position, kStreamNll by position_buckets(context), and kStreamBytes. REQUIRES a token
// more than `context`.
Status stream(Engine& engine, const Arm& arm, std::span<const Token> tokens, size_t context,
              ArmTally& to);

}  // namespace weir::eval
