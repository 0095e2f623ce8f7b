/* budget.h: how much memory a piece of work may take. A model may ask for any amount; between begin and end what this thread allocates with alloc.h
 * counts, and beyond the limit there is no more, as if the machine had none. Threads: each its own; what other threads allocate does not count. */
#ifndef FVI_BASE_BUDGET_H
#define FVI_BASE_BUDGET_H
#include <fovea/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
typedef struct fvi_budget {
    int64_t limit, used; /* bytes; freed ones are given back */
    size_t refused;      /* the first allocation that did not fit; 0 = all did */
    struct fvi_budget *outer;
} fvi_budget;
void fvi_budget_begin(fvi_budget *b, int64_t limit);
/* Ends it. When it was too little and `st` is an error: FV_ERR_MEMORY with the limit in front of the text; else st. */
fv_status fvi_budget_end(fvi_budget *b, fv_status st, fv_error *err);
/* Half of what this machine, or the control group of this process, has. */
int64_t fvi_budget_default(void);

/* For alloc.c: may `bytes` be allocated? */
bool fvi_budget_allows(size_t bytes);
void fvi_budget_count(int64_t bytes); /* allocated, or negative: freed */
#endif
