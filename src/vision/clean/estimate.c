/* estimate.c: opacity and colour of a mark from many crops. What is seen is s = (1-a)*b + a*c; b, the picture below, is not known.
 *   - A predictor of b (the membrane of fill.c) gives a for any c, by least squares over all crops.
 *   - c is the colour for which what comes back varies over time as much as the surroundings do: too dark a white makes a too large and
 *     the picture below too lively. One colour for what is lighter than the ground, one for what is darker.
 *   - How far the predictor is off is measured beside the mark, on a copy of its shape that was moved: the part that stays over time would be
 *     taken for mark, so opacities are averaged with those like them nearby, as widely as that error demands.
 *   - Then the neighbours of a sample, undone, are a better predictor than the edge of the mark; again.
 *   - What stands still over a ground that moves is opaque, whatever its colour: nothing of it comes back, it is filled.
 * Called by flow/erase. */
#include "vision/clean/mark.h"
#include "base/alloc.h"
#include "vision/clean/fill.h"
#include <math.h>
#include <string.h>

#define ROUNDS 3
#define NOISE 1.6f      /* what coding adds to a sample, in 8-bit grey levels */
#define MAX_ALPHA 0.97f
#define NO_MARK 0.012f  /* opacity under this is none */
#define SHIFT 10        /* how far the copy of the shape is moved */
#define REACH 6         /* samples around that are averaged with */
#define OPAQUE 0.05f    /* share of the ground's variance under which nothing can come back: opacity 0.78 */

/* One plane. Arrays [n] follow the list of its hole; below [k][n]. */
typedef struct plane {
    const uint16_t *const *crops;
    size_t at; /* of the plane in a crop */
    int crops_n, w, h, n;
    const uint8_t *hole; /* [h*w] */
    const int *list;
    float unit, top;
    double *j, *b, *jj, *bb, *jb;       /* sums over crops of seen and below */
    float *below, *alpha, *alpha_var, *paint, *ground; /* ground: variance over time that the picture below has */
    float *work, *map;                  /* [h*w] */
    uint8_t *opaque;                    /* [n] */
    float stays, moves;                 /* the predictor's squared error: the part that stays over time, the rest */
} plane;

static float seen(const plane *p, int k, int i) { return (float)p->crops[k][p->at + (size_t)p->list[i]]; }
static void load(plane *p, int k)
{
    for (size_t i = 0; i < (size_t)p->w * (size_t)p->h; i++) p->work[i] = p->crops[k][p->at + i];
}

static void sum_up(plane *p)
{
    memset(p->j, 0, 5 * (size_t)p->n * sizeof *p->j);
    for (int k = 0; k < p->crops_n; k++) {
        const float *below = p->below + (size_t)k * (size_t)p->n;
        for (int i = 0; i < p->n; i++) {
            const double s = (double)seen(p, k, i), b = (double)below[i];
            p->j[i] += s;
            p->b[i] += b;
            p->jj[i] += s * s;
            p->bb[i] += b * b;
            p->jb[i] += s * b;
        }
    }
}

static void predict(plane *p, fvi_clean_fill *f)
{
    for (int k = 0; k < p->crops_n; k++) {
        load(p, k);
        fvi_clean_fill_run(f, p->work);
        for (int i = 0; i < p->n; i++) p->below[(size_t)k * (size_t)p->n + (size_t)i] = p->work[p->list[i]];
    }
    sum_up(p);
}

/* Variance over time of every sample beside the hole, and the membrane of it inside. */
static void measure_ground(plane *p, fvi_clean_fill *f)
{
    for (size_t i = 0; i < (size_t)p->w * (size_t)p->h; i++) {
        double s = 0, ss = 0;
        for (int k = 0; k < p->crops_n && !p->hole[i]; k++) {
            const double v = p->crops[k][p->at + i];
            s += v;
            ss += v * v;
        }
        p->map[i] = (float)((ss - s * s / p->crops_n) / p->crops_n);
    }
    fvi_clean_fill_run(f, p->map);
    for (int i = 0; i < p->n; i++) p->ground[i] = p->map[p->list[i]];
}

/* The predictor's error on the shape moved aside, where the truth is seen. dx, dy: how far. */
static fv_status measure_copy(plane *p, int dx, int dy, double *stays, double *total, int64_t *count)
{
    const size_t all = (size_t)p->w * (size_t)p->h;
    uint8_t *both = fvi_alloc(all);
    float *off = fvi_calloc(2 * all, sizeof *off);
    fvi_clean_fill *f = NULL;
    fv_status st = both && off ? FV_OK : FV_ERR_MEMORY;
    if (st == FV_OK) {
        memcpy(both, p->hole, all);
        for (int i = 0; i < p->n; i++) {
            const int x = p->list[i] % p->w + dx, y = p->list[i] / p->w + dy;
            if (x >= 0 && y >= 0 && x < p->w && y < p->h && !both[(size_t)y * (size_t)p->w + (size_t)x]) both[(size_t)y * (size_t)p->w + (size_t)x] = 2;
        }
        st = fvi_clean_fill_create(&f, p->w, p->h, both);
    }
    const int step = p->crops_n > 24 ? p->crops_n / 24 : 1;
    int taken = 0;
    for (int k = 0; st == FV_OK && k < p->crops_n; k += step, taken++) {
        load(p, k);
        fvi_clean_fill_run(f, p->work);
        for (size_t i = 0; i < all; i++) {
            const float d = p->work[i] - (float)p->crops[k][p->at + i];
            off[i] += d;
            off[all + i] += d * d;
        }
    }
    for (size_t i = 0; st == FV_OK && i < all; i++) {
        if (both[i] != 2) continue;
        const double mean = (double)off[i] / taken, square = (double)off[all + i] / taken;
        *stays += (mean * mean * taken - square) / (taken > 1 ? taken - 1 : 1); /* without what chance adds */
        *total += square;
        ++*count;
    }
    fvi_clean_fill_free(&f);
    fvi_free(both);
    fvi_free(off);
    return st == FV_ERR_ARGUMENT ? FV_OK : st; /* the two leave nothing: no figure */
}

static fv_status measure_predictor(plane *p)
{
    static const int by[4][2] = {{SHIFT, 0}, {-SHIFT, 0}, {0, SHIFT}, {0, -SHIFT}};
    double stays = 0, total = 0;
    int64_t n = 0;
    for (int i = 0; i < 4; i++) {
        const fv_status st = measure_copy(p, by[i][0], by[i][1], &stays, &total, &n);
        if (st < 0) return st;
    }
    const float least = p->unit * p->unit;
    p->stays = n ? (float)(stays / (double)n) : 100 * least;
    p->moves = n ? (float)((total - stays) / (double)n) : 100 * least;
    if (p->stays < 0.05f * least) p->stays = 0.05f * least;
    if (p->moves < least) p->moves = least;
    return FV_OK;
}

/* The same for the mean of the four neighbours, beside the hole. */
static void measure_near(plane *p)
{
    const int step = p->crops_n > 24 ? p->crops_n / 24 : 1;
    double stays = 0, total = 0;
    int64_t n = 0;
    for (int y = 1; y + 1 < p->h; y++) {
        for (int x = 1; x + 1 < p->w; x++) {
            const size_t i = (size_t)y * (size_t)p->w + (size_t)x;
            if (p->hole[i] | p->hole[i - 1] | p->hole[i + 1] | p->hole[i - (size_t)p->w] | p->hole[i + (size_t)p->w]) continue;
            double s = 0, ss = 0;
            int taken = 0;
            for (int k = 0; k < p->crops_n; k += step, taken++) {
                const uint16_t *c = p->crops[k] + p->at + i;
                const double d = c[0] - 0.25 * (c[-1] + c[1] + *(c - p->w) + c[p->w]);
                s += d;
                ss += d * d;
            }
            stays += (s * s / taken - ss / taken) / (taken > 1 ? taken - 1 : 1);
            total += ss / taken;
            n++;
        }
    }
    if (!n) return;
    const float least = p->unit * p->unit;
    p->stays = fmaxf((float)(stays / (double)n), 0.02f * least);
    p->moves = fmaxf((float)((total - stays) / (double)n), 0.25f * least);
}

/* Opacity by least squares when the colour is c. */
static float opacity(const plane *p, int i, double c)
{
    const double n = p->crops_n;
    const double num = c * (p->j[i] - p->b[i]) - p->jb[i] + p->bb[i], den = n * c * c - 2 * c * p->b[i] + p->bb[i] + (double)(p->unit * p->unit);
    const double a = num / den;
    return (float)(a < 0 ? 0 : a > MAX_ALPHA ? MAX_ALPHA : a);
}

/* Variance over time, averaged with the neighbours, against the ground's; where that is not far above noise nothing is said. */
static void find_opaque(plane *p)
{
    const float noise = NOISE * NOISE * p->unit * p->unit;
    const double n = p->crops_n;
    for (size_t i = 0; i < (size_t)p->w * (size_t)p->h; i++) p->map[i] = -1;
    for (int i = 0; i < p->n; i++) p->map[p->list[i]] = (float)((p->jj[i] - p->j[i] * p->j[i] / n) / n);
    for (int i = 0; i < p->n; i++) {
        const int y = p->list[i] / p->w, x = p->list[i] % p->w;
        float sum = 0, count = 0;
        for (int v = y > 0 ? y - 1 : 0; v <= y + 1 && v < p->h; v++)
            for (int u = x > 0 ? x - 1 : 0; u <= x + 1 && u < p->w; u++) {
                const float var = p->map[(size_t)v * (size_t)p->w + (size_t)u];
                if (var < 0) continue;
                sum += var;
                count++;
            }
        p->opaque[i] = p->ground[i] * OPAQUE > noise && sum / count < noise + p->ground[i] * OPAQUE;
    }
}

/* Where any of the first plane's samples over it is opaque. luma [h0*w0]. */
static void opaque_of(plane *p, const float *luma, int w0, int h0)
{
    const int sx = p->w < w0, sy = p->h < h0;
    for (int i = 0; i < p->n; i++) {
        const int y = p->list[i] / p->w, x = p->list[i] % p->w;
        for (int v = y << sy; v <= (y << sy) + sy && v < h0; v++)
            for (int u = x << sx; u <= (x << sx) + sx && u < w0; u++) p->opaque[i] |= luma[(size_t)v * (size_t)w0 + (size_t)u] >= 1;
    }
}

/* How lively what comes back is, against what it should be. side: 1 = what is lighter than the ground, -1 = what is darker. */
static double liveliness(const plane *p, double c, int side)
{
    const double noise = (double)(NOISE * NOISE * p->unit * p->unit), n = p->crops_n;
    double is = 0, should = 0;
    for (int i = 0; i < p->n; i++) {
        const double d = (p->j[i] - p->b[i]) / n * side;
        if (p->opaque[i] || d < 8 * (double)p->unit) continue;
        const double left = 1 - (double)opacity(p, i, c), var = (p->jj[i] - p->j[i] * p->j[i] / n) / n;
        if (left < 0.08) continue;
        is += (var - noise) / (left * left);
        should += (double)p->ground[i] - noise;
    }
    return should > 0 ? is / should : -1;
}

/* The colour of one side; `usual` where the ground does not move enough to tell. */
static double find_colour(const plane *p, int side)
{
    const double noise = (double)(NOISE * NOISE * p->unit * p->unit), n = p->crops_n, usual = side > 0 ? 235 * (double)p->unit : 16 * (double)p->unit;
    double ground = 0, level = 0;
    int count = 0;
    for (int i = 0; i < p->n; i++) {
        if (p->opaque[i] || (p->j[i] - p->b[i]) / n * side < 8 * (double)p->unit) continue;
        ground += (double)p->ground[i];
        level += p->j[i] / n;
        count++;
    }
    if (!count || ground / count < 4 * noise) return usual;
    double near = level / count, far = side > 0 ? (double)p->top : 0;
    if (liveliness(p, far, side) >= 1) return far;
    for (int i = 0; i < 24; i++) {
        const double mid = 0.5 * (near + far), l = liveliness(p, mid, side);
        if (l < 0 || l > 1)
            near = mid;
        else
            far = mid;
    }
    return far;
}

/* A side that is not much of the mark is what the predictor does wrong: then all is of the other. */
static void choose_colours(plane *p)
{
    int strong[2] = {0, 0};
    for (int i = 0; i < p->n; i++) {
        const double d = p->opaque[i] ? 0 : (p->j[i] - p->b[i]) / p->crops_n;
        strong[0] += d > 8 * (double)p->unit;
        strong[1] += d < -8 * (double)p->unit;
    }
    const double light = find_colour(p, 1), dark = find_colour(p, -1);
    const int only = strong[1] * 6 < strong[0] ? 1 : strong[0] * 6 < strong[1] ? -1 : 0;
    for (int i = 0; i < p->n; i++) {
        const int side = only ? only : p->j[i] >= p->b[i] ? 1 : -1;
        p->paint[i] = (float)(side > 0 ? light : dark);
    }
}

static void choose_opacities(plane *p)
{
    for (int i = 0; i < p->n; i++) {
        const float c = p->paint[i], b = (float)(p->b[i] / p->crops_n);
        p->alpha[i] = p->opaque[i] ? MAX_ALPHA : opacity(p, i, (double)c);
        const float left = 1 - p->alpha[i], d2 = (c - b) * (c - b) + (float)((p->bb[i] - p->b[i] * p->b[i] / p->crops_n) / p->crops_n) + p->unit * p->unit;
        p->alpha_var[i] = ((p->stays + p->moves / (float)p->crops_n) * left * left + 0.1f * p->unit * p->unit) / d2;
    }
}

/* Each opacity with those nearby that are as large but for their errors. */
static void average_opacities(plane *p)
{
    for (size_t i = 0; i < (size_t)p->w * (size_t)p->h; i++) p->map[i] = -1;
    for (int i = 0; i < p->n; i++) p->map[p->list[i]] = p->opaque[i] ? -1 : p->alpha[i];
    for (int i = 0; i < p->n; i++) {
        if (p->opaque[i]) continue;
        const int y = p->list[i] / p->w, x = p->list[i] % p->w;
        const float a = p->alpha[i], h = 1 / (6 * p->alpha_var[i] + 1e-6f);
        float sum = a, mass = 1;
        for (int v = y - REACH < 0 ? 0 : y - REACH; v <= y + REACH && v < p->h; v++) {
            const float *row = p->map + (size_t)v * (size_t)p->w;
            for (int u = x - REACH < 0 ? 0 : x - REACH; u <= x + REACH && u < p->w; u++) {
                const float d = row[u] - a, q = 1 - d * d * h;
                if (row[u] < 0 || q <= 0) continue;
                sum += q * row[u];
                mass += q;
            }
        }
        p->alpha[i] = sum / mass;
    }
}

static float undone(const plane *p, float s, int i)
{
    const float v = (s - p->alpha[i] * p->paint[i]) / (1 - p->alpha[i]);
    return v < 0 ? 0 : v > p->top ? p->top : v;
}

/* The predictor from neighbours that were undone; what is nearly opaque keeps what it has. */
static void predict_near(plane *p)
{
    for (int k = 0; k < p->crops_n; k++) {
        float *below = p->below + (size_t)k * (size_t)p->n;
        load(p, k);
        for (int i = 0; i < p->n; i++) {
            const float a = p->alpha[i], t = a < 0.6f ? 1 : a > 0.85f ? 0 : (0.85f - a) * 4;
            p->work[p->list[i]] = t * undone(p, seen(p, k, i), i) + (1 - t) * below[i];
        }
        for (int i = 0; i < p->n; i++) {
            const int at = p->list[i], y = at / p->w, x = at % p->w;
            if (p->alpha[i] > 0.85f) continue;
            const float l = p->work[x > 0 ? at - 1 : at + 1], r = p->work[x + 1 < p->w ? at + 1 : at - 1];
            const float u = p->work[y > 0 ? at - p->w : at + p->w], d = p->work[y + 1 < p->h ? at + p->w : at - p->w];
            below[i] = 0.25f * (l + r + u + d);
        }
    }
    sum_up(p);
}

/* The share of the way back in the mixture of least error; `fill`: squared error of filling instead. */
static float trust_of(const plane *p, int i, float fill)
{
    const float left = 1 - p->alpha[i], noise = NOISE * p->unit / left, n = (float)p->crops_n, c = p->paint[i];
    const float off = (float)(p->jj[i] - 2 * (double)c * p->j[i]) / n + c * c; /* mean of (seen - colour)^2 */
    const float wrong = off / (left * left * left * left) * p->alpha_var[i] * 0.25f + noise * noise;
    return fill / (fill + wrong);
}

static void free_plane(plane *p)
{
    fvi_free(p->below);
    fvi_free(p->j);
    fvi_free(p->alpha);
    fvi_free(p->work);
    fvi_free(p->opaque);
}

static bool alloc_plane(plane *p)
{
    const size_t n = (size_t)p->n, all = (size_t)p->w * (size_t)p->h;
    p->below = fvi_alloc((size_t)p->crops_n * n * sizeof *p->below);
    p->j = fvi_calloc(5 * n, sizeof *p->j);
    p->alpha = fvi_calloc(4 * n, sizeof *p->alpha);
    p->work = fvi_calloc(2 * all, sizeof *p->work);
    p->opaque = fvi_calloc(n, 1);
    if (!p->below || !p->j || !p->alpha || !p->work || !p->opaque) return false;
    p->b = p->j + n;
    p->jj = p->j + 2 * n;
    p->bb = p->j + 3 * n;
    p->jb = p->j + 4 * n;
    p->alpha_var = p->alpha + n;
    p->paint = p->alpha + 2 * n;
    p->ground = p->alpha + 3 * n;
    p->map = p->work + all;
    return true;
}

/* First plane: opacity and colour from nothing. */
static void estimate_first(plane *p, fvi_clean_fill *f)
{
    measure_ground(p, f);
    find_opaque(p);
    choose_colours(p);
    choose_opacities(p);
    average_opacities(p);
    for (int r = 0; r < ROUNDS; r++) {
        predict_near(p);
        if (r == 0) measure_near(p);
        choose_opacities(p);
        average_opacities(p);
    }
}

/* The other planes: opacity is the first's, only the colour is looked for: one that is right on average around each sample. luma
 * [h0*w0]: the first's opacity. */
static void estimate_other(plane *p, const float *luma, int w0, int h0)
{
    const int sx = p->w < w0, sy = p->h < h0;
    opaque_of(p, luma, w0, h0);
    float *mass = p->map, *sum = p->work;
    for (size_t i = 0; i < (size_t)p->w * (size_t)p->h; i++) sum[i] = mass[i] = 0;
    for (int i = 0; i < p->n; i++) {
        const int y = p->list[i] / p->w, x = p->list[i] % p->w;
        float a = 0;
        int n = 0;
        for (int v = y << sy; v <= (y << sy) + sy && v < h0; v++)
            for (int u = x << sx; u <= (x << sx) + sx && u < w0; u++, n++) a += luma[(size_t)v * (size_t)w0 + (size_t)u];
        a /= (float)(n ? n : 1);
        p->alpha[i] = a;
        sum[p->list[i]] = a * (float)(p->j[i] - (double)(1 - a) * p->b[i]) / (float)p->crops_n;
        mass[p->list[i]] = a * a;
        p->alpha_var[i] = 1e-4f;
    }
    for (int i = 0; i < p->n; i++) {
        const int y = p->list[i] / p->w, x = p->list[i] % p->w;
        float s = 0.02f * p->top / 2, m = 0.02f;
        for (int v = y - REACH < 0 ? 0 : y - REACH; v <= y + REACH && v < p->h; v++)
            for (int u = x - REACH < 0 ? 0 : x - REACH; u <= x + REACH && u < p->w; u++) {
                s += sum[(size_t)v * (size_t)p->w + (size_t)u];
                m += mass[(size_t)v * (size_t)p->w + (size_t)u];
            }
        p->paint[i] = fminf(fmaxf(s / m, 0), p->top);
    }
}

static fv_status estimate_plane(fvi_clean_mark *m, int pl, const uint16_t *const *crops, int n)
{
    const fvi_clean_shape *s = &m->shape;
    fvi_clean_fill *f = NULL;
    plane p = {.crops = crops, .crops_n = n, .at = s->at[pl], .w = s->w[pl], .h = s->h[pl], .hole = m->hole + s->at[pl],
               .unit = (float)(1 << (s->depth - 8)), .top = (float)((1 << s->depth) - 1)};
    fv_status st = fvi_clean_fill_create(&f, p.w, p.h, p.hole);
    if (st < 0) return st;
    p.n = fvi_clean_fill_list(f, &p.list);
    float fill = 0;
    if (p.n) {
        st = alloc_plane(&p) ? measure_predictor(&p) : FV_ERR_MEMORY;
        if (st == FV_OK) {
            fill = p.stays + p.moves;
            predict(&p, f);
            if (pl)
                estimate_other(&p, m->alpha, s->w[0], s->h[0]);
            else
                estimate_first(&p, f);
        }
    }
    for (int i = 0; st == FV_OK && i < p.n; i++) {
        const size_t to = p.at + (size_t)p.list[i];
        m->trust[to] = p.opaque[i] ? 0 : trust_of(&p, i, fill);
        m->alpha[to] = p.opaque[i] ? 1 : p.alpha[i] > NO_MARK ? p.alpha[i] : 0;
        m->paint[to] = p.opaque[i] ? (float)(p.j[i] / p.crops_n) : p.paint[i];
    }
    free_plane(&p);
    fvi_clean_fill_free(&f);
    return st;
}

fv_status fvi_clean_mark_estimate(fvi_clean_mark *m, const uint16_t *const *crops, int n)
{
    if (n < 2) return FV_ERR_ARGUMENT;
    fv_status st = FV_OK;
    for (int p = 0; p < m->shape.planes && st == FV_OK; p++) st = estimate_plane(m, p, crops, n);
    if (st < 0)
        for (size_t i = 0; i < m->shape.all; i++) {
            m->alpha[i] = m->hole[i];
            m->trust[i] = 0;
        }
    return st;
}
