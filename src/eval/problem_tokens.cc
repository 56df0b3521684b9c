#include "eval/problem_tokens.h"

#include <fmt/format.h>

namespace weir::eval {
namespace {

constexpr size_t kWordsLeast = 8 * kCandidates;  // What a task takes at most.

// REQUIRES words that token_words gave.
Result<std::vector<Token>> tokens_of(const Engine& engine, const Words& words) {
  std::vector<Token> out;
  for (const std::string& word : words) {
    WEIR_ASSIGN(const auto tokens, engine.tokenize(" " + word, false, false));
    out.push_back(tokens.at(0));
  }
  return out;
}

Result<QuestionTokens> tokens_of(const Engine& engine, const Question& q) {
  QuestionTokens out;
  WEIR_ASSIGN(out.ask, engine.tokenize(q.ask, false, false));
  WEIR_ASSIGN(out.lead, engine.tokenize(q.lead, false, false));
  WEIR_ASSIGN(out.answers, tokens_of(engine, q.answers));
  WEIR_ASSIGN(out.others, tokens_of(engine, q.others));
  return out;
}

}  // namespace

Result<Words> token_words(const Engine& engine) {
  Words out;
  for (std::string_view word : common_words()) {
    WEIR_ASSIGN(const auto tokens, engine.tokenize(" " + std::string(word), false, false));
    if (tokens.size() == 1) out.emplace_back(word);
  }
  if (out.size() < kWordsLeast)
    return fail(Code::kInvalid, fmt::format("the model has {} of the tasks' words as one token, "
                                            "and {} are needed",
                                            out.size(), kWordsLeast));
  return out;
}

Result<ProblemTokens> fit(const Engine& engine, const TaskEntry& task, const Words& words,
                          uint64_t seed, uint32_t context) {
  const auto made = [&](size_t size) {
    Draw draw(seed);
    return task.make(draw, words, size);
  };
  ProblemTokens out;
  size_t fits = 0, too_large = context;
  WEIR_ASSIGN(out.context, engine.tokenize(made(0).context, true, false));
  if (out.context.size() > context)
    return fail(Code::kInvalid, fmt::format("--context {}: the task {} takes {} tokens or more",
                                            context, task.name, out.context.size()));
  while (fits + 1 < too_large) {
    const size_t middle = (fits + too_large) / 2;
    WEIR_ASSIGN(auto tokens, engine.tokenize(made(middle).context, true, false));
    const bool small = tokens.size() <= context;
    (small ? fits : too_large) = middle;
    if (small) out.context = std::move(tokens);
  }
  for (const Question& q : made(fits).questions) {
    WEIR_ASSIGN(QuestionTokens question, tokens_of(engine, q));
    out.questions.push_back(std::move(question));
  }
  return out;
}

}  // namespace weir::eval
