/* ports.c: shapes, sessions and inputs for the verbs that run a model on tensors (exec, bench, inspect). */
#include "calib.h"
#include "models.h"
#include "ports.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void port_shape(text *t, const fv_port *p, char separator)
{
    if (p->rank == 0) text_add(t, "scalar");
    for (int d = 0; d < p->rank; d++) {
        if (d) text_addn(t, &separator, 1);
        if (p->dim[d] < 0)
            text_add(t, "?");
        else
            text_printf(t, "%lld", (long long)p->dim[d]);
    }
}

int port_find(const fv_port *ports, int n, const char *name, size_t len)
{
    for (int i = 0; i < n; i++)
        if (strlen(ports[i].name) == len && memcmp(ports[i].name, name, len) == 0) return i;
    return -1;
}

void port_names(text *t, const fv_port *ports, int n)
{
    for (int i = 0; i < n; i++) text_printf(t, "%s'%s'", i == 0 ? "" : i == n - 1 ? " and " : ", ", ports[i].name);
}

int ports_load(const cli_args *a, fv_context **ctx, fv_model **model) { return ports_load_from(a, cli_positional(a, 0), ctx, model); }

int ports_load_from(const cli_args *a, const char *name, fv_context **ctx, fv_model **model)
{
    fv_error err = {0};
    fv_model_options opt;
    *ctx = NULL;
    *model = NULL;
    fv_status s = cli_model_options(a, &opt, &err);
    if (s >= 0) s = cli_context(a, ctx, &err);
    if (s < 0) return cli_fail(a, s, &err);
    char *place = models_find(name);
    const int code = place ? calib_load(a, model, *ctx, place, &opt, NULL) : models_missing(a, name);
    free(place);
    if (code) fv_context_free(ctx);
    return code;
}

/* "1x3x640x640" over p->dim; false: not that, or another rank. */
static bool parse_shape(const char *s, fv_port *p)
{
    int rank = 0;
    for (;;) {
        char *end;
        errno = 0;
        if (*s < '0' || *s > '9' || rank == FV_MAX_RANK) return false;
        long long v = strtoll(s, &end, 10);
        if (errno || v < 1 || v > INT32_MAX) return false;
        p->dim[rank++] = v;
        if (*end == 0) break;
        if (*end != 'x' && *end != ',') return false;
        s = end + 1;
    }
    return rank == p->rank;
}

int ports_shape(const cli_args *a, const fv_model *m, const char *flag, const char *given, fv_port *p, int *input)
{
    const fv_port *in;
    const int n = fv_model_inputs(m, &in);
    const char *colon = strrchr(given, ':');
    int code = EXIT_OK;
    text names = {0};
    *input = colon ? port_find(in, n, given, (size_t)(colon - given)) : n == 1 ? 0 : -1;
    port_names(&names, in, n);
    if (*input < 0) {
        code = cli_usage(a, "--%s %s: must be NAME:1x3x640x640, NAME one of %s", flag, given, n ? names.s : "no input at all");
    } else {
        *p = in[*input];
        if (!parse_shape(colon ? colon + 1 : given, p)) code = cli_usage(a, "--%s %s: '%s' needs %d dimensions, such as 1x3x640x640", flag, given, p->name, p->rank);
    }
    text_free(&names);
    return code;
}

int ports_wanted(const cli_args *a, const fv_model *m, fv_port **shapes)
{
    const fv_port *in;
    int n = fv_model_inputs(m, &in), code = EXIT_OK;
    fv_port *want = tool_alloc(((size_t)n + 1) * sizeof *want);
    if (n) memcpy(want, in, (size_t)n * sizeof *want);
    int64_t batch = cli_int(a, "batch", 0);
    for (int i = 0; i < n && batch; i++)
        if (want[i].rank > 0) want[i].dim[0] = batch;
    for (int i = 0; i < cli_count(a, "shapes") && !code; i++) {
        fv_port p;
        int at;
        code = ports_shape(a, m, "shapes", cli_nth(a, "shapes", i), &p, &at);
        if (!code) want[at] = p;
    }
    if (code) {
        free(want);
        want = NULL;
    }
    *shapes = want;
    return code;
}

/* A picture's height and width that are open: what the metadata `imgsz` says, "[416, 416]". */
static void complete_picture(const fv_model *m, fv_port *p)
{
    int h, w;
    const char *said = fv_model_meta(m, "imgsz");
    if (p->rank != 4 || p->dim[1] < 1 || !said || sscanf(said, "[%d, %d]", &h, &w) != 2 || h < 1 || w < 1) return;
    if (p->dim[2] < 0) p->dim[2] = h;
    if (p->dim[3] < 0) p->dim[3] = w;
}

int ports_settle(const fv_model *m, fv_port *wanted)
{
    int n = fv_model_inputs(m, NULL), left = -1;
    for (int i = n - 1; i >= 0; i--) {
        if (wanted[i].rank > 0 && wanted[i].dim[0] < 0) wanted[i].dim[0] = 1;
        complete_picture(m, &wanted[i]);
        for (int d = 1; d < wanted[i].rank; d++)
            if (wanted[i].dim[d] < 0) left = i;
    }
    return left;
}

int ports_complete(const cli_args *a, const fv_model *m, fv_port *wanted)
{
    int left = ports_settle(m, wanted);
    if (left < 0) return EXIT_OK;
    const fv_port *p = &wanted[left];
    text shape = {0};
    port_shape(&shape, p, 'x');
    int code = cli_usage(a, "the model leaves the shape of input '%s' open (%s): give --shapes %s:..., every dimension a number", p->name, shape.s, p->name);
    text_free(&shape);
    return code;
}

void port_file_name(text *t, const char *name)
{
    static const char usual[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    for (const char *c = name; *c; c++) text_addn(t, strchr(usual, *c) ? c : "_", 1);
}

fv_status ports_session(fv_session **s, fv_model *m, const fv_port *wanted, int batch, int profile, fv_error *err)
{
    return ports_session_with(s, m, wanted, FV_SESSION_OPTIONS(.batch = batch, .profile = profile), err);
}

fv_status ports_session_with(fv_session **s, fv_model *m, const fv_port *wanted, const fv_session_options *base, fv_error *err)
{
    int batch = base->batch;
    const fv_port *in;
    int n = fv_model_inputs(m, &in), changed = 0;
    fv_port *shapes = tool_alloc(((size_t)n + 1) * sizeof *shapes);
    for (int i = 0; i < n; i++) { /* an input of which all is as declared, or still symbolic, is left to the library */
        bool same = true, known = true;
        for (int d = 0; d < in[i].rank; d++) {
            if (d > 0 || !batch) same = same && wanted[i].dim[d] == in[i].dim[d];
            known = known && wanted[i].dim[d] >= 0;
        }
        if (!same && known) shapes[changed++] = wanted[i];
    }
    fv_session_options o = *base;
    o.shapes = changed ? shapes : NULL;
    o.n_shapes = changed;
    fv_status st = fv_session_create(s, m, &o, err);
    free(shapes);
    return st;
}

static uint64_t mix(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u; /* SplitMix64 */
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

/* k / 2^11, exactly: 2^-1 is 0x3800, every halving takes 1 from the exponent */
static uint16_t half_from(uint32_t k)
{
    if (k == 0) return 0;
    uint32_t exponent = 14 + 10, m = k; /* k has at most 11 bits */
    while (m < 1u << 10) m <<= 1, exponent--;
    return (uint16_t)((exponent - 10) << 10 | (m & 0x3FF));
}

void ports_empty(const fv_port *p, fv_tensor *out)
{
    *out = (fv_tensor){.dtype = p->dtype, .rank = p->rank};
    memcpy(out->dim, p->dim, sizeof out->dim);
    int64_t n = fv_tensor_count(out);
    out->data = tool_alloc(n > 0 ? (size_t)n * fv_dtype_size(p->dtype) : 0);
}

void ports_random(const fv_port *p, uint64_t seed, int index, fv_tensor *out)
{
    ports_empty(p, out);
    uint64_t state = seed * 0x2545F4914F6CDD1Du + (uint64_t)index;
    int64_t n = fv_tensor_count(out);
    for (int64_t i = 0; i < n; i++) {
        uint64_t r = mix(&state);
        float f = (float)(r >> 40) * 0x1p-24f;
        switch (p->dtype) { /* as many bits as the type holds, so that nothing rounds up to 1 */
        case FV_F32: ((float *)out->data)[i] = f; break;
        case FV_F64: ((double *)out->data)[i] = (double)(r >> 11) * 0x1p-53; break;
        case FV_F16: ((uint16_t *)out->data)[i] = half_from((uint32_t)(r >> 53)); break;
        case FV_BF16: {
            float coarse = (float)(r >> 56) * 0x1p-8f;
            uint32_t bits;
            memcpy(&bits, &coarse, 4);
            ((uint16_t *)out->data)[i] = (uint16_t)(bits >> 16);
            break;
        }
        case FV_BOOL: ((uint8_t *)out->data)[i] = r >> 63; break;
        default: break; /* integers of [0,1) are 0 */
        }
    }
}
