/* tiled_budget.c: times of frames -> looks that the next one may take. Called by tiled.c, tiled_look.c and, through the detector, by the sink lane. */
#include "flow/tiled_budget.h"
#include <math.h>
#include <string.h>

#define BEGINNING 0.3 /* of the budget: how long other things take is not known yet */
#define GAIN 0.1      /* of the budget, by a miss */
#define MISSES 0.03   /* share of frames that may miss: a little below what is promised */
#define LONGEST 4     /* frames without a look, less one */
#define ASSUMED_MS 50 /* a look, before the first was timed */
#define UP 0.3
#define DOWN 0.05

fv_status fvi_flow_budget_init(fvi_flow_budget *b, double budget_ms)
{
    memset(b, 0, sizeof *b);
    b->budget_ms = budget_ms > 0 ? budget_ms : 0;
    b->allowance_ms = BEGINNING * b->budget_ms;
    b->ready = pthread_mutex_init(&b->lock, NULL) == 0;
    return b->ready ? FV_OK : FV_ERR_MEMORY;
}

void fvi_flow_budget_destroy(fvi_flow_budget *b)
{
    if (b->ready) pthread_mutex_destroy(&b->lock);
    b->ready = false;
}

bool fvi_flow_budget_tell(fvi_flow_budget *b, double end_to_end_ms)
{
    bool missed = b->budget_ms > 0 && end_to_end_ms > b->budget_ms;
    pthread_mutex_lock(&b->lock);
    b->told++;
    b->missed += missed;
    b->allowance_ms += GAIN * b->budget_ms * (MISSES - missed);
    b->allowance_ms = fmin(fmax(b->allowance_ms, 0), b->budget_ms);
    pthread_mutex_unlock(&b->lock);
    return missed;
}

static double from_above(double estimate, double value)
{
    return estimate == 0 ? value : estimate + (value > estimate ? UP : DOWN) * (value - estimate);
}

int fvi_flow_budget_looks(fvi_flow_budget *b, int all)
{
    if (!(b->budget_ms > 0)) return all;
    pthread_mutex_lock(&b->lock);
    const double look = b->look_ms > 0 ? b->look_ms : ASSUMED_MS, room = fmax(b->allowance_ms - b->beside_ms, 0);
    double n = floor(room / look);
    if (n < 1) { /* not in every frame: saved up over some */
        b->saved_ms += room;
        n = b->saved_ms >= look || ++b->without >= LONGEST;
    }
    if (n >= 1) b->saved_ms = b->without = 0;
    pthread_mutex_unlock(&b->lock);
    return n < all ? (int)n : all;
}

void fvi_flow_budget_took(fvi_flow_budget *b, int n, double looks_ms, double beside_ms)
{
    pthread_mutex_lock(&b->lock);
    if (n > 0 && looks_ms > 0) b->look_ms = from_above(b->look_ms, looks_ms / n);
    if (beside_ms >= 0) b->beside_ms = from_above(b->beside_ms, beside_ms);
    pthread_mutex_unlock(&b->lock);
}

double fvi_flow_budget_look_ms(fvi_flow_budget *b)
{
    pthread_mutex_lock(&b->lock);
    double ms = b->look_ms;
    pthread_mutex_unlock(&b->lock);
    return ms;
}
