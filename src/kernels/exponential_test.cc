// The kernels' exponential by itself; that all ISAs have the same one shows in attention_test.cc.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#define WEIR_ISA_NAMESPACE exponential_test
#include "kernels/cpu/vector_scalar-inl.h"
// After the vectors:
#include "kernels/cpu/exponential-inl.h"

namespace weir {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

float exponential(float x) {
  float all[16];
  exponential_test::store(all, exponential_test::exponential(exponential_test::broadcast(x)));
  return all[3];
}

TEST(Exponential, ErrsByOneUlpAtMost) {
  int worst = 0;
  for (float x = -87.33f; x < 88.37f; x += 1e-4f) {
    const auto want = static_cast<float>(std::exp(double{x}));
    const int ulps =
        std::abs(std::bit_cast<int32_t>(exponential(x)) - std::bit_cast<int32_t>(want));
    worst = std::max(worst, ulps);
  }
  EXPECT_EQ(worst, 1);
}

TEST(Exponential, OfSmallNumbersIsOneAndABit) {
  EXPECT_EQ(exponential(0.0f), 1.0f);
  EXPECT_EQ(exponential(-0.0f), 1.0f);
  EXPECT_EQ(exponential(1e-30f), 1.0f);
  EXPECT_EQ(exponential(0x1p-23f), 1.0f + 0x1p-23f);
}

TEST(Exponential, FallsToZeroAndNeverRises) {
  for (const float x : {-87.7f, -88.0f, -1000.0f, std::numeric_limits<float>::lowest(), -kInfinity})
    EXPECT_EQ(std::bit_cast<uint32_t>(exponential(x)), 0u) << x;
  float last = 1;
  for (float x = -86; x > -88; x = std::nextafter(x, -kInfinity)) {
    const float y = exponential(x);
    ASSERT_LE(y, last) << x;
    ASSERT_NEAR(y, std::exp(double{x}), 1e-38 * 0.9) << x;
    last = y;
  }
}

TEST(Exponential, StopsBelowInfinityAndKeepsNaN) {
  EXPECT_EQ(exponential(kInfinity), exponential(88.37f));
  EXPECT_TRUE(std::isfinite(exponential(kInfinity)));
  EXPECT_TRUE(std::isnan(exponential(std::nanf(""))));
}

}  // namespace
}  // namespace weir
