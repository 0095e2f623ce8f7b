/* models.h: what --model and MODEL may be: the name of a built-in model, a path, or a name in $FOVEA_MODELS or ./models. */
#ifndef FOVEA_TOOL_MODELS_H
#define FOVEA_TOOL_MODELS_H
#include "cli.h"

/* A word alone that is the name of a built-in model means that model, in every folder; a file of that name is ./NAME. */
bool models_builtin(const char *name);
/* Where a model is: `name` itself when it is built in or "-" (standard input), else the path of a file; owned, null = there is none. */
char *models_find(const char *name);
/* Loads what models_find gave. */
fv_status models_load(fv_model **out, fv_context *ctx, const char *place, const fv_model_options *opt, fv_error *err);
/* Why models_find found nothing: prints it, returns the exit code. */
int models_missing(const cli_args *a, const char *name);
#endif
