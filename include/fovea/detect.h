/* detect.h: pictures in, detections out: prep + network + head, with the model's own conventions found by themselves. */
#ifndef FOVEA_DETECT_H
#define FOVEA_DETECT_H
#include <fovea/context.h>
#include <fovea/frame.h>
#include <fovea/model.h>
#ifdef __cplusplus
extern "C" {
#endif

/* One box, in pixels of the source frame: x1,y1 top-left, x2,y2 bottom-right (edges). */
typedef struct fv_detection {
    float box[4]; /* x1, y1, x2, y2 */
    float confidence;
    int class_id;
    int track_id; /* from 1; 0 = not tracked */
} fv_detection;

/* Detections of one frame. `items` is owned by the struct's maker; capacity never shrinks. Zero-initialise. */
typedef struct fv_detections {
    fv_detection *items; /* [count], sorted by confidence, highest first, as it comes from a detector */
    int count, capacity;
} fv_detections;
/* Makes room for n items. FV_ERR_MEMORY leaves it unchanged. */
FV_API fv_status fv_detections_reserve(fv_detections *d, int n);
FV_API void fv_detections_clear(fv_detections *d); /* frees */

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
} fv_detect_options;
#define FV_DETECT_OPTIONS(...) (&(fv_detect_options){.size = sizeof(fv_detect_options), __VA_ARGS__})

/* Threads: one at a time. */
typedef struct fv_detector fv_detector;
/* model: borrowed, must outlive the detector. FV_ERR_MODEL when no head fits (the text says what was looked for). */
FV_API fv_status fv_detector_create(fv_detector **out, fv_context *ctx, fv_model *model, const fv_detect_options *opt, fv_error *err);
FV_API void fv_detector_free(fv_detector **d);
/* Boxes of n frames. frames [n], n <= batch, may differ in size and format; out [n], the same order, overwritten. Does not allocate once sizes have settled (out grows to max_det). */
FV_API fv_status fv_detector_run(fv_detector *d, const fv_frame *const *frames, int n, fv_detections *out, fv_error *err);
/* Report only these classes from the next run on; n 0 = all. For a caller that knows names, not numbers, before the model is read. */
FV_API fv_status fv_detector_set_classes(fv_detector *d, const int *classes, int n, fv_error *err);
/* Name of a class: never null ("class7" when the model does not say, "unknown" for a number that is no class of it).
 * Borrowed until free. */
FV_API const char *fv_detector_class_name(const fv_detector *d, int class_id);
FV_API int fv_detector_class_count(const fv_detector *d); /* here and below: d null = no detector: 0, "unknown", "" */
/* "YOLOv8/9/11/12 [1,84,8400], from metadata task=detect": which rule found the head. Borrowed until free. */
FV_API const char *fv_detector_rule(const fv_detector *d);
/* Input size in use. */
FV_API void fv_detector_input_size(const fv_detector *d, int *width, int *height);
/* Durations of the last run in nanoseconds, all n frames together. */
typedef struct fv_detect_times {
    int64_t prep_ns, infer_ns, heads_ns;
} fv_detect_times;
FV_API void fv_detector_times(const fv_detector *d, fv_detect_times *t);
#ifdef __cplusplus
}
#endif
#endif
