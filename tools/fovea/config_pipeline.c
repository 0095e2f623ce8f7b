/* config_pipeline.c: the nested keys of --config that describe a pipeline of two networks -> entries under the names of flags:
 *
 *     models: {yolo_global: {enabled, engine, precision}, yolo_tiles: {enabled, engine, precision}}
 *     yolo_tiles_parallel: {enabled, groups}
 *     grid: 8x4    overlap: 0.2 or [0.2, 0.1]    gate: true    metric_budgets: {end_to_end_ms: 33}
 *
 * Called by config_yaml.c. */
#include "config_inside.h"
#include "text.h"
#include <fovea/report.h>
#include <stdlib.h>
#include <string.h>

const char *const config_pipeline_keys[CONFIG_PIPELINE_KEYS + 1] = {"models", "yolo_tiles_parallel", "grid", "overlap", "gate", "metric_budgets", NULL};

/* Entries that stand for a member until all is read. */
#define GLOBAL_ON "yolo_global.enabled"
#define TILES_ON "yolo_tiles.enabled"
#define GLOBAL_ENGINE "yolo_global.engine"
#define GLOBAL_PRECISION "yolo_global.precision"

bool config_pipeline_has(const char *key) { return config_find_key(config_pipeline_keys, key) != NULL; }

static void drop(config *c, config_entry *e)
{
    if (!e) return;
    free(e->key);
    free(e->value);
    *e = c->entries[--c->n_entries];
}

static void put(config *c, const char *key, const char *value, int at)
{
    c->entries[c->n_entries++] = (config_entry){tool_strdup(key), tool_strdup(value), at};
}

static void rename_entry(config_entry *e, const char *key)
{
    free(e->key);
    e->key = tool_strdup(key);
}

static fv_status yes_or_no(config_loader *l, const yaml_node_t *n, bool *yes)
{
    const char *v = config_scalar(n);
    bool on = v && !strcmp(v, "true"), off = v && !strcmp(v, "false");
    *yes = on;
    return on || off ? FV_OK : config_wrong(l, n, "true or false was expected", "");
}

typedef fv_status (*member_fn)(config_loader *l, config *c, const char *of, const char *name, const yaml_node_t *key, const yaml_node_t *value);

/* Members of a mapping, each of which must be known. */
static fv_status members(config_loader *l, config *c, const char *of, const char *const *known, const yaml_node_t *n, member_fn fn)
{
    if (n->type != YAML_MAPPING_NODE) return config_wrong(l, n, "keys and values were expected for ", of);
    for (const yaml_node_pair_t *p = n->data.mapping.pairs.start; p < n->data.mapping.pairs.top; p++) {
        const yaml_node_t *key = config_node(l, p->key);
        const char *k = config_find_key(known, config_scalar(key));
        fv_status st = k ? fn(l, c, of, k, key, config_node(l, p->value)) : config_unknown_key(l, key, known);
        if (st < 0) return st;
    }
    return FV_OK;
}

/* A scalar under another name; the key that the user wrote is named when it is there twice. */
static fv_status keep(config_loader *l, config *c, const char *as, const char *name, const yaml_node_t *key, const yaml_node_t *value)
{
    const char *v = config_scalar(value);
    if (!v || !v[0]) return config_wrong(l, value, "a value was expected for ", name);
    if (config_find(c, as)) return config_wrong(l, key, "this is said twice: ", name);
    return config_add_entry(l, c, as, key, value);
}

static fv_status model_member(config_loader *l, config *c, const char *of, const char *name, const yaml_node_t *key, const yaml_node_t *value)
{
    bool tiles = !strcmp(of, "yolo_tiles"), on;
    if (!strcmp(name, "enabled")) {
        fv_status st = yes_or_no(l, value, &on);
        return st < 0 ? st : keep(l, c, tiles ? TILES_ON : GLOBAL_ON, name, key, value);
    }
    if (!strcmp(name, "engine")) return keep(l, c, tiles ? "tile-model" : GLOBAL_ENGINE, name, key, value);
    return keep(l, c, tiles ? "tile-precision" : GLOBAL_PRECISION, name, key, value);
}

static fv_status model(config_loader *l, config *c, const char *of, const char *name, const yaml_node_t *key, const yaml_node_t *value)
{
    static const char *const known[] = {"enabled", "engine", "precision", NULL};
    (void)of, (void)key;
    int before = c->n_entries;
    fv_status st = members(l, c, name, known, value, model_member);
    if (st >= 0 && !strcmp(name, "yolo_tiles") && !config_find(c, TILES_ON)) put(c, TILES_ON, "true", config_line_of(value)); /* it is there */
    if (st >= 0 && c->n_entries == before) return config_wrong(l, value, "there is nothing in ", name);
    return st;
}

static fv_status parallel_member(config_loader *l, config *c, const char *of, const char *name, const yaml_node_t *key, const yaml_node_t *value)
{
    bool on;
    (void)of;
    if (!strcmp(name, "groups")) return keep(l, c, "tile-groups", name, key, value);
    fv_status st = yes_or_no(l, value, &on);
    return st < 0 ? st : keep(l, c, "parallel.enabled", name, key, value);
}

static fv_status overlap(config_loader *l, config *c, const yaml_node_t *key, const yaml_node_t *value)
{
    const bool pair = value->type == YAML_SEQUENCE_NODE;
    if (pair && value->data.sequence.items.top - value->data.sequence.items.start != 2) return config_wrong(l, value, "overlap is one number, or [of the width, of the height]", "");
    const yaml_node_t *w = pair ? config_node(l, value->data.sequence.items.start[0]) : value, *h = pair ? config_node(l, value->data.sequence.items.start[1]) : value;
    fv_status st = keep(l, c, "overlap-width-ratio", "overlap", key, w);
    return st < 0 ? st : keep(l, c, "overlap-height-ratio", "overlap", key, h);
}

/* {end_to_end_ms: 33, decode_ms: 5} -> "end_to_end_ms=33,decode_ms=5" */
static fv_status budgets(config_loader *l, config *c, const yaml_node_t *key, const yaml_node_t *value)
{
    text t = {0};
    if (value->type != YAML_MAPPING_NODE) return config_wrong(l, value, "keys and values were expected for ", "metric_budgets");
    if (config_find(c, "metric-budget")) return config_wrong(l, key, "this key is there twice: ", "metric_budgets");
    text_add(&t, "");
    for (const yaml_node_pair_t *p = value->data.mapping.pairs.start; p < value->data.mapping.pairs.top; p++) {
        const yaml_node_t *k = config_node(l, p->key), *v = config_node(l, p->value);
        const char *name = config_scalar(k), *ms = config_scalar(v);
        char *end = NULL;
        if (!name || !fv_report_has_metric(name) || !ms || !(strtod(ms, &end) >= 0) || end == ms || *end) {
            text_free(&t);
            return name && fv_report_has_metric(name) ? config_wrong(l, v, "milliseconds, 0 or more, were expected for ", name)
                                                      : config_wrong(l, k, "there is no metric ", name ? name : "(not a word)");
        }
        if (t.len) text_add(&t, ",");
        text_printf(&t, "%s=%s", name, ms);
    }
    put(c, "metric-budget", t.s, config_line_of(key));
    text_free(&t);
    return FV_OK;
}

fv_status config_pipeline_key(config_loader *l, config *c, const char *name, const yaml_node_t *key, const yaml_node_t *value)
{
    static const char *const models[] = {"yolo_global", "yolo_tiles", NULL}, *const parallel[] = {"enabled", "groups", NULL};
    const char *k = config_find_key(config_pipeline_keys, name);
    bool on;
    if (k == config_pipeline_keys[0]) return members(l, c, k, models, value, model);
    if (k == config_pipeline_keys[1]) return members(l, c, k, parallel, value, parallel_member);
    if (k == config_pipeline_keys[2]) return keep(l, c, "tiles", "grid", key, value);
    if (k == config_pipeline_keys[3]) return overlap(l, c, key, value);
    if (k == config_pipeline_keys[5]) return budgets(l, c, key, value);
    fv_status st = yes_or_no(l, value, &on);
    if (st < 0) return st;
    if (config_find(c, "exact")) return config_wrong(l, key, "this is said twice: ", "gate");
    put(c, "exact", on ? "false" : "true", config_line_of(key)); /* without the gate everything is looked at */
    return FV_OK;
}

static bool off(const config_entry *e) { return e && !strcmp(e->value, "false"); }

/* Takes what an entry says to another key, unless the file says that key as well. */
static fv_status move(config_loader *l, config *c, const char *from, const char *to)
{
    config_entry *e = config_find(c, from), *other = config_find(c, to);
    if (!e) return FV_OK;
    if (other) return cli_set_error(l->err, FV_ERR_CONFIG, "%s:%d: the %s is said twice, also in line %d", l->path, e->at, to, other->at);
    rename_entry(e, to);
    return FV_OK;
}

fv_status config_pipeline_settle(config_loader *l, config *c)
{
    const config_entry *t = config_find(c, TILES_ON), *g = config_find(c, GLOBAL_ON), *p = config_find(c, "parallel.enabled"); /* moved by what follows */
    const bool tiles_on = t, no_tiles = off(t), no_global = off(g), parallel = p, in_turn = off(p);
    const int at = t ? t->at : g ? g->at : 0, parallel_at = p ? p->at : 0;
    fv_status st = FV_OK;
    if (no_tiles && no_global) return cli_set_error(l->err, FV_ERR_CONFIG, "%s:%d: neither yolo_global nor yolo_tiles is enabled", l->path, at);
    if (no_tiles) { /* what is said about them stays in the file for another day */
        drop(c, config_find(c, "tile-model"));
        drop(c, config_find(c, "tile-precision"));
        drop(c, config_find(c, "tiles"));
    } else if ((tiles_on || no_global) && !config_find(c, "tiles")) {
        put(c, "tiles", "auto", at);
    }
    if (no_global) { /* the tiles' network is the only one */
        put(c, "no-standard-prediction", "true", at);
        if (config_find(c, "tile-model")) drop(c, config_find(c, GLOBAL_ENGINE));
        if (config_find(c, "tile-model") || config_find(c, "tile-precision")) drop(c, config_find(c, GLOBAL_PRECISION));
        if (config_find(c, "tile-model")) st = move(l, c, "tile-model", "model");
        if (st >= 0) st = move(l, c, "tile-precision", "precision");
    }
    if (st >= 0) st = move(l, c, GLOBAL_ENGINE, "model");
    if (st >= 0) st = move(l, c, GLOBAL_PRECISION, "precision");
    if (!config_find(c, "model") && config_find(c, "tile-model")) put(c, "model", config_find(c, "tile-model")->value, config_find(c, "tile-model")->at); /* one for both */
    if (in_turn) { /* one after the other, each by all threads */
        drop(c, config_find(c, "tile-groups"));
        put(c, "tile-groups", "1", parallel_at);
    } else if (parallel && !config_find(c, "tile-groups")) {
        put(c, "tile-groups", "auto", parallel_at);
    }
    drop(c, config_find(c, "parallel.enabled"));
    drop(c, config_find(c, TILES_ON));
    drop(c, config_find(c, GLOBAL_ON));
    return st;
}
