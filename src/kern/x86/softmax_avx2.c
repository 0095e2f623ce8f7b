/* softmax_avx2.c: the softmax kernels (softmax_vec.h) at level avx2. Put into the table by ../softmax_ref.c. */
#include "kern/x86/vec_avx2.h"
#include "kern/x86/softmax_vec.h"
