/* act_avx512.c: activation rows for level avx512: act_vec.h written with the words of vec_avx512.h.
 * Turns rows of floats into activated rows (+ residual). Called by conv epilogues and by backend/cpu element-wise ops. */
#include "kern/x86/vec_avx512.h"
#include "kern/x86/act_vec.h"
