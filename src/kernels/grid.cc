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

// Where a code of a run lies.
struct CodeAt {
  CodeAt(int bits, size_t lane, size_t step) {
    const auto steps = static_cast<size_t>(grid_line_steps(bits));
    const size_t within = step % steps, line = step / steps * 64 + 4 * (lane % 16);
    const auto half = static_cast<int>(lane / 16);
    byte = line + (bits == 8 ? 2 * within + lane / 16 : within % 4);
    shift = bits == 8 ? 0 : bits * (half + 2 * static_cast<int>(within / 4));
  }
  size_t byte;
  int shift;
};

struct Range {
  // Of elements `stride` floats apart.
  Range(const float* from, size_t stride, size_t count) {
    for (size_t i = 0; i < count; ++i) {
      least = from[i * stride] < least ? from[i * stride] : least;
      greatest = from[i * stride] > greatest ? from[i * stride] : greatest;
    }
  }
  float least = kLargest, greatest = -kLargest;
};

// One run of a page.
struct Run {
  Run(GridForm form, int its_steps, size_t index, const std::byte* page)
      : bits(form.bits),
        steps(static_cast<size_t>(its_steps)),
        codes(page + grid_run_at(form, its_steps, static_cast<int>(index))),
        scale(reinterpret_cast<const uint16_t*>(
            page + grid_scales_at(form, its_steps, static_cast<int>(index)))) {}

  float value(size_t lane, size_t step) const {
    const CodeAt at(bits, lane, step);
    const int code = std::to_integer<int>(codes[at.byte]) >> at.shift & ((1 << bits) - 1);
    return float_of_half(scale[steps + step]) +
           float_of_half(scale[step]) * static_cast<float>(code);
  }

  int bits;
  size_t steps;
  const std::byte* codes;
  const uint16_t* scale;  // The offsets follow the scales.
};

struct NewRun : Run {
  NewRun(GridForm form, int its_steps, size_t index, std::byte* page)
      : Run(form, its_steps, index, page),
        new_codes(const_cast<std::byte*>(codes)),
        new_scale(const_cast<uint16_t*>(scale)) {
    std::fill_n(new_codes, grid_code_bytes(bits, its_steps), std::byte{0});
  }
  // A step's elements, `stride` floats apart, on the grid of this range.
  void put(size_t step, const Range& range, const float* from, size_t stride, size_t count) const {
    const int most = (1 << bits) - 1;
    const Grid grid =
        stored_grid(range.least, range.greatest, most, new_scale + step, new_scale + steps + step);
    for (size_t lane = 0; lane < count; ++lane) {
      const float code = code_of(from[lane * stride], grid, static_cast<float>(most));
      const CodeAt at(bits, lane, step);
      new_codes[at.byte] |= static_cast<std::byte>(static_cast<int>(code) << at.shift);
    }
  }

  std::byte* new_codes;
  uint16_t* new_scale;
};

void check(GridForm form, int head_dim) {
  WEIR_CHECK(form.bits == 8 || form.bits == 4 || form.bits == 2, "{} bits", form.bits);
  WEIR_CHECK(form.group == kLaneRun || form.group == 2 * kLaneRun, "groups of {}", form.group);
  WEIR_CHECK(head_dim > 0 && head_dim <= kMaxHeadDim, "head_dim {}", head_dim);
}

// The first element of the group that an element belongs to.
size_t group_of(GridForm form, size_t element) {
  const auto group = static_cast<size_t>(form.group);
  return element / group * group;
}

}  // namespace

void write_grid(GridForm form, int head_dim, const float* k, const float* v, std::byte* k_page,
                std::byte* v_page) {
  check(form, head_dim);
  const auto dim = static_cast<size_t>(head_dim), group = static_cast<size_t>(form.group);
  for (size_t first = 0; first < kPageSlots; first += kLaneRun) {
    const NewRun run(form, head_dim, first / kLaneRun, k_page);
    for (size_t d = 0; d < dim; ++d)
      run.put(d, {k + group_of(form, first) * dim + d, dim, group}, k + first * dim + d, dim,
              kLaneRun);
  }
  for (size_t first = 0; first < dim; first += kLaneRun) {
    const NewRun run(form, kPageSlots, first / kLaneRun, v_page);
    const size_t from = group_of(form, first);
    for (size_t slot = 0; slot < kPageSlots; ++slot)
      run.put(slot, {v + slot * dim + from, 1, std::min(group, dim - from)}, v + slot * dim + first,
              1, std::min<size_t>(kLaneRun, dim - first));
  }
}

void read_grid_row(GridForm form, int head_dim, int slot, const std::byte* k_page,
                   const std::byte* v_page, float* k, float* v) {
  check(form, head_dim);
  const auto dim = static_cast<size_t>(head_dim), at = static_cast<size_t>(slot);
  const Run keys(form, head_dim, at / kLaneRun, k_page);
  for (size_t d = 0; d < dim; ++d) k[d] = keys.value(at % kLaneRun, d);
  for (size_t d = 0; d < dim; ++d)
    v[d] = Run(form, kPageSlots, d / kLaneRun, v_page).value(d % kLaneRun, at);
}

}  // namespace weir
