// exp, log, sine and cosine in double from additions, multiplications and divisions alone, which
// every machine rounds alike: tables of angles and probabilities depend on them.
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "base/check.h"
#include "kernels/elementwise.h"

namespace weir {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kPi = 0x1.921fb54442d18p+1;

// ln 2 in two parts; the first has 41 bits, so that its product with an exponent is exact.
constexpr double kLn2High = 0x1.62e42fefa3p-1, kLn2Low = 0x1.3de6af278ece6p-42;

// The nearest whole number, halves to even. REQUIRES |x| < 2^51.
double nearest(double x) {
  constexpr double kShift = 0x1.8p52;
  return (x + kShift) - kShift;
}

// 2^n for n in [-1022, 1023].
double power_of_two(int64_t n) {
  return std::bit_cast<double>(static_cast<uint64_t>(n + 1023) << 52);
}

// 1 / n!.
constexpr double inverse_factorial(int n) {
  double product = 1;
  for (int k = 2; k <= n; ++k) product *= k;  // Exact up to 18!.
  return 1 / product;
}

// sum over k of x^k / (first + step k)! with kTerms terms, from the far end.
template <int kFirst, int kStep, int kTerms>
double series(double x) {
  static constexpr auto kCoefficient = [] {
    std::array<double, kTerms> all;
    for (int k = 0; k < kTerms; ++k) all[k] = inverse_factorial(kFirst + kStep * k);
    return all;
  }();
  double sum = 0;
  for (int k = kTerms - 1; k >= 0; --k) sum = sum * x + kCoefficient[k];
  return sum;
}

// sin x and cos x for |x| <= pi / 4 and a little more.
double sine_near_zero(double x) {
  return x * series<1, 2, 9>(-x * x);
}
double cosine_near_zero(double x) {
  return series<0, 2, 10>(-x * x);
}

// REQUIRES 0 <= x < 2^27: then x's quarter turns take 27 bits, and their products with the first
// three parts of pi / 2, of 25 bits each, are exact.
void sine_cosine(double x, float& sine, float& cosine) {
  constexpr double kPart[] = {0x1.921fb5p+0, 0x1.110b46p-26, 0x1.1a6263p-54, 0x1.8a2e03707344ap-81};
  const double turns = nearest(x * 0x1.45f306dc9c883p-1);
  for (const double part : kPart) x -= turns * part;
  const double s = sine_near_zero(x), c = cosine_near_zero(x);
  const int quarter = static_cast<int>(static_cast<int64_t>(turns) & 3);
  const double sines[] = {s, c, -s, -c}, cosines[] = {c, -s, -c, s};
  sine = static_cast<float>(sines[quarter]);
  cosine = static_cast<float>(cosines[quarter]);
}

// The angle in [0, pi / 4] of a sine, by Newton's rule from the first terms of its series.
double arcsine_near_zero(double sine) {
  const double square = sine * sine;
  double x = sine * (1 + square * (1.0 / 6 + square * (3.0 / 40)));
  for (int step = 0; step < 4; ++step) x -= (sine_near_zero(x) - sine) / cosine_near_zero(x);
  return x;
}

}  // namespace

double exact_sine(double x) {
  if (x > kPi / 2) x = kPi - x;
  return x > kPi / 4 ? cosine_near_zero(kPi / 2 - x) : sine_near_zero(x);
}

// By the half angle, whose sine is well told from its neighbours'.
double exact_arccosine(double x) {
  const double acute = 2 * arcsine_near_zero(std::sqrt((1 - std::abs(x)) / 2));
  return x < 0 ? kPi - acute : acute;
}

double exact_exp(double x) {
  if (std::isnan(x)) return x;
  if (x > 710) return kInfinity;
  if (x < -746) return 0;
  const double n = nearest(x * 0x1.71547652b82fep+0);
  const double r = (x - n * kLn2High) - n * kLn2Low;
  // In two steps: 2^n itself may be out of range where the result is not.
  const auto exponent = static_cast<int64_t>(n), first = exponent / 2;
  return series<0, 1, 14>(r) * power_of_two(first) * power_of_two(exponent - first);
}

double exact_log(double x) {
  if (std::isnan(x) || x == kInfinity) return x;
  if (x <= 0) return x == 0 ? -kInfinity : kNaN;
  int64_t exponent = 0;
  if (x < std::numeric_limits<double>::min()) x *= 0x1p54, exponent = -54;
  const auto bits = std::bit_cast<uint64_t>(x);
  exponent += static_cast<int64_t>(bits >> 52) - 1023;
  double m = std::bit_cast<double>((bits & 0x000FFFFFFFFFFFFF) | 0x3FF0000000000000);
  if (m > 0x1.6a09e667f3bcdp+0) m /= 2, ++exponent;  // m in [sqrt(1/2), sqrt 2].
  // ln m = 2 artanh((m - 1) / (m + 1)).
  const double s = (m - 1) / (m + 1), square = s * s;
  double sum = 0;
  for (int k = 23; k >= 3; k -= 2) sum = sum * square + 2.0 / k;
  const auto n = static_cast<double>(exponent);
  return n * kLn2High + (2 * s + (s * square * sum + n * kLn2Low));
}

RopeTable::RopeTable(int dims, double base, double factor, std::span<const float> divisors)
    : dims_(dims), frequency_(static_cast<size_t>(dims) / 2) {
  WEIR_CHECK(dims >= 0 && dims % 2 == 0, "{} dims", dims);
  WEIR_CHECK(divisors.empty() || divisors.size() == frequency_.size(), "{} divisors for {} dims",
             divisors.size(), dims);
  const double step = -2 * exact_log(base) / dims;
  for (size_t i = 0; i < frequency_.size(); ++i)
    frequency_[i] = exact_exp(static_cast<double>(i) * step) /
                    (divisors.empty() ? 1.0 : static_cast<double>(divisors[i])) / factor;
}

void RopeTable::angles(int32_t position, float* cosine, float* sine) const {
  for (size_t i = 0; i < frequency_.size(); ++i)
    sine_cosine(position * frequency_[i], sine[i], cosine[i]);
}

}  // namespace weir
