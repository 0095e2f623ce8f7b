/* einsum.c: see einsum.h; and the shape rule of Einsum. */
#include "model/graph/einsum.h"
#include "base/error.h"
#include "model/graph/shape.h"
#include <string.h>

enum { FIRST_DOT = 52 };

static int letter(char c)
{
    if (c >= 'a' && c <= 'z') return c - 'a';
    if (c >= 'A' && c <= 'Z') return 26 + c - 'A';
    return -1;
}

/* One term up to ',' or '-' or the end; rank -1 = the output: takes as many ellipsis dims as there are. */
static const char *term(const char **at, int rank, int *dots, int *label, int *count)
{
    int n = 0, letters = 0;
    bool seen = false;
    for (const char *p = *at; *p && *p != ',' && *p != '-'; p++) letters += letter(*p) >= 0;
    for (; **at && **at != ',' && **at != '-'; (*at)++) {
        if (**at == ' ') continue;
        if (**at == '.') {
            if (seen || strncmp(*at, "...", 3) != 0) return "an ellipsis that is none";
            seen = true;
            *at += 2;
            int have = rank < 0 ? *dots : rank - letters;
            if (have < 0 || n + have > FV_MAX_RANK || have > FVI_EINSUM_LABELS - FIRST_DOT) return "more dimensions than its input has";
            for (int k = have - 1; k >= 0; k--) label[n++] = FIRST_DOT + k;
            if (have > *dots) *dots = have;
            continue;
        }
        if (letter(**at) < 0 || n == FV_MAX_RANK) return "a term that cannot be read";
        label[n++] = letter(**at);
    }
    if (rank >= 0 && n != rank) return "another number of dimensions than its input has";
    *count = n;
    return NULL;
}

/* Without "->": the ellipsis, then the letters that occur once, in order of the alphabet (upper case first). */
static void implied_output(fvi_einsum *e, int dots)
{
    int uses[FVI_EINSUM_LABELS] = {0}, n = 0;
    for (int i = 0; i < e->n_in; i++)
        for (int k = 0; k < e->rank[i]; k++) uses[e->label[i][k]]++;
    int *out = e->label[e->n_in];
    for (int k = dots - 1; k >= 0 && n < FV_MAX_RANK; k--) out[n++] = FIRST_DOT + k;
    for (int pass = 0; pass < 2; pass++)
        for (int l = 0; l < 26 && n < FV_MAX_RANK; l++)
            if (uses[l + (pass ? 0 : 26)] == 1) out[n++] = l + (pass ? 0 : 26);
    e->rank[e->n_in] = n;
}

const char *fvi_einsum_parse(const fvi_node *n, fvi_einsum *e)
{
    const char *at = fvi_node_string(n, "equation", ""), *why;
    int dots = 0, out[FVI_EINSUM_LABELS] = {0};
    memset(e, 0, sizeof *e);
    if (n->n_in > FVI_EINSUM_INPUTS) return "more inputs than are supported";
    e->n_in = n->n_in;
    for (int i = 0; i < n->n_in; i++) {
        if (i && *at++ != ',') return "fewer terms than inputs";
        if ((why = term(&at, n->in[i]->rank, &dots, e->label[i], &e->rank[i]))) return why;
    }
    if (*at == ',') return "more terms than inputs";
    if (*at == '-') {
        if (at[1] != '>') return "an arrow that is none";
        at += 2;
        if ((why = term(&at, -1, &dots, e->label[e->n_in], &e->rank[e->n_in]))) return why;
        if (*at) return "something after its result";
    } else {
        implied_output(e, dots);
    }
    for (int i = 0; i < e->n_in; i++)
        for (int k = 0; k < e->rank[i]; k++) out[e->label[i][k]] = 1;
    for (int k = 0; k < e->rank[e->n_in]; k++)
        if (out[e->label[e->n_in][k]]++ != 1) return "a result with a dimension twice, or one that no input has";
    return NULL;
}

fv_status fvi_shape_einsum(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_einsum e;
    fvi_dims x, y = {0};
    int64_t size[FVI_EINSUM_LABELS];
    for (int l = 0; l < FVI_EINSUM_LABELS; l++) size[l] = 1;
    for (int i = 0; i < n->n_in; i++) {
        if (!n->in[i]) return fvi_node_error(n, err, FV_ERR_MODEL, "its input %d is missing", i);
        FVI_TRY(fvi_shape_in(n, i, &x, err));
    }
    const char *why = fvi_einsum_parse(n, &e);
    if (why) return fvi_node_error(n, err, FV_ERR_MODEL, "its equation has %s", why);
    FVI_TRY(fvi_shape_same_dtype(n, 0, n->n_in, err));
    for (int i = 0; i < e.n_in; i++)
        for (int k = 0; k < e.rank[i]; k++) {
            int64_t *s = &size[e.label[i][k]], d = n->in[i]->dim[k];
            if (*s >= 0 && d >= 0 && *s != d && *s != 1 && d != 1) return fvi_node_error(n, err, FV_ERR_SHAPE, "its inputs do not fit: %lld against %lld", (long long)*s, (long long)d);
            if (*s == 1 || d == FVI_DIM_UNKNOWN) *s = d;
        }
    y.rank = e.rank[e.n_in];
    for (int k = 0; k < y.rank; k++) y.d[k] = size[e.label[e.n_in][k]];
    return fvi_shape_set(n, 0, n->in[0]->dtype, &y, err);
}
