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
// On grids the kernels round products with scales to 16 bits (kernels/grid.h), the largest to
// 32767. L being the largest code, a logit errs by half a unit for each dimension's code, so by D /
// 65534 max_d(|q_d| L scale_d), and L scale_d <= 3 h_d + 2^-9 (|c_d| + h_d): a grid is at most one
// and a half times as wide as what stands on it, but for its offset's own rounding. Values
// likewise, 64 rows on runs of 32 dimensions: sqrt(32) 32 / 32767 3 max|v| is below kGridValues.
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
  double value_error() const { return lies() == Lies::kRaw ? 0 : kGridValues; }

 private:
  static constexpr double kGridValues = 0.018;

  // The rows, in pages as they are or on grids; those with sinks may be read by rotated queries.
  enum class Lies { kRaw, kOnGrid, kOnGridWithSinks };

  Lies lies() const { return static_cast<Lies>(ends()[3]); }
  double rounding(const BoxedQuery& q) const;
  const float* ends() const { return at_ + floats(dim_) - 4; }

  const float* at_;  // [dim] centres, [dim] half widths, [dim / 16] radii, and the four ends.
  uint32_t dim_;
};

}  // namespace weir
