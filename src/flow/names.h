/* names.h: class names of a detector: the user's, else the model's, else COCO's when there are 80, else "class7". */
#ifndef FVI_FLOW_NAMES_H
#define FVI_FLOW_NAMES_H
#include <stdbool.h>
typedef struct fvi_flow_names {
    char **name; /* [count], each owned; null entries until fill */
    int count;
    bool assumed; /* COCO's, because the file has 80 classes and no names */
} fvi_flow_names;
/* user [n_user] wins over `literal` (the model's metadata, may be null). False = out of memory. */
bool fvi_flow_names_load(fvi_flow_names *t, const char *const *user, int n_user, const char *literal);
/* Gives every class of [0, n_classes) a name. */
bool fvi_flow_names_fill(fvi_flow_names *t, int n_classes);
const char *fvi_flow_names_get(const fvi_flow_names *t, int class_id); /* never null */
void fvi_flow_names_free(fvi_flow_names *t);
#endif
