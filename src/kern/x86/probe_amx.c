/* probe_amx.c: multiplies tiles once and compares. Runs in a child process (../probe.c): no library calls, no memory but its own. */
#include "kern/probe.h"
#include "kern/x86/tile_amx.h"
#include <stdint.h>

int fvi_probe_tiles(void)
{
    uint16_t a[16][32], b[16][32];
    float c[16][16];
    uint8_t ua[16][64];
    int8_t sb[16][64];
    int32_t s[16][16];
    /* small whole numbers: exact in bfloat16 and in any order of adding */
    for (int i = 0; i < 16; i++)
        for (int k = 0; k < 64; k++) {
            union {
                float f;
                uint32_t u;
            } x = {(float)((i + k) % 7 - 3)}, y = {(float)((3 * i + k) % 5 - 2)};
            if (k < 32) a[i][k] = (uint16_t)(x.u >> 16), b[i][k] = (uint16_t)(y.u >> 16);
            ua[i][k] = (uint8_t)(128 + (i * 5 + k) % 120), sb[i][k] = (int8_t)((i + 3 * k) % 100 - 50);
        }
    tile_configure();
    _tile_zero(0);
    _tile_loadd(4, a, 64);
    _tile_loadd(6, b, 64);
    _tile_dpbf16ps(0, 4, 6);
    _tile_stored(0, c, 64);
    _tile_zero(1);
    _tile_loadd(5, ua, 64);
    _tile_loadd(7, sb, 64);
    _tile_dpbusd(1, 5, 7);
    _tile_stored(1, s, 64);
    _tile_release();
    for (int i = 0; i < 16; i++)
        for (int j = 0; j < 16; j++) {
            float f = 0;
            int32_t d = 0;
            for (int k = 0; k < 32; k++) f += (float)((i + k) % 7 - 3) * (float)((3 * (k / 2) + 2 * j + k % 2) % 5 - 2);
            for (int k = 0; k < 64; k++) d += (int32_t)ua[i][k] * sb[k / 4][4 * j + k % 4];
            if (c[i][j] != f) return 1;
            if (s[i][j] != d) return 2;
        }
    return 0;
}
