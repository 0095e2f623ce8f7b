/* step.h: small things that operators' prepare functions share. */
#ifndef FVI_BACKEND_CPU_STEP_H
#define FVI_BACKEND_CPU_STEP_H
#include "backend/cpu/op.h"
#include "base/error.h"

#define FVI_TYPE_BIT(t) (1u << (t))
enum {
    FVI_TYPES_HALF = FVI_TYPE_BIT(FV_F16) | FVI_TYPE_BIT(FV_BF16),
    FVI_TYPES_FLOAT = FVI_TYPE_BIT(FV_F32) | FVI_TYPE_BIT(FV_F64),
    FVI_TYPES_INT = FVI_TYPE_BIT(FV_I8) | FVI_TYPE_BIT(FV_U8) | FVI_TYPE_BIT(FV_I16) | FVI_TYPE_BIT(FV_U16) |
                    FVI_TYPE_BIT(FV_I32) | FVI_TYPE_BIT(FV_U32) | FVI_TYPE_BIT(FV_I64) | FVI_TYPE_BIT(FV_U64),
    FVI_TYPES_NUMBER = FVI_TYPES_HALF | FVI_TYPES_FLOAT | FVI_TYPES_INT,
    FVI_TYPES_ANY = FVI_TYPES_NUMBER | FVI_TYPE_BIT(FV_BOOL),
};

/* "elements of type int8" when the type is not in the set, else null. Unknown types pass: prepare sees the real one. */
const char *fvi_cpu_refuse_type(fv_dtype t, unsigned allowed);
fv_status fvi_cpu_need_type(fv_dtype t, unsigned allowed, fv_error *err);

bool fvi_cpu_has_input(const fvi_step *s, int i);
/* Constant int64 or int32 input i, at most max values; -1 = left out, not constant, or too many. */
int fvi_cpu_input_ints(const fvi_step *s, int i, int64_t *out, int max);
/* Attribute `name`, or constant input i where there is one; -1 = an input that is not constant. 0 = neither. */
int fvi_cpu_ints(const fvi_step *s, int i, const char *name, int64_t *out, int max);
/* Constant input i as a double; false when there is none with exactly one element. */
bool fvi_cpu_input_scalar(const fvi_step *s, int i, double *out);
/* Counts from the end when negative. False: outside [-rank, rank). */
bool fvi_cpu_axis(int64_t *axis, int rank);
/* Cleared state of so many bytes into s->state. */
fv_status fvi_cpu_new_state(fvi_step *s, size_t bytes, fv_error *err);

/* A list of plain copies run by the thread pool (copy.c). Sets s->run, s->tactic, s->state. dst and src pairwise have one
 * shape and type. */
fv_status fvi_cpu_prepare_copies(fvi_step *s, int n, const fvi_tensor *dst, const fvi_tensor *src, fv_error *err);
fv_status fvi_cpu_prepare_copy(fvi_step *s, fv_error *err); /* in[0] -> out[0]; other shapes: in logical order */

/* out[i,j,…] = in[index[0][i], index[1][j], …]; an index of -1 gives *outside instead (lookup.c). The caller fills index,
 * which is in the state and as long as the output in each dimension. Sets s->run, s->tactic, s->state. */
typedef struct fvi_lookup {
    int64_t *index[FV_MAX_RANK];
    uint64_t outside; /* the element's bytes come first */
    int chunks;
} fvi_lookup;
fv_status fvi_cpu_new_lookup(fvi_step *s, fvi_lookup **out, fv_error *err);

/* prepares that live in files of their own */
fv_status fvi_cpu_prepare_cast(fvi_step *s, fv_error *err);
const char *fvi_cpu_refuse_batch_norm(const fvi_node *n);
fv_status fvi_cpu_prepare_batch_norm(fvi_step *s, fv_error *err);
fv_status fvi_cpu_prepare_batch_training(fvi_step *s, fv_error *err);
fv_status fvi_cpu_prepare_pad(fvi_step *s, fv_error *err);
fv_status fvi_cpu_prepare_softmax(fvi_step *s, fv_error *err);
fv_status fvi_cpu_prepare_softmax_mean(fvi_step *s, fv_error *err);
fv_status fvi_cpu_prepare_topk(fvi_step *s, fv_error *err);
fv_status fvi_cpu_prepare_mean(fvi_step *s, uint32_t axes, fv_error *err); /* mean over the dims in `axes`, kept as 1 */
#endif
