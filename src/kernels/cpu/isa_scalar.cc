// The kernels on any x86-64 machine: the reference for all others, bit for bit.
#define WEIR_ISA_NAMESPACE scalar
#define WEIR_ISA_NAME "scalar"
#define WEIR_ISA_TABLE kScalarKernels
#include "kernels/cpu/bytes_scalar-inl.h"
#include "kernels/cpu/vector_scalar-inl.h"
// After the vectors:
#include "kernels/cpu/kernels-inl.h"
