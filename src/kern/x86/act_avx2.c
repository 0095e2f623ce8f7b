/* act_avx2.c: activation rows for level avx2: act_vec.h written with the words of vec_avx2.h.
 * Turns rows of floats into activated rows (+ residual). Called by conv epilogues and by backend/cpu element-wise ops. */
#include "kern/x86/vec_avx2.h"
#include "kern/x86/act_vec.h"
