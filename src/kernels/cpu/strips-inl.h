// The rows of a block in strips, where a piece's lanes lie, and the product of a strip and a tile.
#pragma once

#include "kernels/cpu/page_elements-inl.h"
#include "kernels/cpu/weights-inl.h"

namespace weir::WEIR_ISA_NAMESPACE {

// A piece with its rows in strips of equal height.
struct Strips {
  explicit Strips(const AttentionPiece& p) : piece(p) {
    count = (p.rows + kStripRows - 1) / kStripRows;
    height = (p.rows + count - 1) / count;
    for (int r = 0; r < p.rows; ++r) {
      bounds[r / height].include(p.first[r], p.end[r]);
      all.include(p.first[r], p.end[r]);
    }
  }
  int row(int strip) const { return strip * height; }
  int rows(int strip) const {
    const int left = piece.rows - row(strip);
    return left < height ? left : height;
  }

  const AttentionPiece& piece;
  int count, height;
  Bounds bounds[kBlockRows], all;
};

WEIR_INLINE size_t row_at(int row) {
  return static_cast<size_t>(row) * kRowStride;
}

template <typename Type>
WEIR_INLINE const typename Type::Element* elements(const std::byte* page) {
  return reinterpret_cast<const typename Type::Element*>(page);
}

// Slots of K from `slot` of the piece; `next` is read after them.
template <typename Type>
WEIR_INLINE Lanes<Type> key_lanes(const AttentionPiece& p, int slot,
                                  const typename Type::Element* next = nullptr) {
  const int run = p.head_dim * kLaneRun, in_page = slot % kPageSlots;
  const auto* at =
      elements<Type>(p.pages[slot / kPageSlots].k) + in_page / kLaneRun * run + in_page % kLaneRun;
  return {at, kLaneRun, p.head_dim, run, next ? next : at};
}
// Dimensions of V from `dim` for slots [slot, end) of one page.
template <typename Type>
WEIR_INLINE Lanes<Type> value_lanes(const AttentionPiece& p, int dim, int slot, int end,
                                    const typename Type::Element* next = nullptr) {
  const int first = dim / kLaneRun * kLaneRun;
  const int width = p.head_dim - first < kLaneRun ? p.head_dim - first : kLaneRun;
  const auto* at = elements<Type>(p.pages[slot / kPageSlots].v) + first * kPageSlots +
                   slot % kPageSlots * width + dim - first;
  return {at, width, end - slot, kLaneRun * kPageSlots, next ? next : at};
}

WEIR_INLINE int page_start(int slot) {
  return slot / kPageSlots * kPageSlots;
}

// Calls f(slot, end) for the part of [first, end) in each page.
template <typename Function>
WEIR_INLINE void for_each_page(Bounds b, Function f) {
  for (int slot = b.first; slot < b.end;) {
    const int next = page_start(slot) + kPageSlots;
    f(slot, next < b.end ? next : b.end);
    slot = next;
  }
}

// to[r] = sum over i < count of x[r][i] * tile[i], each row and lane one chain in order of i, `x`
// kRowStride floats from row to row; `more` goes on from what is in `to`.
template <int kRows>
void multiply_tile(const float* x, const float* tile, int count, bool more, float* to,
                   int to_stride) {
  Floats sum[kRows];
#pragma GCC unroll 6
  for (int r = 0; r < kRows; ++r) sum[r] = more ? load(to + r * to_stride) : broadcast(0.0f);
  for (int i = 0; i < count; ++i) {
    const Floats b = load(tile + 16 * i);
#pragma GCC unroll 6
    for (int r = 0; r < kRows; ++r) sum[r] = fma(broadcast(x[r * kRowStride + i]), b, sum[r]);
  }
#pragma GCC unroll 6
  for (int r = 0; r < kRows; ++r) store(to + r * to_stride, sum[r]);
}

using MultiplyTile = void (*)(const float* x, const float* tile, int count, bool more, float* to,
                              int to_stride);
constexpr MultiplyTile kMultiplyTile[kStripRows + 1] = {
    nullptr,          multiply_tile<1>, multiply_tile<2>, multiply_tile<3>,
    multiply_tile<4>, multiply_tile<5>, multiply_tile<6>};

inline void multiply_key_tile(const float* q, int rows, const float* tile, int head_dim, float* to,
                              int to_stride) {
  for (int r = 0; r < rows; r += kStripRows) {
    const int strip = rows - r < kStripRows ? rows - r : kStripRows;
    kMultiplyTile[strip](q + row_at(r), tile, head_dim, false, to + r * to_stride, to_stride);
  }
}

}  // namespace weir::WEIR_ISA_NAMESPACE
