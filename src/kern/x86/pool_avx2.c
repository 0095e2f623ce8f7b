/* pool_avx2.c: the pool kernels (pool_vec.h) at level avx2. Put into the table by ../pool_ref.c. */
#include "kern/x86/vec_avx2.h"
#include "kern/x86/pool_vec.h"
