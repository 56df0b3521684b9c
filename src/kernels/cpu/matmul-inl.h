// Strips of 16 outputs times rows of activations in 8 bits. Each output of each row is one chain:
//   acc = fma(float(dot) * x_scale, w_scale, acc), acc = fma(w_min, x_scaled_sum, acc)
// over the blocks of 32 columns in order, where dot is exact.
#pragma once

#include "kernels/cpu/tile-inl.h"
#include "kernels/matmul.h"

namespace weir::WEIR_ISA_NAMESPACE {

// How far ahead weights are fetched: enough to hide memory, little enough to stay in the cache.
inline constexpr int kPrefetchBytes = 2560;

// Stores a row's sums, or adds them to what is there; only the lanes that are outputs.
WEIR_INLINE void put(const MatmulPiece& piece, size_t row, Floats sum) {
  float* to = piece.out + row * piece.stride;
  if (piece.outputs == kTileRows) return store(to, piece.add ? add(load(to), sum) : sum);
  float lanes[kTileRows];
  store(lanes, sum);
  for (size_t i = 0; i < piece.outputs; ++i) to[i] = piece.add ? to[i] + lanes[i] : lanes[i];
}

// dots[r] = the products of groups [kFirst, kFirst + kCount) with row r of x, exactly.
template <int kBits, int kFirst, int kCount, int kRows, typename TileBits>
WEIR_INLINE void dot_groups(const TileBits& bits, const QuantisedBlock* x, size_t stride,
                            Ints (&dots)[kRows]) {
  constexpr int kRun = kAdditions<kBits> < kCount ? kAdditions<kBits> : kCount;
#pragma GCC unroll 8
  for (int start = kFirst; start < kFirst + kCount; start += kRun) {
    Products sums[kRows];
#pragma GCC unroll 8
    for (int g = start; g < start + kRun; ++g) {
      const Bytes w = group_of(bits, g);
#pragma GCC unroll 16
      for (int r = 0; r < kRows; ++r) {
        const int8_t* four = x[r * stride].value + 4 * g;
        sums[r] = g == start ? products<kBits>(w, four) : add_products<kBits>(sums[r], w, four);
      }
    }
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r)
      dots[r] = start == kFirst ? whole(sums[r]) : add_whole(dots[r], sums[r]);
  }
}

// What the weights of a tile count from, as products() gives them.
template <typename Tile>
inline constexpr int kZeroOf = Tile::kBits == 8 ? kSignedZero : Tile::kZero;

// Dots of weights that count from kZero.
template <int kZero>
WEIR_INLINE Ints from_zero(Ints dot, int32_t sum) {
  static_assert((kZero & (kZero - 1)) == 0, "a power of two");
  if constexpr (kZero == 0)
    return dot;
  else
    return subtract(dot, shift_left<__builtin_ctz(kZero)>(broadcast(sum)));
}

template <int kRows, typename Tile>
WEIR_INLINE void block_dots(const Tile& tile, int part, const QuantisedBlock* x, size_t stride,
                            Ints (&dots)[kRows]) {
  if constexpr (Tile::kHasHalfScales) {
    Ints second[kRows];
    dot_groups<Tile::kBits, 0, 4>(tile.bits[part], x, stride, dots);
    const Ints first_scale = half_scale_of(tile, part, 0);
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r)
      dots[r] = multiply(from_zero<kZeroOf<Tile>>(dots[r], x[r * stride].first_sum), first_scale);
    dot_groups<Tile::kBits, 4, 4>(tile.bits[part], x, stride, second);
    const Ints second_scale = half_scale_of(tile, part, 1);
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      const int32_t sum = x[r * stride].sum - x[r * stride].first_sum;
      dots[r] = add(dots[r], multiply(from_zero<kZeroOf<Tile>>(second[r], sum), second_scale));
    }
  } else {
    dot_groups<Tile::kBits, 0, kGroups>(tile.bits[part], x, stride, dots);
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) dots[r] = from_zero<kZeroOf<Tile>>(dots[r], x[r * stride].sum);
  }
}

// Goes on with the chains of kRows rows over one block of columns.
template <int kRows, typename Tile>
WEIR_INLINE void fold_block(const Tile& tile, int part, const QuantisedBlock* x, size_t stride,
                            Floats (&acc)[kRows]) {
  Ints dots[kRows];
  block_dots(tile, part, x, stride, dots);
  const Floats scale = scale_of(tile, part);
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
    const Floats scaled = multiply(to_floats(dots[r]), broadcast(x[r * stride].scale));
    acc[r] = fma(scaled, scale, acc[r]);
  }
  if constexpr (Tile::kHasMin) {
    const Floats min = min_of(tile, part);
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) acc[r] = fma(min, broadcast(x[r * stride].scaled_sum), acc[r]);
  }
}

// Few rows: tiles are read from memory as they stand, unpacked in registers.
template <int kRows, typename Tile>
void multiply_few(const MatmulPiece& piece) {
  const size_t blocks = piece.columns / kQuantBlock;
  const auto* tile = reinterpret_cast<const Tile*>(piece.tiles);
  const QuantisedBlock* x = piece.blocks;
  Floats acc[kRows];
  for (Floats& a : acc) a = broadcast(0.0f);
  for (size_t b = 0; b < blocks; b += Tile::kParts, ++tile)
    for (int part = 0; part < Tile::kParts; ++part, ++x) {
      constexpr int kBytes = sizeof(Tile) / Tile::kParts;
      const char* ahead = reinterpret_cast<const char*>(tile) + part * kBytes + kPrefetchBytes;
      for (int at = 0; at < kBytes; at += 64) prefetch(ahead + at);
      fold_block(*tile, part, x, blocks, acc);
    }
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) put(piece, r, acc[r]);
}

// Blocks of columns whose unpacked tiles, with the rows' activations, stay in the nearest cache.
inline constexpr size_t kRunBlocksMax = 24;

// Fetches the packed tiles of the next run, block by block, in step with the work of the first
// rows: memory would rest meanwhile.
template <int kRows, typename Tile>
void fold_run(const Unpacked<Tile>* tiles, size_t count, const QuantisedBlock* x, size_t stride,
              const char* ahead, Floats* sums) {
  constexpr int kBytes = sizeof(Tile) / Tile::kParts;
  Floats acc[kRows];
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) acc[r] = sums[r];
  for (size_t b = 0; b < count; ++b) {
    if (ahead)
      for (int at = 0; at < kBytes; at += 64) prefetch(ahead + b * kBytes + at);
    fold_block(tiles[b], 0, x + b, stride, acc);
  }
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) sums[r] = acc[r];
}

// Calls function<kRows>() for the number of rows, which is at most kRowsMax.
template <int kRowsMax, typename Function>
WEIR_INLINE void with_rows(size_t rows, const Function& function) {
  if constexpr (kRowsMax > 1)
    if (rows < kRowsMax) return with_rows<kRowsMax - 1>(rows, function);
  function.template operator()<kRowsMax>();
}

template <typename Tile>
void multiply_many(const MatmulPiece& piece) {
  const size_t blocks = piece.columns / kQuantBlock;
  const auto* tiles = reinterpret_cast<const Tile*>(piece.tiles);
  const size_t runs = (blocks + kRunBlocksMax - 1) / kRunBlocksMax;
  const size_t per_run = (blocks + runs - 1) / runs;
  Unpacked<Tile> run[kRunBlocksMax];
  Floats sums[kPieceRows];
  for (size_t r = 0; r < piece.rows; ++r) sums[r] = broadcast(0.0f);
  for (size_t b = 0; b < blocks; b += per_run) {
    const size_t count = blocks - b < per_run ? blocks - b : per_run;
    for (size_t i = 0; i < count; ++i)
      unpack(tiles[(b + i) / Tile::kParts], static_cast<int>((b + i) % Tile::kParts), run[i]);
    const char* next =
        reinterpret_cast<const char*>(tiles) + (b + count) / Tile::kParts * sizeof(Tile);
    for (size_t r = 0; r < piece.rows; r += kRowsAtOnce)
      with_rows<kRowsAtOnce>(piece.rows - r, [&]<int kRows>() {
        fold_run<kRows>(run, count, piece.blocks + r * blocks + b, blocks, r == 0 ? next : nullptr,
                        sums + r);
      });
  }
  for (size_t r = 0; r < piece.rows; ++r) put(piece, r, sums[r]);
}

template <typename Tile>
void multiply_strip(const MatmulPiece& piece) {
  if (piece.rows > kRowsAtOnce) return multiply_many<Tile>(piece);
  with_rows<kRowsAtOnce>(piece.rows, [&]<int kRows>() { multiply_few<kRows, Tile>(piece); });
}

}  // namespace weir::WEIR_ISA_NAMESPACE
