/* out_heat.c: where things were, and for how long: seconds on a grid over the frame, as numbers (.npy), as a picture (.png) and
 * for the report. Fed by out.c, written by run_report.c. */
#include "out_heat.h"
#include "npy.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define COLUMNS 64
#define MAX_ROWS 256
#define CELL 12        /* pixels of the picture */
#define LONGEST_S 1.0  /* nobody knows where things were in a longer gap between frames */

void heat_add(heat_map *h, const fv_result *r)
{
    const fv_frame *f = r->frame;
    double seconds = h->started && h->source == r->source_index ? f->pts - h->pts : 0;
    h->started = true;
    h->source = r->source_index;
    h->pts = f->pts;
    if (f->width < 1 || f->height < 1) return;
    if (!h->cell) {
        double rows = rint((double)COLUMNS * f->height / f->width);
        h->rows = rows < 1 ? 1 : rows > MAX_ROWS ? MAX_ROWS : (int)rows;
        h->columns = COLUMNS;
        h->cell = tool_alloc((size_t)h->rows * COLUMNS * sizeof *h->cell);
    }
    if (!(seconds > 0)) return;
    if (seconds > LONGEST_S) seconds = LONGEST_S;
    for (int i = 0; i < r->dets->count; i++) { /* where it stands: the middle of its lower edge */
        const float *b = r->dets->items[i].box;
        double x = ((double)b[0] + b[2]) / 2 / f->width * h->columns, y = (double)b[3] / f->height * h->rows;
        if (!(x >= 0) || !(y >= 0) || !(x <= h->columns) || !(y <= h->rows)) continue;
        int c = x >= h->columns ? h->columns - 1 : (int)x, w = y >= h->rows ? h->rows - 1 : (int)y;
        h->cell[w * h->columns + c] += seconds;
    }
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The full colour: what 99 % of the cells that hold anything do not exceed. Somebody who stood still does not darken the rest. */
static double full_colour(const heat_map *h)
{
    size_t n = 0, cells = (size_t)h->columns * (size_t)h->rows;
    double *sorted = tool_alloc((cells + 1) * sizeof *sorted);
    for (size_t i = 0; i < cells; i++)
        if (h->cell[i] > 0) sorted[n++] = h->cell[i];
    if (n) qsort(sorted, n, sizeof *sorted, by_size);
    double v = n ? sorted[(size_t)(0.99 * (double)(n - 1))] : 0;
    free(sorted);
    return v;
}

void heat_json(const heat_map *h, text *t)
{
    text_printf(t, "{\"columns\":%d,\"rows\":%d,\"full\":", h->columns, h->rows);
    text_number(t, full_colour(h), 3);
    text_add(t, ",\"seconds\":[");
    for (int i = 0; i < h->columns * h->rows; i++) {
        if (i) text_add(t, ",");
        text_number(t, h->cell[i], 2);
    }
    text_add(t, "]}");
}

/* Between the middles of cells. */
static double at(const heat_map *h, double x, double y)
{
    double sum = 0;
    int c = (int)floor(x - 0.5), r = (int)floor(y - 0.5);
    double fx = x - 0.5 - c, fy = y - 0.5 - r;
    for (int k = 0; k < 4; k++) {
        int cc = c + k % 2, rr = r + k / 2;
        cc = cc < 0 ? 0 : cc >= h->columns ? h->columns - 1 : cc;
        rr = rr < 0 ? 0 : rr >= h->rows ? h->rows - 1 : rr;
        sum += (k % 2 ? fx : 1 - fx) * (k / 2 ? fy : 1 - fy) * h->cell[rr * h->columns + cc];
    }
    return sum;
}

/* Black, blue, red, yellow, white. */
static void colour(double v, uint8_t rgb[3])
{
    static const double stop[5][3] = {{0, 0, 0}, {40, 30, 150}, {210, 40, 60}, {250, 190, 40}, {255, 255, 255}};
    double x = fmin(fmax(v, 0), 1) * 4;
    int i = x >= 4 ? 3 : (int)x;
    for (int c = 0; c < 3; c++) rgb[c] = (uint8_t)lrint(stop[i][c] + (stop[i + 1][c] - stop[i][c]) * (x - i));
}

static fv_status write_png(const heat_map *h, const char *path, int overwrite, fv_error *err)
{
    const fv_media_api *media = cli_media(err);
    if (!media) return err->status;
    int w = h->columns * CELL, rows = h->rows * CELL;
    uint8_t *rgb = tool_alloc((size_t)w * (size_t)rows * 3);
    double top = full_colour(h);
    for (int y = 0; y < rows; y++)
        for (int x = 0; x < w; x++)
            colour(top > 0 ? sqrt(at(h, (x + 0.5) / CELL, (y + 0.5) / CELL) / top) : 0, rgb + ((size_t)y * (size_t)w + (size_t)x) * 3);
    fv_frame f = {.format = FV_PIXEL_RGB, .width = w, .height = rows, .plane = {rgb}, .stride = {(ptrdiff_t)w * 3}};
    fv_status st = media->picture_write(path, &f, overwrite, err);
    free(rgb);
    return st;
}

static fv_status write_npy(const heat_map *h, const char *path, fv_error *err)
{
    size_t n = (size_t)h->rows * (size_t)h->columns;
    float *data = tool_alloc((n ? n : 1) * sizeof *data);
    for (size_t i = 0; i < n; i++) data[i] = (float)h->cell[i];
    fv_tensor t = {.dtype = FV_F32, .rank = 2, .dim = {h->rows, h->columns}, .data = data};
    fv_status st = npy_write(path, &t, err);
    free(data);
    return st;
}

bool heat_is_name(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot && (!strcasecmp(dot, ".png") || !strcasecmp(dot, ".npy"));
}

fv_status heat_write(const heat_map *h, const char *path, int overwrite, fv_error *err)
{
    if (!h->cell) return FV_OK; /* not a single frame */
    const char *dot = strrchr(path, '.');
    return dot && !strcasecmp(dot, ".png") ? write_png(h, path, overwrite, err) : write_npy(h, path, err);
}

void heat_free(heat_map *h)
{
    free(h->cell);
    memset(h, 0, sizeof *h);
}
