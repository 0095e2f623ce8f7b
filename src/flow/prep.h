/* prep.h: what the files of "pictures -> batch tensor" share: prep.c (options, shapes), prep_batch.c (threads, memory), prep_picture.c (one picture),
 * prep_strategy.c (the table, and which one is taken). */
#ifndef FVI_FLOW_PREP_H
#define FVI_FLOW_PREP_H
#include "base/file.h"
#include "image/prep.h"
#include "model/engine/engine.h"
#include <fovea/prep.h>
#include <pthread.h>
#include <stdatomic.h>

/* How encoded pictures are decoded. */
typedef struct fvi_flow_strategy {
    const char *name, *about;
    const char *why_not; /* null = it runs here */
    bool planes;         /* Y, U, V as coded, no RGB picture is made */
    bool shrinks;        /* decoded no larger than needed */
} fvi_flow_strategy;
extern const fvi_flow_strategy fvi_flow_strategies[];
enum { FVI_FLOW_AUTO, FVI_FLOW_CPU, FVI_FLOW_SCALED }; /* places in the table */
const fvi_flow_strategy *fvi_flow_strategy_named(const char *name); /* null: there is none */

/* What one thread works with. */
typedef struct fvi_flow_prep_worker {
    fv_picture_reader *reader;
    fvi_prep_set *set;
    char *own; /* [own_bytes] a picture that is given away */
    size_t own_bytes;
} fvi_flow_prep_worker;

enum { FVI_FLOW_DECISIONS = 32 };
typedef struct fvi_flow_decision {
    char problem[160];
    const fvi_flow_strategy *strategy;
    char reason[160];
} fvi_flow_decision;

struct fv_prep {
    fv_context *ctx;
    const fv_media_api *media;
    fv_prep_options o; /* texts and arrays are not kept */
    fvi_prep_spec spec;
    const fvi_flow_strategy *strategy; /* the one asked for */
    fvi_flow_prep_worker *workers;     /* [threads] */
    int threads;
    pthread_mutex_t lock; /* what follows */
    pthread_cond_t freed;
    int64_t used; /* of max_memory */
    fvi_flow_decision decisions[FVI_FLOW_DECISIONS];
    int n_decisions;
    char reason[160];
};

/* One picture whose bytes are at hand. */
typedef struct fvi_flow_picture {
    const fv_prep_input *in;
    const char *name;
    fvi_map map; /* of the file, when there is one */
    const uint8_t *data;
    size_t size;
    fv_picture_info info;
} fvi_flow_picture;

fv_status fvi_flow_prep_media(fv_prep *p, fv_error *err); /* loads it when it is not there */
/* Opens the bytes and reads what their header says. FV_ERR_UNSUPPORTED: no still picture, perhaps a film. */
fv_status fvi_flow_picture_open(const fv_prep *p, fvi_flow_picture *pic, const fv_prep_input *in, fv_error *err);
void fvi_flow_picture_close(fvi_flow_picture *pic);
/* Decodes by a strategy and writes place i of out (logical [N,3,H,W]); pool may be null. r gets times, size and geometry. */
fv_status fvi_flow_picture_run(const fv_prep *p, fvi_flow_prep_worker *w, const fvi_flow_picture *pic, const fvi_flow_strategy *s, const fvi_tensor *out, int i,
                               fvi_pool *pool, fv_prep_result *r, fv_error *err);
/* A decoded frame, or the first of a film. */
fv_status fvi_flow_frame_run(const fv_prep *p, fvi_flow_prep_worker *w, const fv_frame *f, const fvi_tensor *out, int i, fvi_pool *pool, fv_prep_result *r,
                             fv_error *err);
fv_status fvi_flow_first_frame(const fv_prep *p, const char *path, fv_frame *f, fv_error *err);
/* Which eighths are enough for a tensor of this size, of a width x height picture. */
int fvi_flow_prep_eighths(const fv_prep *p, int width, int height, int out_w, int out_h);
/* The strategy for a picture under "auto": remembered, or both are run on this picture and timed; writes p->reason. */
const fvi_flow_strategy *fvi_flow_prep_choose(fv_prep *p, fvi_flow_prep_worker *w, const fvi_flow_picture *pic, const fvi_tensor *out, int i);
void fvi_flow_prep_reason(fv_prep *p, const char *text);
#endif
