/* calib.h: --calib of the verbs that run a model: a float model becomes an int8 one before it runs. */
#ifndef FOVEA_TOOL_CALIB_H
#define FOVEA_TOOL_CALIB_H
#include "run_settings.h"

/* Loads the model at `place`, as --calib and --precision want it; without --calib as models_load does. s: how pictures are prepared; null =
 * what the model says, and flags of the verb. 0, or the exit code after the error was printed; *out is null then. */
int calib_load(const cli_args *a, fv_model **out, fv_context *ctx, const char *place, const fv_model_options *opt, const settings *s);
#endif
