// Sixteen lanes for AVX2: two registers of eight. See vector_scalar-inl.h for what each operation
// gives; both give the same bits.
//
// Included by isa_avx2.cc alone, the only file compiled for AVX2. Nothing here or in the *-inl.h
// files may instantiate an inline function with external linkage (std::min, ...): the linker might
// keep the AVX2 copy for the whole program.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/cpu/eight_lanes-inl.h"
#include "kernels/cpu/inline-inl.h"

namespace weir::WEIR_ISA_NAMESPACE {

struct Floats {
  __m256 low, high;
};
struct Ints {
  __m256i low, high;
};
struct Bytes {
  __m256i low, high;
};

WEIR_INLINE Floats broadcast(float a) {
  const __m256 v = _mm256_set1_ps(a);
  return {v, v};
}
WEIR_INLINE Floats load(const float* from) {
  return {_mm256_loadu_ps(from), _mm256_loadu_ps(from + 8)};
}
WEIR_INLINE void store(float* to, Floats a) {
  _mm256_storeu_ps(to, a.low);
  _mm256_storeu_ps(to + 8, a.high);
}
WEIR_INLINE Floats load_f16(const uint16_t* from) {
  return {_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from))),
          _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from + 8)))};
}
WEIR_INLINE void store_f16(uint16_t* to, Floats a) {
  auto* at = reinterpret_cast<__m128i*>(to);
  _mm_storeu_si128(at, _mm256_cvtps_ph(a.low, _MM_FROUND_TO_NEAREST_INT));
  _mm_storeu_si128(at + 1, _mm256_cvtps_ph(a.high, _MM_FROUND_TO_NEAREST_INT));
}
WEIR_INLINE Floats load_bf16(const uint16_t* from) {
  const auto* at = reinterpret_cast<const __m128i*>(from);
  const __m256i low = _mm256_cvtepu16_epi32(_mm_loadu_si128(at));
  const __m256i high = _mm256_cvtepu16_epi32(_mm_loadu_si128(at + 1));
  return {_mm256_castsi256_ps(_mm256_slli_epi32(low, 16)),
          _mm256_castsi256_ps(_mm256_slli_epi32(high, 16))};
}

WEIR_INLINE Floats add(Floats a, Floats b) {
  return {_mm256_add_ps(a.low, b.low), _mm256_add_ps(a.high, b.high)};
}
WEIR_INLINE Floats subtract(Floats a, Floats b) {
  return {_mm256_sub_ps(a.low, b.low), _mm256_sub_ps(a.high, b.high)};
}
WEIR_INLINE Floats multiply(Floats a, Floats b) {
  return {_mm256_mul_ps(a.low, b.low), _mm256_mul_ps(a.high, b.high)};
}
WEIR_INLINE Floats divide(Floats a, Floats b) {
  return {_mm256_div_ps(a.low, b.low), _mm256_div_ps(a.high, b.high)};
}
WEIR_INLINE Floats square_root(Floats a) {
  return {_mm256_sqrt_ps(a.low), _mm256_sqrt_ps(a.high)};
}
WEIR_INLINE Floats fma(Floats a, Floats b, Floats c) {
  return {_mm256_fmadd_ps(a.low, b.low, c.low), _mm256_fmadd_ps(a.high, b.high, c.high)};
}
WEIR_INLINE Floats maximum(Floats a, Floats b) {
  return {_mm256_max_ps(a.low, b.low), _mm256_max_ps(a.high, b.high)};
}
WEIR_INLINE Floats minimum(Floats a, Floats b) {
  return {_mm256_min_ps(a.low, b.low), _mm256_min_ps(a.high, b.high)};
}
WEIR_INLINE Floats nearest(Floats a) {
  constexpr int kMode = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
  return {_mm256_round_ps(a.low, kMode), _mm256_round_ps(a.high, kMode)};
}
WEIR_INLINE Floats select_less(Floats a, Floats b, Floats yes, Floats no) {
  return {_mm256_blendv_ps(no.low, yes.low, _mm256_cmp_ps(a.low, b.low, _CMP_LT_OQ)),
          _mm256_blendv_ps(no.high, yes.high, _mm256_cmp_ps(a.high, b.high, _CMP_LT_OQ))};
}

WEIR_INLINE Ints broadcast(int32_t a) {
  const __m256i v = _mm256_set1_epi32(a);
  return {v, v};
}
WEIR_INLINE Ints load(const int32_t* from) {
  const auto* at = reinterpret_cast<const __m256i*>(from);
  return {_mm256_loadu_si256(at), _mm256_loadu_si256(at + 1)};
}
WEIR_INLINE void store(int32_t* to, Ints a) {
  auto* at = reinterpret_cast<__m256i*>(to);
  _mm256_storeu_si256(at, a.low);
  _mm256_storeu_si256(at + 1, a.high);
}
WEIR_INLINE Ints load_i8(const int8_t* from) {
  return {_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from))),
          _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from + 8)))};
}
WEIR_INLINE Ints load_u8(const uint8_t* from) {
  return {_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from))),
          _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from + 8)))};
}
WEIR_INLINE Ints add(Ints a, Ints b) {
  return {_mm256_add_epi32(a.low, b.low), _mm256_add_epi32(a.high, b.high)};
}
WEIR_INLINE Ints subtract(Ints a, Ints b) {
  return {_mm256_sub_epi32(a.low, b.low), _mm256_sub_epi32(a.high, b.high)};
}
WEIR_INLINE Ints multiply(Ints a, Ints b) {
  return {_mm256_mullo_epi32(a.low, b.low), _mm256_mullo_epi32(a.high, b.high)};
}
WEIR_INLINE Ints maximum(Ints a, Ints b) {
  return {_mm256_max_epi32(a.low, b.low), _mm256_max_epi32(a.high, b.high)};
}
WEIR_INLINE Ints bit_and(Ints a, Ints b) {
  return {_mm256_and_si256(a.low, b.low), _mm256_and_si256(a.high, b.high)};
}
WEIR_INLINE Ints bit_or(Ints a, Ints b) {
  return {_mm256_or_si256(a.low, b.low), _mm256_or_si256(a.high, b.high)};
}
template <int kBits>
WEIR_INLINE Ints shift_left(Ints a) {
  return {_mm256_slli_epi32(a.low, kBits), _mm256_slli_epi32(a.high, kBits)};
}
template <int kBits>
WEIR_INLINE Ints shift_right(Ints a) {
  return {_mm256_srli_epi32(a.low, kBits), _mm256_srli_epi32(a.high, kBits)};
}

WEIR_INLINE Ints nearest_ints(Floats a) {
  return {_mm256_cvtps_epi32(a.low), _mm256_cvtps_epi32(a.high)};
}
WEIR_INLINE Floats to_floats(Ints a) {
  return {_mm256_cvtepi32_ps(a.low), _mm256_cvtepi32_ps(a.high)};
}
WEIR_INLINE Floats as_floats(Ints a) {
  return {_mm256_castsi256_ps(a.low), _mm256_castsi256_ps(a.high)};
}
WEIR_INLINE Ints as_ints(Floats a) {
  return {_mm256_castps_si256(a.low), _mm256_castps_si256(a.high)};
}

// The lowest bytes of the lanes. REQUIRES each lane to fit.
WEIR_INLINE void store_i8(int8_t* to, Ints a) {
  const __m256i pairs = _mm256_permute4x64_epi64(_mm256_packs_epi32(a.low, a.high), 0xD8);
  _mm_storeu_si128(
      reinterpret_cast<__m128i*>(to),
      _mm_packs_epi16(_mm256_castsi256_si128(pairs), _mm256_extracti128_si256(pairs, 1)));
}

WEIR_INLINE void store_i16(int16_t* to, Ints a) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to),
                      _mm256_permute4x64_epi64(_mm256_packs_epi32(a.low, a.high), 0xD8));
}

WEIR_INLINE float sum_lanes(Floats a) {
  return sum_eight(_mm256_add_ps(a.low, a.high));
}
WEIR_INLINE float maximum_lane(Floats a) {
  return maximum_of_eight(_mm256_max_ps(a.low, a.high));
}
WEIR_INLINE int32_t sum_lanes(Ints a) {
  return sum_eight(_mm256_add_epi32(a.low, a.high));
}
WEIR_INLINE int32_t maximum_lane(Ints a) {
  return maximum_of_eight(_mm256_max_epi32(a.low, a.high));
}

}  // namespace weir::WEIR_ISA_NAMESPACE
