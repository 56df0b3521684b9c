// The kernels for AVX2 with AVX-VNNI (Intel without AVX-512 since 2021).
#define WEIR_ISA_NAMESPACE avxvnni
#define WEIR_ISA_NAME "avxvnni"
#define WEIR_ISA_TABLE kAvxVnniKernels
#include "kernels/cpu/bytes_avxvnni-inl.h"
#include "kernels/cpu/vector_avx2-inl.h"
// After the vectors:
#include "kernels/cpu/kernels-inl.h"
