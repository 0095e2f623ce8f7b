/* names.c: hash table from a value's name to the value, for one import. */
#include "base/alloc.h"
#include "model/onnx/internal.h"
#include <string.h>

static uint64_t hash(const fvi_names *t, const char *s, size_t n)
{
    uint64_t h = t->seed ^ 0xcbf29ce484222325u;
    for (size_t i = 0; i < n; i++) {
        h = (h ^ (uint8_t)s[i]) * 0x100000001b3u;
        h ^= h >> 29;
    }
    return (h ^ (h >> 32)) * 0x9e3779b97f4a7c15u;
}

static size_t find_slot(const fvi_names *t, const char *s, size_t n)
{
    size_t i = (size_t)(hash(t, s, n) >> 20) & (t->cap - 1);
    while (t->slot[i] && (strncmp(t->slot[i]->name, s, n) != 0 || t->slot[i]->name[n] != 0)) i = (i + 1) & (t->cap - 1);
    return i;
}

fvi_value *fvi_names_find(const fvi_names *t, fvi_span name)
{
    if (!t->cap || name.n == 0 || memchr(name.p, 0, name.n)) return NULL;
    return t->slot[find_slot(t, (const char *)name.p, name.n)];
}

static bool resize(fvi_names *t, size_t cap)
{
    fvi_names bigger = {fvi_calloc(cap, sizeof *bigger.slot), cap, 0,
                        t->seed ? t->seed : (uint64_t)(uintptr_t)t * 0x9e3779b97f4a7c15u};
    if (!bigger.slot) return false;
    for (size_t i = 0; i < t->cap; i++)
        if (t->slot[i]) bigger.slot[find_slot(&bigger, t->slot[i]->name, strlen(t->slot[i]->name))] = t->slot[i];
    bigger.count = t->count;
    fvi_free(t->slot);
    *t = bigger;
    return true;
}

bool fvi_names_add(fvi_names *t, fvi_value *v)
{
    if (t->count * 2 >= t->cap && !resize(t, t->cap ? t->cap * 2 : 256)) return false;
    size_t i = find_slot(t, v->name, strlen(v->name));
    if (!t->slot[i]) t->count++;
    t->slot[i] = v;
    return true;
}

void fvi_names_free(fvi_names *t) { FVI_FREE(t->slot); }
