/* elementwise_avx512.c: the elementwise kernels (elementwise_vec.h) at level avx512. Put into the table by ../elementwise_ref.c. */
#include "kern/x86/vec_avx512.h"
#include "kern/x86/elementwise_vec.h"
