/* checkkern.h: the tool that checks and times every kernel of every CPU level.
 *
 * A family is one file check_<family>.c with one ck_family, listed in families.c. It lists its kernels (from the same
 * tables that the product chooses from), checks one kernel over edge and random shapes against a reference of its own,
 * and times it. The core does the rest: levels from C upward, masks, seeds, guarded memory, crashes, repro lines.
 *
 * A check looks like this:
 *     for (int i = 0; i < ck_cases(c, 40); i++) {
 *         int n = ck_edge(c, 8, 100);
 *         ck_shape(c, "n=%d", n);                      // printed when something fails or crashes here
 *         float *x = ck_in(c, n * sizeof *x);          // NaN follows it; with --guard a protected page follows that
 *         float *y = ck_out(c, n * sizeof *y);         // painted; ring of canaries around it
 *         ck_fill(c, x, n);
 *         kernel(y, x, n);
 *         for (int j = 0; j < n; j++) if (!ck_near(c, y[j], ref(x[j]), tolerance, "y[%d]", j)) break;
 *         ck_done(c);                                  // checks the canaries, frees the memory
 *     } */
#ifndef CHECKKERN_H
#define CHECKKERN_H
#include "kern/cpu.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ck ck; /* the run */

typedef struct ck_kernel {
    char name[40]; /* unique, names the level: "conv direct avx2" */
    fvi_cpu_flags level; /* one bit */
    const void *impl; /* the family's business */
    int index; /* likewise */
} ck_kernel;

typedef struct ck_family {
    const char *name;
    int (*list)(ck_kernel *out, int max); /* how many there are */
    void (*check)(ck *c, const ck_kernel *k);
    void (*bench)(ck *c, const ck_kernel *k); /* null = nothing to time */
} ck_family;

extern const ck_family *const ck_families[]; /* families.c; null-terminated */
/* Puts a kernel at out[count] when there is room; its name is the format's text, which must tell it from all others.
 * Returns count + 1. */
int ck_add(ck_kernel *out, int max, int count, fvi_cpu_flags level, const void *impl, int index, const char *fmt, ...)
    __attribute__((format(printf, 7, 8)));
#ifdef FVI_X86
enum { CK_LEVELS = 3 }; /* levels that function tables have */
#else
enum { CK_LEVELS = 1 };
#endif
static inline fvi_cpu_flags ck_level(int l) { return l == 0 ? FVI_CPU_C : l == 1 ? FVI_CPU_AVX2 : FVI_CPU_AVX512; }

/* ---- randomness: the same for one seed and kernel, whatever else runs ---- */
uint32_t ck_random(ck *c);
int ck_range(ck *c, int lo, int hi); /* lo..hi */
float ck_uniform(ck *c, float lo, float hi);
/* A size worth testing for a kernel that works in steps of `step`: 1, step-1, step, step+1, 2 step+1, primes, or random
 * up to max. Never 0, never above max. */
int ck_edge(ck *c, int step, int max);
/* Random values of one kind a call: uniform, all zero, large alternating, with tiny and subnormal numbers. */
void ck_fill(ck *c, float *p, size_t n);
void ck_fill_bytes(ck *c, void *p, size_t n);
int ck_cases(const ck *c, int usual); /* how many random cases to do: usual, or what --cases says */

/* ---- memory of the current case ---- */
/* `bytes` of input, 64-byte aligned + offset, not filled; the 64 bytes after it are NaN and may be read, no more. */
void *ck_in(ck *c, size_t bytes);
/* `bytes` of output, painted with a pattern no kernel writes; ck_done checks that nothing around it changed. */
void *ck_out(ck *c, size_t bytes);
bool ck_is_painted(const void *p, size_t bytes); /* is this part of an output still as it was? */
void ck_done(ck *c);

/* ---- verdicts: false (and counted, and printed with a repro line) on failure; only the first of a case is printed ---- */
void ck_shape(ck *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool ck_near(ck *c, double got, double want, double tolerance, const char *fmt, ...) __attribute__((format(printf, 5, 6)));
bool ck_same(ck *c, const void *got, const void *want, size_t bytes, const char *what);
bool ck_true(ck *c, bool ok, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* ---- timing ---- */
/* Calls fn(arg) warm, then until the median is stable; one line (or JSON row) with ns, G<unit>/s and speed against the
 * first kernel of level c with the same family and shape. `work` = operations a call, in what `unit` says ("FLOP", "B", "px"). */
void ck_time(ck *c, const char *shape, double work, const char *unit, void (*fn)(void *arg), void *arg);

/* ---- core only ---- */
typedef struct ck_block {
    unsigned char *map, *data;
    size_t map_bytes, bytes;
    bool out;
    struct ck_block *next;
} ck_block;
typedef struct ck_result {
    char family[24], shape[96];
    double ns;
} ck_result;
struct ck {
    uint64_t seed, state;
    const ck_family *family;
    const ck_kernel *kernel;
    char shape[256];
    bool guard, bench, json, verbose;
    int cases;
    long checks, failures;
    bool case_failed, json_comma;
    ck_block *blocks;
    ck_result *base; /* times of level c */
    int n_base, cap_base;
};
void ck_fail(ck *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void ck_reseed(ck *c);
void ck_free_blocks(ck *c);
#endif
