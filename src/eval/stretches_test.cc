#include "eval/stretches.h"

#include <gtest/gtest.h>

namespace weir::eval {
namespace {

using Places = std::vector<size_t>;

TEST(Stretches, LieSideBySideWithinTheText) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    Draw draw(seed);
    const Places found = stretches(1003, 100, 1 + seed % 10, draw);
    ASSERT_EQ(found.size(), 1 + seed % 10);
    for (size_t i = 1; i < found.size(); ++i) EXPECT_GE(found[i], found[i - 1] + 100);
    EXPECT_LE(found.back() + 100, 1003u);
  }
}

TEST(Stretches, AreAtPlacesDrawnByChance) {
  Draw one(1), same(1), other(2);
  const Places found = stretches(1000, 10, 4, one);
  EXPECT_EQ(found, stretches(1000, 10, 4, same));
  EXPECT_NE(found, stretches(1000, 10, 4, other));
}

TEST(Stretches, AreAsManyAsTheTextHolds) {
  Draw draw(1);
  EXPECT_EQ(stretches(300, 100, 8, draw), (Places{0, 100, 200}));
  EXPECT_EQ(stretches(299, 100, 8, draw).size(), 2u);
  EXPECT_EQ(stretches(100, 100, 2, draw), (Places{0}));
  EXPECT_EQ(stretches(99, 100, 2, draw), Places());
}

}  // namespace
}  // namespace weir::eval
