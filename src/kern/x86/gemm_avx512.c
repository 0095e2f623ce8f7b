/* gemm_avx512.c: the matrix product tile (gemm_vec.h) at level avx512: 28 sums, 2 columns of B in 32 registers. Put into
 * the table by ../gemm_ref.c. */
#include "kern/x86/vec_avx512.h"
#define GEMM_MR 14
#define GEMM_TITLE "gemm avx512 14x32"
#include "kern/x86/gemm_vec.h"
