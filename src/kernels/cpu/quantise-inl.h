// Activations in 8 bits, 32 columns to a scale.
#pragma once

#include "kernels/matmul.h"

namespace weir::WEIR_ISA_NAMESPACE {

inline void quantise_row(const float* x, size_t columns, QuantisedBlock* to) {
  // Below this 127 / largest might overflow; such a block counts as zeros.
  constexpr float kSmallest = 0x1p-110f;
  constexpr int32_t kInfinity = 0x7F800000;
  const Ints magnitude = broadcast(int32_t{0x7FFFFFFF});
  for (const float* end = x + columns; x < end; x += kQuantBlock, ++to) {
    const Floats first = load(x), second = load(x + 16);
    // As integers the magnitudes of floats keep their order, with infinity and NaN at the top.
    const int32_t bits = maximum_lane(
        maximum(bit_and(as_ints(first), magnitude), bit_and(as_ints(second), magnitude)));
    float largest;
    __builtin_memcpy(&largest, &bits, 4);
    if (bits >= kInfinity || largest < kSmallest) {
      *to = QuantisedBlock{};
      if (bits >= kInfinity) to->scale = to->scaled_sum = __builtin_nanf("");
      continue;
    }
    const Floats inverse = broadcast(127.0f / largest);
    const Ints low = nearest_ints(multiply(first, inverse));
    const Ints high = nearest_ints(multiply(second, inverse));
    store_i8(to->value, low);
    store_i8(to->value + 16, high);
    to->first_sum = sum_lanes(low);
    to->sum = to->first_sum + sum_lanes(high);
    to->scale = largest / 127.0f;
    to->scaled_sum = to->scale * static_cast<float>(to->sum);
  }
}

}  // namespace weir::WEIR_ISA_NAMESPACE
