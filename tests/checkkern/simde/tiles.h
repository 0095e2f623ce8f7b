/* tiles.h: AMX in plain C, after Intel's description of the instructions: eight tiles a thread, of the rows and bytes that were configured.
 * Sums of BF16 products are added pair by pair, in FP32 with subnormal inputs and results taken as zero, as the hardware does. */
#ifndef CHECKKERN_SIMDE_TILES_H
#define CHECKKERN_SIMDE_TILES_H
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct ck_tiles {
    int configured, rows[8], bytes[8];
    unsigned char data[8][16][64];
} ck_tiles;
static _Thread_local ck_tiles ck_amx;

/* What traps on hardware ends the test. */
static inline void ck_tile_trap(int wrong)
{
    if (wrong) __builtin_trap();
}
static inline void _tile_loadconfig(const void *config)
{
    const unsigned char *c = config;
    ck_tile_trap(c[0] != 1 || c[1] != 0);
    memset(&ck_amx, 0, sizeof ck_amx);
    ck_amx.configured = 1;
    for (int i = 0; i < 8; i++) {
        uint16_t bytes;
        memcpy(&bytes, c + 16 + 2 * i, 2);
        ck_amx.bytes[i] = bytes, ck_amx.rows[i] = c[48 + i];
        ck_tile_trap(bytes > 64 || c[48 + i] > 16);
    }
}
static inline void _tile_release(void) { memset(&ck_amx, 0, sizeof ck_amx); }
static inline void _tile_zero(int t)
{
    ck_tile_trap(!ck_amx.configured || !ck_amx.rows[t]);
    memset(ck_amx.data[t], 0, sizeof ck_amx.data[t]);
}
static inline void _tile_loadd(int t, const void *base, long stride)
{
    ck_tile_trap(!ck_amx.configured || !ck_amx.rows[t]);
    memset(ck_amx.data[t], 0, sizeof ck_amx.data[t]);
    for (int r = 0; r < ck_amx.rows[t]; r++) memcpy(ck_amx.data[t][r], (const char *)base + r * stride, (size_t)ck_amx.bytes[t]);
}
static inline void _tile_stream_loadd(int t, const void *base, long stride) { _tile_loadd(t, base, stride); }
static inline void _tile_stored(int t, void *base, long stride)
{
    ck_tile_trap(!ck_amx.configured || !ck_amx.rows[t]);
    for (int r = 0; r < ck_amx.rows[t]; r++) memcpy((char *)base + r * stride, ck_amx.data[t][r], (size_t)ck_amx.bytes[t]);
}
static inline void ck_tile_fit(int c, int a, int b)
{
    ck_tile_trap(!ck_amx.configured || c == a || c == b || a == b);
    ck_tile_trap(ck_amx.rows[c] != ck_amx.rows[a] || ck_amx.bytes[c] != ck_amx.bytes[b] || ck_amx.bytes[a] != 4 * ck_amx.rows[b]);
}
static inline float ck_flush(float x) { return fabsf(x) < 0x1p-126f ? copysignf(0, x) : x; }
static inline float ck_bfloat(const unsigned char *p)
{
    const uint32_t bits = (uint32_t)p[1] << 24 | (uint32_t)p[0] << 16;
    float f;
    memcpy(&f, &bits, sizeof f);
    return ck_flush(f);
}
static inline void _tile_dpbf16ps(int c, int a, int b)
{
    ck_tile_fit(c, a, b);
    for (int i = 0; i < ck_amx.rows[c]; i++)
        for (int k = 0; k < ck_amx.rows[b]; k++)
            for (int j = 0; j < ck_amx.bytes[c] / 4; j++) {
                float sum;
                memcpy(&sum, &ck_amx.data[c][i][4 * j], sizeof sum);
                for (int p = 0; p < 2; p++)
                    sum = ck_flush(__builtin_fmaf(ck_bfloat(&ck_amx.data[a][i][4 * k + 2 * p]), ck_bfloat(&ck_amx.data[b][k][4 * j + 2 * p]), sum));
                memcpy(&ck_amx.data[c][i][4 * j], &sum, sizeof sum);
            }
}
/* bytes times bytes, each signed or not; sums wrap */
static inline void ck_tile_bytes(int c, int a, int b, int signed_a, int signed_b)
{
    ck_tile_fit(c, a, b);
    for (int i = 0; i < ck_amx.rows[c]; i++)
        for (int k = 0; k < ck_amx.rows[b]; k++)
            for (int j = 0; j < ck_amx.bytes[c] / 4; j++) {
                uint32_t sum;
                memcpy(&sum, &ck_amx.data[c][i][4 * j], sizeof sum);
                for (int p = 0; p < 4; p++) {
                    const unsigned char x = ck_amx.data[a][i][4 * k + p], y = ck_amx.data[b][k][4 * j + p];
                    sum += (uint32_t)((signed_a ? (int)(signed char)x : (int)x) * (signed_b ? (int)(signed char)y : (int)y));
                }
                memcpy(&ck_amx.data[c][i][4 * j], &sum, sizeof sum);
            }
}
static inline void _tile_dpbusd(int c, int a, int b) { ck_tile_bytes(c, a, b, 0, 1); }
static inline void _tile_dpbssd(int c, int a, int b) { ck_tile_bytes(c, a, b, 1, 1); }
static inline void _tile_dpbsud(int c, int a, int b) { ck_tile_bytes(c, a, b, 1, 0); }
static inline void _tile_dpbuud(int c, int a, int b) { ck_tile_bytes(c, a, b, 0, 0); }
#endif
