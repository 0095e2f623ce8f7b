/* bytes.h: rows between float32 and bytes with a scale and zero point, and maxima of rows of bytes, at the level's width. All levels give the same
 * bits. */
#ifndef FVI_KERN_BYTES_H
#define FVI_KERN_BYTES_H
#include "kern/cpu.h"
#include <string.h>

typedef struct fvi_bytes_kern {
    void (*widen)(float *y, const uint8_t *x, size_t n, int zero, float scale);           /* y = (x - zero) * scale */
    void (*narrow)(uint8_t *y, const float *x, size_t n, float inv, int zero);            /* y = clip(rint(x * inv) + zero, 0, 255); NaN gives 0 */
    void (*max)(uint8_t *y, const uint8_t *const *x, int rows, size_t n);                 /* y[i] = the largest of x[r][i]; rows >= 1; y may be x[0] */
} fvi_bytes_kern;

/* The functions of the highest level in flags; every slot is filled. */
void fvi_bytes_kern_init(fvi_bytes_kern *k, fvi_cpu_flags flags);
extern const fvi_bytes_kern fvi_bytes_c, fvi_bytes_avx2, fvi_bytes_avx512;

/* y[i] = table[x[i]], eight at a time: a store of a byte could change the table, as far as the compiler knows. y may be x. */
static inline void fvi_bytes_lookup(uint8_t *y, const uint8_t *x, size_t n, const uint8_t *table)
{
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        uint64_t in, out = 0;
        memcpy(&in, x + i, sizeof in);
        for (int k = 0; k < 64; k += 8) out |= (uint64_t)table[in >> k & 255] << k;
        memcpy(y + i, &out, sizeof out);
    }
    for (; i < n; i++) y[i] = table[x[i]];
}

static inline uint8_t fvi_bytes_narrow1(float x, float inv, int zero)
{
    const float lo = (float)-zero, hi = (float)(255 - zero);
    float v = x * inv;
    v = v > lo ? v : lo; /* NaN too */
    v = v < hi ? v : hi;
    return (uint8_t)((int)(v + 12582912.0f - 12582912.0f) + zero); /* 3 * 2^22: to the nearest, halves to even */
}
#endif
