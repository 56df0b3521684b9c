// Dot products of bytes for AVX-512 with VNNI: a vpdpbusd does four columns of sixteen outputs. See
// bytes_scalar-inl.h for what each operation gives.
#pragma once

#include "kernels/cpu/vector_avx512-inl.h"

namespace weir::WEIR_ISA_NAMESPACE {

WEIR_INLINE Bytes load(const uint8_t* from) {
  return {_mm512_loadu_si512(from)};
}
WEIR_INLINE void store(uint8_t* to, Bytes a) {
  _mm512_storeu_si512(to, a.v);
}
WEIR_INLINE Bytes bit_or(Bytes a, Bytes b) {
  return {_mm512_or_si512(a.v, b.v)};
}
WEIR_INLINE Bytes move_bits(Bytes a, int from, int count, int to) {
  const __m512i mask = _mm512_set1_epi8(static_cast<char>(((1 << count) - 1) << to));
  const __m512i moved = from > to ? _mm512_srli_epi16(a.v, static_cast<unsigned>(from - to))
                                  : _mm512_slli_epi16(a.v, static_cast<unsigned>(to - from));
  return {_mm512_and_si512(from == to ? a.v : moved, mask)};
}
WEIR_INLINE Ints byte_of(Bytes a, int k) {
  return {_mm512_and_si512(_mm512_srli_epi32(a.v, static_cast<unsigned>(8 * k)),
                           _mm512_set1_epi32(255))};
}
WEIR_INLINE Ints signed_byte_of(Bytes a, int k) {
  return {_mm512_srai_epi32(_mm512_slli_epi32(a.v, static_cast<unsigned>(24 - 8 * k)), 24)};
}

template <int kBits, int kPart>
WEIR_INLINE Bytes part_of_words(Bytes a) {
  const __m512i low = _mm512_srli_epi16(a.v, kBits * kPart);
  return {kBits * (kPart + 1) == 16 ? low
                                    : _mm512_and_si512(low, _mm512_set1_epi16((1 << kBits) - 1))};
}

WEIR_INLINE Ints load_nibbles(const uint8_t* from) {
  const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from));
  const __m128i mask = _mm_set1_epi8(15);
  return {_mm512_cvtepu8_epi32(_mm_unpacklo_epi64(_mm_and_si128(bytes, mask),
                                                  _mm_and_si128(_mm_srli_epi16(bytes, 4), mask)))};
}

struct Products {
  __m512i sum;
};
template <int kBits>
inline constexpr int kAdditions = 8;
// A vpdpbusd takes unsigned weights; signed ones count from -128.
inline constexpr int kSignedZero = 128;

template <int kBits>
WEIR_INLINE Products add_products(Products sum, Bytes w, const int8_t* four) {
  if constexpr (kBits == 8) w.v = _mm512_xor_si512(w.v, _mm512_set1_epi8(-128));
#ifdef WEIR_EMULATE_AVX512
  int32_t x;
  __builtin_memcpy(&x, four, 4);
  sum.sum = _mm512_dpbusd_epi32(sum.sum, w.v, _mm512_set1_epi32(x));
#else
  // GCC 12 would broadcast into a register first.
  asm("vpdpbusd %2%{1to16%}, %1, %0"
      : "+v"(sum.sum)
      : "v"(w.v), "m"(*reinterpret_cast<const int32_t*>(four)));
#endif
  return sum;
}
template <int kBits>
WEIR_INLINE Products products(Bytes w, const int8_t* four) {
  return add_products<kBits>({_mm512_setzero_si512()}, w, four);
}
WEIR_INLINE Ints whole(Products a) {
  return {a.sum};
}
WEIR_INLINE Ints add_whole(Ints sum, Products a) {
  return {_mm512_add_epi32(sum.v, a.sum)};
}

// A vpdpwssd does two columns.
WEIR_INLINE Ints add_word_products(Ints sum, Bytes words, const int16_t* two) {
#ifdef WEIR_EMULATE_AVX512
  int32_t both;
  __builtin_memcpy(&both, two, 4);
  sum.v = _mm512_dpwssd_epi32(sum.v, words.v, _mm512_set1_epi32(both));
#else
  asm("vpdpwssd %2%{1to16%}, %1, %0"
      : "+v"(sum.v)
      : "v"(words.v), "m"(*reinterpret_cast<const int32_t*>(two)));
#endif
  return sum;
}

// Rows of activations that share a weight in registers.
inline constexpr int kRowsAtOnce = 8;

}  // namespace weir::WEIR_ISA_NAMESPACE
