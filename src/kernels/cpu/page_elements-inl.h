// The element types of pages, widened to floats.
#pragma once

#include "kernels/attention_piece.h"
#include "kernels/cpu/reread-inl.h"

namespace weir::WEIR_ISA_NAMESPACE {

struct BFloat16 {
  using Element = uint16_t;
  static constexpr DType kType = DType::kBF16;
  WEIR_INLINE static Floats widened(const Element* from) { return load_bf16(from); }
};
struct Half {
  using Element = uint16_t;
  static constexpr DType kType = DType::kF16;
  WEIR_INLINE static Floats widened(const Element* from) { return load_f16(from); }
};
struct Float {
  using Element = float;
  static constexpr DType kType = DType::kF32;
  WEIR_INLINE static Floats widened(const Element* from) { return load(from); }
};

// Lanes of a K or V page (slots of K, dimensions of V) for consecutive steps (dimensions of K,
// slots of V), one step `stride` elements from the next.
template <typename Type>
struct Lanes {
  using Element = typename Type::Element;
  const Element* at;
  int stride, steps;
  int far;              // Elements from the first run of lanes to the next.
  const Element* next;  // What is read after these: fetched in step with them.
};

// Sixteen lanes of each step to floats, sixteen after sixteen. Exact.
template <typename Type>
inline void widen(const Lanes<Type>& lanes, float* tile) {
  const auto* at = lanes.at;
  for (int i = 0; i < lanes.steps; ++i, at += lanes.stride) store(tile + 16 * i, Type::widened(at));
}

// sum[r][t] += x[r][i] * step i of the t-th sixteen lanes, in order of i.
template <typename Type, int kRows, int kTiles>
WEIR_INLINE void multiply_steps(const float* x, const Lanes<Type>& lanes,
                                Floats (&sum)[kRows][kTiles]) {
  const auto* at = lanes.at;
  const auto* next = lanes.next;
  constexpr int kLanes = kTiles == 1 ? 16 : kLaneRun;
  for (int i = 0; i < lanes.steps; ++i, at += lanes.stride, next += lanes.stride, ++x) {
#pragma GCC unroll 4
    for (int t = 0; t < kTiles; ++t) {
      const int from = t / 2 * lanes.far + t % 2 * 16;
      if (t % 2 == 0)
        for (int e = 0; e < kLanes; e += 64 / static_cast<int>(sizeof(*at)))
          prefetch(next + from + e);
      const Floats y = Type::widened(at + from);
      const float* mine = kRows * kTiles > 4 ? reread(x) : x;
#pragma GCC unroll 6
      for (int r = 0; r < kRows; ++r)
        sum[r][t] = fma(broadcast(mine[r * kRowStride]), y, sum[r][t]);
    }
  }
}

}  // namespace weir::WEIR_ISA_NAMESPACE
