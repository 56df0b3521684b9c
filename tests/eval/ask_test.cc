// Questions put to a cache, and prompts that share their start, against sequences by hand.
#include "eval/ask.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "engine/method_cases.h"
#include "eval/hold.h"
#include "eval/plan.h"

namespace weir::eval {
namespace {

// Two questions of two candidates each.
ProblemTokens problem() {
  return {tokens_of(150, 3),
          {{tokens_of(6, 20), tokens_of(3, 40), {50}, {60}},
           {tokens_of(7, 30), tokens_of(4, 70), {80}, {90}}}};
}

Score score_of(std::span<const float> logits, Token answer, Token other) {
  const double difference =
      double{logits[static_cast<size_t>(other)]} - logits[static_cast<size_t>(answer)];
  return {difference < 0 ? 1.0 : 0.0, -std::log(1 + std::exp(difference))};
}

void expect_equal(const Score& got, const Score& want) {
  EXPECT_EQ(got.accuracy, want.accuracy);
  EXPECT_NEAR(got.logp, want.logp, 1e-12);
}

std::vector<Token> joined(std::initializer_list<std::vector<Token>> parts) {
  std::vector<Token> out;
  for (const auto& part : parts) out.insert(out.end(), part.begin(), part.end());
  return out;
}

constexpr std::string_view kRecipe = "keep=snapkv(budget=40,window=8)";

class AskTest : public ::testing::Test {
 protected:
  std::unique_ptr<Engine> engine_ = open_tiny(kModel, tiny_options());
  ProblemTokens problem_ = problem();
  const QuestionTokens& first_ = problem_.questions[0];
  const QuestionTokens& second_ = problem_.questions[1];

  Sequence holding(const std::vector<Token>& prompt) {
    auto s = *engine_->create_sequence(kRecipe);
    EXPECT_TRUE(s.append(prompt));
    return s;
  }
  static std::span<const float> feed(Sequence& s, const std::vector<Token>& tokens) {
    for (const Token t : tokens) EXPECT_TRUE(s.append({&t, 1}));
    return s.logits();
  }
};

TEST_F(AskTest, ThePeakIsTheWholePromptAndWhatAPlanTakes) {
  const auto prompt = tokens_of(700);
  const Held whole = *hold(*engine_, "keep=all", prompt);
  EXPECT_EQ(whole.bytes, whole.sequence.kv_bytes());
  EXPECT_EQ(whole.bytes_peak, whole.bytes);
  const Held kept = *hold(*engine_, std::string(kRecipe), prompt);
  EXPECT_LT(kept.bytes, whole.bytes / 4);
  EXPECT_GT(kept.bytes_peak, whole.bytes);
  EXPECT_LT(kept.bytes_peak, whole.bytes * 3 / 2);
}

TEST_F(AskTest, EachQuestionComesAloneToWhatHoldsTheContext) {
  const Sequence held = holding(problem_.context);
  const auto scores = *ask_each(*engine_, held, problem_);
  ASSERT_EQ(scores.size(), 2u);
  auto one = *held.fork(), two = *held.fork();
  expect_equal(scores[0], score_of(feed(one, joined({first_.ask, first_.lead})), 50, 60));
  expect_equal(scores[1], score_of(feed(two, joined({second_.ask, second_.lead})), 80, 90));
}

TEST_F(AskTest, TurnsFollowEachOtherWithTheRightAnswersBetween) {
  const Sequence held = holding(problem_.context);
  const auto scores = *ask_in_turns(held, problem_);
  ASSERT_EQ(scores.size(), 2u);
  auto talk = *held.fork();
  expect_equal(scores[0], score_of(*talk.append(joined({first_.ask, first_.lead})), 50, 60));
  expect_equal(scores[1],
               score_of(*talk.append(joined({{50}, second_.ask, second_.lead})), 80, 90));
  EXPECT_EQ(held.tokens().size(), problem_.context.size());
}

TEST_F(AskTest, AQuestionThatIsSeenBelongsToThePrompt) {
  SharedStart start(*engine_, problem_.context);
  const auto scores = *ask_seen(*engine_, start, std::string(kRecipe), problem_);
  auto two = holding(joined({problem_.context, second_.ask}));
  expect_equal(scores[1], score_of(feed(two, second_.lead), 80, 90));
}

TEST_F(AskTest, AScoreIsTheMean) {
  const Score scores[] = {{1, -1}, {0, -3}};
  EXPECT_EQ(mean(scores).accuracy, 0.5);
  EXPECT_EQ(mean(scores).logp, -2);
}

// Those that must compute their prompts whole and those that need not.
TEST_F(AskTest, PromptsThatShareTheirStartHaveTheBitsOfNewSequences) {
  const auto shared = tokens_of(300, 9);
  SharedStart start(*engine_, shared);
  for (const Arm& arm : arms({}))
    for (const size_t more : {0u, 30u}) {
      const auto prompt = joined({shared, tokens_of(more, 55)});
      auto got = *start.under(arm.recipe, prompt), want = *engine_->create_sequence(arm.recipe);
      ASSERT_TRUE(want.append(prompt));
      EXPECT_TRUE(std::ranges::equal(got.logits(), want.logits())) << arm.recipe;
      EXPECT_EQ(got.kept(1, 1), want.kept(1, 1)) << arm.recipe;
    }
  EXPECT_EQ(start.under("keep=snapkw", shared).error().param, "kv");
}

TEST_F(AskTest, AShortPromptSharesNothing) {
  const auto prompt = tokens_of(50, 9);
  SharedStart start(*engine_, prompt);
  EXPECT_EQ(start.under(std::string(kRecipe), prompt)->kept(1, 1).size(), 40u);
}

}  // namespace
}  // namespace weir::eval
