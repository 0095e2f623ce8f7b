/* null.c: a backend that runs every model in no time: right shapes, outputs keep what was in them. For tests of plan,
 * engine and frame road without arithmetic. */
#include "backend/backend.h"

static const char *unsupported(const fvi_node *n) { return (void)n, NULL; }
static fvi_layout any_layout(const fvi_node *n, int i) { return (void)n, (void)i, FVI_LAYOUT_ANY; }
static int no_halo(const fvi_node *n, int i) { return (void)n, (void)i, 0; }
static bool not_in_place(const fvi_node *n, int i) { return (void)n, (void)i, false; }
static void run(fvi_step *s) { (void)s; }

static fv_status prepare(fvi_step *s, fv_error *err)
{
    (void)err;
    s->run = run;
    s->tactic = "null";
    return FV_OK;
}

static const fvi_backend null_backend = {.name = "null",
                                         .unsupported = unsupported,
                                         .output_layout = any_layout,
                                         .input_layout = any_layout,
                                         .input_halo = no_halo,
                                         .in_place = not_in_place,
                                         .prepare = prepare,
                                         .prepare_copy = prepare};

const fvi_backend *fvi_backend_null(void) { return &null_backend; }
