/* elementwise_avx2.c: the elementwise kernels (elementwise_vec.h) at level avx2. Put into the table by ../elementwise_ref.c. */
#include "kern/x86/vec_avx2.h"
#include "kern/x86/elementwise_vec.h"
