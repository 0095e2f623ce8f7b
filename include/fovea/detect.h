/* detect.h: pictures in, detections out: prep + network + head, with the model's own conventions found by themselves. */
#ifndef FOVEA_DETECT_H
#define FOVEA_DETECT_H
#include <fovea/context.h>
#include <fovea/frame.h>
#include <fovea/model.h>
#include <fovea/tiles.h>
#ifdef __cplusplus
extern "C" {
#endif

/* What a model answers with, beside or instead of boxes. */
typedef enum fv_task {
    FV_TASK_DETECT,   /* boxes */
    FV_TASK_SEGMENT,  /* boxes with masks */
    FV_TASK_POSE,     /* boxes with keypoints */
    FV_TASK_OBB,      /* rotated boxes; `box` is the upright box around each */
    FV_TASK_CLASSIFY, /* the likeliest classes of the whole picture, as items whose box is the frame */
    FV_TASK_SEMANTIC, /* map: a class or probability for each pixel */
    FV_TASK_DEPTH,    /* map: distance for each pixel */
    FV_TASK_EMBED     /* map: one vector for the whole picture */
} fv_task;
FV_API const char *fv_task_name(fv_task task); /* "detect", "segment", … as models' metadata call it */

/* One box, in pixels of the source frame: x1,y1 top-left, x2,y2 bottom-right (edges). */
typedef struct fv_detection {
    float box[4]; /* x1, y1, x2, y2 */
    float confidence;
    int class_id;
    int track_id; /* from 1; 0 = not tracked */
    int extra;    /* row of masks, keypoints or obb + 1; 0 = it has none. Stays with the item when a tracker reorders */
} fv_detection;

/* What belongs to one thing's mask: where it lies in the frame, and its pixels in fv_detections.mask_bits. */
typedef struct fv_mask {
    int x, y, width, height; /* pixels of the source frame */
    size_t at;               /* mask_bits[at + row * width + column], 1 = the thing */
} fv_mask;

/* A value for each cell of a grid over the whole frame (letterbox padding is cut off). Row-major [channels, height, width].
 * Depth: one channel, in the unit of the network. Semantic: one channel, the class of each cell, or, when the model has one
 * class only, its probability. Embed: [channels, 1, 1]. */
typedef struct fv_map {
    int channels, height, width;
    float *data;
    size_t capacity; /* floats allocated */
} fv_map;

/* The map at width x height (the frame's size), out [channels, height, width]. smooth: bilinear, for depth and probabilities;
 * else the nearest cell, for classes. */
FV_API fv_status fv_map_scale(const fv_map *m, int width, int height, int smooth, float *out);

/* Detections of one frame. All arrays are owned by the struct's maker; capacities never shrink. Zero-initialise. */
typedef struct fv_detections {
    fv_detection *items; /* [count], sorted by confidence, highest first, as it comes from a detector */
    int count, capacity;
    int n_extras, extras_capacity; /* rows in those of the next three that the task has; others are null */
    fv_mask *masks;
    float (*keypoints)[3];         /* [n_extras][n_keypoints] x, y in pixels of the frame, confidence (1 when the model gives none) */
    float (*obb)[5];               /* centre x, y, width, height in pixels, angle in radians, clockwise */
    int n_keypoints;
    uint8_t *mask_bits;            /* pixels of all masks */
    size_t mask_bytes, mask_capacity;
    fv_map map;                    /* depth, semantic, embed; data null otherwise */
} fv_detections;
/* Makes room for n items. FV_ERR_MEMORY leaves it unchanged. */
FV_API fv_status fv_detections_reserve(fv_detections *d, int n);
FV_API void fv_detections_clear(fv_detections *d); /* frees */

typedef enum fv_channels { FV_CHANNELS_AUTO, FV_CHANNELS_RGB, FV_CHANNELS_BGR } fv_channels;
typedef enum fv_pad { FV_PAD_AUTO, FV_PAD_CENTER, FV_PAD_TOPLEFT } fv_pad; /* where a letterboxed picture lies; FV_ERR_ARGUMENT for networks that do not letterbox */

/* Zero is the default for every field. */
typedef struct fv_detect_options {
    uint32_t size;
    float conf;        /* least confidence, up to 1; 0 = 0.25 */
    float iou;         /* of two boxes of a class that overlap more (intersection over union) the surer one stays; 0 = 0.7 */
    int max_det;       /* most boxes of a frame, the surest; 0 = 300 */
    int imgsz_h, imgsz_w; /* 0 = the model's own; both a multiple of its stride */
    int batch;         /* most frames a run; 0 = 1 */
    const int *classes; /* keep only these; null = all; copied */
    int n_classes;
    const char *const *names; /* class names that override the model's; null = the model's; copied */
    int n_names;
    int agnostic_nms; /* non-zero: NMS across classes */
    /* For models whose file does not say enough. Null and 0 = what the file says, or the rule that its shapes fit. */
    const char *task;        /* fv_task_name: any other task of the model is FV_ERR_ARGUMENT */
    const char *preset;      /* rule to use, a name of fv_detector_preset */
    const float *mean, *std; /* [3] each, in the order of the network's channels, of 0..1 when none is over 1, else of 0..255; mean null = 0, std null = 1 */
    fv_channels channels;
    fv_pad pad;
    int multi_label;  /* non-zero: a place may be several things: every class over conf, not only the likeliest, as precision is measured */
    int streams;      /* frames that a pipeline computes at the same time, each by its share of the context's threads; 0 = 1. More frames a second,
                         each later; results and their order stay */
    int full_head;    /* non-zero: all boxes are computed; else, where the network allows it, only those of places where a class passes.
                         The results are the same to the bit; multi_label implies it */
    const fv_tile_options *tiles; /* large frames are looked at in pieces as well; tasks with boxes only, and no streams. `batch` is then tiles a run, and
                         a run takes one frame. Null = no tiles */
} fv_detect_options;
#define FV_DETECT_OPTIONS(...) (&(fv_detect_options){.size = sizeof(fv_detect_options), __VA_ARGS__})

/* Threads: one at a time. */
typedef struct fv_detector fv_detector;
/* model: borrowed, must outlive the detector; null with names in the options: no network, finds nothing, only knows the
 * names (for results that come from elsewhere). FV_ERR_MODEL when no head fits (the text says what was looked for). */
FV_API fv_status fv_detector_create(fv_detector **out, fv_context *ctx, fv_model *model, const fv_detect_options *opt, fv_error *err);
FV_API void fv_detector_free(fv_detector **d);
/* Boxes of n frames. frames [n], n <= batch, may differ in size and format; out [n], the same order, overwritten. Does not allocate once sizes have settled (out grows to max_det). */
FV_API fv_status fv_detector_run(fv_detector *d, const fv_frame *const *frames, int n, fv_detections *out, fv_error *err);
/* The network's input for one frame, as run would make it: out [1,3,h,w] float32 of fv_detector_input_size, filled. */
FV_API fv_status fv_detector_prepare(fv_detector *d, const fv_frame *frame, fv_tensor *out, fv_error *err);
/* Report only these classes from the next run on; n 0 = all. For a caller that knows names, not numbers, before the model is read. */
FV_API fv_status fv_detector_set_classes(fv_detector *d, const int *classes, int n, fv_error *err);
/* Other weights of the same graph, from an ONNX model or an engine, while frames go on: prepared here, in any thread, and taken between two frames, by
 * all networks of the detector at the same frame (a model of its own for tiles keeps its weights). No frame is dropped, none is computed with both, none
 * has older weights than the frame before it. Class names and preparation stay as they are. The detector keeps m alive.
 * FV_ERR_MODEL: another graph; the detector goes on as it was. FV_ERR_STATE: the weights given before wait for a frame, or others are being prepared. */
FV_API fv_status fv_detector_refit(fv_detector *d, fv_model *m, fv_error *err);
FV_API int fv_detector_refits(const fv_detector *d); /* how many of them are in use, everywhere. Threads: any */
/* Name of a class: never null ("class7" when the model does not say, "unknown" for a number that is no class of it).
 * Borrowed until free. */
FV_API const char *fv_detector_class_name(const fv_detector *d, int class_id);
/* Number of the class of that name; -1 = there is none. */
FV_API int fv_detector_class_id(const fv_detector *d, const char *name);
FV_API int fv_detector_class_count(const fv_detector *d); /* here and below: d null = no detector: 0, "unknown", "" */
/* "YOLOv8/9/11/12 [1,84,8400], from metadata task=detect": which rule found the head. Borrowed until free. */
FV_API const char *fv_detector_rule(const fv_detector *d);
FV_API fv_task fv_detector_task(const fv_detector *d); /* null: FV_TASK_DETECT */
/* Names for fv_detect_options.preset: null when i is past the last. about (may be null): what each is for. */
FV_API const char *fv_detector_preset(int i, const char **about);
/* Input size in use. */
FV_API void fv_detector_input_size(const fv_detector *d, int *width, int *height);
/* Durations of the last run in nanoseconds, all n frames together. */
typedef struct fv_detect_times {
    int64_t prep_ns, infer_ns, heads_ns;
    /* Of a detector with tiles, whose infer_ns is the look at the whole (0: not looked at in this run). */
    int64_t infer_tiles_ns;
    int64_t enqueue_ns, sync_ns; /* handing looks to groups; waiting for the last group */
    int64_t merge_ns;            /* from the last look to things: boxes of all tiles become one */
    int tiled;                   /* non-zero: it has tiles */
} fv_detect_times;
FV_API void fv_detector_times(const fv_detector *d, fv_detect_times *t);
/* What a detector with tiles has looked at; not while it runs. FV_ERR_STATE: it has none. */
FV_API fv_status fv_detector_tile_figures(const fv_detector *d, fv_tile_figures *f);
#ifdef __cplusplus
}
#endif
#endif
