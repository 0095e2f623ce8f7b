/* peak_amx.c: tiles of BF16 into four tiles of sums that never leave their registers. Put into the table by ../peak.c. */
#include "kern/peak.h"
#include "kern/x86/tile_amx.h"

static void run(float *state, int64_t rounds)
{
    uint16_t a[16][32], b[16][32];
    for (int i = 0; i < 16; i++)
        for (int k = 0; k < 32; k++) a[i][k] = 0x3e00 /* 1/8 */, b[i][k] = 0x3e80 /* 1/4: 32 products are 1 */;
    tile_configure();
    _tile_loadd(4, a, 64);
    _tile_loadd(5, a, 64);
    _tile_loadd(6, b, 64);
    _tile_loadd(7, b, 64);
    _tile_loadd(0, state, 64);
    _tile_loadd(1, state + 256, 64);
    _tile_loadd(2, state + 512, 64);
    _tile_loadd(3, state + 768, 64);
    for (int64_t r = 0; r < rounds; r++) {
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
    _tile_stored(0, state, 64);
    _tile_stored(1, state + 256, 64);
    _tile_stored(2, state + 512, 64);
    _tile_stored(3, state + 768, 64);
    _tile_release();
}

const fvi_peak fvi_peak_bf16_amx = {"bf16", FVI_CPU_AMX, 1024, 32, run};
