#include "kernels/grid.h"

#include <algorithm>

#include "base/check.h"
#include "kernels/attention_piece.h"
#include "tensor/half.h"

namespace weir {
namespace {

constexpr float kLargest = 65504;  // Of f16.

struct Grid {
  float scale, offset;
};

// As f16 has them: codes are counted from what is stored.
Grid stored_grid(float least, float greatest, int most, uint16_t* scale, uint16_t* offset) {
  least = std::clamp(least, -kLargest, kLargest);
  greatest = std::clamp(greatest, least, kLargest);
  *offset = half_of_float(least);
  *scale = half_of_float((greatest - least) / static_cast<float>(most));
  return {float_of_half(*scale), float_of_half(*offset)};
}

// The nearest code. Adding and taking away a large number rounds to even.
float code_of(float x, Grid g, float most) {
  constexpr float kShift = 0x1.8p23f;
  float code = (x - g.offset) / g.scale;
  code = code > 0 ? code : 0;  // NaN too, as where the scale is 0.
  code = code < most ? code : most;
  return (code + kShift) - kShift;
}

// Where the codes of a run's step lie: one word for lanes i and i + 16, at 2 i.
struct StepCodes {
  StepCodes(int bits, size_t step) {
    const auto unit = static_cast<size_t>(grid_unit_steps(bits));
    first = step / unit * 32 + step % 2;
    shift = static_cast<int>(step % unit / 2 * 2) * bits;
  }
  size_t first;
  int shift;
};

struct Range {
  float least = kLargest, greatest = -kLargest;
  void include(float x) {
    least = x < least ? x : least;
    greatest = x > greatest ? x : greatest;
  }
};

// One run of a page.
struct Run {
  Run(int its_bits, int its_steps, size_t index, const std::byte* page)
      : bits(its_bits),
        steps(static_cast<size_t>(its_steps)),
        codes(reinterpret_cast<const uint16_t*>(page + index * grid_run_bytes(bits, its_steps))),
        scale(codes + grid_scales(bits, its_steps) / sizeof *codes) {}

  float value(size_t lane, size_t step) const {
    const StepCodes at(bits, step);
    const int shift = at.shift + (lane < 16 ? 0 : bits);
    const int code = codes[at.first + lane % 16 * 2] >> shift & ((1 << bits) - 1);
    return float_of_half(scale[steps + step]) +
           float_of_half(scale[step]) * static_cast<float>(code);
  }

  int bits;
  size_t steps;
  const uint16_t *codes, *scale;  // The offsets follow the scales.
};

struct NewRun : Run {
  NewRun(int its_bits, int its_steps, size_t index, std::byte* page)
      : Run(its_bits, its_steps, index, page), to(const_cast<uint16_t*>(codes)) {
    std::fill_n(to, grid_scales(bits, its_steps) / sizeof *to, uint16_t{0});
  }
  // A step's elements, `stride` floats apart.
  void put(size_t step, const float* from, size_t stride, size_t count) const;

  uint16_t* to;
};

void NewRun::put(size_t step, const float* from, size_t stride, size_t count) const {
  Range range;
  for (size_t i = 0; i < count; ++i) range.include(from[i * stride]);
  const int most = (1 << bits) - 1;
  uint16_t* scales = to + (scale - codes);
  const Grid grid =
      stored_grid(range.least, range.greatest, most, scales + step, scales + steps + step);
  int code[kLaneRun] = {};
  for (size_t i = 0; i < count; ++i)
    code[i] = static_cast<int>(code_of(from[i * stride], grid, static_cast<float>(most)));
  const StepCodes at(bits, step);
  for (size_t lane = 0; lane < 16; ++lane) {
    uint16_t& word = to[at.first + 2 * lane];
    word = static_cast<uint16_t>(word | (code[lane] | code[lane + 16] << bits) << at.shift);
  }
}

void check(int bits, int head_dim) {
  WEIR_CHECK(bits == 8 || bits == 4 || bits == 2, "{} bits", bits);
  WEIR_CHECK(head_dim > 0 && head_dim <= kMaxHeadDim, "head_dim {}", head_dim);
}

}  // namespace

void write_grid(int bits, int head_dim, const float* k, const float* v, std::byte* k_page,
                std::byte* v_page) {
  check(bits, head_dim);
  const auto dim = static_cast<size_t>(head_dim);
  for (size_t r = 0; r < 2; ++r) {
    const NewRun run(bits, head_dim, r, k_page);
    for (size_t d = 0; d < dim; ++d) run.put(d, k + r * kLaneRun * dim + d, dim, kLaneRun);
  }
  for (size_t first = 0; first < dim; first += kLaneRun) {
    const NewRun run(bits, kPageSlots, first / kLaneRun, v_page);
    for (size_t slot = 0; slot < kPageSlots; ++slot)
      run.put(slot, v + slot * dim + first, 1, std::min<size_t>(kLaneRun, dim - first));
  }
}

void read_grid_row(int bits, int head_dim, int slot, const std::byte* k_page,
                   const std::byte* v_page, float* k, float* v) {
  check(bits, head_dim);
  const auto dim = static_cast<size_t>(head_dim), at = static_cast<size_t>(slot);
  const Run keys(bits, head_dim, at / kLaneRun, k_page);
  for (size_t d = 0; d < dim; ++d) k[d] = keys.value(at % kLaneRun, d);
  for (size_t d = 0; d < dim; ++d)
    v[d] = Run(bits, kPageSlots, d / kLaneRun, v_page).value(d % kLaneRun, at);
}

}  // namespace weir
