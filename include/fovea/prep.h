/* prep.h: pictures -> one batch tensor, the fastest way this machine has: decoded, resized, normalised, laid out.
 *
 *     fv_prep *p;
 *     fv_prep_create(&p, ctx, NULL, FV_PREP_OPTIONS(.width = 504, .height = 504), &err);
 *     fv_tensor t;
 *     fv_prep_output(p, n, &t);                       // its type and shape; t.data = memory for it
 *     fv_prep_run(p, inputs, n, &t, results, &err);   // FV_PARTIAL: some failed, results say which and why
 *
 * Without further options pictures are stretched to width x height with Pillow's bicubic filter and normalised as ImageNet models want it:
 * (x / 255 - mean) / std, RGB, [N,3,H,W] of float32. Pictures are spread over the context's threads. Programs that have decoded frames at hand and
 * want boxes use a detector (detect.h), which prepares them itself. */
#ifndef FOVEA_PREP_H
#define FOVEA_PREP_H
#include <fovea/media.h>
#include <fovea/tensor.h>
#ifdef __cplusplus
extern "C" {
#endif

typedef enum fv_prep_fit {
    FV_PREP_STRETCH,
    FV_PREP_LETTERBOX, /* whole picture, padded; rounded as Ultralytics does */
    FV_PREP_CROP,      /* tensor filled, the middle cut out */
    FV_PREP_MULTIPLE   /* own shape kept, both sides multiples of `multiple`: the tensor's size depends on the picture, as depth models want it */
} fv_prep_fit;
/* Antialiased as Pillow and torchvision do it, area as OpenCV; with no_antialias bicubic and bilinear as OpenCV. */
typedef enum fv_prep_filter { FV_PREP_BICUBIC, FV_PREP_BILINEAR, FV_PREP_AREA } fv_prep_filter;

/* Zero is the default for every field but width and height. */
typedef struct fv_prep_options {
    uint32_t size;
    int width, height;    /* of the tensor; MULTIPLE: the bounds */
    fv_prep_fit fit;
    int multiple;         /* MULTIPLE: 0 = 14 */
    int inside;           /* MULTIPLE: 0 = both sides at least width and height; 1 = at most */
    fv_prep_filter filter;
    int no_antialias;
    fv_dtype dtype;       /* FV_NONE = FV_F32; FV_F16, FV_BF16; FV_U8: 0..255, not normalised */
    int nhwc;             /* [N,H,W,3] */
    int bgr;              /* channel order of the tensor */
    const float *mean, *std; /* [3] of red, green, blue in 0..1; both null = ImageNet's. Copied */
    float pad;            /* LETTERBOX: value of the padding in 0..255; 0 = 114, negative = black */
    const char *strategy; /* one of fv_prep_strategy; null = "auto" */
    int64_t max_pixels;   /* of a picture; 0 = 200 million; larger ones fail with FV_ERR_LIMIT */
    int64_t max_memory;   /* bytes that pictures being decoded may take together; 0 = no limit. One that needs more fails with FV_ERR_LIMIT */
    int stop_at_error;    /* non-zero: after a failure no more pictures are begun; they fail with FV_ERR_CANCELLED */
} fv_prep_options;
#define FV_PREP_OPTIONS(...) (&(fv_prep_options){.size = sizeof(fv_prep_options), __VA_ARGS__})

/* One picture: the first of these that is set. */
typedef struct fv_prep_input {
    const fv_frame *frame; /* decoded already */
    const void *data;      /* [size] a whole file in memory */
    size_t size;
    const char *path;      /* of a file; with data or frame: a name for texts, may be null */
} fv_prep_input;

/* What became of it. */
typedef struct fv_prep_result {
    fv_status status;     /* FV_OK, or why there is no picture; `error` has the sentence */
    fv_error error;
    int width, height;    /* of the picture, upright; 0 = not known */
    const char *strategy; /* that was used; static */
    int eighths;          /* of its size at which it was decoded; 8 = all of it */
    int profile;          /* non-zero: its colour profile was left alone */
    double sx, sy, dx, dy; /* its (x, y) is (x sx + dx, y sy + dy) in the tensor, in pixel edges */
    int64_t read_ns, decode_ns, resize_ns;
} fv_prep_result;

/* Ways to do it, in a table: "auto", "cpu", "scaled", and those of a GPU. Null past the last. about: what it does; why_not: null, or why this
 * machine or build cannot. Static. */
FV_API const char *fv_prep_strategy(int i, const char **about, const char **why_not);

/* Threads: one at a time. */
typedef struct fv_prep fv_prep;
/* ctx: borrowed, its threads work. media: null = fv_media_load when the first encoded picture comes. FV_ERR_ARGUMENT; FV_ERR_DEVICE: the strategy
 * is not to be had here. */
FV_API fv_status fv_prep_create(fv_prep **out, fv_context *ctx, const fv_media_api *media, const fv_prep_options *opt, fv_error *err);
FV_API void fv_prep_free(fv_prep **p);
/* Size that the tensor of a width x height picture has; always the same but for MULTIPLE. */
FV_API fv_status fv_prep_size(const fv_prep *p, int width, int height, int *out_width, int *out_height, fv_error *err);
/* The same of an input, whose header is read (or the picture decoded, where that does not tell). */
FV_API fv_status fv_prep_size_of(fv_prep *p, const fv_prep_input *in, int *out_width, int *out_height, fv_error *err);
/* Type and shape of a batch of n; data is left alone. FV_ERR_STATE: with MULTIPLE there is no one shape. */
FV_API fv_status fv_prep_output(const fv_prep *p, int n, fv_tensor *t);
/* Picture i -> place i of out, [n, …] dense memory of the caller, of the type and layout of the options. results: [n], may be null. FV_PARTIAL: some
 * failed; their places are all zero, and err has the first of them. Allocates when sizes have not settled. */
FV_API fv_status fv_prep_run(fv_prep *p, const fv_prep_input *in, int n, const fv_tensor *out, fv_prep_result *results, fv_error *err);
/* The same, each picture given away as soon as it is there: for outputs larger than memory. fn is called on the threads that work, several at once,
 * in any order: i, the picture's tensor [1, …] (borrowed for the call; null where it failed), and what became of it. Non-zero ends the work:
 * pictures not begun by then are told of with FV_ERR_CANCELLED. With MULTIPLE each tensor has its own size. Returns as fv_prep_run does. */
typedef int (*fv_prep_done_fn)(void *user, int i, const fv_tensor *t, const fv_prep_result *r);
FV_API fv_status fv_prep_each(fv_prep *p, const fv_prep_input *in, int n, fv_prep_done_fn fn, void *user, fv_error *err);
/* Why "auto" chose what it chose for the last picture, in one line; "" before. Borrowed until the next run. */
FV_API const char *fv_prep_reason(const fv_prep *p);
#ifdef __cplusplus
}
#endif
#endif
