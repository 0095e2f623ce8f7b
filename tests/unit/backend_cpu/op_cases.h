/* op_cases.h: reads tests/data/ops/FAMILY.ops (see scripts/make_op_goldens.py) and runs each case through the CPU backend
 * in many layouts, at every level, with one and three threads. */
#ifndef OP_CASES_H
#define OP_CASES_H
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "backend/cpu/eval.h"
#include "backend/cpu/loop.h"
#include "base/alloc.h"
#include "kern/elementwise.h"

#define MAX_IO 10

typedef struct op_operand {
    bool present, constant;
    fv_dtype dtype;
    int rank;
    int64_t dim[FV_MAX_RANK], count;
    const char *data;
} op_operand;

typedef struct op_case {
    char name[64];
    double tol;
    fvi_graph *g;
    fvi_node *node;
    int n_in, n_out;
    op_operand in[MAX_IO], out[MAX_IO];
} op_case;

typedef struct op_file {
    char *bytes;
    const char *p, *end;
} op_file;

static uint64_t rng_state = 99;
static uint32_t rnd(uint32_t n)
{
    rng_state = rng_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(rng_state >> 33) % n;
}

static op_file open_cases(const char *family)
{
    char path[512];
    snprintf(path, sizeof path, "%s/ops/%s.ops", FV_TEST_DATA, family);
    FILE *f = fopen(path, "rb");
    if (!f) fail_msg("%s cannot be opened", path);
    fseek(f, 0, SEEK_END);
    long n = ftell(f);
    rewind(f);
    op_file o = {.bytes = malloc((size_t)n + 1)};
    assert_int_equal(fread(o.bytes, 1, (size_t)n, f), n);
    o.bytes[n] = 0;
    fclose(f);
    o.p = o.bytes;
    o.end = o.bytes + n;
    return o;
}

static const char *word(op_file *f, char *buf, size_t n)
{
    size_t k = 0;
    while (f->p < f->end && *f->p != ' ' && *f->p != '\n' && k + 1 < n) buf[k++] = *f->p++;
    buf[k] = 0;
    if (f->p < f->end && (*f->p == ' ' || *f->p == '\n')) f->p++;
    return buf;
}
static int64_t integer(op_file *f)
{
    char b[64];
    return strtoll(word(f, b, sizeof b), NULL, 10);
}
static double number(op_file *f)
{
    char b[64];
    return strtod(word(f, b, sizeof b), NULL);
}

static fv_dtype dtype_named(const char *name)
{
    for (int t = 0; t < FV_DTYPE_COUNT; t++)
        if (strcmp(fv_dtype_name((fv_dtype)t), name) == 0) return (fv_dtype)t;
    fail_msg("unknown type %s", name);
    return FV_NONE;
}

static void read_dims(op_file *f, op_operand *o)
{
    o->rank = (int)integer(f);
    o->count = 1;
    for (int i = 0; i < o->rank; i++) o->count *= o->dim[i] = integer(f);
}

static void read_operand(op_file *f, fvi_graph *g, op_operand *o)
{
    char b[64];
    memset(o, 0, sizeof *o);
    word(f, b, sizeof b);
    if (strcmp(b, "none") == 0) return;
    o->present = true;
    o->dtype = dtype_named(b);
    read_dims(f, o);
    o->constant = strcmp(word(f, b, sizeof b), "const") == 0;
    size_t bytes = (size_t)o->count * fv_dtype_size(o->dtype);
    char *copy = fvi_arena_alloc(g->arena, bytes + 1); /* aligned */
    memcpy(copy, f->p, bytes);
    o->data = copy;
    f->p += bytes;
}

static void read_attr(op_file *f, fvi_graph *g, fvi_attr *a)
{
    char kind[8], b[128];
    word(f, kind, sizeof kind);
    a->name = fvi_arena_strdup(g->arena, word(f, b, sizeof b));
    switch (kind[0]) {
    case 'i':
        a->type = FVI_ATTR_INT;
        a->i = integer(f);
        break;
    case 'f':
        a->type = FVI_ATTR_FLOAT;
        a->f = (float)number(f);
        break;
    case 's':
        a->type = FVI_ATTR_STRING;
        a->s = fvi_arena_strdup(g->arena, word(f, b, sizeof b));
        break;
    case 'I':
        a->type = FVI_ATTR_INTS;
        a->count = (int)integer(f);
        a->ints = fvi_arena_array(g->arena, (size_t)a->count + 1, sizeof *a->ints);
        for (int i = 0; i < a->count; i++) a->ints[i] = integer(f);
        break;
    case 'F':
        a->type = FVI_ATTR_FLOATS;
        a->count = (int)integer(f);
        a->floats = fvi_arena_array(g->arena, (size_t)a->count + 1, sizeof *a->floats);
        for (int i = 0; i < a->count; i++) a->floats[i] = (float)number(f);
        break;
    default: {
        op_operand o = {0};
        o.dtype = dtype_named(word(f, b, sizeof b));
        read_dims(f, &o);
        fvi_value *v = fvi_arena_alloc(g->arena, sizeof *v);
        size_t bytes = (size_t)o.count * fv_dtype_size(o.dtype);
        char *copy = fvi_arena_alloc(g->arena, bytes + FVI_PAD);
        memcpy(copy, f->p, bytes);
        f->p += bytes;
        v->dtype = o.dtype;
        v->rank = o.rank;
        memcpy(v->dim, o.dim, sizeof v->dim);
        v->constant = copy;
        a->type = FVI_ATTR_TENSOR;
        a->tensor = v;
    }
    }
}

/* Next case; false at the end of the file. The graph belongs to the case. */
__attribute__((unused)) static bool next_case(op_file *f, op_case *c, bool all_constant)
{
    char b[64], op[64], domain[64];
    fv_error err = {0};
    if (f->p >= f->end) return false;
    memset(c, 0, sizeof *c);
    assert_string_equal(word(f, b, sizeof b), "case");
    word(f, c->name, sizeof c->name);
    word(f, op, sizeof op);
    word(f, domain, sizeof domain);
    int opset = (int)integer(f);
    c->tol = number(f);
    int n_attr = (int)integer(f);
    c->n_in = (int)integer(f);
    c->n_out = (int)integer(f);
    assert_true(c->n_in <= MAX_IO && c->n_out <= MAX_IO);
    assert_int_equal(fvi_graph_create(&c->g, &err), FV_OK);
    fvi_op id = fvi_op_find(strcmp(domain, "-") ? domain : "", op);
    if (id == FVI_OP_NONE) fail_msg("%s: no operator %s", c->name, op);
    fvi_node *n = c->node = fvi_graph_add_node(c->g, id, c->name, c->n_in, c->n_out);
    n->opset = opset;
    c->g->opset = opset;
    n->attr = fvi_arena_array(c->g->arena, (size_t)n_attr + 1, sizeof *n->attr);
    n->n_attr = n_attr;
    for (int i = 0; i < n_attr; i++) read_attr(f, c->g, &n->attr[i]);
    for (int i = 0; i < c->n_in; i++) {
        op_operand *o = &c->in[i];
        read_operand(f, c->g, o);
        if (!o->present) {
            n->in[i] = NULL;
        } else if (o->constant || all_constant) {
            n->in[i] = fvi_graph_add_constant(c->g, NULL, o->dtype, o->rank, o->dim, o->data);
        } else {
            n->in[i] = fvi_graph_add_value(c->g, NULL);
            n->in[i]->dtype = o->dtype;
            n->in[i]->rank = o->rank;
            memcpy(n->in[i]->dim, o->dim, sizeof o->dim);
        }
    }
    for (int i = 0; i < c->n_out; i++) {
        read_operand(f, c->g, &c->out[i]);
        if (!n->out[i]) n->out[i] = fvi_graph_add_value(c->g, NULL);
        n->out[i]->producer = n;
        n->out[i]->uses = 1;
    }
    if (fvi_graph_infer(c->g, &err) < 0) fail_msg("%s: %s", c->name, err.text);
    for (int i = 0; i < c->n_out; i++) {
        fvi_value *v = n->out[i];
        if (id == FVI_OP_CAST && v->dtype == FV_F32) v->dtype = c->out[i].dtype; /* the importer widens small floats to float */
        if (v->dtype != c->out[i].dtype || v->rank != c->out[i].rank) fail_msg("%s: inferred type %s rank %d", c->name, fv_dtype_name(v->dtype), v->rank);
        for (int k = 0; k < v->rank; k++)
            if (v->dim[k] != c->out[i].dim[k]) fail_msg("%s: inferred dim %d is %lld, not %lld", c->name, k, (long long)v->dim[k], (long long)c->out[i].dim[k]);
    }
    return true;
}

/* ---- memory in random layouts ---- */
typedef struct placed {
    fvi_tensor t;
    char *block, *before; /* before: copy of the block, to see what else was written */
    size_t bytes;
} placed;

enum { LAYOUT_DENSE, LAYOUT_RANDOM, LAYOUT_CHANNELS_LAST };

static placed place(const op_operand *o, int layout)
{
    placed p = {.t = {.dtype = o->dtype, .rank = o->rank}};
    size_t es = fv_dtype_size(o->dtype);
    int order[FV_MAX_RANK];
    memcpy(p.t.dim, o->dim, sizeof o->dim);
    for (int i = 0; i < o->rank; i++) order[i] = i;
    if (layout == LAYOUT_CHANNELS_LAST && o->rank >= 3) {
        for (int i = 1; i < o->rank - 1; i++) order[i] = i + 1;
        order[o->rank - 1] = 1;
    }
    for (int i = o->rank - 1; layout == LAYOUT_RANDOM && i > 0; i--) {
        int j = (int)rnd((uint32_t)i + 1), s = order[i];
        order[i] = order[j];
        order[j] = s;
    }
    int64_t s = layout == LAYOUT_RANDOM && rnd(3) == 0 ? 2 : 1;
    for (int k = o->rank - 1; k >= 0; k--) {
        p.t.stride[order[k]] = s;
        s *= o->dim[order[k]] > 0 ? o->dim[order[k]] : 1;
        if (layout != LAYOUT_DENSE && rnd(2)) s += 1 + rnd(3);
    }
    p.bytes = (size_t)(s + 16) * es;
    p.block = fvi_alloc(p.bytes);
    p.before = malloc(p.bytes);
    memset(p.block, 0xA5, p.bytes);
    p.t.data = p.block + 8 * es;
    return p;
}

static int64_t address(const fvi_tensor *t, int64_t flat)
{
    int64_t a = 0;
    for (int i = t->rank - 1; i >= 0; i--) {
        a += flat % t->dim[i] * t->stride[i];
        flat /= t->dim[i];
    }
    return a;
}

static void fill(placed *p, const op_operand *o)
{
    size_t es = fv_dtype_size(o->dtype);
    for (int64_t i = 0; i < o->count; i++) memcpy(p->t.data + address(&p->t, i) * (int64_t)es, o->data + i * (int64_t)es, es);
}

static void snapshot(placed *p) { memcpy(p->before, p->block, p->bytes); }

/* Reads the result out and puts the bytes of before in its place; then nothing may differ. */
static bool only_elements_changed(placed *p, const op_operand *o, char *result)
{
    size_t es = fv_dtype_size(o->dtype);
    for (int64_t i = 0; i < o->count; i++) {
        char *at = p->t.data + address(&p->t, i) * (int64_t)es;
        memcpy(result + i * (int64_t)es, at, es);
        memcpy(at, p->before + (at - p->block), es);
    }
    return memcmp(p->block, p->before, p->bytes) == 0;
}

static void drop(placed *p)
{
    fvi_free(p->block);
    free(p->before);
}

/* ---- comparing ---- */
static void compare(const op_case *c, const char *how, int k, const char *got)
{
    const op_operand *o = &c->out[k];
    size_t es = fv_dtype_size(o->dtype);
    double top = 0;
    fvi_convert_fn to = fvi_convert(FV_F64, o->dtype);
    for (int64_t i = 0; i < o->count; i++) {
        double w;
        to(&w, o->data + i * (int64_t)es, 1);
        if (isfinite(w) && fabs(w) > top) top = fabs(w);
    }
    for (int64_t i = 0; i < o->count; i++) {
        double w, g;
        uint64_t element; /* results of several outputs lie end to end, unaligned */
        memcpy(&element, got + i * (int64_t)es, es);
        to(&w, o->data + i * (int64_t)es, 1);
        to(&g, &element, 1);
        bool same = w == g || (isnan(w) && isnan(g)) || (c->tol > 0 && isfinite(w) && fabs(w - g) <= c->tol * top);
        if (o->dtype == FV_I64 || o->dtype == FV_U64) same = memcmp(o->data + i * 8, got + i * 8, 8) == 0;
        if (!same) fail_msg("%s (%s): output %d element %lld is %.9g, not %.9g", c->name, how, k, (long long)i, g, w);
    }
}

/* ---- one run ---- */
typedef struct how {
    fvi_cpu_flags cpu;
    fvi_pool *pool;
    int layout, chunks;
    bool in_place;
} how;

/* Results of all outputs, one after the other, into `result`. */
static void run_once(const op_case *c, const how *h, const char *text, char *result)
{
    fvi_backend_env env = {.pool = h->pool, .cpu = h->cpu};
    const fvi_backend *cpu = fvi_backend_cpu();
    placed in[MAX_IO] = {0}, out[MAX_IO] = {0};
    fvi_tensor tin[MAX_IO] = {0}, tout[MAX_IO] = {0};
    bool in_const[MAX_IO] = {0};
    fv_error err = {0};
    for (int i = 0; i < c->n_in; i++) {
        if (!c->in[i].present) continue;
        in[i] = place(&c->in[i], c->in[i].constant ? LAYOUT_DENSE : h->layout);
        fill(&in[i], &c->in[i]);
        tin[i] = in[i].t;
        in_const[i] = c->in[i].constant;
    }
    for (int i = 0; i < c->n_out; i++) {
        out[i] = h->in_place ? in[0] : place(&c->out[i], h->layout);
        tout[i] = out[i].t;
        tout[i].dtype = c->out[i].dtype;
        snapshot(&out[i]);
    }
    fvi_step s = {.backend = cpu, .env = &env, .node = c->node, .name = c->name, .n_in = c->n_in, .n_out = c->n_out, .in = tin, .in_const = in_const, .out = tout};
    fvi_chunks_force(h->chunks);
    if (cpu->prepare(&s, &err) < 0) fail_msg("%s (%s): %s", c->name, text, err.text);
    fvi_chunks_force(0);
    assert_non_null(s.tactic);
    for (int i = 0; i < c->n_in; i++)
        if (c->in[i].present) snapshot(&in[i]);
    for (int pass = 0; pass < (h->in_place ? 1 : 2); pass++) {
        uint64_t allocations = fvi_alloc_count();
        s.run(&s);
        if (fvi_alloc_count() != allocations) fail_msg("%s (%s): run allocates", c->name, text);
    }
    for (int i = 0; i < c->n_in && !h->in_place; i++)
        if (c->in[i].present && memcmp(in[i].block, in[i].before, in[i].bytes)) fail_msg("%s (%s): input %d was written to", c->name, text, i);
    for (int i = 0; i < c->n_out; i++) {
        if (!only_elements_changed(&out[i], &c->out[i], result)) fail_msg("%s (%s): wrote outside of output %d", c->name, text, i);
        result += c->out[i].count * (int64_t)fv_dtype_size(c->out[i].dtype);
    }
    fvi_step_release(&s);
    for (int i = 0; i < c->n_out && !h->in_place; i++) drop(&out[i]);
    for (int i = 0; i < c->n_in; i++)
        if (c->in[i].present) drop(&in[i]);
}

static size_t result_bytes(const op_case *c)
{
    size_t n = 0;
    for (int i = 0; i < c->n_out; i++) n += (size_t)c->out[i].count * fv_dtype_size(c->out[i].dtype);
    return n;
}

static void check(const op_case *c, const how *h, const char *text, char *result)
{
    run_once(c, h, text, result);
    for (int i = 0; i < c->n_out; i++) {
        compare(c, text, i, result);
        result += c->out[i].count * (int64_t)fv_dtype_size(c->out[i].dtype);
    }
}

/* Every level, dense and odd layouts; cut into one and into many chunks: the same bytes. */
static void check_case(const op_case *c, fvi_pool *one, fvi_pool *three)
{
    static const struct {
        fvi_cpu_flags flags;
        const char *name;
    } levels[] = {{FVI_CPU_C, "c"}, {FVI_CPU_C | FVI_CPU_AVX2, "avx2"}, {FVI_CPU_C | FVI_CPU_AVX2 | FVI_CPU_AVX512, "avx512"}};
    size_t bytes = result_bytes(c);
    char *a = malloc(bytes + 1), *b = malloc(bytes + 1), text[64];
    for (size_t l = 0; l < sizeof levels / sizeof *levels; l++) {
        if (levels[l].flags & ~fvi_cpu_detect()) continue;
        for (int round = 0; round < 5; round++) {
            int layout = round == 0 ? LAYOUT_DENSE : round == 1 ? LAYOUT_CHANNELS_LAST : LAYOUT_RANDOM;
            uint64_t seed = rng_state;
            how h = {.cpu = levels[l].flags, .pool = one, .layout = layout};
            snprintf(text, sizeof text, "%s, layout %d", levels[l].name, layout);
            check(c, &h, text, a);
            rng_state = seed; /* the same layout again */
            h.pool = three;
            h.chunks = 7;
            snprintf(text, sizeof text, "%s, layout %d, 3 threads", levels[l].name, layout);
            check(c, &h, text, b);
            if (memcmp(a, b, bytes)) fail_msg("%s (%s): threads change the result", c->name, text);
        }
        if (fvi_backend_cpu()->in_place(c->node, 0) && !c->in[0].constant && c->in[0].dtype == c->out[0].dtype) {
            how h = {.cpu = levels[l].flags, .pool = one, .layout = LAYOUT_RANDOM, .in_place = true};
            snprintf(text, sizeof text, "%s, in place", levels[l].name);
            check(c, &h, text, a);
        }
    }
    free(a);
    free(b);
}

/* All of a family; then as constant folding does it. */
__attribute__((unused)) static void check_family(const char *family, int least)
{
    op_case c;
    fv_error err = {0};
    fvi_pool *one = NULL, *three = NULL;
    assert_int_equal(fvi_pool_create(&one, 1, &err), FV_OK);
    assert_int_equal(fvi_pool_create(&three, 3, &err), FV_OK);
    int count = 0;
    op_file f = open_cases(family);
    for (; next_case(&f, &c, false); count++) {
        check_case(&c, one, three);
        fvi_graph_free(&c.g);
    }
    assert_true(count >= least);
    f.p = f.bytes;
    fvi_backend_env env = {.pool = one, .cpu = fvi_cpu_detect()};
    while (next_case(&f, &c, true)) {
        if (fvi_cpu_eval(&env, c.g, c.node, &err) != FV_OK) fail_msg("%s folded: %s", c.name, err.text);
        for (int i = 0; i < c.n_out; i++) compare(&c, "folded", i, c.node->out[i]->constant);
        fvi_graph_free(&c.g);
    }
    free(f.bytes);
    fvi_pool_free(&one);
    fvi_pool_free(&three);
}
#endif
