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

using MultiplyFunction = void (*)(const MatmulPiece& piece);

struct Kernels {
  const char* name;

  // matmul.cc. `quantise` makes columns / 32 blocks of one row.
  void (*quantise)(const float* x, size_t columns, QuantisedBlock* to);
  MultiplyFunction (*multiplier)(DType type, Arithmetic arithmetic);
};

// The table in use; see isa.h.
const Kernels& kernels();

extern const Kernels kScalarKernels;
extern const Kernels kAvx2Kernels;

}  // namespace weir
