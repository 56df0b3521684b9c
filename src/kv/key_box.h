// What a query can find in a page at most, from a summary of the page. Keys lie in a box around
// centre c, half as wide as h, and in each block B of 16 dimensions in a ball of radius r_B, so
// that
//
//   q.k <= q.c + sum over B of min(sum over d in B of |q_d| h_d, |q_B| r_B)
//
// (extremes of keys as a bound: Tang, Zhao, Zhu, Xiao, Kasikci, Han: Quest, 2024). All of it is
// rounded outward. With u = 2^-24, D dimensions and C the length of the box's outermost corner (no
// key, centre or half width is longer), to first order:
//   - the floats that bound q.k err by (D / 16 + 44) 2 u |q| C;
//   - a logit of the attention kernels errs by (D + 4) u |q| C, by one u more where a length
//     multiplies it, on a grid by three times that, where code and offset are multiplied apart.
//     rounding() is more than both;
//   - elements that were decoded err by 3 u of the greatest: boxes and lengths are so much wider.
// On grids the kernels round products with scales to factors, the largest to F = 32767 or 127
// (kernels/grid.h). L being the largest code, a factor errs by half a unit and counts for L / 2
// codes at most, so a logit errs by D / (4 F) times the largest |q_d| L scale_d. A grid is at most
// one and a half times as wide as what stands on it, but for its offset's own rounding:
//   L scale_d <= 3 h_d + 2^-9 (|c_d| + h_d).
// Values likewise: 64 rows, each with grids of up to 64 dimensions no wider than 1.5 sqrt(2) times
// the length of what stands on them, so sqrt(64) 64 / (4 F) 1.5 sqrt(2) max|v|, which is below
// kGridValues / F.
//
// What is summed in double errs by a few 2^-53: up() adds more than that and than the rounding to a
// float.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kv/retriever.h"

namespace weir {

// A float that is not less than `x`, even where x has lost a few ulp of a double.
float up(double x);

// One query head, and lengths of it that are not too small.
struct BoxedQuery {
  BoxedQuery(const float* its_q, uint32_t head_dim);
  const float* q;
  uint32_t dim;
  double length;
  std::vector<float> blocks;  // [dim / 16]
};

// A view of a summary. Rows whose bias drops them are in no box; as they may be sinks, which
// another list reads, corner() and value() count them.
class KeyBox {
 public:
  static size_t floats(uint32_t head_dim);
  static void write(const PageRows& rows, float* to);

  KeyBox(const float* summary, uint32_t head_dim) : at_(summary), dim_(head_dim) {}

  // Not less than q.k of any row.
  double dot(const BoxedQuery& q) const;
  // Not less than the length of a key, and of the box's corners; nor than that of a value.
  double corner() const { return ends()[0]; }
  double value() const { return ends()[1]; }
  // Of how many rows its rows stand for, the logarithm, or more.
  double log_weight() const { return ends()[2]; }
  // What the attention kernels may lose: of a row's q.k; of an average of the rows' values, as a
  // share of the longest.
  double logit_error(const BoxedQuery& q) const;
  double value_error() const { return factor_limit() > 0 ? kGridValues / factor_limit() : 0; }

 private:
  static constexpr double kGridValues = 280;

  // Of rows on grids, PageRows::factor_limit, negative where there are sinks, which rotated queries
  // may read; 0 where all are in pages as they are.
  double lies() const { return ends()[3]; }
  double factor_limit() const { return lies() < 0 ? -lies() : lies(); }
  double rounding(const BoxedQuery& q) const;
  const float* ends() const { return at_ + floats(dim_) - 4; }

  const float* at_;  // [dim] centres, [dim] half widths, [dim / 16] radii, and the four ends.
  uint32_t dim_;
};

}  // namespace weir
