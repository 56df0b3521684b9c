// Bytes in two registers of 32: what the AVX2 variants share. See bytes_scalar-inl.h for what each
// operation gives.
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

template <int kBits, int kPart>
WEIR_INLINE __m256i part_of_words(__m256i a) {
  const __m256i low = _mm256_srli_epi16(a, kBits * kPart);
  return kBits * (kPart + 1) == 16 ? low
                                   : _mm256_and_si256(low, _mm256_set1_epi16((1 << kBits) - 1));
}
template <int kBits, int kPart>
WEIR_INLINE Bytes part_of_words(Bytes a) {
  return {part_of_words<kBits, kPart>(a.low), part_of_words<kBits, kPart>(a.high)};
}

WEIR_INLINE Ints load_nibbles(const uint8_t* from) {
  const __m256i bytes =
      _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from)));
  return {_mm256_and_si256(bytes, _mm256_set1_epi32(15)), _mm256_srli_epi32(bytes, 4)};
}

// The four bytes at `from` in each lane.
WEIR_INLINE __m256i broadcast_four(const void* from) {
  int32_t four;
  __builtin_memcpy(&four, from, 4);
  return _mm256_set1_epi32(four);
}

// Ends an expression: GCC would make a tree of a chain of additions, and keep its leaves in memory.
WEIR_INLINE __m256i kept(__m256i a) {
  asm("" : "+x"(a));
  return a;
}

}  // namespace weir::WEIR_ISA_NAMESPACE
