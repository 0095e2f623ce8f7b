/* merge.c: how long merging the boxes of 33 tiles takes: a 4K frame, 32 tiles of 640 and the whole frame, `people` people whom every tile that
 * sees them reports with several boxes. Prints the median and the least of many runs for each rule. Usage: bench_merge [boxes] [runs] */
#include "timing.h"
#include "vision/tiles/merge.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define W 3840
#define H 2160

static uint32_t seed = 11;
static float unit(void)
{
    seed = seed * 1664525u + 1013904223u;
    return (float)(seed >> 8) / 16777216.0f;
}

/* `crowd` boxes around each person in each tile that sees them. */
static int fill(fvi_tiles_box *b, int most, const fvi_tile *tiles, int n_tiles, int crowd)
{
    int n = 0;
    while (n < most) {
        float h = 15 + 285 * unit() * unit(), w = 0.45f * h, x = unit() * (W - w), y = unit() * (H - h);
        for (int t = 0; t < n_tiles; t++) {
            float x1 = fmaxf(x, (float)tiles[t].x), y1 = fmaxf(y, (float)tiles[t].y), x2 = fminf(x + w, (float)(tiles[t].x + tiles[t].width)),
                  y2 = fminf(y + h, (float)(tiles[t].y + tiles[t].height));
            if (x2 - x1 < 6 || y2 - y1 < 6 || (t == n_tiles - 1 && h < 80)) continue;
            for (int k = 0; k < crowd && n < most; k++) {
                float d = 0.1f * w;
                b[n++] = (fvi_tiles_box){{x1 + d * unit(), y1 + d * unit(), x2 - d * unit(), y2 - d * unit()}, 0.1f + 0.9f * unit(), 0, t};
            }
        }
    }
    return n;
}

int main(int argc, char **argv)
{
    int n = argc > 1 ? atoi(argv[1]) : 10000, runs = argc > 2 ? atoi(argv[2]) : 200;
    static const char *const names[] = {"seam", "nms", "nmm", "greedynmm"};
    fvi_merger *m = NULL;
    fvi_tile tiles[33];
    fvi_tiles_grid g = {8, 4, 640, 640};
    fvi_tiles_box *b = n > 0 && runs > 0 ? calloc((size_t)n, sizeof *b) : NULL;
    double *ms = n > 0 && runs > 0 ? calloc((size_t)runs, sizeof *ms) : NULL;
    if (!b || !ms || fvi_merger_create(&m, fvi_cpu_detect()) < 0) return 1;
    for (int i = 0; i < 32; i++) tiles[i] = fvi_tiles_at(&g, i, W, H);
    tiles[32] = (fvi_tile){0, 0, W, H, 0};
    for (int crowd = 1; crowd <= 4; crowd += 3) {
        fill(b, n, tiles, 33, crowd);
        for (int k = 0; k < 4; k++) {
            const fvi_tiles_thing *things;
            const int *next;
            int found = 0;
            for (int r = 0; r < runs; r++) {
                double t0 = now_ms();
                if (fvi_tiles_merge(m, &(fvi_merge_params){.merge = (fv_tile_merge)k}, b, n, tiles, 33, &things, &found, &next) < 0) return 1;
                ms[r] = now_ms() - t0;
            }
            qsort(ms, (size_t)runs, sizeof *ms, by_value);
            printf("%-10s %d boxes, %d around each in a tile: %5d things, median %.3f ms, least %.3f ms\n", names[k], n, crowd, found, ms[runs / 2], ms[0]);
        }
    }
    fvi_merger_free(&m);
    free(b);
    free(ms);
    return 0;
}
