/* npy.c: .npy files. The header is a Python dict literal; only the three keys that the format defines are understood, in
 * any order, everything else is refused. Sizes are checked against the file before memory is taken. */
#include "npy.h"
#include "cli.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>

#define FILE_LIMIT ((size_t)16 << 30)

typedef struct header {
    fv_dtype dtype;
    bool swapped, fortran;
    int rank;
    int64_t dim[FV_MAX_RANK];
    size_t data; /* where the elements start */
} header;

typedef struct reader {
    const char *at, *end;
} reader;

static void skip_blanks(reader *r)
{
    while (r->at < r->end && strchr(" \t\n\r", *r->at) && *r->at) r->at++;
}

static bool take(reader *r, char c)
{
    skip_blanks(r);
    if (r->at == r->end || *r->at != c) return false;
    r->at++;
    return true;
}

static bool take_word(reader *r, const char *word)
{
    skip_blanks(r);
    size_t n = strlen(word);
    if ((size_t)(r->end - r->at) < n || memcmp(r->at, word, n) != 0) return false;
    r->at += n;
    return true;
}

/* 'text' or "text", without escapes, into out[size] */
static bool take_string(reader *r, char *out, size_t size)
{
    skip_blanks(r);
    char quote = take(r, '\'') ? '\'' : take(r, '"') ? '"' : 0;
    const char *stop = quote ? memchr(r->at, quote, (size_t)(r->end - r->at)) : NULL;
    size_t n = stop ? (size_t)(stop - r->at) : 0;
    if (!stop || n >= size) return false;
    memcpy(out, r->at, n);
    out[n] = 0;
    r->at = stop + 1;
    return true;
}

static bool take_shape(reader *r, header *h)
{
    if (!take(r, '(')) return false;
    for (h->rank = 0; !take(r, ')'); h->rank++) {
        if (h->rank == FV_MAX_RANK || (h->rank > 0 && !take(r, ','))) return false;
        if (h->rank > 0 && take(r, ')')) return true; /* "(3,)" */
        skip_blanks(r);
        int64_t v = 0;
        const char *start = r->at;
        for (; r->at < r->end && *r->at >= '0' && *r->at <= '9'; r->at++)
            if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, *r->at - '0', &v)) return false;
        if (r->at == start) return false;
        take(r, 'L'); /* Python 2 wrote long integers so */
        h->dim[h->rank] = v;
    }
    return true;
}

static bool parse_descr(const char *d, header *h)
{
    static const struct {
        const char *code;
        fv_dtype dtype;
    } types[] = {{"f4", FV_F32}, {"f8", FV_F64}, {"f2", FV_F16}, {"i1", FV_I8}, {"u1", FV_U8}, {"i2", FV_I16}, {"u2", FV_U16},
                 {"i4", FV_I32}, {"u4", FV_U32}, {"i8", FV_I64}, {"u8", FV_U64}, {"b1", FV_BOOL}};
    if (!d[0] || !strchr("<>=|", d[0])) return false;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(d + 1, types[i].code) == 0) {
            h->dtype = types[i].dtype;
            h->swapped = d[0] == '>';
            return true;
        }
    return false;
}

static fv_status parse_dict(reader *r, header *h, const char *name, fv_error *err)
{
    char key[24], descr[40] = "";
    bool have_order = false, have_shape = false;
    bool ok = take(r, '{');
    while (ok && !take(r, '}')) {
        ok = take_string(r, key, sizeof key) && take(r, ':');
        if (ok && strcmp(key, "descr") == 0) {
            if (take(r, '[')) return cli_set_error(err, FV_ERR_INPUT, "%s: a record array; a tensor needs one element type", name);
            ok = take_string(r, descr, sizeof descr);
        } else if (ok && strcmp(key, "fortran_order") == 0) {
            h->fortran = take_word(r, "True");
            ok = have_order = h->fortran || take_word(r, "False");
        } else if (ok && strcmp(key, "shape") == 0)
            ok = have_shape = take_shape(r, h);
        else
            ok = false;
        if (ok && !take(r, ',')) {
            ok = take(r, '}');
            break;
        }
    }
    skip_blanks(r);
    if (!ok || !have_order || !have_shape || !descr[0] || r->at != r->end)
        return cli_set_error(err, FV_ERR_INPUT, "%s: the header of this .npy file cannot be read", name);
    if (!parse_descr(descr, h))
        return cli_set_error(err, FV_ERR_INPUT, "%s: element type '%s' is none that a tensor can have", name, descr);
    return FV_OK;
}

static fv_status parse_header(const unsigned char *b, size_t size, const char *name, header *h, fv_error *err)
{
    if (size < 10 || memcmp(b, "\x93NUMPY", 6) != 0) return cli_set_error(err, FV_ERR_INPUT, "%s: is no .npy file", name);
    int major = b[6];
    if (major < 1 || major > 3) return cli_set_error(err, FV_ERR_INPUT, "%s: .npy format %d is not known (1 to 3 are)", name, major);
    size_t start = major == 1 ? 10 : 12, n = b[8] | (size_t)b[9] << 8;
    if (major > 1 && size >= 12) n |= (size_t)b[10] << 16 | (size_t)b[11] << 24;
    if (size < start || n > size - start) return cli_set_error(err, FV_ERR_INPUT, "%s: is cut short inside its header", name);
    h->data = start + n;
    return parse_dict(&(reader){(const char *)b + start, (const char *)b + h->data}, h, name, err);
}

static void swap_bytes(char *p, size_t count, size_t size)
{
    for (; count--; p += size)
        for (size_t i = 0; i < size / 2; i++) {
            char c = p[i];
            p[i] = p[size - 1 - i];
            p[size - 1 - i] = c;
        }
}

/* src is column-major: walk the row-major destination in order, with an odometer over src's strides. */
static void to_row_major(char *dst, const char *src, const header *h, size_t count, size_t size)
{
    int64_t index[FV_MAX_RANK] = {0};
    size_t stride[FV_MAX_RANK], step = size, at = 0;
    for (int d = 0; d < h->rank; d++) {
        stride[d] = step;
        step *= (size_t)h->dim[d];
    }
    for (size_t i = 0; i < count; i++) {
        memcpy(dst + i * size, src + at, size);
        for (int d = h->rank - 1; d >= 0; d--) {
            at += stride[d];
            if (++index[d] < h->dim[d]) break;
            at -= stride[d] * (size_t)h->dim[d];
            index[d] = 0;
        }
    }
}

fv_status npy_parse(const void *bytes, size_t size, const char *name, fv_tensor *t, fv_error *err)
{
    header h = {0};
    *t = (fv_tensor){0};
    fv_status s = parse_header(bytes, size, name, &h, err);
    if (s < 0) return s;
    fv_tensor out = {.dtype = h.dtype, .rank = h.rank};
    memcpy(out.dim, h.dim, sizeof out.dim);
    int64_t count = fv_tensor_count(&out);
    size_t element = fv_dtype_size(h.dtype), have = (size - h.data) / element;
    if (count < 0 || (uint64_t)count > have)
        return cli_set_error(err, FV_ERR_INPUT, "%s: is cut short: the header promises more elements than the %zu that are there", name, have);
    if ((uint64_t)count < have || (size - h.data) % element)
        return cli_set_error(err, FV_ERR_INPUT, "%s: is longer than its header says", name);
    const char *src = (const char *)bytes + h.data;
    out.data = tool_alloc((size_t)count * element);
    if (h.fortran && h.rank > 1)
        to_row_major(out.data, src, &h, (size_t)count, element);
    else
        memcpy(out.data, src, (size_t)count * element);
    if (h.swapped) swap_bytes(out.data, (size_t)count, element);
    for (int64_t i = 0; h.dtype == FV_BOOL && i < count; i++) ((uint8_t *)out.data)[i] = ((uint8_t *)out.data)[i] != 0;
    *t = out;
    return FV_OK;
}

fv_status npy_read(const char *path, fv_tensor *t, fv_error *err)
{
    char *bytes;
    size_t size;
    *t = (fv_tensor){0};
    fv_status s = cli_read_file(path, FILE_LIMIT, &bytes, &size, err);
    if (s < 0) return s;
    s = npy_parse(bytes, size, path, t, err);
    free(bytes);
    return s;
}

static const char *descr_of(fv_dtype t)
{
    switch (t) {
    case FV_F32: case FV_BF16: return "<f4";
    case FV_F64: return "<f8";
    case FV_F16: return "<f2";
    case FV_I8: return "|i1";
    case FV_U8: return "|u1";
    case FV_I16: return "<i2";
    case FV_U16: return "<u2";
    case FV_I32: return "<i4";
    case FV_U32: return "<u4";
    case FV_I64: return "<i8";
    case FV_U64: return "<u8";
    case FV_BOOL: return "|b1";
    case FV_NONE: case FV_DTYPE_COUNT: break;
    }
    return NULL;
}

void npy_header(text *f, const fv_tensor *t)
{
    const char *descr = descr_of(t->dtype);
    const size_t from = f->len;
    text_addn(f, "\x93NUMPY\x01\x00\x00\x00", 10);
    text_printf(f, "{'descr': '%s', 'fortran_order': False, 'shape': (", descr ? descr : "");
    for (int d = 0; d < t->rank; d++) text_printf(f, t->rank == 1 ? "%lld," : d ? ", %lld" : "%lld", (long long)t->dim[d]);
    text_add(f, "), }");
    while ((f->len - from) % 64 != 63) text_add(f, " ");
    text_add(f, "\n");
    f->s[from + 8] = (char)((f->len - from - 10) & 0xFF);
    f->s[from + 9] = (char)((f->len - from - 10) >> 8);
}

fv_status npy_write(const char *path, const fv_tensor *t, fv_error *err)
{
    int64_t count = fv_tensor_count(t);
    if (!descr_of(t->dtype) || count < 0) return cli_set_error(err, FV_ERR_INTERNAL, "%s: a tensor without type or size cannot be written", path);
    text f = {0};
    npy_header(&f, t);
    if (t->dtype == FV_BF16)
        for (int64_t i = 0; i < count; i++) {
            uint32_t wide = (uint32_t)((const uint16_t *)t->data)[i] << 16;
            text_addn(&f, (const char *)&wide, 4);
        }
    else
        text_addn(&f, t->data, (size_t)count * fv_dtype_size(t->dtype));
    fv_status s = cli_write_file(path, f.s, f.len, err);
    text_free(&f);
    return s;
}
