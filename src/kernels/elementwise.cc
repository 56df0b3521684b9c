#include "kernels/elementwise.h"

#include "kernels/kernel_table.h"

namespace weir {

void rms_norm(const float* x, const float* weight, size_t n, float epsilon, float* out) {
  kernels().rms_norm(x, weight, n, epsilon, out);
}

void add(float* x, const float* y, size_t n) {
  kernels().add(x, y, n);
}

void scale(float* x, float a, size_t n) {
  kernels().scale(x, a, n);
}

void silu_multiply(const float* gate, const float* up, size_t n, float* out) {
  kernels().silu_multiply(gate, up, n, out);
}

void gelu_multiply(const float* gate, const float* up, size_t n, float* out) {
  kernels().gelu_multiply(gate, up, n, out);
}

void rope(float* head, int dims, const float* cosine, const float* sine, bool interleaved) {
  kernels().rope(head, dims, cosine, sine, interleaved);
}

}  // namespace weir
