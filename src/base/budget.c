/* budget.c: see budget.h. */
#include "base/budget.h"
#include "base/error.h"
#include <stdio.h>
#include <unistd.h>

static _Thread_local fvi_budget *current;

void fvi_budget_begin(fvi_budget *b, int64_t limit)
{
    *b = (fvi_budget){.limit = limit, .outer = current};
    current = b;
}

fv_status fvi_budget_end(fvi_budget *b, fv_status st, fv_error *err)
{
    current = b->outer;
    if (st >= 0 || !b->refused) return st;
    const fv_error before = err ? *err : (fv_error){0};
    return fvi_error_set(err, FV_ERR_MEMORY, "the model needs more than %lld MB of memory, which is the limit (fv_context_options.memory_limit, --memory-limit): no %zu MB more; %.200s",
                         (long long)(b->limit >> 20), (b->refused + (1 << 20) - 1) >> 20, before.text);
}

bool fvi_budget_allows(size_t bytes)
{
    fvi_budget *b = current;
    if (!b || (b->used <= b->limit && bytes <= (uint64_t)(b->limit - b->used))) return true;
    if (!b->refused) b->refused = bytes;
    return false;
}

void fvi_budget_count(int64_t bytes)
{
    if (current) current->used += bytes;
}

/* The number in the file, when it is less than *least. */
static void at_most(const char *path, int64_t *least)
{
    FILE *f = fopen(path, "re");
    long long n;
    if (f && fscanf(f, "%lld", &n) == 1 && n > 0 && n < *least) *least = n;
    if (f) fclose(f);
}

int64_t fvi_budget_default(void)
{
    const long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    int64_t bytes = pages > 0 && size > 0 ? (int64_t)pages * size : (int64_t)4 << 30;
    at_most("/sys/fs/cgroup/memory.max", &bytes); /* seen from inside a container */
    at_most("/sys/fs/cgroup/memory/memory.limit_in_bytes", &bytes);
    return bytes / 2;
}
