// What an ISA supplies: one table of functions, filled in cpu/isa_<name>.cc. The files beside this
// one reach the machine's registers through it and through nothing else.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tensor/dtype.h"

namespace weir {

enum class Arithmetic;
struct QuantisedBlock;
struct MatmulPiece;
struct AttentionPiece;
struct AttentionFold;

using MultiplyFunction = void (*)(const MatmulPiece& piece);

struct Kernels {
  const char* name;

  // matmul.cc. `quantise` makes columns / 32 blocks of one row.
  void (*quantise)(const float* x, size_t columns, QuantisedBlock* to);
  MultiplyFunction (*multiplier)(DType type, Arithmetic arithmetic);

  // elementwise.cc; what they do is said in elementwise.h.
  void (*rms_norm)(const float* x, const float* weight, size_t n, float epsilon, float* out);
  void (*add)(float* x, const float* y, size_t n);
  void (*scale)(float* x, float a, size_t n);
  void (*silu_multiply)(const float* gate, const float* up, size_t n, float* out);
  void (*gelu_multiply)(const float* gate, const float* up, size_t n, float* out);
  void (*rope)(float* head, int dims, const float* cosine, const float* sine, bool interleaved);

  // page_rows.cc: floats to halves as tensor/half.h rounds them. n is a multiple of 16.
  void (*to_halves)(const float* x, size_t n, uint16_t* to);

  // attention.cc; see attention_piece.h.
  void (*multiply_key_tile)(const float* q, int rows, const float* tile, int head_dim, float* to,
                            int to_stride);
  void (*fold_piece)(const AttentionPiece& piece, const AttentionFold& to);
  void (*merge_folds)(const AttentionFold& into, const AttentionFold& part, int rows, int head_dim);
  void (*finish_row)(const float* out, float sum, int head_dim, bool divide, float* to);

  // limits.cc. Each round does so many multiply-adds; read_bytes takes a multiple of 256 bytes.
  size_t byte_macs_a_round, float_macs_a_round;
  void (*multiply_bytes)(size_t rounds);
  void (*multiply_floats)(size_t rounds);
  void (*read_bytes)(const std::byte* from, size_t bytes);
};

// The table in use; see isa.h.
const Kernels& kernels();

extern const Kernels kScalarKernels;
extern const Kernels kAvx2Kernels;
// Null addresses where a build leaves them out: those with sanitizers do.
[[gnu::weak]] extern const Kernels kAvxVnniKernels;
[[gnu::weak]] extern const Kernels kAvx512Kernels;
// In the test program that links cpu/emulated_*.cc; elsewhere their addresses are null.
[[gnu::weak]] extern const Kernels kEmulatedAvxVnniKernels;
[[gnu::weak]] extern const Kernels kEmulatedAvx512Kernels;

}  // namespace weir
