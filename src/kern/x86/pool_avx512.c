/* pool_avx512.c: the pool kernels (pool_vec.h) at level avx512. Put into the table by ../pool_ref.c. */
#include "kern/x86/vec_avx512.h"
#include "kern/x86/pool_vec.h"
