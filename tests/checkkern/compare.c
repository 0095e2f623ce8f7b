/* compare.c: random values and sizes, guarded memory, verdicts. */
#include "checkkern.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { RING = 256, PAD = 64 /* what a kernel may read past an input */ };

/* ---- randomness: splitmix64 ---- */

void ck_reseed(ck *c)
{
    uint64_t h = c->seed;
    for (const char *p = c->kernel->name; *p; p++) h = (h ^ (unsigned char)*p) * 1099511628211u;
    c->state = h;
}

uint32_t ck_random(ck *c)
{
    uint64_t z = c->state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (uint32_t)(z >> 32);
}

int ck_range(ck *c, int lo, int hi) { return lo + (int)(ck_random(c) % (uint32_t)(hi - lo + 1)); }

float ck_uniform(ck *c, float lo, float hi) { return lo + (hi - lo) * ((float)(ck_random(c) >> 8) * 0x1p-24f); }

int ck_edge(ck *c, int step, int max)
{
    static const int primes[] = {2, 3, 5, 7, 11, 13, 17, 19, 23, 31, 37, 61, 97};
    int v = 1;
    switch (ck_range(c, 0, 8)) {
    case 0: v = 1; break;
    case 1: v = step - 1; break;
    case 2: v = step; break;
    case 3: v = step + 1; break;
    case 4: v = 2 * step; break;
    case 5: v = 2 * step + 1; break;
    case 6: v = primes[ck_range(c, 0, (int)(sizeof primes / sizeof *primes) - 1)]; break;
    default: v = ck_range(c, 1, max); break;
    }
    return v < 1 ? 1 : v > max ? max : v;
}

void ck_fill(ck *c, float *p, size_t n)
{
    int kind = ck_range(c, 0, 9);
    for (size_t i = 0; i < n; i++) {
        float u = ck_uniform(c, -1, 1);
        switch (kind) {
        case 0: p[i] = 0; break;
        case 1: p[i] = i & 1 ? -1000.0f : 1000.0f; break;
        case 2: p[i] = u * (ck_random(c) & 1 ? 1e-38f : 1e-42f); break;
        case 3: p[i] = u * exp2f((float)ck_range(c, -12, 12)); break;
        default: p[i] = u; break;
        }
    }
}

void ck_fill_bytes(ck *c, void *p, size_t n)
{
    unsigned char *b = p;
    int kind = ck_range(c, 0, 5);
    for (size_t i = 0; i < n; i++)
        b[i] = kind == 0 ? 0 : kind == 1 ? 255 : kind == 2 ? (i & 1 ? 255 : 0) : (unsigned char)ck_random(c);
}

int ck_cases(const ck *c, int usual) { return c->cases > 0 ? c->cases : usual; }

/* ---- memory ---- */

/* A NaN as float, and a value no 8-bit kernel is likely to write everywhere. */
static const unsigned char pattern[4] = {0xA5, 0xC3, 0xA7, 0x7F};

static void paint(unsigned char *p, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) p[i] = pattern[(uintptr_t)(p + i) & 3];
}

bool ck_is_painted(const void *p, size_t bytes)
{
    const unsigned char *b = p;
    for (size_t i = 0; i < bytes; i++)
        if (b[i] != pattern[(uintptr_t)(b + i) & 3]) return false;
    return true;
}

/* [ring][data][64 bytes that may be read][ring, or with --guard a page nobody may touch] */
static void *block(ck *c, size_t bytes, bool out)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t need = RING + (bytes + 63) / 64 * 64 + PAD + RING;
    size_t map_bytes = (need + page - 1) / page * page + page;
    ck_block *b = calloc(1, sizeof *b);
    unsigned char *map = mmap(NULL, map_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (!b || map == MAP_FAILED) {
        fprintf(stderr, "checkkern: out of memory\n");
        exit(1);
    }
    unsigned char *end = map + map_bytes - page; /* first guarded byte */
    /* with a guard the pad ends at the page (alignment to 4 then has to do), else everything is 64-byte aligned */
    unsigned char *data = c->guard ? end - PAD - (bytes + 3) / 4 * 4 : map + RING;
    paint(map, map_bytes - page);
    if (c->guard)
        mprotect(end, page, PROT_NONE);
    else
        paint(end, page);
    *b = (ck_block){map, data, map_bytes, bytes, out, c->blocks};
    c->blocks = b;
    return data;
}

void *ck_in(ck *c, size_t bytes) { return block(c, bytes, false); }
void *ck_out(ck *c, size_t bytes) { return block(c, bytes, true); }

void ck_free_blocks(ck *c)
{
    while (c->blocks) {
        ck_block *b = c->blocks;
        c->blocks = b->next;
        munmap(b->map, b->map_bytes);
        free(b);
    }
}

void ck_done(ck *c)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    for (ck_block *b = c->blocks; b; b = b->next) {
        const unsigned char *end = b->map + b->map_bytes - (c->guard ? page : 0);
        const unsigned char *after = b->data + b->bytes;
        const char *what = b->out ? "output" : "input";
        ck_true(c, ck_is_painted(b->map, (size_t)(b->data - b->map)), "wrote in front of an %s", what);
        ck_true(c, ck_is_painted(after, (size_t)(end - after)), "wrote behind an %s", what);
    }
    ck_free_blocks(c);
    c->case_failed = false;
}

/* ---- verdicts ---- */

void ck_shape(ck *c, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(c->shape, sizeof c->shape, fmt, ap);
    va_end(ap);
    c->case_failed = false;
}

static void fail_v(ck *c, const char *fmt, va_list ap)
{
    c->failures++;
    if (c->case_failed) return; /* one line a case is enough */
    c->case_failed = true;
    printf("FAILED %s [%s]: ", c->kernel->name, c->shape);
    vprintf(fmt, ap);
    printf("\n  repro: checkkern --seed=%llu --kernel='%s' --isa=%s%s", (unsigned long long)c->seed, c->kernel->name,
           fvi_cpu_level_name(c->kernel->level), c->guard ? " --guard" : "");
    if (c->cases > 0) printf(" --cases=%d", c->cases);
    printf("\n");
    fflush(stdout);
}

void ck_fail(ck *c, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fail_v(c, fmt, ap);
    va_end(ap);
}

bool ck_near(ck *c, double got, double want, double tolerance, const char *fmt, ...)
{
    c->checks++;
    if (got == want || (isnan(got) && isnan(want)) || fabs(got - want) <= tolerance) return true;
    char where[128];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(where, sizeof where, fmt, ap);
    va_end(ap);
    ck_fail(c, "%s = %.9g, expected %.9g, off by %.3g, allowed %.3g", where, got, want, fabs(got - want), tolerance);
    return false;
}

bool ck_same(ck *c, const void *got, const void *want, size_t bytes, const char *what)
{
    c->checks++;
    if (!memcmp(got, want, bytes)) return true;
    const unsigned char *g = got, *w = want;
    size_t i = 0;
    while (g[i] == w[i]) i++;
    ck_fail(c, "%s differs at byte %zu of %zu: %u, expected %u", what, i, bytes, g[i], w[i]);
    return false;
}

bool ck_true(ck *c, bool ok, const char *fmt, ...)
{
    c->checks++;
    if (ok) return true;
    va_list ap;
    va_start(ap, fmt);
    fail_v(c, fmt, ap);
    va_end(ap);
    return false;
}
