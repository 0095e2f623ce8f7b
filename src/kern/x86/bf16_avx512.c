/* bf16_avx512.c: bf16_vec.h in 16-float words. Put into the table by ../bf16_ref.c. */
#include "kern/x86/vec_avx512.h"
#include "kern/x86/bf16_words.h"
#include "kern/x86/bf16_vec.h"

const fvi_bf16_kern fvi_bf16_avx512 = {widen, narrow, round_to, max_rows};
