/* resize_avx512.c: the resize kernels (resize_vec.h) at level avx512. Put into the table by ../resize_ref.c. */
#include "kern/x86/vec_avx512.h"
#include "kern/x86/resize_vec.h"
