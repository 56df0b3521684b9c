// The largest of floats, for who rounds them to whole numbers. As integers the magnitudes of floats
// keep their order, with infinity and NaN at the top.
#pragma once

namespace weir::WEIR_ISA_NAMESPACE {

WEIR_INLINE Ints magnitudes(Floats x) {
  return bit_and(as_ints(x), broadcast(int32_t{0x7FFFFFFF}));
}

struct Largest {
  float value;
  bool finite;  // All of them are.
  bool counts;  // And so large that a whole number over it does not overflow; else all are as 0.
};
WEIR_INLINE Largest largest_of(int32_t magnitude) {
  constexpr int32_t kInfinity = 0x7F800000;
  constexpr float kSmallest = 0x1p-110f;
  float value;
  __builtin_memcpy(&value, &magnitude, 4);
  const bool finite = magnitude < kInfinity;
  return {value, finite, finite && value >= kSmallest};
}

}  // namespace weir::WEIR_ISA_NAMESPACE
