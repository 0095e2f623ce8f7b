/* reduce_avx512.c: the reduce kernels (reduce_vec.h) at level avx512. Put into the table by ../reduce_ref.c. */
#include "kern/x86/vec_avx512.h"
#include "kern/x86/reduce_vec.h"
