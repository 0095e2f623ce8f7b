/* config_yaml.c: YAML text -> config. libyaml gives the tree with its line numbers; what the tree may hold is decided here.
 * Called by run_settings.c. */
#include "config_inside.h"
#include "text.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FILE ((size_t)1 << 20)
#define MAX_POINTS 1000
#define MAX_LIST 1000

typedef config_loader loader;


fv_status config_wrong(loader *l, const yaml_node_t *at, const char *what, const char *about)
{
    return cli_set_error(l->err, FV_ERR_CONFIG, "%s:%d: %s%s", l->path, config_line_of(at), what, about);
}

const char *config_scalar(const yaml_node_t *n)
{
    /* a NUL inside would cut the text; no value here has one */
    if (n->type != YAML_SCALAR_NODE || strlen((const char *)n->data.scalar.value) != n->data.scalar.length) return NULL;
    return (const char *)n->data.scalar.value;
}

fv_status config_unknown_key(loader *l, const yaml_node_t *key, const char *const *known)
{
    int n = 0;
    while (known[n]) n++;
    const char *name = config_scalar(key), *close = name ? cli_closest(name, known, n) : NULL;
    return cli_set_error(l->err, FV_ERR_CONFIG, "%s:%d: unknown key '%s'%s%s%s", l->path, config_line_of(key), name ? name : "(not a word)",
                         close ? "; did you mean " : "", close ? close : "", close ? "?" : "");
}

const char *config_find_key(const char *const *known, const char *key)
{
    for (int i = 0; key && known[i]; i++)
        if (cli_same_name(key, strlen(key), known[i])) return known[i];
    return NULL;
}

/* "person" or [person, 2] -> "person,2" */
static fv_status list_text(loader *l, const yaml_node_t *n, char **out)
{
    text t = {0};
    if (config_scalar(n)) {
        *out = tool_strdup(config_scalar(n));
        return FV_OK;
    }
    if (n->type != YAML_SEQUENCE_NODE) return config_wrong(l, n, "a value or a list of values was expected", "");
    const yaml_node_item_t *i = n->data.sequence.items.start, *end = n->data.sequence.items.top;
    if (end - i > MAX_LIST) return config_wrong(l, n, "the list is too long", "");
    text_add(&t, "");
    for (; i < end; i++) {
        const yaml_node_t *item = config_node(l, *i);
        if (!config_scalar(item)) {
            text_free(&t);
            return config_wrong(l, item, "a word or a number was expected in this list", "");
        }
        if (t.len) text_add(&t, ",");
        text_add(&t, config_scalar(item));
    }
    *out = t.s;
    return FV_OK;
}

static bool number(const char *s, double *v)
{
    char *end;
    if (!s || !*s) return false;
    *v = strtod(s, &end);
    return *end == 0 && isfinite(*v) && fabs(*v) <= 1e6;
}

static fv_status points(loader *l, const yaml_node_t *n, config_shape *s)
{
    if (n->type != YAML_SEQUENCE_NODE) return config_wrong(l, n, "points are written [[x, y], [x, y]]", "");
    const yaml_node_item_t *i = n->data.sequence.items.start;
    long count = n->data.sequence.items.top - i;
    if (count < 1 || count > MAX_POINTS) return config_wrong(l, n, "too few or too many points", "");
    s->xy = tool_alloc((size_t)count * 2 * sizeof *s->xy);
    for (; s->n_points < count; s->n_points++) {
        const yaml_node_t *p = config_node(l, i[s->n_points]);
        if (p->type != YAML_SEQUENCE_NODE || p->data.sequence.items.top - p->data.sequence.items.start != 2)
            return config_wrong(l, p, "a point is written [x, y]", "");
        for (int k = 0; k < 2; k++) {
            const yaml_node_t *v = config_node(l, p->data.sequence.items.start[k]);
            if (!number(config_scalar(v), &s->xy[2 * s->n_points + k])) return config_wrong(l, v, "a number was expected", "");
        }
    }
    return FV_OK;
}

static fv_status shape_member(loader *l, config_shape *s, const yaml_node_t *key, const yaml_node_t *value)
{
    static const char *const known[] = {"name", "points", "classes", "anchor", NULL};
    const char *k = config_find_key(known, config_scalar(key));
    if (!k) return config_unknown_key(l, key, known);
    if ((k == known[0] && s->name) || (k == known[1] && s->xy) || (k == known[2] && s->classes) || (k == known[3] && s->anchor))
        return config_wrong(l, key, "this key is there twice: ", k);
    if (k == known[1]) return points(l, value, s);
    if (k == known[2]) return list_text(l, value, &s->classes);
    if (!config_scalar(value) || !config_scalar(value)[0]) return config_wrong(l, value, "a word was expected for ", k);
    *(k == known[0] ? &s->name : &s->anchor) = tool_strdup(config_scalar(value));
    return FV_OK;
}

static fv_status one_shape(loader *l, config_shape *s, const yaml_node_t *n, bool zone)
{
    s->at = config_line_of(n);
    if (n->type != YAML_MAPPING_NODE) return config_wrong(l, n, "an entry is written {name: …, points: [[x, y], …]}", "");
    for (const yaml_node_pair_t *p = n->data.mapping.pairs.start; p < n->data.mapping.pairs.top; p++) {
        fv_status st = shape_member(l, s, config_node(l, p->key), config_node(l, p->value));
        if (st < 0) return st;
    }
    if (!s->name) return config_wrong(l, n, "an entry needs a name", "");
    if (!s->xy) return config_wrong(l, n, "an entry needs points", "");
    if (!zone && s->n_points != 2) return config_wrong(l, n, "a line has two points", "");
    if (zone && s->n_points < 3) return config_wrong(l, n, "a zone has three points or more", "");
    return FV_OK;
}

static fv_status shapes(loader *l, const yaml_node_t *n, bool zone, config_shape **out, int *count)
{
    if (*out) return config_wrong(l, n, "this key is there twice: ", zone ? "zones" : "lines");
    if (n->type != YAML_SEQUENCE_NODE) return config_wrong(l, n, "a list was expected for ", zone ? "zones" : "lines");
    const yaml_node_item_t *i = n->data.sequence.items.start, *end = n->data.sequence.items.top;
    if (end - i > CONFIG_MAX_SHAPES) return config_wrong(l, n, "too many entries in ", zone ? "zones" : "lines");
    *out = tool_alloc((size_t)(end - i + 1) * sizeof **out);
    for (; i < end; i++) {
        fv_status st = one_shape(l, &(*out)[(*count)++], config_node(l, *i), zone);
        if (st < 0) return st;
    }
    return FV_OK;
}

config_entry *config_find(const config *c, const char *key)
{
    for (int i = 0; i < c->n_entries; i++)
        if (!strcmp(c->entries[i].key, key)) return &c->entries[i];
    return NULL;
}

fv_status config_add_entry(loader *l, config *c, const char *name, const yaml_node_t *key, const yaml_node_t *value)
{
    if (config_find(c, name)) return config_wrong(l, key, "this key is there twice: ", name);
    config_entry *e = &c->entries[c->n_entries++];
    e->key = tool_strdup(name);
    e->at = config_line_of(key);
    return list_text(l, value, &e->value);
}

/* tracker: {type: ocsort, track_high_thresh: 0.5}: what belongs to it, under one roof. `type` is the tracker's name. */
static fv_status tracker_settings(loader *l, config *c, const yaml_node_t *n)
{
    static const char *const known[] = {"type",         "tracker-type",     "track-buffer",     "track-high-thresh",
                                        "track-low-thresh", "new-track-thresh", "match-thresh", NULL};
    for (const yaml_node_pair_t *p = n->data.mapping.pairs.start; p < n->data.mapping.pairs.top; p++) {
        const yaml_node_t *key = config_node(l, p->key);
        const char *k = config_find_key(known, config_scalar(key));
        if (!k) return config_unknown_key(l, key, known);
        if (!config_scalar(config_node(l, p->value))) return config_wrong(l, key, "a value was expected for ", k);
        fv_status st = config_add_entry(l, c, k == known[0] || k == known[1] ? "tracker" : k, key, config_node(l, p->value));
        if (st < 0) return st;
    }
    return FV_OK;
}

static fv_status top_key(loader *l, config *c, const char *const *all, const yaml_node_t *key, const yaml_node_t *value)
{
    const char *k = config_find_key(all, config_scalar(key));
    if (!k) return config_unknown_key(l, key, all);
    if (!strcmp(k, "lines")) return shapes(l, value, false, &c->lines, &c->n_lines);
    if (!strcmp(k, "zones")) return shapes(l, value, true, &c->zones, &c->n_zones);
    if (config_pipeline_has(k)) return config_pipeline_key(l, c, k, key, value);
    if (!strcmp(k, "tracker") && value->type == YAML_MAPPING_NODE) return tracker_settings(l, c, value);
    return config_add_entry(l, c, k, key, value);
}

static fv_status document(loader *l, config *c, const char *const *known)
{
    const yaml_node_t *root = yaml_document_get_root_node(&l->doc);
    if (!root) return FV_OK; /* an empty file sets nothing */
    if (root->type != YAML_MAPPING_NODE) return config_wrong(l, root, "a file of keys and values was expected", "");
    int n_known = 0;
    while (known[n_known]) n_known++;
    const char **all = tool_alloc((size_t)(n_known + CONFIG_PIPELINE_KEYS + 3) * sizeof *all);
    memcpy(all, known, (size_t)n_known * sizeof *all);
    all[n_known] = "lines";
    all[n_known + 1] = "zones";
    for (int i = 0; i < CONFIG_PIPELINE_KEYS; i++) all[n_known + 2 + i] = config_pipeline_keys[i];
    fv_status st = FV_OK;
    c->entries = tool_alloc((size_t)(n_known + CONFIG_PIPELINE_ENTRIES) * sizeof *c->entries);
    for (const yaml_node_pair_t *p = root->data.mapping.pairs.start; p < root->data.mapping.pairs.top && st >= 0; p++)
        st = top_key(l, c, all, config_node(l, p->key), config_node(l, p->value));
    free(all);
    return st < 0 ? st : config_pipeline_settle(l, c);
}

fv_status config_load(config *c, const char *path, const char *const *known, fv_error *err)
{
    char *bytes;
    size_t size;
    memset(c, 0, sizeof *c);
    fv_status st = cli_read_file(path, MAX_FILE, &bytes, &size, err);
    if (st < 0) return st;
    yaml_parser_t parser;
    loader l = {.path = path, .err = err};
    if (!yaml_parser_initialize(&parser)) {
        free(bytes);
        return cli_set_error(err, FV_ERR_MEMORY, "out of memory");
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)bytes, size);
    if (yaml_parser_load(&parser, &l.doc)) {
        st = document(&l, c, known);
        yaml_document_delete(&l.doc);
        if (st >= 0 && yaml_parser_load(&parser, &l.doc)) {
            const yaml_node_t *more = yaml_document_get_root_node(&l.doc);
            if (more) st = config_wrong(&l, more, "a second document is not read; one was expected", "");
            yaml_document_delete(&l.doc);
        }
    } else {
        st = cli_set_error(err, FV_ERR_CONFIG, "%s:%d: %s", path, (int)parser.problem_mark.line + 1,
                           parser.problem ? parser.problem : "this is not YAML");
    }
    yaml_parser_delete(&parser);
    free(bytes);
    if (st < 0) config_free(c);
    return st;
}

fv_status config_shape_parse(config_shape *s, const char *what, const char *textual, fv_error *err)
{
    bool zone = what[0] == 'z';
    const char *eq = strchr(textual, '='), *p;
    int cap = 1;
    memset(s, 0, sizeof *s);
    if (!eq || eq == textual)
        return cli_set_error(err, FV_ERR_ARGUMENT, "--%s %s: it is written NAME=x1,y1,x2,y2%s", what, textual, zone ? ",x3,y3,…" : "");
    for (p = eq; *p; p++) cap += *p == ',';
    if (cap % 2 || cap > 2 * MAX_POINTS || (!zone && cap != 4) || (zone && cap < 6))
        return cli_set_error(err, FV_ERR_ARGUMENT, "--%s %s: %d number%s, but %s", what, textual, cap, cap == 1 ? "" : "s",
                             zone ? "a zone has pairs x,y of three points or more" : "a line has four: x1,y1,x2,y2");
    s->xy = tool_alloc((size_t)cap * sizeof *s->xy);
    p = eq + 1;
    for (int i = 0; i < cap; i++) {
        char *end;
        s->xy[i] = strtod(p, &end);
        if (end == p || (*end != ',' && *end) || !isfinite(s->xy[i]) || fabs(s->xy[i]) > 1e6) {
            config_shape_free(s);
            return cli_set_error(err, FV_ERR_ARGUMENT, "--%s %s: number %d must be one from -1000000 to 1000000", what, textual, i + 1);
        }
        p = *end ? end + 1 : end;
    }
    text name = {0};
    text_addn(&name, textual, (size_t)(eq - textual));
    s->name = name.s;
    s->n_points = cap / 2;
    return FV_OK;
}

void config_shape_free(config_shape *s)
{
    free(s->name);
    free(s->xy);
    free(s->classes);
    free(s->anchor);
    memset(s, 0, sizeof *s);
}

void config_free(config *c)
{
    for (int i = 0; i < c->n_entries; i++) {
        free(c->entries[i].key);
        free(c->entries[i].value);
    }
    for (int i = 0; i < c->n_lines; i++) config_shape_free(&c->lines[i]);
    for (int i = 0; i < c->n_zones; i++) config_shape_free(&c->zones[i]);
    free(c->entries);
    free(c->lines);
    free(c->zones);
    memset(c, 0, sizeof *c);
}
