// Dot products of bytes for AVX2 with AVX-VNNI: a vpdpbusd does four columns of eight outputs.
#pragma once

#ifdef WEIR_EMULATE_AVXVNNI
#include <simde/x86/avx512/dpbusd.h>
#include <simde/x86/avx512/dpwssd.h>
#endif

#include "kernels/cpu/bytes_256-inl.h"

namespace weir::WEIR_ISA_NAMESPACE {

struct Products {
  __m256i low, high;
};
template <int kBits>
inline constexpr int kAdditions = 8;
// A vpdpbusd takes unsigned weights; signed ones count from -128.
inline constexpr int kSignedZero = 128;

WEIR_INLINE __m256i add_dots(__m256i sum, __m256i w, __m256i x) {
#ifdef WEIR_EMULATE_AVXVNNI
  return simde_mm256_dpbusd_epi32(sum, w, x);
#else
  return kept(_mm256_dpbusd_avx_epi32(sum, w, x));
#endif
}
template <int kBits>
WEIR_INLINE Products add_products(Products sum, Bytes w, const int8_t* four) {
  const __m256i flip = _mm256_set1_epi8(kBits == 8 ? -128 : 0);
  const __m256i all = broadcast_four(four);
  return {add_dots(sum.low, _mm256_xor_si256(w.low, flip), all),
          add_dots(sum.high, _mm256_xor_si256(w.high, flip), all)};
}
template <int kBits>
WEIR_INLINE Products products(Bytes w, const int8_t* four) {
  return add_products<kBits>({_mm256_setzero_si256(), _mm256_setzero_si256()}, w, four);
}
WEIR_INLINE Ints whole(Products a) {
  return {a.low, a.high};
}
WEIR_INLINE Ints add_whole(Ints sum, Products a) {
  return {_mm256_add_epi32(sum.low, a.low), _mm256_add_epi32(sum.high, a.high)};
}

// A vpdpwssd does two columns.
WEIR_INLINE __m256i add_word_products(__m256i sum, __m256i words, __m256i two) {
#ifdef WEIR_EMULATE_AVXVNNI
  return simde_mm256_dpwssd_epi32(sum, words, two);
#else
  return kept(_mm256_dpwssd_avx_epi32(sum, words, two));
#endif
}
WEIR_INLINE Ints add_word_products(Ints sum, Bytes words, const int16_t* two) {
  const __m256i all = broadcast_four(two);
  return {add_word_products(sum.low, words.low, all), add_word_products(sum.high, words.high, all)};
}

// Rows of activations that share a weight in registers.
inline constexpr int kRowsAtOnce = 4;

}  // namespace weir::WEIR_ISA_NAMESPACE
