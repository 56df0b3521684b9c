#include "kernels/grid.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "kernels/layout.h"
#include "tensor/half.h"
#include "tensor/tensor.h"

namespace weir {
namespace {

struct GridPage {
  GridPage(GridForm its_form, int its_dim, const std::vector<float>& k, const std::vector<float>& v)
      : form(its_form), dim(its_dim), bytes(2 * grid_half_bytes(form, dim)) {
    write_grid(form, dim, k.data(), v.data(), bytes.data(), value_bytes());
  }
  std::byte* value_bytes() { return bytes.data() + grid_half_bytes(form, dim); }
  std::pair<std::vector<float>, std::vector<float>> row(int slot) {
    std::vector<float> k(static_cast<size_t>(dim)), v(k);
    read_grid_row(form, dim, slot, bytes.data(), value_bytes(), k.data(), v.data());
    return {k, v};
  }

  GridForm form;
  int dim;
  Buffer bytes;
};

std::vector<float> random_rows(int dim, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> out(static_cast<size_t>(kPageSlots * dim));
  for (size_t i = 0; i < out.size(); ++i)
    out[i] = normal(random) + (i % static_cast<size_t>(dim) == 3 ? 9.0f : 0.0f);
  return out;
}

// The elements of one grid, and what each became.
struct Group {
  std::vector<float> from, to;
};

// Of two points that are equally near, rounding may take either.
void expect_nearest(const Group& g, int bits) {
  const auto [least, greatest] = std::ranges::minmax(g.from);
  const float offset = float_of_half(half_of_float(least));
  const auto most = static_cast<float>((1 << bits) - 1);
  const float scale = float_of_half(half_of_float((greatest - least) / most));
  for (size_t i = 0; i < g.from.size(); ++i) {
    float least_error = std::abs(offset - g.from[i]);
    for (float code = 1; code <= most; ++code)
      least_error = std::min(least_error, std::abs(offset + scale * code - g.from[i]));
    EXPECT_NEAR(std::abs(g.to[i] - g.from[i]), least_error, 1e-6f + 1e-6f * std::abs(g.from[i]))
        << "element " << i;
  }
}

class GridTest : public testing::TestWithParam<std::tuple<int, int, int>> {
 protected:
  const int bits_ = std::get<0>(GetParam()), group_ = std::get<1>(GetParam()),
            dim_ = std::get<2>(GetParam());
};

TEST_P(GridTest, EveryElementTakesTheNearestPointOfItsGroupsGrid) {
  const std::vector<float> k = random_rows(dim_, 1), v = random_rows(dim_, 2);
  GridPage page({bits_, group_}, dim_, k, v);
  std::vector<std::vector<float>> keys, values;
  for (int slot = 0; slot < kPageSlots; ++slot) {
    auto [key, value] = page.row(slot);
    keys.push_back(std::move(key)), values.push_back(std::move(value));
  }
  const auto at = [&](const std::vector<float>& rows, int slot, int d) {
    return rows[static_cast<size_t>(slot * dim_ + d)];
  };
  for (int d = 0; d < dim_; ++d)
    for (int first = 0; first < kPageSlots; first += group_) {
      Group g;
      for (int s = first; s < first + group_; ++s)
        g.from.push_back(at(k, s, d)), g.to.push_back(keys[s][d]);
      expect_nearest(g, bits_);
    }
  for (int slot = 0; slot < kPageSlots; ++slot)
    for (int first = 0; first < dim_; first += group_) {
      Group g;
      for (int d = first; d < std::min(first + group_, dim_); ++d)
        g.from.push_back(at(v, slot, d)), g.to.push_back(values[slot][d]);
      expect_nearest(g, bits_);
    }
}

INSTANTIATE_TEST_SUITE_P(All, GridTest,
                         testing::Combine(testing::Values(8, 4, 2), testing::Values(32, 64),
                                          testing::Values(16, 64, 80)));

TEST(Grid, AGroupOf64TakesHalfTheGrids) {
  EXPECT_EQ(grid_half_bytes({4, 32}, 64), 64 * 64 / 2 + 2 * 64 * 4u);
  EXPECT_EQ(grid_half_bytes({4, 64}, 64), 64 * 64 / 2 + 64 * 4u);
  EXPECT_EQ(grid_half_bytes({4, 64}, 80), 3 * 32 * 64 / 2 + 2 * 64 * 4u);
}

TEST(Grid, AGroupWhoseElementsAreEqualIsExact) {
  const std::vector<float> same(kPageSlots * 16, -1.5f);
  GridPage page({2}, 16, same, same);
  EXPECT_EQ(page.row(63).first, std::vector<float>(16, -1.5f));
  EXPECT_EQ(page.row(63).second, std::vector<float>(16, -1.5f));
}

TEST(Grid, WhatIsNotFiniteBecomesFinite) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const float bad : {kInfinity, -kInfinity, std::nanf(""), 1e30f, -1e30f}) {
    std::vector<float> k = random_rows(16, 3), v = random_rows(16, 4);
    k[5 * 16 + 2] = v[5 * 16 + 2] = bad;
    for (const int bits : {8, 4, 2}) {
      GridPage page({bits}, 16, k, v);
      for (int slot = 0; slot < kPageSlots; ++slot)
        for (int d = 0; d < 16; ++d) {
          EXPECT_TRUE(std::isfinite(page.row(slot).first[d])) << bad;
          EXPECT_TRUE(std::isfinite(page.row(slot).second[d])) << bad;
        }
    }
  }
}

}  // namespace
}  // namespace weir
