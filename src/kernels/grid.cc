#include "kernels/grid.h"

#include <algorithm>
#include <type_traits>

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

// The codes of a run, of which there are kLaneRun.
template <int kBits>
void pack(const uint8_t* codes, uint8_t* to) {
  constexpr int kBytes = 4 * kBits;
  for (int i = 0; i < kBytes; ++i) {
    int byte = 0;
    for (int part = 0; part < 8 / kBits; ++part) byte |= codes[part * kBytes + i] << part * kBits;
    to[i] = static_cast<uint8_t>(byte);
  }
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
template <int kBits>
void write_run(const float* from, size_t stride, size_t count, uint8_t* codes, uint16_t* scale,
               uint16_t* offset) {
  float x[kLaneRun];
  for (size_t i = 0; i < count; ++i) x[i] = from[i * stride];
  Range range;
  for (size_t i = 0; i < count; ++i) range.include(x[i]);
  constexpr int kMost = (1 << kBits) - 1;
  const Grid grid = stored_grid(range.least, range.greatest, kMost, scale, offset);
  uint8_t each[kLaneRun] = {};
  for (size_t i = 0; i < count; ++i) each[i] = static_cast<uint8_t>(code_of(x[i], grid, kMost));
  pack<kBits>(each, codes);
}

template <typename Byte>
auto* halves(Byte* page, size_t at) {
  using Half = std::conditional_t<std::is_const_v<Byte>, const uint16_t, uint16_t>;
  return reinterpret_cast<Half*>(page + at);
}

template <int kBits>
void write_page(int head_dim, const float* k, const float* v, std::byte* k_page,
                std::byte* v_page) {
  constexpr size_t kBytes = grid_run_bytes(kBits);
  const auto dim = static_cast<size_t>(head_dim);
  auto* codes = reinterpret_cast<uint8_t*>(k_page);
  uint16_t* scales = halves(k_page, grid_key_scales(kBits, head_dim));
  for (size_t run = 0; run < 2; ++run)
    for (size_t d = 0, i = run * dim; d < dim; ++d, ++i)
      write_run<kBits>(k + run * kLaneRun * dim + d, dim, kLaneRun, codes + i * kBytes, scales + i,
                       scales + 2 * dim + i);

  codes = reinterpret_cast<uint8_t*>(v_page);
  scales = halves(v_page, grid_value_scales(kBits, head_dim));
  const auto runs = static_cast<size_t>(grid_runs(head_dim));
  for (size_t run = 0; run < runs; ++run)
    for (size_t slot = 0, i = run * kPageSlots; slot < kPageSlots; ++slot, ++i)
      write_run<kBits>(v + slot * dim + run * kLaneRun, 1,
                       std::min<size_t>(kLaneRun, dim - run * kLaneRun), codes + i * kBytes,
                       scales + i, scales + runs * kPageSlots + i);
}

void check(int bits, int head_dim) {
  WEIR_CHECK(bits == 8 || bits == 4 || bits == 2, "{} bits", bits);
  WEIR_CHECK(head_dim > 0 && head_dim <= kMaxHeadDim, "head_dim {}", head_dim);
}

}  // namespace

void write_grid(int bits, int head_dim, const float* k, const float* v, std::byte* k_page,
                std::byte* v_page) {
  check(bits, head_dim);
  if (bits == 8) return write_page<8>(head_dim, k, v, k_page, v_page);
  if (bits == 4) return write_page<4>(head_dim, k, v, k_page, v_page);
  write_page<2>(head_dim, k, v, k_page, v_page);
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
