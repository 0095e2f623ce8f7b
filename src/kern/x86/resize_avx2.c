/* resize_avx2.c: the resize kernels (resize_vec.h) at level avx2. Put into the table by ../resize_ref.c. */
#include "kern/x86/vec_avx2.h"
#include "kern/x86/resize_vec.h"
