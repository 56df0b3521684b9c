// Attention over pages on grids (grid.h), a page at a time. A run's codes are widened to floats and
// multiplied by the row's elements times the scales; the sum of its elements times the offsets is
// added first. That sum is a tree over lanes of a chain, of the whole run: it depends on nothing
// beside the row.
#pragma once

#include "kernels/attention_piece.h"
#include "kernels/cpu/reread-inl.h"
#include "kernels/grid.h"

namespace weir::WEIR_ISA_NAMESPACE {

// Codes 16 half ... 16 half + 15 of a run.
template <int kBits, int kHalf>
WEIR_INLINE Floats grid_codes(const uint8_t* run) {
  if constexpr (kBits == 8) return to_floats(load_u8(run + 16 * kHalf));
  if constexpr (kBits == 4 && kHalf == 1) return to_floats(shift_right<4>(load_u8(run)));
  if constexpr (kBits == 4) return to_floats(bit_and(load_u8(run), broadcast(15)));
  return to_floats(bit_and(shift_right<4 * kHalf>(load_crumbs(run)), broadcast(3)));
}
WEIR_INLINE const uint16_t* halves_at(const std::byte* page, size_t at) {
  return reinterpret_cast<const uint16_t*>(page + at);
}

// One row's elements [count] against a run: times the scales, to `x`. Gives the sum of its elements
// times the offsets.
WEIR_INLINE float on_grid(const float* row, const uint16_t* scale, const uint16_t* offset,
                          int count, float* x) {
  Floats sum = broadcast(0.0f);
  for (int i = 0; i < count; i += 16) {
    const Floats each = load(row + i);
    store(x + i, multiply(each, load_f16(scale + i)));
    sum = fma(each, load_f16(offset + i), sum);
  }
  return sum_lanes(sum);
}

// Codes of consecutive steps, and as many bytes that are read after them: fetched in step.
struct Codes {
  const uint8_t* at;
  int steps;
  const std::byte* next;
};

// sum[r][t] += row r of x[i] * the codes of step i, of the run's half kHalf + t, in order of i.
template <int kBits, int kHalf, int kRows, int kTiles>
WEIR_INLINE void multiply_codes(const float* x, const Codes& c, Floats (&sum)[kRows][kTiles]) {
  constexpr auto kBytes = static_cast<int>(grid_run_bytes(kBits));
  const float* at = x;
  const uint8_t* codes = c.at;
  for (int i = 0; i < c.steps; ++i, ++at, codes += kBytes) {
    if (i % (64 / kBytes) == 0) prefetch(c.next + i * kBytes);
    const Floats low = grid_codes<kBits, kHalf>(codes);
#pragma GCC unroll 6
    for (int r = 0; r < kRows; ++r) sum[r][0] = fma(broadcast(at[r * kRowStride]), low, sum[r][0]);
    if constexpr (kTiles == 2) {
      const Floats high = grid_codes<kBits, 1>(reread(codes));
      const float* again = reread(at);
#pragma GCC unroll 6
      for (int r = 0; r < kRows; ++r)
        sum[r][1] = fma(broadcast(again[r * kRowStride]), high, sum[r][1]);
    }
  }
}
template <int kBits, int kRows, int kTiles>
WEIR_INLINE void multiply_codes(int half, const float* x, const Codes& codes,
                                Floats (&sum)[kRows][kTiles]) {
  if (kTiles == 2 || half == 0) return multiply_codes<kBits, 0>(x, codes, sum);
  multiply_codes<kBits, 1>(x, codes, sum);
}

// Scales and offsets, before who multiplies them asks.
WEIR_INLINE void prefetch_halves(const uint16_t* at, int count) {
  for (int i = 0; i < count; i += 32) prefetch(at + i);
}

// Halves of a run that are summed side by side.
constexpr int grid_tiles(int rows) {
  return rows <= 3 ? 2 : 1;
}

// Logits of a page's 64 slots; `q` and `logit` are kRowStride floats from row to row. `next` is
// read after the page.
template <int kBits, int kRows>
void multiply_grid_keys(const std::byte* page, int head_dim, const float* q, float* logit,
                        const std::byte* next) {
  constexpr int kTiles = grid_tiles(kRows);
  alignas(64) float x[kRows * kRowStride];
  const auto* codes = reinterpret_cast<const uint8_t*>(page);
  const size_t scales = grid_key_scales(kBits, head_dim), run_bytes = scales / 2;
  const uint16_t* scale = halves_at(page, scales);
  prefetch_halves(halves_at(next, scales), 4 * head_dim);
  for (int run = 0; run < 2; ++run) {
    float base[kRows];
    for (int r = 0; r < kRows; ++r)
      base[r] =
          on_grid(q + r * kRowStride, scale, scale + 2 * head_dim, head_dim, x + r * kRowStride);
    for (int half = 0; half < 2; half += kTiles) {
      Floats sum[kRows][kTiles];
#pragma GCC unroll 6
      for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 2
        for (int t = 0; t < kTiles; ++t) sum[r][t] = broadcast(base[r]);
      multiply_codes<kBits>(half, x, {codes, head_dim, next}, sum);
#pragma GCC unroll 6
      for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 2
        for (int t = 0; t < kTiles; ++t)
          store(logit + r * kRowStride + run * kLaneRun + 16 * (half + t), sum[r][t]);
    }
    codes += run_bytes, next += run_bytes;
    scale += head_dim;
  }
}

// The weights of a page's slots [first, end), on the grid of one run.
WEIR_INLINE float weights_on_grid(const float* weight, int first, int end, const uint16_t* scale,
                                  const uint16_t* offset, float* x) {
  if (first == 0 && end == kPageSlots) return on_grid(weight, scale, offset, kPageSlots, x);
  alignas(64) float seen[kPageSlots];
  for (int s = 0; s < kPageSlots; ++s) seen[s] = s >= first && s < end ? weight[s] : 0.0f;
  return on_grid(seen, scale, offset, kPageSlots, x);
}

// sum[r][t] += the weighted values of a page's slots [first, end), dimensions dim + 16 t and on:
// one sixteen, or whole runs. `weight` is of the page's slot 0, kRowStride floats from row to row;
// `next` is read after these.
template <int kBits, int kRows, int kTiles>
[[gnu::noinline]] void add_grid_values(const std::byte* page, int head_dim, const float* weight,
                                       int first, int end, int dim, const std::byte* next,
                                       Floats (&sum)[kRows][kTiles]) {
  constexpr int kWidth = kTiles == 1 ? 1 : 2;
  alignas(64) float x[kRows * kRowStride];
  if (dim == 0)
    prefetch_halves(halves_at(next, grid_value_scales(kBits, head_dim)),
                    2 * grid_runs(head_dim) * kPageSlots);
  for (int tile = 0; tile < kTiles; tile += kWidth, dim += 16 * kWidth) {
    const int run = dim / kLaneRun * kPageSlots;
    const auto* codes = reinterpret_cast<const uint8_t*>(page) + run * grid_run_bytes(kBits);
    const uint16_t* scale = halves_at(page, grid_value_scales(kBits, head_dim)) + run;
    const uint16_t* offset = scale + grid_runs(head_dim) * kPageSlots;
    Floats mine[kRows][kWidth];
#pragma GCC unroll 6
    for (int r = 0; r < kRows; ++r) {
      const float base =
          weights_on_grid(weight + r * kRowStride, first, end, scale, offset, x + r * kRowStride);
#pragma GCC unroll 2
      for (int t = 0; t < kWidth; ++t) mine[r][t] = add(sum[r][tile + t], broadcast(base));
    }
    multiply_codes<kBits>(dim % kLaneRun / 16, x, {codes, kPageSlots, next}, mine);
#pragma GCC unroll 6
    for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 2
      for (int t = 0; t < kWidth; ++t) sum[r][tile + t] = mine[r][t];
  }
}

// Where the values of a page on grids begin, from a dimension's run on.
WEIR_INLINE const std::byte* grid_values_at(const AttentionPage& page, int dim) {
  return page.v + dim / kLaneRun * kPageSlots * grid_run_bytes(page.bits);
}

// The same, by the page's bits.
template <int kRows>
void grid_keys(const AttentionPage& page, int head_dim, const float* q, float* logit,
               const std::byte* next) {
  if (page.bits == 8) return multiply_grid_keys<8, kRows>(page.k, head_dim, q, logit, next);
  if (page.bits == 4) return multiply_grid_keys<4, kRows>(page.k, head_dim, q, logit, next);
  multiply_grid_keys<2, kRows>(page.k, head_dim, q, logit, next);
}
template <int kRows, int kTiles>
WEIR_INLINE void grid_values(const AttentionPage& page, int head_dim, const float* weight,
                             int first, int end, int dim, const std::byte* next,
                             Floats (&sum)[kRows][kTiles]) {
  if (page.bits == 8)
    return add_grid_values<8>(page.v, head_dim, weight, first, end, dim, next, sum);
  if (page.bits == 4)
    return add_grid_values<4>(page.v, head_dim, weight, first, end, dim, next, sum);
  add_grid_values<2>(page.v, head_dim, weight, first, end, dim, next, sum);
}

}  // namespace weir::WEIR_ISA_NAMESPACE
