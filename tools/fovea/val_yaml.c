/* val_yaml.c: data.yaml as Ultralytics writes it: path, train, val, test, names (a list or numbers with names), kpt_shape. Other keys are
 * for training and not looked at. Called by val_data.c. */
#include "val.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <yaml.h>

#define MAX_FILE ((size_t)4 << 20)
#define MAX_CLASSES 65536

typedef struct data_yaml {
    const char *path; /* of the file */
    const val_target *t;
    yaml_document_t doc;
    char **names;
    int n_names;
} data_yaml;

static const char *scalar(const yaml_node_t *n)
{
    if (!n || n->type != YAML_SCALAR_NODE || strlen((const char *)n->data.scalar.value) != n->data.scalar.length) return NULL;
    return (const char *)n->data.scalar.value;
}

static int wrong(const data_yaml *y, const yaml_node_t *at, const char *what)
{
    return cli_error(y->t->a, EXIT_USAGE, "%s:%d: %s", y->path, (int)at->start_mark.line + 1, what);
}

static yaml_node_t *get(data_yaml *y, const char *key)
{
    yaml_node_t *root = yaml_document_get_root_node(&y->doc);
    for (yaml_node_pair_t *p = root->data.mapping.pairs.start; p < root->data.mapping.pairs.top; p++) {
        const char *k = scalar(yaml_document_get_node(&y->doc, p->key));
        if (k && !strcmp(k, key)) return yaml_document_get_node(&y->doc, p->value);
    }
    return NULL;
}

/* [a, b] or {0: a, 1: b}, every number from 0 on once. */
static int read_names(data_yaml *y)
{
    yaml_node_t *n = get(y, "names");
    if (!n) return EXIT_OK;
    if (n->type == YAML_SEQUENCE_NODE) {
        long count = n->data.sequence.items.top - n->data.sequence.items.start;
        if (count < 1 || count > MAX_CLASSES) return wrong(y, n, "names: too few or too many");
        y->names = tool_alloc((size_t)count * sizeof *y->names);
        for (; y->n_names < count; y->n_names++) {
            yaml_node_t *item = yaml_document_get_node(&y->doc, n->data.sequence.items.start[y->n_names]);
            if (!scalar(item)) return wrong(y, item, "names: a word was expected");
            y->names[y->n_names] = tool_strdup(scalar(item));
        }
        return EXIT_OK;
    }
    if (n->type != YAML_MAPPING_NODE) return wrong(y, n, "names: a list, or numbers with names, was expected");
    long count = n->data.mapping.pairs.top - n->data.mapping.pairs.start;
    if (count < 1 || count > MAX_CLASSES) return wrong(y, n, "names: too few or too many");
    y->names = tool_alloc((size_t)count * sizeof *y->names);
    y->n_names = (int)count;
    for (yaml_node_pair_t *p = n->data.mapping.pairs.start; p < n->data.mapping.pairs.top; p++) {
        yaml_node_t *key = yaml_document_get_node(&y->doc, p->key);
        const char *k = scalar(key), *v = scalar(yaml_document_get_node(&y->doc, p->value));
        char *end;
        long id = k ? strtol(k, &end, 10) : -1;
        if (!k || end == k || *end || id < 0 || id >= count || !v || y->names[id])
            return wrong(y, key, "names: numbers from 0 on, each once, with a word behind it");
        y->names[id] = tool_strdup(v);
    }
    return EXIT_OK;
}

static int read_keypoints(data_yaml *y, val_data *d)
{
    yaml_node_t *n = get(y, "kpt_shape");
    if (!n || y->t->task != FV_TASK_POSE) return EXIT_OK;
    const char *v[2] = {0};
    for (int i = 0; n->type == YAML_SEQUENCE_NODE && i < 2 && n->data.sequence.items.start + i < n->data.sequence.items.top; i++)
        v[i] = scalar(yaml_document_get_node(&y->doc, n->data.sequence.items.start[i]));
    long points = v[0] ? strtol(v[0], NULL, 10) : 0, numbers = v[1] ? strtol(v[1], NULL, 10) : 0;
    if (points < 1 || points > 1000 || (numbers != 2 && numbers != 3)) return wrong(y, n, "kpt_shape: [17, 3] or alike was expected");
    if (points != d->n_keypoints)
        return cli_error(y->t->a, EXIT_INPUT, "%s: its things have %ld keypoints, the model's %d", y->path, points, d->n_keypoints);
    return EXIT_OK;
}

/* A folder or a list: below `path`, which is relative to the file, or else to where we are. */
static char *locate(data_yaml *y, const char *what)
{
    const char *base = scalar(get(y, "path")), *slash = strrchr(y->path, '/');
    struct stat st;
    for (int i = 0; i < 3; i++) { /* beside the file; from here; beside the file without `path` */
        text t = {0};
        bool absolute = what[0] == '/' || (base && base[0] == '/' && i < 2);
        if (!absolute && i != 1 && slash) text_addn(&t, y->path, (size_t)(slash - y->path) + 1);
        if (base && base[0] && i < 2 && what[0] != '/') text_folder(&t, base);
        text_add(&t, what);
        if (!stat(t.s, &st)) return t.s;
        text_free(&t);
    }
    return NULL;
}

static int read_part(data_yaml *y, val_data *d, const yaml_node_t *n, const int *map)
{
    const char *what = scalar(n);
    if (!what) return wrong(y, n, "a folder or a list of pictures (.txt) was expected");
    char *path = locate(y, what);
    struct stat st;
    if (!path) return cli_error(y->t->a, EXIT_INPUT, "%s:%d: there is no '%s' below its path", y->path, (int)n->start_mark.line + 1, what);
    bool folder = !stat(path, &st) && S_ISDIR(st.st_mode);
    int code = (folder ? val_read_folder : val_read_list)(d, y->t, path, map, y->n_names);
    free(path);
    return code;
}

static int read_document(data_yaml *y, val_data *d)
{
    yaml_node_t *root = yaml_document_get_root_node(&y->doc);
    const char *split = cli_text_or(y->t->a, "split", "val");
    int *map = NULL;
    if (!root || root->type != YAML_MAPPING_NODE) return cli_error(y->t->a, EXIT_USAGE, "%s: a file of keys and values was expected", y->path);
    yaml_node_t *part = get(y, split);
    if (!part) return cli_error(y->t->a, EXIT_USAGE, "%s: has no '%s:'; it says where the pictures are", y->path, split);
    int code = read_names(y);
    if (!code) code = read_keypoints(y, d);
    if (!code && y->names) code = val_map_classes(d, y->t, y->names, y->n_names, &map);
    if (!code && part->type == YAML_SEQUENCE_NODE) {
        for (yaml_node_item_t *i = part->data.sequence.items.start; i < part->data.sequence.items.top && !code; i++)
            code = read_part(y, d, yaml_document_get_node(&y->doc, *i), map);
    } else if (!code) {
        code = read_part(y, d, part, map);
    }
    free(map);
    return code;
}

int val_read_yaml(val_data *d, const val_target *t, const char *path)
{
    char *bytes;
    size_t size;
    fv_error err = {0};
    yaml_parser_t parser;
    fv_status st = cli_read_file(path, MAX_FILE, &bytes, &size, &err);
    if (st < 0) return cli_fail(t->a, st, &err);
    data_yaml y = {.path = path, .t = t};
    if (!yaml_parser_initialize(&parser)) {
        free(bytes);
        return cli_error(t->a, EXIT_MEMORY, "out of memory");
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)bytes, size);
    int code;
    if (yaml_parser_load(&parser, &y.doc)) {
        code = read_document(&y, d);
        yaml_document_delete(&y.doc);
    } else {
        code = cli_error(t->a, EXIT_USAGE, "%s:%d: %s", path, (int)parser.problem_mark.line + 1, parser.problem ? parser.problem : "this is not YAML");
    }
    yaml_parser_delete(&parser);
    for (int i = 0; i < y.n_names; i++) free(y.names[i]);
    free(y.names);
    free(bytes);
    return code;
}
