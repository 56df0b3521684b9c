// Strips of 16 outputs times rows of activations in floats: weights of F32, F16 and BF16, and the
// reference path of the quantised formats. Each output of each row is one chain of fused
// multiply-adds over the columns in order.
#pragma once

#include "kernels/cpu/matmul-inl.h"
#include "kernels/kernel_table.h"

namespace weir::WEIR_ISA_NAMESPACE {

using Columns = float[kQuantBlock][kTileRows];

// 32 columns of 16 outputs as floats: those of the tile itself, or written to `to`.
WEIR_INLINE const Columns& columns_of(const TileF32& tile, int, Columns&) {
  return tile.at;
}
WEIR_INLINE const Columns& columns_of(const TileF16& tile, int, Columns& to) {
  for (int c = 0; c < kQuantBlock; ++c) store(to[c], load_f16(tile.at[c]));
  return to;
}
WEIR_INLINE const Columns& columns_of(const TileBF16& tile, int, Columns& to) {
  for (int c = 0; c < kQuantBlock; ++c) store(to[c], load_bf16(tile.at[c]));
  return to;
}
template <typename Tile>
WEIR_INLINE const Columns& columns_of(const Tile& tile, int part, Columns& to) {
  const Floats scale = scale_of(tile, part);
#pragma GCC unroll 8
  for (int g = 0; g < kGroups; ++g) {
    const Bytes bytes = group_of(tile.bits[part], g);
#pragma GCC unroll 4
    for (int k = 0; k < 4; ++k) {
      Ints value = Tile::kBits == 8 ? signed_byte_of(bytes, k) : byte_of(bytes, k);
      value = subtract(value, broadcast(int32_t{Tile::kZero}));
      if constexpr (Tile::kHasHalfScales) value = multiply(value, half_scale_of(tile, part, g / 4));
      Floats weight = multiply(to_floats(value), scale);
      if constexpr (Tile::kHasMin) weight = add(weight, min_of(tile, part));
      store(to[4 * g + k], weight);
    }
  }
  return to;
}

template <int kRows>
void fold_columns(const Columns& w, const float* x, size_t stride, Floats* sums) {
  Floats acc[kRows];
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) acc[r] = sums[r];
  for (int c = 0; c < kQuantBlock; ++c) {
    const Floats column = load(w[c]);
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) acc[r] = fma(column, broadcast(x[r * stride + c]), acc[r]);
  }
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) sums[r] = acc[r];
}

template <typename Tile>
void multiply_strip_float(const MatmulPiece& piece) {
  const auto* tile = reinterpret_cast<const Tile*>(piece.tiles);
  alignas(64) Columns room;
  Floats sums[kPieceRows];
  for (size_t r = 0; r < piece.rows; ++r) sums[r] = broadcast(0.0f);
  for (size_t c = 0; c < piece.columns; ++tile)
    for (int part = 0; part < Tile::kParts; ++part, c += kQuantBlock) {
      constexpr int kBytes = sizeof(Tile) / Tile::kParts;
      const char* ahead = reinterpret_cast<const char*>(tile) + part * kBytes + kPrefetchBytes;
      for (int at = 0; at < kBytes; at += 64) prefetch(ahead + at);
      const Columns& w = columns_of(*tile, part, room);
      for (size_t r = 0; r < piece.rows; r += kRowsAtOnce)
        with_rows<kRowsAtOnce>(piece.rows - r, [&]<int kRows>() {
          fold_columns<kRows>(w, piece.x + r * piece.columns + c, piece.columns, sums + r);
        });
    }
  for (size_t r = 0; r < piece.rows; ++r) put(piece, r, sums[r]);
}

inline MultiplyFunction multiplier(DType type, Arithmetic arithmetic) {
  return visit_tile(type, [&]<typename Tile>() -> MultiplyFunction {
    if constexpr (!kIsFloatTile<Tile>)
      if (arithmetic == Arithmetic::kInteger) return multiply_strip<Tile>;
    return multiply_strip_float<Tile>;
  });
}

}  // namespace weir::WEIR_ISA_NAMESPACE
