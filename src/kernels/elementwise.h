// The small operations of a layer, on one row each; the caller spreads rows over threads. No libm:
// exponentials and rotations are weir's own, the same bits on every machine. Reductions are sixteen
// chains (lane i takes elements i, i + 16, ...) added in one fixed tree, on every ISA.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace weir {

// out = x / sqrt(mean(x^2) + epsilon) * weight. In place allowed. n is a multiple of 16 (or padded
// by the scalar tail, whose order is that of the lanes).
void rms_norm(const float* x, const float* weight, size_t n, float epsilon, float* out);

// x += y.
void add(float* x, const float* y, size_t n);
// x *= a.
void scale(float* x, float a, size_t n);

// out = silu(gate) * up, and gelu(gate) * up in the tanh form. In place allowed (out == gate).
void silu_multiply(const float* gate, const float* up, size_t n, float* out);
void gelu_multiply(const float* gate, const float* up, size_t n, float* out);

// Cosines and sines of positions [0, positions) for rotary embedding of `dims` of a head's
// dimensions: the angle of pair i at position p is p * base^(-2i/dims) / divisor[i] / factor.
// `divisors` is empty or has dims / 2 entries (Llama 3's rope_freqs); `factor` is linear scaling, 1
// for none.
class RopeTable {
 public:
  RopeTable() = default;
  RopeTable(int dims, double base, double factor, std::span<const float> divisors);

  int dims() const { return dims_; }
  // Cosine and sine of each pair at `position`, [dims / 2] each.
  void angles(int32_t position, float* cosine, float* sine) const;

 private:
  int dims_ = 0;
  std::vector<double> frequency_;
};

// Rotates a head in place by the given angles: pairs are (i, i + dims / 2), or (2i, 2i + 1) where
// `interleaved`. Dimensions past `dims` stay.
void rope(float* head, int dims, const float* cosine, const float* sine, bool interleaved);

// exp(x) and log(x) in double, correct to a few ulp, the same bits on every machine.
double exact_exp(double x);
double exact_log(double x);
// The sine of an angle, and the angle of a cosine, both angles in [0, pi]. REQUIRES x in [0, pi],
// and in [-1, 1].
double exact_sine(double x);
double exact_arccosine(double x);

}  // namespace weir
