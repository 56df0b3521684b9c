// Sixteen lanes for AVX-512: one register. See vector_scalar-inl.h for what each operation gives;
// both give the same bits.
//
// Included by isa_avx512.cc, the only file compiled for AVX-512, and by a test that runs the same
// source on machines without it (cpu/emulated_avx512.cc). Nothing here or in the *-inl.h files may
// instantiate an inline function with external linkage (std::min, ...): the linker might keep the
// AVX-512 copy for the whole program.
#pragma once

#include <cstddef>
#include <cstdint>

#ifdef WEIR_EMULATE_AVX512
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>
#include <simde/x86/f16c.h>

#include "kernels/cpu/simde_gaps-inl.h"
#else
#include <immintrin.h>
#endif

#include "kernels/cpu/eight_lanes-inl.h"
#include "kernels/cpu/inline-inl.h"

namespace weir::WEIR_ISA_NAMESPACE {

struct Floats {
  __m512 v;
};
struct Ints {
  __m512i v;
};
struct Bytes {
  __m512i v;
};

WEIR_INLINE Floats broadcast(float a) {
  return {_mm512_set1_ps(a)};
}
WEIR_INLINE Floats load(const float* from) {
  return {_mm512_loadu_ps(from)};
}
WEIR_INLINE void store(float* to, Floats a) {
  _mm512_storeu_ps(to, a.v);
}
WEIR_INLINE Floats load_f16(const uint16_t* from) {
  return {_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)))};
}
WEIR_INLINE void store_f16(uint16_t* to, Floats a) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to),
                      _mm512_cvtps_ph(a.v, _MM_FROUND_TO_NEAREST_INT));
}
WEIR_INLINE Floats load_bf16(const uint16_t* from) {
  const __m512i wide =
      _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
  return {_mm512_castsi512_ps(_mm512_slli_epi32(wide, 16))};
}

WEIR_INLINE Floats add(Floats a, Floats b) {
  return {_mm512_add_ps(a.v, b.v)};
}
WEIR_INLINE Floats subtract(Floats a, Floats b) {
  return {_mm512_sub_ps(a.v, b.v)};
}
WEIR_INLINE Floats multiply(Floats a, Floats b) {
  return {_mm512_mul_ps(a.v, b.v)};
}
WEIR_INLINE Floats divide(Floats a, Floats b) {
  return {_mm512_div_ps(a.v, b.v)};
}
WEIR_INLINE Floats square_root(Floats a) {
  return {_mm512_sqrt_ps(a.v)};
}
WEIR_INLINE Floats fma(Floats a, Floats b, Floats c) {
  return {_mm512_fmadd_ps(a.v, b.v, c.v)};
}
WEIR_INLINE Floats maximum(Floats a, Floats b) {
  return {_mm512_max_ps(a.v, b.v)};
}
WEIR_INLINE Floats minimum(Floats a, Floats b) {
  return {_mm512_min_ps(a.v, b.v)};
}
WEIR_INLINE Floats nearest(Floats a) {
  return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
WEIR_INLINE Floats select_less(Floats a, Floats b, Floats yes, Floats no) {
  return {_mm512_mask_blend_ps(_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ), no.v, yes.v)};
}

WEIR_INLINE Ints broadcast(int32_t a) {
  return {_mm512_set1_epi32(a)};
}
WEIR_INLINE Ints load(const int32_t* from) {
  return {_mm512_loadu_si512(from)};
}
WEIR_INLINE void store(int32_t* to, Ints a) {
  _mm512_storeu_si512(to, a.v);
}
WEIR_INLINE Ints load_i8(const int8_t* from) {
  return {_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)))};
}
WEIR_INLINE Ints load_u8(const uint8_t* from) {
  return {_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)))};
}
WEIR_INLINE Ints add(Ints a, Ints b) {
  return {_mm512_add_epi32(a.v, b.v)};
}
WEIR_INLINE Ints subtract(Ints a, Ints b) {
  return {_mm512_sub_epi32(a.v, b.v)};
}
WEIR_INLINE Ints multiply(Ints a, Ints b) {
  return {_mm512_mullo_epi32(a.v, b.v)};
}
WEIR_INLINE Ints maximum(Ints a, Ints b) {
  return {_mm512_max_epi32(a.v, b.v)};
}
WEIR_INLINE Ints bit_and(Ints a, Ints b) {
  return {_mm512_and_si512(a.v, b.v)};
}
WEIR_INLINE Ints bit_or(Ints a, Ints b) {
  return {_mm512_or_si512(a.v, b.v)};
}
template <int kBits>
WEIR_INLINE Ints shift_left(Ints a) {
  return {_mm512_slli_epi32(a.v, kBits)};
}
template <int kBits>
WEIR_INLINE Ints shift_right(Ints a) {
  return {_mm512_srli_epi32(a.v, kBits)};
}

WEIR_INLINE Ints nearest_ints(Floats a) {
  return {_mm512_cvtps_epi32(a.v)};
}
WEIR_INLINE Floats to_floats(Ints a) {
  return {_mm512_cvtepi32_ps(a.v)};
}
WEIR_INLINE Floats as_floats(Ints a) {
  return {_mm512_castsi512_ps(a.v)};
}
WEIR_INLINE Ints as_ints(Floats a) {
  return {_mm512_castps_si512(a.v)};
}

// The lowest bytes of the lanes. REQUIRES each lane to fit.
WEIR_INLINE void store_i8(int8_t* to, Ints a) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm512_cvtepi32_epi8(a.v));
}

WEIR_INLINE void store_i16(int16_t* to, Ints a) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm512_cvtepi32_epi16(a.v));
}

// The halves of sixteen lanes, eight apart.
WEIR_INLINE __m256 low_half(__m512 a) {
  return _mm512_castps512_ps256(a);
}
WEIR_INLINE __m256 high_half(__m512 a) {
  return _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(a), 1));
}
WEIR_INLINE __m256i low_half(__m512i a) {
  return _mm512_castsi512_si256(a);
}
WEIR_INLINE __m256i high_half(__m512i a) {
  return _mm512_extracti64x4_epi64(a, 1);
}

WEIR_INLINE float sum_lanes(Floats a) {
  return sum_eight(_mm256_add_ps(low_half(a.v), high_half(a.v)));
}
WEIR_INLINE float maximum_lane(Floats a) {
  return maximum_of_eight(_mm256_max_ps(low_half(a.v), high_half(a.v)));
}
WEIR_INLINE int32_t sum_lanes(Ints a) {
  return sum_eight(_mm256_add_epi32(low_half(a.v), high_half(a.v)));
}
WEIR_INLINE int32_t maximum_lane(Ints a) {
  return maximum_of_eight(_mm256_max_epi32(low_half(a.v), high_half(a.v)));
}

}  // namespace weir::WEIR_ISA_NAMESPACE
