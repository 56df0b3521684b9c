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

struct Product {
  const PackedMatrix& w;
  const Activations& x;
  float* out;
  size_t stride;
  bool add;
  MultiplyFunction multiply;

  size_t strips() const { return ceil_div<size_t>(w.rows(), kTileRows); }
  size_t row_pieces() const { return ceil_div(x.rows(), kPieceRows); }

  // The outputs of one strip for kPieceRows rows.
  void piece(size_t strip, size_t row_piece) const {
    const size_t row = row_piece * kPieceRows, output = strip * kTileRows;
    const bool integer = w.arithmetic() == Arithmetic::kInteger;
    multiply({.tiles = w.strip(strip),
              .columns = w.columns(),
              .blocks = integer ? x.blocks(row) : nullptr,
              .x = x.x() + row * x.columns(),
              .rows = std::min(kPieceRows, x.rows() - row),
              .out = out + row * stride + output,
              .stride = stride,
              .outputs = std::min<size_t>(kTileRows, w.rows() - output),
              .add = add});
  }
};

// Few rows: memory is what takes time, and a long run of it for each thread reads fastest.
void spread_evenly(ThreadPool& pool, const Product& product) {
  const size_t threads = static_cast<size_t>(pool.size()), strips = product.strips();
  const auto share = [&product, threads, strips](int me) {
    const size_t i = static_cast<size_t>(me);
    for (size_t s = strips * i / threads; s < strips * (i + 1) / threads; ++s) product.piece(s, 0);
  };
  pool.run(std::cref(share));
}

// Many rows: groups of strips, so that a thread meets the same activations again while they are
// near, handed out as threads come free.
void spread_freely(ThreadPool& pool, const Product& product) {
  constexpr size_t kStrips = 8;
  const size_t strips = product.strips(), groups = ceil_div(strips, kStrips);
  const auto group = [&product, strips, groups](size_t i) {
    const size_t first = i % groups * kStrips;
    for (size_t s = first; s < std::min(first + kStrips, strips); ++s) product.piece(s, i / groups);
  };
  pool.for_each(groups * product.row_pieces(), std::cref(group));
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
  const auto row = [this, blocks](size_t r) {
    kernels().quantise(x_ + r * columns_, columns_, &blocks_[r * blocks]);
  };
  pool.for_each(rows, std::cref(row));
}

void matmul(ThreadPool& pool, const PackedMatrix& w, const Activations& x, float* out,
            size_t stride, bool add) {
  WEIR_CHECK(w.columns() == x.columns(), "{} columns of weights, {} of activations", w.columns(),
             x.columns());
  WEIR_CHECK(x.quantised() || w.arithmetic() == Arithmetic::kFloat, "activations are floats");
  if (x.rows() == 0 || w.empty()) return;
  const Product product{w, x, out, stride, add, kernels().multiplier(w.type(), w.arithmetic())};
  constexpr size_t kFewRows = 8;
  if (x.rows() <= kFewRows)
    spread_evenly(pool, product);
  else
    spread_freely(pool, product);
}

}  // namespace weir
