/* internal.h: what the files of plan/ share while a plan is made. */
#ifndef FVI_MODEL_PLAN_INTERNAL_H
#define FVI_MODEL_PLAN_INTERNAL_H
#include "base/error.h"
#include "model/plan/plan.h"

/* Until memory is placed, fvi_tensor.data counts bytes from this address inside the tensor's buffer (never dereferenced). */
#define FVI_PLAN_BASE ((char *)(uintptr_t)(1u << 20))

#define FVI_PLAN_TOO_LARGE (SIZE_MAX / 4) /* bytes of a buffer whose size overflows: can be rounded up, never be had */

typedef struct fvi_plan_value {
    int order[FV_MAX_RANK]; /* preferred memory order, outermost dimension first */
    int halo;               /* zeros its readers want around it */
    int pitch;              /* at least so many elements from pixel to pixel of a channels-last value of its own; 0 = dense */
    int lead;               /* elements left free before it, so that the channels most written to are aligned */
    int buffer;             /* index in builder.buffers; -1 = not placed, or a constant */
    bool placed;
    bool own;                   /* alone in its buffer: no concat slot, no view of something else */
} fvi_plan_value;

typedef struct fvi_plan_buffer {
    size_t bytes;
    int first, last;    /* steps that use it: first writer, last reader */
    bool always;        /* graph input: its contents outlive a run */
    size_t offset;      /* in the arena's memory */
    fvi_tensor map;     /* the whole buffer as one tensor; its halo is cleared before `first` */
    uint8_t halo_value; /* with bytes of this */
} fvi_plan_buffer;

/* A step before its tensors have addresses. Operand numbers: 0..n_in-1 inputs, then the residual, then outputs. */
typedef struct fvi_plan_draft {
    const fvi_node *node; /* null = copy */
    const char *name;
    int n_in, n_out;
    fvi_tensor *in, *out;
    int *in_buffer, *out_buffer; /* -1 = constant or absent */
    fvi_tensor residual;
    int residual_buffer;
} fvi_plan_draft;

typedef struct fvi_plan_builder {
    const fvi_graph *g;
    fvi_plan *plan;
    const fvi_backend *backend;
    bool observe;          /* values outlive their readers */
    fvi_plan_value *value; /* [g->n_values] */
    fvi_plan_buffer *buffers;
    size_t n_buffers, cap_buffers;
    fvi_plan_draft *drafts;
    size_t n_drafts, cap_drafts;
} fvi_plan_builder;

/* layout.c */
fv_status fvi_plan_choose_layouts(fvi_plan_builder *b, fv_error *err);
void fvi_plan_strides(fvi_tensor *t, const int *order, int halo, int pitch, size_t *bytes); /* data = pixel (0,0) from FVI_PLAN_BASE */
/* view.c */
int fvi_plan_axis(const fvi_node *n, int64_t def, int rank); /* attribute "axis", counted from the first dimension */
bool fvi_plan_is_view_op(const fvi_node *n);
bool fvi_plan_view(const fvi_node *n, int output, const fvi_tensor *x, fvi_tensor *y);
bool fvi_plan_view_inverse(const fvi_node *n, const fvi_tensor *y, const fvi_value *x, fvi_tensor *tx);
bool fvi_plan_keeps_halo(const fvi_node *n);
int fvi_plan_refine(const fvi_tensor *a, const fvi_tensor *b, int64_t *dim);
/* place.c */
fv_status fvi_plan_place_concats(fvi_plan_builder *b, fv_error *err);
fv_status fvi_plan_new_buffer(fvi_plan_builder *b, const fvi_value *v, const int *order, int halo, fvi_tensor *t, int *buffer); /* for one like v */
fv_status fvi_plan_own_buffer(fvi_plan_builder *b, const fvi_value *v); /* for v as layout.c wants it: sets its tensor and buffer */
/* steps.c */
fv_status fvi_plan_draft_steps(fvi_plan_builder *b, fv_error *err);
/* memory.c */
fv_status fvi_plan_place_memory(fvi_plan_builder *b, fv_error *err);
#endif
