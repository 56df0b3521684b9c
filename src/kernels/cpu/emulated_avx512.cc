// The AVX-512 kernels, their instructions emulated by SIMDe: linked into a test program only, so
// that machines without AVX-512 test their source, too.
#define WEIR_EMULATE_AVX512
#define WEIR_ISA_NAMESPACE emulated_avx512
#define WEIR_ISA_NAME "emulated_avx512"
#define WEIR_ISA_TABLE kEmulatedAvx512Kernels
#include "kernels/cpu/bytes_avx512-inl.h"
#include "kernels/cpu/vector_avx512-inl.h"
// After the vectors:
#include "kernels/cpu/kernels-inl.h"
