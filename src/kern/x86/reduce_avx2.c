/* reduce_avx2.c: the reduce kernels (reduce_vec.h) at level avx2. Put into the table by ../reduce_ref.c. */
#include "kern/x86/vec_avx2.h"
#include "kern/x86/reduce_vec.h"
