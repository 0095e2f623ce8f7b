/* tile_prep.c: how long it takes to prepare 32 tiles of 640x640 and the whole of a 4K frame for a network, one thread: all in one pass into a batch, and one
 * after the other into one input, as a pipeline without batches does. Prints the least and the median of many runs for each format. Usage: bench_tile_prep [runs]
 */
#include "timing.h"
#include "base/alloc.h"
#include "image/pixel.h"
#include "image/prep.h"
#include "vision/tiles/grid.h"
#include <stdio.h>
#include <stdlib.h>

#define W 3840
#define H 2160
#define SIDE 640

static void report(const char *what, const char *format, int views, double *ms, int runs)
{
    qsort(ms, (size_t)runs, sizeof *ms, by_value);
    printf("%-5s %-38s %2d views  least %6.2f  median %6.2f ms\n", format, what, views, ms[0], ms[runs / 2]);
}

static void run(fvi_prep_set *s, const fv_frame *f, const fvi_prep_part *parts, int n, const fvi_tensor *batch, int runs)
{
    fvi_prep_map maps[64];
    fv_error err = {0};
    const char *name = fv_pixel_format_name(f->format);
    double *ms = malloc((size_t)runs * sizeof *ms);
    if (!ms) exit(1);
    for (int whole = 0; whole < 2; whole++) { /* the last part is the whole */
        int count = n - 1 + whole;
        for (int r = -1; r < runs; r++) {
            double t0 = now_ms();
            if (fvi_prep_set_run_parts(s, f, parts, count, batch, 0, NULL, maps, &err) < 0) exit(1);
            if (r >= 0) ms[r] = now_ms() - t0;
        }
        report("in one pass, into a batch", name, count, ms, runs);
        for (int r = -1; r < runs; r++) {
            double t0 = now_ms();
            for (int i = 0; i < count; i++)
                if (fvi_prep_set_run(s, f, &parts[i], batch, 0, NULL, maps, &err) < 0) exit(1);
            if (r >= 0) ms[r] = now_ms() - t0;
        }
        report("one by one, into one input", name, count, ms, runs);
    }
    free(ms);
}

int main(int argc, char **argv)
{
    static const fv_pixel_format formats[] = {FV_PIXEL_NV12, FV_PIXEL_I420, FV_PIXEL_P010};
    const int runs = argc > 1 ? atoi(argv[1]) : 15;
    const fvi_prep_spec spec = {.pad_value = 114, .scale = {1 / 255.0f, 1 / 255.0f, 1 / 255.0f}};
    fvi_prep_part parts[33];
    fvi_tiles_grid g;
    fv_error err = {0};
    const fv_tile_options o = {.size = sizeof o, .tiling = FV_TILES_AUTO};
    if (runs < 1 || fvi_tiles_grid_of(&g, &o, SIDE, SIDE, W, H, &err) < 0 || g.cols * g.rows != 32) return 1;
    for (int i = 0; i < 32; i++) {
        fvi_tile t = fvi_tiles_at(&g, i, W, H);
        parts[i] = (fvi_prep_part){t.x, t.y, t.width, t.height};
    }
    parts[32] = (fvi_prep_part){0, 0, W, H};
    const int64_t dim[4] = {33, 3, SIDE, SIDE};
    float *data = fvi_calloc((size_t)33 * 3 * SIDE * SIDE, sizeof *data);
    if (!data) return 1;
    fvi_tensor batch = fvi_tensor_over(data, FV_F32, 4, dim);
    batch.stride[1] = 1; /* as the engine has it: pixels of three */
    batch.stride[2] = 3 * SIDE;
    batch.stride[3] = 3;
    for (int i = 0; i < 3; i++) {
        fv_frame f;
        fvi_prep_set *s = NULL;
        if (fv_frame_alloc(&f, formats[i], W, H) < 0 || fvi_prep_set_create(&s, &spec, fvi_cpu_detect(), &err) < 0) return 1;
        uint32_t seed = 1;
        for (int k = 0; k < 3; k++) {
            size_t row, rows;
            fvi_pixel_plane(fvi_pixel_of(formats[i]), k, W, H, &row, &rows);
            for (size_t y = 0; y < rows; y++)
                for (size_t x = 0; x < row; x++) f.plane[k][(ptrdiff_t)y * f.stride[k] + (ptrdiff_t)x] = (uint8_t)((seed = seed * 1664525u + 1013904223u) >> 24);
        }
        run(s, &f, parts, 33, &batch, runs);
        fvi_prep_set_free(&s);
        fv_frame_release(&f);
    }
    fvi_free(data);
    return 0;
}
