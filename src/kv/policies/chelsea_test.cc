#include <gtest/gtest.h>

#include <cmath>

#include "kv/test_view.h"

namespace weir {
namespace {

// Keys in the plane, by their angles in degrees.
std::vector<float> at_angles(const std::vector<float>& degrees) {
  std::vector<float> out;
  for (const float a : degrees)
    out.insert(out.end(), {std::cos(a * 0.0174533f), std::sin(a * 0.0174533f)});
  return out;
}

Edit chelsea(const FakeView& view, const char* budget, const char* chunk) {
  return policy_of("chelsea",
                   {{"budget", budget}, {"chunk", chunk}, {"sinks", "1"}, {"recent", "0"}})
      ->plan(view)[0];
}

TEST(Chelsea, LikeRowsOfAChunkBecomeOne) {
  FakeView view(1, 1, 9);
  // Slots 1, 3, 5, 7 draw edges to 2, 4, 6, 8 of their chunk of four: 1 and 3 are near 2.
  view.head_keys = at_angles({0, 50, 52, 55, 200, 100, 190, 120, 104});
  const Edit edit = chelsea(view, "6", "4");
  ASSERT_EQ(edit.heads[0].merged.size(), 2u);
  const MergedRow &first = edit.heads[0].merged[0], &second = edit.heads[0].merged[1];
  EXPECT_EQ(first.sources, (Slots{2, 1, 3}));
  EXPECT_EQ(first.position, 12);
  EXPECT_EQ(first.k, std::vector<float>(3, 1.0f / 3));
  EXPECT_EQ(first.v, first.k);
  EXPECT_EQ(second.sources, (Slots{8, 5}));
  EXPECT_EQ(edit.heads[0].kept, (Slots{0, 4, 6, 7}));
}

TEST(Chelsea, MatchesAgainUntilTheBudgetIsMet) {
  FakeView view(1, 1, 9);
  view.head_keys = at_angles({0, 50, 51, 54, 56, 100, 101, 105, 107});
  const Edit edit = chelsea(view, "3", "4");
  ASSERT_EQ(edit.heads[0].merged.size(), 2u);
  EXPECT_EQ(edit.heads[0].merged[0].sources.size(), 4u);
  EXPECT_EQ(edit.heads[0].merged[1].sources.size(), 4u);
  // No row that is protected may be the last one.
  EXPECT_EQ(chelsea(view, "0.06", "4").heads[0].merged[0].sources.size(), 9u);
}

TEST(Chelsea, AMergedRowCountsAsItsNumber) {
  FakeView view(1, 1, 3);
  view.head_keys = at_angles({0, 50, 51});
  view.weights = {1, 4, 1};
  const MergedRow row = chelsea(view, "2", "4").heads[0].merged[0];
  EXPECT_EQ(row.sources, (Slots{2, 1}));
  EXPECT_EQ(row.k, (std::vector<float>{0.2f, 0.8f}));
}

}  // namespace
}  // namespace weir
