/* common.h: what the heads share: finding their output, walking its memory, and the way from candidates to detections. */
#ifndef FVI_VISION_HEADS_COMMON_H
#define FVI_VISION_HEADS_COMMON_H
#include "vision/heads/heads.h"

#define FVI_HEAD_MAX_LEVELS 4

/* Strides of the feature maps a model predicts on, finest first. */
typedef struct fvi_head_levels {
    int n;
    int stride[FVI_HEAD_MAX_LEVELS];
} fvi_head_levels;

/* How rows with scores are written: [4+classes,anchors]; [anchors,4+objectness+classes]; [K,4+score+class], done by the network. */
typedef enum fvi_yolo_form { FVI_YOLO_V8, FVI_YOLO_V5, FVI_YOLO_E2E } fvi_yolo_form;

/* scratch of every head */
typedef struct fvi_head_plan {
    int output;         /* which of the model's outputs */
    int64_t anchors;    /* boxes before NMS */
    int channels;       /* numbers a box */
    int extras;         /* of these, numbers behind the scores */
    fvi_yolo_form form; /* where the head has several */
    bool anchors_last;  /* [N,channels,anchors], else [N,anchors,channels] */
    fvi_head_levels levels;
    int grid_h, grid_w; /* network input that the levels divide */
    int part[3];        /* further outputs, as the head counts them */
    fvi_candidate *cand; /* [room] */
    int room;            /* anchors; more when every class of an anchor may be a candidate */
} fvi_head_plan;

/* Candidates of one image while they are collected. When there are more than there is room for, those stay that NMS would look at. */
typedef struct fvi_head_pick {
    fvi_candidate *cand;
    int n, room;
    float floor; /* scores up to here need not be added */
} fvi_head_pick;
static inline fvi_head_pick fvi_head_pick_start(const fvi_head_plan *plan, float conf) { return (fvi_head_pick){plan->cand, 0, plan->room, conf}; }
static inline void fvi_head_pick_add(fvi_head_pick *k, const fvi_candidate *c)
{
    if (!(c->score > k->floor)) return;
    if (k->n == k->room) {
        if (k->room <= FVI_NMS_MAX) return; /* only when the head was matched without multi_label */
        k->floor = fvi_nms_best(k->cand, k->n);
        k->n = FVI_NMS_MAX;
        if (!(c->score > k->floor)) return;
    }
    k->cand[k->n++] = *c;
}
/* Adds c once for every class that passes: score [classes] with stride `step`, each times `factor`. */
void fvi_head_pick_classes(fvi_head_pick *k, fvi_candidate c, const float *score, int64_t step, float factor, int n_classes, const fvi_head_params *p);

/* One image of the output: element (anchor a, channel c) is p[a * sa + c * sc]. */
typedef struct fvi_head_view {
    const float *p;
    int64_t sa, sc;
} fvi_head_view;

/* The only output of rank 3 with a first dimension of 1, else -1. Outputs of other ranks do not matter. */
int fvi_head_only_rank3(const fvi_head_model *m);
/* Is `count` = per_cell * the number of cells of a usual set of strides (8/16/32, then P6, P2 and two-level sets)? */
bool fvi_head_levels_find(const fvi_head_model *m, int64_t count, int per_cell, fvi_head_levels *out);
const char *fvi_head_meta(const fvi_head_model *m, const char *key);
bool fvi_head_meta_is(const fvi_head_model *m, const char *key, const char *value); /* letter case ignored */

/* By metadata, or by what the user said. */
bool fvi_head_task_is(const fvi_head_model *m, const char *task);

bool fvi_head_holds(const char *text, const char *word); /* null text: no; letter case ignored */
bool fvi_head_output_named(const fvi_head_model *m, int i, const char *word); /* `word` is a part of output i's name */

/* Fills st (scratch, prep as Ultralytics wants it, stride). FV_ERR_LIMIT, FV_ERR_MEMORY, FV_ERR_MODEL (dtype). */
fv_status fvi_head_plan_create(fvi_head_state *st, const fvi_head *head, const fvi_head_model *m, const fvi_head_plan *plan,
                               int n_classes, fv_error *err);
void fvi_head_plan_free(fvi_head_state *st);
/* FV_ERR_SHAPE when the outputs are not those of match. */
fv_status fvi_head_plan_view(const fvi_head_plan *plan, const fvi_tensor *outputs, int n, fvi_head_view *v);
/* The same for heads of several outputs: image n of one [N,rows,columns]. False: it is not that, or not float32. */
bool fvi_head_view_of(const fvi_tensor *t, int64_t rows, int columns, int n, fvi_head_view *v);

/* For networks that ImageNet's mean and deviation go before: RGB. */
void fvi_head_imagenet(fvi_prep_spec *spec);
/* A head without boxes: st filled with a prep that stretches RGB 0..1 smoothly, and `size` bytes of scratch, cleared. Null: FV_ERR_MEMORY
 * is in err. */
void *fvi_head_begin(fvi_head_state *st, const fvi_head *head, size_t size, int n_classes, fv_error *err);
void fvi_head_free_scratch(fvi_head_state *st); /* what `begin` made */

/* Element of an output of any number type as float. */
float fvi_head_number(const fvi_tensor *t, int64_t at);
/* Cells of a map [height,width] over the network's input that show the picture, not padding. */
typedef struct fvi_head_window {
    int x, y, w, h;
} fvi_head_window;
fvi_head_window fvi_head_window_of(const fvi_prep_map *map, int input_h, int input_w, int height, int width);

static inline bool fvi_head_keeps(const fvi_head_params *p, int class_id) { return !p->keep || p->keep[class_id]; }
/* Centre form -> corner form in single precision, as the references do. False: not finite. */
bool fvi_head_box_from_centre(float box[4], float cx, float cy, float w, float h);
/* Anchors with objectness (channel 4) and class scores behind it: indices, scores obj * class and classes of those over
 * the threshold go to plan->cand (boxes not filled); returns how many. */
int fvi_head_scan_objectness(const fvi_head_plan *plan, const fvi_head_view *v, int n_classes, const fvi_head_params *p);
/* Box of one anchor that passed, in network pixels; false: not finite. */
typedef bool (*fvi_head_box_fn)(const fvi_head_plan *plan, const fvi_head_view *v, fvi_candidate *c);
/* The whole of a head's decode for anchors with objectness: scan, boxes, NMS, source pixels. */
fv_status fvi_head_decode_objectness(fvi_head_state *st, const fvi_tensor *outputs, int n, const fvi_prep_map *map, int src_w, int src_h,
                                     const fvi_head_params *p, fvi_head_box_fn box, fv_detections *out);
/* cand [n], kept and in order -> source pixels, clipped. */
fv_status fvi_head_emit(const fvi_candidate *cand, int n, const fvi_prep_map *map, int src_w,
                        int src_h, fv_detections *out);

extern const fvi_head fvi_head_e2e, fvi_head_yolov8, fvi_head_yolov5, fvi_head_yolox, fvi_head_nanodet,
    fvi_head_detr, fvi_head_nmsed, fvi_head_segment, fvi_head_pose, fvi_head_obb, fvi_head_classify, fvi_head_embed, fvi_head_depth,
    fvi_head_semantic, fvi_head_regions;
#endif
