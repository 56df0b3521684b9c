// A problem's questions put to a cache, and the answers scored.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "eval/problem_tokens.h"
#include "eval/shared_start.h"
#include "weir/engine.h"

namespace weir::eval {

// Of a question; means over its answers.
struct Score {
  double accuracy = 0;  // How often the answer is likelier than each of the others.
  double logp = 0;      // Its log-probability among them.
};

Score mean(std::span<const Score> scores);  // REQUIRES some.

// Many requests on one context: each question in a fork of what holds the context, token by token.
Result<std::vector<Score>> ask_each(Engine& engine, const Sequence& held,
                                    const ProblemTokens& problem);

// One conversation: in a fork, the questions one after the other, each a turn (a prompt to the
// method) that begins with the right answer to the one before.
Result<std::vector<Score>> ask_in_turns(const Sequence& held, const ProblemTokens& problem);

// Each question belongs to a prompt of its own, which the recipe compresses with the context; only
// the answer's lead comes later. `start` is of the context.
Result<std::vector<Score>> ask_seen(Engine& engine, SharedStart& start, const std::string& recipe,
                                    const ProblemTokens& problem);

}  // namespace weir::eval
