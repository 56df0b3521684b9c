// Sixteen lanes on any machine: plain arrays. This file says what the operations mean; every ISA's
// own vector file has the same names and gives the same bits. An ISA of other width still shows
// sixteen lanes, so that one source serves all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/cpu/inline-inl.h"
#include "tensor/half.h"

namespace weir::WEIR_ISA_NAMESPACE {

struct Floats {
  float at[16];
};
struct Ints {
  int32_t at[16];
};
struct Bytes {  // Four bytes to a lane.
  uint8_t at[64];
};

// The body of an operation that does the same in each lane `i`.
#define WEIR_EACH_LANE(Result, expression)               \
  Result out;                                            \
  for (int i = 0; i < 16; ++i) out.at[i] = (expression); \
  return out

WEIR_INLINE float float_of_bits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, 4);
  return value;
}
WEIR_INLINE uint32_t bits_of_float(float value) {
  uint32_t bits;
  memcpy(&bits, &value, 4);
  return bits;
}
WEIR_INLINE Floats broadcast(float a) {
  WEIR_EACH_LANE(Floats, a);
}
WEIR_INLINE Floats load(const float* from) {
  WEIR_EACH_LANE(Floats, from[i]);
}
WEIR_INLINE void store(float* to, Floats a) {
  memcpy(to, a.at, sizeof(a));
}
// Halves and bfloat16 widened; exact.
WEIR_INLINE Floats load_f16(const uint16_t* from) {
  WEIR_EACH_LANE(Floats, float_of_half(from[i]));
}
WEIR_INLINE Floats load_bf16(const uint16_t* from) {
  WEIR_EACH_LANE(Floats, float_of_bfloat16(from[i]));
}
// Rounded as tensor/half.h has it.
WEIR_INLINE void store_f16(uint16_t* to, Floats a) {
  for (int i = 0; i < 16; ++i) to[i] = half_of_float(a.at[i]);
}

WEIR_INLINE Floats add(Floats a, Floats b) {
  WEIR_EACH_LANE(Floats, a.at[i] + b.at[i]);
}
WEIR_INLINE Floats subtract(Floats a, Floats b) {
  WEIR_EACH_LANE(Floats, a.at[i] - b.at[i]);
}
WEIR_INLINE Floats multiply(Floats a, Floats b) {
  WEIR_EACH_LANE(Floats, a.at[i] * b.at[i]);
}
WEIR_INLINE Floats divide(Floats a, Floats b) {
  WEIR_EACH_LANE(Floats, a.at[i] / b.at[i]);
}
WEIR_INLINE Floats square_root(Floats a) {
  WEIR_EACH_LANE(Floats, __builtin_sqrtf(a.at[i]));
}
// a * b + c, rounded once.
WEIR_INLINE Floats fma(Floats a, Floats b, Floats c) {
  WEIR_EACH_LANE(Floats, __builtin_fmaf(a.at[i], b.at[i], c.at[i]));
}
// b where the two are equal or one is NaN, as x86 has it.
WEIR_INLINE Floats maximum(Floats a, Floats b) {
  WEIR_EACH_LANE(Floats, a.at[i] > b.at[i] ? a.at[i] : b.at[i]);
}
WEIR_INLINE Floats minimum(Floats a, Floats b) {
  WEIR_EACH_LANE(Floats, a.at[i] < b.at[i] ? a.at[i] : b.at[i]);
}
// To the nearest whole number, halves to even.
WEIR_INLINE Floats nearest(Floats a) {
  WEIR_EACH_LANE(Floats, __builtin_nearbyintf(a.at[i]));
}
// `yes` where a < b (never where one is NaN), else `no`.
WEIR_INLINE Floats select_less(Floats a, Floats b, Floats yes, Floats no) {
  WEIR_EACH_LANE(Floats, a.at[i] < b.at[i] ? yes.at[i] : no.at[i]);
}

WEIR_INLINE Ints broadcast(int32_t a) {
  WEIR_EACH_LANE(Ints, a);
}
WEIR_INLINE Ints load(const int32_t* from) {
  WEIR_EACH_LANE(Ints, from[i]);
}
WEIR_INLINE void store(int32_t* to, Ints a) {
  memcpy(to, a.at, sizeof(a));
}
WEIR_INLINE Ints load_i8(const int8_t* from) {
  WEIR_EACH_LANE(Ints, from[i]);
}
WEIR_INLINE Ints load_u8(const uint8_t* from) {
  WEIR_EACH_LANE(Ints, from[i]);
}
WEIR_INLINE Ints add(Ints a, Ints b) {
  WEIR_EACH_LANE(Ints, a.at[i] + b.at[i]);
}
WEIR_INLINE Ints subtract(Ints a, Ints b) {
  WEIR_EACH_LANE(Ints, a.at[i] - b.at[i]);
}
WEIR_INLINE Ints multiply(Ints a, Ints b) {
  WEIR_EACH_LANE(Ints, a.at[i] * b.at[i]);
}
WEIR_INLINE Ints maximum(Ints a, Ints b) {
  WEIR_EACH_LANE(Ints, a.at[i] > b.at[i] ? a.at[i] : b.at[i]);
}
WEIR_INLINE Ints bit_and(Ints a, Ints b) {
  WEIR_EACH_LANE(Ints, a.at[i] & b.at[i]);
}
WEIR_INLINE Ints bit_or(Ints a, Ints b) {
  WEIR_EACH_LANE(Ints, a.at[i] | b.at[i]);
}
// Bits shifted out are lost, zeros come in.
template <int kBits>
WEIR_INLINE Ints shift_left(Ints a) {
  WEIR_EACH_LANE(Ints, static_cast<int32_t>(static_cast<uint32_t>(a.at[i]) << kBits));
}
template <int kBits>
WEIR_INLINE Ints shift_right(Ints a) {
  WEIR_EACH_LANE(Ints, static_cast<int32_t>(static_cast<uint32_t>(a.at[i]) >> kBits));
}

// To the nearest int32, halves to even. REQUIRES |a| < 2^22.
WEIR_INLINE Ints nearest_ints(Floats a) {
  WEIR_EACH_LANE(Ints, static_cast<int32_t>(bits_of_float(a.at[i] + 0x1.8p23f) - 0x4B400000u));
}
// Rounded to nearest even where the number has more than 24 bits.
WEIR_INLINE Floats to_floats(Ints a) {
  WEIR_EACH_LANE(Floats, static_cast<float>(a.at[i]));
}
WEIR_INLINE Floats as_floats(Ints a) {
  WEIR_EACH_LANE(Floats, float_of_bits(static_cast<uint32_t>(a.at[i])));
}
WEIR_INLINE Ints as_ints(Floats a) {
  WEIR_EACH_LANE(Ints, static_cast<int32_t>(bits_of_float(a.at[i])));
}

// The lowest bytes of the lanes. REQUIRES each lane to fit.
WEIR_INLINE void store_i8(int8_t* to, Ints a) {
  for (int i = 0; i < 16; ++i) to[i] = static_cast<int8_t>(a.at[i]);
}

// Likewise the lowest 16 bits.
WEIR_INLINE void store_i16(int16_t* to, Ints a) {
  for (int i = 0; i < 16; ++i) to[i] = static_cast<int16_t>(a.at[i]);
}

// One fixed tree: lanes eight apart, then four, two, one.
WEIR_INLINE float sum_lanes(Floats a) {
  for (int half = 8; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) a.at[i] += a.at[i + half];
  return a.at[0];
}
// The same tree; `maximum` at each node.
WEIR_INLINE float maximum_lane(Floats a) {
  for (int half = 8; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) a.at[i] = a.at[i] > a.at[i + half] ? a.at[i] : a.at[i + half];
  return a.at[0];
}
WEIR_INLINE int32_t sum_lanes(Ints a) {
  int32_t sum = 0;
  for (int i = 0; i < 16; ++i) sum += a.at[i];
  return sum;
}
WEIR_INLINE int32_t maximum_lane(Ints a) {
  int32_t most = a.at[0];
  for (int i = 1; i < 16; ++i) most = a.at[i] > most ? a.at[i] : most;
  return most;
}

// The caches may fetch `at`; harmless at any address.
WEIR_INLINE void prefetch(const void* at) {
  __builtin_prefetch(at);
}

}  // namespace weir::WEIR_ISA_NAMESPACE
