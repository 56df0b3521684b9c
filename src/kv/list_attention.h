// Attention over edited lists: from slices to the plain descriptors that kernels read.
//
//   list:   | slice | slice | slice shifted | slice | slice (the queries' own rows last) |
//   runs:   |    run 0      |     run 1     |                run 2                       |
//
// A run is what one rotation of a query reads: consecutive slices of one group, reading and shift,
// each a page of slots with the slice's biases (rows outside of it are dropped). Runs are attended
// one after the other and merge in order. Slices that no kernel can read in place are decoded into
// pages of this call's own: bytes of another codec, or keys that wait for a rotation.
//
// A list of one run is one call of the kernels' attend(), so that an unedited list gives the block
// table's bits.
#pragma once

#include <cstdint>
#include <functional>

#include "kernels/attention.h"
#include "kv/page.h"

namespace weir {

// Rotates a head of queries or keys, [head_dim], from position 0 to `position` (which a shift may
// make negative).
using RotateHead = std::function<void(float* head, int32_t position)>;

// Consecutive query rows, standing at positions [position, position + rows). Their own rows are in
// the last run of each list, in pages read in place, if they are in the list at all.
struct ListQueries {
  int32_t position = 0, rows = 0;
  const float* q = nullptr;  // [rows][heads][head_dim], not rotated.
  float* out = nullptr;      // [rows][heads][head_dim]
};

// REQUIRES shape.window == 0 or lists of one run.
void attend(ThreadPool& pool, const AttentionShape& shape, const LayerLists& lists,
            const ListQueries& queries, const RotateHead& rotate);

}  // namespace weir
