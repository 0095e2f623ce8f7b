/* associate.c: two sets of boxes -> pairs. The columns are swept from left to right, so that a row only meets those that
 * can overlap it; what overlaps enough becomes an edge for lap.c. Called by the trackers. */
#include "base/alloc.h"
#include "vision/track/tracker.h"

float fvi_track_iou(const float a[4], const float b[4])
{
    float x1 = a[0] > b[0] ? a[0] : b[0], y1 = a[1] > b[1] ? a[1] : b[1];
    float x2 = a[2] < b[2] ? a[2] : b[2], y2 = a[3] < b[3] ? a[3] : b[3];
    if (!(x2 > x1) || !(y2 > y1)) return 0;
    double inter = (double)(x2 - x1) * (y2 - y1);
    double area = (double)(a[2] - a[0]) * (a[3] - a[1]) + (double)(b[2] - b[0]) * (b[3] - b[1]);
    return (float)(inter / (area - inter));
}

static fv_status reserve(fvi_associate *a, int rows, int cols)
{
    if ((size_t)rows + 1 > a->n_rows) {
        size_t n = 2 * ((size_t)rows + 1);
        fvi_free(a->start);
        fvi_free(a->row_col);
        a->n_rows = 0;
        a->start = fvi_calloc(n, sizeof *a->start);
        a->row_col = fvi_calloc(n, sizeof *a->row_col);
        if (!a->start || !a->row_col) return FV_ERR_MEMORY;
        a->n_rows = n;
    }
    if ((size_t)cols > a->n_cols) {
        size_t n = 2 * (size_t)cols;
        fvi_free(a->by_x);
        a->n_cols = 0;
        a->by_x = fvi_calloc(n, sizeof *a->by_x);
        if (!a->by_x) return FV_ERR_MEMORY;
        a->n_cols = n;
    }
    size_t usual = 8 * (a->n_rows + a->n_cols); /* pairs that overlap; dense crowds make it grow once more */
    if (a->n_edges < usual) {
        fvi_free(a->edges);
        a->n_edges = 0;
        a->edges = fvi_calloc(usual, sizeof *a->edges);
        if (!a->edges) return FV_ERR_MEMORY;
        a->n_edges = usual;
    }
    return fvi_lap_reserve(&a->lap, rows, cols);
}

static bool left_of(const fvi_boxes *c, int a, int b)
{
    return c->box[a][0] != c->box[b][0] ? c->box[a][0] < c->box[b][0] : a < b;
}

/* Heap sort: no memory, and the order is total. */
static void sink(const fvi_boxes *c, int *idx, int n, int at)
{
    for (int child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && left_of(c, idx[child], idx[child + 1])) child++;
        if (!left_of(c, idx[at], idx[child])) return;
        int t = idx[at];
        idx[at] = idx[child];
        idx[child] = t;
    }
}

static void sort_by_x(const fvi_boxes *c, int *idx)
{
    for (int i = 0; i < c->n; i++) idx[i] = i;
    for (int i = c->n / 2 - 1; i >= 0; i--) sink(c, idx, c->n, i);
    for (int i = c->n - 1; i > 0; i--) {
        int t = idx[0];
        idx[0] = idx[i];
        idx[i] = t;
        sink(c, idx, i, 0);
    }
}

/* First of the sorted columns whose left edge is not left of x. */
static int first_from(const fvi_boxes *c, const int *by_x, float x)
{
    int lo = 0, hi = c->n;
    while (lo < hi) {
        int mid = lo + (hi - lo) / 2;
        if (c->box[by_x[mid]][0] < x)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static fv_status add_edge(fvi_associate *a, int *n, int col, float cost)
{
    if (!fvi_grow((void **)&a->edges, (size_t)*n, &a->n_edges, sizeof *a->edges)) return FV_ERR_MEMORY;
    a->edges[(*n)++] = (fvi_lap_edge){col, cost};
    return FV_OK;
}

fv_status fvi_associate_run(fvi_associate *a, fvi_boxes rows, fvi_boxes cols, const fvi_pair_rule *rule)
{
    fv_status st = reserve(a, rows.n, cols.n);
    if (st < 0) return st;
    sort_by_x(&cols, a->by_x);
    float widest = 0;
    for (int c = 0; c < cols.n; c++)
        if (cols.box[c][2] - cols.box[c][0] > widest) widest = cols.box[c][2] - cols.box[c][0];
    int n = 0;
    for (int r = 0; r < rows.n; r++) {
        const float *b = rows.box[r];
        a->start[r] = n;
        for (int k = first_from(&cols, a->by_x, b[0] - widest); k < cols.n; k++) {
            int c = a->by_x[k];
            const float *o = cols.box[c];
            if (o[0] >= b[2]) break;
            if (o[2] <= b[0] || o[3] <= b[1] || o[1] >= b[3]) continue;
            float overlap = fvi_track_iou(b, o), cost = 1 - overlap * (cols.score ? cols.score[c] : 1);
            if (!(overlap > rule->least_iou)) continue;
            if (rule->more) cost += rule->more(rule->user, r, c);
            if (cost <= rule->limit) {
                st = add_edge(a, &n, c, cost < 0 ? 0 : cost);
                if (st < 0) return st;
            }
        }
    }
    a->start[rows.n] = n;
    fvi_lap_solve(&a->lap, rows.n, cols.n, a->start, a->edges, rule->limit, a->row_col);
    return FV_OK;
}

void fvi_associate_clear(fvi_associate *a)
{
    fvi_lap_clear(&a->lap);
    fvi_free(a->start);
    fvi_free(a->row_col);
    fvi_free(a->by_x);
    fvi_free(a->edges);
    *a = (fvi_associate){0};
}
