/* engines.h: what build, refit and bench share about engine files: shapes of a profile, writing to a file or standard output, and weights
 * from a model. */
#ifndef FOVEA_TOOL_ENGINES_H
#define FOVEA_TOOL_ENGINES_H
#include "cli.h"
#include <fovea/engine.h>

typedef struct engine_shapes {
    fv_port *ports[3]; /* min, opt, max: of the inputs that were given */
    int n[3];
} engine_shapes;
/* --shapes (all three), --minShapes, --optShapes, --maxShapes. Returns an exit code. */
int engine_shapes_read(const cli_args *a, const fv_model *m, engine_shapes *s);
void engine_shapes_free(engine_shapes *s);

/* fv_engine_save; "-" is standard output. */
fv_status engine_save(fv_model *m, const char *path, const fv_engine_options *o, fv_engine_report *r, fv_error *err);
/* The model at `from` with the engine's tactics; *ms: how long putting the weights in took, with reading them. Returns an exit code. */
int engine_refitted(const cli_args *a, fv_context *ctx, const fv_model *engine, const char *from, fv_model **out, double *ms);
#endif
