// Matrix products of a model's weights with rows of activations. One output's result depends on its
// own weights and its own row of activations only: integer dots are exact, floats are added in one
// chain over the blocks of columns, so neither the number of rows nor the split over threads shows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "kernels/layout.h"
#include "tensor/tensor.h"

namespace weir {

class ThreadPool;

// How quantised weights meet activations.
enum class Arithmetic {
  kInteger,  // Activations in 8 bits, a scale for each 32 columns: the fast path and the default.
  kFloat,    // Weights widened to float32, activations untouched: the reference path.
};

// 32 columns of one row in 8 bits: x is about scale * value. `scale` is the largest magnitude /
// 127, and values are rounded to nearest even. A block with an infinity or a NaN has scale NaN, so
// that whatever it meets is NaN too; one whose magnitudes all are below 2^-110 counts as zeros.
struct QuantisedBlock {
  int8_t value[kQuantBlock] = {};  // In [-127, 127].
  float scale = 0;
  float scaled_sum = 0;   // scale * sum
  int32_t sum = 0;        // Of all values.
  int32_t first_sum = 0;  // Of the first 16.
};

// Weights laid out once, at load, without loss and at the same bits per weight: tiles of kTileRows
// outputs by 32 columns. Outputs past the last are zero. A view: the bytes are the arena's.
class PackedMatrix {
 public:
  PackedMatrix() = default;
  // REQUIRES columns to be a multiple of 32. Uses the pool. The arena outlives it.
  PackedMatrix(const Tensor& weights, Arithmetic arithmetic, ThreadPool& pool, Arena& arena);

  size_t rows() const { return rows_; }
  size_t columns() const { return columns_; }
  DType type() const { return type_; }
  Arithmetic arithmetic() const { return arithmetic_; }  // kFloat for F32, F16, BF16 weights.
  // The tiles of 16 outputs from 16 * index on, all columns in order (see tile.h).
  const std::byte* strip(size_t index) const { return data_ + index * strip_bytes_; }
  size_t bytes() const { return bytes_; }
  bool empty() const { return rows_ == 0; }

  // Row `row` as floats, to[columns]: the token embedding is read from the same bytes as the head.
  void widen_row(size_t row, float* to) const;

 private:
  std::byte* data_ = nullptr;
  size_t bytes_ = 0, rows_ = 0, columns_ = 0, strip_bytes_ = 0;
  DType type_ = DType::kF32;
  Arithmetic arithmetic_ = Arithmetic::kFloat;
};

// Rows that matrices multiply. `x` is the caller's, [rows][columns]; set() makes the 8-bit form
// beside it, once for all matrices that share the input (Q, K and V; gate and up). Reused from step
// to step: it grows and never shrinks within a run.
class Activations {
 public:
  // Quantises with the pool where `arithmetic` asks for it. x stays valid and unchanged until the
  // last product is done.
  void set(const float* x, size_t rows, size_t columns, Arithmetic arithmetic, ThreadPool& pool);
  // The same for rows that make_row(i) writes into x first: each is quantised while it is near.
  void make(const float* x, size_t rows, size_t columns, Arithmetic arithmetic, ThreadPool& pool,
            const std::function<void(size_t row)>& make_row);

  // Rows activation(gate x) * (up x) of the rows of `from`, for a product whose arithmetic is
  // `next`: they go to x where that is kFloat, which may be null otherwise. 32 columns at a time,
  // which are quantised while they are near, so that the wide rows of gate and up never lie in
  // memory. REQUIRES gate and up of one size, which is a multiple of 32.
  using Activation = void (*)(const float* gate, const float* up, size_t n, float* out);
  void make_gated(float* x, const PackedMatrix& gate, const PackedMatrix& up,
                  const Activations& from, Activation activation, Arithmetic next,
                  ThreadPool& pool);

  const float* x() const { return x_; }
  size_t rows() const { return rows_; }
  size_t columns() const { return columns_; }
  // Row `row`'s columns / 32 blocks. REQUIRES quantised().
  const QuantisedBlock* blocks(size_t row) const {
    return &blocks_[row * (columns_ / kQuantBlock)];
  }
  bool quantised() const { return quantised_; }

 private:
  void reset(const float* x, size_t rows, size_t columns, Arithmetic arithmetic);

  const float* x_ = nullptr;
  size_t rows_ = 0, columns_ = 0;
  bool quantised_ = false;
  std::vector<QuantisedBlock> blocks_;
};

// One product: out[r * stride + o] (+)= sum_c w[o][c] * x[r][c] for all rows r of x and outputs o
// of w; with `add` it is added to what out holds (the residual stream).
struct Product {
  const PackedMatrix* w;
  float* out;
  size_t stride;
  bool add = false;
};

// Products of the same rows, side by side: the threads meet once for all (Q, K and V; gate and up).
// REQUIRES x.columns() == w.columns() of each, and x.quantised() where its arithmetic is kInteger.
void matmul(ThreadPool& pool, std::span<const Product> products, const Activations& x);

inline void matmul(ThreadPool& pool, const PackedMatrix& w, const Activations& x, float* out,
                   size_t stride, bool add = false) {
  const Product one{&w, out, stride, add};
  matmul(pool, {&one, 1}, x);
}

}  // namespace weir
