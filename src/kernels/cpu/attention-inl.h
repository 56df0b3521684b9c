// Attention over one piece, in two ways that give the same bits. Many rows: keys and values are
// widened tile by tile, sixteen lanes (slots of K, or dimensions of V) by the steps of a chain, and
// all strips of the block read a tile while it is in L1. Few rows (one token after others): they
// are widened on the way into the registers.
#pragma once

#include "kernels/cpu/grid_tiles-inl.h"
#include "kernels/cpu/scaled_pages-inl.h"

namespace weir::WEIR_ISA_NAMESPACE {

constexpr int kDirectStrips = 2;  // Up to so many strips read the pages themselves.

// The logits of 16 slots for all strips that see one of them.
template <typename Type>
void multiply_keys(const Strips& strips, int slot) {
  const AttentionPiece& p = strips.piece;
  widen(key_lanes<Type>(p, slot), p.tile);
  for (int s = 0; s < strips.count; ++s) {
    const Bounds b = strips.bounds[s];
    const size_t row = row_at(strips.row(s));
    if (!b.empty() && b.first < slot + 16 && b.end > slot)
      kMultiplyTile[strips.rows(s)](p.q + row, p.tile, p.head_dim, false, p.logit + row + slot,
                                    kRowStride);
  }
}

// Sixteen dimensions of the weighted sums for all strips.
template <typename Type>
void multiply_values(const Strips& strips, int dim, float* out) {
  const AttentionPiece& p = strips.piece;
  for_each_page(strips.all, [&](int slot, int end) {
    widen(value_lanes<Type>(p, dim, slot, end), p.tile + 16 * slot);
  });
  for (int s = 0; s < strips.count; ++s) {
    const Bounds b = strips.bounds[s];
    if (b.empty()) continue;
    const int row = strips.row(s);
    kMultiplyTile[strips.rows(s)](p.logit + row_at(row) + b.first, p.tile + 16 * b.first,
                                  b.end - b.first, false, out + row * p.head_dim + dim, p.head_dim);
  }
}

// Independent chains of one row side by side, so that the multiply-adds of few rows overlap.
constexpr int tiles_of(int rows) {
  return rows == 1 ? 4 : rows <= 3 ? 2 : 1;
}

template <int kRows, int kTiles>
WEIR_INLINE void clear(Floats (&sum)[kRows][kTiles]) {
#pragma GCC unroll 6
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 4
    for (int t = 0; t < kTiles; ++t) sum[r][t] = broadcast(0.0f);
}
template <int kRows, int kTiles>
WEIR_INLINE void store_all(const Floats (&sum)[kRows][kTiles], float* to, int stride) {
#pragma GCC unroll 6
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 4
    for (int t = 0; t < kTiles; ++t) store(to + r * stride + 16 * t, sum[r][t]);
}

// The logits of slots [slot, end) of one page, in whole steps, of which it has a few.
template <typename Type, int kRows>
WEIR_INLINE void multiply_page_keys(const AttentionPiece& p, int row, Bounds b, int slot, int end) {
  constexpr int kTiles = tiles_of(kRows), kStep = 16 * kTiles;
  for (slot &= -kStep; slot < end; slot += kStep) {
    const int next = slot + kStep;
    const auto* then =
        next < b.end ? key_lanes<Type>(p, next).at : value_lanes<Type>(p, 0, b.first, b.end).at;
    Floats sum[kRows][kTiles];
    clear(sum);
    multiply_steps(p.q + row_at(row), key_lanes<Type>(p, slot, then), sum);
    store_all(sum, p.logit + row_at(row) + slot, kRowStride);
  }
}
// The logits of one strip.
template <typename Type, int kRows>
void multiply_strip_keys(const AttentionPiece& p, int row, Bounds b) {
  for_each_page(b, [&](int slot, int end) {
    const AttentionPage& page = p.pages[slot / kPageSlots];
    if (page.grid.bits == 0) return multiply_page_keys<Type, kRows>(p, row, b, slot, end);
    const std::byte* next =
        end < b.end ? p.pages[end / kPageSlots].k : p.pages[b.first / kPageSlots].v;
    grid_keys<kRows>(page, p.head_dim, p.q + row_at(row), p.logit + row_at(row) + page_start(slot),
                     next);
  });
}

// What the thread reads after a piece: the keys of the next one, or null.
template <typename Type>
WEIR_INLINE const typename Type::Element* next_keys(const AttentionPiece& p) {
  constexpr int kPages = kPieceSlots / kPageSlots;
  return kPages < p.pages_ahead ? elements<Type>(p.pages[kPages].k) : nullptr;
}

// What a strip reads after `width` values from `dim` of a page's slots up to `end`: those of the
// next page, or the next ones of the first, or the next piece.
WEIR_INLINE const std::byte* next_values(const AttentionPiece& p, Bounds b, int end, int dim,
                                         int width) {
  constexpr int kPages = kPieceSlots / kPageSlots;
  if (end < b.end) return grid_values_at(p.pages[end / kPageSlots], dim);
  if (dim + width < p.head_dim) return grid_values_at(p.pages[b.first / kPageSlots], dim + width);
  return p.pages[kPages < p.pages_ahead ? kPages : b.first / kPageSlots].k;
}

// True where slots [slot, end), of those that a strip sees, lie in a page on grids: then their
// weighted values are added.
template <int kRows, int kTiles>
WEIR_INLINE bool add_page_on_grid(const AttentionPiece& p, Bounds b, int row, int slot, int end,
                                  int dim, Floats (&sum)[kRows][kTiles]) {
  const AttentionPage& page = p.pages[slot / kPageSlots];
  if (page.grid.bits == 0) return false;
  const int start = page_start(slot);
  grid_values(page, p.logit + row_at(row) + start, slot - start, end - start, dim,
              next_values(p, b, end, dim, 16 * kTiles), sum);
  return true;
}

template <typename Type, int kRows, int kTiles>
WEIR_INLINE void multiply_strip_values_at(const AttentionPiece& p, int row, Bounds b, int dim,
                                          float* out) {
  const int more = dim + 16 * kTiles;
  const auto* after =
      more < p.head_dim ? value_lanes<Type>(p, more, b.first, b.end).at : next_keys<Type>(p);
  Floats sum[kRows][kTiles];
  clear(sum);
  for_each_page(b, [&](int slot, int end) {
    if (add_page_on_grid(p, b, row, slot, end, dim, sum)) return;
    const auto* then = end < b.end ? value_lanes<Type>(p, dim, end, b.end).at : after;
    multiply_steps(p.logit + row_at(row) + slot, value_lanes<Type>(p, dim, slot, end, then), sum);
  });
  store_all(sum, out + row * p.head_dim + dim, p.head_dim);
}
// Whether all pages of a strip are on grids that two runs share.
inline bool pairs_share_grids(const AttentionPiece& p, Bounds b) {
  bool all = true;
  for_each_page(b, [&](int slot, int) {
    const GridForm grid = p.pages[slot / kPageSlots].grid;
    all &= grid.bits != 0 && grid.group > kLaneRun;
  });
  return all;
}
// Two runs of dimensions, so that weights meet the grids of both once.
template <int kRows>
void multiply_pair_values(const AttentionPiece& p, int row, Bounds b, int dim, float* out) {
  Floats sum[kRows][4];
  clear(sum);
  for_each_page(b, [&](int slot, int end) { add_page_on_grid(p, b, row, slot, end, dim, sum); });
  store_all(sum, out + row * p.head_dim + dim, p.head_dim);
}
template <typename Type, int kRows>
void multiply_strip_values(const AttentionPiece& p, int row, Bounds b, float* out) {
  constexpr int kTiles = tiles_of(kRows), kPair = 2 * kLaneRun;
  int dim = 0;
  if (pairs_share_grids(p, b))
    for (; dim + kPair <= p.head_dim; dim += kPair)
      multiply_pair_values<kRows>(p, row, b, dim, out);
  for (; dim + 16 * kTiles <= p.head_dim; dim += 16 * kTiles)
    multiply_strip_values_at<Type, kRows, kTiles>(p, row, b, dim, out);
  for (; dim < p.head_dim; dim += 16) multiply_strip_values_at<Type, kRows, 1>(p, row, b, dim, out);
}

template <typename Type>
struct DirectTable {
  void (*keys)(const AttentionPiece& p, int row, Bounds b);
  void (*values)(const AttentionPiece& p, int row, Bounds b, float* out);
};
template <typename Type>
constexpr DirectTable<Type> kDirect[kStripRows + 1] = {
    {nullptr, nullptr},
    {multiply_strip_keys<Type, 1>, multiply_strip_values<Type, 1>},
    {multiply_strip_keys<Type, 2>, multiply_strip_values<Type, 2>},
    {multiply_strip_keys<Type, 3>, multiply_strip_values<Type, 3>},
    {multiply_strip_keys<Type, 4>, multiply_strip_values<Type, 4>},
    {multiply_strip_keys<Type, 5>, multiply_strip_values<Type, 5>},
    {multiply_strip_keys<Type, 6>, multiply_strip_values<Type, 6>}};

// The sums of one row over the slots that it sees, and no others: 0 times a NaN that belongs to
// someone else would be NaN. Where that matters not, the others gave the same bits.
template <typename Type>
void multiply_seen_values(const AttentionPiece& p, int row, float* out) {
  const float* weight = p.logit + row_at(row);
  for (int dim = 0; dim < p.head_dim; dim += 16) {
    Floats sum[1][1] = {{broadcast(0.0f)}};
    const Bounds b{p.first[row], p.end[row]};
    for_each_page(b, [&](int slot, int end) {
      if (add_page_on_grid(p, b, row, slot, end, dim, sum)) return;
      for (; slot < end; ++slot) {
        if (weight[slot] == 0) continue;
        const Lanes<Type> one = value_lanes<Type>(p, dim, slot, slot + 1);
        sum[0][0] = fma(broadcast(weight[slot]), Type::widened(one.at), sum[0][0]);
      }
    });
    store(out + dim, sum[0][0]);
  }
}

// Whether some page is on grids, and some has scales.
struct Forms {
  Forms(const AttentionPiece& p, Bounds b) {
    for_each_page(b, [&](int slot, int) {
      grids |= p.pages[slot / kPageSlots].grid.bits != 0;
      scaled |= p.pages[slot / kPageSlots].k_scale != nullptr;
    });
  }
  bool grids = false, scaled = false;
};

// Logits to weights, for the rows that see any slot.
template <typename Type>
void weigh_rows(const Strips& strips, bool scaled, const AttentionFold& to) {
  const AttentionPiece& p = strips.piece;
  for (int row = 0; row < p.rows; ++row) {
    const Bounds b = strips.bounds[row / strips.height];
    if (b.empty()) continue;
    if (scaled) restore_logits<Type>(p, row);
    weigh(p, row, b, &to.max[row], &to.sum[row]);
    if (scaled) scale_weights(p, row);
  }
}

template <typename Type>
void fold(const AttentionPiece& p, const AttentionFold& to) {
  const Strips strips(p);
  const Forms forms(p, strips.all);
  const bool direct = strips.count <= kDirectStrips, grids = forms.grids;
  for (int s = 0; s < strips.count && direct; ++s)
    kDirect<Type>[strips.rows(s)].keys(p, strips.row(s), strips.bounds[s]);
  if (!direct)
    for_each_page(strips.all, [&](int slot, int end) {
      if (p.pages[slot / kPageSlots].grid.bits) return grid_tile_keys(strips, page_start(slot));
      for (slot &= -16; slot < end; slot += 16) multiply_keys<Type>(strips, slot);
    });

  weigh_rows<Type>(strips, forms.scaled, to);

  for (int s = 0; s < strips.count && direct; ++s)
    if (!strips.bounds[s].empty())
      kDirect<Type>[strips.rows(s)].values(p, strips.row(s), strips.bounds[s], to.out);
  for (int dim = 0; dim < p.head_dim && !direct && !grids; dim += 16)
    multiply_values<Type>(strips, dim, to.out);
  for (int dim = 0; dim < p.head_dim && !direct && grids; dim += kLaneRun)
    multiply_mixed_values<Type>(strips, dim, to.out);

  for (int row = 0; row < p.rows; ++row) {
    float* out = to.out + static_cast<size_t>(row) * p.head_dim;
    if (p.first[row] >= p.end[row])
      clear_row(to, row, p.head_dim);
    else if (!is_finite(out, p.head_dim))
      multiply_seen_values<Type>(p, row, out);
    if (forms.scaled) add_own_values<Type>(p, row, out);
  }
}

// One piece for all rows of a block, from nothing.
inline void fold_piece(const AttentionPiece& p, const AttentionFold& to) {
  if (p.kv == BFloat16::kType) return fold<BFloat16>(p, to);
  if (p.kv == Half::kType) return fold<Half>(p, to);
  fold<Float>(p, to);
}

}  // namespace weir::WEIR_ISA_NAMESPACE
