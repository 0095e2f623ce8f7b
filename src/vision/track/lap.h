/* lap.h: who belongs to whom: exact assignment of rows to columns over a sparse set of allowed pairs, where leaving a row
 * without a column has a price. Threads: one at a time. */
#ifndef FVI_VISION_TRACK_LAP_H
#define FVI_VISION_TRACK_LAP_H
#include <fovea/status.h>
#include <stddef.h>

typedef struct fvi_lap_edge {
    int col;
    float cost; /* >= 0 */
} fvi_lap_edge;

/* Memory of the solver; zero-initialise. */
typedef struct fvi_lap {
    double *u, *v, *dist;
    int *col_row, *prev, *touched, *mark;
    size_t rows, cols; /* allocated */
} fvi_lap;
/* Allocates only when there are more rows or columns than ever before. */
fv_status fvi_lap_reserve(fvi_lap *l, int rows, int cols);
void fvi_lap_clear(fvi_lap *l);
/* Row r's allowed pairs are edges[start[r] .. start[r+1]). Minimises the sum of costs + limit for every row without a
 * column: a pair that costs more than `limit` is never made. row_col [rows] receives the column or -1. Needs a reserve. */
void fvi_lap_solve(fvi_lap *l, int rows, int cols, const int *start, const fvi_lap_edge *edges, double limit, int *row_col);
#endif
