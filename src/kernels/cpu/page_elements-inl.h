// The element types of pages, as pairs widened to floats.
#pragma once

#include "kernels/attention_piece.h"

namespace weir::WEIR_ISA_NAMESPACE {

struct BFloat16 {
  using Element = uint16_t;
  static constexpr DType kType = DType::kBF16;
  WEIR_INLINE static void load(const Element* from, Floats& even, Floats& odd) {
    load_pairs_bf16(from, even, odd);
  }
};
struct Half {
  using Element = uint16_t;
  static constexpr DType kType = DType::kF16;
  WEIR_INLINE static void load(const Element* from, Floats& even, Floats& odd) {
    load_pairs_f16(from, even, odd);
  }
};
struct Float {
  using Element = float;
  static constexpr DType kType = DType::kF32;
  WEIR_INLINE static void load(const Element* from, Floats& even, Floats& odd) {
    load_pairs(from, even, odd);
  }
};

// Sixteen lanes of a K or V page: `pairs` steps by two, `stride` lanes of the page apart.
struct Lanes {
  const std::byte* page;
  int first_pair, pairs;
  int lane, stride;

  template <typename Type>
  const typename Type::Element* begin() const {
    return reinterpret_cast<const typename Type::Element*>(page) +
           2 * (static_cast<size_t>(first_pair) * stride + lane);
  }
};

// To floats, step by step, sixteen to each. Exact.
template <typename Type>
inline void widen(const Lanes& lanes, float* tile) {
  const auto* at = lanes.begin<Type>();
  for (int i = 0; i < lanes.pairs; ++i, at += 2 * lanes.stride, tile += 32) {
    Floats even, odd;
    Type::load(at, even, odd);
    store(tile, even);
    store(tile + 16, odd);
  }
}

// sum[r][t] += x[r][i] * step i of the t-th sixteen lanes, in order of i.
template <typename Type, int kRows, int kTiles>
WEIR_INLINE void multiply_pairs(const float* x, const Lanes& lanes, Floats (&sum)[kRows][kTiles]) {
  const auto* at = lanes.begin<Type>();
  for (int i = 0; i < lanes.pairs; ++i, at += 2 * lanes.stride, x += 2) {
#pragma GCC unroll 4
    for (int t = 0; t < kTiles; ++t) {
      Floats even, odd;
      Type::load(at + 32 * t, even, odd);
#pragma GCC unroll 6
      for (int r = 0; r < kRows; ++r)
        sum[r][t] = fma(broadcast(x[r * kRowStride]), even, sum[r][t]);
#pragma GCC unroll 6
      for (int r = 0; r < kRows; ++r)
        sum[r][t] = fma(broadcast(x[r * kRowStride + 1]), odd, sum[r][t]);
    }
  }
}

}  // namespace weir::WEIR_ISA_NAMESPACE
