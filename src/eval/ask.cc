#include "eval/ask.h"

#include <cmath>

#include "eval/hold.h"

namespace weir::eval {
namespace {

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

std::vector<Score> scores(const std::vector<Sequence>& asked, const ProblemTokens& problem) {
  std::vector<Score> out;
  for (size_t i = 0; i < asked.size(); ++i)
    out.push_back(score(asked[i].logits(), problem.questions[i]));
  return out;
}

}  // namespace

Score mean(std::span<const Score> scores) {
  Score sum;
  for (const Score& one : scores) sum.accuracy += one.accuracy, sum.logp += one.logp;
  const auto n = static_cast<double>(scores.size());
  return {sum.accuracy / n, sum.logp / n};
}

Result<std::vector<Score>> ask_each(Engine& engine, const Sequence& held,
                                    const ProblemTokens& problem) {
  std::vector<Sequence> sequences;
  std::vector<std::vector<Token>> tokens;
  for (const QuestionTokens& q : problem.questions) {
    WEIR_ASSIGN(Sequence fork, held.fork());
    sequences.push_back(std::move(fork));
    tokens.push_back(joined(q.ask, q.lead));
  }
  WEIR_TRY(feed(engine, sequences, tokens));
  return scores(sequences, problem);
}

Result<std::vector<Score>> ask_in_turns(const Sequence& held, const ProblemTokens& problem) {
  WEIR_ASSIGN(Sequence talk, held.fork());
  std::vector<Score> out;
  std::vector<Token> answered;  // The question before.
  for (const QuestionTokens& q : problem.questions) {
    WEIR_TRY(talk.append(joined(answered, joined(q.ask, q.lead))));
    out.push_back(score(talk.logits(), q));
    answered = {q.answers[0]};
  }
  return out;
}

Result<std::vector<Score>> ask_seen(Engine& engine, SharedStart& start, const std::string& recipe,
                                    const ProblemTokens& problem) {
  std::vector<Sequence> sequences;
  std::vector<std::vector<Token>> tokens;
  for (const QuestionTokens& q : problem.questions) {
    WEIR_ASSIGN(Sequence sequence, start.under(recipe, joined(problem.context, q.ask)));
    sequences.push_back(std::move(sequence));
    tokens.push_back(q.lead);
  }
  WEIR_TRY(feed(engine, sequences, tokens));
  return scores(sequences, problem);
}

}  // namespace weir::eval
