#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "base/thread_pool.h"
#include "kernels/isa.h"
#include "kernels/matmul.h"

namespace weir {
namespace {

QuantisedBlock quantised(const std::vector<float>& x) {
  ThreadPool pool(1);
  Activations activations;
  activations.set(x.data(), 1, x.size(), Arithmetic::kInteger, pool);
  return activations.blocks(0)[0];
}

std::vector<float> random_block(std::mt19937& random, float size) {
  std::normal_distribution<float> normal(0, size);
  std::vector<float> x(kQuantBlock);
  for (float& v : x) v = normal(random);
  return x;
}

TEST(Quantise, IsWithinHalfAStep) {
  std::mt19937 random(1);
  for (float size : {1e-30f, 1e-3f, 1.0f, 1e30f})
    for (int trial = 0; trial < 100; ++trial) {
      const std::vector<float> x = random_block(random, size);
      const QuantisedBlock block = quantised(x);
      int sum = 0, most = 0;
      for (int c = 0; c < kQuantBlock; ++c) {
        ASSERT_NEAR(x[c], block.scale * block.value[c], block.scale * 0.50001);
        most = std::max(most, std::abs(int{block.value[c]}));
        sum += block.value[c];
        if (c == 15) {
          ASSERT_EQ(block.first_sum, sum);
        }
      }
      EXPECT_EQ(most, 127);
      EXPECT_EQ(block.sum, sum);
      EXPECT_EQ(block.scaled_sum, block.scale * static_cast<float>(sum));
    }
}

TEST(Quantise, RoundsHalvesToEven) {
  std::vector<float> x(kQuantBlock, 0.0f);
  x[0] = 127, x[1] = 0.5f, x[2] = 1.5f, x[3] = -2.5f, x[4] = 3.5f;
  const QuantisedBlock block = quantised(x);
  EXPECT_EQ(block.scale, 1.0f);
  EXPECT_EQ(block.value[1], 0);
  EXPECT_EQ(block.value[2], 2);
  EXPECT_EQ(block.value[3], -2);
  EXPECT_EQ(block.value[4], 4);
}

TEST(Quantise, ZerosAndTinyNumbersGiveZeros) {
  const float least = std::numeric_limits<float>::denorm_min();
  for (float value : {0.0f, -0.0f, least, -least, 1e-37f}) {
    const QuantisedBlock block = quantised(std::vector<float>(kQuantBlock, value));
    EXPECT_EQ(block.scale, 0.0f);
    EXPECT_EQ(block.scaled_sum, 0.0f);
    EXPECT_EQ(block.sum, 0);
    for (int8_t v : block.value) EXPECT_EQ(v, 0);
  }
}

TEST(Quantise, TheLargestFloatsDoNotOverflow) {
  const float most = std::numeric_limits<float>::max();
  const QuantisedBlock block = quantised(std::vector<float>(kQuantBlock, -most));
  EXPECT_TRUE(std::isfinite(block.scale));
  for (int8_t v : block.value) EXPECT_EQ(v, -127);
}

TEST(Quantise, InfinityAndNaNMakeTheBlockNaN) {
  for (float bad : {INFINITY, -INFINITY, NAN}) {
    std::vector<float> x(kQuantBlock, 1.0f);
    x[17] = bad;
    const QuantisedBlock block = quantised(x);
    EXPECT_TRUE(std::isnan(block.scale));
    EXPECT_TRUE(std::isnan(block.scaled_sum));
    for (int8_t v : block.value) EXPECT_EQ(v, 0);
  }
}

TEST(Quantise, AllIsasGiveTheSameBits) {
  const std::string before(isa());
  std::mt19937 random(3);
  for (int trial = 0; trial < 2000; ++trial) {
    const std::vector<float> x = random_block(random, std::ldexp(1.0f, trial % 240 - 120));
    std::vector<QuantisedBlock> all;
    for (std::string_view name : available_isas()) {
      ASSERT_TRUE(set_isa(name).has_value());
      all.push_back(quantised(x));
    }
    for (const QuantisedBlock& block : all)
      ASSERT_EQ(memcmp(&block, &all[0], sizeof(block)), 0) << "trial " << trial;
  }
  ASSERT_TRUE(set_isa(before).has_value());
}

}  // namespace
}  // namespace weir
