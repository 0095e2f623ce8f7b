/* timing_file.c: the timing cache as a file: lines of text, the last a checksum of all before. Read with suspicion, merged
 * under a lock, replaced in one step. Called by timing.c; fuzzed (fuzz/fuzz_timing.c). */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "model/engine/timing.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define HEADER "fovea timing cache "
enum { FORMAT = 1, SUM_LINE = 21, LOCK_WAIT_MS = 5000 }; /* "sum 0123456789abcdef\n" */

/* ---- writing ---- */

/* Grouped by device, in the order of the keys. */
void fvi_timing_print(const fvi_timing_store *s, const char *version, fvi_str *out)
{
    fvi_str_printf(out, HEADER "%d\nversion %s\n", FORMAT, version);
    for (int d = 0; d < s->n_devices; d++) {
        fvi_str_printf(out, "device %s\n", s->devices[d]);
        for (size_t i = 0; i < s->n; i++)
            if (s->items[i].device == s->devices[d])
                fvi_str_printf(out, "%lld\t%s\t%s\n", (long long)s->items[i].ns, s->items[i].tactic, s->items[i].problem);
    }
    if (out->s) fvi_str_printf(out, "sum %016llx\n", (unsigned long long)fvi_hash(out->s, out->len, 0));
}

/* ---- reading ---- */

typedef struct reader {
    const char *at, *end;
    int line;
    char text[FVI_TIMING_TEXT + FVI_PROBLEM_MAX + 32]; /* the line in hand */
    char *why;
} reader;

static bool wrong(reader *r, const char *what)
{
    snprintf(r->why, 200, "line %d %s", r->line, what);
    return false;
}

/* The next line into r->text, without its end. */
static bool next_line(reader *r)
{
    const char *end = memchr(r->at, '\n', (size_t)(r->end - r->at));
    r->line++;
    if (!end) return wrong(r, "has no end");
    if ((size_t)(end - r->at) >= sizeof r->text) return wrong(r, "is too long");
    memcpy(r->text, r->at, (size_t)(end - r->at));
    r->text[end - r->at] = 0;
    if (strlen(r->text) != (size_t)(end - r->at)) return wrong(r, "holds a zero byte");
    r->at = end + 1;
    return true;
}

static bool read_entry(reader *r, fvi_timing_store *s, const char *device)
{
    char *p = r->text, *tactic = strchr(p, '\t'), *problem = tactic ? strchr(tactic + 1, '\t') : NULL;
    int64_t ns = 0;
    if (!problem || !device || tactic == p || tactic - p > 15) return wrong(r, "is no entry");
    *tactic++ = *problem++ = 0;
    for (; *p; p++) {
        if (*p < '0' || *p > '9') return wrong(r, "has no time");
        ns = ns * 10 + (*p - '0');
    }
    return fvi_timing_append(s, device, problem, tactic, ns) || wrong(r, "cannot be kept");
}

static bool read_lines(reader *r, fvi_timing_store *s, const char *version)
{
    const char *device = NULL;
    char mine[FVI_TIMING_TEXT + 16];
    snprintf(mine, sizeof mine, HEADER "%d", FORMAT);
    if (!next_line(r)) return false;
    if (strncmp(r->text, HEADER, strlen(HEADER))) return wrong(r, "is not that of a timing cache");
    if (strcmp(r->text, mine)) {
        snprintf(r->why, 200, "it has format %.20s, this program reads %d", r->text + strlen(HEADER), FORMAT);
        return false;
    }
    if (!next_line(r)) return false;
    if (strncmp(r->text, "version ", 8)) return wrong(r, "says no version");
    if (strcmp(r->text + 8, version)) {
        snprintf(r->why, 200, "it is of version %.60s, this is %.60s", r->text + 8, version);
        return false;
    }
    while (r->at < r->end) {
        if (!next_line(r)) return false;
        if (strncmp(r->text, "device ", 7)) {
            if (!read_entry(r, s, device)) return false;
        } else {
            device = fvi_timing_device(s, r->text + 7);
            if (!device) return wrong(r, "is no device, or one too many");
        }
    }
    if (fvi_timing_sort(s)) return true;
    snprintf(r->why, 200, "an entry comes twice");
    return false;
}

static bool sum_is_right(const char *bytes, size_t size)
{
    char sum[SUM_LINE + 1];
    if (size < SUM_LINE) return false;
    snprintf(sum, sizeof sum, "sum %016llx\n", (unsigned long long)fvi_hash(bytes, size - SUM_LINE, 0));
    return !memcmp(bytes + size - SUM_LINE, sum, SUM_LINE);
}

bool fvi_timing_parse(fvi_timing_store *s, const void *bytes, size_t size, const char *version, char why[200])
{
    reader r = {.at = bytes, .end = (const char *)bytes + (size > SUM_LINE ? size - SUM_LINE : 0), .why = why};
    why[0] = 0;
    if (size < strlen(HEADER) || memcmp(bytes, HEADER, strlen(HEADER)))
        snprintf(why, 200, "it is no timing cache");
    else if (!sum_is_right(bytes, size))
        snprintf(why, 200, "it is damaged or cut (its checksum is wrong)");
    else if (read_lines(&r, s, version))
        return true;
    fvi_timing_clear(s);
    return false;
}

bool fvi_timing_read(fvi_timing_store *s, const char *path, const char *version, char why[200])
{
    fvi_map m;
    fv_error err = {0};
    why[0] = 0;
    if (access(path, F_OK) != 0 && errno == ENOENT) return true;
    if (fvi_map_open(&m, path, FVI_TIMING_MAX_BYTES, &err) < 0) {
        const size_t n = strlen(path); /* the path stands in front of it, and whoever reports adds it */
        snprintf(why, 200, "%.190s", !strncmp(err.text, path, n) && !strncmp(err.text + n, ": ", 2) ? err.text + n + 2 : err.text);
        return false;
    }
    bool ok = fvi_timing_parse(s, m.data, m.size, version, why);
    fvi_map_close(&m);
    return ok;
}

/* ---- merging ---- */

/* A lock on a file beside it, since the file itself is replaced. Whoever holds it does so for milliseconds. */
static fv_status lock(const char *path, int *fd, fv_error *err)
{
    fvi_str name = {0};
    fvi_str_printf(&name, "%s.lock", path);
    *fd = name.failed ? -1 : open(name.s, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    int e = name.failed ? ENOMEM : errno;
    fvi_str_free(&name);
    if (*fd < 0) return fvi_error_set(err, FV_ERR_OUTPUT, "%s.lock: %s", path, strerror(e));
    const int64_t until = fvi_now_ns() + LOCK_WAIT_MS * INT64_C(1000000);
    while (flock(*fd, LOCK_EX | LOCK_NB) != 0) {
        if ((errno != EWOULDBLOCK && errno != EINTR) || fvi_now_ns() > until) {
            fv_status st = fvi_error_set(err, FV_ERR_OUTPUT, "%s.lock: another process holds it (%s)", path, strerror(errno));
            close(*fd);
            return st;
        }
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    }
    return FV_OK;
}

/* What the file holds goes first: its choices may be in use. */
static fv_status merge_locked(const fvi_timing_store *s, const char *path, const char *version, fv_error *err)
{
    fvi_timing_store all = {0};
    fvi_str text = {0};
    char why[200];
    fv_status st = FV_OK;
    fvi_timing_read(&all, path, version, why); /* what cannot be trusted is replaced; its reader has said so */
    for (size_t i = 0; i < s->n && st >= 0; i++)
        if (!fvi_timing_add(&all, s->items[i].device, s->items[i].problem, s->items[i].tactic, s->items[i].ns, s->items[i].replaces))
            st = all.n >= FVI_TIMING_MAX_ENTRIES
                     ? fvi_error_set(err, FV_ERR_LIMIT, "%s: is full (%zu choices); remove it, and what is in use is timed again", path, all.n)
                     : fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    if (st >= 0) {
        fvi_timing_print(&all, version, &text);
        st = text.failed ? fvi_error_set(err, FV_ERR_MEMORY, "out of memory") : fvi_file_write(path, text.s, text.len, err);
    }
    fvi_str_free(&text);
    fvi_timing_clear(&all);
    return st;
}

fv_status fvi_timing_merge(const fvi_timing_store *s, const char *path, const char *version, fv_error *err)
{
    int fd;
    FVI_TRY(lock(path, &fd, err));
    fv_status st = merge_locked(s, path, version, err);
    close(fd);
    return st;
}
