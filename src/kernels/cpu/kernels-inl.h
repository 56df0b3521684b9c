// All kernels of one ISA, and its table. Included once by each isa_<name>.cc, after its vectors.
#pragma once

#include "kernels/cpu/matmul-inl.h"
#include "kernels/cpu/quantise-inl.h"
#include "kernels/kernel_table.h"

namespace weir {

const Kernels WEIR_ISA_TABLE = {
    .name = WEIR_ISA_NAME,
    .quantise = WEIR_ISA_NAMESPACE::quantise_row,
    .multiplier = WEIR_ISA_NAMESPACE::multiplier,
};

}  // namespace weir
