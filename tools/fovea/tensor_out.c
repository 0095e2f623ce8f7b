/* tensor_out.c: a file of tensors: headers and data laid out at the start, gaps closed and headers written at the end, when it is known what there
 * is. Called by verb_prep.c. Formats: NumPy's .npy and .npz (stored, with zip64 where it must be), safetensors, raw. */
#include "tensor_out.h"
#include "cli.h"
#include "npy.h"
#include "text.h"
#include "zip.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define ALIGN 64

typedef struct entry {
    char *name;
    fv_tensor t;
    size_t at;       /* of its data in the file */
    size_t header;   /* bytes in front of it that are its own */
    size_t row;      /* bytes of one row */
    uint8_t *gaps;   /* [rows] non-zero: left out; null = none */
} entry;

struct tensor_out {
    tensor_format format;
    char *path, *temporary;
    int fd, n;
    entry *e;
    char *map; /* while the file is finished */
    size_t size, front; /* of the file; of what is in front of all entries */
};

static size_t bytes_of(const fv_tensor *t) { return (size_t)fv_tensor_count(t) * fv_dtype_size(t->dtype); }
static size_t round_up(size_t n) { return (n + ALIGN - 1) / ALIGN * ALIGN; }

static bool ends(const char *path, const char *with)
{
    size_t n = strlen(path), k = strlen(with);
    return n >= k && strcmp(path + n - k, with) == 0;
}

tensor_format tensor_format_of(const char *path)
{
    return ends(path, ".npy") ? TENSOR_NPY : ends(path, ".npz") ? TENSOR_NPZ : ends(path, ".safetensors") ? TENSOR_SAFETENSORS : TENSOR_RAW;
}

const char *tensor_format_refuses(tensor_format f, fv_dtype dtype)
{
    return dtype == FV_BF16 && (f == TENSOR_NPY || f == TENSOR_NPZ) ? "NumPy has no bfloat16: write .safetensors or raw bytes" : NULL;
}

/* ---- headers ---- */

static void npz_name(text *t, const entry *e)
{
    text_add(t, e->name);
    text_add(t, ".npy");
}

/* Always as long as for the largest first dimension: npy_header pads to 64. */
static void entry_header(const tensor_out *o, const entry *e, text *t)
{
    text npy = {0}, name = {0};
    if (o->format == TENSOR_NPY || o->format == TENSOR_NPZ) npy_header(&npy, &e->t);
    if (o->format == TENSOR_NPZ) {
        npz_name(&name, e);
        size_t n = npy.len + bytes_of(&e->t);
        uint32_t crc = o->map ? zip_crc32(zip_crc32(0, npy.s, npy.len), o->map + e->at, bytes_of(&e->t)) : 0;
        zip_local(t, name.s, n, crc, e->header ? e->header - npy.len : 0);
    }
    text_addn(t, npy.s ? npy.s : "", npy.len);
    text_free(&npy);
    text_free(&name);
}

static const char *safetensors_type(fv_dtype d) { return d == FV_F32 ? "F32" : d == FV_F16 ? "F16" : d == FV_BF16 ? "BF16" : "U8"; }

static void safetensors_header(const tensor_out *o, text *t, size_t room)
{
    size_t at = 0;
    bool first = true;
    text_addn(t, "\0\0\0\0\0\0\0\0", 8);
    text_add(t, "{");
    for (int i = 0; i < o->n; i++) {
        const entry *e = &o->e[i];
        if (!e->t.dim[0]) continue;
        text_add(t, first ? "" : ",");
        first = false;
        text_json(t, e->name);
        text_printf(t, ":{\"dtype\":\"%s\",\"shape\":[", safetensors_type(e->t.dtype));
        for (int d = 0; d < e->t.rank; d++) text_printf(t, "%s%lld", d ? "," : "", (long long)e->t.dim[d]);
        text_printf(t, "],\"data_offsets\":[%zu,%zu]}", at, at + bytes_of(&e->t));
        at += bytes_of(&e->t);
    }
    text_add(t, "}");
    while (t->len < room || t->len % 8) text_add(t, " "); /* blanks at the end are part of the format */
    for (int k = 0; k < 8; k++) t->s[k] = (char)((t->len - 8) >> (8 * k));
}

/* ---- begin ---- */

static void lay_out(tensor_out *o)
{
    if (o->format == TENSOR_SAFETENSORS) {
        text t = {0};
        safetensors_header(o, &t, 0);
        o->front = round_up(t.len);
        text_free(&t);
    }
    size_t at = o->front;
    for (int i = 0; i < o->n; i++) {
        text t = {0};
        entry_header(o, &o->e[i], &t);
        o->e[i].header = o->format == TENSOR_NPZ ? round_up(at + t.len + 4) - at : t.len; /* a field that fills up takes 4 at least */
        o->e[i].at = at + o->e[i].header;
        o->e[i].row = bytes_of(&o->e[i].t) / (size_t)o->e[i].t.dim[0];
        at = o->e[i].at + bytes_of(&o->e[i].t);
        text_free(&t);
    }
    o->size = at;
}

static fv_status make_file(tensor_out *o, fv_error *err)
{
    o->fd = open(o->temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    int e = o->fd < 0 ? errno : 0;
    if (!e) e = posix_fallocate(o->fd, 0, (off_t)o->size); /* a full disk is found here, not while it is written */
    return e ? cli_set_error(err, FV_ERR_OUTPUT, "%s: %s (%zu bytes are needed)", o->path, strerror(e), o->size) : FV_OK;
}

fv_status tensor_out_open(tensor_out **out, const char *path, const fv_tensor *t, const char *const *names, int n, fv_error *err)
{
    tensor_out *o = tool_alloc(sizeof *o);
    text name = {0};
    text_printf(&name, "%s.tmp-%ld", path, (long)getpid());
    o->format = tensor_format_of(path);
    o->path = tool_strdup(path);
    o->temporary = name.s;
    o->fd = -1;
    o->n = n;
    o->e = tool_alloc((size_t)n * sizeof *o->e);
    for (int i = 0; i < n; i++) o->e[i] = (entry){.name = tool_strdup(names ? names[i] : "images"), .t = t[i]};
    lay_out(o);
    fv_status s = make_file(o, err);
    if (s < 0) tensor_out_cancel(&o);
    *out = o;
    return s;
}

fv_status tensor_out_write(const tensor_out *o, int i, int64_t row, const void *data, size_t bytes, fv_error *err)
{
    const entry *e = &o->e[i];
    size_t at = e->at + (size_t)row * e->row;
    if (bytes != e->row) return cli_set_error(err, FV_ERR_INTERNAL, "%s: a row of %zu bytes where %zu belong", o->path, bytes, e->row);
    for (const char *p = data; bytes;) {
        ssize_t n = pwrite(o->fd, p, bytes, (off_t)at);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return cli_set_error(err, FV_ERR_OUTPUT, "%s: %s", o->path, strerror(n < 0 ? errno : ENOSPC));
        p += n;
        at += (size_t)n;
        bytes -= (size_t)n;
    }
    return FV_OK;
}

void tensor_out_drop(tensor_out *o, int i, int64_t row)
{
    entry *e = &o->e[i];
    if (!e->gaps) e->gaps = tool_alloc((size_t)e->t.dim[0]);
    e->gaps[row] = 1;
}

/* ---- end ---- */

static void release(tensor_out **out)
{
    tensor_out *o = *out;
    if (o->map) munmap(o->map, o->size);
    if (o->fd >= 0) close(o->fd);
    for (int i = 0; i < o->n; i++) {
        free(o->e[i].name);
        free(o->e[i].gaps);
    }
    free(o->e);
    free(o->path);
    free(o->temporary);
    free(o);
    *out = NULL;
}

void tensor_out_cancel(tensor_out **o)
{
    if (!*o) return;
    if ((*o)->fd >= 0) unlink((*o)->temporary);
    release(o);
}

/* Rows that were left out make way for those behind them. */
static void close_gaps(const tensor_out *o, entry *e)
{
    int64_t kept = 0;
    for (int64_t r = 0; e->gaps && r < e->t.dim[0]; r++) {
        if (e->gaps[r]) continue;
        if (kept != r) memcpy(o->map + e->at + (size_t)kept * e->row, o->map + e->at + (size_t)r * e->row, e->row);
        kept++;
    }
    if (e->gaps) e->t.dim[0] = kept;
}

/* Puts tensors behind each other and headers in front; `directory`: what comes behind all. Returns where that begins. */
static size_t pack(tensor_out *o, text *directory)
{
    size_t at = o->front;
    int n = 0;
    for (int i = 0; i < o->n; i++) close_gaps(o, &o->e[i]);
    if (o->format == TENSOR_SAFETENSORS) {
        text t = {0};
        safetensors_header(o, &t, o->front);
        memcpy(o->map, t.s, t.len);
        text_free(&t);
    }
    for (int i = 0; i < o->n; i++) {
        entry *e = &o->e[i];
        if (!e->t.dim[0]) continue;
        size_t to = at + e->header, bytes = bytes_of(&e->t);
        if (to != e->at) memmove(o->map + to, o->map + e->at, bytes);
        e->at = to;
        text t = {0};
        entry_header(o, e, &t);
        memcpy(o->map + at, t.s ? t.s : "", t.len);
        if (o->format == TENSOR_NPZ) {
            text name = {0};
            npz_name(&name, e);
            zip_central(directory, name.s, t.s, at);
            text_free(&name);
            n++;
        }
        text_free(&t);
        at = to + bytes;
    }
    if (o->format == TENSOR_NPZ) zip_end(directory, n, at);
    return at;
}

fv_status tensor_out_finish(tensor_out **out, fv_error *err)
{
    tensor_out *o = *out;
    text directory = {0};
    void *map = mmap(NULL, o->size, PROT_READ | PROT_WRITE, MAP_SHARED, o->fd, 0);
    if (map == MAP_FAILED) {
        fv_status failed = cli_set_error(err, FV_ERR_OUTPUT, "%s: %s", o->path, strerror(errno));
        tensor_out_cancel(out);
        return failed;
    }
    o->map = map;
    size_t end = pack(o, &directory), behind = directory.len;
    munmap(o->map, o->size);
    o->map = NULL;
    int e = 0;
    if (end + behind != o->size && ftruncate(o->fd, (off_t)(end + behind)) != 0) e = errno;
    if (!e && behind && pwrite(o->fd, directory.s, behind, (off_t)end) != (ssize_t)behind) e = errno ? errno : ENOSPC;
    text_free(&directory);
    if (!e && close(o->fd) != 0) e = errno;
    if (!e) o->fd = -1;
    if (!e && rename(o->temporary, o->path) != 0) e = errno;
    fv_status s = e ? cli_set_error(err, FV_ERR_OUTPUT, "%s: %s", o->path, strerror(e)) : FV_OK;
    if (e) unlink(o->temporary);
    release(out);
    return s;
}
