// Tasks asked of a model: problems cut to a context's size, and answers scored.
#pragma once

#include <string>
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

// Means over questions and their answers.
struct Score {
  double accuracy = 0;  // How often the answer is likelier than each of the others.
  double logp = 0;      // Its log-probability among them.
};

// `seen`: the question belongs to the prompt that the recipe compresses, else it comes later. The
// answer's lead always comes later.
Result<Score> ask(Engine& engine, const std::string& recipe, const ProblemTokens& problem,
                  bool seen);

}  // namespace weir::eval
