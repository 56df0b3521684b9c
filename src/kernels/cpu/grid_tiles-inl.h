// Pages on grids for many rows: codes are split tile by tile, and all strips of the block read a
// tile while it is in L1. The same bits as a page at a time (grid-inl.h).
#pragma once

#include "kernels/cpu/grid-inl.h"
#include "kernels/cpu/strips-inl.h"

namespace weir::WEIR_ISA_NAMESPACE {

// The codes of 64 bytes, part after part: 64 bytes of a tile, which has the first halves of the
// lanes of all steps, then `second` bytes on the other ones.
template <int kBits, int kPart = 0>
WEIR_INLINE void split_parts(const uint8_t* codes, uint8_t* tile, int second) {
  if constexpr (kPart < grid_line_parts(kBits)) {
    store(tile + kPart % 2 * second + kPart / 2 * 64,
          CodeForm<kBits>::template part<kPart>(load(codes)));
    split_parts<kBits, kPart + 1>(codes, tile, second);
  }
}
// Bytes of a half of a tile.
constexpr int tile_half_bytes(int bits, int steps) {
  return steps * (bits == 8 ? 32 : 16);
}
template <int kBits>
WEIR_INLINE void split_codes(const uint8_t* codes, int steps, uint8_t* tile) {
  for (int i = 0; i < steps; i += grid_line_steps(kBits), codes += 64)
    split_parts<kBits>(codes, tile + tile_half_bytes(kBits, i), tile_half_bytes(kBits, steps));
}
inline void split_codes(int bits, const std::byte* run, int steps, uint8_t* tile) {
  const auto* codes = reinterpret_cast<const uint8_t*>(run);
  if (bits == 8) return split_codes<8>(codes, steps, tile);
  if (bits == 4) return split_codes<4>(codes, steps, tile);
  split_codes<2>(codes, steps, tile);
}

// A run's codes and grids, for many rows. A tile of one half has the first sixteen lanes only.
struct SplitRun {
  WEIR_INLINE SplitRun(GridForm form, const std::byte* page, int run, int steps, int its_halves,
                       uint8_t* to)
      : grids(RunGrids(form.bits, page + grid_scales_at(form, steps, run), steps)),
        bits(form.bits),
        halves(its_halves),
        tile(to) {
    split_codes(form.bits, page + grid_run_at(form, steps, run), steps, to);
  }
  WidenedGrids grids;
  int bits, halves;
  const uint8_t* tile;
};

// The slots [first, end) of a page; of keys all, whatever a row sees.
struct PageSlots {
  int first = 0, end = kPageSlots;
};

// sum[r] = row r of x * the codes of half a tile.
template <int kBits, int kRows>
WEIR_INLINE void multiply_half_tile(const Factor<kBits>* x, const uint8_t* tile, int steps,
                                    Ints (&sum)[kRows][1]) {
  using Form = CodeForm<kBits>;
  clear_sums(sum);
  for (int i = 0, end = 0; i < steps;) {
    CodeSum<kBits> some[kRows][1];
    clear_sums(some);
    constexpr int kBorne = Form::kAdditions * Form::kSteps;
    for (end = end + kBorne < steps ? end + kBorne : steps; i < end;
         i += Form::kSteps, tile += 64) {
      const Bytes codes = load(tile);
#pragma GCC unroll 6
      for (int r = 0; r < kRows; ++r)
        some[r][0] = Form::add_codes(some[r][0], codes, x + r * kRowStride + i);
    }
#pragma GCC unroll 6
    for (int r = 0; r < kRows; ++r) sum[r][0] = Form::total(sum[r][0], some[r][0]);
  }
}

// to[r] = what the rows' sums of products with a run's codes stand for, added to what is in `to`
// where there is `more`. Elements of other steps than `slots` count as zeros.
template <int kBits, int kRows>
void multiply_run_of(const float* rows, const SplitRun& run, PageSlots slots, bool more, float* to,
                     int to_stride) {
  alignas(64) Factor<kBits> x[kRows * kRowStride];
  OnGrid row[kRows];
  const int steps = run.grids.steps;
  weights_on_grids<kRows>(rows, slots.first, slots.end, run.grids, x, row);
  const uint8_t* tile = run.tile;
  for (int half = 0; half < run.halves; ++half, tile += tile_half_bytes(kBits, steps), to += 16) {
    Ints sum[kRows][1];
    multiply_half_tile<kBits>(x, tile, steps, sum);
#pragma GCC unroll 6
    for (int r = 0; r < kRows; ++r) {
      Floats start = broadcast(row[r].base);
      if (more) start = add(load(to + r * to_stride), start);
      store(to + r * to_stride, value_of(sum[r][0], row[r], start));
    }
  }
}

// The same, by the run's bits.
template <int kRows>
void multiply_split_run(const float* rows, const SplitRun& run, PageSlots slots, bool more,
                        float* to, int stride) {
  if (run.bits == 8) return multiply_run_of<8, kRows>(rows, run, slots, more, to, stride);
  if (run.bits == 4) return multiply_run_of<4, kRows>(rows, run, slots, more, to, stride);
  multiply_run_of<2, kRows>(rows, run, slots, more, to, stride);
}

using MultiplySplitRun = void (*)(const float* rows, const SplitRun& run, PageSlots slots,
                                  bool more, float* to, int to_stride);
constexpr MultiplySplitRun kMultiplySplitRun[kStripRows + 1] = {nullptr,
                                                                multiply_split_run<1>,
                                                                multiply_split_run<2>,
                                                                multiply_split_run<3>,
                                                                multiply_split_run<4>,
                                                                multiply_split_run<5>,
                                                                multiply_split_run<6>};

// The logits of a page's 64 slots, the first of them `slot` of the piece.
inline void grid_tile_keys(const Strips& strips, int slot) {
  alignas(64) uint8_t tile[2 * 32 * kMaxHeadDim];
  const AttentionPiece& p = strips.piece;
  const AttentionPage& page = p.pages[slot / kPageSlots];
  for (int run = 0; run < 2; ++run, slot += kLaneRun) {
    const SplitRun split(page.grid, page.k, run, p.head_dim, 2, tile);
    for (int s = 0; s < strips.count; ++s) {
      const Bounds b = strips.bounds[s];
      if (b.empty() || b.first >= slot + kLaneRun || b.end <= slot) continue;
      const size_t row = row_at(strips.row(s));
      kMultiplySplitRun[strips.rows(s)](p.q + row, split, {}, false, p.logit + row + slot,
                                        kRowStride);
    }
  }
}

// Calls f(strip, first, last) for the strips that see some of the slots [slot, end): those.
template <typename Function>
WEIR_INLINE void for_each_strip(const Strips& strips, int slot, int end, Function f) {
  for (int s = 0; s < strips.count; ++s) {
    const Bounds b = strips.bounds[s];
    const int first = b.first > slot ? b.first : slot, last = b.end < end ? b.end : end;
    if (first < last) f(s, first, last);
  }
}

// A page's slots [slot, end) of the piece, a run of dimensions from `dim`: adds their weighted
// values for all strips, or begins with them where a strip sees none before. One of 16 dimensions
// at the end of a head has one half.
inline void add_grid_page_values(const Strips& strips, int slot, int end, int dim, float* out) {
  alignas(64) uint8_t tile[2 * 32 * kPageSlots];
  const AttentionPiece& p = strips.piece;
  const AttentionPage& page = p.pages[slot / kPageSlots];
  const int start = page_start(slot);
  const SplitRun split(page.grid, page.v, dim / kLaneRun, kPageSlots, p.head_dim - dim > 16 ? 2 : 1,
                       tile);
  for_each_strip(strips, slot, end, [&](int s, int first, int last) {
    const int row = strips.row(s);
    kMultiplySplitRun[strips.rows(s)](p.logit + row_at(row) + start, split,
                                      {first - start, last - start}, first > strips.bounds[s].first,
                                      out + row * p.head_dim + dim, p.head_dim);
  });
}

// The same of a page as it is.
template <typename Type>
void add_page_values(const Strips& strips, int slot, int end, int dim, float* out) {
  constexpr int kSecond = 16 * kPageSlots;
  const AttentionPiece& p = strips.piece;
  const int halves = p.head_dim - dim > 16 ? 2 : 1;
  for (int half = 0; half < halves; ++half)
    widen(value_lanes<Type>(p, dim + 16 * half, slot, end), p.tile + half * kSecond);
  for_each_strip(strips, slot, end, [&](int s, int first, int last) {
    const int row = strips.row(s);
    for (int half = 0; half < halves; ++half)
      kMultiplyTile[strips.rows(s)](p.logit + row_at(row) + first,
                                    p.tile + half * kSecond + 16 * (first - slot), last - first,
                                    first > strips.bounds[s].first,
                                    out + row * p.head_dim + dim + 16 * half, p.head_dim);
  });
}

// A run of dimensions of the weighted sums for all strips, of a piece with pages on grids.
template <typename Type>
void multiply_mixed_values(const Strips& strips, int dim, float* out) {
  for_each_page(strips.all, [&](int slot, int end) {
    if (strips.piece.pages[slot / kPageSlots].grid.bits)
      return add_grid_page_values(strips, slot, end, dim, out);
    add_page_values<Type>(strips, slot, end, dim, out);
  });
}

}  // namespace weir::WEIR_ISA_NAMESPACE
