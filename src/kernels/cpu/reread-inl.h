// For loops whose sums take nearly all registers.
#pragma once

namespace weir::WEIR_ISA_NAMESPACE {

// Has whoever reads `x` later read it from memory again: broadcasts that were kept for another use
// would leave too few registers for the sums.
template <typename T>
WEIR_INLINE const T* reread(const T* x) {
  asm volatile("" : "+r"(x));
  return x;
}

}  // namespace weir::WEIR_ISA_NAMESPACE
