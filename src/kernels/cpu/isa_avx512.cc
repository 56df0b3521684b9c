// The kernels for AVX-512 with VNNI (Intel since 2019, AMD since 2022).
#define WEIR_ISA_NAMESPACE avx512
#define WEIR_ISA_NAME "avx512"
#define WEIR_ISA_TABLE kAvx512Kernels
#include "kernels/cpu/bytes_avx512-inl.h"
#include "kernels/cpu/vector_avx512-inl.h"
// After the vectors:
#include "kernels/cpu/kernels-inl.h"
