// Attention over pages on grids (grid.h), a page at a time. A row's elements times a run's scales
// are rounded to whole factors, the largest of them to 32767, or to 127 where codes have 4 or 2
// bits; their products with the codes are summed in whole numbers, and so in any order. What
// rounding took from a row is then as if every code were the grid's middle one: products with the
// middles are a tree over lanes of a chain, of the whole run. Nothing depends on what is beside the
// row.
#pragma once

#include "kernels/attention_piece.h"
#include "kernels/cpu/largest-inl.h"
#include "kernels/cpu/reread-inl.h"
#include "kernels/grid.h"

namespace weir::WEIR_ISA_NAMESPACE {

// How sixteen lanes of codes meet a row's factors, kSteps steps at a time. Codes of 8 bits are
// words and take factors of 16 bits; those of fewer are bytes and take factors of 8 bits, summed in
// a form that bears so many additions.
template <int kBits>
struct CodeForm {
  using Factor = int8_t;
  using Sum = Products;
  static constexpr int kSteps = 4, kAdditions = WEIR_ISA_NAMESPACE::kAdditions<kBits>;
  template <int kPart>
  WEIR_INLINE static Bytes part(Bytes line) {
    return move_bits(line, kBits * kPart, kBits, 0);
  }
  WEIR_INLINE static Sum add_codes(Sum sum, Bytes codes, const Factor* x) {
    return add_products<kBits>(sum, codes, x);
  }
  WEIR_INLINE static Ints total(Ints sum, Sum more) { return add_whole(sum, more); }
};
template <>
struct CodeForm<8> {
  using Factor = int16_t;
  using Sum = Ints;
  static constexpr int kSteps = 2, kAdditions = kMaxHeadDim;
  template <int kPart>
  WEIR_INLINE static Bytes part(Bytes line) {
    return part_of_words<8, kPart>(line);
  }
  WEIR_INLINE static Sum add_codes(Sum sum, Bytes codes, const Factor* x) {
    return add_word_products(sum, codes, x);
  }
  WEIR_INLINE static Ints total(Ints sum, Sum more) { return add(sum, more); }
};
template <int kBits>
using Factor = typename CodeForm<kBits>::Factor;
template <int kBits>
using CodeSum = typename CodeForm<kBits>::Sum;

WEIR_INLINE void store_factors(int8_t* to, Ints x) {
  store_i8(to, x);
}
WEIR_INLINE void store_factors(int16_t* to, Ints x) {
  store_i16(to, x);
}

// The grids of sixteen steps.
struct StepGrids {
  Floats scale, middle;
};
// Those of a run, as they lie in a page: scales, then offsets.
struct RunGrids {
  WEIR_INLINE RunGrids(int bits, const std::byte* at, int its_steps)
      : steps(its_steps),
        middle_code(0.5f * static_cast<float>((1 << bits) - 1)),
        scales(reinterpret_cast<const uint16_t*>(at)) {}
  WEIR_INLINE StepGrids at(int step) const {
    const Floats scale = load_f16(scales + step), offset = load_f16(scales + steps + step);
    return {scale, fma(scale, broadcast(middle_code), offset)};
  }
  int steps;
  float middle_code;
  const uint16_t* scales;
};
// The same, for who reads them often.
struct WidenedGrids {
  WEIR_INLINE explicit WidenedGrids(const RunGrids& run)
      : steps(run.steps), middle_code(run.middle_code) {
    for (int i = 0; i < steps; i += 16) {
      const StepGrids grids = run.at(i);
      store(scale + i, grids.scale);
      store(middle + i, grids.middle);
    }
  }
  WEIR_INLINE StepGrids at(int step) const { return {load(scale + step), load(middle + step)}; }
  int steps;
  float middle_code;
  alignas(64) float scale[kMaxHeadDim], middle[kMaxHeadDim];
};

// What a row's sum of products with codes stands for: base + unit * sum.
struct OnGrid {
  float base, unit;
};

// Rows' elements times the scales: the largest product, and the sum of a row's elements times the
// middles.
struct Scaled {
  float base;
  Largest largest;
};
template <int kRows, typename Grids>
WEIR_INLINE void scale_rows(const float* rows, const Grids& grids, float* scaled,
                            Scaled (&to)[kRows]) {
  Floats sum[kRows];
  Ints most[kRows];
#pragma GCC unroll 6
  for (int r = 0; r < kRows; ++r) sum[r] = broadcast(0.0f), most[r] = broadcast(int32_t{0});
  for (int i = 0; i < grids.steps; i += 16) {
    const auto [scale, middle] = grids.at(i);
#pragma GCC unroll 6
    for (int r = 0; r < kRows; ++r) {
      const Floats each = load(rows + r * kRowStride + i), product = multiply(each, scale);
      store(scaled + r * kRowStride + i, product);
      most[r] = maximum(most[r], magnitudes(product));
      sum[r] = fma(each, middle, sum[r]);
    }
  }
  for (int r = 0; r < kRows; ++r) to[r] = {sum_lanes(sum[r]), largest_of(maximum_lane(most[r]))};
}

// Rounds them to factors. A row that is not finite gives NaN.
template <typename Grids, typename X>
WEIR_INLINE OnGrid round_row(const float* scaled, Scaled row, const Grids& grids, X* x) {
  constexpr float kMost = grid_factor_limit(sizeof(X) == 1 ? 4 : 8);
  const auto [largest, finite, counts] = row.largest;
  const Floats inverse = broadcast(counts ? kMost / largest : 0.0f);
  Ints sum = broadcast(int32_t{0});
  for (int i = 0; i < grids.steps; i += 16) {
    const Ints whole = nearest_ints(multiply(load(scaled + i), inverse));
    store_factors(x + i, whole);
    sum = add(sum, whole);
  }
  const float unit = counts ? largest / kMost : finite ? 0.0f : __builtin_nanf("");
  const auto factors = static_cast<float>(sum_lanes(sum));
  return {__builtin_fmaf(-grids.middle_code * unit, factors, row.base), unit};
}

// Rows, kRowStride floats from each other, on the grids of a run; to `x`, with the same stride.
template <int kRows, typename Grids, typename X>
WEIR_INLINE void on_grids(const float* rows, const Grids& grids, X* x, OnGrid* to) {
  alignas(64) float scaled[kRows * kRowStride];
  Scaled row[kRows];
  scale_rows<kRows>(rows, grids, scaled, row);
  for (int r = 0; r < kRows; ++r)
    to[r] = round_row(scaled + r * kRowStride, row[r], grids, x + r * kRowStride);
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
WEIR_INLINE void multiply_parts(const Factor<kBits>* x, const uint8_t* codes,
                                CodeSum<kBits> (&sum)[kRows][kTiles]) {
  using Form = CodeForm<kBits>;
  if constexpr (kPart < grid_line_parts(kBits)) {
    constexpr int kTile = kTiles == 2 ? kPart % 2 : 0;
    const Bytes part = Form::template part<kPart>(load(reread(codes)));
    const Factor<kBits>* factors = reread(x) + kPart / 2 * Form::kSteps;
#pragma GCC unroll 6
    for (int r = 0; r < kRows; ++r)
      sum[r][kTile] = Form::add_codes(sum[r][kTile], part, factors + r * kRowStride);
    multiply_parts<kBits, kPart + (kTiles == 2 ? 1 : 2)>(x, codes, sum);
  }
}
template <int kRows, int kTiles, typename Sum>
WEIR_INLINE void clear_sums(Sum (&sum)[kRows][kTiles]) {
#pragma GCC unroll 6
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 2
    for (int t = 0; t < kTiles; ++t) sum[r][t] = Sum{};
}
// The same of all steps, from the half kHalf of the lanes on.
template <int kBits, int kHalf, int kRows, int kTiles>
WEIR_INLINE void multiply_codes(const Factor<kBits>* x, const CodeRun& run,
                                Ints (&sum)[kRows][kTiles]) {
  using Form = CodeForm<kBits>;
  constexpr int kSteps = grid_line_steps(kBits);
  constexpr int kBorne = Form::kAdditions * Form::kSteps / kSteps * kSteps;
  const auto* codes = reinterpret_cast<const uint8_t*>(run.at);
  // The second half, if it comes alone, fetches scales and offsets.
  const bool second = kTiles == 1 && kHalf == 1;
  const std::byte* next = run.next + (second ? grid_code_bytes(kBits, run.steps) : 0);
  const int lines = run.steps / 16;
  clear_sums(sum);
  for (int i = 0, end = 0; i < run.steps;) {
    CodeSum<kBits> some[kRows][kTiles];
    clear_sums(some);
    for (end = end + kBorne < run.steps ? end + kBorne : run.steps; i < end;
         i += kSteps, codes += 64, next += 64) {
      if (!second || i < kSteps * lines) prefetch(next);
      multiply_parts<kBits, kHalf>(x + i, codes, some);
    }
#pragma GCC unroll 6
    for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 2
      for (int t = 0; t < kTiles; ++t) sum[r][t] = Form::total(sum[r][t], some[r][t]);
  }
  for (int i = 0; kTiles == 2 && i < run.steps; i += 16, next += 64) prefetch(next);
}
template <int kBits, int kRows, int kTiles>
WEIR_INLINE void multiply_codes(int half, const Factor<kBits>* x, const CodeRun& run,
                                Ints (&sum)[kRows][kTiles]) {
  if (kTiles == 2 || half == 0) return multiply_codes<kBits, 0>(x, run, sum);
  multiply_codes<kBits, 1>(x, run, sum);
}

WEIR_INLINE Floats value_of(Ints sum, OnGrid row, Floats start) {
  return fma(to_floats(sum), broadcast(row.unit), start);
}

// Halves of a run that are summed side by side: as many as leave registers for the codes, of which
// bytes need fewer.
constexpr int grid_tiles(int bits, int rows) {
  return rows <= (bits == 8 ? 2 : 3) ? 2 : 1;
}

// Logits of a page's 64 slots; `q` and `logit` are kRowStride floats from row to row. `next` is
// read after the page.
template <int kBits, int kRows>
void multiply_grid_keys(const std::byte* page, int group, int head_dim, const float* q,
                        float* logit, const std::byte* next) {
  constexpr int kTiles = grid_tiles(kBits, kRows);
  const GridForm form{kBits, group};
  alignas(64) Factor<kBits> x[kRows * kRowStride];
  OnGrid row[kRows] = {};
  for (int run = 0; run < 2; ++run) {
    if (run == 0 || group == kLaneRun)
      on_grids<kRows>(q, RunGrids(kBits, page + grid_scales_at(form, head_dim, run), head_dim), x,
                      row);
    const size_t at = grid_run_at(form, head_dim, run);
    for (int half = 0; half < 2; half += kTiles) {
      Ints sum[kRows][kTiles];
      multiply_codes<kBits>(half, x, {page + at, head_dim, next + at}, sum);
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
template <int kRows, typename Grids, typename X>
WEIR_INLINE void weights_on_grids(const float* weight, int first, int end, const Grids& grids, X* x,
                                  OnGrid* to) {
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
[[gnu::noinline]] void add_grid_values(const std::byte* page, int group, const float* weight,
                                       int first, int end, int dim, const std::byte* next,
                                       Floats (&sum)[kRows][kTiles]) {
  constexpr int kWidth = kTiles == 1 ? 1 : 2, kSide = kWidth == 1 ? 1 : grid_tiles(kBits, kRows);
  const GridForm form{kBits, group};
  const size_t begin = grid_run_at(form, kPageSlots, dim / kLaneRun);
  alignas(64) Factor<kBits> x[kRows * kRowStride];
  OnGrid row[kRows] = {};
  for (int tile = 0; tile < kTiles; tile += kWidth, dim += 16 * kWidth) {
    const int run = dim / kLaneRun;
    const size_t at = grid_run_at(form, kPageSlots, run);
    if (tile == 0 || group == kLaneRun || run % 2 == 0) {
      const RunGrids grids(kBits, page + grid_scales_at(form, kPageSlots, run), kPageSlots);
      weights_on_grids<kRows>(weight, first, end, grids, x, row);
    }
    for (int t = 0; t < kWidth; t += kSide) {
      Ints mine[kRows][kSide];
      multiply_codes<kBits>((dim + 16 * t) % kLaneRun / 16, x,
                            {page + at, kPageSlots, next + (at - begin)}, mine);
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
  return page.v + grid_run_at(page.grid, kPageSlots, dim / kLaneRun);
}

// The same, by the page's bits.
template <int kRows>
void grid_keys(const AttentionPage& page, int head_dim, const float* q, float* logit,
               const std::byte* next) {
  const auto [bits, group] = page.grid;
  if (bits == 8) return multiply_grid_keys<8, kRows>(page.k, group, head_dim, q, logit, next);
  if (bits == 4) return multiply_grid_keys<4, kRows>(page.k, group, head_dim, q, logit, next);
  multiply_grid_keys<2, kRows>(page.k, group, head_dim, q, logit, next);
}
template <int kRows, int kTiles>
WEIR_INLINE void grid_values(const AttentionPage& page, const float* weight, int first, int end,
                             int dim, const std::byte* next, Floats (&sum)[kRows][kTiles]) {
  const auto [bits, group] = page.grid;
  if (bits == 8) return add_grid_values<8>(page.v, group, weight, first, end, dim, next, sum);
  if (bits == 4) return add_grid_values<4>(page.v, group, weight, first, end, dim, next, sum);
  add_grid_values<2>(page.v, group, weight, first, end, dim, next, sum);
}

}  // namespace weir::WEIR_ISA_NAMESPACE
