// Pages of attention whose rows stand on grids: a code of 8, 4 or 2 bits for each element, and a
// scale and an offset for 32 of them: value = offset + scale * code.
//
// Keys have a grid for each dimension and run of 32 slots, because some dimensions are large in all
// rows; values have one for each slot and run of 32 dimensions (Liu, Yuan, Jin, Zhong, Xu,
// Braverman, Chen, Hu: KIVI, 2024). Runs lie as a raw page has them (attention.h):
//
//   K:  codes [2][head_dim][4 bits bytes]   scale f16[2][head_dim]   offset f16[2][head_dim]
//   V:  codes [runs][64][4 bits bytes]      scale f16[runs][64]      offset f16[runs][64]
//
// `runs` is head_dim / 32, rounded up; codes past head_dim are zeros. Code i of 32 is in byte i % n
// of its n = 4 bits bytes, at bit (i / n) * bits: consecutive lanes come from consecutive bytes.
//
// Attention multiplies codes: a query's elements are multiplied by the scales first, and offsets
// are summed once for a run, so that no element is widened to its value.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/layout.h"

namespace weir {

// In this header functions are static: files that are compiled for one ISA use them, and the linker
// must not keep such a copy for the whole program.
static constexpr int grid_runs(int head_dim) {
  return (head_dim + kLaneRun - 1) / kLaneRun;
}
static constexpr size_t grid_run_bytes(int bits) {
  return static_cast<size_t>(4 * bits);
}
// Where the scales begin; the offsets follow them.
static constexpr size_t grid_key_scales(int bits, int head_dim) {
  return static_cast<size_t>(2 * head_dim) * grid_run_bytes(bits);
}
static constexpr size_t grid_value_scales(int bits, int head_dim) {
  return static_cast<size_t>(grid_runs(head_dim) * kPageSlots) * grid_run_bytes(bits);
}

// Bytes of one page's K; V has as many. REQUIRES bits of 8, 4 or 2, here and below.
static constexpr size_t grid_half_bytes(int bits, int head_dim) {
  return static_cast<size_t>(grid_runs(head_dim) * kPageSlots) * (grid_run_bytes(bits) + 4);
}

// Encodes a page's 64 rows, k and v [64][head_dim]. A grid goes from the least to the greatest of
// its elements (both as f16 can have them); an element takes the nearest code, the even one of two.
// What is not finite becomes the greatest f16, or the offset for a NaN.
void write_grid(int bits, int head_dim, const float* k, const float* v, std::byte* k_page,
                std::byte* v_page);
// One row as floats, [head_dim].
void read_grid_row(int bits, int head_dim, int slot, const std::byte* k_page,
                   const std::byte* v_page, float* k, float* v);

}  // namespace weir
