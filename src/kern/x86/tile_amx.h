/* tile_amx.h: the one tile configuration of all AMX kernels: eight tiles of 16 rows x 64 bytes (palette 1). Tiles 0..3 are sums
 * (16 x 16 FP32 or INT32), 4 and 5 rows of pixels (16 x 32 bfloat16 or 64 bytes), 6 and 7 weights: row r holds for 16 columns the
 * 2 (bfloat16) or 4 (bytes) products r. For *_amx.c files only. */
#ifndef FVI_KERN_X86_TILE_AMX_H
#define FVI_KERN_X86_TILE_AMX_H
#include <immintrin.h>
#include <stdint.h>

/* This thread's tiles; they are zero afterwards. A kernel configures at the start of a chunk and ends with _tile_release(). */
static inline void tile_configure(void)
{
    _Alignas(64) struct {
        uint8_t palette, start_row, reserved[14];
        uint16_t bytes[16];
        uint8_t rows[16];
    } c = {.palette = 1};
    for (int i = 0; i < 8; i++) c.bytes[i] = 64, c.rows[i] = 16;
    _tile_loadconfig(&c);
}
#endif
