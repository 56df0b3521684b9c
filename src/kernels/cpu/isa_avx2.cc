// The kernels for AVX2, FMA and F16C (any server since 2015).
#define WEIR_ISA_NAMESPACE avx2
#define WEIR_ISA_NAME "avx2"
#define WEIR_ISA_TABLE kAvx2Kernels
#include "kernels/cpu/bytes_avx2-inl.h"
#include "kernels/cpu/vector_avx2-inl.h"
// After the vectors:
#include "kernels/cpu/kernels-inl.h"
