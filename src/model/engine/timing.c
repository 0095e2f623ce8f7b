/* timing.c: winners in memory, found by device and problem, and the cache of a context around them. Called by session.c
 * (find, through tuning.c) and context.c. */
#include "model/engine/timing.h"
#include "base/alloc.h"
#include "base/hash.h"
#include <fovea/version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t key_of(const char *device, const char *problem) { return fvi_hash_text(problem, fvi_hash_text(device, 0)); }

/* First item with this key or above. */
static size_t lower_bound(const fvi_timing_store *s, uint64_t key)
{
    size_t lo = 0, hi = s->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (s->items[mid].key < key)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

const fvi_timing *fvi_timing_find(const fvi_timing_store *s, const char *device, const char *problem)
{
    const uint64_t key = key_of(device, problem);
    for (size_t i = lower_bound(s, key); i < s->n && s->items[i].key == key; i++)
        if (!strcmp(s->items[i].problem, problem) && !strcmp(s->items[i].device, device)) return &s->items[i];
    return NULL;
}

static bool is_plain(const char *text, size_t limit)
{
    const size_t n = strnlen(text, limit);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)text[i] < ' ' || (unsigned char)text[i] > '~') return false;
    return n > 0 && n < limit;
}

bool fvi_timing_append(fvi_timing_store *s, const char *device, const char *problem, const char *tactic, int64_t ns)
{
    if (s->n >= FVI_TIMING_MAX_ENTRIES || ns < 0 || !is_plain(tactic, FVI_TIMING_TEXT) || !is_plain(problem, FVI_PROBLEM_MAX)) return false;
    if (!fvi_grow((void **)&s->items, s->n, &s->cap, sizeof *s->items)) return false;
    fvi_timing t = {.key = key_of(device, problem), .ns = ns, .device = device,
                    .problem = fvi_arena_strdup(s->arena, problem), .tactic = fvi_arena_strdup(s->arena, tactic)};
    if (!t.problem || !t.tactic) return false;
    s->items[s->n++] = t;
    return true;
}

const char *fvi_timing_device(fvi_timing_store *s, const char *device)
{
    for (int i = 0; i < s->n_devices; i++)
        if (!strcmp(s->devices[i], device)) return s->devices[i];
    if (!s->arena) s->arena = fvi_arena_create(0);
    if (!s->arena || s->n_devices == FVI_TIMING_MAX_DEVICES || !is_plain(device, FVI_TIMING_TEXT)) return NULL;
    const char *copy = fvi_arena_strdup(s->arena, device);
    if (copy) s->devices[s->n_devices++] = copy;
    return copy;
}

static int by_key(const void *a, const void *b)
{
    const fvi_timing *x = a, *y = b;
    return x->key < y->key ? -1 : x->key > y->key;
}

bool fvi_timing_sort(fvi_timing_store *s)
{
    if (s->n) qsort(s->items, s->n, sizeof *s->items, by_key);
    for (size_t i = 1; i < s->n; i++) /* equal keys of different problems are not seen outside of attacks */
        if (s->items[i].key == s->items[i - 1].key) return false;
    return true;
}

static bool overwrite(fvi_timing_store *s, fvi_timing *t, const char *tactic, int64_t ns)
{
    const char *copy = is_plain(tactic, FVI_TIMING_TEXT) && ns >= 0 ? fvi_arena_strdup(s->arena, tactic) : NULL;
    if (copy) t->tactic = copy, t->ns = ns, t->replaces = true;
    return copy != NULL;
}

bool fvi_timing_add(fvi_timing_store *s, const char *device, const char *problem, const char *tactic, int64_t ns, bool replace)
{
    const fvi_timing *old = fvi_timing_find(s, device, problem);
    if (old) return !replace || overwrite(s, s->items + (old - s->items), tactic, ns);
    device = fvi_timing_device(s, device);
    if (!device || !fvi_timing_append(s, device, problem, tactic, ns)) return false;
    const fvi_timing t = s->items[s->n - 1];
    s->n--;
    const size_t at = lower_bound(s, t.key);
    memmove(s->items + at + 1, s->items + at, (s->n - at) * sizeof *s->items);
    s->items[at] = t;
    s->n++;
    return true;
}

void fvi_timing_clear(fvi_timing_store *s)
{
    fvi_arena_free(&s->arena);
    fvi_free(s->items);
    *s = (fvi_timing_store){0};
}

/* ---- of a context ---- */

/* Timings are comparable only where all of this is equal. */
void fvi_timing_device_text(char text[FVI_TIMING_TEXT], fvi_cpu_flags cpu, int threads)
{
    char levels[80], model[96];
    fvi_cpu_cache k;
    fvi_cpu_model(model, sizeof model);
    fvi_cpu_caches(&k);
    fvi_cpu_list(cpu, levels, sizeof levels);
    snprintf(text, FVI_TIMING_TEXT, "cpu %s levels %s l1 %zu l2 %zu l3 %zu threads %d", model, levels, k.l1d, k.l2, k.l3, threads);
}

/* The names stand for the kernels: a program with other tactics would have chosen among others. */
void fvi_timing_version(char text[FVI_TIMING_TEXT], const fvi_backend *backend)
{
    uint64_t h = 0;
    for (int i = 0; backend->tactic_at && backend->tactic_at(i); i++) h = fvi_hash_text(backend->tactic_at(i), h);
    snprintf(text, FVI_TIMING_TEXT, "%s tactics %016llx", FV_VERSION, (unsigned long long)h);
}

fv_status fvi_timing_cache_create(fvi_timing_cache **out, const char *path, const fvi_backend *backend, fvi_cpu_flags cpu,
                                  int threads, const fvi_log *log, fv_error *err)
{
    fvi_timing_cache *c = *out = fvi_calloc(1, sizeof *c);
    if (!c) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    pthread_mutex_init(&c->lock, NULL);
    c->log = log;
    fvi_timing_device_text(c->device, cpu, threads);
    fvi_timing_version(c->version, backend);
    c->path = path ? fvi_strdup(path) : NULL;
    if (!path || c->path) return FV_OK;
    fvi_timing_cache_free(out);
    return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
}

void fvi_timing_cache_free(fvi_timing_cache **c)
{
    if (!*c) return;
    pthread_mutex_destroy(&(*c)->lock);
    fvi_timing_clear(&(*c)->all);
    fvi_free((*c)->path);
    FVI_FREE(*c);
}

static void load_once(fvi_timing_cache *c)
{
    if (c->loaded) return;
    c->loaded = true;
    if (!c->path || fvi_timing_read(&c->all, c->path, c->version, c->trouble)) return;
    fvi_log_write(c->log, FV_LOG_WARNING, "the timing cache %s is not used: %s; it is made anew when something is timed", c->path, c->trouble);
}

bool fvi_timing_cache_find(fvi_timing_cache *c, const char *problem, char tactic[FVI_TIMING_TEXT])
{
    pthread_mutex_lock(&c->lock);
    load_once(c);
    const fvi_timing *t = fvi_timing_find(&c->all, c->device, problem);
    if (t) snprintf(tactic, FVI_TIMING_TEXT, "%s", t->tactic);
    pthread_mutex_unlock(&c->lock);
    return t != NULL;
}

bool fvi_timing_cache_add(fvi_timing_cache *c, const char *problem, const char *tactic, int64_t ns, bool replace)
{
    pthread_mutex_lock(&c->lock);
    load_once(c);
    bool ok = fvi_timing_add(&c->all, c->device, problem, tactic, ns, replace);
    pthread_mutex_unlock(&c->lock);
    return ok;
}

static void explain_devices(const fvi_timing_cache *c, char text[300])
{
    size_t here = 0;
    const char *other = NULL;
    for (size_t i = 0; i < c->all.n; i++)
        if (!strcmp(c->all.items[i].device, c->device))
            here++;
        else
            other = c->all.items[i].device;
    if (here)
        snprintf(text, 300, "%.220s holds %zu choice%s for this machine, but not for these shapes", c->path ? c->path : "the cache", here, here == 1 ? "" : "s");
    else if (other)
        snprintf(text, 300, "it holds choices for '%.120s' only, this is '%.120s'", other, c->device);
    else
        snprintf(text, 300, "%.240s holds nothing yet", c->path ? c->path : "the cache");
}

void fvi_timing_cache_explain(fvi_timing_cache *c, char text[300])
{
    pthread_mutex_lock(&c->lock);
    load_once(c);
    if (c->trouble[0])
        snprintf(text, 300, "the cache is not used: %s", c->trouble);
    else
        explain_devices(c, text);
    pthread_mutex_unlock(&c->lock);
}

void fvi_timing_cache_save(fvi_timing_cache *c)
{
    fv_error err = {0};
    if (!c->path) return;
    pthread_mutex_lock(&c->lock);
    if (fvi_timing_merge(&c->all, c->path, c->version, &err) < 0)
        fvi_log_write(c->log, FV_LOG_WARNING, "what was timed is lost when the program ends: %s", err.text);
    pthread_mutex_unlock(&c->lock);
}
