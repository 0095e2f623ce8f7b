/* op_conv.h: what Conv and ConvTranspose share: attributes, parameters, and one prepared convolution ("job"). */
#ifndef FVI_BACKEND_CPU_OP_CONV_H
#define FVI_BACKEND_CPU_OP_CONV_H
#include "backend/cpu/op.h"
#include "base/error.h"
#include "kern/conv.h"

#define FVI_CONV_MAX_HALO 1024 /* wider paddings run without stored zeros, by the reference */

typedef struct fvi_conv_geometry {
    int64_t stride[2], dilation[2], before[2], after[2]; /* height, width */
} fvi_conv_geometry;

/* Reads strides, dilations, pads, auto_pad. False: a value out of range. */
bool fvi_cpu_conv_geometry(const fvi_node *n, const int64_t in[2], const int64_t kernel[2], int spatial,
                           fvi_conv_geometry *g);

void fvi_cpu_conv_crop(const int64_t in[2], const int64_t kernel[2], fvi_conv_geometry *g, int64_t first[2], int64_t count[2]);

/* [N,C,L] seen as [N,C,1,L]; anything else as it is. */
void fvi_cpu_conv_as_map(fvi_tensor *out, const fvi_tensor *in);

/* A tactic with its packed weights and the memory of its threads. Zero-initialised, then p and what follows it is set. */
typedef struct fvi_conv_job fvi_conv_job;
struct fvi_conv_job {
    fvi_conv_params p;
    /* Weights [cout][cin/groups][kh][kw], valid until the next call. */
    const float *(*weights)(const fvi_step *s, const fvi_conv_job *j);
    int phase;                        /* of a ConvTranspose */
    ptrdiff_t out_offset, res_offset; /* elements, from the step's output and residual */
    bool repack;                      /* weights or bias are computed by the model: packed at every run */
    bool keeps;                       /* the packed form may come from, and go to, an engine file */
    /* set by fvi_cpu_conv_job_init */
    fvi_conv_io io;
    const fvi_conv_tactic *tactic;
    char *packed, *workspace; /* workspace null: the plan's */
    bool borrowed; /* `packed` is the twin's or the engine file's, and complete */
    bool lasting;  /* no candidate: what it needs may be the plan's */
    bool in_room;  /* `packed` is the plan's memory */
    char *scratch; /* of this run: one of the two */
    size_t workspace_bytes; /* a thread */
    int chunks;
};

/* Fills p from rank-4 tensors (kernel size from w's dims 2 and 3); checks ranges and groups. */
fv_status fvi_cpu_conv_params(fvi_step *s, const fvi_tensor *x, const fvi_tensor *w, const fvi_tensor *y,
                              const fvi_tensor *res, const fvi_conv_geometry *g, fvi_conv_params *p, fv_error *err);
/* Do weights and sizes of a Conv (rank 4) follow from each other? */
fv_status fvi_cpu_conv_fits(const fvi_step *s, const fvi_tensor *x, const fvi_tensor *w, const fvi_tensor *y, int groups, const fvi_conv_geometry *g, fv_error *err);
fv_status fvi_cpu_conv_check_weights(const fvi_step *s, int64_t bias_count, fv_error *err);
/* j->p is set: chooses the tactic by estimate, unless there is one, and allocates. On failure free what there is with
 * fvi_cpu_conv_job_free. */
fv_status fvi_cpu_conv_job_init(fvi_conv_job *j, const fvi_step *s, fv_error *err);
/* The same with a decision that earlier timings or plan/tune.c may make; `weights` and what is beside it are set. Weights that
 * never change are packed. */
fv_status fvi_cpu_conv_job_decide(fvi_conv_job *j, fvi_step *s, fvi_decision *d, fv_error *err);
/* From the step's input to its output. */
void fvi_cpu_conv_job_step(fvi_conv_job *j, const fvi_step *s);
void fvi_cpu_conv_job_run(fvi_conv_job *j, const fvi_step *s); /* j->io is set */
/* Must whoever prepares the step keep what `weights` reads? */
bool fvi_cpu_conv_keeps_weights(const fvi_step *s, const fvi_conv_job *j);
const char *fvi_cpu_conv_tactic_at(int i);
/* fvi_step.packed of steps whose decisions are all convolutions. */
const void *fvi_cpu_conv_packed(const fvi_step *s, int i, char form[FVI_FORM_MAX], size_t *bytes);
void fvi_cpu_conv_job_free(fvi_conv_job *j);

const char *fvi_cpu_conv_unsupported(const fvi_node *n);
int fvi_cpu_conv_transpose_halo(const fvi_node *n);
fv_status fvi_cpu_conv_transpose_prepare(fvi_step *s, fv_error *err);
#endif
