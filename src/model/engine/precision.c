/* precision.c: which arithmetic a model computes in. `auto` is the fastest that may be used: bytes where the model itself is quantised, BF16
 * where tiles make it fast and it was seen to give what FP32 gives, else FP32. Called while a model is loaded. */
#include "base/alloc.h"
#include "model/engine/internal.h"
#include <math.h>
#include <string.h>

#define NEAR_DB 30 /* outputs of BF16 against FP32 on uniform inputs: less is no rounding any more */

static bool carries_bytes(const fvi_graph *g)
{
    for (int i = 0; i < g->n_nodes; i++)
        switch (g->nodes[i]->op) {
        case FVI_OP_QUANTIZE_LINEAR: case FVI_OP_QLINEAR_CONV: case FVI_OP_QLINEAR_MATMUL: case FVI_OP_CONV_INTEGER: case FVI_OP_MATMUL_INTEGER: return true;
        default: break;
        }
    return false;
}

static fv_status unavailable(const fv_model *m, const char *precision, fv_error *err)
{
    const bool cpu = m->backend == fvi_backend_cpu();
    if (!strcmp(precision, "int8") && cpu)
        return fvi_error_set(err, FV_ERR_DEVICE, "precision int8 needs a quantised model, and this one has no Q/DQ pairs: give pictures to calibrate on, or make one with `fovea quantize`");
    return fvi_error_set(err, FV_ERR_DEVICE, "precision '%s' is not available on device %s: it has %s", precision, m->backend->name, cpu ? "fp32, bf16, and int8 for quantised models" : "fp32");
}

fv_status fvi_engine_precision(fv_model *m, const char *precision, fv_error *err)
{
    const bool cpu = m->backend == fvi_backend_cpu(), fastest = precision && !strcmp(precision, "auto"), automatic = fastest || !precision;
    m->precision_why = automatic ? "" : "it was asked for";
    if (precision && !strcmp(precision, "fp32")) return FV_OK;
    if (cpu && !m->no_rewrite && (automatic || !strcmp(precision, "int8")) && carries_bytes(m->imported)) {
        m->int8 = true;
        if (automatic) m->precision_why = "the model is quantised";
        return FV_OK;
    }
    if (automatic) {
        m->precision_why = !cpu ? "nothing is computed" : m->no_rewrite ? "the graph runs as it was written"
                                                        : !fastest ? "the model is not quantised" : "the model is not quantised, and bf16 is not faster at this CPU level";
        m->try_bf16 = fastest && cpu && !m->no_rewrite && (m->ctx->cpu & FVI_CPU_AMX);
        return FV_OK;
    }
    if (strcmp(precision, "bf16") || !cpu) return unavailable(m, precision, err);
    if (m->no_rewrite) return fvi_error_set(err, FV_ERR_ARGUMENT, "precision bf16 is a rewrite of the graph: it cannot go with no_rewrite");
    m->bf16 = true;
    return FV_OK;
}

/* ---- is BF16 near enough? ---- */

fv_status fvi_engine_uniform(fv_tensor *out, const fv_port *port, uint64_t *seed, fv_error *err)
{
    const bool real = port->dtype == FV_F32 || port->dtype == FV_F16 || port->dtype == FV_BF16;
    *out = (fv_tensor){.dtype = real ? FV_F32 : port->dtype, .rank = port->rank};
    memcpy(out->dim, port->dim, sizeof out->dim);
    const int64_t n = fv_tensor_count(out);
    out->data = fvi_calloc((size_t)n + 1, fv_dtype_size(out->dtype));
    if (!out->data) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    for (int64_t k = 0; k < n && real; k++) {
        *seed = *seed * 6364136223846793005u + 1442695040888963407u;
        ((float *)out->data)[k] = (float)(*seed >> 40) * 0x1p-24f;
    }
    return FV_OK;
}

static fv_status fill_inputs(fv_session *s, fv_error *err)
{
    const fv_port *port;
    const int n = fv_session_inputs(s, &port);
    uint64_t seed = 1;
    fv_status st = FV_OK;
    for (int i = 0; i < n && st >= 0; i++) {
        fv_tensor t;
        st = fvi_engine_uniform(&t, &port[i], &seed, err);
        if (st >= 0) st = fv_session_set_input(s, i, &t, err);
        fvi_free(t.data);
    }
    return st;
}

/* All float outputs of one run, one after the other. Owned: fvi_free. */
static fv_status run_once(fv_model *m, fv_context *threads, float **out, size_t *count, fv_error *err)
{
    fv_session *s = NULL;
    const fv_port *port;
    *out = NULL;
    *count = 0;
    FVI_TRY(fv_session_create(&s, m, FV_SESSION_OPTIONS(.ctx = threads), err));
    const int n = fv_session_outputs(s, &port);
    for (int i = 0; i < n; i++) {
        fv_tensor t = {.rank = port[i].rank};
        memcpy(t.dim, port[i].dim, sizeof t.dim);
        if (port[i].dtype == FV_F32) *count += (size_t)fv_tensor_count(&t);
    }
    float *at = *out = fvi_alloc((*count + 1) * sizeof **out);
    fv_status st = at ? fill_inputs(s, err) : fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    if (st >= 0) st = fv_session_run(s);
    for (int i = 0; i < n && st >= 0; i++) {
        fv_tensor t = {.dtype = FV_F32, .rank = port[i].rank, .data = at};
        memcpy(t.dim, port[i].dim, sizeof t.dim);
        if (port[i].dtype != FV_F32) continue;
        st = fv_session_get_output(s, i, &t, err);
        at += fv_tensor_count(&t);
    }
    fv_session_free(&s);
    return st;
}

static double apart_db(const float *a, const float *b, size_t n)
{
    double signal = 0, noise = 0;
    for (size_t i = 0; i < n; i++) {
        const double d = (double)a[i] - (double)b[i];
        signal += (double)a[i] * (double)a[i];
        noise += d * d;
    }
    return noise > 0 ? 10 * log10(signal / noise) : isnan(noise) ? -200 : 200;
}

fv_status fvi_engine_validate_bf16(fv_model *m, fv_error *err)
{
    float *a = NULL, *b = NULL;
    size_t n = 0, n_low = 0;
    fv_context *threads = NULL; /* of its own: its sessions time no tactics */
    if (!m->final) { /* shapes are open: nothing can be run yet */
        m->precision_why = "bf16 would be faster, but cannot be validated while the model's shapes are open";
        return FV_OK;
    }
    fv_status st = fv_context_create(&threads, FV_CONTEXT_OPTIONS(.threads = fv_context_threads(m->ctx)), err);
    if (st >= 0) st = run_once(m, threads, &a, &n, NULL);
    fvi_graph *plain = m->final;
    if (st >= 0) {
        m->final = NULL;
        m->bf16 = true;
        st = fvi_engine_prepare(m, NULL);
        if (st >= 0) st = run_once(m, threads, &b, &n_low, NULL);
    }
    if (st >= 0 && n == n_low && n > 0 && apart_db(a, b, n) >= NEAR_DB) {
        fvi_graph_free(&plain);
        m->precision_why = "bf16 runs on AMX tiles and was seen to give what fp32 gives";
    } else {
        if (m->final != plain) fvi_graph_free(&m->final);
        m->final = plain;
        m->bf16 = false;
        m->kept = NULL;
        m->n_kept = 0;
        m->precision_why = st < 0 ? "bf16 would be faster, but could not be validated" : "bf16 would be faster, but gives other results than fp32 on this model";
        if (st != FV_ERR_MEMORY) st = FV_OK;
    }
    fvi_free(a);
    fvi_free(b);
    fv_context_free(&threads);
    return st;
}
