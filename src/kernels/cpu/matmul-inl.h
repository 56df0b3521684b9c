// Tiles of weights times rows of activations.
#pragma once

#include "kernels/kernel_table.h"
#include "kernels/matmul.h"

namespace weir::WEIR_ISA_NAMESPACE {

inline MultiplyFunction multiplier(DType, Arithmetic) {
  return nullptr;
}

}  // namespace weir::WEIR_ISA_NAMESPACE
