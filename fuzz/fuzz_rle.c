/* fuzz_rle.c: any bytes as a mask: COCO's text, an outline, pixels. What is taken has runs that fill the picture, and comes back the same
 * from its text and from its pixels. */
#include "base/alloc.h"
#include <fovea/mask.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TEXT 4096
#define MAX_CORNERS 64

static void must(int condition)
{
    if (!condition) abort();
}

static void check(const fv_rle *r)
{
    fv_rle again = {0};
    int64_t sum = 0;
    int x, y, w, h;
    char *text = fvi_alloc(fv_rle_text(r, NULL, 0) + 1);
    uint8_t *pixels = fvi_calloc((size_t)r->width, (size_t)r->height);
    must(text && pixels);
    for (size_t i = 0; i < r->n; i++) sum += r->counts[i];
    must(sum == (int64_t)r->width * r->height && fv_rle_area(r) <= sum);
    fv_rle_box(r, &x, &y, &w, &h);
    must(x >= 0 && y >= 0 && x + w <= r->width && y + h <= r->height && (int64_t)w * h >= fv_rle_area(r));
    fv_rle_text(r, text, fv_rle_text(r, NULL, 0) + 1);
    must(fv_rle_from_text(&again, r->width, r->height, text) == FV_OK && again.n == r->n && !memcmp(again.counts, r->counts, r->n * sizeof *r->counts));
    fv_rle_decode(r, pixels, r->width);
    fv_mask all = {.width = r->width, .height = r->height};
    must(fv_rle_from_mask(&again, r->width, r->height, &all, pixels) == FV_OK && fv_rle_area(&again) == fv_rle_area(r));
    must(fv_rle_join(&again, r) == FV_OK && fv_rle_area(&again) == fv_rle_area(r));
    must(fv_rle_area(r) == 0 || fv_rle_iou(&again, r, 0) == 1);
    fv_rle_clear(&again);
    fvi_free(text);
    fvi_free(pixels);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3 || size > MAX_TEXT) return 0;
    int w = data[0] + 1, h = data[1] + 1, kind = data[2] % 3;
    data += 3, size -= 3;
    fv_rle r = {0};
    fv_status st;
    if (kind == 0) {
        char text[MAX_TEXT];
        memcpy(text, data, size);
        text[size] = 0;
        st = fv_rle_from_text(&r, w, h, text);
    } else if (kind == 1) {
        double xy[MAX_CORNERS][2];
        int n = size / 4 < MAX_CORNERS ? (int)(size / 4) : MAX_CORNERS;
        for (int i = 0; i < 2 * n; i++) xy[i / 2][i % 2] = (double)(int16_t)(data[2 * i] | data[2 * i + 1] << 8) / 64;
        st = fv_rle_from_polygon(&r, w, h, (const double (*)[2])xy, n);
    } else {
        fv_mask m = {.width = w < 16 ? w : 16, .height = h < 16 ? h : 16};
        if (size < (size_t)m.width * (size_t)m.height) return 0;
        m.x = data[0] % (w - m.width + 1);
        m.y = data[0] % (h - m.height + 1);
        st = fv_rle_from_mask(&r, w, h, &m, data);
    }
    if (st >= 0)
        check(&r);
    else
        must(r.n == 0);
    fv_rle_clear(&r);
    return 0;
}
