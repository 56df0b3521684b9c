#include <gtest/gtest.h>

#include <algorithm>

#include "kv/test_view.h"

namespace weir {
namespace {

// Layer l's queries spread over 2 l + 2 rows, which move with the query in some layers.
FakeView uneven_view(uint32_t layers, int32_t rows = 60) {
  FakeView view(2, 2, rows);
  view.layers.clear(), view.layers_in_all = layers;
  for (uint32_t l = 0; l < layers; ++l) {
    view.layers.push_back(l);
    view.attention.push_back({4, rows, std::vector<float>(2 * 4 * static_cast<size_t>(rows))});
    const uint32_t wide = 2 * l + 2;
    for (uint32_t i = 0; i < 2 * 4 * wide; ++i) {
      const uint32_t query = i / wide, row = (i % wide * 7 + query * (l % 3) * 3 + l) % 56;
      view.attention[l].p[query * static_cast<size_t>(rows) + row] +=
          (1 + static_cast<float>(i * 37 % 11)) / static_cast<float>(7 * wide);
    }
  }
  return view;
}

TEST(Cake, TheBudgetIsThatOfAllLayers) {
  const FakeView view = uneven_view(5);
  const auto edits = policy_of("cake", {{"budget", "20"}, {"window", "4"}})->plan(view);
  ASSERT_EQ(edits.size(), 5u);
  size_t all = 0;
  for (const Edit& edit : edits) {
    EXPECT_EQ(edit.heads[0].kept.size(), edit.heads[1].kept.size());
    all += edit.heads[0].kept.size();
    const Slots& kept = edit.heads[0].kept;
    EXPECT_EQ(Slots(kept.end() - 4, kept.end()), (Slots{56, 57, 58, 59}));
  }
  EXPECT_EQ(all, 100u);
  EXPECT_NE(edits[0].heads[0].kept.size(), edits[4].heads[0].kept.size());
}

// A layer whose queries agree on few rows prefers less than one whose spread moves.
TEST(Cake, SpreadAndShiftArePreferred) {
  FakeView view(1, 1, 10);
  view.layers = {0, 1}, view.layers_in_all = 2;
  view.attention = {{2, 10, std::vector<float>(20)}, {2, 10, std::vector<float>(20)}};
  for (const size_t query : {0u, 1u}) {
    view.attention[0].p[query * 10 + 3] = 0.9f, view.attention[0].p[query * 10 + 4 + query] = 0.1f;
    for (size_t row = 0; row < 8; ++row)
      view.attention[1].p[query * 10 + row] = row % 2 == query ? 0.25f : 0.0f;
  }
  // H: .65 and 2.77; V: .01 and .25. Of six rows beyond the windows the second gets all.
  const auto edits = policy_of("cake", {{"budget", "5"}, {"window", "2"}})->plan(view);
  ASSERT_EQ(edits.size(), 2u);
  EXPECT_EQ(edits[0].heads[0].kept, (Slots{8, 9}));
  EXPECT_EQ(edits[1].heads[0].kept.size(), 8u);
  // Where neither counts much, they are nearly equal.
  const auto even =
      policy_of("cake", {{"budget", "5"}, {"window", "2"}, {"tau1", "10"}, {"tau2", "10"}})
          ->plan(view);
  EXPECT_EQ(even[0].heads[0].kept.size(), 4u);
}

TEST(Cake, RowsThatSomeQueriesWantOutweighTheirMean) {
  FakeView view(1, 1, 8);
  view.attention = {{2, 8, std::vector<float>(16)}};
  for (const size_t query : {0u, 1u}) view.attention[0].p[query * 8 + 1] = 0.3f;
  view.attention[0].p[4] = 0.5f;
  const auto kept = [&](const char* gamma) {
    return policy_of("cake", {{"budget", "3"}, {"window", "2"}, {"kernel", "1"}, {"gamma", gamma}})
        ->plan(view)[0]
        .heads[0]
        .kept;
  };
  EXPECT_EQ(kept("0"), (Slots{1, 6, 7}));
  EXPECT_EQ(kept("1"), (Slots{4, 6, 7}));  // Mean .25, variance .125.
}

// Layer by layer, each evicting down to its share of the whole budget among those known so far, and
// again as others join: what is left is the plan at the end, and is never over the budget.
TEST(Cake, TheCascadeOfItsLayersIsThePlan) {
  constexpr uint32_t kAll = 6;
  const auto policy = policy_of("cake", {{"budget", "20"}, {"window", "4"}});
  const auto at_the_end = policy->fork()->plan(uneven_view(kAll));
  FakeView view = uneven_view(kAll);
  view.layer_rows.assign(kAll, 60), view.layers.clear();
  std::vector<std::vector<Slots>> left(kAll, std::vector<Slots>(2));
  for (uint32_t layer = 0; layer < kAll; ++layer) {
    view.layers.push_back(layer);
    for (Slots& slots : left[layer])
      for (int32_t slot = 0; slot < 60; ++slot) slots.push_back(slot);
    for (const Edit& edit : policy->plan(view))
      for (size_t head = 0; head < 2; ++head) {
        Slots& slots = left[edit.layer][head];
        Slots kept;
        for (const int32_t slot : edit.heads[head].kept)
          kept.push_back(slots[static_cast<size_t>(slot)]);
        slots = kept;
        view.layer_rows[edit.layer] = static_cast<int32_t>(kept.size());
      }
    size_t all = 0;
    for (uint32_t l = 0; l <= layer; ++l) all += left[l][0].size();
    EXPECT_LE(all, 120u);
  }
  ASSERT_EQ(at_the_end.size(), kAll);
  for (const Edit& edit : at_the_end)
    for (size_t head = 0; head < 2; ++head)
      EXPECT_EQ(left[edit.layer][head], edit.heads[head].kept) << edit.layer << " " << head;
  // And it knows the same of what comes after.
  EXPECT_EQ(policy->kept_max(view.prompt).most,
            static_cast<uint64_t>(std::ranges::max(view.layer_rows)));
}

TEST(Cake, SharesStayWhileDecoding) {
  FakeView view = uneven_view(3);
  view.prompt = view.length;
  const auto policy =
      policy_of("cake", {{"budget", "20"}, {"window", "4"}, {"kernel", "1"}, {"tau1", "10"}});
  const auto shares = policy->plan(view);
  EXPECT_EQ(policy->kept_max(view.prompt).mean, 20u);
  EXPECT_LT(policy->kept_max(view.prompt).most, 53u);
  EXPECT_EQ(policy->kept_max(view.prompt + 9).most, static_cast<uint64_t>(view.prompt + 9));
  // Later the last query alone counts.
  view.length += 8;
  for (WindowAttention& seen : view.attention)
    seen = {1, 60, std::vector<float>(2 * 60, 0.001f)}, seen.p[50] = seen.p[110] = 0.9f;
  const auto later = policy->fork()->plan(view);
  ASSERT_EQ(later.size(), shares.size());
  for (size_t i = 0; i < later.size(); ++i) {
    EXPECT_EQ(later[i].heads[0].kept.size(), shares[i].heads[0].kept.size());
    EXPECT_TRUE(std::ranges::binary_search(later[i].heads[0].kept, 50));
  }
}

}  // namespace
}  // namespace weir
