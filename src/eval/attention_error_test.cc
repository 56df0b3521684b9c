#include "eval/attention_error.h"

#include <gtest/gtest.h>

#include <cmath>

namespace weir::eval {
namespace {

TEST(AttentionError, IsRelativeToTheReference) {
  const float from[] = {3, 0, 4}, of[] = {3, 1, 4};
  EXPECT_DOUBLE_EQ(relative_distance(of, from), 0.2);
  EXPECT_DOUBLE_EQ(relative_distance(from, of), 1 / std::sqrt(26));
  EXPECT_EQ(relative_distance(from, from), 0);
}

TEST(AttentionError, OfNothingAndNothingIsNone) {
  const float nothing[] = {0, 0}, something[] = {0, 1};
  EXPECT_EQ(relative_distance(nothing, nothing), 0);
  EXPECT_TRUE(std::isinf(relative_distance(something, nothing)));
}

TEST(AttentionError, TheMeanIsOfAllCells) {
  EXPECT_DOUBLE_EQ(mean(HeadGrid{{1, 2, 3}, {4, 5, 9}}), 4);
  const HeadGrid grids[] = {{{1, 2}}, {{3, 8}}};
  EXPECT_EQ(mean(grids), (HeadGrid{{2, 5}}));
}

}  // namespace
}  // namespace weir::eval
