/* gemm_avx2.c: the matrix product tile (gemm_vec.h) at level avx2: 12 sums, 2 columns of B, 1 of A in 16 registers. Put
 * into the table by ../gemm_ref.c. */
#include "kern/x86/vec_avx2.h"
#define GEMM_MR 6
#define GEMM_TITLE "gemm avx2 6x16"
#include "kern/x86/gemm_vec.h"
