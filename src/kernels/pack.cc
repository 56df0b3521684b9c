// Weights into tiles at load, and a row of them back out as floats.
#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "base/number.h"
#include "base/thread_pool.h"
#include "kernels/block.h"
#include "kernels/matmul.h"
#include "kernels/tile.h"
#include "tensor/half.h"

namespace weir {
namespace {

uint32_t word_at(const uint8_t* bytes) {
  uint32_t word;
  memcpy(&word, bytes, 4);
  return word;
}

void set_word(uint8_t* bytes, uint32_t word) {
  memcpy(bytes, &word, 4);
}

// `bits` has one byte for each column of output r; four columns move at a time.
template <int kBits>
void place(TileBits<kBits>& tile, int r, const uint8_t* bits) {
  if constexpr (kBits == 8) {
    for (int g = 0; g < kGroups; ++g) set_word(tile.group[g] + 4 * r, word_at(bits + 4 * g));
  } else {
    constexpr uint32_t kNibbles = 0x0F0F0F0F;
    for (int i = 0; i < 4; ++i)
      set_word(tile.low + kGroupBytes * i + 4 * r,
               (word_at(bits + 8 * i) & kNibbles) | (word_at(bits + 8 * i + 4) & kNibbles) << 4);
  }
  if constexpr (kBits == 5) {
    uint32_t high = 0;
    for (int g = 0; g < kGroups; ++g) high |= (word_at(bits + 4 * g) >> 4 & 0x01010101) << g;
    set_word(tile.high + 4 * r, high);
  }
  if constexpr (kBits == 6) {
    for (int plane = 0; plane < 2; ++plane) {
      uint32_t high = 0;
      for (int g = 0; g < 4; ++g)
        high |= (word_at(bits + 16 * plane + 4 * g) >> 4 & 0x03030303) << 2 * g;
      set_word(tile.high + kGroupBytes * plane + 4 * r, high);
    }
  }
}

// The inverse of place().
template <int kBits>
void take(const TileBits<kBits>& tile, int r, uint8_t* bits) {
  for (int g = 0; g < kGroups; ++g) {
    uint32_t word = 0;
    if constexpr (kBits == 8)
      word = word_at(tile.group[g] + 4 * r);
    else
      word = word_at(tile.low + kGroupBytes * (g / 2) + 4 * r) >> g % 2 * 4 & 0x0F0F0F0F;
    if constexpr (kBits == 5) word |= (word_at(tile.high + 4 * r) >> g & 0x01010101) << 4;
    if constexpr (kBits == 6)
      word |= (word_at(tile.high + g / 4 * kGroupBytes + 4 * r) >> 2 * (g % 4) & 0x03030303) << 4;
    set_word(bits + 4 * g, word);
  }
}

// One function a kind of tile for all but the bits.
template <typename Tile, typename Block>
void place_scales(Tile& tile, int r, const Block& block) {
  tile.scale[r] = block.scale;
  if constexpr (Tile::kHasMin) tile.min[r] = block.min;
  if constexpr (Tile::kHasHalfScales)
    for (int half = 0; half < 2 * Tile::kParts; ++half)
      tile.half_scale[half][r] = block.half_scale[half];
  if constexpr (requires { tile.part_low; })
    for (int part = 0; part < Tile::kParts; ++part) {
      const int min = block.parts.min(part);
      tile.part_low[part][r] = static_cast<uint8_t>(block.parts.scale(part) | (min & 3) << 6);
      tile.part_high[part][r % 8] |= static_cast<uint8_t>(min >> 2 << r / 8 * 4);
    }
}

template <typename Tile>
struct Source;
template <>
struct Source<TileQ4_0> {
  using Block = BlockQ4_0;
};
template <>
struct Source<TileQ4_1> {
  using Block = BlockQ4_1;
};
template <>
struct Source<TileQ5_0> {
  using Block = BlockQ5_0;
};
template <>
struct Source<TileQ5_1> {
  using Block = BlockQ5_1;
};
template <>
struct Source<TileQ8_0> {
  using Block = BlockQ8_0;
};
template <>
struct Source<TileQ4_K> {
  using Block = BlockQ4_K;
};
template <>
struct Source<TileQ5_K> {
  using Block = BlockQ5_K;
};
template <>
struct Source<TileQ6_K> {
  using Block = BlockQ6_K;
};

// Row r of a strip, `tiles` tiles wide.
template <typename Tile>
void pack_row(const std::byte* row, size_t tiles, int r, Tile* to) {
  for (size_t t = 0; t < tiles; ++t) {
    if constexpr (kIsFloatTile<Tile>) {
      constexpr size_t kElement = sizeof(to->at[0][0]);
      for (int c = 0; c < kQuantBlock; ++c)
        memcpy(&to[t].at[c][r], row + (t * kQuantBlock + c) * kElement, kElement);
    } else {
      typename Source<Tile>::Block block;
      memcpy(&block, row + t * sizeof(block), sizeof(block));
      uint8_t bits[kQuantBlock];
      for (int part = 0; part < Tile::kParts; ++part) {
        block.decode(part, bits);
        place(to[t].bits[part], r, bits);
      }
      place_scales(to[t], r, block);
    }
  }
}

template <typename Tile>
void pack(const Tensor& from, ThreadPool& pool, std::byte* to) {
  const size_t tiles = from.columns / (kQuantBlock * Tile::kParts);
  const auto strip = [&](size_t s) {
    Tile* at = reinterpret_cast<Tile*>(to) + s * tiles;
    const size_t first = s * kTileRows, count = std::min<size_t>(kTileRows, from.rows - first);
    for (size_t r = 0; r < count; ++r)
      pack_row(from.row(first + r), tiles, static_cast<int>(r), at);
  };
  pool.for_each(ceil_div<size_t>(from.rows, kTileRows), strip);
}

// Products of a half and these small integers are exact in a float, so there is one rounding at
// most (where a min is added), as in the formats' own definition.
template <typename Tile>
void widen_part(const Tile& tile, int part, size_t r, float* to) {
  uint8_t bits[kQuantBlock];
  take(tile.bits[part], static_cast<int>(r), bits);
  float scale = float_of_half(tile.scale[r]), min = 0;
  if constexpr (Tile::kHasMin) min = float_of_half(tile.min[r]);
  if constexpr (requires { tile.part_low; }) {
    const int low = tile.part_low[part][r], high = tile.part_high[part][r % 8] >> r / 8 * 4 & 15;
    scale *= static_cast<float>(low & 63);
    min *= -static_cast<float>(high << 2 | low >> 6);
  }
  for (int c = 0; c < kQuantBlock; ++c) {
    int value = bits[c] - Tile::kZero;
    if constexpr (Tile::kBits == 8) value = static_cast<int8_t>(bits[c]);
    if constexpr (Tile::kHasHalfScales) value *= tile.half_scale[2 * part + c / 16][r];
    to[c] = scale * static_cast<float>(value) + min;
  }
}

float float_of(float value, DType) {
  return value;
}
float float_of(uint16_t bits, DType type) {
  return type == DType::kF16 ? float_of_half(bits) : float_of_bfloat16(bits);
}

template <typename Tile>
void widen(const std::byte* strip, size_t columns, size_t r, float* to) {
  const auto* tiles = reinterpret_cast<const Tile*>(strip);
  for (size_t c = 0; c < columns; c += kQuantBlock) {
    const size_t block = c / kQuantBlock;
    const Tile& tile = tiles[block / Tile::kParts];
    if constexpr (!kIsFloatTile<Tile>)
      widen_part(tile, static_cast<int>(block % Tile::kParts), r, to + c);
    else
      for (int i = 0; i < kQuantBlock; ++i) to[c + i] = float_of(tile.at[i][r], Tile::kType);
  }
}

}  // namespace

PackedMatrix::PackedMatrix(const Tensor& weights, Arithmetic arithmetic, ThreadPool& pool,
                           Arena& arena)
    : rows_(weights.rows), columns_(weights.columns), type_(weights.type), arithmetic_(arithmetic) {
  visit_tile(type_, [&]<typename Tile>() {
    constexpr size_t kColumns = kQuantBlock * Tile::kParts;
    WEIR_CHECK(columns_ % kColumns == 0, "{} columns of {}", columns_, info(type_).name);
    if (kIsFloatTile<Tile>) arithmetic_ = Arithmetic::kFloat;
    strip_bytes_ = columns_ / kColumns * sizeof(Tile);
    bytes_ = ceil_div<size_t>(rows_, kTileRows) * strip_bytes_;
    data_ = arena.take(bytes_);
    pack<Tile>(weights, pool, data_);
  });
}

void PackedMatrix::widen_row(size_t row, float* to) const {
  WEIR_CHECK(row < rows_, "row {} of {}", row, rows_);
  visit_tile(type_, [&]<typename Tile>() {
    widen<Tile>(strip(row / kTileRows), columns_, row % kTileRows, to);
  });
}

}  // namespace weir
