// All kernels of one ISA, and its table. Included once by each isa_<name>.cc, after its vectors.
#pragma once

#include "kernels/cpu/attention-inl.h"
#include "kernels/cpu/elementwise-inl.h"
#include "kernels/cpu/limits-inl.h"
#include "kernels/cpu/matmul-inl.h"
#include "kernels/cpu/matmul_float-inl.h"
#include "kernels/cpu/quantise-inl.h"
#include "kernels/kernel_table.h"

namespace weir {

const Kernels WEIR_ISA_TABLE = {
    .name = WEIR_ISA_NAME,
    .quantise = WEIR_ISA_NAMESPACE::quantise_row,
    .multiplier = WEIR_ISA_NAMESPACE::multiplier,
    .rms_norm = WEIR_ISA_NAMESPACE::rms_norm_row,
    .add = WEIR_ISA_NAMESPACE::add_row,
    .scale = WEIR_ISA_NAMESPACE::scale_row,
    .silu_multiply = WEIR_ISA_NAMESPACE::silu_multiply_row,
    .gelu_multiply = WEIR_ISA_NAMESPACE::gelu_multiply_row,
    .rope = WEIR_ISA_NAMESPACE::rope_row,
    .to_halves = WEIR_ISA_NAMESPACE::to_halves_row,
    .multiply_key_tile = WEIR_ISA_NAMESPACE::multiply_key_tile,
    .fold_piece = WEIR_ISA_NAMESPACE::fold_piece,
    .merge_folds = WEIR_ISA_NAMESPACE::merge_folds,
    .finish_row = WEIR_ISA_NAMESPACE::finish_row,
    .byte_macs_a_round = WEIR_ISA_NAMESPACE::kByteMacsARound,
    .float_macs_a_round = WEIR_ISA_NAMESPACE::kFloatMacsARound,
    .multiply_bytes = WEIR_ISA_NAMESPACE::multiply_bytes,
    .multiply_floats = WEIR_ISA_NAMESPACE::multiply_floats,
    .read_bytes = WEIR_ISA_NAMESPACE::read_bytes,
};

}  // namespace weir
