// Attention over pages, and the two ways rows get into a page. One query row's result depends on
// its own query and on the slots it sees, and on nothing else: not on how many rows stand beside
// it, how a prompt was cut, how many threads there are.
//
// The rule. A list's slots are folded in pieces of kPieceSlots at absolute slots. Inside a piece
// the order is fixed and the maximum is the piece's own; a slot that a row may not see contributes
// an exact zero; pieces merge in ascending order by one chain of operations per row and dimension.
// Logits are one chain of fused multiply-adds over the dimensions, sums one chain over the slots,
// on every ISA.
//
//   list:   | page 0  | page 1  | page 2  | page 3  |  ...          64 slots to a page
//           |<---------------- piece 0 ------------>|<- piece 1     256 slots to a piece
//
// A page of element type T holds K in runs of 32 slots, T[2][head_dim][32] (slot 32 i + j of
// dimension d at [i][d][j]), and V in runs of 32 dimensions, T[head_dim / 32][64][32] (the last run
// has 16 of them where head_dim asks for it): lanes lie side by side, a cache line of halves has
// 32, and who attends reads run after run from end to end. Slots never written are zeros.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/grid.h"
#include "kernels/layout.h"
#include "tensor/dtype.h"

namespace weir {

class ThreadPool;

// What a kernel knows of 64 slots of one list: plain bytes. `bias` is added to each slot's logit
// (natural units: log n for a row that stands for n, -inf for one that is dropped); null means
// zeros. `k` may be null for a page that no row of the call sees (out of reach and freed). Pages of
// all forms may stand in one list; what a page on grids gives follows from its codes alone.
//
// Rows of a page may be directions that several lists share, each with lengths of its own: a slot's
// product with a query times `k_scale` is its logit, before the bias, and its value counts
// `v_scale` times. Some keys and some values may lie apart, as they are (`own`): a key's logit is
// then a tree over sixteen lanes of a chain, a value joins the sums after all that lie in pages.
struct AttentionPage {
  const std::byte* k = nullptr;
  const std::byte* v = nullptr;
  const float* bias = nullptr;     // [64]
  GridForm grid = {};              // Of 0 bits: elements of AttentionShape::kv. Else on grids, all
                                   // slots written.
  int own = 0;                     // Keys that lie apart, and as many values.
  const float* k_scale = nullptr;  // [64] Finite, 1 for a row that lies apart; both null:
  const float* v_scale = nullptr;  // rows are as they are. REQUIRES no grids.
  const uint8_t* own_slots = nullptr;   // [2][own]: the slots of the keys, then of the values,
                                        // where `v` has zeros.
  const std::byte* own_rows = nullptr;  // [2][own][head_dim] elements.
};

// One list (a KV head of a layer of a sequence) as one span of queries meets it: query row i of the
// span stands at slot `slot + i` and sees the slots [max(0, slot + i + 1 - window), slot + i + 1),
// or [0, visible) for every row where visible >= 0 (a list that is read whole, such as a shifted
// view).
struct AttentionList {
  std::span<const AttentionPage> pages;  // In order; page p holds the slots [64 p, 64 p + 64).
  int32_t slot = 0;
  int32_t visible = -1;
};

struct AttentionShape {
  int heads = 0, kv_heads = 0, head_dim = 0;  // heads is a multiple of kv_heads.
  DType kv = DType::kBF16;                    // kF32, kF16 or kBF16.
  int window = 0;                             // 0: no bound.
  float scale = 1;                            // Multiplies every logit.
};

// What a set of slots gives one query row, before division: out = sum(exp(logit - max) * v).
// `max` is finite even where nothing was seen (then sum is 0).
struct Partial {
  float max = 0;
  float sum = 0;
  std::span<float> out;  // [head_dim]
};

// into += part, in list order; a group's mass exponent and scale are applied by the caller before.
// REQUIRES max >= the lowest finite float (its value where nothing was seen), as attend leaves it.
void merge(Partial& into, const Partial& part);

// to[head_dim] = what attend gives where nobody asks for max and sum; zeros where nothing was seen.
void finish(const Partial& part, float* to);

// Consecutive query rows of one sequence in one layer.
struct AttentionSpan {
  std::span<const AttentionList> lists;  // [kv_heads]
  int32_t rows = 0;
  const float* q = nullptr;  // [rows][heads][head_dim], rotated.
  float* out = nullptr;      // [rows][heads][head_dim]
  float* max = nullptr;      // [rows][heads] or null: leaves `out` undivided and gives max and sum,
  float* sum = nullptr;      // so that spans over other lists can be merged in.
};

// Whether threads share the pieces of a block of rows. No bit of the result depends on it.
enum class Split { kAuto, kNever, kAlways };

// All spans of a step in one call: one work list over (sequence, head, piece) for all threads.
// REQUIRES head_dim to be a multiple of 16, at most 256, and every list to have the pages that its
// rows see. A row that sees nothing gives zeros. What a row may not see does not reach its result,
// be it infinite or NaN.
void attend(ThreadPool& pool, const AttentionShape& shape, std::span<const AttentionSpan> spans,
            Split split = Split::kAuto);

// Bytes of one page's K (V has as many).
size_t page_half_bytes(DType kv, int head_dim);

// Writes one row into slot `slot` (0..63) of a page; read_row gives it back as floats (what the
// page holds, after rounding). Rounding is to nearest even.
void write_row(DType kv, int head_dim, int slot, const float* k, const float* v, std::byte* k_page,
               std::byte* v_page);
void read_row(DType kv, int head_dim, int slot, const std::byte* k_page, const std::byte* v_page,
              float* k, float* v);
// The same of one row of AttentionPage::own_rows.
void write_own_row(DType kv, int head_dim, const float* row, std::byte* to);
void read_own_row(DType kv, int head_dim, const std::byte* from, float* row);

}  // namespace weir
