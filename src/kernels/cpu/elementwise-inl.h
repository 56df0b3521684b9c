// The small operations of a layer, sixteen elements at a time.
#pragma once

#include "kernels/cpu/exponential-inl.h"

namespace weir::WEIR_ISA_NAMESPACE {

// The last few elements of a row, zeros after them; and back.
WEIR_INLINE Floats load_some(const float* from, size_t count) {
  float padded[16] = {};
  for (size_t i = 0; i < count; ++i) padded[i] = from[i];
  return load(padded);
}
WEIR_INLINE void store_some(float* to, Floats a, size_t count) {
  float all[16];
  store(all, a);
  for (size_t i = 0; i < count; ++i) to[i] = all[i];
}

// out[i] = f(x[i], y[i]) for i < n.
template <typename Function>
WEIR_INLINE void for_all(const float* x, const float* y, size_t n, float* out, Function f) {
  size_t i = 0;
  for (; i + 16 <= n; i += 16) store(out + i, f(load(x + i), load(y + i)));
  if (i < n) store_some(out + i, f(load_some(x + i, n - i), load_some(y + i, n - i)), n - i);
}

inline void rms_norm_row(const float* x, const float* weight, size_t n, float epsilon, float* out) {
  Floats squares = broadcast(0.0f);
  size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    const Floats v = load(x + i);
    squares = fma(v, v, squares);
  }
  if (i < n) {
    const Floats v = load_some(x + i, n - i);
    squares = fma(v, v, squares);
  }
  const float mean = sum_lanes(squares) / static_cast<float>(n);
  const Floats inverse = broadcast(1.0f / __builtin_sqrtf(mean + epsilon));
  for_all(x, weight, n, out, [&](Floats v, Floats w) { return multiply(multiply(v, inverse), w); });
}

inline void add_row(float* x, const float* y, size_t n) {
  for_all(x, y, n, x, [](Floats a, Floats b) { return add(a, b); });
}

inline void scale_row(float* x, float a, size_t n) {
  const Floats factor = broadcast(a);
  for_all(x, x, n, x, [&](Floats v, Floats) { return multiply(v, factor); });
}

// x / (1 + e^-minus) * up, where minus = -x for SiLU.
WEIR_INLINE Floats gated(Floats x, Floats minus, Floats up) {
  return multiply(divide(x, add(broadcast(1.0f), exponential(minus))), up);
}

inline void silu_multiply_row(const float* gate, const float* up, size_t n, float* out) {
  for_all(gate, up, n, out,
          [](Floats g, Floats u) { return gated(g, multiply(g, broadcast(-1.0f)), u); });
}

// (1 + tanh t) / 2 = 1 / (1 + e^-2t), which does not cancel; t = sqrt(2 / pi) (x + 0.044715 x^3).
inline void gelu_multiply_row(const float* gate, const float* up, size_t n, float* out) {
  constexpr float kLinear = -1.5957691216057308f;
  constexpr float kCubic = kLinear * 0.044715f;
  for_all(gate, up, n, out, [](Floats g, Floats u) {
    const Floats slope = fma(multiply(g, g), broadcast(kCubic), broadcast(kLinear));
    return gated(g, multiply(g, slope), u);
  });
}

// (a, b) turned by an angle: a cos - b sin, b cos + a sin.
WEIR_INLINE void turn(float& a, float& b, float cosine, float sine) {
  const float first = __builtin_fmaf(a, cosine, -(b * sine));
  b = __builtin_fmaf(b, cosine, a * sine);
  a = first;
}

inline void rope_row(float* head, int dims, const float* cosine, const float* sine,
                     bool interleaved) {
  const int half = dims / 2;
  int i = 0;
  for (; !interleaved && i + 16 <= half; i += 16) {
    const Floats a = load(head + i), b = load(head + half + i);
    const Floats c = load(cosine + i), s = load(sine + i);
    const Floats minus = multiply(multiply(b, s), broadcast(-1.0f));
    store(head + i, fma(a, c, minus));
    store(head + half + i, fma(b, c, multiply(a, s)));
  }
  for (; i < half; ++i)
    turn(head[interleaved ? 2 * i : i], head[interleaved ? 2 * i + 1 : half + i], cosine[i],
         sine[i]);
}

inline void to_halves_row(const float* x, size_t n, uint16_t* to) {
  for (size_t i = 0; i < n; i += 16) store_f16(to + i, load(x + i));
}

}  // namespace weir::WEIR_ISA_NAMESPACE
