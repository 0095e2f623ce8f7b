/* cpu.h: what this CPU can do. Levels are named bundles; each contains those that it is made of, which stand before it. */
#ifndef FVI_KERN_CPU_H
#define FVI_KERN_CPU_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint32_t fvi_cpu_flags;
enum {
    FVI_CPU_C = 1u << 0,          /* always */
    FVI_CPU_AVX2 = 1u << 1,       /* AVX2 + FMA + F16C, and the OS saves ymm */
    FVI_CPU_AVXVNNI = 1u << 2,    /* AVX2 and the byte dot products in ymm (VEX coded: needs no AVX-512) */
    FVI_CPU_AVX512 = 1u << 3,     /* AVX2 and the Ice Lake set: F BW CD DQ VL VBMI VBMI2 VNNI BITALG VPOPCNTDQ, and the OS saves zmm */
    FVI_CPU_AVX512BF16 = 1u << 4, /* AVX512 and VDPBF16PS, VCVTNE2PS2BF16 */
    FVI_CPU_AVX512FP16 = 1u << 5, /* AVX512BF16 and AVX512-FP16: the Sapphire Rapids set */
    FVI_CPU_AMX = 1u << 6,        /* AVX512FP16 and tiles of BF16 and INT8 that were seen to work (probe.h) */
    FVI_CPU_TOP = FVI_CPU_AMX
};
/* CPUID and XCR0 both have to agree, and a probe for AMX. Found out once a process; constant over its life. Threads: any. */
fvi_cpu_flags fvi_cpu_detect(void);
/* Why this machine (or this build) lacks a level, in words: "the CPU has no AVX2, FMA or F16C"; null = it has it. One bit. Static. */
const char *fvi_cpu_why_not(fvi_cpu_flags level);
/* Level number i, lowest first: its name, null past the last; *level (may be null) = its bit. Static. */
const char *fvi_cpu_level_at(int i, fvi_cpu_flags *level);
/* "c,avx2" -> the flags of these levels and of all that they contain ("avx2" alone means c and avx2). False: unknown name, whose start and
 * length are given. */
bool fvi_cpu_parse(const char *list, fvi_cpu_flags *out, const char **bad, size_t *bad_len);
const char *fvi_cpu_level_name(fvi_cpu_flags f); /* highest level in f */
void fvi_cpu_list(fvi_cpu_flags f, char *buf, size_t n); /* "c,avx2"; 80 bytes hold all */
/* "AuthenticAMD 25/1/1": vendor, family, model, stepping; elsewhere the machine's name. */
void fvi_cpu_model(char *buf, size_t n);
void fvi_cpu_brand(char *buf, size_t n);         /* "AMD EPYC 7713 64-Core Processor", or "unknown" */
typedef struct fvi_cpu_cache {
    size_t l1d, l2, l3; /* bytes; 0 = unknown */
} fvi_cpu_cache;
void fvi_cpu_caches(fvi_cpu_cache *out);
#endif
