/* alloc.c: aligned, padded, counted memory. The only caller of malloc in the library; everybody above calls this.
 * Every block starts on FVI_ALIGN and has FVI_PAD cleared bytes behind its end, so that vector code may read over it. */
#include "base/alloc.h"
#include "base/budget.h"
#include "base/checked.h"
#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE ((size_t)2 << 20)
#if defined(__SANITIZE_ADDRESS__)
#define FROM_HEAP 1 /* where the sanitizer sees who writes past the end */
#else
#define FROM_HEAP 0
#endif
#define MAX_BYTES ((size_t)1 << 39) /* nobody asks for more; sanitizers abort instead of returning null above this */

static atomic_uint_fast64_t allocations;
static atomic_long fail_after;

/* True when this allocation is the one that the test wants to fail. */
static bool must_fail(void)
{
    long left = atomic_load_explicit(&fail_after, memory_order_relaxed);
    while (left > 0)
        if (atomic_compare_exchange_weak_explicit(&fail_after, &left, left - 1, memory_order_relaxed, memory_order_relaxed))
            return left == 1;
    return false;
}

void fvi_alloc_fail_after(long n) { atomic_store_explicit(&fail_after, n > 0 ? n : 0, memory_order_relaxed); }
uint64_t fvi_alloc_count(void) { return atomic_load_explicit(&allocations, memory_order_relaxed); }

static bool may_have(size_t bytes) { return bytes <= MAX_BYTES && !must_fail() && fvi_budget_allows(bytes); }

void *fvi_alloc(size_t bytes)
{
    if (!may_have(bytes)) return NULL;
    atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
    const bool large = bytes >= 2 * HUGE; /* weights, activations: the system may give it in large pages, with 512 times fewer faults */
    const size_t align = large ? HUGE : FVI_ALIGN;
    char *p = aligned_alloc(align, fvi_round_up(bytes + FVI_PAD, align));
    if (p && large) madvise(p, bytes / HUGE * HUGE, MADV_HUGEPAGE);
    if (!p) return NULL;
    fvi_budget_count((int64_t)malloc_usable_size(p));
    memset(p + bytes, 0, FVI_PAD);
    return p;
}

void *fvi_calloc(size_t count, size_t size)
{
    size_t bytes;
    if (!fvi_mul_size(count, size, &bytes)) return NULL;
    void *p = fvi_alloc(bytes);
    if (p) memset(p, 0, bytes);
    return p;
}

/* Smaller than two large pages: the heap has it at hand. */
static bool from_heap(size_t bytes) { return FROM_HEAP || bytes < 2 * HUGE; }

/* Asks for one large page more than it keeps, so that the first one begins where large pages do. */
void *fvi_pages_alloc(size_t bytes)
{
    if (from_heap(bytes)) return fvi_calloc(bytes, 1);
    if (!may_have(bytes)) return NULL;
    atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
    const size_t size = fvi_round_up(bytes + FVI_PAD, HUGE);
    char *p = mmap(NULL, size + HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return NULL;
    const size_t before = (HUGE - (uintptr_t)p % HUGE) % HUGE;
    if (before) munmap(p, before);
    munmap(p + before + size, HUGE - before);
    madvise(p + before, size, MADV_HUGEPAGE);
    fvi_budget_count((int64_t)size);
    return p + before;
}

void fvi_pages_free(void *p, size_t bytes)
{
    const size_t size = fvi_round_up(bytes + FVI_PAD, HUGE);
    if (from_heap(bytes)) {
        fvi_free(p);
    } else if (p) {
        munmap(p, size);
        fvi_budget_count(-(int64_t)size);
    }
}

void *fvi_realloc_array(void *p, size_t old_count, size_t new_count, size_t size)
{
    size_t bytes;
    if (!fvi_mul_size(new_count, size, &bytes)) return NULL;
    char *q = fvi_alloc(bytes);
    if (!q) return NULL;
    size_t keep = p ? (old_count < new_count ? old_count : new_count) * size : 0;
    if (keep) memcpy(q, p, keep);
    memset(q + keep, 0, bytes - keep);
    fvi_free(p);
    return q;
}

bool fvi_grow(void **p, size_t count, size_t *cap, size_t size)
{
    if (count < *cap) return true;
    size_t bigger;
    if (!fvi_add_size(count, count / 2 + 8, &bigger)) return false;
    void *q = fvi_realloc_array(*p, *cap, bigger, size);
    if (!q) return false;
    *p = q;
    *cap = bigger;
    return true;
}

char *fvi_strndup(const char *s, size_t n)
{
    n = strnlen(s, n);
    char *p = fvi_alloc(n + 1);
    if (!p) return NULL;
    memcpy(p, s, n);
    p[n] = 0;
    return p;
}

char *fvi_strdup(const char *s) { return fvi_strndup(s, SIZE_MAX / 4); }
void fvi_free(void *p)
{
    if (p) fvi_budget_count(-(int64_t)malloc_usable_size(p));
    free(p);
}
