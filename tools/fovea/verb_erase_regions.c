/* verb_erase_regions.c: --region and --mask -> regions. Called by verb_erase.c. */
#include "text.h"
#include "verb_erase.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_NUMBERS 2000

void erase_regions_free(erase_regions *r)
{
    for (int i = 0; i < r->n; i++) {
        free((void *)(uintptr_t)r->region[i].points);
        free((void *)(uintptr_t)r->region[i].mask);
    }
    free(r->region);
    *r = (erase_regions){0};
}

/* Four numbers are a box, six or more a polygon. */
static int read_region(const cli_args *a, const char *v, fv_erase_region *r)
{
    double *n = tool_alloc((MAX_NUMBERS + 4) * sizeof *n);
    int count = 0;
    const char *p = v;
    for (; count < MAX_NUMBERS; count++) {
        char *end;
        n[count] = strtod(p, &end);
        if (end == p || !isfinite(n[count]) || fabs(n[count]) > 1e6) count = MAX_NUMBERS; /* not a number */
        if (end == p || *end != ',') {
            count += *end == 0;
            p = end;
            break;
        }
        p = end + 1;
    }
    const bool box = count == 4 && n[2] > 0 && n[3] > 0;
    if (*p || count > MAX_NUMBERS || !(box || (count >= 6 && count % 2 == 0))) {
        free(n);
        return cli_usage(a, "--region %s: it is written X,Y,WIDTH,HEIGHT or as three or more points X,Y,X,Y,X,Y", v);
    }
    if (box) {
        const double c[8] = {n[0], n[1], n[0] + n[2], n[1], n[0] + n[2], n[1] + n[3], n[0], n[1] + n[3]};
        memcpy(n, c, sizeof c);
        count = 8;
    }
    r->points = (const double(*)[2])n;
    r->n = count / 2;
    return 0;
}

static int read_mask(const cli_args *a, const char *path, fv_erase_region *r)
{
    fv_error err = {0};
    fv_source *s = NULL;
    fv_frame f = {0}, gray = {0};
    const fv_media_api *media = cli_media(&err);
    fv_status st = media ? media->source_open(&s, path, NULL, &err) : FV_ERR_MEDIA;
    if (st == FV_OK) st = s->read(s, &f, &err);
    if (st == FV_OK) st = fv_frame_convert(&gray, FV_PIXEL_GRAY, &f);
    if (st == FV_OK) {
        uint8_t *m = tool_alloc((size_t)gray.width * (size_t)gray.height);
        for (int y = 0; y < gray.height; y++)
            for (int x = 0; x < gray.width; x++) m[(size_t)y * (size_t)gray.width + (size_t)x] = gray.plane[0][y * gray.stride[0] + x] > 24;
        r->mask = m;
        r->mask_width = gray.width;
        r->mask_height = gray.height;
    }
    fv_frame_release(&gray);
    fv_frame_release(&f);
    if (s) s->close(s);
    if (st > 0) return cli_error(a, EXIT_INPUT, "%s: there is no picture in it", path);
    return st < 0 ? cli_fail(a, st, &err) : 0;
}

int erase_regions_read(const cli_args *a, erase_regions *r)
{
    const int boxes = cli_count(a, "region"), masks = cli_count(a, "mask");
    r->region = tool_alloc((size_t)(boxes + masks + 1) * sizeof *r->region);
    int code = 0;
    for (int i = 0; i < boxes + masks && !code; i++) {
        fv_erase_region *to = &r->region[r->n++];
        to->whole = cli_on(a, "whole");
        code = i < boxes ? read_region(a, cli_nth(a, "region", i), to) : read_mask(a, cli_nth(a, "mask", i - boxes), to);
    }
    return code;
}
