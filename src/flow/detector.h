/* detector.h: the inside of an fv_detector as the pipeline sees it: one function that runs a batch, and what came of it.
 * The network detector (detector.c) is the only one so far; tests put their own in its place. */
#ifndef FVI_FLOW_DETECTOR_H
#define FVI_FLOW_DETECTOR_H
#include <fovea/detect.h>

struct fv_detector {
    fv_status (*run)(fv_detector *d, const fv_frame *const *frames, int n, fv_detections *out, fv_error *err);
    void (*free)(fv_detector *d);
    fv_status (*prepare)(fv_detector *d, const fv_frame *frame, fv_tensor *out, fv_error *err); /* null: it has no network */
    fv_status (*set_classes)(fv_detector *d, const int *classes, int n, fv_error *err);
    const char *(*class_name)(const fv_detector *d, int class_id);
    fv_task task;
    int n_classes;
    int batch; /* most frames a run */
    int input_w, input_h;
    const char *rule;
    int64_t runs; /* finished ones, warm-up included */
    fv_detect_times times;
};

/* Runs a blank frame three times when the detector has never run, so that first touches of memory, page faults and
 * table building stay out of the figures. */
fv_status fvi_flow_detector_warm(fv_detector *d, fv_error *err);
/* detector_names.c: n > 0 names, copied; finds nothing. */
fv_status fvi_flow_detector_names(fv_detector **out, const char *const *names, int n, fv_error *err);
#endif
