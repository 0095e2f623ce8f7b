/* tiled_budget.h: how many looks a frame may take, so that 95 of 100 frames keep the budget.
 *
 * An allowance of milliseconds for looking is steered by what happened: each frame that keeps the budget, from decoding to result, adds a little to it, each that
 * misses takes 32 times as much away. It rests where 3 frames in 100 miss, whatever the time beside looking is spent on (waiting, tracking, encoding,
 * another program). What a look costs is estimated from above: it rises with a dear look quickly and falls slowly. Threads: all functions, any. */
#ifndef FVI_FLOW_TILED_BUDGET_H
#define FVI_FLOW_TILED_BUDGET_H
#include <fovea/status.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct fvi_flow_budget {
    pthread_mutex_t lock; /* all below */
    bool ready;
    double budget_ms; /* 0 = none: everything may be looked at */
    double allowance_ms, look_ms, beside_ms; /* look_ms 0: none was timed yet. beside_ms: choosing, merging */
    double saved_ms; /* while the allowance is less than a look */
    int without;     /* frames in a row that had none */
    int64_t told, missed;
} fvi_flow_budget;

fv_status fvi_flow_budget_init(fvi_flow_budget *b, double budget_ms);
void fvi_flow_budget_destroy(fvi_flow_budget *b);
/* A frame is done, after so many milliseconds. True: it missed the budget. */
bool fvi_flow_budget_tell(fvi_flow_budget *b, double end_to_end_ms);
/* Looks that the next frame may take, up to all; 0 where a look takes longer than the allowance, at most three times in a row. */
int fvi_flow_budget_looks(fvi_flow_budget *b, int all);
/* n looks took so long, and all else of the detector so long. */
void fvi_flow_budget_took(fvi_flow_budget *b, int n, double looks_ms, double beside_ms);
double fvi_flow_budget_look_ms(fvi_flow_budget *b);
#endif
