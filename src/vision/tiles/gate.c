/* gate.c: luma of frames -> cells that are worth a look. Called by flow's watching detector, once a frame. */
#include "vision/tiles/gate.h"
#include "base/alloc.h"
#include "base/checked.h"
#include <math.h>
#include <string.h>

#define EVERY 2          /* rows that are read: each second */
#define BANDS 8          /* of brightness, for changes of light */
#define BINS 257         /* of a band's histogram of differences: -32 to 32 levels in quarters */
#define FEWEST 48        /* cells from which a band's median is its own */
#define MOST_SHIFT 0.5   /* of a cell, that is 4 pixels */
#define FIRM 5.0f        /* times its trembling, and some levels: that is a change */
#define FIRM_LEVELS 1.2f
#define WEAK 2.5f        /* that is less than one */
#define WEAK_LEVELS 0.6f
#define LEAST_TREMBLE 0.3f
#define LIGHT_LEVELS 0.2f /* of a change of light that may be left when it is taken out */
#define CUT 0.6f         /* share of awake cells from which everything is new */
#define FOLLOW (1.0f / 64) /* how fast sleeping cells follow what they see */

void fvi_gate_init(fvi_gate *g, fvi_cpu_flags cpu)
{
    *g = (fvi_gate){0};
    fvi_cells_init(&g->kern, cpu);
}

static void drop(fvi_gate *g)
{
    FVI_FREE(g->sums);
    FVI_FREE(g->now);
    FVI_FREE(g->seen);
    FVI_FREE(g->tremble);
    FVI_FREE(g->differs);
    FVI_FREE(g->awake);
    FVI_FREE(g->waiting);
    g->capacity = 0;
    g->width = g->height = g->cols = g->rows = 0;
}

void fvi_gate_free(fvi_gate *g) { drop(g); }

void fvi_gate_forget(fvi_gate *g) { g->frames = 0; }

static bool shape(fvi_gate *g, int width, int height)
{
    int cols = (width + FVI_CELL - 1) / FVI_CELL, rows = (height + FVI_CELL - 1) / FVI_CELL;
    size_t n = (size_t)cols * (size_t)rows;
    if (n > g->capacity) {
        drop(g);
        g->sums = fvi_calloc(n, sizeof *g->sums);
        g->now = fvi_calloc(n, sizeof *g->now);
        g->seen = fvi_calloc(n, sizeof *g->seen);
        g->tremble = fvi_calloc(n, sizeof *g->tremble);
        g->differs = fvi_calloc(n, sizeof *g->differs);
        g->awake = fvi_calloc(n, sizeof *g->awake);
        g->waiting = fvi_calloc(n, sizeof *g->waiting);
        if (!g->sums || !g->now || !g->seen || !g->tremble || !g->differs || !g->awake || !g->waiting) {
            drop(g);
            return false;
        }
        g->capacity = n;
    }
    g->width = width;
    g->height = height;
    g->cols = cols;
    g->rows = rows;
    g->frames = 0;
    return true;
}

/* Mean brightness of each cell. The last column and row of a frame that does not divide are counted over what there is. */
static void measure(fvi_gate *g, const uint8_t *luma, ptrdiff_t stride)
{
    int whole = g->width / FVI_CELL, rest = g->width % FVI_CELL;
    for (int r = 0; r < g->rows; r++) {
        int high = g->height - r * FVI_CELL < FVI_CELL ? g->height - r * FVI_CELL : FVI_CELL, rows = (high + EVERY - 1) / EVERY;
        const uint8_t *src = luma + (ptrdiff_t)r * FVI_CELL * stride;
        uint16_t *s = g->sums + (ptrdiff_t)r * g->cols;
        float *now = g->now + (ptrdiff_t)r * g->cols, part = 1.0f / (float)(FVI_CELL * rows);
        g->kern.sums(s, src, EVERY * stride, rows, whole);
        for (int c = 0; c < whole; c++) now[c] = (float)s[c] * part;
        unsigned sum = 0;
        for (int y = 0; y < rows && rest; y++)
            for (int x = 0; x < rest; x++) sum += src[y * EVERY * stride + whole * FVI_CELL + x];
        if (rest) now[whole] = (float)sum / (float)(rest * rows);
    }
}

static int band_of(float level) { return fvi_clamp_int((int)(level * (BANDS / 256.0f)), 0, BANDS - 1); }

static float median_of(const int *bins, int total)
{
    int sum = 0;
    for (int b = 0; b < BINS; b++) {
        sum += bins[b];
        if (2 * sum >= total) return (float)(b - BINS / 2) * 0.25f;
    }
    return 0;
}

/* How much brighter cells of each brightness are than they were: points of a line with corners. */
typedef struct light_line {
    int n;
    float level[BANDS], offset[BANDS];
} light_line;

/* The median of a band, which things that move do not reach, at the band's mean. */
static void light(fvi_gate *g, light_line *l)
{
    int bins[BANDS][BINS] = {{0}}, all[BINS] = {0}, count[BANDS] = {0}, n = g->cols * g->rows;
    float sum[BANDS] = {0};
    for (int i = 0; i < n; i++) {
        int band = band_of(g->seen[i]), bin = fvi_clamp_int((int)lrintf((g->now[i] - g->seen[i]) * 4), -(BINS / 2), BINS / 2) + BINS / 2;
        bins[band][bin]++;
        all[bin]++;
        count[band]++;
        sum[band] += g->seen[i];
    }
    g->light = median_of(all, n);
    *l = (light_line){.n = 1, .offset = {g->light}};
    for (int b = 0, k = 0; b < BANDS; b++) {
        if (count[b] < FEWEST) continue;
        l->level[k] = sum[b] / (float)count[b];
        l->offset[k++] = median_of(bins[b], count[b]);
        l->n = k;
    }
}

static float offset_at(const light_line *l, float level)
{
    if (level <= l->level[0]) return l->offset[0];
    for (int k = 1; k < l->n; k++)
        if (level < l->level[k]) return l->offset[k - 1] + (level - l->level[k - 1]) / (l->level[k] - l->level[k - 1]) * (l->offset[k] - l->offset[k - 1]);
    return l->offset[l->n - 1];
}

/* The shift of the whole picture that explains the differences best (least squares over cells that do not differ wildly), taken out
 * where it explains them better than nothing does. */
static void steady(fvi_gate *g)
{
    double xx = 0, xy = 0, yy = 0, dx = 0, dy = 0;
    int cols = g->cols, rows = g->rows;
    g->shift_x = g->shift_y = 0;
    for (int r = 1; r + 1 < rows; r++)
        for (int c = 1; c + 1 < cols; c++) {
            int i = r * cols + c;
            float d = g->differs[i], gx = 0.5f * (g->seen[i + 1] - g->seen[i - 1]), gy = 0.5f * (g->seen[i + cols] - g->seen[i - cols]);
            if (fabsf(d) > 2 + fabsf(gx) + fabsf(gy)) continue; /* no shift of this size does that */
            xx += (double)(gx * gx), xy += (double)(gx * gy), yy += (double)(gy * gy), dx += (double)(gx * d), dy += (double)(gy * d);
        }
    double det = xx * yy - xy * xy;
    if (!(det > 1e-3 * (xx + yy) * (xx + yy)) || xx + yy < 1) return;
    double sx = (dx * yy - dy * xy) / det, sy = (dy * xx - dx * xy) / det;
    if (fabs(sx) > MOST_SHIFT || fabs(sy) > MOST_SHIFT || fabs(sx) + fabs(sy) < 0.01) return;
    g->shift_x = (float)(-sx * FVI_CELL);
    g->shift_y = (float)(-sy * FVI_CELL);
    for (int r = 1; r + 1 < rows; r++)
        for (int c = 1; c + 1 < cols; c++) {
            int i = r * cols + c;
            float gx = 0.5f * (g->seen[i + 1] - g->seen[i - 1]), gy = 0.5f * (g->seen[i + cols] - g->seen[i - cols]);
            float left = g->differs[i] - (float)sx * gx - (float)sy * gy;
            if (fabsf(left) < fabsf(g->differs[i])) g->differs[i] = left;
        }
}

/* Awake: firmly different with a neighbour that is weakly so, or awake already and still weakly different. */
static void decide(fvi_gate *g)
{
    int cols = g->cols, rows = g->rows;
    const float weakest = WEAK_LEVELS + LIGHT_LEVELS * fabsf(g->light), firmest = FIRM_LEVELS + LIGHT_LEVELS * fabsf(g->light);
    g->n_awake = 0;
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < cols; c++) {
            int i = r * cols + c;
            float d = fabsf(g->differs[i]), t = g->tremble[i];
            bool weak = d > WEAK * t + weakest, firm = d > FIRM * t + firmest, company = d > 2 * (FIRM * t + firmest);
            const int near[4] = {c > 0 ? i - 1 : i, c + 1 < cols ? i + 1 : i, r > 0 ? i - cols : i, r + 1 < rows ? i + cols : i};
            for (int k = 0; k < 4 && firm && !company; k++)
                company = near[k] != i && fabsf(g->differs[near[k]]) > WEAK * g->tremble[near[k]] + weakest;
            bool up = (firm && company) || (g->waiting[i] && weak);
            g->awake[i] = up;
            g->waiting[i] = up ? (uint16_t)(g->waiting[i] < 60000 ? g->waiting[i] + 1 : 60000) : 0;
            g->n_awake += up;
        }
}

static void begin(fvi_gate *g)
{
    int n = g->cols * g->rows;
    memcpy(g->seen, g->now, (size_t)n * sizeof *g->seen);
    for (int i = 0; i < n; i++) {
        if (g->frames == 0) g->tremble[i] = 1;
        g->differs[i] = 0;
        g->awake[i] = 1;
        g->waiting[i] = 1;
    }
    g->n_awake = n;
    g->anew = true;
}

/* Sleeping cells learn how much they tremble, and follow slow changes. */
static void learn(fvi_gate *g, const light_line *l)
{
    int n = g->cols * g->rows;
    float rate = g->frames < 32 ? 1.0f / (float)(g->frames + 1) : 1.0f / 32;
    for (int i = 0; i < n; i++) {
        float d = g->differs[i];
        g->seen[i] += offset_at(l, g->seen[i]); /* awake or not: it is the light that changed */
        if (g->awake[i]) continue;
        float t = g->tremble[i] + rate * (1.25f * fabsf(d) - g->tremble[i]);
        g->tremble[i] = t > LEAST_TREMBLE ? t : LEAST_TREMBLE;
        g->seen[i] += FOLLOW * d;
    }
}

fv_status fvi_gate_update(fvi_gate *g, const uint8_t *luma, ptrdiff_t stride, int width, int height)
{
    light_line line;
    if ((width != g->width || height != g->height) && !shape(g, width, height)) return FV_ERR_MEMORY;
    measure(g, luma, stride);
    g->anew = false;
    g->light = g->shift_x = g->shift_y = 0;
    if (g->frames == 0) {
        begin(g);
    } else {
        light(g, &line);
        for (int i = 0; i < g->cols * g->rows; i++) g->differs[i] = g->now[i] - g->seen[i] - offset_at(&line, g->seen[i]);
        steady(g);
        decide(g);
        if ((float)g->n_awake > CUT * (float)(g->cols * g->rows))
            begin(g);
        else
            learn(g, &line);
    }
    g->frames++;
    return FV_OK;
}

/* Cells of a part, as [from, to). */
static void cells_of(const fvi_gate *g, int x, int y, int width, int height, int at[4])
{
    at[0] = fvi_clamp_int(x / FVI_CELL, 0, g->cols);
    at[1] = fvi_clamp_int(y / FVI_CELL, 0, g->rows);
    at[2] = fvi_clamp_int((x + width + FVI_CELL - 1) / FVI_CELL, at[0], g->cols);
    at[3] = fvi_clamp_int((y + height + FVI_CELL - 1) / FVI_CELL, at[1], g->rows);
}

void fvi_gate_looked(fvi_gate *g, int x, int y, int width, int height)
{
    int at[4];
    cells_of(g, x, y, width, height, at);
    for (int r = at[1]; r < at[3]; r++)
        for (int c = at[0]; c < at[2]; c++) {
            int i = r * g->cols + c;
            g->n_awake -= g->awake[i];
            if (g->awake[i]) g->seen[i] = g->now[i];
            g->awake[i] = 0;
            g->waiting[i] = 0;
        }
}

int fvi_gate_awake(const fvi_gate *g, int x, int y, int width, int height)
{
    int at[4], n = 0;
    cells_of(g, x, y, width, height, at);
    for (int r = at[1]; r < at[3]; r++)
        for (int c = at[0]; c < at[2]; c++) n += g->awake[r * g->cols + c];
    return n;
}
