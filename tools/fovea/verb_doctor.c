/* verb_doctor.c: what this machine can do, and why not. Reads the kernel's own files; changes nothing. */
#include "cli.h"
#include "text.h"
#include <fovea/version.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void print_line(const char *title, const char *value)
{
    text t = {0};
    text_terminal(&t, value ? value : "");
    printf("%-12s%s\n", title, t.s ? t.s : "");
    text_free(&t);
}

/* First line of a file, or null. */
static const char *first_line(const char *path, char *buf, size_t n)
{
    FILE *f = fopen(path, "re");
    const char *line = f ? fgets(buf, (int)n, f) : NULL;
    if (f) fclose(f);
    if (line) buf[strcspn(buf, "\n")] = 0;
    return line;
}

static void print_cpu(const cli_args *a)
{
    const char *level, *why;
    fv_context *ctx;
    fv_error err = {0};
    (void)a;
    if (fv_context_create(&ctx, FV_CONTEXT_OPTIONS(.threads = 1), &err) < 0) {
        print_line("cpu", err.text);
        return;
    }
    print_line("cpu", fv_context_cpu_name(ctx));
    fv_context_free(&ctx);
    for (int i = 0; (level = fv_cpu_level(i, &why)); i++) {
        text t = {0};
        text_printf(&t, "%-11s%s%s", level, why ? "no: " : "yes", why ? why : "");
        print_line(i ? "" : "levels", t.s);
        text_free(&t);
    }
}

static void print_threads(void)
{
    cpu_set_t set;
    char line[128];
    CPU_ZERO(&set);
    int usable = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 0;
    printf("%-12s%ld online, %d usable by this process\n", "cores", sysconf(_SC_NPROCESSORS_ONLN), usable);
    const char *quota = first_line("/sys/fs/cgroup/cpu.max", line, sizeof line);
    double max, period;
    if (quota && sscanf(quota, "%lf %lf", &max, &period) == 2 && period > 0)
        printf("%-12scgroup limit of %.2f CPUs%s\n", "", max / period, max / period < usable ? ": give --threads to match it" : "");
    else
        printf("%-12s%s\n", "", quota ? "no cgroup limit" : "cgroup limit not known");
}

static double meminfo(const char *key)
{
    char line[128];
    double kb = 0;
    FILE *f = fopen("/proc/meminfo", "re");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, key, strlen(key)) == 0) kb = strtod(line + strlen(key), NULL);
    if (f) fclose(f);
    return kb * 1024;
}

static void print_memory(void)
{
    char line[128];
    printf("%-12s%.1f GB, %.1f GB available\n", "memory", meminfo("MemTotal:") / 1e9, meminfo("MemAvailable:") / 1e9);
    const char *limit = first_line("/sys/fs/cgroup/memory.max", line, sizeof line);
    if (limit && strcmp(limit, "max") != 0) printf("%-12scgroup limit of %.1f GB\n", "", strtod(limit, NULL) / 1e9);
}

static void print_gpu(void)
{
    char line[256];
    const char *driver = first_line("/proc/driver/nvidia/version", line, sizeof line);
    print_line("gpu", "not used: this version computes on the CPU only");
    if (driver) print_line("", driver);
    else if (access("/dev/nvidiactl", F_OK) != 0) print_line("", "and no NVIDIA driver is loaded on this machine");
}

static void print_models(void)
{
    const char *name, *about;
    if (!fv_builtin_model_name(0, NULL)) print_line("models", "none built in");
    for (int i = 0; (name = fv_builtin_model_name(i, &about)); i++) {
        text t = {0};
        text_printf(&t, "%-8s%s", name, about);
        print_line(i ? "" : "models", t.s);
        text_free(&t);
    }
}

static void print_caches(void)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    text t = {0};
    if (cache && cache[0])
        text_printf(&t, "%s/fovea", cache);
    else if (home && home[0])
        text_printf(&t, "%s/.cache/fovea", home);
    else
        text_add(&t, "no place: neither XDG_CACHE_HOME nor HOME is set");
    text_add(&t, access(t.s, F_OK) == 0 ? "" : " (nothing there yet)");
    print_line("caches", t.s);
    text_free(&t);
}

static int run(const cli_args *a)
{
    fv_error err = {0};
    printf("%-12s%s, library %s\n", "fovea", FV_VERSION, fv_version());
    print_cpu(a);
    print_threads();
    print_memory();
    print_gpu();
    const fv_media_api *media = cli_media(&err);
    print_line("media", media ? media->version : err.text);
    if (media) print_line("", "this library with Debian's FFmpeg and x264 is under GPL-2+");
    print_models();
    print_caches();
    return EXIT_OK;
}

const cli_verb cli_verb_doctor = {
    .name = "doctor",
    .job = "what this machine can do, and why not",
    .usage = "",
    .example = "fovea doctor",
    .max_args = 0,
    .run = run,
};
