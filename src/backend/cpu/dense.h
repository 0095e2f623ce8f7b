/* dense.h: for operators whose speed does not matter: they see dense, row-major tensors whatever the plan gives them. */
#ifndef FVI_BACKEND_CPU_DENSE_H
#define FVI_BACKEND_CPU_DENSE_H
#include "backend/cpu/step.h"

typedef struct fvi_dense fvi_dense;
typedef void (*fvi_dense_fn)(const fvi_dense *d);
struct fvi_dense {
    const fvi_step *s;
    fvi_tensor *in, *out; /* as the step's; those that are not dense are copied before and after */
    void *own;            /* cleared memory of the operator, as many bytes as it asked for */
    fvi_dense_fn fn;
    void (*free_own)(void *own); /* frees what own points to; null = nothing */
    char *memory;
};

/* The one that prepare_dense made. */
static inline fvi_dense *fvi_dense_of(const fvi_step *s) { return s->state; }

/* Sets s->state, run, release and tactic; own (null = not wanted) gets d->own, to be filled by prepare. */
fv_status fvi_cpu_prepare_dense(fvi_step *s, fvi_dense_fn fn, const char *tactic, size_t own_bytes, void *own, fv_error *err);

/* Data of input or output i; null when it was left out. */
static inline const void *fvi_in(const fvi_dense *d, int i) { return fvi_cpu_has_input(d->s, i) ? d->in[i].data : NULL; }
static inline const float *fvi_in_f32(const fvi_dense *d, int i) { return fvi_in(d, i); }
static inline float *fvi_out_f32(const fvi_dense *d, int i) { return i < d->s->n_out ? (float *)(void *)d->out[i].data : NULL; }
/* Element i of any integer or float type. */
double fvi_number_at(const fvi_tensor *t, int64_t i);
int64_t fvi_integer_at(const fvi_tensor *t, int64_t i);
/* d[0] * … of dims [from, to) */
int64_t fvi_dims_product(const fvi_tensor *t, int from, int to);
#endif
