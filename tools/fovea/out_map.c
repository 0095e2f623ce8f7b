/* out_map.c: a map of a frame as a file: the network's numbers as .npy, 16 bits as PNG, or colours as PNG, both at
 * the frame's size. The range that colours span follows a film slowly, so that they do not flicker. Called by out.c. */
#include "out.h"
#include "npy.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLLOW 0.1       /* of the way to a new frame's range */
#define THOUSANDTHS 1000 /* png16 without a range: depths in metres become millimetres */

/* All but a hundredth at each end; false: no number is in it. */
static bool range_of(const fv_map *m, double *lo, double *hi)
{
    size_t n = (size_t)m->width * (size_t)m->height, k = 0;
    float *v = tool_alloc((n ? n : 1) * sizeof *v);
    for (size_t i = 0; i < n; i++)
        if (isfinite(m->data[i])) v[k++] = m->data[i];
    qsort(v, k, sizeof *v, tool_ascending);
    *lo = k ? (double)v[k / 100] : 0;
    *hi = k ? (double)v[k - 1 - k / 100] : 0;
    free(v);
    return k > 0;
}

void out_map_follow(out_map *o, const fv_map *m, bool film)
{
    double lo, hi;
    if (o->fixed || !range_of(m, &lo, &hi)) return;
    const double step = film && o->begun ? FOLLOW : 1;
    o->lo += step * (lo - o->lo);
    o->hi += step * (hi - o->hi);
    o->begun = true;
}

/* Dark blue over red to light yellow, lightness rising evenly. */
static void colour(double v, uint8_t *rgb)
{
    static const double stop[9][3] = {{0, 0, 4},      {31, 12, 72},    {85, 15, 109},   {136, 34, 106}, {186, 54, 85},
                                      {227, 89, 51},  {249, 140, 10},  {249, 201, 50},  {252, 255, 164}};
    double x = fmin(fmax(v, 0), 1) * 8;
    int i = x >= 8 ? 7 : (int)x;
    for (int c = 0; c < 3; c++) rgb[c] = (uint8_t)lrint(stop[i][c] + (stop[i + 1][c] - stop[i][c]) * (x - i));
}

static fv_status write_png(const out_map *o, const fv_map *m, int w, int h, const char *path, const fv_media_api *media, fv_error *err)
{
    const bool deep = o->format == MAP_PNG16;
    const size_t n = (size_t)w * (size_t)h;
    float *v = tool_alloc(n * sizeof *v);
    uint8_t *pixels = tool_alloc(n * (deep ? 2 : 3));
    const double span = o->hi > o->lo ? o->hi - o->lo : 1;
    fv_status st = fv_map_scale(m, w, h, 1, v);
    for (size_t i = 0; i < n && st >= 0; i++) {
        double x = isfinite(v[i]) ? ((double)v[i] - o->lo) / span : 0;
        if (!deep) {
            colour(x, pixels + 3 * i);
            continue;
        }
        double level = o->fixed ? x * 65535 : isfinite(v[i]) ? (double)v[i] * THOUSANDTHS : 0;
        uint16_t bits = (uint16_t)lrint(fmin(fmax(level, 0), 65535));
        pixels[2 * i] = (uint8_t)bits;
        pixels[2 * i + 1] = (uint8_t)(bits >> 8);
    }
    fv_frame f = {.format = deep ? FV_PIXEL_GRAY16 : FV_PIXEL_RGB, .width = w, .height = h, .plane = {pixels}, .stride = {(ptrdiff_t)w * (deep ? 2 : 3)}};
    st = st < 0 ? cli_set_error(err, st, "%s: the map cannot be scaled to %dx%d: %s", path, w, h, fv_status_text(st)) : media->picture_write(path, &f, 1, err);
    free(pixels);
    free(v);
    return st;
}

static bool as_picture(const out_map *o, const fv_map *m) { return o->format != MAP_NPY && o->depth && m->channels == 1; }

fv_status out_map_write(const out_map *o, const fv_map *m, int w, int h, const char *path, const fv_media_api *media, fv_error *err)
{
    if (as_picture(o, m)) return write_png(o, m, w, h, path, media, err);
    fv_tensor t = {.data = m->data, .dtype = FV_F32, .rank = 3, .dim = {m->channels, m->height, m->width}};
    return npy_write(path, &t, err);
}

const char *out_map_ending(const out_map *o, const fv_map *m) { return as_picture(o, m) ? ".png" : ".npy"; }

int out_map_parse(out_map *o, const cli_args *a)
{
    const char *format = cli_text_or(a, "map-format", "npy"), *range = cli_text(a, "map-range");
    char *end = NULL;
    *o = (out_map){.format = !strcmp(format, "png16") ? MAP_PNG16 : !strcmp(format, "color") ? MAP_COLOR : MAP_NPY};
    if ((cli_given(a, "map-format") || range) && !cli_given(a, "save-map")) return cli_usage(a, "--map-format and --map-range belong to --save-map DIR");
    if (!range) return 0;
    if (o->format == MAP_NPY) return cli_usage(a, "--map-range belongs to --map-format png16 or color: .npy has the numbers themselves");
    o->lo = strtod(range, &end);
    if (*end == ',') o->hi = strtod(end + 1, &end);
    if (*end || !isfinite(o->lo) || !isfinite(o->hi) || !(o->hi > o->lo)) return cli_usage(a, "--map-range %s: it is written LEAST,MOST", range);
    o->fixed = true;
    return 0;
}
