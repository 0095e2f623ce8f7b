/* prep_inside.h: what prep.c, prep_same.c and prep_tiles.c share: tables of one size of picture, and one picture in progress. */
#ifndef FVI_IMAGE_PREP_INSIDE_H
#define FVI_IMAGE_PREP_INSIDE_H
#include "base/alloc.h"
#include "image/pixel.h"
#include "image/prep.h"
#include "image/prep_tables.h"
#include "kern/bf16.h"

/* What the tables depend on. */
typedef struct prep_key {
    fv_pixel_format format;
    int src_w, src_h, full_w, full_h, dst_w, dst_h, threads;
    double from_x, from_y, real_w, real_h; /* as in fvi_prep_part, nothing left 0 */
    fv_dtype dtype;
    int odd_x, odd_y; /* luma samples by which the picture begins behind its first chroma sample */
    fv_color_matrix matrix;
    fv_color_range range;
    fv_chroma_site chroma;
} prep_key;

/* Tables of luma (or of an only plane) and of chroma. */
typedef struct prep_plane {
    int comps, width; /* samples interleaved in a row (once unpacked), samples of one of them */
    fvi_pixel_unpack unpack; /* null: rows are used where they lie */
    fvi_prep_taps taps;
    fvi_row_blend *rows;
    fvi_row_box *row_boxes;
    fvi_row_taps *row_taps; /* smooth and cubic, with row_w [rows, row_stride] */
    float *row_w;
    size_t row_stride;
    fvi_prep_box cols;
} prep_plane;

struct fvi_prep {
    fvi_prep_spec spec;
    fvi_prep_kern k;
    fvi_bf16_kern low;
    prep_key key;
    const fvi_pixel *pixel; /* of key.format */
    bool ready;
    bool round; /* rows are summed first, and rounded to bytes before columns are */
    bool same; /* the picture keeps its size: rows go through row420, without tables */
    fvi_prep_map map;
    int x0, y0, n, rows; /* visible part of the resized picture in the tensor */
    prep_plane plane[2];
    fvi_prep_color color;
    fvi_arena *tables;
    float *pad[2];    /* a padding row: planar [3][dst_w], pixel-interleaved [dst_w][3] */
    float *scratch;   /* [threads][scratch_floats] */
    size_t scratch_floats, line; /* `line`: floats between output lines */
    size_t sums;      /* floats of a thread's scratch in use but for the row */
    size_t row;       /* floats at the end of a thread's scratch: a row on its way to another type; 0 for float32 */
    uint8_t *room;    /* [threads][room_bytes] unpacked rows; null when nothing needs unpacking */
    size_t room_bytes;
    uint8_t *ring;    /* [threads][ring_bytes] rows of the frame at output width; null: rows are summed before columns */
    size_t ring_bytes;
    int ring_rows;    /* that it holds */
    uint64_t run;     /* number of the picture: what a ring holds of another is no use */
};
#define FVI_PREP_RING_HEAD 64 /* bytes of a ring in front of its rows */

typedef struct prep_job {
    const fvi_prep *p;
    const fv_frame *src;
    const fvi_prep_part *part;
    char *out; /* of key.dtype; strides in its elements */
    ptrdiff_t cs, ys, xs;
} prep_job;
static inline size_t fvi_prep_bytes_of(fv_dtype t) { return t == FV_F32 ? 4 : t == FV_U8 ? 1 : 2; }
/* Checks all and has the tables ready. */
fv_status fvi_prep_begin(fvi_prep *p, const fv_frame *src, const fvi_prep_part *part, const fvi_tensor *dst, int n, fvi_pool *pool, prep_job *job, fv_error *err);
/* prep_rows.c: rows [y0, y1) of the tensor. Any thread; `thread` has its own scratch. */
void fvi_prep_rows(const prep_job *j, int thread, int y0, int y1);

/* prep_420.c: rows of a frame with chroma halved both ways, at their own size; samples of more than a byte become bytes on the way, each row once. */
typedef struct fvi_prep_420 {
    const fvi_prep *p;
    const fv_frame *src;
    uint8_t *room;     /* null: rows are used where they lie */
    int x, n;          /* columns that may be asked for */
    int c0, c1;        /* their chroma samples, one more at each side where there is one */
    int kept[2];       /* chroma rows that are in the room, -1 = none */
    int origin;        /* column of the frame at row.y[0] */
    fvi_prep_row420 row;
} fvi_prep_420;
bool fvi_prep_420_can(const fvi_prep_spec *spec, const fvi_pixel *px);
size_t fvi_prep_420_room(int n); /* bytes for n columns */
void fvi_prep_420_begin(fvi_prep_420 *s, const fvi_prep *p, const fv_frame *src, uint8_t *room, int x, int n);
void fvi_prep_420_row(fvi_prep_420 *s, int y); /* of the frame */
void fvi_prep_420_put(const fvi_prep_420 *s, float *out, ptrdiff_t cs, ptrdiff_t xs, int x, int n); /* columns of the frame */

/* prep_set.c */
#define FVI_PREP_SLOTS 6 /* the whole frame, tiles that begin at even and odd places, one more size */
typedef struct fvi_prep_slot {
    fvi_prep *prep;
    int width, height, odd;
    fv_pixel_format format;
    uint64_t used;
} fvi_prep_slot;

struct fvi_prep_set {
    fvi_prep_spec spec;
    fvi_cpu_flags cpu;
    fvi_prep_slot slots[FVI_PREP_SLOTS];
    uint64_t clock;
    float *line;   /* [threads][line_floats] rows of a frame for several tiles */
    uint8_t *room; /* [threads][room_bytes] */
    size_t line_floats, line_capacity, room_bytes, room_capacity;
};
fv_status fvi_prep_set_choose(fvi_prep_set *s, const fv_frame *src, const fvi_prep_part *part, fvi_prep **out, fv_error *err);
#endif
