// What attention.cc hands to an ISA's kernels: a block of query rows of one KV head and one piece
// of its list. Which rows stand in a block is free; no row's result depends on the others.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/attention.h"
#include "kernels/layout.h"
#include "tensor/dtype.h"

namespace weir {

inline constexpr int kMaxHeadDim = 256;
inline constexpr int kStripRows = 6;    // Rows that are in registers together.
inline constexpr int kBlockRows = 96;   // Most rows of a block.
inline constexpr int kRowStride = 272;  // Floats from row to row; not a power of two, so that the
                                        // rows of a strip fall into different sets of the cache.
static_assert(kRowStride >= kMaxHeadDim && kRowStride >= kPieceSlots);

// Where the results of a block's rows lie before division: one AttentionFold is rows partials.
struct AttentionFold {
  float* max;  // [rows]; kNothingSeen where no slot is seen.
  float* sum;  // [rows]
  float* out;  // [rows][head_dim]
};
inline constexpr float kNothingSeen = -0x1.fffffep127f;  // The lowest finite float.

struct AttentionPiece {
  int rows = 0, head_dim = 0;
  DType kv = DType::kBF16;
  const float* q = nullptr;        // [rows][kRowStride], scaled.
  const int32_t* first = nullptr;  // [rows] Slots [first, end) of the piece are seen: counted from
  const int32_t* end = nullptr;  // the piece's first slot, in [0, kPieceSlots]. first >= end: none.
  const AttentionPage* pages = nullptr;  // The piece's pages; null k outside of all rows' bounds.
  int pages_ahead = 0;  // Entries of `pages` that the same thread reads soon; those after its own
                        // four are fetched in advance.
  float* logit = nullptr;  // Scratch, [rows][kRowStride].
  float* tile = nullptr;   // Scratch, [kPieceSlots][16].
};

// to[r * to_stride + lane] = row r of q, kRowStride floats from row to row, times key `lane` of a
// tile, [head_dim][16]: the same chain of multiply-adds over the dimensions that attend() makes.
void multiply_key_tile(const float* q, int rows, const float* tile, int head_dim, float* to,
                       int to_stride);

}  // namespace weir
