/* quantise.h: floats to bytes of one scale, for the operators that write quantised values. */
#ifndef FVI_BACKEND_CPU_QUANTISE_H
#define FVI_BACKEND_CPU_QUANTISE_H
#include "kern/bytes.h"
#include "kern/elementwise.h"

/* y [n] = round(x / scale) + zero, kept in 0..255; x [n]. zero: a whole number. */
static inline void fvi_cpu_quantise_bytes(fvi_quant_fn quant, const fvi_bytes_kern *k, uint8_t *y, const float *x, size_t n, float scale, float zero)
{
    float part[256];
    const size_t most = sizeof part / sizeof *part;
    for (size_t i = 0; i < n; i += most) {
        const size_t m = n - i < most ? n - i : most;
        quant(part, x + i, m, scale, -zero, 255 - zero, 1);
        k->narrow(y + i, part, m, 1, (int)zero);
    }
}
#endif
