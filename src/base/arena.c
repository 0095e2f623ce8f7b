/* arena.c: many small objects of one lifetime out of few blocks, freed at once. Graphs and plans live in one.
 * Blocks are never moved, so pointers stay good until fvi_arena_free. */
#include "base/alloc.h"
#include "base/checked.h"
#include "base/room.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define BLOCK_BYTES ((size_t)64 << 10)
#define GRAIN 16

typedef struct block block;
struct block {
    block *next;
    size_t used, size;
    _Alignas(GRAIN) char data[];
};
struct fvi_arena {
    block *blocks; /* the one being filled first */
    fvi_room *room; /* of objects larger than a block */
    size_t limit, total;
};

fvi_arena *fvi_arena_create(size_t limit_bytes)
{
    fvi_arena *a = fvi_calloc(1, sizeof *a);
    if (a) a->limit = limit_bytes;
    return a;
}

static block *add_block(fvi_arena *a)
{
    block *b = fvi_alloc(sizeof(block) + BLOCK_BYTES);
    if (!b) return NULL;
    b->used = 0;
    b->size = BLOCK_BYTES;
    b->next = a->blocks;
    a->blocks = b;
    return b;
}

static void *take_small(fvi_arena *a, size_t need)
{
    block *b = a->blocks;
    if (!b || b->size - b->used < need) b = add_block(a);
    if (!b) return NULL;
    void *p = b->data + b->used;
    b->used += need;
    return p;
}

static void *take_large(fvi_arena *a, size_t need)
{
    if (!a->room) a->room = fvi_room_create();
    return a->room ? fvi_room_take(a->room, need) : NULL;
}

void *fvi_arena_alloc(fvi_arena *a, size_t bytes)
{
    if (bytes > SIZE_MAX - GRAIN) return NULL;
    size_t need = fvi_round_up(bytes ? bytes : 1, GRAIN), total;
    if (!fvi_add_size(a->total, need, &total) || (a->limit && total > a->limit)) return NULL;
    void *p = need > BLOCK_BYTES ? take_large(a, need) : take_small(a, need);
    if (!p) return NULL;
    a->total = total;
    return memset(p, 0, need);
}

void *fvi_arena_array(fvi_arena *a, size_t count, size_t size)
{
    size_t bytes;
    return fvi_mul_size(count, size, &bytes) ? fvi_arena_alloc(a, bytes) : NULL;
}

char *fvi_arena_strndup(fvi_arena *a, const char *s, size_t n)
{
    n = strnlen(s, n);
    char *p = fvi_arena_alloc(a, n + 1);
    return p ? memcpy(p, s, n) : NULL;
}

char *fvi_arena_strdup(fvi_arena *a, const char *s) { return fvi_arena_strndup(a, s, strlen(s)); }

char *fvi_arena_printf(fvi_arena *a, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    char *p = n < 0 ? NULL : fvi_arena_alloc(a, (size_t)n + 1);
    if (p) vsnprintf(p, (size_t)n + 1, fmt, again);
    va_end(again);
    va_end(ap);
    return p;
}

void fvi_arena_free(fvi_arena **a)
{
    if (!a || !*a) return;
    for (block *b = (*a)->blocks; b;) {
        block *next = b->next;
        fvi_free(b);
        b = next;
    }
    fvi_room_free(&(*a)->room);
    FVI_FREE(*a);
}
