// Pages on grids for many rows: codes are widened tile by tile, and all strips of the block read a
// tile while it is in L1. The same bits as a page at a time (grid-inl.h).
#pragma once

#include "kernels/cpu/grid-inl.h"
#include "kernels/cpu/strips-inl.h"

namespace weir::WEIR_ISA_NAMESPACE {

// A half of each step's run as floats, sixteen after sixteen.
template <int kBits, int kHalf>
WEIR_INLINE void widen_codes(const uint8_t* codes, int steps, float* tile) {
  for (int i = 0; i < steps; ++i, codes += grid_run_bytes(kBits))
    store(tile + 16 * i, grid_codes<kBits, kHalf>(codes));
}
// Both halves; the second `second` floats after the first.
inline void widen_codes(int bits, const uint8_t* codes, int steps, float* tile, int second) {
  if (bits == 8) {
    widen_codes<8, 0>(codes, steps, tile);
    widen_codes<8, 1>(codes, steps, tile + second);
  } else if (bits == 4) {
    widen_codes<4, 0>(codes, steps, tile);
    widen_codes<4, 1>(codes, steps, tile + second);
  } else {
    widen_codes<2, 0>(codes, steps, tile);
    widen_codes<2, 1>(codes, steps, tile + second);
  }
}

// The logits of a page's 64 slots, the first of them `slot` of the piece.
inline void grid_tile_keys(const Strips& strips, int slot) {
  alignas(64) float tile[2 * 16 * kMaxHeadDim];
  alignas(64) float x[kStripRows * kRowStride];
  float base[kStripRows];
  const AttentionPiece& p = strips.piece;
  const AttentionPage& page = p.pages[slot / kPageSlots];
  const int dim = p.head_dim;
  const auto* codes = reinterpret_cast<const uint8_t*>(page.k);
  const uint16_t* scale = halves_at(page.k, grid_key_scales(page.bits, dim));
  for (int run = 0; run < 2; ++run, slot += kLaneRun, scale += dim) {
    widen_codes(page.bits, codes, dim, tile, 16 * dim);
    codes += static_cast<size_t>(dim) * grid_run_bytes(page.bits);
    for (int s = 0; s < strips.count; ++s) {
      const Bounds b = strips.bounds[s];
      if (b.empty() || b.first >= slot + kLaneRun || b.end <= slot) continue;
      const size_t row = row_at(strips.row(s));
      const int rows = strips.rows(s);
      for (int r = 0; r < rows; ++r)
        base[r] = on_grid(p.q + row + row_at(r), scale, scale + 2 * dim, dim, x + row_at(r));
      for (int half = 0; half < 2; ++half)
        kMultiplyTile[rows](x, tile + half * 16 * dim, dim, base, false,
                            p.logit + row + slot + 16 * half, kRowStride);
    }
  }
}

// A page's slots [slot, end) of the piece, a run of dimensions from `dim`: adds their weighted
// values for all strips, or begins with them where a strip sees none before.
template <typename Type>
void add_page_values(const Strips& strips, int slot, int end, int dim, float* out) {
  alignas(64) float x[kStripRows * kRowStride];
  float base[kStripRows];
  const AttentionPiece& p = strips.piece;
  const AttentionPage& page = p.pages[slot / kPageSlots];
  const int start = page_start(slot), halves = p.head_dim - dim > 16 ? 2 : 1;
  constexpr int kSecond = 16 * kPageSlots;
  for (int half = 0; half < halves && page.bits == 0; ++half)
    widen(value_lanes<Type>(p, dim + 16 * half, slot, end),
          p.tile + half * kSecond + 16 * (slot - start));
  if (page.bits != 0)
    widen_codes(page.bits, reinterpret_cast<const uint8_t*>(grid_values_at(page, dim)), kPageSlots,
                p.tile, kSecond);
  const uint16_t* scale =
      halves_at(page.v, grid_value_scales(page.bits, p.head_dim)) + dim / kLaneRun * kPageSlots;
  const uint16_t* offset = scale + grid_runs(p.head_dim) * kPageSlots;
  for (int s = 0; s < strips.count; ++s) {
    const Bounds b = strips.bounds[s];
    const int first = b.first > slot ? b.first : slot, last = b.end < end ? b.end : end;
    if (first >= last) continue;
    const int rows = strips.rows(s), row = strips.row(s);
    const float* weight = p.logit + row_at(row) + start;
    for (int r = 0; r < rows && page.bits != 0; ++r)
      base[r] = weights_on_grid(weight + row_at(r), first - start, last - start, scale, offset,
                                x + row_at(r));
    const int from = page.bits ? 0 : first - start, count = page.bits ? kPageSlots : last - first;
    for (int half = 0; half < halves; ++half)
      kMultiplyTile[rows](page.bits ? x : weight + from, p.tile + half * kSecond + 16 * from, count,
                          page.bits ? base : nullptr, first > b.first,
                          out + row * p.head_dim + dim + 16 * half, p.head_dim);
  }
}

// A run of dimensions of the weighted sums for all strips, of a piece with pages on grids.
template <typename Type>
void multiply_mixed_values(const Strips& strips, int dim, float* out) {
  for_each_page(strips.all,
                [&](int slot, int end) { add_page_values<Type>(strips, slot, end, dim, out); });
}

}  // namespace weir::WEIR_ISA_NAMESPACE
