/* peak.h: how many multiply-adds a core can do at most: a loop that never leaves its registers, one a precision and level.
 * What a profile's shares of peak are shares of; computes nothing that anybody wants. */
#ifndef FVI_KERN_PEAK_H
#define FVI_KERN_PEAK_H
#include "kern/cpu.h"

typedef struct fvi_peak {
    const char *precision; /* "fp32", "bf16", "int8" */
    fvi_cpu_flags level;   /* one bit */
    int lanes;             /* values of the state; a round is 2 * lanes * depth operations */
    int depth;             /* products that one instruction adds to a value */
    /* `rounds` times, depth 1: state[i] = 0.5 state[i] + 0.25, which rounds once however it is computed; else state[i] += 1. state [lanes]. */
    void (*run)(float *state, int64_t rounds);
} fvi_peak;

/* Lowest level first; ends with a precision of null. */
extern const fvi_peak *const fvi_peaks[];
/* That of the highest level in flags; null: there are no kernels of this precision. */
const fvi_peak *fvi_peak_choose(const char *precision, fvi_cpu_flags flags);

/* BF16 without instructions of its own is computed in FP32. */
extern const fvi_peak fvi_peak_c, fvi_peak_avx2, fvi_peak_avx512; /* fp32 */
extern const fvi_peak fvi_peak_int8_c, fvi_peak_int8_avx2, fvi_peak_int8_avxvnni, fvi_peak_int8_avx512; /* c: in FP32 */
extern const fvi_peak fvi_peak_bf16_c, fvi_peak_bf16_avx2, fvi_peak_bf16_avx512, fvi_peak_bf16_avx512bf16, fvi_peak_bf16_amx;
#endif
