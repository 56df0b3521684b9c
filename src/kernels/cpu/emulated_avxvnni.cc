// The AVX-VNNI kernels, their one own instruction emulated by SIMDe, for the same test program.
#define WEIR_EMULATE_AVXVNNI
#define WEIR_ISA_NAMESPACE emulated_avxvnni
#define WEIR_ISA_NAME "emulated_avxvnni"
#define WEIR_ISA_TABLE kEmulatedAvxVnniKernels
#include "kernels/cpu/bytes_avxvnni-inl.h"
#include "kernels/cpu/vector_avx2-inl.h"
// After the vectors:
#include "kernels/cpu/kernels-inl.h"
