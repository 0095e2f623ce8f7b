/* run.c: checkkern's main: options, the walk over families and levels, crashes, the summary.
 *   checkkern [--isa=avx2] [--kernel=TEXT] [--family=NAME] [--seed=N] [--cases=N] [--guard] [--bench [--json]] [--list]
 * Exit: 0 fine, 1 something failed, 2 usage, 77 the machine lacks the level asked for. */
#include "checkkern.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MAX_KERNELS = 512 };
static ck run;
static sigjmp_buf crash_exit;
static volatile sig_atomic_t in_kernel;

int ck_add(ck_kernel *out, int max, int count, fvi_cpu_flags level, const void *impl, int index, const char *fmt, ...)
{
    if (count >= max) return count + 1;
    ck_kernel *k = &out[count];
    *k = (ck_kernel){.level = level, .impl = impl, .index = index};
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(k->name, sizeof k->name, fmt, ap);
    va_end(ap);
    return count + 1;
}

static void on_crash(int sig)
{
    if (!in_kernel) _exit(128 + sig);
    siglongjmp(crash_exit, sig);
}

static void catch_crashes(void)
{
    static char stack[1 << 16];
    stack_t alt = {.ss_sp = stack, .ss_size = sizeof stack};
    sigaltstack(&alt, NULL);
    struct sigaction a = {.sa_handler = on_crash, .sa_flags = SA_ONSTACK | SA_NODEFER};
    const int sigs[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};
    for (size_t i = 0; i < sizeof sigs / sizeof *sigs; i++) sigaction(sigs[i], &a, NULL);
}

static void one_kernel(ck *c, const ck_family *f, const ck_kernel *k)
{
    c->family = f, c->kernel = k;
    c->shape[0] = 0;
    c->case_failed = false;
    ck_reseed(c);
    long before = c->failures;
    int sig = sigsetjmp(crash_exit, 1);
    if (sig) {
        in_kernel = 0;
        c->case_failed = false;
        ck_fail(c, "crashed: %s", strsignal(sig));
        c->blocks = NULL; /* leaked on purpose: what is there may be damaged */
        return;
    }
    in_kernel = 1;
    if (!c->bench)
        f->check(c, k);
    else if (f->bench)
        f->bench(c, k);
    in_kernel = 0;
    ck_free_blocks(c);
    if (c->verbose && !c->bench) printf("%-32s %s\n", k->name, c->failures == before ? "ok" : "FAILED");
}

static fvi_cpu_flags machine(void)
{
#ifdef CK_EMULATED /* the files of the levels from avx512 up are compiled for emulation: everything runs everywhere with AVX2 */
    return fvi_cpu_detect() | FVI_CPU_AVX512 | FVI_CPU_AVX512BF16 | FVI_CPU_AVX512FP16 | FVI_CPU_AMX;
#else
    return fvi_cpu_detect();
#endif
}

static bool option(const char *arg, const char *name, const char **value)
{
    size_t n = strlen(name);
    if (strncmp(arg, name, n) || (arg[n] && arg[n] != '=')) return false;
    *value = arg[n] ? arg + n + 1 : "";
    return true;
}

static int usage(const char *arg)
{
    fprintf(stderr, "checkkern: unknown option '%s'\nusage: checkkern [--isa=c,avx2,…] [--family=NAME] [--kernel=TEXT] "
                    "[--seed=N] [--cases=N] [--guard] [--verbose] [--bench] [--json] [--list]\n", arg);
    return 2;
}

/* "avx2" is exactly level avx2, unlike --cpu of the product. */
static bool parse_levels(const char *list, fvi_cpu_flags *out)
{
    char word[32];
    for (*out = 0; *list;) {
        size_t n = strcspn(list, ",");
        if (n >= sizeof word) return false;
        memcpy(word, list, n);
        word[n] = 0;
        fvi_cpu_flags f;
        if (!fvi_cpu_parse(word, &f, NULL, NULL)) return false;
        for (fvi_cpu_flags bit = FVI_CPU_TOP; bit; bit >>= 1)
            if (f & bit) {
                *out |= bit;
                break;
            }
        list += n + (list[n] == ',');
    }
    return true;
}

int main(int argc, char **argv)
{
    ck *c = &run;
    fvi_cpu_flags levels = ~0u;
    const char *kernel = "", *family = "", *v;
    bool list = false;
    c->seed = (uint64_t)time(NULL) * 2654435761u % 1000000007u;
    for (int i = 1; i < argc; i++) {
        if (option(argv[i], "--isa", &v)) {
            if (!parse_levels(v, &levels)) return usage(argv[i]);
        } else if (option(argv[i], "--kernel", &v)) kernel = v;
        else if (option(argv[i], "--family", &v)) family = v;
        else if (option(argv[i], "--seed", &v)) c->seed = strtoull(v, NULL, 0);
        else if (option(argv[i], "--cases", &v)) c->cases = atoi(v);
        else if (option(argv[i], "--guard", &v)) c->guard = true;
        else if (option(argv[i], "--bench", &v)) c->bench = true;
        else if (option(argv[i], "--json", &v)) c->json = true;
        else if (option(argv[i], "--verbose", &v)) c->verbose = true;
        else if (option(argv[i], "--list", &v)) list = true;
        else return usage(argv[i]);
    }
    if (levels != ~0u && (levels & ~machine())) {
        printf("skipped: this machine has no %s\n", fvi_cpu_level_name(levels & ~machine()));
        return 77;
    }
    catch_crashes();
    if (c->json) printf("[");
    int kernels = 0;
    for (const ck_family *const *f = ck_families; *f; f++) {
        if (*family && strcmp((*f)->name, family)) continue;
        static ck_kernel all[MAX_KERNELS];
        int n = (*f)->list(all, MAX_KERNELS);
        if (n > MAX_KERNELS) return fprintf(stderr, "checkkern: family %s has too many kernels\n", (*f)->name), 2;
        for (fvi_cpu_flags level = FVI_CPU_C; level && level <= FVI_CPU_TOP; level <<= 1)
            for (int i = 0; i < n; i++) {
                if (all[i].level != level || !(level & levels) || !strstr(all[i].name, kernel)) continue;
                if (list) {
                    printf("%-10s %-32s %s\n", (*f)->name, all[i].name, level & machine() ? "" : "(not on this machine)");
                    continue;
                }
                if (!(level & machine())) continue;
                kernels++;
                one_kernel(c, *f, &all[i]);
            }
    }
    if (c->json) printf("\n]\n");
    if (!list && !c->bench)
        printf("checkkern: %d kernels, %ld checks, %ld failures, seed %llu\n", kernels, c->checks, c->failures,
               (unsigned long long)c->seed);
    if (!list && !kernels && *kernel) return fprintf(stderr, "checkkern: no kernel named like '%s'\n", kernel), 2;
    return c->failures ? 1 : 0;
}
