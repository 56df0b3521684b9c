#include "kernels/elementwise.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "kernels/isa_fixture.h"

namespace weir {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
const size_t kSizes[] = {1, 15, 16, 37, 64, 576, 640, 2048};

std::vector<float> random_row(size_t n, uint32_t seed, float spread = 1) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, spread);
  std::vector<float> row(n);
  for (float& x : row) x = normal(random);
  return row;
}

// How many floats lie between two of the same sign.
int64_t ulps(float a, double want) {
  const auto b = static_cast<float>(want);
  return std::abs(int64_t{std::bit_cast<int32_t>(a)} - std::bit_cast<int32_t>(b));
}

class ElementwiseTest : public IsaTest {};
WEIR_FOR_EACH_ISA(ElementwiseTest);

TEST_P(ElementwiseTest, RmsNorm) {
  for (const size_t n : kSizes) {
    const std::vector<float> x = random_row(n, 1, 30), weight = random_row(n, 2);
    std::vector<float> out = x;
    rms_norm(out.data(), weight.data(), n, 1e-5f, out.data());  // In place.
    double squares = 0;
    for (const float v : x) squares += double{v} * v;
    const double norm = std::sqrt(squares / static_cast<double>(n) + double{1e-5f});
    for (size_t i = 0; i < n; ++i) EXPECT_LE(ulps(out[i], x[i] / norm * weight[i]), 4) << n;
  }
}

TEST_P(ElementwiseTest, RmsNormOfZerosIsZeros) {
  const std::vector<float> zeros(64), ones(64, 1);
  std::vector<float> out(64, 7);
  rms_norm(zeros.data(), ones.data(), 64, 1e-6f, out.data());
  EXPECT_THAT(out, testing::Each(0.0f));
}

TEST_P(ElementwiseTest, AddAndScale) {
  for (const size_t n : kSizes) {
    const std::vector<float> before = random_row(n + 1, 3), y = random_row(n + 1, 4);
    std::vector<float> x = before, scaled = before;
    add(x.data(), y.data(), n);
    scale(scaled.data(), 0.37f, n);
    for (size_t i = 0; i < n; ++i) {
      ASSERT_EQ(x[i], before[i] + y[i]) << i;
      ASSERT_EQ(scaled[i], before[i] * 0.37f) << i;
    }
    EXPECT_EQ(x[n], before[n]);
    EXPECT_EQ(scaled[n], before[n]);
  }
}

TEST_P(ElementwiseTest, Silu) {
  std::vector<float> gate;
  for (float x = -80; x < 80; x += 0.0037f) gate.push_back(x);
  const std::vector<float> up(gate.size(), 1.0f);
  std::vector<float> out(gate.size());
  silu_multiply(gate.data(), up.data(), gate.size(), out.data());
  for (size_t i = 0; i < gate.size(); ++i)
    ASSERT_LE(ulps(out[i], gate[i] / (1 + std::exp(-double{gate[i]}))), 3) << gate[i];
}

TEST_P(ElementwiseTest, Gelu) {
  std::vector<float> gate;
  for (float x = -12; x < 12; x += 0.0007f) gate.push_back(x);
  const std::vector<float> up = random_row(gate.size(), 5);
  std::vector<float> out = gate;
  gelu_multiply(out.data(), up.data(), gate.size(), out.data());  // In place.
  for (size_t i = 0; i < gate.size(); ++i) {
    const double x = gate[i];
    const double t = std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x);
    const double sigmoid = 1 / (1 + std::exp(-2 * t));  // (1 + tanh t) / 2, exactly.
    const double want = x * sigmoid * up[i];
    // The exponent's own rounding grows with it, and e^x stops at e^88.
    ASSERT_NEAR(out[i], want, std::abs(want) * 1e-7 * (3 + 4 * std::abs(t)) + 1e-36) << x;
    ASSERT_NEAR(sigmoid, (1 + std::tanh(t)) / 2, 1e-15) << x;
  }
}

TEST_P(ElementwiseTest, GatesOfExtremeValues) {
  const std::vector<float> gate = {-1e30f, -200, 200, 1e30f, 0, std::nanf("")}, up(6, 2.0f);
  for (const auto function : {silu_multiply, gelu_multiply}) {
    std::vector<float> out(6);
    function(gate.data(), up.data(), 6, out.data());
    EXPECT_NEAR(out[1], 0, 1e-30f);
    EXPECT_EQ(out[2], 400);
    EXPECT_EQ(out[3], 2e30f);
    EXPECT_EQ(out[4], 0);
    EXPECT_TRUE(std::isnan(out[5]));
  }
}

TEST_P(ElementwiseTest, Rope) {
  for (const int dims : {2, 20, 32, 64, 80, 256})
    for (const bool interleaved : {false, true}) {
      const std::vector<float> before = random_row(300, 6);
      std::vector<float> head = before, cosine(dims / 2), sine(dims / 2);
      RopeTable(dims, 1e4, 1, {}).angles(77, cosine.data(), sine.data());
      rope(head.data(), dims, cosine.data(), sine.data(), interleaved);
      for (int i = 0; i < dims / 2; ++i) {
        const int a = interleaved ? 2 * i : i, b = interleaved ? 2 * i + 1 : i + dims / 2;
        const double c = cosine[i], s = sine[i];
        ASSERT_NEAR(head[a], before[a] * c - before[b] * s, 4e-7) << dims << " " << i;
        ASSERT_NEAR(head[b], before[b] * c + before[a] * s, 4e-7) << dims << " " << i;
      }
      for (size_t i = dims; i < before.size(); ++i) ASSERT_EQ(head[i], before[i]);
    }
}

TEST(Elementwise, IsasAgreeBitForBit) {
  std::vector<std::vector<float>> first;
  for (const std::string_view name : available_isas()) {
    ASSERT_TRUE(set_isa(name));
    std::vector<std::vector<float>> all;
    for (const size_t n : kSizes)
      for (const float spread : {1e-20f, 1.0f, 50.0f}) {
        const std::vector<float> x = random_row(n, 7, spread), y = random_row(n, 8);
        std::vector<float> out(n);
        rms_norm(x.data(), y.data(), n, 1e-6f, out.data());
        all.push_back(out);
        silu_multiply(x.data(), y.data(), n, out.data());
        all.push_back(out);
        gelu_multiply(x.data(), y.data(), n, out.data());
        all.push_back(out);
        if (n < 64) continue;
        for (const int dims : {32, 64, 50})
          for (const bool interleaved : {false, true}) {
            rope(out.data(), dims, x.data(), y.data(), interleaved);
            all.push_back(out);
          }
      }
    if (first.empty()) first = all;
    for (size_t i = 0; i < all.size(); ++i)
      ASSERT_EQ(std::memcmp(all[i].data(), first[i].data(), 4 * all[i].size()), 0) << name << i;
  }
  (void)set_isa(available_isas().back());
}

TEST(RopeTable, AgreesWithLongDouble) {
  const std::vector<float> divisors = {1, 1.5f, 8, 8};
  for (const double base : {1e4, 1e5, 5e5, 1e6})
    for (const int dims : {8, 64, 128, 256})
      for (const double factor : {1.0, 8.0})
        for (const int32_t position : {0, 1, 2, 8191, 131071, 1'000'000}) {
          const bool divided = dims == 8;
          const RopeTable table(dims, base, factor, divided ? divisors : std::span<const float>());
          std::vector<float> cosine(dims / 2), sine(dims / 2);
          table.angles(position, cosine.data(), sine.data());
          for (int i = 0; i < dims / 2; ++i) {
            const long double angle = position *
                                      std::pow(static_cast<long double>(base), -2.0L * i / dims) /
                                      (divided ? divisors[i] : 1.0f) / factor;
            // Half a unit of a float, and the angle's own error.
            ASSERT_NEAR(cosine[i], static_cast<double>(std::cos(angle)), 3.1e-8)
                << position << " " << i;
            ASSERT_NEAR(sine[i], static_cast<double>(std::sin(angle)), 3.1e-8)
                << position << " " << i;
          }
        }
}

TEST(RopeTable, PositionZeroTurnsNothing) {
  float cosine[32], sine[32];
  RopeTable(64, 1e4, 1, {}).angles(0, cosine, sine);
  EXPECT_THAT(cosine, testing::Each(1.0f));
  EXPECT_THAT(sine, testing::Each(0.0f));
}

TEST(ExactMath, ExpAgreesWithLongDouble) {
  for (double x = -740; x < 709.7; x += 0.0613) {
    const long double want = std::exp(static_cast<long double>(x));
    const long double slack = std::max(4e-16L * want, 5e-324L);
    ASSERT_LE(std::abs(exact_exp(x) - want), slack) << x;
  }
  EXPECT_EQ(exact_exp(0), 1);
  EXPECT_EQ(exact_exp(-double{kInfinity}), 0);
  EXPECT_EQ(exact_exp(-800), 0);
  EXPECT_EQ(exact_exp(710.5), double{kInfinity});
  EXPECT_EQ(exact_exp(double{kInfinity}), double{kInfinity});
  EXPECT_TRUE(std::isnan(exact_exp(std::nan(""))));
}

TEST(ExactMath, LogAgreesWithLongDouble) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 100'000; ++i) {
    const double x = i % 2 ? std::ldexp(1 + static_cast<double>(random() >> 11) * 0x1p-53,
                                        static_cast<int>(random() % 2090) - 1070)
                           : 1 + (static_cast<double>(random() >> 11) * 0x1p-53 - 0.5) * 1e-3;
    const long double want = std::log(static_cast<long double>(x));
    ASSERT_LE(std::abs(exact_log(x) - want), 5e-16L * std::abs(want)) << x;
  }
  EXPECT_EQ(exact_log(1), 0);
  EXPECT_EQ(exact_log(0), -double{kInfinity});
  EXPECT_EQ(exact_log(double{kInfinity}), double{kInfinity});
  EXPECT_TRUE(std::isnan(exact_log(-1)));
  EXPECT_TRUE(std::isnan(exact_log(std::nan(""))));
}

TEST(ExactMath, SineAndArccosineAgreeWithLongDouble) {
  constexpr double kPi = 3.141592653589793;
  for (double x = 0; x <= kPi; x += 1e-4)
    ASSERT_LE(std::abs(exact_sine(x) - std::sin(static_cast<long double>(x))), 4e-16L) << x;
  for (double x = -1; x <= 1; x += 1e-4)
    ASSERT_LE(std::abs(exact_arccosine(x) - std::acos(static_cast<long double>(x))), 1e-15L) << x;
  EXPECT_EQ(exact_arccosine(1), 0);
  EXPECT_EQ(exact_arccosine(-1), kPi);
  EXPECT_NEAR(exact_arccosine(1 - 0x1p-53), 0x1p-26, 0x1p-78);  // sqrt(2 (1 - x)).
}

}  // namespace
}  // namespace weir
