/* loop.h: one operation over several tensors of one shape and any strides. The block function sees contiguous elements
 * only: operands that are not (or are of another type) pass through small buffers. */
#ifndef FVI_BACKEND_CPU_LOOP_H
#define FVI_BACKEND_CPU_LOOP_H
#include "backend/backend.h"
#include "kern/elementwise.h"

enum {
    FVI_LOOP_MAX = 5,      /* operands; number 0 is written */
    FVI_LOOP_GATHER = 512, /* elements a block when an operand has to be gathered */
    FVI_LOOP_BLOCK = 4096, /* elements a block at most */
};

typedef void (*fvi_block_fn)(const void *user, void *const *p, size_t n);

typedef struct fvi_loop {
    int n;
    fvi_tensor t[FVI_LOOP_MAX]; /* coalesced */
    fvi_convert_fn load[FVI_LOOP_MAX], store; /* null = the block computes in the stored type */
    size_t size[FVI_LOOP_MAX]; /* bytes an element as the block sees it */
    int64_t count, inner;
    bool short_rows;
    int chunks;
    fvi_block_fn block;
    const void *user;
} fvi_loop;

/* The type that block functions see for data of type t: half precision becomes float. */
static inline fv_dtype fvi_loop_type(fv_dtype t) { return t == FV_F16 || t == FV_BF16 ? FV_F32 : t; }

/* t[0] is written, t[1..] are broadcast to its shape. as[k] is the type in which block wants operand k (null: as stored,
 * half precision as float). `cost` is about the nanoseconds an element takes, to decide on threads. */
fv_status fvi_loop_init(fvi_loop *l, int n, const fvi_tensor *t, const fv_dtype *as, double cost, fv_error *err);
void fvi_loop_run(const fvi_loop *l, fvi_pool *pool);

/* Chunks for work of so many nanoseconds, never depending on the number of threads. */
int fvi_chunks_for(double ns, int64_t most);
/* Test hook: cut all work of steps prepared from now into n chunks where it can be (0 = off). */
void fvi_chunks_force(int n);
#endif
