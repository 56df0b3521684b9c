// Attention over pages on grids (grid.h), a page at a time. A row's elements times a run's scales
// are rounded to 16 bits, the largest of them to 32767; their products with the codes are summed in
// whole numbers, and so in any order. The sum of its elements times the offsets is a tree over
// lanes of a chain, of the whole run: nothing depends on what is beside the row.
#pragma once

#include "kernels/attention_piece.h"
#include "kernels/cpu/largest-inl.h"
#include "kernels/cpu/reread-inl.h"
#include "kernels/grid.h"

namespace weir::WEIR_ISA_NAMESPACE {

// The grids of a run's steps.
struct RunGrids {
  WEIR_INLINE RunGrids(int bits, const std::byte* run, int its_steps) : steps(its_steps) {
    const auto* scales = reinterpret_cast<const uint16_t*>(run + grid_scales(bits, steps));
    for (int i = 0; i < steps; i += 16) {
      store(scale + i, load_f16(scales + i));
      store(offset + i, load_f16(scales + steps + i));
    }
  }
  int steps;
  alignas(64) float scale[kMaxHeadDim], offset[kMaxHeadDim];
};

// What a row's sum of products with codes stands for: base + unit * sum.
struct OnGrid {
  float base, unit;
};

// A row's elements times the scales: the largest product, and the sum of its elements times the
// offsets.
struct Scaled {
  float base;
  Largest largest;
};
WEIR_INLINE Scaled scale_row(const float* row, const RunGrids& grids, float* scaled) {
  Floats sum = broadcast(0.0f);
  Ints most = broadcast(int32_t{0});
  for (int i = 0; i < grids.steps; i += 16) {
    const Floats each = load(row + i), product = multiply(each, load(grids.scale + i));
    store(scaled + i, product);
    most = maximum(most, magnitudes(product));
    sum = fma(each, load(grids.offset + i), sum);
  }
  return {sum_lanes(sum), largest_of(maximum_lane(most))};
}

// Rounds them to whole numbers. A row that is not finite gives NaN.
WEIR_INLINE OnGrid round_row(const float* scaled, Scaled row, int steps, int16_t* x) {
  constexpr float kMost = 32767;
  const auto [largest, finite, counts] = row.largest;
  const Floats inverse = broadcast(counts ? kMost / largest : 0.0f);
  for (int i = 0; i < steps; i += 16) {
    const Ints whole = nearest_ints(multiply(load(scaled + i), inverse));
    store_i16(x + i, whole);
  }
  return {row.base, counts ? largest / kMost : finite ? 0.0f : __builtin_nanf("")};
}

// Rows, kRowStride floats from each other, on the grids of a run; to `x`, with the same stride.
template <int kRows>
WEIR_INLINE void on_grids(const float* rows, const RunGrids& grids, int16_t* x, OnGrid* to) {
  alignas(64) float scaled[kRows][kMaxHeadDim];
  Scaled row[kRows];
  for (int r = 0; r < kRows; ++r) row[r] = scale_row(rows + r * kRowStride, grids, scaled[r]);
  for (int r = 0; r < kRows; ++r)
    to[r] = round_row(scaled[r], row[r], grids.steps, x + r * kRowStride);
}

// A run, and one of the same form that is read after it: fetched in step.
struct CodeRun {
  const std::byte* at;
  int steps;
  const std::byte* next;
};

// sum[r][t] += row r of x * the codes of 64 bytes, from part kPart on: of both halves of the run's
// lanes, or of every second part.
template <int kBits, int kPart, int kRows, int kTiles>
WEIR_INLINE void multiply_parts(const int16_t* x, const uint8_t* codes,
                                Ints (&sum)[kRows][kTiles]) {
  if constexpr (kPart < grid_unit_steps(kBits)) {
    constexpr int kTile = kTiles == 2 ? kPart % 2 : 0;
    const Bytes part = part_of_words<kBits, kPart>(load(reread(codes)));
    const int16_t* two = reread(x) + kPart / 2 * 2;
#pragma GCC unroll 6
    for (int r = 0; r < kRows; ++r)
      sum[r][kTile] = add_word_products(sum[r][kTile], part, two + r * kRowStride);
    multiply_parts<kBits, kPart + (kTiles == 2 ? 1 : 2)>(x, codes, sum);
  }
}
// The same of all steps, from the half kHalf of the lanes on.
template <int kBits, int kHalf, int kRows, int kTiles>
WEIR_INLINE void multiply_codes(const int16_t* x, const CodeRun& run, Ints (&sum)[kRows][kTiles]) {
  constexpr int kSteps = grid_unit_steps(kBits);
  const auto* codes = reinterpret_cast<const uint8_t*>(run.at);
  // The second half, if it comes alone, fetches scales and offsets.
  const bool second = kTiles == 1 && kHalf == 1;
  const std::byte* next = run.next + (second ? grid_scales(kBits, run.steps) : 0);
  const int lines = run.steps / 16;
#pragma GCC unroll 6
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 2
    for (int t = 0; t < kTiles; ++t) sum[r][t] = broadcast(int32_t{0});
  for (int i = 0; i < run.steps; i += kSteps, codes += 64, next += 64) {
    if (!second || i < kSteps * lines) prefetch(next);
    multiply_parts<kBits, kHalf>(x + i, codes, sum);
  }
  for (int i = 0; kTiles == 2 && i < run.steps; i += 16, next += 64) prefetch(next);
}
template <int kBits, int kRows, int kTiles>
WEIR_INLINE void multiply_codes(int half, const int16_t* x, const CodeRun& run,
                                Ints (&sum)[kRows][kTiles]) {
  if (kTiles == 2 || half == 0) return multiply_codes<kBits, 0>(x, run, sum);
  multiply_codes<kBits, 1>(x, run, sum);
}

WEIR_INLINE Floats value_of(Ints sum, OnGrid row, Floats start) {
  return fma(to_floats(sum), broadcast(row.unit), start);
}

// Halves of a run that are summed side by side: as many as leave registers for the codes.
constexpr int grid_tiles(int rows) {
  return rows <= 2 ? 2 : 1;
}

// Logits of a page's 64 slots; `q` and `logit` are kRowStride floats from row to row. `next` is
// read after the page.
template <int kBits, int kRows>
void multiply_grid_keys(const std::byte* page, int head_dim, const float* q, float* logit,
                        const std::byte* next) {
  constexpr int kTiles = grid_tiles(kRows);
  alignas(64) int16_t x[kRows * kRowStride];
  OnGrid row[kRows];
  const size_t run_bytes = grid_run_bytes(kBits, head_dim);
  for (int run = 0; run < 2; ++run, page += run_bytes, next += run_bytes) {
    const RunGrids grids(kBits, page, head_dim);
    on_grids<kRows>(q, grids, x, row);
    for (int half = 0; half < 2; half += kTiles) {
      Ints sum[kRows][kTiles];
      multiply_codes<kBits>(half, x, {page, head_dim, next}, sum);
#pragma GCC unroll 6
      for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 2
        for (int t = 0; t < kTiles; ++t)
          store(logit + r * kRowStride + run * kLaneRun + 16 * (half + t),
                value_of(sum[r][t], row[r], broadcast(row[r].base)));
    }
  }
}

// The weights of a page's slots [first, end), of its slot 0 on, on the grids of one run.
template <int kRows>
WEIR_INLINE void weights_on_grids(const float* weight, int first, int end, const RunGrids& grids,
                                  int16_t* x, OnGrid* to) {
  if (first == 0 && end == kPageSlots) return on_grids<kRows>(weight, grids, x, to);
  alignas(64) float seen[kRows * kRowStride];
  for (int r = 0; r < kRows; ++r)
    for (int s = 0, at = r * kRowStride; s < kPageSlots; ++s)
      seen[at + s] = s >= first && s < end ? weight[at + s] : 0.0f;
  on_grids<kRows>(seen, grids, x, to);
}

// sum[r][t] += the weighted values of a page's slots [first, end), dimensions dim + 16 t and on:
// one sixteen, or whole runs. `weight` is of the page's slot 0, kRowStride floats from row to row;
// `next` is read after these.
template <int kBits, int kRows, int kTiles>
[[gnu::noinline]] void add_grid_values(const std::byte* page, const float* weight, int first,
                                       int end, int dim, const std::byte* next,
                                       Floats (&sum)[kRows][kTiles]) {
  constexpr int kWidth = kTiles == 1 ? 1 : 2, kSide = kWidth == 1 ? 1 : grid_tiles(kRows);
  alignas(64) int16_t x[kRows * kRowStride];
  OnGrid row[kRows];
  for (int tile = 0; tile < kTiles; tile += kWidth, dim += 16 * kWidth) {
    const std::byte* run = page + dim / kLaneRun * grid_run_bytes(kBits, kPageSlots);
    const RunGrids grids(kBits, run, kPageSlots);
    weights_on_grids<kRows>(weight, first, end, grids, x, row);
    for (int t = 0; t < kWidth; t += kSide) {
      Ints mine[kRows][kSide];
      multiply_codes<kBits>((dim + 16 * t) % kLaneRun / 16, x, {run, kPageSlots, next}, mine);
#pragma GCC unroll 6
      for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 2
        for (int i = 0; i < kSide; ++i) {
          Floats& to = sum[r][tile + t + i];
          to = value_of(mine[r][i], row[r], add(to, broadcast(row[r].base)));
        }
    }
  }
}

// Where the values of a page on grids begin, from a dimension's run on.
WEIR_INLINE const std::byte* grid_values_at(const AttentionPage& page, int dim) {
  return page.v + dim / kLaneRun * grid_run_bytes(page.bits, kPageSlots);
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
WEIR_INLINE void grid_values(const AttentionPage& page, const float* weight, int first, int end,
                             int dim, const std::byte* next, Floats (&sum)[kRows][kTiles]) {
  if (page.bits == 8) return add_grid_values<8>(page.v, weight, first, end, dim, next, sum);
  if (page.bits == 4) return add_grid_values<4>(page.v, weight, first, end, dim, next, sum);
  add_grid_values<2>(page.v, weight, first, end, dim, next, sum);
}

}  // namespace weir::WEIR_ISA_NAMESPACE
