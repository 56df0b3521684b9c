// Activations in 8 bits, 32 columns to a scale.
#pragma once

#include "kernels/cpu/largest-inl.h"
#include "kernels/matmul.h"

namespace weir::WEIR_ISA_NAMESPACE {

inline void quantise_row(const float* x, size_t columns, QuantisedBlock* to) {
  for (const float* end = x + columns; x < end; x += kQuantBlock, ++to) {
    const Floats first = load(x), second = load(x + 16);
    const Largest largest =
        largest_of(maximum_lane(maximum(magnitudes(first), magnitudes(second))));
    if (!largest.counts) {
      *to = QuantisedBlock{};
      if (!largest.finite) to->scale = to->scaled_sum = __builtin_nanf("");
      continue;
    }
    const Floats inverse = broadcast(127.0f / largest.value);
    const Ints low = nearest_ints(multiply(first, inverse));
    const Ints high = nearest_ints(multiply(second, inverse));
    store_i8(to->value, low);
    store_i8(to->value + 16, high);
    to->first_sum = sum_lanes(low);
    to->sum = to->first_sum + sum_lanes(high);
    to->scale = largest.value / 127.0f;
    to->scaled_sum = to->scale * static_cast<float>(to->sum);
  }
}

}  // namespace weir::WEIR_ISA_NAMESPACE
