// Dot products of bytes on any machine: what the operations mean, as vector_scalar-inl.h does for
// the others.
#pragma once

#include "kernels/cpu/vector_scalar-inl.h"

namespace weir::WEIR_ISA_NAMESPACE {

WEIR_INLINE Bytes load(const uint8_t* from) {
  Bytes out;
  memcpy(out.at, from, 64);
  return out;
}
WEIR_INLINE void store(uint8_t* to, Bytes a) {
  memcpy(to, a.at, 64);
}
WEIR_INLINE Bytes bit_or(Bytes a, Bytes b) {
  for (int i = 0; i < 64; ++i) a.at[i] |= b.at[i];
  return a;
}
// Of each byte, `count` bits from bit `from` on, moved to bit `to`; the others are zero.
WEIR_INLINE Bytes move_bits(Bytes a, int from, int count, int to) {
  for (int i = 0; i < 64; ++i)
    a.at[i] = static_cast<uint8_t>((a.at[i] >> from & ((1 << count) - 1)) << to);
  return a;
}
// Byte k of each lane.
WEIR_INLINE Ints byte_of(Bytes a, int k) {
  WEIR_EACH_LANE(Ints, a.at[4 * i + k]);
}
WEIR_INLINE Ints signed_byte_of(Bytes a, int k) {
  WEIR_EACH_LANE(Ints, static_cast<int8_t>(a.at[4 * i + k]));
}
// Sixteen nibbles from eight bytes: the low halves, then the high.
WEIR_INLINE Ints load_nibbles(const uint8_t* from) {
  WEIR_EACH_LANE(Ints, i < 8 ? from[i] & 15 : from[i - 8] >> 4);
}

// Two words of 16 bits to a lane: of each word, the bits [kBits kPart, kBits kPart + kBits).
template <int kBits, int kPart>
WEIR_INLINE Bytes part_of_words(Bytes a) {
  for (int i = 0; i < 64; i += 2) {
    const int part = (a.at[i] | a.at[i + 1] << 8) >> kBits * kPart & ((1 << kBits) - 1);
    a.at[i] = static_cast<uint8_t>(part), a.at[i + 1] = static_cast<uint8_t>(part >> 8);
  }
  return a;
}
// sum + each lane's two words, below 2^15, times the same two.
WEIR_INLINE Ints add_word_products(Ints sum, Bytes words, const int16_t* two) {
  for (int i = 0; i < 64; i += 2)
    sum.at[i / 4] += (words.at[i] | words.at[i + 1] << 8) * two[i / 2 % 2];
  return sum;
}

// Exact dot products of each lane's four bytes of weights (unsigned, but signed where they have
// eight bits) with the same four signed bytes in [-127, 127]. An ISA may keep them in a form that
// bears kAdditions<kBits> of them before whole() must make integers of it, and may let signed
// weights count from -kSignedZero.
struct Products {
  int32_t at[16];
};
template <int kBits>
inline constexpr int kAdditions = 8;
inline constexpr int kSignedZero = 0;

template <int kBits>
WEIR_INLINE Products add_products(Products sum, Bytes w, const int8_t* four) {
  for (int i = 0; i < 64; ++i)
    sum.at[i / 4] += (kBits == 8 ? static_cast<int8_t>(w.at[i]) : w.at[i]) * four[i % 4];
  return sum;
}
template <int kBits>
WEIR_INLINE Products products(Bytes w, const int8_t* four) {
  return add_products<kBits>({}, w, four);
}
WEIR_INLINE Ints whole(Products a) {
  WEIR_EACH_LANE(Ints, a.at[i]);
}
WEIR_INLINE Ints add_whole(Ints sum, Products a) {
  return add(sum, whole(a));
}

// Rows of activations that share a weight in registers. Arrays are not in registers; more would
// only take long to compile.
inline constexpr int kRowsAtOnce = 1;

}  // namespace weir::WEIR_ISA_NAMESPACE
