// What SIMDe 0.7.4 lacks of AVX-512, lane by lane.
#pragma once

#include <cmath>
#include <cstring>

namespace weir::simde_gaps {

// Lanes of kFrom to as many of kTo.
template <typename To, typename From, typename ToVector, typename FromVector>
ToVector convert(FromVector a, To (*each)(From)) {
  constexpr int kLanes = sizeof(FromVector) / sizeof(From);
  static_assert(sizeof(ToVector) == kLanes * sizeof(To));
  From from[kLanes];
  To to[kLanes];
  std::memcpy(from, &a, sizeof a);
  for (int i = 0; i < kLanes; ++i) to[i] = each(from[i]);
  ToVector out;
  std::memcpy(&out, to, sizeof out);
  return out;
}

// Conversions of C++: they widen by value and cut to the lowest bits.
template <typename To, typename From, typename ToVector, typename FromVector>
ToVector cast(FromVector a) {
  return convert<To, From, ToVector>(a, [](From x) { return static_cast<To>(x); });
}

inline __m512i nearest(__m512 a) {
  return convert<int32_t, float, __m512i>(
      a, [](float x) { return static_cast<int32_t>(std::nearbyint(x)); });
}

inline __m512i shift_right_signed(__m512i a, unsigned bits) {
  int32_t lanes[16];
  std::memcpy(lanes, &a, sizeof a);
  for (int32_t& x : lanes) x >>= bits;
  std::memcpy(&a, lanes, sizeof a);
  return a;
}

inline __m512 from_halves(__m256i a) {
  __m128i halves[2];
  __m256 floats[2];
  std::memcpy(halves, &a, sizeof a);
  for (int i = 0; i < 2; ++i) floats[i] = _mm256_cvtph_ps(halves[i]);
  __m512 out;
  std::memcpy(&out, floats, sizeof out);
  return out;
}

inline __m256i to_halves(__m512 a) {
  __m256 floats[2];
  __m128i halves[2];
  std::memcpy(floats, &a, sizeof a);
  for (int i = 0; i < 2; ++i) halves[i] = _mm256_cvtps_ph(floats[i], 0);
  __m256i out;
  std::memcpy(&out, halves, sizeof out);
  return out;
}

}  // namespace weir::simde_gaps

#define _mm512_cvtepi32_epi16(a) weir::simde_gaps::cast<int16_t, int32_t, __m256i>(a)
#define _mm512_cvtepi32_epi8(a) weir::simde_gaps::cast<int8_t, int32_t, __m128i>(a)
#define _mm512_cvtepi32_ps(a) weir::simde_gaps::cast<float, int32_t, __m512>(a)
#define _mm512_cvtepi8_epi32(a) weir::simde_gaps::cast<int32_t, int8_t, __m512i>(a)
#define _mm512_cvtepu8_epi32(a) weir::simde_gaps::cast<int32_t, uint8_t, __m512i>(a)
#define _mm512_cvtepu16_epi32(a) weir::simde_gaps::cast<int32_t, uint16_t, __m512i>(a)
#define _mm512_cvtph_ps(a) weir::simde_gaps::from_halves(a)
#undef _mm512_cvtps_ph
#define _mm512_cvtps_ph(a, rounding) weir::simde_gaps::to_halves(a)
#define _mm512_cvtps_epi32(a) weir::simde_gaps::nearest(a)
#undef _mm512_srai_epi32  // A macro of GCC's where nothing is optimised.
#define _mm512_srai_epi32(a, bits) weir::simde_gaps::shift_right_signed(a, bits)
