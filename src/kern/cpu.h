/* cpu.h: what this CPU can do. Levels are named bundles; each contains the ones below. */
#ifndef FVI_KERN_CPU_H
#define FVI_KERN_CPU_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint32_t fvi_cpu_flags;
enum {
    FVI_CPU_C = 1u << 0,      /* always */
    FVI_CPU_AVX2 = 1u << 1,   /* AVX2 + FMA + F16C, and the OS saves ymm */
    FVI_CPU_AVX512 = 1u << 2, /* Ice Lake set: F BW CD DQ VL VBMI VBMI2 VNNI BITALG VPOPCNTDQ, and the OS saves zmm */
};
/* CPUID and XCR0 both have to agree. Constant over the life of the process. */
fvi_cpu_flags fvi_cpu_detect(void);
/* "c,avx2" -> the flags of exactly these levels plus all below the highest ("avx2" alone means c and avx2). False: unknown name, whose start and
 * length are given. */
bool fvi_cpu_parse(const char *list, fvi_cpu_flags *out, const char **bad, size_t *bad_len);
const char *fvi_cpu_level_name(fvi_cpu_flags f); /* highest level in f */
/* "AuthenticAMD 25/1/1": vendor, family, model, stepping; elsewhere the machine's name. */
void fvi_cpu_model(char *buf, size_t n);
void fvi_cpu_brand(char *buf, size_t n);         /* "AMD EPYC 7713 64-Core Processor", or "unknown" */
typedef struct fvi_cpu_cache {
    size_t l1d, l2, l3; /* bytes; 0 = unknown */
} fvi_cpu_cache;
void fvi_cpu_caches(fvi_cpu_cache *out);
#endif
