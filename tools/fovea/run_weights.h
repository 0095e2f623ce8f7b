/* run_weights.h: --watch-weights FILE: whenever FILE changes while a run goes on, its weights are used from the next frame on. */
#ifndef FOVEA_TOOL_RUN_WEIGHTS_H
#define FOVEA_TOOL_RUN_WEIGHTS_H
#include "run.h"
typedef struct run_weights run_weights;
/* *out null without the flag. 0, or the exit code after the error was printed. */
int run_weights_start(run_weights **out, run_state *r);
void run_weights_stop(run_weights **w); /* null is fine */
#endif
