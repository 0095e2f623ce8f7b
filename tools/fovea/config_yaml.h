/* config_yaml.h: --config FILE.yaml: lines, zones and settings, each with the line it stands on. */
#ifndef FOVEA_TOOL_CONFIG_YAML_H
#define FOVEA_TOOL_CONFIG_YAML_H
#include <fovea/status.h>
#include <stdbool.h>

#define CONFIG_MAX_SHAPES 256 /* lines, and zones: as many as fv_counter_create takes */

/* A line (2 points) or zone (3 or more) as the user wrote it; from a flag or from YAML. */
typedef struct config_shape {
    char *name;
    double *xy; /* [n_points][2] */
    int n_points;
    char *classes; /* "person,2", or null = all */
    char *anchor;  /* or null = the common one */
    int at;        /* line in the file; 0 = from a flag */
} config_shape;
typedef struct config_entry {
    char *key, *value; /* a list becomes "a,b" */
    int at;
} config_entry;
typedef struct config {
    config_entry *entries; /* everything but lines and zones */
    int n_entries;
    config_shape *lines, *zones;
    int n_lines, n_zones;
} config;

/* FV_ERR_CONFIG: "FILE:LINE: …". `known` ends with null: the keys beside lines and zones. */
fv_status config_load(config *c, const char *path, const char *const *known, fv_error *err);
/* Keys are there once at most; null: not there. */
config_entry *config_find(const config *c, const char *key);
/* NAME=x1,y1,x2,y2[,…] of --line and --zone. */
fv_status config_shape_parse(config_shape *s, const char *what, const char *textual, fv_error *err);
/* config_check.c: why nothing could be counted with it, or null. */
const char *config_shape_wrong(const config_shape *s);
void config_shape_free(config_shape *s);
void config_free(config *c);
#endif
