#include "kv/layer_budget.h"

#include <gtest/gtest.h>

#include <limits>
#include <numeric>
#include <random>

namespace weir {
namespace {

using Rows = std::vector<int32_t>;

int64_t sum(const Rows& rows) {
  return std::accumulate(rows.begin(), rows.end(), int64_t{0});
}

TEST(DivideRows, EqualWeightsGetEqualShares) {
  const std::vector<double> weights(4, 0.3);
  EXPECT_EQ(divide_rows(400, weights, 0, Rows(4, 900)), Rows(4, 100));
  EXPECT_EQ(divide_rows(402, weights, 32, Rows(4, 900)), (Rows{101, 101, 100, 100}));
  EXPECT_EQ(divide_rows(0, weights, 0, Rows(4, 900)), Rows(4, 0));
}

TEST(DivideRows, SharesFollowWeightsBeyondTheLeast) {
  EXPECT_EQ(divide_rows(100, std::vector{1.0, 2.0, 1.0}, 0, Rows(3, 900)), (Rows{25, 50, 25}));
  EXPECT_EQ(divide_rows(130, std::vector{1.0, 2.0, 1.0}, 10, Rows(3, 900)), (Rows{35, 60, 35}));
}

TEST(DivideRows, NoLayerGetsMoreThanItHas) {
  EXPECT_EQ(divide_rows(100, std::vector{9.0, 1.0, 1.0}, 0, Rows{30, 90, 90}), (Rows{30, 35, 35}));
  EXPECT_EQ(divide_rows(100, std::vector{9.0, 1.0, 1.0}, 40, Rows{5, 50, 90}), (Rows{5, 48, 47}));
  EXPECT_EQ(divide_rows(999, std::vector{9.0, 1.0}, 0, Rows{30, 40}), (Rows{30, 40}));
}

TEST(DivideRows, WhatIsNoWeightIsNone) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(divide_rows(10, std::vector{nan, 1.0, -3.0}, 0, Rows(3, 90)), (Rows{0, 10, 0}));
  EXPECT_EQ(divide_rows(12, std::vector{nan, 0.0, 0.0}, 0, Rows(3, 90)), (Rows{4, 4, 4}));
  // Once the others have all of theirs it gets what is left.
  EXPECT_EQ(divide_rows(10, std::vector{0.0, 1.0}, 0, Rows{90, 4}), (Rows{6, 4}));
}

// Sums are exact, shares near, and a layer that joins takes from others and gives to none.
TEST(DivideRows, SharesOnlyShrinkAsLayersJoin) {
  std::mt19937 random(7);
  for (int i = 0; i < 200; ++i) {
    const size_t layers = 2 + random() % 12;
    const int32_t least = static_cast<int32_t>(random() % 20);
    const uint64_t total = layers * (20 + random() % 60);
    std::vector<double> weights;
    Rows rows, before;
    for (size_t n = 1; n <= layers; ++n) {
      weights.push_back(1e-3 * static_cast<double>(random() % 1000));
      rows.push_back(20 + static_cast<int32_t>(random() % 300));
      const Rows shares = divide_rows(total, weights, least, rows);
      ASSERT_EQ(sum(shares), std::min(static_cast<int64_t>(total), sum(rows)));
      for (size_t l = 0; l < n; ++l) {
        ASSERT_LE(shares[l], rows[l]);
        ASSERT_GE(shares[l], std::min(least, rows[l]));
        if (l + 1 < n) {
          ASSERT_LE(shares[l], before[l]);
        }
      }
      before = shares;
    }
  }
}

TEST(LayerRows, CountThePagesOfAllLayers) {
  EXPECT_EQ(LayerRows::of(Rows{3, 200, 8}).most, 200u);
  EXPECT_EQ(LayerRows::of(Rows{3, 200, 8}).mean, 71u);
  EXPECT_EQ(LayerRows::of({}).most, 0u);
  EXPECT_EQ(LayerRows(64).pages(5), 5u);
  EXPECT_EQ(LayerRows(65).pages(5), 10u);
  // 3, 200 and 8 rows take 1 + 4 + 1 pages; no numbers with this most and mean take more than 6.
  EXPECT_EQ(LayerRows(200, 71).pages(3), 6u);
}

}  // namespace
}  // namespace weir
