#include "kernels/matmul.h"

#include <algorithm>
#include <functional>

#include "base/check.h"
#include "base/number.h"
#include "base/row_pieces.h"
#include "base/thread_pool.h"
#include "kernels/kernel_table.h"
#include "kernels/tile.h"

namespace weir {
namespace {

size_t strips_of(const PackedMatrix& w) {
  return ceil_div<size_t>(w.rows(), kTileRows);
}

// One strip of `p` for the rows of a piece, to rows `stride` apart.
void multiply_strip(const Product& p, const Activations& x, size_t strip, size_t row_piece,
                    float* out, size_t stride) {
  const size_t row = row_piece * kPieceRows;
  const bool integer = p.w->arithmetic() == Arithmetic::kInteger;
  kernels().multiplier(p.w->type(), p.w->arithmetic())(
      {.tiles = p.w->strip(strip),
       .columns = p.w->columns(),
       .blocks = integer ? x.blocks(row) : nullptr,
       .x = integer ? nullptr : x.x() + row * x.columns(),
       .rows = std::min(kPieceRows, x.rows() - row),
       .out = out,
       .stride = stride,
       .outputs = std::min<size_t>(kTileRows, p.w->rows() - strip * kTileRows),
       .add = p.add});
}

void check_input(const PackedMatrix& w, const Activations& x) {
  WEIR_CHECK(w.columns() == x.columns(), "{} columns of weights, {} of activations", w.columns(),
             x.columns());
  WEIR_CHECK(x.quantised() || w.arithmetic() == Arithmetic::kFloat, "activations are floats");
}

// The outputs of one block of 32 for the rows of a piece, row after row.
void multiply_block(const PackedMatrix& w, const Activations& x, size_t block, size_t row_piece,
                    float* out) {
  constexpr size_t kStrips = kQuantBlock / kTileRows;
  for (size_t s = 0; s < kStrips; ++s)
    multiply_strip({&w, nullptr, 0}, x, block * kStrips + s, row_piece, out + s * kTileRows,
                   kQuantBlock);
}

// The strips of several products in one row: those of the first, then those of the second, ...
struct Strips {
  Strips(std::span<const Product> all, const Activations& rows) : products(all), x(rows) {
    for (const Product& p : products) count += strips_of(*p.w);
  }

  void operator()(size_t first, size_t end, size_t row_piece) const {
    for (const Product& p : products) {
      const size_t strips = strips_of(*p.w);
      for (size_t s = std::min(first, strips); s < std::min(end, strips); ++s)
        multiply_strip(p, x, s, row_piece,
                       p.out + row_piece * kPieceRows * p.stride + s * kTileRows, p.stride);
      first -= std::min(first, strips);
      end -= std::min(end, strips);
    }
  }

  std::span<const Product> products;
  const Activations& x;
  size_t count = 0;
};

// Calls unit(first, end, row_piece) for all of [0, count) and all pieces of rows.
//
// Few rows: memory is what takes time, and long runs of it read fastest. A few to each thread, so
// that one that is held up leaves its part to the others. Many rows: groups of kUnits, so that a
// thread meets the same activations again while they are near, handed out as threads come free.
template <size_t kUnits, typename Unit>
void spread(ThreadPool& pool, size_t count, size_t rows, const Unit& unit) {
  constexpr size_t kFewRows = 8, kRunsPerThread = 4;
  const size_t threads = static_cast<size_t>(pool.size());
  const bool few = rows <= kFewRows;
  const size_t few_runs = threads == 1 ? 1 : kRunsPerThread * threads;
  const size_t runs = few ? few_runs : ceil_div(count, kUnits);
  const auto piece = [&](size_t i) {
    const size_t run = i % runs;
    if (few)
      unit(count * run / runs, count * (run + 1) / runs, 0);
    else
      unit(run * kUnits, std::min(count, (run + 1) * kUnits), i / runs);
  };
  pool.for_each(runs * ceil_div(rows, kPieceRows), std::cref(piece));
}

}  // namespace

void Activations::reset(const float* x, size_t rows, size_t columns, Arithmetic arithmetic) {
  WEIR_CHECK(columns % kQuantBlock == 0, "{} columns", columns);
  x_ = x;
  rows_ = rows;
  columns_ = columns;
  quantised_ = arithmetic == Arithmetic::kInteger;
  const size_t blocks = rows * (columns / kQuantBlock);
  if (quantised_ && blocks_.size() < blocks) blocks_.resize(blocks);
}

void Activations::set(const float* x, size_t rows, size_t columns, Arithmetic arithmetic,
                      ThreadPool& pool) {
  make(x, rows, columns, arithmetic, pool, nullptr);
}

void Activations::make(const float* x, size_t rows, size_t columns, Arithmetic arithmetic,
                       ThreadPool& pool, const std::function<void(size_t row)>& make_row) {
  reset(x, rows, columns, arithmetic);
  if (!quantised_ && !make_row) return;
  const size_t blocks = columns / kQuantBlock;
  for_each_row(pool, rows, [&](size_t r) {
    if (make_row) make_row(r);
    if (quantised_) kernels().quantise(x_ + r * columns_, columns_, &blocks_[r * blocks]);
  });
}

void Activations::make_gated(float* x, const PackedMatrix& gate, const PackedMatrix& up,
                             const Activations& from, Activation activation, Arithmetic next,
                             ThreadPool& pool) {
  check_input(gate, from);
  check_input(up, from);
  WEIR_CHECK(gate.rows() == up.rows(), "{} and {} outputs", gate.rows(), up.rows());
  reset(x, from.rows(), gate.rows(), next);
  const size_t blocks = columns_ / kQuantBlock;
  const auto make = [&](size_t first, size_t end, size_t row_piece) {
    alignas(64) float gates[kPieceRows * kQuantBlock], ups[kPieceRows * kQuantBlock];
    const size_t row = row_piece * kPieceRows, last = std::min(rows_, row + kPieceRows);
    for (size_t b = first; b < end; ++b) {
      multiply_block(gate, from, b, row_piece, gates);
      multiply_block(up, from, b, row_piece, ups);
      for (size_t r = row; r < last; ++r) {
        float* g = gates + (r - row) * kQuantBlock;
        float* to = quantised_ ? g : x + r * columns_ + b * kQuantBlock;
        activation(g, ups + (r - row) * kQuantBlock, kQuantBlock, to);
        if (quantised_) kernels().quantise(to, kQuantBlock, &blocks_[r * blocks + b]);
      }
    }
  };
  constexpr size_t kBlocks = 2;
  spread<kBlocks>(pool, blocks, rows_, make);
}

void matmul(ThreadPool& pool, std::span<const Product> products, const Activations& x) {
  for (const Product& p : products) check_input(*p.w, x);
  const Strips strips(products, x);
  if (x.rows() == 0 || strips.count == 0) return;
  constexpr size_t kStrips = 8;
  spread<kStrips>(pool, strips.count, x.rows(), strips);
}

}  // namespace weir
