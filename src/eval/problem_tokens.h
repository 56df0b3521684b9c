// Problems cut to a context's size, in a model's tokens.
#pragma once

#include <vector>

#include "eval/task.h"
#include "weir/engine.h"

namespace weir::eval {

struct QuestionTokens {
  std::vector<Token> ask, lead, answers, others;
};

struct ProblemTokens {
  std::vector<Token> context;
  std::vector<QuestionTokens> questions;
};

// Those of the common words that are one token of this model, with a space before them. kInvalid:
// so few that no task can be made.
Result<Words> token_words(const Engine& engine);

// A task's problem as large as fits into so many tokens. kInvalid: the smallest does not.
Result<ProblemTokens> fit(const Engine& engine, const TaskEntry& task, const Words& words,
                          uint64_t seed, uint32_t context);

}  // namespace weir::eval
