#include "kernels/grid.h"

#include <algorithm>
#include <cstring>
#include <span>

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
Grid stored_grid(float least, float greatest, int bits, uint16_t* scale, uint16_t* offset) {
  least = std::clamp(least, -kLargest, kLargest);
  greatest = std::clamp(greatest, least, kLargest);
  *offset = half_of_float(least);
  *scale = half_of_float((greatest - least) / static_cast<float>((1 << bits) - 1));
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

void pack(std::span<const uint8_t> codes, int bits, uint8_t* to) {
  const size_t n = grid_run_bytes(bits);
  std::memset(to, 0, n);
  for (size_t i = 0; i < codes.size(); ++i)
    to[i % n] = static_cast<uint8_t>(to[i % n] | codes[i] << (i / n * static_cast<size_t>(bits)));
}

uint8_t unpack(const uint8_t* run, int bits, size_t i) {
  const size_t n = grid_run_bytes(bits);
  return static_cast<uint8_t>(run[i % n] >> (i / n * static_cast<size_t>(bits)) &
                              ((1 << bits) - 1));
}

struct Range {
  float least = kLargest, greatest = -kLargest;
  void include(float x) {
    least = x < least ? x : least;
    greatest = x > greatest ? x : greatest;
  }
};

// Elements of one grid, `stride` floats apart.
void write_run(const float* from, size_t stride, size_t count, int bits, uint8_t* codes,
               uint16_t* scale, uint16_t* offset) {
  Range range;
  for (size_t i = 0; i < count; ++i) range.include(from[i * stride]);
  const Grid grid = stored_grid(range.least, range.greatest, bits, scale, offset);
  const auto most = static_cast<float>((1 << bits) - 1);
  uint8_t each[kLaneRun];
  for (size_t i = 0; i < count; ++i)
    each[i] = static_cast<uint8_t>(code_of(from[i * stride], grid, most));
  pack({each, count}, bits, codes);
}

template <typename Byte>
auto* halves(Byte* page, size_t at) {
  using Half = std::conditional_t<std::is_const_v<Byte>, const uint16_t, uint16_t>;
  return reinterpret_cast<Half*>(page + at);
}

void check(int bits, int head_dim) {
  WEIR_CHECK(bits == 8 || bits == 4 || bits == 2, "{} bits", bits);
  WEIR_CHECK(head_dim > 0 && head_dim <= kMaxHeadDim, "head_dim {}", head_dim);
}

}  // namespace

void write_grid(int bits, int head_dim, const float* k, const float* v, std::byte* k_page,
                std::byte* v_page) {
  check(bits, head_dim);
  const auto dim = static_cast<size_t>(head_dim), bytes = grid_run_bytes(bits);
  auto* codes = reinterpret_cast<uint8_t*>(k_page);
  uint16_t* scales = halves(k_page, grid_key_scales(bits, head_dim));
  for (size_t run = 0; run < 2; ++run)
    for (size_t d = 0, i = run * dim; d < dim; ++d, ++i)
      write_run(k + run * kLaneRun * dim + d, dim, kLaneRun, bits, codes + i * bytes, scales + i,
                scales + 2 * dim + i);

  codes = reinterpret_cast<uint8_t*>(v_page);
  scales = halves(v_page, grid_value_scales(bits, head_dim));
  const auto runs = static_cast<size_t>(grid_runs(head_dim));
  for (size_t run = 0; run < runs; ++run)
    for (size_t slot = 0, i = run * kPageSlots; slot < kPageSlots; ++slot, ++i)
      write_run(v + slot * dim + run * kLaneRun, 1,
                std::min<size_t>(kLaneRun, dim - run * kLaneRun), bits, codes + i * bytes,
                scales + i, scales + runs * kPageSlots + i);
}

void read_grid_row(int bits, int head_dim, int slot, const std::byte* k_page,
                   const std::byte* v_page, float* k, float* v) {
  check(bits, head_dim);
  const auto dim = static_cast<size_t>(head_dim), at = static_cast<size_t>(slot),
             bytes = grid_run_bytes(bits);
  const auto value = [&](const uint8_t* run, size_t i, uint16_t scale, uint16_t offset) {
    return float_of_half(offset) + float_of_half(scale) * static_cast<float>(unpack(run, bits, i));
  };
  const auto* codes = reinterpret_cast<const uint8_t*>(k_page);
  const uint16_t* scales = halves(k_page, grid_key_scales(bits, head_dim));
  for (size_t d = 0, i = at / kLaneRun * dim; d < dim; ++d, ++i)
    k[d] = value(codes + i * bytes, at % kLaneRun, scales[i], scales[2 * dim + i]);

  codes = reinterpret_cast<const uint8_t*>(v_page);
  scales = halves(v_page, grid_value_scales(bits, head_dim));
  const auto runs = static_cast<size_t>(grid_runs(head_dim));
  for (size_t d = 0; d < dim; ++d) {
    const size_t i = d / kLaneRun * kPageSlots + at;
    v[d] = value(codes + i * bytes, d % kLaneRun, scales[i], scales[runs * kPageSlots + i]);
  }
}

}  // namespace weir
