/* alloc.h: the only place that calls malloc. All sizes are checked; failures return null. What is returned is the caller's
 * to fvi_free. Threads: any; an arena one at a time. */
#ifndef FVI_BASE_ALLOC_H
#define FVI_BASE_ALLOC_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FVI_ALIGN 64 /* cache line and widest vector */
#define FVI_PAD 64   /* bytes that may be read past the end of any fvi_alloc'ed tensor or frame buffer */

void *fvi_alloc(size_t bytes);             /* 64-byte aligned, FVI_PAD readable bytes past the end, not cleared */
void *fvi_calloc(size_t count, size_t size); /* same, cleared; null on overflow of count * size */
void *fvi_realloc_array(void *p, size_t old_count, size_t new_count, size_t size); /* moves; keeps min(old,new); new part cleared */
char *fvi_strdup(const char *s);
char *fvi_strndup(const char *s, size_t n);
void fvi_free(void *p); /* null is fine */
#define FVI_FREE(p) (fvi_free(p), (void)((p) = NULL))

/* Cleared memory that is there once it is touched, in large pages where the system has them: activations. FVI_ALIGN aligned, FVI_PAD readable
 * bytes behind; given back with fvi_pages_free and the same size. */
void *fvi_pages_alloc(size_t bytes);
void fvi_pages_free(void *p, size_t bytes); /* null is fine */

/* Grows `p` (count used, *cap allocated) to hold one more element of `size`; false = out of memory, p unchanged. */
bool fvi_grow(void **p, size_t count, size_t *cap, size_t size);

/* Test hook: the n-th allocation from now fails (0 = off). Process-wide, tests only. */
void fvi_alloc_fail_after(long n);
/* Allocations made since process start, to prove that the frame loop makes none. */
uint64_t fvi_alloc_count(void);

/* Arena: many small objects of one lifetime, freed at once (graphs, plans). What it gives out is never freed alone. */
typedef struct fvi_arena fvi_arena;
fvi_arena *fvi_arena_create(size_t limit_bytes); /* limit 0 = none; null = out of memory */
void *fvi_arena_alloc(fvi_arena *a, size_t bytes); /* 16-byte aligned, cleared; null = out of memory or over the limit */
void *fvi_arena_array(fvi_arena *a, size_t count, size_t size);
char *fvi_arena_strndup(fvi_arena *a, const char *s, size_t n);
char *fvi_arena_strdup(fvi_arena *a, const char *s);
char *fvi_arena_printf(fvi_arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void fvi_arena_free(fvi_arena **a);
#endif
