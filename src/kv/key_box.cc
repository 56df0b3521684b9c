#include "kv/key_box.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/elementwise.h"

namespace weir {
namespace {

constexpr size_t kBlock = 16;
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kLost = 0x1p-22;  // Of a double that was summed, and of its float.
constexpr double kDecodedKey = 0x1p-20, kDecodedValue = 0x1p-15;  // Of an element, of a row.

double square(double x) {
  return x * x;
}

double length(const float* x, size_t n) {
  double sum = 0;
  for (size_t i = 0; i < n; ++i) sum += square(x[i]);
  return std::sqrt(sum);
}

// One dimension of the rows' keys: its centre and half width. `away` becomes how far each row may
// be from the centre; gives the greatest magnitude.
double measure(const PageRows& rows, size_t d, float* centre, float* half, double* away) {
  double least = kInfinity, greatest = -kInfinity, most = 0, widest = 0;
  for (size_t r = 0; r < rows.count; ++r) {
    const double k = rows.k[r * rows.head_dim + d];
    most = std::max(most, std::abs(k));
    if (rows.bias[r] > -kInfinity) least = std::min(least, k), greatest = std::max(greatest, k);
  }
  *centre = least <= greatest ? static_cast<float>((least + greatest) / 2) : 0;
  for (size_t r = 0; r < rows.count; ++r) {
    const double k = rows.k[r * rows.head_dim + d];
    const bool seen = rows.bias[r] > -kInfinity;
    away[r] = seen ? std::abs(k - double{*centre}) + kDecodedKey * most : 0;
    widest = std::max(widest, away[r]);
  }
  *half = up(widest);
  return most * (1 + kDecodedKey);
}

}  // namespace

float up(double x) {
  return static_cast<float>(x * (x > 0 ? 1 + kLost : 1 - kLost) + 0x1p-140);
}

BoxedQuery::BoxedQuery(const float* its_q, uint32_t head_dim)
    : q(its_q), dim(head_dim), length(weir::length(its_q, head_dim) * (1 + kLost)) {
  for (size_t d = 0; d < dim; d += kBlock) blocks.push_back(up(weir::length(q + d, kBlock)));
}

size_t KeyBox::floats(uint32_t head_dim) {
  return 2 * size_t{head_dim} + head_dim / kBlock + 4;
}

void KeyBox::write(const PageRows& rows, float* to) {
  const size_t dim = rows.head_dim;
  float *centre = to, *half = to + dim, *radius = half + dim, *ends = radius + dim / kBlock;
  double corner = 0, value = 0, weight = 0;
  bool sinks = false;
  std::vector<double> away(rows.count), squares(rows.count);
  for (size_t d = 0; d < dim; ++d) {
    corner += square(measure(rows, d, &centre[d], &half[d], away.data()));
    for (size_t r = 0; r < rows.count; ++r)
      squares[r] = square(away[r]) + (d % kBlock == 0 ? 0 : squares[r]);
    if (d % kBlock == kBlock - 1)
      radius[d / kBlock] = up(std::sqrt(*std::ranges::max_element(squares)));
  }
  for (size_t r = 0; r < rows.count; ++r) {
    value = std::max(value, length(rows.v + r * dim, dim));
    weight += exact_exp(rows.bias[r]);
    sinks |= rows.bias[r] == -kInfinity;
  }
  ends[0] = up(std::sqrt(corner));
  ends[1] = up(value * (1 + kDecodedValue));
  ends[2] = weight > 0 ? up(exact_log(weight)) : -std::numeric_limits<float>::infinity();
  ends[3] = sinks ? -rows.factor_limit : rows.factor_limit;
}

// Lanes of sums, added in order.
double KeyBox::dot(const BoxedQuery& query) const {
  const float *q = query.q, *centre = at_, *half = at_ + dim_, *radius = half + dim_;
  float lanes[kBlock] = {}, around = 0, middle = 0;
  for (size_t b = 0; b < query.blocks.size(); ++b) {
    float box[kBlock], wide = 0;
    for (size_t i = 0; i < kBlock; ++i) {
      const size_t d = b * kBlock + i;
      lanes[i] += q[d] * centre[d];
      box[i] = std::abs(q[d]) * half[d];
    }
    for (const float x : box) wide += x;
    around += std::min(wide, query.blocks[b] * radius[b]);
  }
  for (const float lane : lanes) middle += lane;
  return double{middle} + double{around} + rounding(query);
}

double KeyBox::rounding(const BoxedQuery& query) const {
  return (4.0 * dim_ + 64) * 0x1p-24 * query.length * corner();
}

double KeyBox::logit_error(const BoxedQuery& query) const {
  if (lies() == 0) return rounding(query);
  const float *centre = at_, *half = at_ + dim_;
  double largest = 0;
  for (uint32_t d = 0; d < dim_; ++d) {
    const double wide = 3.0 * half[d] + 0x1p-9 * (std::abs(centre[d]) + half[d]);
    const double q = lies() > 0 ? std::abs(query.q[d]) : query.length;
    largest = std::max(largest, q * wide);
  }
  return rounding(query) + 1.02 * dim_ / (4 * factor_limit()) * largest;
}

}  // namespace weir
