/* config_inside.h: what config_yaml.c and config_pipeline.c share: the tree of a file while it is read. */
#ifndef FOVEA_TOOL_CONFIG_INSIDE_H
#define FOVEA_TOOL_CONFIG_INSIDE_H
#include "cli.h"
#include "config_yaml.h"
#include <yaml.h>

typedef struct config_loader {
    const char *path;
    yaml_document_t doc;
    fv_error *err;
} config_loader;

static inline int config_line_of(const yaml_node_t *n) { return (int)n->start_mark.line + 1; }
static inline yaml_node_t *config_node(config_loader *l, int id) { return yaml_document_get_node(&l->doc, id); }
fv_status config_wrong(config_loader *l, const yaml_node_t *at, const char *what, const char *about);
const char *config_scalar(const yaml_node_t *n); /* null: no scalar */
const char *config_find_key(const char *const *known, const char *key); /* the known one; `-` is `_` */
fv_status config_unknown_key(config_loader *l, const yaml_node_t *key, const char *const *known);
fv_status config_add_entry(config_loader *l, config *c, const char *name, const yaml_node_t *key, const yaml_node_t *value);

/* config_pipeline.c: models, yolo_tiles_parallel, grid, overlap, gate and metric_budgets, which become entries under the names of flags. */
#define CONFIG_PIPELINE_KEYS 6
#define CONFIG_PIPELINE_ENTRIES 24 /* most that they add */
extern const char *const config_pipeline_keys[CONFIG_PIPELINE_KEYS + 1];
bool config_pipeline_has(const char *key);
fv_status config_pipeline_key(config_loader *l, config *c, const char *name, const yaml_node_t *key, const yaml_node_t *value);
/* When all keys are read: what several of them say together. */
fv_status config_pipeline_settle(config_loader *l, config *c);
#endif
