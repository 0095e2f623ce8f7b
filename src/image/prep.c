/* prep.c: frame -> normalised network input in one pass over the output rows: each row blends the source rows it needs
 * at plane resolution, picks columns, converts colour and stores. The "prep" step; called by the detector. */
#include "image/prep_inside.h"
#include "base/checked.h"
#include "base/error.h"
#include <math.h>
#include <string.h>

#define SIDE_MAX 32768
#define ROWS_PER_CHUNK 16
#define LINE_PAD 16 /* floats */

fv_status fvi_prep_create(fvi_prep **out, const fvi_prep_spec *spec, fvi_cpu_flags cpu, fv_error *err)
{
    *out = NULL;
    bool finite = isfinite(spec->pad_value);
    for (int c = 0; c < 3; c++) finite = finite && isfinite(spec->mean[c]) && isfinite(spec->scale[c]);
    if (!finite) return fvi_error_set(err, FV_ERR_ARGUMENT, "mean, scale and padding value must be finite numbers");
    fvi_prep *p = fvi_calloc(1, sizeof *p);
    if (!p) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory for picture preparation");
    p->spec = *spec;
    fvi_prep_kern_init(&p->k, cpu);
    fvi_bf16_kern_init(&p->low, cpu);
    *out = p;
    return FV_OK;
}

static void drop_tables(fvi_prep *p)
{
    p->ready = false;
    fvi_arena_free(&p->tables);
    FVI_FREE(p->scratch);
    FVI_FREE(p->room);
    FVI_FREE(p->ring);
}

void fvi_prep_free(fvi_prep **pp)
{
    if (!pp || !*pp) return;
    drop_tables(*pp);
    FVI_FREE(*pp);
}

static void fill_color(fvi_prep *p, const prep_key *key)
{
    static const double kr_kb[][2] = {{0.299, 0.114}, {0.2126, 0.0722}, {0.2627, 0.0593}};
    fvi_prep_color *c = &p->color;
    const fvi_prep_spec *s = &p->spec;
    for (int i = 0; i < 3; i++) {
        c->scale[i] = s->scale[i];
        c->bias[i] = -s->mean[i] * s->scale[i];
    }
    c->bgr = s->bgr;
    if (!p->pixel->yuv) return;
    double kr = kr_kb[key->matrix][0], kb = kr_kb[key->matrix][1], kg = 1.0 - kr - kb;
    bool limited = key->range == FV_RANGE_LIMITED;
    double y = limited ? 255.0 / 219.0 : 1.0, ch = limited ? 255.0 / 224.0 : 1.0, black = limited ? 16.0 : 0.0;
    double rv = 2.0 * (1.0 - kr) * ch, bu = 2.0 * (1.0 - kb) * ch;
    double gu = -bu * kb / kg, gv = -rv * kr / kg;
    double unit = s->filter == FVI_FILTER_BILINEAR ? FVI_PREP_FINE : 1.0;
    c->yy = (float)(y / unit);
    c->rv = (float)(rv / unit);
    c->gu = (float)(gu / unit);
    c->gv = (float)(gv / unit);
    c->bu = (float)(bu / unit);
    c->kr = (float)(-y * black - rv * 128.0);
    c->kg = (float)(-y * black - (gu + gv) * 128.0);
    c->kb = (float)(-y * black - bu * 128.0);
}

/* Source axes of a plane: index 0 luma or only plane, 1 chroma. */
static void axes(const fvi_prep *p, const prep_key *key, int index, fvi_axis *x, fvi_axis *y)
{
    double sx = 1.0 / (p->map.new_w / key->real_w), sy = 1.0 / (p->map.new_h / key->real_h);
    *x = (fvi_axis){key->src_w, p->x0 - p->map.left, p->n, sx, 1.0, key->from_x};
    *y = (fvi_axis){key->src_h, p->y0 - p->map.top, p->rows, sy, 1.0, key->from_y};
    if (index == 0) return;
    int cx = p->pixel->chroma_x, cy = p->pixel->chroma_y;
    x->size = (key->odd_x + key->src_w + cx) >> cx;
    y->size = (key->odd_y + key->src_h + cy) >> cy;
    x->sub = cx ? 0.5 : 1.0;
    y->sub = cy ? 0.5 : 1.0;
    x->shift = (key->from_x + key->odd_x) * x->sub;
    y->shift = (key->from_y + key->odd_y) * y->sub;
    if (cx && key->chroma == FV_CHROMA_LEFT) x->shift += 0.25; /* a chroma sample sits on every other luma sample */
}

/* Columns as rows of weights that the box kernel sums, rows as weights that are summed while the rows are read. */
static bool build_smooth(fvi_prep *p, prep_plane *pl, const fvi_axis *ax, const fvi_axis *ay)
{
    const fvi_filter f = p->spec.filter;
    const fvi_axis_kind kind = f == FVI_FILTER_SMOOTH ? FVI_AXIS_TRIANGLE : f == FVI_FILTER_CUBIC ? FVI_AXIS_CUBIC : FVI_AXIS_SHARP;
    int blocks = (fvi_axis_reach(ax, kind) + 7) / 8;
    size_t n = (size_t)p->n, rows = (size_t)p->rows, stride = 8 * (size_t)blocks, weights, row_weights;
    pl->row_stride = (size_t)fvi_axis_reach(ay, kind);
    if (!fvi_mul_size(n, stride, &weights) || !fvi_mul_size(rows, pl->row_stride, &row_weights)) return false;
    fvi_row_taps *col = fvi_arena_array(p->tables, n, sizeof *col);
    int32_t *start = fvi_arena_array(p->tables, n, sizeof *start);
    float *w = fvi_arena_array(p->tables, weights, sizeof *w);
    pl->row_taps = fvi_arena_array(p->tables, rows, sizeof *pl->row_taps);
    pl->row_w = fvi_arena_array(p->tables, row_weights, sizeof *pl->row_w);
    if (!col || !start || !w || !pl->row_taps || !pl->row_w) return false;
    fvi_axis_filter(ax, kind, col, w, stride);
    fvi_axis_filter(ay, kind, pl->row_taps, pl->row_w, pl->row_stride);
    for (size_t i = 0; i < n; i++) start[i] = col[i].start;
    pl->cols = (fvi_prep_box){start, w, blocks};
    return true;
}

static bool build_plane(fvi_prep *p, const prep_key *key, int index)
{
    prep_plane *pl = &p->plane[index];
    fvi_axis ax, ay;
    axes(p, key, index, &ax, &ay);
    const fvi_pixel *px = p->pixel;
    bool cv = !px->yuv;
    size_t n = (size_t)p->n, rows = (size_t)p->rows;
    *pl = (prep_plane){.width = ax.size, .comps = 1, .unpack = index ? px->chroma : px->luma};
    if (px->kind == FVI_PIXELS_RGB) pl->comps = 3;
    if (px->kind == FVI_PIXELS_PAIRS && index == 1) pl->comps = 2;
    if (p->spec.filter == FVI_FILTER_BILINEAR) {
        int32_t *mem = fvi_arena_array(p->tables, FVI_AXIS_TABLES * n, sizeof *mem);
        pl->rows = fvi_arena_array(p->tables, rows, sizeof *pl->rows);
        if (!mem || !pl->rows) return false;
        fvi_axis_columns(&ax, cv ? 2048 : 16384, cv, pl->comps, mem, &pl->taps);
        fvi_axis_rows(&ay, cv ? 2048 : 16384, cv, pl->rows);
        return true;
    }
    if (p->spec.filter != FVI_FILTER_AREA) return build_smooth(p, pl, &ax, &ay);
    fvi_row_box *col = fvi_arena_array(p->tables, n, sizeof *col);
    pl->row_boxes = fvi_arena_array(p->tables, rows, sizeof *pl->row_boxes);
    if (!col || !pl->row_boxes) return false;
    fvi_axis_boxes(&ax, col);
    fvi_axis_boxes(&ay, pl->row_boxes);
    int blocks = fvi_box_blocks(col, p->n);
    int32_t *start = fvi_arena_array(p->tables, n, sizeof *start);
    float *w = fvi_arena_array(p->tables, n * 8 * (size_t)blocks, sizeof *w);
    if (!start || !w) return false;
    fvi_box_expand(col, p->n, blocks, start, w);
    pl->cols = (fvi_prep_box){start, w, blocks};
    return true;
}

/* Scratch of a thread: output lines [3][line], then for boxes one interleaved row and the same row split. */
static bool build_scratch(fvi_prep *p, const prep_key *key)
{
    p->line = fvi_round_up((size_t)p->n + LINE_PAD, 16);
    size_t floats = 3 * p->line;
    if (p->spec.filter != FVI_FILTER_BILINEAR) {
        size_t most = 0;
        for (int i = 0; i < 2; i++) {
            const prep_plane *pl = &p->plane[i];
            size_t need = (size_t)pl->width + 8 * (size_t)pl->cols.blocks + LINE_PAD;
            if (pl->comps && need > most) most = need;
        }
        floats += 6 * fvi_round_up(most, 16);
    }
    size_t all;
    p->sums = floats;
    p->row = key->dtype == FV_F32 ? 0 : fvi_round_up(3 * (size_t)key->dst_w, 16);
    p->scratch_floats = floats + p->row;
    if (!fvi_mul_size(p->scratch_floats, (size_t)key->threads, &all)) return false;
    p->scratch = fvi_calloc(all, sizeof *p->scratch); /* cleared: box taps read zeros past a line's end */
    return p->scratch != NULL;
}

/* Room of a thread for the rows that one output row needs of one plane. */
static bool build_room(fvi_prep *p, const prep_key *key)
{
    size_t most = p->same && p->pixel->luma ? fvi_prep_420_room(key->src_w) : 0, all;
    for (int i = 0; i < 2; i++) {
        const prep_plane *pl = &p->plane[i];
        size_t rows = 2;
        if (!pl->comps || !pl->unpack) continue;
        for (int y = 0; (pl->row_boxes || pl->row_taps) && y < p->rows; y++) {
            int count = pl->row_taps ? pl->row_taps[y].count : pl->row_boxes[y].count;
            if ((size_t)count > rows) rows = (size_t)count;
        }
        size_t need = rows * fvi_round_up((size_t)pl->comps * (size_t)pl->width, FVI_ALIGN) + FV_FRAME_PAD;
        if (need > most) most = need;
    }
    p->room_bytes = fvi_round_up(most, FVI_ALIGN);
    if (!most) return true;
    if (!fvi_mul_size(p->room_bytes, (size_t)key->threads, &all)) return false;
    p->room = fvi_calloc(all, 1);
    return p->room != NULL;
}

/* Smooth and cubic filters of samples that are not YUV go through bytes between columns and rows, in the order that Pillow takes (observed of version
 * 13): rows first where the height shrinks by more than twice what the width does, else columns. Pictures for which columns first would need absurd
 * room do without. */
static bool build_ring(fvi_prep *p, const prep_key *key)
{
    const prep_plane *pl = &p->plane[0];
    const size_t most = (size_t)64 << 20;
    p->round = false;
    if (!pl->row_taps || p->spec.filter == FVI_FILTER_SHARP || (p->pixel->kind != FVI_PIXELS_RGB && p->pixel->kind != FVI_PIXELS_GRAY)) return true;
    size_t pitch = (size_t)pl->comps * p->line, rows = 2 * pl->row_stride, all;
    if (rows > (size_t)key->src_h) rows = (size_t)key->src_h;
    const bool rows_first = p->map.new_h < key->full_h && 2 * (key->full_w - p->map.new_w) < key->full_h - p->map.new_h;
    p->round = rows_first || !fvi_mul_size(rows, pitch, &p->ring_bytes) || p->ring_bytes > most;
    if (p->round) return true;
    p->ring_bytes = fvi_round_up(p->ring_bytes + FVI_PREP_RING_HEAD, FVI_ALIGN);
    p->ring_rows = (int)rows;
    if (!fvi_mul_size(p->ring_bytes, (size_t)key->threads, &all)) return false;
    p->ring = fvi_calloc(all, 1);
    return p->ring != NULL;
}

static bool build_padding(fvi_prep *p, int dst_w)
{
    for (int i = 0; i < 2; i++) {
        p->pad[i] = fvi_arena_array(p->tables, 3 * (size_t)dst_w, sizeof(float));
        if (!p->pad[i]) return false;
    }
    for (int c = 0; c < 3; c++) {
        float v = p->spec.pad_value * p->color.scale[c] + p->color.bias[c];
        for (int x = 0; x < dst_w; x++) p->pad[0][c * (ptrdiff_t)dst_w + x] = p->pad[1][x * (ptrdiff_t)3 + c] = v;
    }
    return true;
}

static bool build(fvi_prep *p, const prep_key *key)
{
    drop_tables(p);
    p->pixel = fvi_pixel_of(key->format);
    fvi_prep_geometry(&p->map, &p->spec, key->full_w, key->full_h, key->dst_w, key->dst_h);
    int64_t right = fvi_min_i64(key->dst_w, (int64_t)p->map.left + p->map.new_w);
    int64_t bottom = fvi_min_i64(key->dst_h, (int64_t)p->map.top + p->map.new_h);
    p->x0 = p->map.left > 0 ? p->map.left : 0;
    p->y0 = p->map.top > 0 ? p->map.top : 0;
    p->n = (int)(right - p->x0);
    p->rows = (int)(bottom - p->y0);
    p->tables = fvi_arena_create(0);
    if (!p->tables) return false;
    fill_color(p, key);
    memset(p->plane, 0, sizeof p->plane);
    p->same = fvi_prep_420_can(&p->spec, p->pixel) && key->full_w == key->src_w && key->full_h == key->src_h && p->map.new_w == key->src_w && p->map.new_h == key->src_h;
    if (!p->same && !build_plane(p, key, 0)) return false;
    if (!p->same && p->pixel->yuv && !build_plane(p, key, 1)) return false;
    if (!build_scratch(p, key) || !build_room(p, key) || !build_ring(p, key) || !build_padding(p, key->dst_w)) return false;
    p->key = *key;
    p->ready = true;
    return true;
}

static fv_status check_frame(const fv_frame *f, fv_error *err)
{
    const fvi_pixel *p = fvi_pixel_of(f->format);
    if (!p || (unsigned)f->matrix > FV_COLOR_BT2020)
        return fvi_error_set(err, FV_ERR_ARGUMENT, "frame has an unknown pixel format or colour matrix");
    if (f->width < 1 || f->height < 1 || f->width > SIDE_MAX || f->height > SIDE_MAX)
        return fvi_error_set(err, FV_ERR_ARGUMENT, "frame of %dx%d pixels: sides must be 1 to %d", f->width, f->height, SIDE_MAX);
    for (int i = 0; i < p->planes; i++) {
        size_t row, rows;
        fvi_pixel_plane(p, i, f->width, f->height, &row, &rows);
        if (!f->plane[i] || f->stride[i] < (ptrdiff_t)row)
            return fvi_error_set(err, FV_ERR_ARGUMENT, "plane %d of a %s frame is missing or its stride %td is below %zu bytes",
                                 i, p->name, f->stride[i], row);
    }
    return FV_OK;
}

static fv_status check_tensor(const fvi_tensor *t, int n, fv_error *err)
{
    bool known = t->dtype == FV_F32 || t->dtype == FV_F16 || t->dtype == FV_BF16 || t->dtype == FV_U8;
    if (!known || t->rank != 4 || t->dim[1] != 3 || !t->data)
        return fvi_error_set(err, FV_ERR_SHAPE, "pictures go into a tensor [N,3,H,W] of float32, float16, bfloat16 or uint8");
    if (t->dtype != FV_F32 && t->stride[3] != 1 && (t->stride[1] != 1 || t->stride[3] != 3))
        return fvi_error_set(err, FV_ERR_SHAPE, "only float32 tensors may have rows that are neither planar nor whole pixels");
    if (n < 0 || n >= t->dim[0]) return fvi_error_set(err, FV_ERR_ARGUMENT, "picture %d is outside the batch", n);
    if (t->dim[2] < 1 || t->dim[3] < 1 || t->dim[2] > SIDE_MAX || t->dim[3] > SIDE_MAX)
        return fvi_error_set(err, FV_ERR_SHAPE, "network input height and width must be 1 to %d", SIDE_MAX);
    return FV_OK;
}

static void run_chunk(void *arg, int chunk, int thread)
{
    const prep_job *j = arg;
    int y0 = chunk * ROWS_PER_CHUNK, end = j->p->key.dst_h;
    fvi_prep_rows(j, thread, y0, end - y0 < ROWS_PER_CHUNK ? end : y0 + ROWS_PER_CHUNK);
}

static bool same_key(const prep_key *a, const prep_key *b)
{
    return a->format == b->format && a->src_w == b->src_w && a->src_h == b->src_h && a->full_w == b->full_w && a->full_h == b->full_h && a->dst_w == b->dst_w &&
           a->dst_h == b->dst_h && a->threads == b->threads && a->from_x == b->from_x && a->from_y == b->from_y && a->real_w == b->real_w && a->real_h == b->real_h &&
           a->dtype == b->dtype && a->odd_x == b->odd_x && a->odd_y == b->odd_y && a->matrix == b->matrix && a->range == b->range && a->chroma == b->chroma;
}

fv_status fvi_prep_begin(fvi_prep *p, const fv_frame *src, const fvi_prep_part *part, const fvi_tensor *dst, int n, fvi_pool *pool, prep_job *job, fv_error *err)
{
    FVI_TRY(check_frame(src, err));
    FVI_TRY(check_tensor(dst, n, err));
    if (part->x < 0 || part->y < 0 || part->width < 1 || part->height < 1 || part->width > src->width - part->x || part->height > src->height - part->y)
        return fvi_error_set(err, FV_ERR_ARGUMENT, "a part of %dx%d at %d,%d is not inside a frame of %dx%d", part->width, part->height, part->x, part->y, src->width,
                             src->height);
    const fvi_pixel *px = fvi_pixel_of(src->format);
    prep_key key = {.format = src->format, .src_w = part->width, .src_h = part->height, .full_w = part->full_w ? part->full_w : part->width,
                    .full_h = part->full_h ? part->full_h : part->height, .dst_w = (int)dst->dim[3], .dst_h = (int)dst->dim[2], .threads = fvi_pool_threads(pool),
                    .from_x = part->from_x, .from_y = part->from_y, .real_w = part->real_w > 0 ? part->real_w : part->width,
                    .real_h = part->real_h > 0 ? part->real_h : part->height, .dtype = dst->dtype, .odd_x = part->x & px->chroma_x, .odd_y = part->y & px->chroma_y,
                    .matrix = src->matrix, .range = src->range, .chroma = src->chroma};
    if (!(p->ready && same_key(&p->key, &key)) && !build(p, &key)) {
        drop_tables(p);
        return fvi_error_set(err, FV_ERR_MEMORY, "out of memory for preparing %dx%d pictures", part->width, part->height);
    }
    p->run++;
    *job = (prep_job){p, src, part, dst->data + n * dst->stride[0] * (ptrdiff_t)fvi_prep_bytes_of(dst->dtype), dst->stride[1], dst->stride[2], dst->stride[3]};
    return FV_OK;
}

fv_status fvi_prep_run_part(fvi_prep *p, const fv_frame *src, const fvi_prep_part *part, const fvi_tensor *dst, int n, fvi_pool *pool, fvi_prep_map *map,
                            fv_error *err)
{
    prep_job job;
    FVI_TRY(fvi_prep_begin(p, src, part, dst, n, pool, &job, err));
    fvi_pool_run(pool, run_chunk, &job, (p->key.dst_h + ROWS_PER_CHUNK - 1) / ROWS_PER_CHUNK);
    if (map) *map = p->map;
    return FV_OK;
}

fv_status fvi_prep_run(fvi_prep *p, const fv_frame *src, const fvi_tensor *dst, int n, fvi_pool *pool, fvi_prep_map *map, fv_error *err)
{
    return fvi_prep_run_part(p, src, &(fvi_prep_part){.width = src->width, .height = src->height}, dst, n, pool, map, err);
}
