/* softmax_avx512.c: the softmax kernels (softmax_vec.h) at level avx512. Put into the table by ../softmax_ref.c. */
#include "kern/x86/vec_avx512.h"
#include "kern/x86/softmax_vec.h"
