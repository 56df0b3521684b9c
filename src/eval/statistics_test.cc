#include "eval/statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "eval/draw.h"

namespace weir::eval {
namespace {

const std::vector<float> kHalves = {0, 0};                // 1/2, 1/2
const std::vector<float> kQuarter = {0, std::log(3.0f)};  // 1/4, 3/4
const std::vector<float> kShifted = {100, 100 + std::log(3.0f)};

TEST(Statistics, KlByHand) {
  const Divergence d = Reference(kHalves).of(kQuarter, 0);
  // 1/2 log((1/2)/(1/4)) + 1/2 log((1/2)/(3/4)).
  EXPECT_NEAR(d.kl, 0.5 * std::log(2) + 0.5 * std::log(2.0 / 3), 1e-7);
  EXPECT_FALSE(d.same_top);  // A tie goes to the lower token.
  EXPECT_NEAR(d.right, std::log(0.5), 1e-7);
  EXPECT_NEAR(Reference(kQuarter).of(kHalves, 1).right, std::log(2.0 / 3), 1e-7);
}

TEST(Statistics, EqualLogitsDivergeByNothingAtAll) {
  const Divergence d = Reference(kQuarter).of(kQuarter, 0);
  EXPECT_EQ(d.kl, 0);
  EXPECT_EQ(d.right, 0);
  EXPECT_TRUE(d.same_top);
}

TEST(Statistics, AShiftOfAllLogitsIsNoChange) {
  EXPECT_NEAR(Reference(kQuarter).of(kShifted, 0).kl, 0, 1e-6);
  EXPECT_NEAR(log_probability(kShifted, 0), std::log(0.25), 1e-5);
}

TEST(Statistics, LargeLogitsDoNotOverflow) {
  const std::vector<float> far = {-2e4f, 3e4f};
  EXPECT_NEAR(log_probability(far, 1), 0, 1e-9);
  EXPECT_TRUE(std::isfinite(Reference(far).of(kHalves, 0).kl));
}

TEST(Statistics, MeansAndMedians) {
  const std::vector<double> odd = {5, 1, 3}, even = {4, 1, 2, 10};
  EXPECT_EQ(mean(odd), 3);
  EXPECT_EQ(median(odd), 3);
  EXPECT_EQ(median(even), 3);
  EXPECT_EQ(median({}), 0);
}

TEST(BinomialTail, ByHand) {
  constexpr double kGuess = 1.0 / 8, kLevel = 0.00135;
  const auto beyond = [](size_t tries) { return successes_beyond_chance(tries, kGuess, kLevel); };
  EXPECT_EQ(beyond(1), 2u);  // 1/8 is no small chance,
  EXPECT_EQ(beyond(3), 4u);  // nor is 1/512 = 0.00195.
  EXPECT_EQ(beyond(4), 4u);  // All four: 1/4096. Three of them: 29/4096 = 0.0071.
  EXPECT_EQ(beyond(5), 4u);  // Four or five: (5 * 7 + 1)/32768 = 0.0011.
  // Five to eight: (56 * 343 + 28 * 49 + 8 * 7 + 1)/8^8 = 0.00123; four: 70 * 2401/8^8 more.
  EXPECT_EQ(beyond(8), 5u);
  // Of ten coins nine or ten heads: 11/1024. Eight: 45/1024 more.
  EXPECT_EQ(successes_beyond_chance(10, 0.5, 0.05), 9u);
  EXPECT_EQ(successes_beyond_chance(10, 0.5, 0.055), 8u);
  EXPECT_EQ(successes_beyond_chance(0, 0.5, 0.05), 1u);
}

TEST(BinomialTail, OfManyTriesIsNearlyNormal) {
  const auto got = static_cast<double>(successes_beyond_chance(10000, 1.0 / 8, 0.00135));
  EXPECT_NEAR(got, 1250 + 3 * std::sqrt(10000.0 * 7 / 64), 4);
}

double normal(Draw& draw) {
  const auto uniform = [&] {
    return (static_cast<double>(draw.next() >> 11) + 0.5) / (1ull << 53);
  };
  return std::sqrt(-2 * std::log(uniform())) * std::cos(2 * std::numbers::pi * uniform());
}

// Of how many of 400 sets of n normal values with mean 7 the interval holds 7.
double coverage(size_t n) {
  Draw draw(11);
  int held = 0;
  for (uint64_t set = 0; set < 400; ++set) {
    std::vector<double> values(n);
    for (double& v : values) v = 7 + 3 * normal(draw);
    const Interval i = bootstrap(values, set);
    held += i.low <= 7 && 7 <= i.high;
  }
  return held / 400.0;
}

TEST(Bootstrap, CoversTheTruthAsOftenAsItSays) {
  EXPECT_NEAR(coverage(40), 0.95, 0.035);
  EXPECT_NEAR(coverage(8), 0.90, 0.05);  // Of few it is too narrow, as the header says.
}

TEST(Bootstrap, IsTheSameForTheSameSeed) {
  const std::vector<double> values = {1, 2.3, 4.9, 8.1, 16.7, 33.3, 64.9};
  EXPECT_EQ(bootstrap(values, 3), bootstrap(values, 3));
  EXPECT_NE(bootstrap(values, 3), bootstrap(values, 4));
  EXPECT_EQ(bootstrap(std::vector<double>{2, 2, 2}, 1), (Interval{2, 2, 2}));
  EXPECT_EQ(bootstrap({}, 1), Interval());
}

}  // namespace
}  // namespace weir::eval
