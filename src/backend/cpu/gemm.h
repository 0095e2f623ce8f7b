/* gemm.h: a planned float matrix product C = A B over a batch, any strides, with everything that may follow it. */
#ifndef FVI_BACKEND_CPU_GEMM_H
#define FVI_BACKEND_CPU_GEMM_H
#include "backend/cpu/step.h"

/* Rank of all tensors is the same, >= 2; the last two dims are the matrix, the others (stride 0 = repeated) the batch.
 * c = act(alpha a b + beta bias) + residual. */
typedef struct fvi_gemm_task {
    fvi_tensor a, b, c;    /* [..,M,K] [..,K,N] [..,M,N] */
    fvi_tensor bias;       /* like c; dtype FV_NONE = none */
    fvi_tensor residual;   /* like c; dtype FV_NONE = none */
    float alpha, beta;
    bool b_const, a_const; /* may be packed at once */
    bool keeps;            /* the packed form may come from, and go to, an engine file */
    fvi_act act;
    float act_alpha, act_beta;
} fvi_gemm_task;

/* Sets s->state, run, release, tactic, flops. */
fv_status fvi_gemm_prepare(fvi_step *s, const fvi_gemm_task *task, fv_error *err);
#endif
