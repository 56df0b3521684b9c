// Tiles of quantised weights in registers: the groups of columns as bytes, the scales as floats.
#pragma once

#include "kernels/tile.h"

namespace weir::WEIR_ISA_NAMESPACE {

WEIR_INLINE Bytes group_of(const TileBits<8>& bits, int g) {
  return load(bits.group[g]);
}
WEIR_INLINE Bytes group_of(const TileBits<4>& bits, int g) {
  return move_bits(load(bits.low + g / 2 * kGroupBytes), g % 2 * 4, 4, 0);
}
WEIR_INLINE Bytes group_of(const TileBits<5>& bits, int g) {
  return bit_or(move_bits(load(bits.low + g / 2 * kGroupBytes), g % 2 * 4, 4, 0),
                move_bits(load(bits.high), g, 1, 4));
}
WEIR_INLINE Bytes group_of(const TileBits<6>& bits, int g) {
  return bit_or(move_bits(load(bits.low + g / 2 * kGroupBytes), g % 2 * 4, 4, 0),
                move_bits(load(bits.high + g / 4 * kGroupBytes), g % 4 * 2, 2, 4));
}

WEIR_INLINE Floats widened(const uint16_t* halves) {
  return load_f16(halves);
}
WEIR_INLINE Floats widened(const float* floats) {
  return load(floats);
}
WEIR_INLINE Ints widened(const int8_t* bytes) {
  return load_i8(bytes);
}
WEIR_INLINE Ints widened(const int32_t* ints) {
  return load(ints);
}

// What a product of bits is multiplied with. Exact.
template <typename Tile>
WEIR_INLINE Floats scale_of(const Tile& tile, int part) {
  const Floats scale = widened(tile.scale);
  if constexpr (requires { tile.part_low; }) {
    const Ints low = load_u8(tile.part_low[part]);
    return multiply(scale, to_floats(bit_and(low, broadcast(int32_t{63}))));
  }
  return scale;
}

// What is added to each weight after its scale. Exact.
template <typename Tile>
WEIR_INLINE Floats min_of(const Tile& tile, int part) {
  const Floats min = widened(tile.min);
  if constexpr (requires { tile.part_low; }) {
    const Ints low = shift_right<6>(load_u8(tile.part_low[part]));
    const Ints high = load_nibbles(tile.part_high[part]);
    const Ints whole = bit_or(shift_left<2>(high), low);
    return multiply(min, to_floats(subtract(broadcast(int32_t{0}), whole)));
  }
  return min;
}

// Of 16 columns, in formats that have it.
template <typename Tile>
WEIR_INLINE Ints half_scale_of(const Tile& tile, int part, int half) {
  return widened(tile.half_scale[2 * part + half]);
}

// 32 columns of 16 outputs, a byte a weight: what many rows of activations read from the nearest
// cache, so that unpacking is paid once.
template <typename Tile>
struct alignas(64) Unpacked {
  static constexpr int kBits = Tile::kBits, kZero = Tile::kZero, kParts = 1;
  static constexpr bool kHasMin = Tile::kHasMin, kHasHalfScales = Tile::kHasHalfScales;
  TileBits<8> bits[1];
  float scale[kTileRows];
  float min[kTileRows];
  int32_t half_scale[2][kTileRows];
};

template <typename Tile>
WEIR_INLINE void unpack(const Tile& tile, int part, Unpacked<Tile>& to) {
#pragma GCC unroll 8
  for (int g = 0; g < kGroups; ++g) store(to.bits[0].group[g], group_of(tile.bits[part], g));
  store(to.scale, scale_of(tile, part));
  if constexpr (Tile::kHasMin) store(to.min, min_of(tile, part));
  if constexpr (Tile::kHasHalfScales)
    for (int half = 0; half < 2; ++half)
      store(to.half_scale[half], half_scale_of(tile, part, half));
}

}  // namespace weir::WEIR_ISA_NAMESPACE
