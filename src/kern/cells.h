/* cells.h: a plane of bytes -> sums over cells of 8 pixels. Exact: every level gives the same numbers. */
#ifndef FVI_KERN_CELLS_H
#define FVI_KERN_CELLS_H
#include "kern/cpu.h"
#include <stddef.h>

#define FVI_CELL 8 /* pixels a side */

typedef struct fvi_cells {
    /* d[i] = sum of bytes src[8 * i, 8 * i + 8) of `rows` (1..16) rows `stride` bytes apart; i in [0, n). Reads no other bytes. */
    void (*sums)(uint16_t *d, const uint8_t *src, ptrdiff_t stride, int rows, int n);
} fvi_cells;

void fvi_cells_init(fvi_cells *k, fvi_cpu_flags flags);
void fvi_cells_init_avx2(fvi_cells *k);
void fvi_cells_init_avx512(fvi_cells *k);
#endif
