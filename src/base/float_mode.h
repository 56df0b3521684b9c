// The floating-point mode that all of weir's arithmetic runs in, whatever mode a caller's thread is
// in: round to nearest, denormals kept. The same tokens give the same bits only so (promise 1).
#pragma once

#include <immintrin.h>

namespace weir {

// Holds on the thread that made it, for as long as it lives; then the mode before comes back.
class FloatMode {
 public:
  FloatMode() { _mm_setcsr(kDefault); }
  ~FloatMode() { _mm_setcsr(before_); }
  FloatMode(const FloatMode&) = delete;
  FloatMode& operator=(const FloatMode&) = delete;

 private:
  static constexpr unsigned kDefault = 0x1F80;  // As a program begins: all exceptions masked.
  const unsigned before_ = _mm_getcsr();
};

}  // namespace weir
