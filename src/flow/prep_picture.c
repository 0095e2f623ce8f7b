/* prep_picture.c: one picture -> its place in a batch tensor: bytes opened, decoded by a strategy, resized and normalised by prep in src/image.
 * Called by prep_batch.c for each picture, and by prep_strategy.c to time strategies. */
#include "base/clock.h"
#include "base/error.h"
#include "flow/prep.h"
#include <string.h>

#define MAX_FILE_BYTES ((size_t)1 << 30)

fv_status fvi_flow_picture_open(const fv_prep *p, fvi_flow_picture *pic, const fv_prep_input *in, fv_error *err)
{
    *pic = (fvi_flow_picture){.in = in, .name = in->path ? in->path : "picture", .data = in->data, .size = in->size, .info = {.size = sizeof pic->info}};
    if (!in->data && !in->path) return fvi_error_set(err, FV_ERR_ARGUMENT, "prep: an input has neither a frame nor data nor a path");
    if (!in->data) {
        FVI_TRY(fvi_map_open(&pic->map, in->path, MAX_FILE_BYTES, err));
        pic->data = pic->map.data;
        pic->size = pic->map.size;
    }
    if (!pic->size) return fvi_error_set(err, FV_ERR_INPUT, "%s: is empty", pic->name);
    return p->media->picture_probe(&pic->info, pic->data, pic->size, pic->name, err);
}

void fvi_flow_picture_close(fvi_flow_picture *pic)
{
    fvi_map_close(&pic->map);
    *pic = (fvi_flow_picture){0};
}

fv_status fvi_flow_first_frame(const fv_prep *p, const char *path, fv_frame *f, fv_error *err)
{
    fv_source *s;
    FVI_TRY(p->media->source_open(&s, path, FV_SOURCE_OPTIONS(.threads = 1), err));
    fv_status st = FV_OK;
    if ((int64_t)s->info.width * s->info.height > p->o.max_pixels)
        st = fvi_error_set(err, FV_ERR_LIMIT, "%s: %dx%d pixels are more than is read (%.6g million)", path, s->info.width, s->info.height,
                           (double)p->o.max_pixels * 1e-6);
    else
        st = s->read(s, f, err);
    if (st == FV_END || st == FV_PARTIAL) st = fvi_error_set(err, FV_ERR_INPUT, "%s: there is no picture in it", path);
    s->close(s);
    return st;
}

/* The least that leaves something to filter: a picture decoded exactly at the size that is wanted has the aliases of its own filter. */
int fvi_flow_prep_eighths(const fv_prep *p, int width, int height, int out_w, int out_h)
{
    fvi_prep_map m;
    if (p->o.no_antialias) return 8; /* single pixels are wanted, not means */
    fvi_prep_geometry(&m, &p->spec, width, height, out_w, out_h);
    for (int e = 1; e < 8; e *= 2)
        if ((int64_t)width * e >= (int64_t)m.new_w * 8 && (int64_t)height * e >= (int64_t)m.new_h * 8) return e;
    return 8;
}

static fv_status prepare(const fv_prep *p, fvi_flow_prep_worker *w, const fv_frame *f, const fvi_prep_part *part, const fvi_tensor *out, int i, fvi_pool *pool,
                         fv_prep_result *r, fv_error *err)
{
    fvi_prep_map map;
    int64_t t0 = fvi_now_ns();
    if (p->o.fit == FV_PREP_MULTIPLE) {
        int out_w, out_h;
        FVI_TRY(fv_prep_size(p, r->width, r->height, &out_w, &out_h, err));
        if (out_w != out->dim[3] || out_h != out->dim[2])
            return fvi_error_set(err, FV_ERR_SHAPE, "a picture of %dx%d comes out as %dx%d, and the tensor is %dx%d", r->width, r->height, out_w, out_h,
                                 (int)out->dim[3], (int)out->dim[2]);
    }
    FVI_TRY(fvi_prep_set_run(w->set, f, part, out, i, pool, &map, err));
    r->resize_ns = fvi_now_ns() - t0;
    r->sx = map.sx, r->sy = map.sy, r->dx = map.dx, r->dy = map.dy;
    return FV_OK;
}

fv_status fvi_flow_frame_run(const fv_prep *p, fvi_flow_prep_worker *w, const fv_frame *f, const fvi_tensor *out, int i, fvi_pool *pool, fv_prep_result *r,
                             fv_error *err)
{
    r->strategy = "cpu";
    r->width = f->width;
    r->height = f->height;
    r->eighths = 8;
    return prepare(p, w, f, NULL, out, i, pool, r, err);
}

/* Where a picture of `full` pixels lies in one decoded at `eighths`: its last pixel need not be whole, and mirrored it begins with that. */
static void place(double *from, double *real, int full, int eighths, int have, bool mirrored)
{
    *real = full * (double)eighths / 8;
    *from = mirrored ? have - *real : 0;
}

fv_status fvi_flow_picture_run(const fv_prep *p, fvi_flow_prep_worker *w, const fvi_flow_picture *pic, const fvi_flow_strategy *s, const fvi_tensor *out, int i,
                               fvi_pool *pool, fv_prep_result *r, fv_error *err)
{
    const fv_picture_info *info = &pic->info;
    fv_picture_options o = {.size = sizeof o, .max_pixels = p->o.max_pixels, .eighths = 8};
    if (s->planes && info->eighths) o.planes = 1;
    if (s->shrinks && info->eighths) o.eighths = fvi_flow_prep_eighths(p, info->width, info->height, (int)out->dim[3], (int)out->dim[2]);
    fv_frame f = {0};
    int64_t t0 = fvi_now_ns();
    FVI_TRY(p->media->picture_reader_read(w->reader, &f, pic->data, pic->size, &o, pic->name, err));
    r->decode_ns = fvi_now_ns() - t0;
    r->strategy = info->eighths ? s->name : "cpu";
    r->eighths = o.eighths;
    r->profile = info->profile;
    r->width = info->width ? info->width : f.width;
    r->height = info->width ? info->height : f.height;
    fvi_prep_part part = {.width = f.width, .height = f.height};
    if (o.eighths < 8) {
        static const bool mirror_x[] = {0, 0, 1, 1, 0, 0, 1, 1, 0}, mirror_y[] = {0, 0, 0, 1, 1, 0, 0, 1, 1}; /* upright pictures, by EXIF's number */
        const int turn = info->orientation >= 1 && info->orientation <= 8 ? info->orientation : 1;
        part.full_w = info->width;
        part.full_h = info->height;
        place(&part.from_x, &part.real_w, info->width, o.eighths, f.width, mirror_x[turn]);
        place(&part.from_y, &part.real_h, info->height, o.eighths, f.height, mirror_y[turn]);
    }
    fv_status st = prepare(p, w, &f, &part, out, i, pool, r, err);
    fv_frame_release(&f);
    return st;
}
