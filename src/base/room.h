/* room.h: few large things that live and die together (packed weights of a plan), side by side in large blocks: the system gives those in large
 * pages, where a thing of its own would fault in every 4 KB. Threads: one at a time. */
#ifndef FVI_BASE_ROOM_H
#define FVI_BASE_ROOM_H
#include <stddef.h>
typedef struct fvi_room fvi_room;
fvi_room *fvi_room_create(void); /* null = out of memory; nothing is reserved yet */
/* FVI_ALIGN aligned, FVI_PAD readable bytes behind, not cleared; null = out of memory. Lives until fvi_room_free. */
void *fvi_room_take(fvi_room *r, size_t bytes);
void fvi_room_free(fvi_room **r);
#endif
