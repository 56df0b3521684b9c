#include "eval/ask.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "eval/hold.h"

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

Score score(std::span<const float> logits, const QuestionTokens& q) {
  Score sum;
  const auto of = [&](Token t) { return double{logits[static_cast<size_t>(t)]}; };
  for (const Token answer : q.answers) {
    bool best = true;
    double total = 1;
    for (const Token other : q.others) {
      best = best && of(answer) > of(other);
      total += std::exp(of(other) - of(answer));
    }
    sum.accuracy += best, sum.logp -= std::log(total);
  }
  const auto n = static_cast<double>(q.answers.size());
  return {sum.accuracy / n, sum.logp / n};
}

std::vector<Token> joined(std::vector<Token> a, const std::vector<Token>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// A sequence for each question, which holds what its recipe may see.
Result<std::vector<Sequence>> prepared(Engine& engine, const std::string& recipe,
                                       const ProblemTokens& problem, bool seen) {
  std::vector<Sequence> out;
  for (const QuestionTokens& q : problem.questions) {
    if (seen || out.empty()) {
      WEIR_ASSIGN(Sequence sequence, engine.create_sequence(recipe));
      WEIR_TRY(sequence.append(seen ? joined(problem.context, q.ask) : problem.context));
      out.push_back(std::move(sequence));
    } else {
      WEIR_ASSIGN(Sequence fork, out[0].fork());
      out.push_back(std::move(fork));
    }
  }
  return out;
}

// Each sequence its tokens, one at a time, all side by side.
Status feed(Engine& engine, std::vector<Sequence>& sequences,
            const std::vector<std::vector<Token>>& tokens) {
  for (size_t i = 0;; ++i) {
    std::vector<Sequence*> going;
    std::vector<Token> next;
    for (size_t s = 0; s < sequences.size(); ++s)
      if (i < tokens[s].size()) going.push_back(&sequences[s]), next.push_back(tokens[s][i]);
    if (going.empty()) return {};
    WEIR_TRY(step(engine, going, next));
  }
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

Result<Score> ask(Engine& engine, const std::string& recipe, const ProblemTokens& problem,
                  bool seen) {
  WEIR_ASSIGN(auto sequences, prepared(engine, recipe, problem, seen));
  std::vector<std::vector<Token>> tokens;
  for (const QuestionTokens& q : problem.questions)
    tokens.push_back(seen ? q.lead : joined(q.ask, q.lead));
  WEIR_TRY(feed(engine, sequences, tokens));
  Score sum;
  for (size_t i = 0; i < sequences.size(); ++i) {
    const Score one = score(sequences[i].logits(), problem.questions[i]);
    sum.accuracy += one.accuracy, sum.logp += one.logp;
  }
  const auto n = static_cast<double>(sequences.size());
  return Score{sum.accuracy / n, sum.logp / n};
}

}  // namespace weir::eval
