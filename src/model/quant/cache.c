/* cache.c: a finished calibration as a file and back, so that the same pictures need not be run again. Numbers are written as their
 * bits: exact, and the same under every locale. A checksum finds damage; what passes it is still checked like any input. */
#include "base/alloc.h"
#include "base/file.h"
#include "base/hash.h"
#include "model/engine/engine.h"
#include "model/quant/calibration.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD "fovea-calibration 1\n" /* format */
#define MAX_BYTES ((size_t)1 << 30)
#define TAIL 26 /* "checksum " + 16 digits + newline */

/* ---- writing ---- */

static void put_double(fvi_str *s, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, 8);
    fvi_str_printf(s, " %016llx", (unsigned long long)bits);
}

static void put_layer(fvi_str *s, const fv_calibration *c, int i)
{
    const fvi_quant_layer *l = &c->sel.layers[i];
    const fvi_quant_error *e = &c->error[i];
    fvi_str_printf(s, "layer %d %d", i, l->off);
    put_double(s, e->signal);
    put_double(s, e->places);
    for (int k = 0; k < FVI_OBS_COUNT; k++) put_double(s, e->noise[k]);
    for (int64_t j = 0; j < l->channels * FVI_OBS_COUNT && e->places > 0; j++) put_double(s, e->bias[0][j]);
    fvi_str_add(s, "\n");
}

fv_status fv_calibration_save(fv_calibration *c, const char *path, uint64_t data, fv_error *err)
{
    if (!c || !path) return fvi_error_set(err, FV_ERR_ARGUMENT, "fv_calibration_save: a calibration and a path are needed");
    FVI_TRY(fv_calibration_finish(c, err));
    fvi_str s = {0};
    c->data = data;
    fvi_str_printf(&s, HEAD "graph %016llx\ndata %016llx\nsymmetric %d\nreduced %d\ninputs %lld\n", (unsigned long long)fvi_quant_graph_hash(c->sel.g), (unsigned long long)data,
                   c->symmetric, c->reduced, (long long)c->inputs);
    for (int i = 0; i < c->sel.n_layers; i++) put_layer(&s, c, i);
    for (int v = 0; v < c->sel.g->n_values; v++) {
        if (c->sel.group[v] >= 0) fvi_str_printf(&s, "site %d %d\n", v, c->sel.group[v]);
        if (c->sel.group[v] != v) continue;
        fvi_str_printf(&s, "range %d", v);
        for (int k = 0; k < FVI_OBS_COUNT; k++) {
            put_double(&s, (double)c->range[v][k].min);
            put_double(&s, (double)c->range[v][k].max);
            put_double(&s, c->spread[v][k]);
        }
        fvi_str_add(&s, "\n");
    }
    fvi_str_printf(&s, "checksum %016llx\n", (unsigned long long)fvi_hash(s.s, s.len, 0));
    fv_status st = s.failed ? fvi_error_set(err, FV_ERR_MEMORY, "out of memory") : fvi_file_write(path, s.s, s.len, err);
    fvi_str_free(&s);
    return st;
}

/* ---- reading ---- */

typedef struct reader {
    const char *p, *end; /* of text that ends with 0 */
    bool wrong;
} reader;

static bool word(reader *r, const char *w)
{
    size_t n = strlen(w);
    if ((size_t)(r->end - r->p) < n || memcmp(r->p, w, n)) return false;
    r->p += n;
    return true;
}

static uint64_t hex(reader *r)
{
    uint64_t v = 0;
    if (r->end - r->p < 16) r->wrong = true;
    for (int i = 0; i < 16 && !r->wrong; i++, r->p++) {
        int d = *r->p >= '0' && *r->p <= '9' ? *r->p - '0' : *r->p >= 'a' && *r->p <= 'f' ? *r->p - 'a' + 10 : -1;
        r->wrong |= d < 0;
        v = v << 4 | (uint64_t)(d & 15);
    }
    return v;
}

static int64_t number(reader *r, int64_t most)
{
    int64_t v = 0;
    if (r->p == r->end || *r->p < '0' || *r->p > '9') r->wrong = true;
    for (; r->p < r->end && *r->p >= '0' && *r->p <= '9' && v <= most; r->p++) v = v * 10 + (*r->p - '0');
    r->wrong |= v > most;
    return r->wrong ? 0 : v;
}

static double real(reader *r, double low, double high)
{
    double v = 0;
    uint64_t bits;
    r->wrong |= !word(r, " ");
    bits = hex(r);
    memcpy(&v, &bits, 8);
    r->wrong |= !(v >= low && v <= high);
    return r->wrong ? 0 : v;
}

static void read_layer(reader *r, fv_calibration *c, int i)
{
    fvi_quant_layer *l = &c->sel.layers[i];
    fvi_quant_error *e = &c->error[i];
    r->wrong |= !word(r, "layer ") || number(r, INT32_MAX) != i || !word(r, " ");
    bool off = number(r, 1) != 0;
    if (off && !l->off) snprintf(l->why, sizeof l->why, "%s", "its input became infinite or no number while calibrating");
    r->wrong |= l->off && !off;
    l->off = off;
    e->signal = real(r, 0, 1e300);
    e->places = real(r, 0, 1e15);
    for (int k = 0; k < FVI_OBS_COUNT; k++) e->noise[k] = real(r, 0, 1e300);
    for (int64_t j = 0; j < l->channels * FVI_OBS_COUNT && e->places > 0 && !r->wrong; j++) e->bias[0][j] = real(r, -1e300, 1e300);
    r->wrong |= !word(r, "\n");
}

static void read_ranges(reader *r, fv_calibration *c)
{
    for (int v = 0; v < c->sel.g->n_values && !r->wrong; v++) {
        if (c->sel.group[v] < 0) continue;
        r->wrong |= !word(r, "site ") || number(r, INT32_MAX) != v || !word(r, " ");
        int group = (int)number(r, v);
        r->wrong |= !word(r, "\n") || c->sel.group[group] != group; /* one that was read before, or v */
        c->sel.group[v] = group;
        if (group != v) continue;
        r->wrong |= !word(r, "range ") || number(r, INT32_MAX) != v;
        for (int k = 0; k < FVI_OBS_COUNT; k++) {
            c->range[v][k].min = (float)real(r, -3e38, 0);
            c->range[v][k].max = (float)real(r, 0, 3e38);
            c->spread[v][k] = real(r, 0, 1e300);
        }
        r->wrong |= !word(r, "\n");
    }
}

static fv_status check_head(reader *r, const fv_calibration *c, const char *path, uint64_t data, int64_t *inputs, fv_error *err)
{
    if (!word(r, HEAD)) return fvi_error_set(err, FV_ERR_CONFIG, "%s: is no calibration cache, or one of another version", path);
    size_t n = (size_t)(r->end - (r->p - strlen(HEAD)));
    reader tail = {r->end - (n < TAIL ? 0 : TAIL), r->end, false};
    uint64_t want = fvi_hash(r->p - strlen(HEAD), (size_t)(tail.p - (r->p - strlen(HEAD))), 0);
    if (!word(&tail, "checksum ") || hex(&tail) != want || tail.wrong) return fvi_error_set(err, FV_ERR_CONFIG, "%s: is damaged or cut short", path);
    r->end -= TAIL;
    uint64_t graph = word(r, "graph ") ? hex(r) : 0, of = word(r, "\ndata ") ? hex(r) : 0;
    int64_t symmetric = word(r, "\nsymmetric ") ? number(r, 1) : 2;
    int64_t reduced = word(r, "\nreduced ") ? number(r, 1) : 2;
    *inputs = word(r, "\ninputs ") ? number(r, INT64_C(1) << 40) : 0;
    if (r->wrong || symmetric > 1 || reduced > 1 || *inputs < 1 || !word(r, "\n")) return fvi_error_set(err, FV_ERR_CONFIG, "%s: is damaged", path);
    if (graph != fvi_quant_graph_hash(c->sel.g)) return fvi_error_set(err, FV_ERR_STATE, "%s: is of another model", path);
    if (of != data) return fvi_error_set(err, FV_ERR_STATE, "%s: is of other pictures", path);
    if ((symmetric != 0) != c->symmetric) return fvi_error_set(err, FV_ERR_STATE, "%s: was made %s symmetric activations", path, symmetric ? "for" : "without");
    if ((reduced != 0) != c->reduced) return fvi_error_set(err, FV_ERR_STATE, "%s: was made %s weights of a reduced range", path, reduced ? "for" : "without");
    return FV_OK;
}

static fv_status read_all(fv_calibration *c, const char *path, const fvi_map *map, uint64_t data, fv_error *err)
{
    reader r = {(const char *)map->data, (const char *)map->data + map->size, false};
    int64_t inputs = 0;
    FVI_TRY(check_head(&r, c, path, data, &inputs, err));
    for (int i = 0; i < c->sel.n_layers && !r.wrong; i++) read_layer(&r, c, i);
    FVI_TRY(fvi_quant_select_sites(&c->sel, err));
    read_ranges(&r, c);
    if (r.wrong || r.p != r.end) return fvi_error_set(err, FV_ERR_CONFIG, "%s: is damaged", path);
    c->inputs = inputs;
    c->data = data;
    return FV_OK;
}

/* As if nothing had been read. */
static void forget(fv_calibration *c)
{
    for (int i = 0; i < c->sel.n_layers; i++) {
        double *bias = c->error[i].bias[0];
        memset(bias, 0, sizeof *bias * (size_t)c->sel.layers[i].channels * FVI_OBS_COUNT);
        c->error[i].signal = c->error[i].places = 0;
        memset(c->error[i].noise, 0, sizeof c->error[i].noise);
    }
    memset(c->range, 0, sizeof *c->range * (size_t)c->sel.g->n_values);
    memset(c->spread, 0, sizeof *c->spread * (size_t)c->sel.g->n_values);
}

fv_status fv_calibration_load(fv_calibration *c, const char *path, uint64_t data, fv_error *err)
{
    if (!c || !path) return fvi_error_set(err, FV_ERR_ARGUMENT, "fv_calibration_load: a calibration and a path are needed");
    if (c->finished || c->inputs) return fvi_error_set(err, FV_ERR_STATE, "the calibration has inputs already: a cache is read into a new one");
    fvi_map map;
    FVI_TRY(fvi_map_open(&map, path, MAX_BYTES, err));
    fvi_quant_layer *before = fvi_alloc(sizeof *before * (size_t)c->sel.n_layers);
    fv_status st = before ? FV_OK : fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    if (st >= 0) memcpy(before, c->sel.layers, sizeof *before * (size_t)c->sel.n_layers);
    if (st >= 0) st = read_all(c, path, &map, data, err);
    fvi_map_close(&map);
    if (st >= 0) {
        fv_session_free(&c->session);
        c->finished = true;
    } else if (before) {
        memcpy(c->sel.layers, before, sizeof *before * (size_t)c->sel.n_layers);
        forget(c);
        if (fvi_quant_select_sites(&c->sel, NULL) < 0) st = FV_ERR_MEMORY;
    }
    fvi_free(before);
    return st;
}
