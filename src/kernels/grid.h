// Pages of attention whose rows stand on grids: a code of 8, 4 or 2 bits for each element, and a
// scale and an offset for 32 of them: value = offset + scale * code.
//
// Keys have a grid for each dimension and run of 32 slots, because some dimensions are large in all
// rows; values have one for each slot and run of 32 dimensions (Liu, Yuan, Jin, Zhong, Xu,
// Braverman, Chen, Hu: KIVI, 2024). Runs lie as a raw page has them (attention.h):
//
//   run:  codes of all steps, 4 bits bytes each | scale f16[steps] | offset f16[steps]
//
// A run has 32 lanes (slots of K, dimensions of V) and as many steps as there are dimensions of K,
// or slots of V. K is two runs, V one for each 32 dimensions, rounded up; codes past head_dim are
// zeros. Sixteen lanes of two steps are a vector of 32 codes; 16 / bits vectors share 64 bytes, as
// so many parts of each of 32 words of 16 bits:
//
//   part:   0              1               2              3
//   8 bits  lanes 0..15    lanes 16..31                                  of steps 0 and 1
//   4 bits  lanes 0..15    lanes 16..31    lanes 0..15    lanes 16..31   of steps 0, 1; 2, 3
//   word:   lane 0 step 0 | lane 0 step 1 | lane 1 step 0 | lane 1 step 1 | ...
//
// Attention multiplies codes, in whole numbers: a query's elements times the scales are rounded to
// 16 bits, two steps at a time meet sixteen lanes, and the sums are exact. Offsets are summed once
// for a run, so that no element is widened to its value.
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
// Bytes of a run's codes for each step, and how many steps share 64 bytes.
static constexpr size_t grid_step_bytes(int bits) {
  return static_cast<size_t>(4 * bits);
}
static constexpr int grid_unit_steps(int bits) {
  return 16 / bits;
}
// Where a run's scales begin, and its bytes.
static constexpr size_t grid_scales(int bits, int steps) {
  return static_cast<size_t>(steps) * grid_step_bytes(bits);
}
static constexpr size_t grid_run_bytes(int bits, int steps) {
  return grid_scales(bits, steps) + static_cast<size_t>(steps) * 4;
}

// Bytes of one page's K; V has as many. REQUIRES bits of 8, 4 or 2, here and below.
static constexpr size_t grid_half_bytes(int bits, int head_dim) {
  return static_cast<size_t>(grid_runs(head_dim)) * grid_run_bytes(bits, kPageSlots);
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
