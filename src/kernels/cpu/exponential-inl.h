// e^x, weir's own: the same bits on every ISA.
#pragma once

namespace weir::WEIR_ISA_NAMESPACE {

// Errs by at most 1 ulp in [-87.3, 88.37]; e^0 is exactly 1. Below -87.69 (so also at -inf) the
// result is 0, between the two subnormal; above 88.37 it stays at e^88.37, which is finite. NaN
// stays NaN.
WEIR_INLINE Floats exponential(Floats x) {
  // Where the constant is second, NaN passes.
  x = minimum(broadcast(88.37f), maximum(broadcast(-88.0f), x));
  // n = round(x / ln 2). Adding 3 * 2^22 leaves n in the low bits; 127 makes it a float's exponent,
  // which at -88 is 0, so that 2^n is read as zero.
  const Floats kShift = broadcast(0x1.8p23f + 127.0f);
  const Floats shifted = fma(x, broadcast(0x1.715476p+0f), kShift);
  const Floats power = as_floats(shift_left<23>(as_ints(shifted)));
  const Floats n = subtract(shifted, kShift);
  Floats r = fma(n, broadcast(-0x1.62e430p-1f), x);
  r = fma(n, broadcast(0x1.05c610p-29f), r);
  // e^r = 1 + r + r^2 q(r) for |r| <= ln 2 / 2, minimax.
  Floats q = broadcast(0x1.6a23cep-10f);
  q = fma(q, r, broadcast(0x1.123a20p-7f));
  q = fma(q, r, broadcast(0x1.5558f2p-5f));
  q = fma(q, r, broadcast(0x1.555492p-3f));
  q = fma(q, r, broadcast(0x1.fffffcp-2f));
  q = fma(q, r, broadcast(1.0f));
  q = fma(q, r, broadcast(1.0f));
  return multiply(q, power);
}

}  // namespace weir::WEIR_ISA_NAMESPACE
