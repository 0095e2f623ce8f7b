/* prep_420.c: a frame with chroma halved both ways -> its pixels, converted and normalised at their own size: what prep.c does with tables, in one
 * step a row. Chroma at the edge of a part is that of the frame: as if the frame had been converted and then cut. Called by prep.c and prep_tiles.c. */
#include "base/checked.h"
#include "image/prep_inside.h"

bool fvi_prep_420_can(const fvi_prep_spec *spec, const fvi_pixel *px)
{
    return spec->filter == FVI_FILTER_BILINEAR && px->yuv && px->chroma_x && px->chroma_y && !px->packed;
}

static size_t luma_room(int n) { return fvi_round_up((size_t)n + 4, FVI_ALIGN); }
static size_t chroma_room(int n) { return fvi_round_up((size_t)n / 2 + 4, FVI_ALIGN); } /* of one component */

size_t fvi_prep_420_room(int n) { return luma_room(n) + 4 * chroma_room(n); }

void fvi_prep_420_begin(fvi_prep_420 *s, const fvi_prep *p, const fv_frame *src, uint8_t *room, int x, int n)
{
    const int cw = (src->width + 1) >> 1;
    *s = (fvi_prep_420){.p = p, .src = src, .room = p->pixel->luma ? room : NULL, .x = x, .n = n, .kept = {-1, -1}};
    s->c0 = x >> 1 > 0 ? (x >> 1) - 1 : 0;
    s->c1 = (int)fvi_min_i64(cw, ((x + n - 1) >> 1) + 2);
    if (!s->room) s->c0 = 0;
    s->origin = 2 * s->c0;
    s->row.step = p->pixel->kind == FVI_PIXELS_PAIRS ? 2 : 1;
    s->row.width = s->room ? x + n - s->origin : src->width;
    s->row.chroma_width = s->room ? s->c1 - s->c0 : cw;
    s->row.left = src->chroma == FV_CHROMA_LEFT;
}

/* U and V of chroma row k. */
static void point_at(fvi_prep_420 *s, int k, const uint8_t *out[2])
{
    const fvi_pixel *px = s->p->pixel;
    const bool pairs = px->kind == FVI_PIXELS_PAIRS;
    const size_t one = chroma_room(s->n);
    uint8_t *kept = s->room ? s->room + luma_room(s->n) + (size_t)(k & 1) * 2 * one : NULL;
    for (int i = 0; i < (pairs ? 1 : 2); i++) {
        const uint8_t *row = s->src->plane[1 + i] + k * s->src->stride[1 + i];
        if (kept && s->kept[k & 1] != k)
            s->p->k.narrow(kept + (size_t)i * one, row + (ptrdiff_t)s->c0 * px->plane[1 + i].bytes, px->narrow, (s->c1 - s->c0) * s->row.step);
        out[i] = kept ? kept + (size_t)i * one : row;
    }
    if (pairs) out[1] = out[0] + 1;
    if (px->swap) {
        const uint8_t *u = out[1];
        out[1] = out[0];
        out[0] = u;
    }
    s->kept[k & 1] = k;
}

void fvi_prep_420_row(fvi_prep_420 *s, int y)
{
    const int ch = (s->src->height + 1) >> 1, near = y >> 1;
    int far = y & 1 ? near + 1 : near - 1;
    far = far < 0 ? 0 : far >= ch ? ch - 1 : far;
    const uint8_t *luma = s->src->plane[0] + y * s->src->stride[0];
    if (s->room) {
        s->p->k.narrow(s->room + (s->x - s->origin), luma + (ptrdiff_t)s->x * s->p->pixel->plane[0].bytes, s->p->pixel->narrow, s->n);
        luma = s->room;
    }
    s->row.y = luma;
    point_at(s, near, s->row.near);
    point_at(s, far, s->row.far);
}

void fvi_prep_420_put(const fvi_prep_420 *s, float *out, ptrdiff_t cs, ptrdiff_t xs, int x, int n)
{
    s->p->k.row420(out, cs, xs, &s->row, &s->p->color, x - s->origin, n);
}
