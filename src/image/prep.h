/* prep.h: frame -> network input: letterbox, colour, normalise and layout in one pass over the output rows. */
#ifndef FVI_IMAGE_PREP_H
#define FVI_IMAGE_PREP_H
#include "kern/cpu.h"
#include "base/pool.h"
#include "model/tensor/tensor.h"
#include <fovea/frame.h>

typedef enum fvi_fit { FVI_FIT_LETTERBOX, FVI_FIT_STRETCH, FVI_FIT_CROP } fvi_fit;
/* Bilinear as OpenCV; area: box; smooth and cubic: bilinear and bicubic widened when they shrink, as Pillow and torchvision resize;
 * sharp: bicubic of four samples whatever the size, as OpenCV. */
typedef enum fvi_filter { FVI_FILTER_BILINEAR, FVI_FILTER_AREA, FVI_FILTER_SMOOTH, FVI_FILTER_CUBIC, FVI_FILTER_SHARP } fvi_filter;

/* How a network wants its picture: y[c] = (x[c] - mean[c]) * scale[c] with x in 0..255, pad_value before normalising. */
typedef struct fvi_prep_spec {
    fvi_fit fit;
    fvi_filter filter;
    bool bgr;        /* channel order of the tensor */
    bool pad_topleft; /* picture at (0,0), padding right and below; otherwise centred as Ultralytics does */
    float pad_value; /* 114 */
    double crop_fraction; /* CROP: the tensor's part of the resized picture's short side: 0.875 = 224 of 256; 0 = 1 */
    float mean[3], scale[3];
} fvi_prep_spec;

/* Bit-defined geometry: source (x,y) -> tensor (x * sx + dx, y * sy + dy) in pixel-edge coordinates. */
typedef struct fvi_prep_map {
    double sx, sy, dx, dy;
    int new_w, new_h, left, top; /* where the resized picture lies in the tensor */
} fvi_prep_map;
void fvi_prep_geometry(fvi_prep_map *m, const fvi_prep_spec *spec, int src_w, int src_h, int dst_w, int dst_h);

typedef struct fvi_prep fvi_prep; /* tables for one (source format, size) -> (tensor size); rebuilt when they change */
fv_status fvi_prep_create(fvi_prep **out, const fvi_prep_spec *spec, fvi_cpu_flags cpu, fv_error *err);
void fvi_prep_free(fvi_prep **p);
/* Writes image `n` of dst: logical [N,3,H,W] of float32, float16, bfloat16 (to nearest, ties to even) or uint8 (rounded half up after
 * clamping), any strides (dense NCHW and NHWC are the fast ones; the only ones but for float32). Rows are spread over the pool. Allocates only when the source size or format differs from the call before. *map is filled. */
fv_status fvi_prep_run(fvi_prep *p, const fv_frame *src, const fvi_tensor *dst, int n, fvi_pool *pool, fvi_prep_map *map, fv_error *err);

/* Part of a frame, in pixels. A frame may be a picture decoded at a smaller size: full_w, full_h are then the picture's own sides (0 = those of
 * the part), of which the geometry is computed, and it lies at from_x, from_y of the part and is real_w, real_h of its pixels large, which need
 * not be whole numbers (0 = all of it). */
typedef struct fvi_prep_part {
    int x, y, width, height;
    int full_w, full_h;
    double from_x, from_y, real_w, real_h;
} fvi_prep_part;
/* The same of a part as of a frame that ends where the part does, wherever it begins: odd places of formats with halved chroma too. Where it keeps
 * its size (bilinear, chroma halved both ways) it is what a converted frame has there: chroma does not end with the part. *map is in pixels of the part. Tables are rebuilt when its size changes, or its beginning from even to odd. */
fv_status fvi_prep_run_part(fvi_prep *p, const fv_frame *src, const fvi_prep_part *part, const fvi_tensor *dst, int n, fvi_pool *pool, fvi_prep_map *map,
                            fv_error *err);

/* prep_set.c: several preps of one spec, so that parts of a few sizes in turn rebuild nothing. run: as fvi_prep_run_part, null part = all of it. */
typedef struct fvi_prep_set fvi_prep_set;
fv_status fvi_prep_set_create(fvi_prep_set **out, const fvi_prep_spec *spec, fvi_cpu_flags cpu, fv_error *err);
void fvi_prep_set_free(fvi_prep_set **s);
fv_status fvi_prep_set_run(fvi_prep_set *s, const fv_frame *src, const fvi_prep_part *part, const fvi_tensor *dst, int n, fvi_pool *pool, fvi_prep_map *map,
                           fv_error *err);
/* prep_tiles.c: n parts of one frame into images first, first + 1, ... in one pass over the frame: what parts of the tensor's size share is
 * converted once. maps [n]. Allocates when the frame's size or format is new. */
#define FVI_PREP_PARTS 1025
fv_status fvi_prep_set_run_parts(fvi_prep_set *s, const fv_frame *src, const fvi_prep_part *parts, int n, const fvi_tensor *dst, int first, fvi_pool *pool,
                                 fvi_prep_map *maps, fv_error *err);
#endif
