/* file_plans.c: what goes into an engine file: the model is specialised for each shape, planned for each CPU level (as it is, and with the
 * lazy head where it has one), and the plans' tactics and packed weights are gathered. Called by file_write.c. */
#include "base/alloc.h"
#include "base/checked.h"
#include "base/hash.h"
#include "model/engine/file_write.h"
#include "model/graph/store.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A plan that is made only to be written. */
typedef struct fvi_draft_body {
    struct fvi_draft_body *next;
    fvi_backend_env env;
    fvi_timings timings;
    const fvi_file_plan *file; /* tactics of this level in an engine file; null = estimates */
    fvi_packed packed;
    const fv_model *model;
    fvi_graph *graph;
    fvi_lazy *lazy;
    fvi_plan *plan;
} fvi_draft_body;

static fv_status no_memory(fv_error *err) { return fvi_error_set(err, FV_ERR_MEMORY, "out of memory for the engine file"); }

/* ---- levels ---- */

static fv_status add_level(fvi_draft *d, const char *name, size_t n, fv_error *err)
{
    fvi_cpu_flags cpu;
    const char *bad;
    size_t bad_len;
    char *word = fvi_strndup(name, n);
    if (!word) return no_memory(err);
    const bool known = fvi_cpu_parse(word, &cpu, &bad, &bad_len) && n;
    fv_status st = FV_OK;
    if (!known)
        st = fvi_error_set(err, FV_ERR_ARGUMENT, "'%.40s' is no CPU level that an engine can be built for: native, or levels such as c,avx2,avx512", word);
    else if (d->n_levels == FVI_DRAFT_LEVELS)
        st = fvi_error_set(err, FV_ERR_ARGUMENT, "an engine holds at most %d CPU levels", FVI_DRAFT_LEVELS);
    fvi_free(word);
    if (st < 0) return st;
    for (int i = 0; i < d->n_levels; i++)
        if (d->levels[i].cpu == cpu) return FV_OK;
    d->levels[d->n_levels++] = (fvi_draft_level){.name = fvi_cpu_level_name(cpu), .cpu = cpu};
    return FV_OK;
}

static fv_status choose_levels(fvi_draft *d, const fv_engine_options *o, fv_error *err)
{
    const fv_model *m = d->model;
    const char *native = fvi_cpu_level_name(m->ctx->cpu), *p = o->target ? o->target : m->engine ? fvi_file_info(m->engine, "levels") : "native";
    for (;; p++) {
        const size_t n = strcspn(p, ",");
        const bool here = n == 6 && !memcmp(p, "native", 6);
        FVI_TRY(add_level(d, here ? native : p, here ? strlen(native) : n, err));
        p += n;
        if (!*p) return FV_OK;
    }
}

/* ---- shapes ---- */

/* Input i as declared, with what `given` says of it. */
static fv_status port_of(const fv_model *m, int i, const fv_port *given, int n, fv_port *out, fv_error *err)
{
    *out = m->inputs[i];
    for (int k = 0; k < n; k++) {
        if (strcmp(given[k].name, m->inputs[i].name)) continue;
        if (given[k].rank != out->rank) return fvi_error_set(err, FV_ERR_SHAPE, "input '%s' has %d dimensions, %d were given", out->name, out->rank, given[k].rank);
        memcpy(out->dim, given[k].dim, sizeof out->dim);
    }
    return FV_OK;
}

/* What is left open in one of the three is as in its neighbours. */
static fv_status make_bounds(fvi_draft *d, const fv_engine_options *o, fv_error *err)
{
    const fv_port *const given[3] = {o->n_min ? o->min_shapes : o->n_opt ? o->opt_shapes : o->max_shapes, o->n_opt ? o->opt_shapes : o->n_max ? o->max_shapes : o->min_shapes,
                                     o->n_max ? o->max_shapes : o->n_opt ? o->opt_shapes : o->min_shapes};
    const int n[3] = {o->n_min ? o->n_min : o->n_opt ? o->n_opt : o->n_max, o->n_opt ? o->n_opt : o->n_max ? o->n_max : o->n_min, o->n_max ? o->n_max : o->n_opt ? o->n_opt : o->n_min};
    for (int b = 0; b < 3; b++)
        for (int i = 0; i < d->n_inputs; i++) {
            fv_port *p = &d->bounds[b][i];
            FVI_TRY(port_of(d->model, i, given[b], n[b], p, err));
            if (p->rank > 0 && p->dim[0] < 0) p->dim[0] = 1;
            if (p->rank > 0 && o->batch > 0) p->dim[0] = o->batch;
        }
    for (int b = 0; b < 2; b++)
        for (int i = 0; i < d->n_inputs; i++)
            for (int k = 0; k < d->bounds[b][i].rank; k++)
                if (d->bounds[b][i].dim[k] > d->bounds[b + 1][i].dim[k])
                    return fvi_error_set(err, FV_ERR_SHAPE, "dimension %d of input '%s': %lld is more than %lld (minShapes <= optShapes <= maxShapes)", k, d->bounds[b][i].name,
                                         (long long)d->bounds[b][i].dim[k], (long long)d->bounds[b + 1][i].dim[k]);
    return FV_OK;
}

/* "1x3x640x640" -> dims; false: not that. */
static bool parse_dims(const char *s, fv_port *p)
{
    for (int d = 0; d < p->rank; d++) {
        char *end;
        p->dim[d] = strtoll(s, &end, 10);
        if (end == s || p->dim[d] < 1 || (*end != 'x' && *end)) return false;
        s = end + (*end == 'x');
    }
    return !*s;
}

/* Those of the engine file that the model is from. */
static bool bounds_of_file(fvi_draft *d, const fvi_file *f)
{
    static const char *const ends[] = {"min", "opt", "max"};
    for (int b = 0; b < 3; b++)
        for (int i = 0; i < d->n_inputs; i++) {
            char key[FVI_FILE_SHAPE_KEY];
            fvi_file_shape_key(key, ends[b], d->model->inputs[i].name);
            d->bounds[b][i] = d->model->inputs[i];
            if (!parse_dims(fvi_file_info(f, key), &d->bounds[b][i])) return false;
        }
    return d->n_inputs > 0;
}

/* Options of a session for the graph; *shapes [inputs] is for the caller to free. All as declared: no shapes at all, so that models of fixed
 * shapes take the way that they always take. */
static fv_session_options options_for(const fvi_draft *d, const fv_port *want, fv_port *shapes)
{
    fv_session_options o = {.size = sizeof o};
    for (int i = 0; i < d->n_inputs; i++) {
        const fv_port *in = &d->model->inputs[i];
        bool same = true, open = false;
        for (int k = 0; k < in->rank; k++) {
            if (k > 0) same = same && want[i].dim[k] == in->dim[k];
            open = open || in->dim[k] < 0;
        }
        if (!same || open) shapes[o.n_shapes++] = want[i];
        if (want[i].rank > 0 && !open && want[i].dim[0] != in->dim[0]) o.batch = (int)want[i].dim[0];
    }
    o.shapes = shapes;
    return o;
}

/* ---- gathering ---- */

static void *insert(void **list, size_t *n, size_t *cap, size_t at, size_t size)
{
    if (!fvi_grow(list, *n, cap, size)) return NULL;
    char *p = (char *)*list + at * size;
    memmove(p + size, p, (*n - at) * size);
    memset(p, 0, size);
    ++*n;
    return p;
}

static bool add_choice(fvi_draft_level *v, uint64_t problem, const char *tactic)
{
    const size_t at = fvi_file_first(v->choices, v->n_choices, sizeof *v->choices, problem);
    if (at < v->n_choices && v->choices[at].problem == problem) return true;
    fvi_draft_choice *c = insert((void **)&v->choices, &v->n_choices, &v->cap_choices, at, sizeof *v->choices);
    if (c) *c = (fvi_draft_choice){problem, tactic};
    return c;
}

/* False in *same: other bytes have that key already. */
static bool add_blob(fvi_draft_level *v, uint64_t key, const void *data, size_t bytes, bool *same)
{
    const size_t at = fvi_file_first(v->blobs, v->n_blobs, sizeof *v->blobs, key);
    if (at < v->n_blobs && v->blobs[at].key == key) {
        *same = v->blobs[at].bytes == bytes && !memcmp(v->blobs[at].data, data, bytes);
        return true;
    }
    fvi_draft_blob *b = insert((void **)&v->blobs, &v->n_blobs, &v->cap_blobs, at, sizeof *v->blobs);
    if (!b) return false;
    v->packed = fvi_round_up(v->packed, bytes >= FVI_FILE_PAGE ? FVI_FILE_PAGE : FVI_ALIGN);
    *b = (fvi_draft_blob){.key = key, .offset = v->packed, .bytes = bytes, .data = data};
    v->packed += bytes + FVI_PAD;
    return true;
}

/* Everything that the step packed; *all: it will be found again, so that what it was packed from may be missing. */
static fv_status gather_step(fvi_draft_level *v, const fvi_step *s, bool *all, fv_error *err)
{
    char text[FVI_PROBLEM_MAX], form[FVI_FORM_MAX];
    size_t bytes;
    const void *data;
    bool same = true;
    for (int k = 0; k < s->n_decisions; k++)
        if (s->decisions[k].family->describe(s->decisions[k].job, text) && !add_choice(v, fvi_hash_text(text, 0), s->decisions[k].tactic)) return no_memory(err);
    int n = 0;
    *all = true;
    for (; s->packed && (data = s->packed(s, n, form, &bytes)); n++) {
        if (!add_blob(v, fvi_file_key(s->name, form), data, bytes, &same)) return no_memory(err);
        *all = *all && same;
    }
    *all = *all && n > 0;
    return FV_OK;
}

/* Constants of g that a step reads as they are, or that reach a step through a view, are marked in the draft's graph of that number. */
static fv_status gather(fvi_draft *d, fvi_draft_level *v, int graph, const fvi_graph *g, const fvi_plan *p, fv_error *err)
{
    int *uses = fvi_calloc((size_t)g->n_values + 1, sizeof *uses);
    fv_status st = uses ? FV_OK : no_memory(err);
    for (int i = 0; i < p->n_steps && st >= 0; i++) {
        const fvi_step *s = &p->steps[i];
        bool all = false;
        st = gather_step(v, s, &all, err);
        for (int k = 0; s->node && k < s->node->n_in && st >= 0 && all; k++)
            if (s->node->in[k] && p->backend->packs && p->backend->packs(s->node, k)) uses[s->node->in[k]->id]++;
    }
    for (int i = 0; i < g->n_values && st >= 0; i++) {
        const fvi_value *c = g->values[i];
        if (!c->constant || (c->uses == uses[i] && !c->is_output)) continue;
        const fvi_value *mine = g == d->graphs[graph] ? c : fvi_graph_find(d->graphs[graph], c->name);
        if (mine) d->raw[graph][mine->id] = true;
    }
    fvi_free(uses);
    return st;
}

void fvi_draft_packed_only(const fvi_draft *d, int graph, bool *skip)
{
    const fvi_graph *g = d->graphs[graph];
    bool *weight = fvi_calloc((size_t)g->n_values + 1, sizeof *weight);
    if (weight) fvi_graph_weights(g, weight); /* out of memory: the file is larger than need be */
    for (int i = 0; i < g->n_values; i++) skip[i] = weight && weight[i] && !d->raw[graph][i];
    fvi_free(weight);
}

/* ---- plans ---- */

static const char *find_tactic(void *user, const char *problem)
{
    const fvi_draft_body *b = user;
    const fvi_file f = {.plan = b->file};
    return b->file ? fvi_file_tactic(&f, problem) : NULL;
}

static const void *find_packed(void *user, const fvi_step *s, const char *form, size_t bytes)
{
    const fvi_draft_body *b = user;
    return fvi_file_packed(b->model->engine, s->name, form, bytes);
}

static const fvi_file_plan *file_plan(const fvi_file *f, const char *level)
{
    for (int i = 0; f && i < f->n_plans; i++)
        if (!strcmp(f->plans[i].level, level)) return &f->plans[i];
    return NULL;
}

/* For a level that is not the context's: nothing runs, so the machine need not have it. */
static fv_status plan_for(fvi_draft *d, fvi_draft_level *v, int graph, bool lazy, fv_error *err)
{
    fvi_draft_body *b = fvi_calloc(1, sizeof *b);
    if (!b) return no_memory(err);
    b->next = d->bodies;
    d->bodies = b;
    b->model = d->model;
    b->env = d->model->env;
    b->env.cpu = v->cpu;
    b->file = file_plan(d->model->engine, v->name);
    b->timings = (fvi_timings){.find = find_tactic, .user = b};
    b->env.timings = &b->timings;
    b->packed = (fvi_packed){.find = find_packed, .user = b};
    if (d->model->engine && !d->model->refitted && d->model->engine->plan && d->model->engine->plan == b->file) b->env.packed = &b->packed;
    FVI_TRY(fvi_graph_clone(&b->graph, d->graphs[graph], err));
    if (lazy) {
        FVI_TRY(fvi_lazy_find(&b->lazy, b->graph, err));
        if (!b->lazy) return FV_OK;
    }
    FVI_TRY(fvi_plan_create(&b->plan, b->graph, d->model->backend, &b->env, false, err));
    return gather(d, v, graph, b->graph, b->plan, err);
}

static void add_tuning(fv_tuning_info *sum, const fv_session *s)
{
    const fv_tuning_info *t = &s->tuning;
    sum->choices += t->choices;
    sum->remembered += t->remembered;
    sum->timed += t->timed;
    sum->estimated += t->estimated;
    sum->refused += t->refused;
    sum->ms += t->ms;
    if (!sum->missed[0]) memcpy(sum->missed, t->missed, sizeof sum->missed);
}

/* A session of the context's level for one shape: tuned, and where its graph comes from. */
static fv_status session_for(fvi_draft *d, const fv_port *want, fv_engine_report *r, fv_error *err)
{
    fv_port *shapes = fvi_calloc((size_t)d->n_inputs + 1, sizeof *shapes);
    fv_session *s = NULL;
    if (!shapes) return no_memory(err);
    const fv_session_options o = options_for(d, want, shapes);
    fv_status st = fv_session_create(&s, d->model, &o, err);
    fvi_free(shapes);
    if (st < 0) return st;
    const fvi_graph *g = s->body->graph;
    for (int i = 0; i < d->n_graphs; i++) {
        bool same = true;
        for (int k = 0; k < g->n_inputs; k++) same = same && !memcmp(g->inputs[k]->dim, d->graphs[i]->inputs[k]->dim, sizeof g->inputs[k]->dim);
        if (!same) continue;
        fv_session_free(&s); /* min, opt and max may be the same */
        return FV_OK;
    }
    const int i = d->n_graphs;
    d->raw[i] = fvi_calloc((size_t)g->n_values + 1, sizeof *d->raw[i]);
    d->sessions[i] = s;
    d->graphs[i] = s->body->graph;
    d->n_graphs++;
    add_tuning(&r->tuning, s);
    return d->raw[i] ? FV_OK : no_memory(err);
}

/* predict, track and count run this one. Its steps are the same but for their order and some maps' strides; it reads the packed weights of the
 * other. */
static fv_status lazy_session_for(fvi_draft *d, fvi_draft_level *v, int graph, fv_engine_report *r, fv_error *err)
{
    fv_session_options o = d->sessions[graph]->made;
    o.share = d->sessions[graph];
    FVI_TRY(fvi_session_create_lazy(&d->lazy[graph], d->model, &o, err));
    const fvi_body *b = d->lazy[graph]->body;
    if (!b->lazy) return FV_OK;
    add_tuning(&r->tuning, d->lazy[graph]);
    return gather(d, v, graph, b->graph, b->plan, err);
}

static fv_status plan_all(fvi_draft *d, fv_engine_report *r, fv_error *err)
{
    for (int i = 0; i < d->n_graphs; i++)
        for (int l = 0; l < d->n_levels; l++) {
            fvi_draft_level *v = &d->levels[l];
            r->plans++;
            if (v->cpu == d->model->ctx->cpu) {
                FVI_TRY(gather(d, v, i, d->graphs[i], d->sessions[i]->body->plan, err));
                FVI_TRY(lazy_session_for(d, v, i, r, err));
            } else {
                FVI_TRY(plan_for(d, v, i, false, err));
                FVI_TRY(plan_for(d, v, i, true, err));
            }
        }
    return FV_OK;
}

static fv_status fill(fvi_draft *d, const fv_engine_options *o, fv_engine_report *r, fv_error *err)
{
    fv_model *m = d->model;
    const bool given = o->n_min || o->n_opt || o->n_max || o->batch;
    d->strip = o->strip != 0;
    d->portable = o->portable && !d->strip;
    d->n_inputs = m->imported->n_inputs;
    for (int b = 0; b < 3; b++)
        if (!(d->bounds[b] = fvi_calloc((size_t)d->n_inputs + 1, sizeof *d->bounds[b]))) return no_memory(err);
    FVI_TRY(choose_levels(d, o, err));
    if (m->engine && !given && bounds_of_file(d, m->engine))
        d->profile = true;
    else {
        FVI_TRY(make_bounds(d, o, err));
        d->profile = o->n_min || o->n_opt || o->n_max;
    }
    bool open = false;
    for (int i = 0; i < d->n_inputs; i++)
        for (int k = 1; k < m->inputs[i].rank; k++) open = open || m->inputs[i].dim[k] < 0;
    if (d->profile && open && !d->strip) d->portable = true; /* shapes in between are planned when they come */
    if (d->portable && !m->imported->n_nodes) return fvi_error_set(err, FV_ERR_MODEL, "a portable engine is made from the ONNX model; this engine file does not have it");
    if (m->engine)
        d->form = strtoull(fvi_file_info(m->engine, "graph"), NULL, 16);
    else if (!fvi_graph_form(m->imported, &d->form))
        return no_memory(err);
    for (int b = 0; b < 3; b++) {
        const int order[3] = {1, 0, 2};
        if (b && !d->profile) break;
        FVI_TRY(session_for(d, d->bounds[order[b]], r, err));
    }
    return plan_all(d, r, err);
}

fv_status fvi_draft_make(fvi_draft **out, fv_model *m, const fv_engine_options *o, fv_engine_report *r, fv_error *err)
{
    fvi_draft *d = *out = fvi_calloc(1, sizeof *d);
    if (!d) return no_memory(err);
    d->model = fvi_engine_keep(m);
    r->tuning.size = sizeof r->tuning;
    const fv_status st = fill(d, o, r, err);
    if (st < 0) fvi_draft_free(out);
    return st;
}

void fvi_draft_free(fvi_draft **dp)
{
    fvi_draft *d = *dp;
    *dp = NULL;
    if (!d) return;
    for (fvi_draft_body *b = d->bodies, *next; b; b = next) {
        next = b->next;
        fvi_plan_free(&b->plan);
        fvi_lazy_free(&b->lazy);
        fvi_graph_free(&b->graph);
        fvi_free(b);
    }
    for (int i = 0; i < d->n_graphs; i++) {
        fv_session_free(&d->lazy[i]);
        fv_session_free(&d->sessions[i]);
        fvi_free(d->raw[i]);
    }
    for (int l = 0; l < d->n_levels; l++) {
        fvi_free(d->levels[l].choices);
        fvi_free(d->levels[l].blobs);
    }
    for (int b = 0; b < 3; b++) fvi_free(d->bounds[b]);
    fv_model_free(&d->model);
    fvi_free(d);
}
