// Pages of attention whose rows stand on grids: a code of 8, 4 or 2 bits for each element, and a
// scale and an offset for 32 of them: value = offset + scale * code.
//
// Keys have a grid for each dimension and run of 32 slots, because some dimensions are large in all
// rows; values have one for each slot and run of 32 dimensions (Liu, Yuan, Jin, Zhong, Xu,
// Braverman, Chen, Hu: KIVI, 2024). Runs lie as a raw page has them (attention.h):
//
//   run:  codes of all steps, 4 bits bytes each | scale f16[steps] | offset f16[steps]
//
// Or 64 elements share a grid: those of all slots, or of two runs of dimensions. Then runs stand in
// pairs, with the grids behind the codes of the first:
//
//   runs 0 and 1:  codes of run 0 | scales | offsets | codes of run 1
//
// A run has 32 lanes (slots of K, dimensions of V) and as many steps as there are dimensions of K,
// or slots of V. K is two runs, V one for each 32 dimensions, rounded up; codes past head_dim are
// zeros. A line of 64 bytes has four to each of sixteen lanes:
//
//   8 bits  two steps:    lane i step 0 | lane i + 16 step 0 | lane i step 1 | lane i + 16 step 1
//   4 bits  four steps:   a byte each, with lane i in its low half and lane i + 16 in the high
//   2 bits  eight steps:  likewise steps 0..3 in the low half of a byte's halves, 4..7 in the high:
//
//   bits    0 1        2 3             4 5        6 7
//   byte j  i step j   i + 16 step j   i step 4+j  i + 16 step 4+j      of lane i
//
// Attention multiplies codes, in whole numbers: a query's elements times the scales are rounded to
// factors, for codes of 8 bits to 16 and for the others to 8 bits, and the sums are exact. What the
// rounding takes counts as if all codes were the middle of their grids: a factor errs by half a
// unit at most, a unit being the largest factor's part in 32767, or 127, and a product by as much
// times the code's distance from the middle. No element is widened to its value.

#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/layout.h"

namespace weir {

// How a page's rows stand on grids.
struct GridForm {
  int bits = 0;          // Of a code: 8, 4 or 2; 0: the page is on no grids.
  int group = kLaneRun;  // Elements that share a scale and an offset, 32 or 64.
};

// In this header functions are static: files that are compiled for one ISA use them, and the linker
// must not keep such a copy for the whole program.
static constexpr int grid_runs(int head_dim) {
  return (head_dim + kLaneRun - 1) / kLaneRun;
}
// Bytes of a run's codes for each step, and how many steps share 64 bytes.
static constexpr size_t grid_step_bytes(int bits) {
  return static_cast<size_t>(4 * bits);
}
static constexpr int grid_line_steps(int bits) {
  return 16 / bits;
}
// Vectors of sixteen lanes' codes, by two steps of words or four of bytes, that a line holds.
static constexpr int grid_line_parts(int bits) {
  return bits == 8 ? 2 : 8 / bits;
}
// What the largest factor of a row becomes.
static constexpr float grid_factor_limit(int bits) {
  return bits == 8 ? 32767 : 127;
}
// Bytes of a run's codes.
static constexpr size_t grid_code_bytes(int bits, int steps) {
  return static_cast<size_t>(steps) * grid_step_bytes(bits);
}
// Where a page's run begins, and where the scales that it has, its own or those of its pair.
static constexpr size_t grid_run_at(GridForm form, int steps, int run) {
  const int grids = form.group > kLaneRun ? (run + 1) / 2 : run;
  return static_cast<size_t>(run) * grid_code_bytes(form.bits, steps) +
         static_cast<size_t>(grids * steps) * 4;
}
static constexpr size_t grid_scales_at(GridForm form, int steps, int run) {
  return grid_run_at(form, steps, form.group > kLaneRun ? run / 2 * 2 : run) +
         grid_code_bytes(form.bits, steps);
}

// Bytes of one page's K; V has as many. REQUIRES a form of bits and a group as above, here and
// below.
static constexpr size_t grid_half_bytes(GridForm form, int head_dim) {
  return grid_run_at(form, kPageSlots, grid_runs(head_dim));
}

// Encodes a page's 64 rows, k and v [64][head_dim]. A grid goes from the least to the greatest of
// its elements (both as f16 can have them); an element takes the nearest code, the even one of two.
// What is not finite becomes the greatest f16, or the offset for a NaN.
void write_grid(GridForm form, int head_dim, const float* k, const float* v, std::byte* k_page,
                std::byte* v_page);
// One row as floats, [head_dim].
void read_grid_row(GridForm form, int head_dim, int slot, const std::byte* k_page,
                   const std::byte* v_page, float* k, float* v);

}  // namespace weir
