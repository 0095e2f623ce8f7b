/* cpu.c: turns CPUID, XCR0 and the cache leaves into level flags, a brand name and cache sizes.
 * Called by the context at creation and by checkkern. A level counts only when the instructions (CPUID) and the operating
 * system's saving of their registers (XCR0) are both there; for AMX a probe decides besides. */
#include "kern/cpu.h"
#include "kern/probe.h"
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SET_AVX2 (FVI_CPU_C | FVI_CPU_AVX2)
#define SET_AVX512 (SET_AVX2 | FVI_CPU_AVX512)
#define SET_AVX512FP16 (SET_AVX512 | FVI_CPU_AVX512BF16 | FVI_CPU_AVX512FP16)
static const struct {
    const char *name;
    fvi_cpu_flags bit, contains; /* itself included */
} levels[] = {
    {"c", FVI_CPU_C, FVI_CPU_C},
    {"avx2", FVI_CPU_AVX2, SET_AVX2},
    {"avxvnni", FVI_CPU_AVXVNNI, SET_AVX2 | FVI_CPU_AVXVNNI},
    {"avx512", FVI_CPU_AVX512, SET_AVX512},
    {"avx512bf16", FVI_CPU_AVX512BF16, SET_AVX512 | FVI_CPU_AVX512BF16},
    {"avx512fp16", FVI_CPU_AVX512FP16, SET_AVX512FP16},
    {"amx", FVI_CPU_AMX, SET_AVX512FP16 | FVI_CPU_AMX},
};
enum { N_LEVELS = sizeof levels / sizeof levels[0] };

/* What detection found: why[i] is null where level i is there. */
typedef struct findings {
    fvi_cpu_flags have;
    const char *why[N_LEVELS];
} findings;

static bool deny(findings *f, fvi_cpu_flags bit, const char *why)
{
    for (int i = 0; i < N_LEVELS; i++)
        if (levels[i].bit == bit) f->why[i] = why;
    return false;
}

static bool grant(findings *f, fvi_cpu_flags bit)
{
    f->have |= bit;
    deny(f, bit, NULL);
    return true;
}

#ifdef FVI_X86
#include <cpuid.h>

/* XGETBV as bytes: the intrinsic would need -mxsave for the whole file. */
static uint64_t read_xcr0(void)
{
    uint32_t lo, hi;
    __asm__ volatile(".byte 0x0f, 0x01, 0xd0" : "=a"(lo), "=d"(hi) : "c"(0));
    return (uint64_t)hi << 32 | lo;
}

static bool has(uint32_t reg, uint32_t bits) { return (reg & bits) == bits; }

enum {
    XCR0_YMM = 0x6, XCR0_ZMM = 0xe6, XCR0_TILES = 3 << 17
};

typedef struct leaf7 {
    uint32_t b, c, d, a1; /* EBX ECX EDX of subleaf 0, EAX of subleaf 1 */
    uint64_t xcr0;
} leaf7;

static bool find_avx2(findings *f, leaf7 *l)
{
    uint32_t a, b, c, d, most;
    const uint32_t osxsave = 1u << 27, avx = 1u << 28, fma = 1u << 12, f16c = 1u << 29;
    const uint32_t bmi1 = 1u << 3, avx2 = 1u << 5, bmi2 = 1u << 8;
    *l = (leaf7){0};
    if (!__get_cpuid(1, &a, &b, &c, &d) || !has(c, avx | fma | f16c)) return deny(f, FVI_CPU_AVX2, "the CPU has no AVX, FMA or F16C");
    if (!has(c, osxsave)) return deny(f, FVI_CPU_AVX2, "the operating system saves no wide registers (XSAVE is off)");
    l->xcr0 = read_xcr0();
    if ((l->xcr0 & XCR0_YMM) != XCR0_YMM) return deny(f, FVI_CPU_AVX2, "the operating system does not save ymm registers (XCR0)");
    if (!__get_cpuid_count(7, 0, &most, &l->b, &l->c, &l->d) || !has(l->b, bmi1 | avx2 | bmi2))
        return deny(f, FVI_CPU_AVX2, "the CPU has no AVX2 or BMI");
    if (most >= 1) __get_cpuid_count(7, 1, &l->a1, &b, &c, &d);
    return grant(f, FVI_CPU_AVX2);
}

static bool find_avx512(findings *f, const leaf7 *l)
{
    const uint32_t f512 = 1u << 16, dq = 1u << 17, cd = 1u << 28, bw = 1u << 30, vl = 1u << 31;
    const uint32_t vbmi = 1u << 1, vbmi2 = 1u << 6, vnni = 1u << 11, bitalg = 1u << 12, vpopcnt = 1u << 14;
    if (!has(l->b, f512)) return deny(f, FVI_CPU_AVX512, "the CPU has no AVX-512");
    if ((l->xcr0 & XCR0_ZMM) != XCR0_ZMM) return deny(f, FVI_CPU_AVX512, "the operating system does not save zmm registers (XCR0)");
    if (!has(l->b, dq | cd | bw | vl) || !has(l->c, vbmi | vbmi2 | vnni | bitalg | vpopcnt))
        return deny(f, FVI_CPU_AVX512, "the CPU's AVX-512 is older than that of Ice Lake");
    return grant(f, FVI_CPU_AVX512);
}

static bool find_amx(findings *f, const leaf7 *l)
{
    const uint32_t bf16 = 1u << 22, tile = 1u << 24, int8 = 1u << 25;
    if (!has(l->d, bf16 | tile | int8)) return deny(f, FVI_CPU_AMX, "the CPU has no AMX");
    if ((l->xcr0 & XCR0_TILES) != XCR0_TILES) return deny(f, FVI_CPU_AMX, "the operating system does not save tiles (XCR0)");
    const char *why = fvi_probe_amx();
    return why ? deny(f, FVI_CPU_AMX, why) : grant(f, FVI_CPU_AMX);
}

static void find_levels(findings *f)
{
    const uint32_t avxvnni = 1u << 4, bf16 = 1u << 5, fp16 = 1u << 23;
    leaf7 l;
    if (!find_avx2(f, &l)) return;
    if (has(l.a1, avxvnni)) grant(f, FVI_CPU_AVXVNNI);
    else deny(f, FVI_CPU_AVXVNNI, "the CPU has no AVX-VNNI");
    if (!find_avx512(f, &l)) return;
    if (!has(l.a1, bf16)) {
        deny(f, FVI_CPU_AVX512BF16, "the CPU has no AVX512-BF16");
        return;
    }
    grant(f, FVI_CPU_AVX512BF16);
    if (!has(l.d, fp16)) {
        deny(f, FVI_CPU_AVX512FP16, "the CPU has no AVX512-FP16");
        return;
    }
    grant(f, FVI_CPU_AVX512FP16);
    find_amx(f, &l);
}

void fvi_cpu_brand(char *buf, size_t n)
{
    if (!n) return;
    uint32_t r[12] = {0}, a, b, c, d;
    char text[sizeof r + 1];
    const char *p = "unknown";
    if (__get_cpuid(0x80000000u, &a, &b, &c, &d) && a >= 0x80000004u) {
        for (unsigned i = 0; i < 3; i++)
            __get_cpuid(0x80000002u + i, &r[4 * i], &r[4 * i + 1], &r[4 * i + 2], &r[4 * i + 3]);
        memcpy(text, r, sizeof r);
        text[sizeof r] = 0;
        size_t len = strlen(text);
        while (len && (text[len - 1] == ' ' || text[len - 1] == '\t')) text[--len] = 0;
        const char *t = text + strspn(text, " \t");
        if (*t) p = t;
    }
    size_t len = strlen(p);
    if (len >= n) len = n - 1;
    memcpy(buf, p, len);
    buf[len] = 0;
}

void fvi_cpu_model(char *buf, size_t n)
{
    uint32_t r[3] = {0}, a = 0, b, c, d;
    char vendor[sizeof r + 1] = {0};
    if (__get_cpuid(0, &a, &r[0], &r[2], &r[1])) memcpy(vendor, r, sizeof r);
    for (char *p = vendor; *p; p++)
        if (*p <= ' ' || *p > '~') *p = '_';
    if (!__get_cpuid(1, &a, &b, &c, &d)) a = 0;
    const unsigned low = a >> 8 & 15, family = low == 15 ? low + (a >> 20 & 255) : low;
    const unsigned model = (a >> 4 & 15) | (low == 6 || low == 15 ? a >> 12 & 0xf0 : 0);
    snprintf(buf, n, "%s %u/%u/%u", vendor[0] ? vendor : "unknown", family, model, a & 15);
}

/* Deterministic cache parameters: leaf 4 on Intel, 0x8000001D on AMD, same layout. */
static bool cache_leaf(uint32_t leaf, fvi_cpu_cache *out)
{
    bool found = false;
    for (unsigned i = 0; i < 16; i++) {
        uint32_t a, b, c, d;
        if (!__get_cpuid_count(leaf, i, &a, &b, &c, &d)) return false;
        unsigned type = a & 31, level = a >> 5 & 7;
        if (type == 0) break;
        size_t size = (size_t)((b >> 22) + 1) * ((b >> 12 & 0x3ff) + 1) * ((b & 0xfff) + 1) * ((size_t)c + 1);
        if (level == 1 && type != 2) out->l1d = size;
        if (level == 2) out->l2 = size;
        if (level == 3) out->l3 = size;
        found = true;
    }
    return found;
}

void fvi_cpu_caches(fvi_cpu_cache *out)
{
    *out = (fvi_cpu_cache){0};
    uint32_t a, b, c, d;
    bool extended = __get_cpuid(0x80000000u, &a, &b, &c, &d) && a >= 0x8000001Du;
    if (extended && __get_cpuid(0x80000001u, &a, &b, &c, &d) && (c & 1u << 22) /* topology extensions: AMD */
        && cache_leaf(0x8000001Du, out))
        return;
    if (__get_cpuid(0, &a, &b, &c, &d) && a >= 4) cache_leaf(4, out);
}
#else
#include <sys/utsname.h>

static void find_levels(findings *f)
{
    for (int i = 1; i < N_LEVELS; i++) f->why[i] = "this build has level c only";
}

void fvi_cpu_brand(char *buf, size_t n)
{
    if (!n) return;
    strncpy(buf, "unknown", n - 1);
    buf[n - 1] = 0;
}

void fvi_cpu_model(char *buf, size_t n)
{
    struct utsname u;
    snprintf(buf, n, "%s", uname(&u) == 0 && u.machine[0] ? u.machine : "unknown");
}

static size_t from_sysconf(int name)
{
    long v = sysconf(name);
    return v > 0 ? (size_t)v : 0;
}

void fvi_cpu_caches(fvi_cpu_cache *out)
{
    *out = (fvi_cpu_cache){from_sysconf(_SC_LEVEL1_DCACHE_SIZE), from_sysconf(_SC_LEVEL2_CACHE_SIZE),
                           from_sysconf(_SC_LEVEL3_CACHE_SIZE)};
}
#endif

static findings found;
static pthread_once_t found_once = PTHREAD_ONCE_INIT;

static void find(void)
{
    for (int i = 0; i < N_LEVELS; i++) found.why[i] = "a level below it is missing";
    grant(&found, FVI_CPU_C);
    find_levels(&found);
}

fvi_cpu_flags fvi_cpu_detect(void)
{
    pthread_once(&found_once, find);
    return found.have;
}

const char *fvi_cpu_why_not(fvi_cpu_flags level)
{
    pthread_once(&found_once, find);
    for (int i = 0; i < N_LEVELS; i++)
        if (levels[i].bit == level) return found.why[i];
    return "there is no such level";
}

const char *fvi_cpu_level_at(int i, fvi_cpu_flags *level)
{
    if (i < 0 || i >= N_LEVELS) return NULL;
    if (level) *level = levels[i].bit;
    return levels[i].name;
}

void fvi_cpu_list(fvi_cpu_flags f, char *buf, size_t n)
{
    size_t at = 0;
    if (n) buf[0] = 0;
    for (int i = 0; i < N_LEVELS && at < n; i++) {
        if (!(f & levels[i].bit)) continue;
        int len = snprintf(buf + at, n - at, "%s%s", at ? "," : "", levels[i].name);
        at += len > 0 ? (size_t)len : 0;
    }
}

bool fvi_cpu_parse(const char *list, fvi_cpu_flags *out, const char **bad, size_t *bad_len)
{
    fvi_cpu_flags f = 0;
    const char *p = list;
    for (;;) {
        size_t len = strcspn(p, ",");
        const char *word = p;
        size_t n = len;
        while (n && *word == ' ') word++, n--;
        while (n && word[n - 1] == ' ') n--;
        int at = -1;
        for (int i = 0; i < N_LEVELS; i++)
            if (strlen(levels[i].name) == n && !memcmp(levels[i].name, word, n)) at = i;
        if (at < 0) {
            if (bad) *bad = word;
            if (bad_len) *bad_len = n;
            return false;
        }
        f |= levels[at].contains;
        p += len;
        if (!*p) break;
        p++;
    }
    *out = f;
    return true;
}

const char *fvi_cpu_level_name(fvi_cpu_flags f)
{
    for (int i = N_LEVELS - 1; i > 0; i--)
        if (f & levels[i].bit) return levels[i].name;
    return "c";
}
