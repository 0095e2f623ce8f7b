/* heads.h: raw network outputs -> boxes. Heads are descriptors; the first whose `match` fits is used.
 * A new head is one file and one line in heads.c (docs/ADDING-A-HEAD.md). */
#ifndef FVI_VISION_HEADS_H
#define FVI_VISION_HEADS_H
#include "image/prep.h"
#include "model/tensor/tensor.h"
#include <fovea/detect.h>

/* What is known about a model when its head is looked for. Shapes are those of batch 1. */
typedef struct fvi_head_model {
    const char *(*meta)(void *user, const char *key); /* metadata by key, null = absent */
    void *user;
    int n_outputs;
    const fvi_tensor *outputs; /* shapes and dtypes; data not used */
    const char *const *output_names;
    int input_h, input_w;
    int n_names; /* class names known from metadata or the user; 0 = none */
    const char *task;   /* what the user (or the preset) says that it does, where metadata says nothing; null = nothing is said */
    const char *preset; /* name of the preset to use, null = none */
    bool multi_label; /* decode will be asked for every class of an anchor: room for it is made */
} fvi_head_model;

typedef struct fvi_head_params {
    float conf, iou;
    int max_det;
    bool agnostic;
    bool multi_label; /* every class of an anchor that passes is a candidate, not only the best: for scoring */
    const uint8_t *keep; /* [n_classes] 1 = report this class; null = all */
} fvi_head_params;

typedef struct fvi_head fvi_head;
typedef struct fvi_head_state {
    const fvi_head *head;
    fv_task task; /* what decode fills beside boxes */
    int n_classes;
    int stride;
    fvi_prep_spec prep; /* what the network wants */
    char rule[160];     /* why this head */
    /* classes > 0: columns [first, first + classes) of `output` are scores, and decode looks at an anchor's other columns only when one of its
     * scores is over conf */
    struct {
        int output, first, classes;
    } scores;
    void *scratch;      /* owned by the head */
} fvi_head_state;
struct fvi_head {
    const char *name;
    const char *wants; /* the shape it looks for, as it is named when no head fits: "[1,4+classes,anchors]" */
    /* FV_OK: fits, *st is filled. FV_AGAIN: not this head. FV_ERR_*: it is this one but cannot be used (text says what to do). */
    fv_status (*match)(const fvi_head_model *m, fvi_head_state *st, fv_error *err);
    /* Image n of the outputs (any strides) -> detections in source pixels, NMS done, sorted by confidence, clipped to
     * src_w x src_h. Scratch is sized at match: does not allocate once out has max_det room. */
    fv_status (*decode)(fvi_head_state *st, const fvi_tensor *outputs, int n, const fvi_prep_map *map, int src_w, int src_h,
                        const fvi_head_params *p, fv_detections *out);
    void (*release)(fvi_head_state *st);
    fv_task task;
};
/* m->preset, a name of fvi_head_presets, or null: only its head is tried. */
fv_status fvi_heads_find(const fvi_head_model *m, fvi_head_state *st, fv_error *err);

/* Heads by name, for models that do not say what they are (presets.c). */
typedef struct fvi_head_preset {
    const char *name, *about;
    const fvi_head *head;
    fv_task task;
} fvi_head_preset;
extern const fvi_head_preset fvi_head_presets[]; /* ends with a name of null */
/* Null, and an error that lists them: there is none of that name. */
const fvi_head_preset *fvi_head_preset_named(const char *name, fv_error *err);
void fvi_heads_release(fvi_head_state *st);

/* Detections of another kind (detections.c). begin: nothing is in it, and arrays that the task does not fill are freed. The others grow the
 * arrays of the task and keep them; FV_ERR_MEMORY leaves `d` without the new room. */
void fvi_detections_begin(fv_detections *d, fv_task task);
fv_status fvi_detections_rows(fv_detections *d, fv_task task, int rows, int n_keypoints);
fv_status fvi_detections_mask_bytes(fv_detections *d, size_t total); /* keeps what is in mask_bits */
/* Bits of all masks of a frame: beyond, the weakest boxes go without. */
#define FVI_DETECTIONS_MASK_BYTES ((size_t)256 << 20)
/* Pixels [from,to) of `limit` that there are, as first and count. */
void fvi_detections_span(int from, int to, int limit, int *at, int *n);
/* m, whose bits were written behind all others, becomes the last; returns the item's `extra`. There is a row for it
 * (fvi_detections_rows) and room (fvi_detections_mask_bytes). */
int fvi_detections_keep_mask(fv_detections *d, const fv_mask *m);
fv_status fvi_detections_map(fv_detections *d, int channels, int height, int width);

/* Ultralytics' `names` metadata: a Python dict or list literal, tolerant. Returns count, names in *out (one block, fvi_free). */
int fvi_heads_parse_names(const char *literal, char ***out);

/* COCO's class names: what a model with 80 classes and no names of its own was trained on. */
#define FVI_HEADS_COCO 80
extern const char *const fvi_heads_coco[FVI_HEADS_COCO];

/* Candidate boxes and NMS, shared by heads (nms.c). Boxes xyxy in network pixels. Keeps at most max_det; order: score descending, ties by
 * index, then class. Suppresses when IoU > iou. Class-aware unless agnostic. At most FVI_NMS_MAX best candidates enter, as Ultralytics does. */
#define FVI_NMS_MAX 30000
typedef struct fvi_candidate {
    float box[4];
    float score;
    int class_id;
    int index; /* anchor, breaks ties */
} fvi_candidate;
int fvi_nms(fvi_candidate *c, int n, float iou, bool agnostic, int max_det); /* sorts and compacts c, returns how many are kept */
/* Moves the FVI_NMS_MAX best of n to the front, in no order. Returns the worst score among them. n > FVI_NMS_MAX. */
float fvi_nms_best(fvi_candidate *c, int n);
#endif
