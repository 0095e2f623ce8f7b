/* room.c: see room.h. */
#include "base/room.h"
#include "base/alloc.h"
#include "base/checked.h"
#include <string.h>

/* Blocks grow with what is there, so that small plans stay small. Address space that nothing is taken from is never touched. */
enum { FIRST = 64 << 10, GROWTH = 4, LARGEST = 32 << 20 };

typedef struct block {
    struct block *next;
    char *memory;
    size_t bytes, used;
} block;

struct fvi_room {
    block *newest;
    size_t total;
};

fvi_room *fvi_room_create(void) { return fvi_calloc(1, sizeof(fvi_room)); }

static block *add_block(fvi_room *r, size_t least)
{
    size_t bytes = r->total < FIRST ? FIRST : r->total > LARGEST / GROWTH ? LARGEST : r->total * GROWTH;
    block *b = fvi_calloc(1, sizeof *b);
    if (!b) return NULL;
    if (bytes < least) bytes = least;
    *b = (block){.next = r->newest, .memory = fvi_alloc(bytes), .bytes = bytes};
    if (!b->memory) {
        fvi_free(b);
        return NULL;
    }
    r->newest = b;
    r->total += bytes;
    return b;
}

void *fvi_room_take(fvi_room *r, size_t bytes)
{
    size_t padded;
    if (!fvi_add_size(bytes, FVI_PAD + FVI_ALIGN - 1, &padded)) return NULL;
    padded = padded / FVI_ALIGN * FVI_ALIGN;
    block *b = r->newest && r->newest->bytes - r->newest->used >= padded ? r->newest : add_block(r, padded);
    if (!b) return NULL;
    char *p = b->memory + b->used;
    b->used += padded;
    memset(p + bytes, 0, FVI_PAD);
    return p;
}

void fvi_room_free(fvi_room **rp)
{
    fvi_room *r = *rp;
    *rp = NULL;
    for (block *b = r ? r->newest : NULL, *next; b; b = next) {
        next = b->next;
        fvi_free(b->memory);
        fvi_free(b);
    }
    fvi_free(r);
}
