// Dot products of bytes for AVX2 without VNNI, by way of 16 bits.
#pragma once

#include "kernels/cpu/bytes_256-inl.h"

namespace weir::WEIR_ISA_NAMESPACE {

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
  const __m256i all = broadcast_four(four);
  return {products<kBits>(w.low, all), products<kBits>(w.high, all)};
}
template <int kBits>
WEIR_INLINE Products add_products(Products sum, Bytes w, const int8_t* four) {
  const Products more = products<kBits>(w, four);
  asm("vpaddw %1, %0, %0" : "+x"(sum.low) : "x"(more.low));
  asm("vpaddw %1, %0, %0" : "+x"(sum.high) : "x"(more.high));
  return sum;
}
WEIR_INLINE Ints whole(Products a) {
  const __m256i ones = _mm256_set1_epi16(1);
  return {_mm256_madd_epi16(a.low, ones), _mm256_madd_epi16(a.high, ones)};
}

WEIR_INLINE Ints add_whole(Ints sum, Products a) {
  const Ints b = whole(a);
  return {kept(_mm256_add_epi32(sum.low, b.low)), kept(_mm256_add_epi32(sum.high, b.high))};
}

WEIR_INLINE Ints add_word_products(Ints sum, Bytes words, const int16_t* two) {
  const __m256i all = broadcast_four(two);
  return {kept(_mm256_add_epi32(sum.low, _mm256_madd_epi16(words.low, all))),
          kept(_mm256_add_epi32(sum.high, _mm256_madd_epi16(words.high, all)))};
}

// Rows of activations that share a weight in registers.
inline constexpr int kRowsAtOnce = 4;

}  // namespace weir::WEIR_ISA_NAMESPACE
