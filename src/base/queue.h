/* queue.h: bounded queue of pointers between two stages; blocks, wakes on close. Threads: any. Push and pull do not
 * allocate. */
#ifndef FVI_BASE_QUEUE_H
#define FVI_BASE_QUEUE_H
#include <fovea/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
typedef struct fvi_queue fvi_queue;
fv_status fvi_queue_create(fvi_queue **out, size_t capacity);
void fvi_queue_free(fvi_queue **q); /* must be empty of items that need freeing */
/* Waits while full. FV_OK: the queue has taken the item. FV_END: closed, the item is still yours. */
fv_status fvi_queue_push(fvi_queue *q, void *item);
/* Waits while empty. FV_OK with *item; FV_END when closed and empty. */
fv_status fvi_queue_pull(fvi_queue *q, void **item);
/* FV_AGAIN when there is nothing within so many seconds; INFINITY = for ever. */
fv_status fvi_queue_pull_for(fvi_queue *q, double seconds, void **item);
/* FV_AGAIN instead of waiting. */
fv_status fvi_queue_try_pull(fvi_queue *q, void **item);
/* "newest" mailbox: never waits; when full the oldest item is taken out and handed back in *displaced (else null). */
fv_status fvi_queue_push_newest(fvi_queue *q, void *item, void **displaced);
void fvi_queue_close(fvi_queue *q); /* no more pushes; pulls drain what is there */
#endif
