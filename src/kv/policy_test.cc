#include "kv/policy.h"

#include <gtest/gtest.h>

#include <limits>

#include "kv/scored_policy.h"
#include "kv/test_view.h"

namespace weir {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

TEST(BestSlots, ScoresDecideAndTiesGoToTheLower) {
  const std::vector<float> scores = {1, 3, 2, 3, 2, 2};
  EXPECT_EQ(best_slots(scores, 3, 0, 0), (std::vector<int32_t>{1, 2, 3}));
  EXPECT_EQ(best_slots(scores, 9, 0, 0), (std::vector<int32_t>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(best_slots(std::vector<float>(100), 2, 0, 0), (std::vector<int32_t>{0, 1}));
}

TEST(BestSlots, TheFirstAndTheLastAreProtected) {
  const std::vector<float> scores = {0, 9, 9, 9, 0, 0};
  EXPECT_EQ(best_slots(scores, 4, 1, 2), (std::vector<int32_t>{0, 1, 4, 5}));
  // No more than fit: the first come before the last.
  EXPECT_EQ(best_slots(scores, 2, 1, 5), (std::vector<int32_t>{0, 5}));
  EXPECT_EQ(best_slots(scores, 2, 7, 7), (std::vector<int32_t>{0, 1}));
}

TEST(BestSlots, NaNIsTheWorstScore) {
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(best_slots(std::vector{kNaN, 1.0f, kNaN, 2.0f}, 2, 0, 0), (std::vector<int32_t>{1, 3}));
  EXPECT_EQ(best_slots(std::vector{kNaN, kNaN, kNaN}, 2, 0, 0), (std::vector<int32_t>{0, 1}));
  EXPECT_EQ(best_slots(std::vector{kNaN, -infinity, infinity}, 1, 0, 0), (std::vector<int32_t>{2}));
}

TEST(Budget, IsAShareOrANumber) {
  EXPECT_EQ(budget_rows(0.2, 500), 100);
  EXPECT_EQ(budget_rows(1, 500), 500);
  EXPECT_EQ(budget_rows(64, 500), 64);
  EXPECT_EQ(budget_rows(0.001, 500), 1);
}

TEST(Streaming, KeepsTheFirstAndTheLatest) {
  const auto policy = policy_of("streaming", {{"budget", "5"}, {"sinks", "2"}});
  const auto edits = policy->plan(FakeView(2, 1, 9));
  ASSERT_EQ(edits.size(), 1u);
  EXPECT_EQ(edits[0].heads[0].kept, (Slots{0, 1, 6, 7, 8}));
  EXPECT_TRUE(policy->plan(FakeView(2, 1, 5)).empty());
}

TEST(Random, DependsOnSeedAndPlaceAlone) {
  const auto plan = [](const char* seed, int32_t rows) {
    return policy_of("random", {{"budget", "20"}, {"seed", seed}})->plan(FakeView(2, 2, rows))[0];
  };
  EXPECT_EQ(plan("1", 100).heads[0].kept, plan("1", 100).heads[0].kept);
  EXPECT_NE(plan("1", 100).heads[0].kept, plan("2", 100).heads[0].kept);
  EXPECT_NE(plan("1", 100).heads[0].kept, plan("1", 100).heads[1].kept);
}

TEST(SnapKv, VotesArePooledAndTheWindowStays) {
  FakeView view(2, 1, 12);
  view.attention = {{2, 12, std::vector<float>(2 * 2 * 12)}};
  const auto set = [&](uint32_t head, int32_t query, size_t row, float p) {
    view.attention[0].p[(head * 2 + static_cast<size_t>(query)) * 12 + row] = p;
  };
  set(0, 0, 3, 0.5f);  // Heads and queries add up: row 3 gets 0.9, row 8 gets 0.7,
  set(1, 1, 3, 0.4f);  // and a neighbour's vote counts for both sides.
  set(1, 0, 8, 0.7f);
  set(0, 1, 11, 1.0f);  // The window's own rows have no vote.
  const auto plan = [&](const char* budget, const char* pooling) {
    return policy_of("snapkv",
                     {{"budget", budget}, {"window", "2"}, {"kernel", "3"}, {"pooling", pooling}})
        ->plan(view)[0]
        .heads[0]
        .kept;
  };
  EXPECT_EQ(plan("5", "avg"), (Slots{2, 3, 4, 10, 11}));
  EXPECT_EQ(plan("8", "max"), (Slots{2, 3, 4, 7, 8, 9, 10, 11}));
}

TEST(AdaKv, HeadsShareTheBudgetByTheirVotes) {
  FakeView view(2, 2, 12);
  view.attention = {{2, 12, std::vector<float>(2 * 2 * 12)}};
  std::vector<float>& p = view.attention[0].p;
  for (size_t row = 0; row < 5; ++row) p[2 * row] = 0.9f - 0.1f * static_cast<float>(row);
  p[24 + 1] = 0.55f, p[24 + 3] = 0.1f;
  // Three rows a head before the window: of the six best, five are head 0's.
  const auto plan = [&](const char* floor) {
    return policy_of("adakv", {{"budget", "5"}, {"window", "2"}, {"kernel", "1"}, {"floor", floor}})
        ->plan(view)[0];
  };
  EXPECT_EQ(plan("0").heads[0].kept, (Slots{0, 2, 4, 6, 8, 10, 11}));
  EXPECT_EQ(plan("0").heads[1].kept, (Slots{1, 10, 11}));
  // A third is everyone's: one row each, and two thirds of five, and of one, rounded down.
  EXPECT_EQ(plan("0.34").heads[0].kept, (Slots{0, 2, 4, 6, 10, 11}));
  EXPECT_EQ(plan("0.34").heads[1].kept, (Slots{1, 10, 11}));
  // All of it: as SnapKV.
  EXPECT_EQ(plan("1").heads[1].kept, (Slots{0, 1, 3, 10, 11}));
}

TEST(Tova, HeadsOfALayerAgree) {
  FakeView view(2, 2, 4);
  view.attention = {{1, 4, {0.1f, 0.2f, 0.7f, 0, 0.5f, 0.2f, 0, 0.3f}}};  // Sums .6 .4 .7 .3
  const auto edit = policy_of("tova", {{"budget", "2"}})->plan(view)[0];
  EXPECT_EQ(edit.heads[0].kept, (Slots{0, 2}));
  EXPECT_EQ(edit.heads[1].kept, (Slots{0, 2}));
}

TEST(H2o, MassesOfAGroupAddUpAndHalfIsRecent) {
  FakeView view(2, 1, 8);
  view.masses = {{1, 5, 0, 0, 2, 0, 0, 0}, {1, 0, 4, 0, kNaN, 0, 0, 0}};
  const auto edit = policy_of("h2o", {{"budget", "4"}})->plan(view)[0];
  EXPECT_EQ(edit.heads[0].kept, (Slots{1, 2, 6, 7}));
}

}  // namespace
}  // namespace weir
