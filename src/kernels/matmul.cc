#include "kernels/matmul.h"

#include <algorithm>
#include <functional>

#include "base/check.h"
#include "base/number.h"
#include "base/thread_pool.h"
#include "kernels/kernel_table.h"
#include "kernels/tile.h"

namespace weir {
namespace {

constexpr size_t kFewRows = 8;

size_t strips_of(const PackedMatrix& w) {
  return ceil_div<size_t>(w.rows(), kTileRows);
}

// The outputs of strips [first, end) for kPieceRows rows.
void multiply_strips(const Product& p, const Activations& x, size_t first, size_t end,
                     size_t row_piece) {
  const size_t row = row_piece * kPieceRows;
  const bool integer = p.w->arithmetic() == Arithmetic::kInteger;
  const MultiplyFunction multiply = kernels().multiplier(p.w->type(), p.w->arithmetic());
  for (size_t strip = first; strip < end; ++strip) {
    const size_t output = strip * kTileRows;
    multiply({.tiles = p.w->strip(strip),
              .columns = p.w->columns(),
              .blocks = integer ? x.blocks(row) : nullptr,
              .x = x.x() + row * x.columns(),
              .rows = std::min(kPieceRows, x.rows() - row),
              .out = p.out + row * p.stride + output,
              .stride = p.stride,
              .outputs = std::min<size_t>(kTileRows, p.w->rows() - output),
              .add = p.add});
  }
}

// The strips of several products in one row: those of the first, then those of the second, ...
struct Strips {
  Strips(std::span<const Product> all, const Activations& rows) : products(all), x(rows) {
    for (const Product& p : products) count += strips_of(*p.w);
  }

  void multiply(size_t first, size_t end, size_t row_piece) const {
    for (const Product& p : products) {
      const size_t strips = strips_of(*p.w);
      multiply_strips(p, x, std::min(first, strips), std::min(end, strips), row_piece);
      first -= std::min(first, strips);
      end -= std::min(end, strips);
    }
  }

  std::span<const Product> products;
  const Activations& x;
  size_t count = 0;
};

// Few rows: memory is what takes time, and long runs of it read fastest. A few to each thread, so
// that one that is held up leaves its part to the others.
void spread_evenly(ThreadPool& pool, const Strips& strips) {
  constexpr size_t kRunsPerThread = 4;
  const size_t runs = pool.size() == 1 ? 1 : kRunsPerThread * static_cast<size_t>(pool.size());
  const auto run = [&strips, runs](size_t i) {
    strips.multiply(strips.count * i / runs, strips.count * (i + 1) / runs, 0);
  };
  pool.for_each(runs, std::cref(run));
}

// Many rows: groups of strips, so that a thread meets the same activations again while they are
// near, handed out as threads come free.
void spread_freely(ThreadPool& pool, const Strips& strips) {
  constexpr size_t kStrips = 8;
  const size_t groups = ceil_div(strips.count, kStrips);
  const auto group = [&strips, groups](size_t i) {
    const size_t first = i % groups * kStrips;
    strips.multiply(first, first + kStrips, i / groups);
  };
  pool.for_each(groups * ceil_div(strips.x.rows(), kPieceRows), std::cref(group));
}

}  // namespace

void Activations::set(const float* x, size_t rows, size_t columns, Arithmetic arithmetic,
                      ThreadPool& pool) {
  WEIR_CHECK(columns % kQuantBlock == 0, "{} columns", columns);
  x_ = x;
  rows_ = rows;
  columns_ = columns;
  quantised_ = arithmetic == Arithmetic::kInteger;
  if (!quantised_) return;
  const size_t blocks = columns / kQuantBlock;
  if (blocks_.size() < rows * blocks) blocks_.resize(rows * blocks);
  // Few rows are done by the caller: waking the other threads would cost more.
  const auto piece = [this, blocks](size_t i) {
    for (size_t r = i * kFewRows; r < std::min(rows_, (i + 1) * kFewRows); ++r)
      kernels().quantise(x_ + r * columns_, columns_, &blocks_[r * blocks]);
  };
  pool.for_each(ceil_div(rows, kFewRows), std::cref(piece));
}

void matmul(ThreadPool& pool, std::span<const Product> products, const Activations& x) {
  for (const Product& p : products) {
    WEIR_CHECK(p.w->columns() == x.columns(), "{} columns of weights, {} of activations",
               p.w->columns(), x.columns());
    WEIR_CHECK(x.quantised() || p.w->arithmetic() == Arithmetic::kFloat, "activations are floats");
  }
  const Strips strips(products, x);
  if (x.rows() == 0 || strips.count == 0) return;
  if (x.rows() <= kFewRows)
    spread_evenly(pool, strips);
  else
    spread_freely(pool, strips);
}

}  // namespace weir
