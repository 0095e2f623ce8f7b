/* prep_rows.c: rows of the tensor from rows of the frame: lines of samples at output width, colour, padding, the type that is wanted. Called by
 * prep.c for chunks of rows, and by prep_tiles.c. */
#include "image/prep_inside.h"
#include "base/checked.h"
#include <string.h>

static void put_padding(const fvi_prep *p, float *out, ptrdiff_t cs, ptrdiff_t xs, int x0, int x1)
{
    size_t n = (size_t)(x1 - x0);
    if (x1 <= x0) return;
    if (xs == 1) {
        for (int c = 0; c < 3; c++) memcpy(out + c * cs + x0, p->pad[0] + c * (ptrdiff_t)p->key.dst_w, n * sizeof *out);
    } else if (xs == 3 && cs == 1) {
        memcpy(out + x0 * (ptrdiff_t)3, p->pad[1], 3 * n * sizeof *out);
    } else {
        for (int x = x0; x < x1; x++)
            for (int c = 0; c < 3; c++) out[x * xs + c * cs] = p->pad[1][c];
    }
}

/* `count` rows of a plane as bytes, *stride apart: where they lie, or unpacked into the thread's room. index: 0 luma or only plane,
 * 1 chroma. */
static const uint8_t *rows_at(const prep_job *j, uint8_t *room, int index, int plane, int first, int count, ptrdiff_t *stride)
{
    const prep_plane *pl = &j->p->plane[index];
    const fvi_pixel *px = j->p->pixel;
    int from = px->packed ? 0 : plane, bytes = px->plane[from].bytes, sub = px->plane[from].sub_x;
    ptrdiff_t x = index ? (ptrdiff_t)(j->part->x >> sub) * bytes : (ptrdiff_t)j->part->x * bytes >> sub; /* packed: luma may begin within a group */
    const uint8_t *src = j->src->plane[from] + (first + (index ? j->part->y >> px->chroma_y : j->part->y)) * j->src->stride[from] + x;
    *stride = j->src->stride[from];
    if (!pl->unpack) return src;
    ptrdiff_t apart = (ptrdiff_t)fvi_round_up((size_t)pl->comps * (size_t)pl->width, FVI_ALIGN);
    for (int i = 0; i < count; i++)
        if (px->narrow)
            j->p->k.narrow(room + i * apart, src + i * *stride, px->narrow, pl->comps * pl->width);
        else
            pl->unpack(room + i * apart, src + i * *stride, pl->width);
    *stride = apart;
    return room;
}

/* Lines of one plane by weights: rows summed, samples parted, columns summed. d: lines p->line apart. */
static void box_lines(const prep_job *j, float *d, float *scratch, uint8_t *room, int index, int src_plane, int i)
{
    const fvi_prep *p = j->p;
    const prep_plane *pl = &p->plane[index];
    size_t part = (p->sums - 3 * p->line) / 6;
    float *sums = scratch + 3 * p->line + 3 * part, *parted = pl->comps == 1 ? sums : scratch + 3 * p->line;
    ptrdiff_t stride;
    if (pl->row_taps) {
        const fvi_row_taps *t = &pl->row_taps[i];
        const uint8_t *rows = rows_at(j, room, index, src_plane, t->start, t->count, &stride);
        p->k.mix_rows(sums, rows, stride, pl->row_w + (size_t)i * pl->row_stride, t->count, pl->comps * pl->width);
    } else {
        const fvi_row_box *b = &pl->row_boxes[i];
        const uint8_t *rows = rows_at(j, room, index, src_plane, b->start, b->count, &stride);
        p->k.box_rows(sums, rows, stride, b->count, b->wf, b->wm, b->wl, pl->comps * pl->width);
    }
    if (p->round) {
        const float one = 1;
        uint8_t *bytes = (uint8_t *)(scratch + 3 * p->line);
        p->k.to_u8(bytes, sums, pl->comps * pl->width);
        p->k.mix_rows(sums, bytes, 0, &one, 1, pl->comps * pl->width);
    }
    if (pl->comps > 1) p->k.split(parted, (ptrdiff_t)part, sums, pl->comps, pl->width);
    for (int c = 0; c < pl->comps; c++) p->k.box_cols(d + (size_t)c * p->line, parted + (size_t)c * part, &pl->cols, p->n); /* what overshoots is cut when it is stored */
}

/* Lines of one plane by the bilinear filter. */
static void blend_lines(const prep_job *j, float *d, uint8_t *room, int index, int src_plane, int i)
{
    const fvi_prep *p = j->p;
    const prep_plane *pl = &p->plane[index];
    const fvi_row_blend *b = &pl->rows[i];
    ptrdiff_t stride;
    const uint8_t *r0 = rows_at(j, room, index, src_plane, b->r0, b->r1 - b->r0 + 1, &stride), *r1 = r0 + (b->r1 - b->r0) * stride;
    if (pl->comps == 3)
        p->k.rgb(d, (ptrdiff_t)p->line, r0, r1, &pl->taps, b->b0, b->b1, p->n);
    else if (pl->comps == 2)
        p->k.pairs(d, (ptrdiff_t)p->line, r0, r1, &pl->taps, b->b0, b->b1, p->n);
    else if (p->pixel->yuv)
        p->k.plane(d, r0, r1, &pl->taps, b->b0, b->b1, p->n);
    else
        p->k.gray(d, r0, r1, &pl->taps, b->b0, b->b1, p->n);
}

/* Picture row i -> three lines (gray: one). */
static void make_lines(const prep_job *j, float *lines, uint8_t *room, int i)
{
    const fvi_prep *p = j->p;
    bool planes = p->pixel->kind == FVI_PIXELS_PLANES;
    int parts = planes ? 3 : p->pixel->kind == FVI_PIXELS_PAIRS ? 2 : 1;
    for (int k = 0; k < parts; k++) {
        float *d = lines + (size_t)k * p->line;
        int index = k > 0 && p->pixel->yuv;
        if (p->spec.filter != FVI_FILTER_BILINEAR)
            box_lines(j, d, lines, room, index, k, i);
        else
            blend_lines(j, d, room, index, k, i);
    }
}

/* Columns first, rounded to bytes, then rows, as Pillow mostly does. Rows of the frame at output width are kept from row to row; the
 * ring begins with which. */
typedef struct ring_head {
    uint64_t run;
    int first, end; /* rows of the frame in it, from its beginning */
} ring_head;

static void ring_row(const prep_job *j, float *scratch, uint8_t *room, uint8_t *out, int row)
{
    const fvi_prep *p = j->p;
    const prep_plane *pl = &p->plane[0];
    const size_t part = (p->sums - 3 * p->line) / 6;
    const float one = 1;
    float *sums = scratch + 3 * p->line + 3 * part, *parted = pl->comps == 1 ? sums : scratch + 3 * p->line;
    ptrdiff_t stride;
    p->k.mix_rows(sums, rows_at(j, room, 0, 0, row, 1, &stride), 0, &one, 1, pl->comps * pl->width);
    if (pl->comps > 1) p->k.split(parted, (ptrdiff_t)part, sums, pl->comps, pl->width);
    for (int c = 0; c < pl->comps; c++) {
        p->k.box_cols(scratch, parted + (size_t)c * part, &pl->cols, p->n);
        p->k.to_u8(out + (size_t)c * p->line, scratch, p->n);
    }
}

static void ring_lines(const prep_job *j, float *lines, uint8_t *room, uint8_t *ring, int i)
{
    const fvi_prep *p = j->p;
    const prep_plane *pl = &p->plane[0];
    const fvi_row_taps *t = &pl->row_taps[i];
    const size_t pitch = (size_t)pl->comps * p->line;
    ring_head *h = (ring_head *)(void *)ring;
    uint8_t *rows = ring + FVI_PREP_RING_HEAD;
    if (h->run != p->run || t->start < h->first || t->start > h->end) *h = (ring_head){p->run, t->start, t->start};
    if (t->start + t->count > h->first + p->ring_rows) { /* what is still needed moves to the beginning */
        memmove(rows, rows + (size_t)(t->start - h->first) * pitch, (size_t)(h->end - t->start) * pitch);
        h->first = t->start;
    }
    for (; h->end < t->start + t->count; h->end++) ring_row(j, lines, room, rows + (size_t)(h->end - h->first) * pitch, h->end);
    p->k.mix_rows(lines, rows + (size_t)(t->start - h->first) * pitch, (ptrdiff_t)pitch, pl->row_w + (size_t)i * pl->row_stride, t->count, (int)pitch);
}

/* What a thread has for the rows it makes. */
typedef struct lane {
    float *lines;
    uint8_t *room, *ring;
    fvi_prep_420 same;
    int at_x, at_y; /* of the frame at (0, 0) of the tensor, when the picture keeps its size */
} lane;

static void put_lines(const prep_job *j, float *o, ptrdiff_t cs, ptrdiff_t xs, float *lines)
{
    const fvi_prep *p = j->p;
    const fvi_pixel *px = p->pixel;
    const float *l[3] = {lines, lines + p->line, lines + 2 * p->line};
    if (px->yuv) {
        p->k.put_yuv(o, cs, xs, l[0], l[px->swap ? 2 : 1], l[px->swap ? 1 : 2], &p->color, p->n);
    } else if (px->kind == FVI_PIXELS_GRAY) {
        p->k.put_rgb(o, cs, xs, l[0], l[0], l[0], &p->color, p->n);
    } else if (px->kind == FVI_PIXELS_PLANES) { /* G, B, R */
        p->k.put_rgb(o, cs, xs, l[p->spec.bgr ? 1 : 2], l[0], l[p->spec.bgr ? 2 : 1], &p->color, p->n);
    } else {
        bool swap = px->swap != p->spec.bgr;
        p->k.put_rgb(o, cs, xs, l[swap ? 2 : 0], l[1], l[swap ? 0 : 2], &p->color, p->n);
    }
}

/* Row y of the tensor; out: where it begins, channels and pixels `cs` and `xs` apart. */
static void put_row(const prep_job *j, lane *w, float *out, ptrdiff_t cs, ptrdiff_t xs, int y)
{
    const fvi_prep *p = j->p;
    float *o = out + p->x0 * xs;
    if (y < p->y0 || y >= p->y0 + p->rows) {
        put_padding(p, out, cs, xs, 0, p->key.dst_w);
        return;
    }
    put_padding(p, out, cs, xs, 0, p->x0);
    put_padding(p, out, cs, xs, p->x0 + p->n, p->key.dst_w);
    if (p->same) {
        fvi_prep_420_row(&w->same, w->at_y + y);
        fvi_prep_420_put(&w->same, o, cs, xs, w->at_x, p->n);
        return;
    }
    if (p->ring)
        ring_lines(j, w->lines, w->room, w->ring, y - p->y0);
    else
        make_lines(j, w->lines, w->room, y - p->y0);
    put_lines(j, o, cs, xs, w->lines);
}

/* The same in a type that is not float32: the row is made beside, and turned. */
static void put_low_row(const prep_job *j, lane *w, char *out, int y)
{
    const fvi_prep *p = j->p;
    const bool planar = j->xs == 1;
    const size_t size = fvi_prep_bytes_of(p->key.dtype);
    const int width = p->key.dst_w, n = planar ? width : 3 * width;
    float *row = w->lines + p->sums;
    put_row(j, w, row, planar ? width : 1, planar ? 1 : 3, y);
    for (int c = 0; c < (planar ? 3 : 1); c++) {
        void *d = out + (ptrdiff_t)size * c * j->cs;
        const float *from = row + c * (ptrdiff_t)width;
        if (p->key.dtype == FV_U8)
            p->k.to_u8(d, from, n);
        else if (p->key.dtype == FV_F16)
            p->k.to_half(d, from, n);
        else
            p->low.narrow(d, from, (size_t)n);
    }
}

void fvi_prep_rows(const prep_job *j, int thread, int y0, int y1)
{
    const fvi_prep *p = j->p;
    lane w = {.lines = p->scratch + (size_t)thread * p->scratch_floats, .room = p->room ? p->room + (size_t)thread * p->room_bytes : NULL,
              .ring = p->ring ? p->ring + (size_t)thread * p->ring_bytes : NULL};
    w.at_x = j->part->x + p->x0 - p->map.left;
    w.at_y = j->part->y - p->map.top;
    if (p->same) fvi_prep_420_begin(&w.same, p, j->src, w.room, w.at_x, p->n);
    const ptrdiff_t row = j->ys * (ptrdiff_t)fvi_prep_bytes_of(p->key.dtype);
    for (int y = y0; y < y1; y++) {
        if (p->row)
            put_low_row(j, &w, j->out + y * row, y);
        else
            put_row(j, &w, (float *)(void *)(j->out + y * row), j->cs, j->xs, y);
    }
}
