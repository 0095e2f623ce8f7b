/* pool.h: one pool of worker threads per context. A job is a range of chunks, claimed by an atomic counter; the caller
 * works too. Which thread takes which chunk never changes a result: chunks are independent. */
#ifndef FVI_BASE_POOL_H
#define FVI_BASE_POOL_H
#include <fovea/status.h>
typedef struct fvi_pool fvi_pool;
/* chunk in [0, chunks), thread in [0, fvi_pool_threads) */
typedef void (*fvi_chunk_fn)(void *arg, int chunk, int thread);

fv_status fvi_pool_create(fvi_pool **out, int threads, fv_error *err); /* threads >= 1; 1 starts none */
void fvi_pool_free(fvi_pool **p);
int fvi_pool_threads(const fvi_pool *p); /* 1 for null */
/* Runs fn for every chunk and returns when all are done. Does not allocate. Calls from different threads take turns.
 * pool null or one thread: runs in the caller. Must not be called from inside a chunk. */
void fvi_pool_run(fvi_pool *p, fvi_chunk_fn fn, void *arg, int chunks);
/* Spin time of waiting workers before they sleep, in microseconds (0 while media threads run). The default outlasts the short steps of a
 * network that one thread does alone: waking a thread costs more than most of them. */
enum { FVI_POOL_SPIN_US = 200 };
void fvi_pool_set_spin(fvi_pool *p, int microseconds);
#endif
