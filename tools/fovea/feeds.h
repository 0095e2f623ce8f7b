/* feeds.h: what a model is run on: --input NAME=F.npy, the rest from a seed; shared by exec and compare. */
#ifndef FOVEA_TOOL_FEEDS_H
#define FOVEA_TOOL_FEEDS_H
#include "cli.h"

typedef struct feeds {
    const cli_args *a;
    const fv_port *in; /* of the model */
    int n;
    fv_tensor *given; /* [n] data null = not given; owned */
    fv_port *wanted;  /* [n] shapes in use */
} feeds;

/* Reads and checks --input, --shapes and --batch. What is not given needs --seed, unless `seeded`. 0, or the exit code. */
int feeds_read(feeds *f, const cli_args *a, const fv_model *m, bool seeded);
/* Takes a tensor as input i, as if it had been given: its data, allocated with malloc, is owned by f then. 0, or the exit code. */
int feeds_take(feeds *f, int i, fv_tensor *t);
/* Into a session's inputs; those that are not given are made from the seed, once. */
fv_status feeds_set(feeds *f, fv_session *s, uint64_t seed, fv_error *err);
void feeds_free(feeds *f);
#endif
