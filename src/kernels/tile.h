// How weights lie in memory: tiles of 16 outputs by 32 columns (256 for K formats), each output in
// a lane of its own, so that nothing is ever added across lanes. The bits are those of the file's
// blocks in another order, and as many.
//
// The columns of a tile stand in eight groups of four: a vector of 64 bytes holds one group, lane r
// the four columns of output r. That is what a dot product of bytes wants (vpdpbusd with one lane
// of activations broadcast, or vpmaddubsw on halves of the vector).
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/layout.h"
#include "tensor/dtype.h"

namespace weir {

inline constexpr int kGroups = 8;       // Groups of four columns in 32.
inline constexpr int kGroupBytes = 64;  // 16 outputs of four columns.

// 16 x 32 weights of so many bits. Byte 64 i + 4 r + k of `low` holds column 8 i + k of output r
// in its low half and column 8 i + 4 + k in its high half. Further bits of group g: bit g of
// `high` at 4 r + k; or bits 2 (g % 4) of `high` at 64 (g / 4) + 4 r + k where there are two.
template <int kBits>
struct TileBits;
template <>
struct TileBits<4> {
  uint8_t low[256];
};
template <>
struct TileBits<5> {
  uint8_t low[256];
  uint8_t high[64];
};
template <>
struct TileBits<6> {
  uint8_t low[256];
  uint8_t high[128];
};
template <>
struct TileBits<8> {  // Signed.
  uint8_t group[kGroups][kGroupBytes];
};

// Weight = scale * (bits - zero). Halves (IEEE 16 bits) throughout; `kParts` counts the blocks of
// 32 columns in a tile.
template <DType kTypeOf, int kBitsOf, int kZeroOf>
struct ScaleTile {
  static constexpr DType kType = kTypeOf;
  static constexpr int kBits = kBitsOf, kZero = kZeroOf, kParts = 1;
  static constexpr bool kHasMin = false, kHasHalfScales = false;
  TileBits<kBits> bits[kParts];
  uint16_t scale[kTileRows];
};

// Weight = scale * bits + min.
template <DType kTypeOf, int kBitsOf>
struct ScaleMinTile {
  static constexpr DType kType = kTypeOf;
  static constexpr int kBits = kBitsOf, kZero = 0, kParts = 1;
  static constexpr bool kHasMin = true, kHasHalfScales = false;
  TileBits<kBits> bits[kParts];
  uint16_t scale[kTileRows], min[kTileRows];
};

// Weight = scale * part_scale * bits - min * part_min, where each 32 columns have a part_scale and
// a part_min of six bits: `part_low` is part_scale + 64 * (the two low bits of part_min), and the
// nibbles of `part_high` are its four high bits, outputs 0..7 in the low halves.
template <DType kTypeOf, int kBitsOf>
struct SuperTile {
  static constexpr DType kType = kTypeOf;
  static constexpr int kBits = kBitsOf, kZero = 0, kParts = 8;
  static constexpr bool kHasMin = true, kHasHalfScales = false;
  TileBits<kBits> bits[kParts];
  uint16_t scale[kTileRows], min[kTileRows];
  uint8_t part_low[kParts][kTileRows];
  uint8_t part_high[kParts][kTileRows / 2];
};

// Weight = scale * half_scale * (bits - 32), where each 16 columns have a half_scale.
struct TileQ6_K {
  static constexpr DType kType = DType::kQ6_K;
  static constexpr int kBits = 6, kZero = 32, kParts = 8;
  static constexpr bool kHasMin = false, kHasHalfScales = true;
  TileBits<kBits> bits[kParts];
  int8_t half_scale[2 * kParts][kTileRows];
  uint16_t scale[kTileRows];
};

using TileQ4_0 = ScaleTile<DType::kQ4_0, 4, 8>;
using TileQ4_1 = ScaleMinTile<DType::kQ4_1, 4>;
using TileQ5_0 = ScaleTile<DType::kQ5_0, 5, 16>;
using TileQ5_1 = ScaleMinTile<DType::kQ5_1, 5>;
using TileQ8_0 = ScaleTile<DType::kQ8_0, 8, 0>;
using TileQ4_K = SuperTile<DType::kQ4_K, 4>;
using TileQ5_K = SuperTile<DType::kQ5_K, 5>;

// Column by column; a lane is an output.
template <DType kTypeOf, typename Element>
struct FloatTile {
  static constexpr DType kType = kTypeOf;
  static constexpr int kParts = 1;
  Element at[kQuantBlock][kTileRows];
};

using TileF32 = FloatTile<DType::kF32, float>;
using TileF16 = FloatTile<DType::kF16, uint16_t>;
using TileBF16 = FloatTile<DType::kBF16, uint16_t>;

template <typename Tile>
inline constexpr bool kIsFloatTile = false;
template <DType kTypeOf, typename Element>
inline constexpr bool kIsFloatTile<FloatTile<kTypeOf, Element>> = true;

// The one list of formats: calls visitor.template operator()<Tile>() with the tile of `type`.
template <typename Visitor>
auto visit_tile(DType type, const Visitor& visitor) {
  switch (type) {
    case DType::kF16:
      return visitor.template operator()<TileF16>();
    case DType::kBF16:
      return visitor.template operator()<TileBF16>();
    case DType::kQ4_0:
      return visitor.template operator()<TileQ4_0>();
    case DType::kQ4_1:
      return visitor.template operator()<TileQ4_1>();
    case DType::kQ5_0:
      return visitor.template operator()<TileQ5_0>();
    case DType::kQ5_1:
      return visitor.template operator()<TileQ5_1>();
    case DType::kQ8_0:
      return visitor.template operator()<TileQ8_0>();
    case DType::kQ4_K:
      return visitor.template operator()<TileQ4_K>();
    case DType::kQ5_K:
      return visitor.template operator()<TileQ5_K>();
    case DType::kQ6_K:
      return visitor.template operator()<TileQ6_K>();
    case DType::kF32:
      break;
  }
  return visitor.template operator()<TileF32>();
}

struct QuantisedBlock;

// What one call computes: a strip of 16 outputs times some rows.
struct MatmulPiece {
  const std::byte* tiles = nullptr;        // Of the strip, all columns in order.
  size_t columns = 0;                      // A multiple of 32.
  const QuantisedBlock* blocks = nullptr;  // [rows][columns / 32], or null and
  const float* x = nullptr;                // [rows][columns].
  size_t rows = 0;                         // At most kPieceRows.
  float* out = nullptr;                    // out[r * stride + lane], the first `outputs` lanes.
  size_t stride = 0;
  size_t outputs = kTileRows;
  bool add = false;  // out += instead of out =.
};

inline constexpr size_t kPieceRows = 64;

}  // namespace weir
