// Dot products of bytes for AVX2. See bytes_scalar-inl.h for what each operation gives.
#pragma once

#include "kernels/cpu/vector_avx2-inl.h"

namespace weir::WEIR_ISA_NAMESPACE {

WEIR_INLINE Bytes load(const uint8_t* from) {
  const auto* at = reinterpret_cast<const __m256i*>(from);
  return {_mm256_loadu_si256(at), _mm256_loadu_si256(at + 1)};
}
WEIR_INLINE void store(uint8_t* to, Bytes a) {
  auto* at = reinterpret_cast<__m256i*>(to);
  _mm256_storeu_si256(at, a.low);
  _mm256_storeu_si256(at + 1, a.high);
}
WEIR_INLINE Bytes bit_or(Bytes a, Bytes b) {
  return {_mm256_or_si256(a.low, b.low), _mm256_or_si256(a.high, b.high)};
}
WEIR_INLINE __m256i move_bits(__m256i a, int from, int count, int to) {
  const __m256i mask = _mm256_set1_epi8(static_cast<char>(((1 << count) - 1) << to));
  const __m256i moved =
      from > to ? _mm256_srli_epi16(a, from - to) : _mm256_slli_epi16(a, to - from);
  return _mm256_and_si256(from == to ? a : moved, mask);
}
WEIR_INLINE Bytes move_bits(Bytes a, int from, int count, int to) {
  return {move_bits(a.low, from, count, to), move_bits(a.high, from, count, to)};
}
WEIR_INLINE Ints byte_of(Bytes a, int k) {
  const __m256i mask = _mm256_set1_epi32(255);
  return {_mm256_and_si256(_mm256_srli_epi32(a.low, 8 * k), mask),
          _mm256_and_si256(_mm256_srli_epi32(a.high, 8 * k), mask)};
}
WEIR_INLINE Ints signed_byte_of(Bytes a, int k) {
  return {_mm256_srai_epi32(_mm256_slli_epi32(a.low, 24 - 8 * k), 24),
          _mm256_srai_epi32(_mm256_slli_epi32(a.high, 24 - 8 * k), 24)};
}

WEIR_INLINE Ints load_nibbles(const uint8_t* from) {
  const __m256i bytes =
      _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from)));
  return {_mm256_and_si256(bytes, _mm256_set1_epi32(15)), _mm256_srli_epi32(bytes, 4)};
}

// Sums of products of bytes in 16 bits: each lane's four columns in two halves. They overflow
// after kAdditions<kBits>, and are brought to 32 bits by whole().
struct Products {
  __m256i low, high;
};
template <int kBits>
inline constexpr int kAdditions = 32767 / (2 * 127 * (kBits == 8 ? 128 : (1 << kBits) - 1));
inline constexpr int kSignedZero = 0;

// A vpmaddubsw takes unsigned weights; signed ones give their sign to x.
template <int kBits>
WEIR_INLINE __m256i products(__m256i w, __m256i x) {
  if constexpr (kBits == 8)
    return _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(x, w));
  else
    return _mm256_maddubs_epi16(w, x);
}
template <int kBits>
WEIR_INLINE Products products(Bytes w, const int8_t* four) {
  int32_t x;
  __builtin_memcpy(&x, four, 4);
  const __m256i all = _mm256_set1_epi32(x);
  return {products<kBits>(w.low, all), products<kBits>(w.high, all)};
}
// Ends an expression: GCC would make a tree of a chain of additions, and keep its leaves in memory.
WEIR_INLINE __m256i kept(__m256i a) {
  asm("" : "+x"(a));
  return a;
}
template <int kBits>
WEIR_INLINE Products add_products(Products sum, Bytes w, const int8_t* four) {
  const Products more = products<kBits>(w, four);
  return {kept(_mm256_add_epi16(sum.low, more.low)), kept(_mm256_add_epi16(sum.high, more.high))};
}
WEIR_INLINE Ints whole(Products a) {
  const __m256i ones = _mm256_set1_epi16(1);
  return {_mm256_madd_epi16(a.low, ones), _mm256_madd_epi16(a.high, ones)};
}

WEIR_INLINE Ints add_whole(Ints sum, Products a) {
  const Ints b = whole(a);
  return {kept(_mm256_add_epi32(sum.low, b.low)), kept(_mm256_add_epi32(sum.high, b.high))};
}

// Rows of activations that share a weight in registers.
inline constexpr int kRowsAtOnce = 4;

}  // namespace weir::WEIR_ISA_NAMESPACE
