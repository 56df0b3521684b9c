// How a cache that was compressed goes on, beside one that was not.
#pragma once

#include <span>
#include <vector>

#include "eval/draw.h"
#include "eval/plan.h"
#include "eval/tally.h"
#include "weir/engine.h"

namespace weir::eval {

// What is to be measured of one sample.
struct Sample {
  std::span<const Token> tokens;
  size_t context;  // Of those, the prompt.
  // Whether each prompt is computed whole, so that what it took is known; else they share what they
  // can. The bits are the same.
  bool whole;
};

// One sample: every arm holds the first `context` of `tokens` as a prompt. Then all are fed the
// kSteps tokens after it, and what they predict is compared with the full cache's; and, in a fork,
// a passage of the prompt a second time. Adds to `to` for each arm: kKl, kSameTop and kRight, also
// by bucket, kSecondCopy, kPagesRead, kAttentionError, also by head, and of whole prompts what they
// took. REQUIRES context + kSteps + 1 tokens, arms that begin with the full cache, a context of 64
// tokens or more.
Status lock_step(Engine& engine, std::span<const Arm> arms, const Sample& sample, Draw& draw,
                 Tally& to);

}  // namespace weir::eval
