/* lap.c: sparse pairs with costs -> the cheapest assignment, by shortest augmenting paths with dual prices
 * (Jonker and Volgenant 1987). Called by associate.c, three times a frame.
 *
 * Every row may also end the path by going without a column, at the price `limit`. O(n^3) at worst; pairs are few and
 * components small after gating, so that a path looks at a handful of columns. */
#include "vision/track/lap.h"
#include "base/alloc.h"
#include <math.h>
#include <string.h>

static bool grow(void *p, size_t count, size_t size)
{
    void *fresh = fvi_calloc(count, size), **slot = p;
    if (!fresh) return false;
    fvi_free(*slot);
    *slot = fresh;
    return true;
}

fv_status fvi_lap_reserve(fvi_lap *l, int rows, int cols)
{
    size_t r = rows > 0 ? (size_t)rows : 1, c = cols > 0 ? (size_t)cols : 1;
    if (r > l->rows) {
        l->rows = 0;
        if (!grow(&l->u, 2 * r, sizeof *l->u)) return FV_ERR_MEMORY;
        l->rows = 2 * r;
    }
    if (c > l->cols) {
        size_t n = 2 * c;
        l->cols = 0;
        if (!grow(&l->v, n, sizeof *l->v) || !grow(&l->dist, n, sizeof *l->dist) || !grow(&l->col_row, n, sizeof(int)) ||
            !grow(&l->prev, n, sizeof(int)) || !grow(&l->touched, n, sizeof(int)) || !grow(&l->mark, n, sizeof(int)))
            return FV_ERR_MEMORY;
        l->cols = n;
    }
    return FV_OK;
}

void fvi_lap_clear(fvi_lap *l)
{
    fvi_free(l->u);
    fvi_free(l->v);
    fvi_free(l->dist);
    fvi_free(l->col_row);
    fvi_free(l->prev);
    fvi_free(l->touched);
    fvi_free(l->mark);
    *l = (fvi_lap){0};
}

enum { UNSEEN, SEEN, DONE };

/* A search from one row: columns seen so far, and the cheapest way to end. */
typedef struct path {
    int n_touched;
    double end_dist;
    int end_row; /* this row goes without a column, or -1 */
    int end_col; /* else the path ends at this free column */
} path;

static void relax(fvi_lap *l, path *p, int row, double at, const fvi_lap_edge *e, const fvi_lap_edge *end)
{
    for (; e < end; e++) {
        int j = e->col;
        double d = at + e->cost - l->u[row] - l->v[j];
        if (l->mark[j] == DONE) continue;
        if (l->mark[j] == UNSEEN) {
            l->mark[j] = SEEN;
            l->touched[p->n_touched++] = j;
        } else if (d >= l->dist[j]) {
            continue;
        }
        l->dist[j] = d;
        l->prev[j] = row;
    }
}

static int nearest(const fvi_lap *l, const path *p)
{
    int best = -1;
    for (int k = 0; k < p->n_touched; k++) {
        int j = l->touched[k];
        if (l->mark[j] == SEEN && (best < 0 || l->dist[j] < l->dist[best])) best = j;
    }
    return best;
}

static path search(fvi_lap *l, int row0, const int *start, const fvi_lap_edge *edges, double limit)
{
    path p = {.end_dist = INFINITY, .end_row = -1, .end_col = -1};
    int row = row0;
    double at = 0;
    for (;;) {
        double alone = at + limit - l->u[row];
        if (alone < p.end_dist) p.end_dist = alone, p.end_row = row;
        relax(l, &p, row, at, edges + start[row], edges + start[row + 1]);
        int j = nearest(l, &p);
        if (j < 0 || l->dist[j] >= p.end_dist) return p;
        if (l->col_row[j] < 0) {
            p.end_dist = l->dist[j];
            p.end_row = -1;
            p.end_col = j;
            return p;
        }
        l->mark[j] = DONE;
        row = l->col_row[j];
        at = l->dist[j];
    }
}

/* Prices of everything nearer than the end move, so that all reduced costs stay >= 0. */
static void reprice(fvi_lap *l, const path *p, int row0)
{
    l->u[row0] += p->end_dist;
    for (int k = 0; k < p->n_touched; k++) {
        int j = l->touched[k];
        if (l->mark[j] == DONE) {
            l->v[j] += l->dist[j] - p->end_dist;
            l->u[l->col_row[j]] += p->end_dist - l->dist[j];
        }
        l->mark[j] = UNSEEN;
    }
}

static void augment(fvi_lap *l, const path *p, int row0, int *row_col)
{
    int j = p->end_col;
    if (p->end_row >= 0) {
        j = row_col[p->end_row];
        row_col[p->end_row] = -1;
        if (p->end_row == row0) return;
    }
    for (;;) {
        int row = l->prev[j], next = row_col[row];
        row_col[row] = j;
        l->col_row[j] = row;
        if (row == row0) return;
        j = next;
    }
}

void fvi_lap_solve(fvi_lap *l, int rows, int cols, const int *start, const fvi_lap_edge *edges, double limit, int *row_col)
{
    for (int r = 0; r < rows; r++) l->u[r] = 0, row_col[r] = -1;
    for (int c = 0; c < cols; c++) l->v[c] = 0, l->col_row[c] = -1, l->mark[c] = UNSEEN;
    for (int r = 0; r < rows; r++) {
        path p = search(l, r, start, edges, limit);
        reprice(l, &p, r);
        augment(l, &p, r, row_col);
    }
}
