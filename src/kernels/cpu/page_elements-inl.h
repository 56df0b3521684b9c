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
  const std::byte* ahead;  // Of the same size, wanted soon: fetched in step with `page`.

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

// Fetches what lies `ahead` bytes from sixteen pairs.
template <typename Type>
WEIR_INLINE void fetch_ahead(const typename Type::Element* pairs, ptrdiff_t ahead) {
  const std::byte* at = reinterpret_cast<const std::byte*>(pairs) + ahead;
  for (size_t line = 0; line < 32 * sizeof(*pairs); line += 64) prefetch(at + line);
}

// sum[r][t] += x[r][i] * step i of the t-th sixteen lanes, in order of i.
template <typename Type, int kRows, int kTiles>
WEIR_INLINE void multiply_pairs(const float* x, const Lanes& lanes, Floats (&sum)[kRows][kTiles]) {
  const auto* at = lanes.begin<Type>();
  const ptrdiff_t ahead = lanes.ahead - lanes.page;
  for (int i = 0; i < lanes.pairs; ++i, at += 2 * lanes.stride, x += 2) {
#pragma GCC unroll 4
    for (int t = 0; t < kTiles; ++t) {
      Floats even, odd;
      Type::load(at + 32 * t, even, odd);
      fetch_ahead<Type>(at + 32 * t, ahead);
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
