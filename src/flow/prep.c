/* prep.c: fv_prep: options -> what prep in src/image wants, and the shapes that come out. Pictures are worked on by prep_batch.c. */
#include "flow/prep.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/options.h"
#include <math.h>
#include <string.h>

#define SIDE_MAX 16384
#define MAX_PIXELS 200000000

static fv_status check_options(const fv_prep_options *o, fv_error *err)
{
    if (o->width < 1 || o->height < 1 || o->width > SIDE_MAX || o->height > SIDE_MAX)
        return fvi_error_set(err, FV_ERR_ARGUMENT, "prep: the tensor's size must be 1 to %d a side, not %dx%d", SIDE_MAX, o->width, o->height);
    if ((unsigned)o->fit > FV_PREP_MULTIPLE || (unsigned)o->filter > FV_PREP_AREA) return fvi_error_set(err, FV_ERR_ARGUMENT, "prep: unknown fit or filter");
    if (o->filter == FV_PREP_AREA && o->no_antialias)
        return fvi_error_set(err, FV_ERR_ARGUMENT, "prep: the area filter takes the mean of all that a pixel covers; it has no form without antialiasing");
    if (o->dtype != FV_NONE && o->dtype != FV_F32 && o->dtype != FV_F16 && o->dtype != FV_BF16 && o->dtype != FV_U8)
        return fvi_error_set(err, FV_ERR_ARGUMENT, "prep: tensors are float32, float16, bfloat16 or uint8, not %s", fv_dtype_name(o->dtype));
    if (!o->mean != !o->std) return fvi_error_set(err, FV_ERR_ARGUMENT, "prep: mean and std go together");
    if (o->dtype == FV_U8 && o->mean) return fvi_error_set(err, FV_ERR_ARGUMENT, "prep: uint8 tensors are not normalised; mean and std have no effect");
    if (o->multiple < 0 || o->multiple > 1024) return fvi_error_set(err, FV_ERR_ARGUMENT, "prep: sides must be multiples of 1 to 1024, not %d", o->multiple);
    if (o->fit == FV_PREP_MULTIPLE && o->inside && (o->width < o->multiple || o->height < o->multiple))
        return fvi_error_set(err, FV_ERR_ARGUMENT, "prep: %dx%d has no room for sides that are multiples of %d", o->width, o->height, o->multiple);
    for (int c = 0; c < 3 && o->std; c++)
        if (!isfinite(o->mean[c]) || !isfinite(o->std[c]) || !(o->std[c] > 0))
            return fvi_error_set(err, FV_ERR_ARGUMENT, "prep: mean must be finite and std above 0");
    if (!isfinite(o->pad) || o->pad > 255) return fvi_error_set(err, FV_ERR_ARGUMENT, "prep: the padding value must be at most 255");
    if (o->max_pixels < 0 || o->max_memory < 0) return fvi_error_set(err, FV_ERR_ARGUMENT, "prep: limits must not be negative");
    return FV_OK;
}

static void fill_spec(fvi_prep_spec *s, const fv_prep_options *o)
{
    static const float imagenet_mean[] = {0.485f, 0.456f, 0.406f}, imagenet_std[] = {0.229f, 0.224f, 0.225f};
    static const fvi_filter filters[2][3] = {{FVI_FILTER_CUBIC, FVI_FILTER_SMOOTH, FVI_FILTER_AREA}, {FVI_FILTER_SHARP, FVI_FILTER_BILINEAR, FVI_FILTER_AREA}};
    const float *mean = o->mean ? o->mean : imagenet_mean, *std = o->std ? o->std : imagenet_std;
    *s = (fvi_prep_spec){.bgr = o->bgr != 0, .filter = filters[o->no_antialias != 0][o->filter]};
    s->fit = o->fit == FV_PREP_LETTERBOX ? FVI_FIT_LETTERBOX : o->fit == FV_PREP_CROP ? FVI_FIT_CROP : FVI_FIT_STRETCH;
    s->pad_value = o->pad < 0 ? 0 : o->pad > 0 ? o->pad : 114;
    for (int c = 0; c < 3; c++) {
        const int from = o->bgr ? 2 - c : c;
        s->mean[c] = o->dtype == FV_U8 ? 0 : mean[from] * 255;
        s->scale[c] = o->dtype == FV_U8 ? 1 : (float)(1 / (255.0 * (double)std[from]));
    }
}

fv_status fv_prep_create(fv_prep **out, fv_context *ctx, const fv_media_api *media, const fv_prep_options *opt, fv_error *err)
{
    if (!out) return fvi_error_set(err, FV_ERR_ARGUMENT, "fv_prep_create: out is null");
    *out = NULL;
    if (!ctx) return fvi_error_set(err, FV_ERR_ARGUMENT, "fv_prep_create: a context is needed");
    fv_prep_options o = {.size = sizeof o};
    FVI_TRY(fvi_options_read(&o, sizeof o, opt, "FV_PREP_OPTIONS", err));
    if (!o.multiple) o.multiple = 14;
    FVI_TRY(check_options(&o, err));
    const fvi_flow_strategy *s = fvi_flow_strategy_named(o.strategy ? o.strategy : "auto");
    if (!s) return fvi_error_set(err, FV_ERR_ARGUMENT, "prep: there is no strategy '%s'", o.strategy);
    if (s->why_not) return fvi_error_set(err, FV_ERR_DEVICE, "prep: strategy '%s' cannot be used: %s", s->name, s->why_not);
    fv_prep *p = fvi_calloc(1, sizeof *p);
    int threads = fvi_pool_threads(fvi_engine_pool(ctx));
    if (p) p->workers = fvi_calloc((size_t)threads, sizeof *p->workers);
    if (!p || !p->workers || pthread_mutex_init(&p->lock, NULL) != 0) {
        if (p) fvi_free(p->workers);
        fvi_free(p);
        return fvi_error_set(err, FV_ERR_MEMORY, "out of memory for picture preparation");
    }
    pthread_cond_init(&p->freed, NULL);
    p->ctx = ctx;
    p->media = media;
    p->strategy = s;
    p->threads = threads;
    if (o.dtype == FV_NONE) o.dtype = FV_F32;
    if (!o.max_pixels) o.max_pixels = MAX_PIXELS;
    fill_spec(&p->spec, &o);
    o.mean = o.std = NULL;
    o.strategy = NULL;
    p->o = o;
    fv_status st = FV_OK;
    for (int i = 0; i < threads && st >= 0; i++) st = fvi_prep_set_create(&p->workers[i].set, &p->spec, fvi_engine_cpu(ctx), err);
    if (st < 0)
        fv_prep_free(&p);
    else
        *out = p;
    return st;
}

void fv_prep_free(fv_prep **pp)
{
    if (!pp || !*pp) return;
    fv_prep *p = *pp;
    for (int i = 0; i < p->threads; i++) {
        fvi_prep_set_free(&p->workers[i].set);
        fvi_free(p->workers[i].own);
        if (p->workers[i].reader) p->media->picture_reader_close(&p->workers[i].reader);
    }
    pthread_cond_destroy(&p->freed);
    pthread_mutex_destroy(&p->lock);
    fvi_free(p->workers);
    FVI_FREE(*pp);
}

fv_status fvi_flow_prep_media(fv_prep *p, fv_error *err) { return p->media ? FV_OK : fv_media_load(&p->media, NULL, err); }

/* x rounded to a multiple of m, then up to reach `least` or down to stay below `most`, as MiDaS and DPT do it. */
static int to_multiple(double x, int m, int least, int most)
{
    double y = nearbyint(x / m) * m;
    if (most && y > most) y = floor(x / m) * m;
    if (y < least) y = ceil(x / m) * m;
    return y < m ? m : y > SIDE_MAX ? SIDE_MAX / m * m : (int)y;
}

fv_status fv_prep_size(const fv_prep *p, int width, int height, int *out_width, int *out_height, fv_error *err)
{
    const fv_prep_options *o = &p->o;
    if (width < 1 || height < 1) return fvi_error_set(err, FV_ERR_ARGUMENT, "prep: a picture of %dx%d pixels", width, height);
    *out_width = o->width;
    *out_height = o->height;
    if (o->fit != FV_PREP_MULTIPLE) return FV_OK;
    double sw = (double)o->width / width, sh = (double)o->height / height, s = (sw > sh) == !o->inside ? sw : sh;
    *out_width = to_multiple(s * width, o->multiple, o->inside ? 0 : o->width, o->inside ? o->width : 0);
    *out_height = to_multiple(s * height, o->multiple, o->inside ? 0 : o->height, o->inside ? o->height : 0);
    if (s * width > SIDE_MAX || s * height > SIDE_MAX)
        return fvi_error_set(err, FV_ERR_LIMIT, "prep: a picture of %dx%d becomes larger than %d a side", width, height, SIDE_MAX);
    return FV_OK;
}

fv_status fv_prep_size_of(fv_prep *p, const fv_prep_input *in, int *out_width, int *out_height, fv_error *err)
{
    fvi_flow_picture pic;
    fv_frame f = {0};
    if (!p || !in || !out_width || !out_height) return fvi_error_set(err, FV_ERR_ARGUMENT, "fv_prep_size_of: an argument is null");
    if (in->frame) return fv_prep_size(p, in->frame->width, in->frame->height, out_width, out_height, err);
    FVI_TRY(fvi_flow_prep_media(p, err));
    fv_status st = fvi_flow_picture_open(p, &pic, in, err);
    int w = pic.info.width, h = pic.info.height;
    if (st == FV_ERR_UNSUPPORTED && in->path && !in->data) {
        st = fvi_flow_first_frame(p, in->path, &f, err);
    } else if (st >= 0 && !w) {
        if (!p->workers[0].reader) st = p->media->picture_reader_open(&p->workers[0].reader, err);
        if (st >= 0)
            st = p->media->picture_reader_read(p->workers[0].reader, &f, pic.data, pic.size, FV_PICTURE_OPTIONS(.max_pixels = p->o.max_pixels), pic.name, err);
    }
    if (f.width) w = f.width, h = f.height;
    if (st >= 0) st = fv_prep_size(p, w, h, out_width, out_height, err);
    fv_frame_release(&f);
    fvi_flow_picture_close(&pic);
    return st;
}

fv_status fv_prep_output(const fv_prep *p, int n, fv_tensor *t)
{
    if (!p || !t || n < 1) return FV_ERR_ARGUMENT;
    if (p->o.fit == FV_PREP_MULTIPLE) return FV_ERR_STATE;
    const int64_t w = p->o.width, h = p->o.height;
    const int64_t nchw[4] = {n, 3, h, w}, nhwc[4] = {n, h, w, 3};
    t->dtype = p->o.dtype;
    t->rank = 4;
    memcpy(t->dim, p->o.nhwc ? nhwc : nchw, sizeof nchw);
    return FV_OK;
}

const char *fv_prep_reason(const fv_prep *p) { return p->reason; }
