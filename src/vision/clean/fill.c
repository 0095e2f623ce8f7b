/* fill.c: the membrane over holes. Every level of the pyramid knows the mean of what is known below it; from the coarsest down each
 * starts from the level above and is relaxed. Called by estimate.c and
 * flow/erase. */
#include "vision/clean/fill.h"
#include "base/alloc.h"
#include <string.h>

#define MAX_LEVELS 16
#define SWEEPS 4       /* a level: what is left is far below a grey level, the level above was right at its scale */
#define OVER 1.6f      /* over-relaxation */

typedef struct level {
    int w, h;
    float *img;    /* [h][w]; null for level 0: the caller's */
    uint8_t *hole; /* [h*w]: 0 known, 1 to be found */
    int *at;       /* [n] pixels of the hole, in order */
    uint8_t *rim;  /* [n] at the edge of the picture? */
    int n;
} level;
struct fvi_clean_fill {
    int levels;
    level l[MAX_LEVELS];
};

void fvi_clean_fill_free(fvi_clean_fill **f)
{
    if (!*f) return;
    for (int i = 0; i < (*f)->levels; i++) {
        fvi_free((*f)->l[i].img);
        fvi_free((*f)->l[i].hole);
        fvi_free((*f)->l[i].at);
        fvi_free((*f)->l[i].rim);
    }
    FVI_FREE(*f);
}

static bool list_hole(level *l)
{
    const size_t all = (size_t)l->w * (size_t)l->h;
    for (size_t i = 0; i < all; i++) l->n += l->hole[i] != 0;
    l->at = fvi_alloc((size_t)(l->n ? l->n : 1) * sizeof *l->at);
    l->rim = fvi_alloc((size_t)l->n + 1);
    if (!l->at || !l->rim) return false;
    int i = 0, k = 0;
    for (int y = 0; y < l->h; y++)
        for (int x = 0; x < l->w; x++, i++) {
            if (!l->hole[i]) continue;
            l->rim[k] = x == 0 || y == 0 || x == l->w - 1 || y == l->h - 1;
            l->at[k++] = i;
        }
    return true;
}

/* A cell of the level above is known when any of its four is. */
static bool coarser(level *up, const level *l)
{
    up->w = (l->w + 1) / 2;
    up->h = (l->h + 1) / 2;
    const size_t all = (size_t)up->w * (size_t)up->h;
    up->img = fvi_calloc(all, sizeof *up->img);
    up->hole = fvi_alloc(all);
    if (!up->img || !up->hole) return false;
    memset(up->hole, 1, all);
    for (int y = 0; y < l->h; y++)
        for (int x = 0; x < l->w; x++)
            if (!l->hole[(size_t)y * (size_t)l->w + (size_t)x]) up->hole[(size_t)(y / 2) * (size_t)up->w + (size_t)(x / 2)] = 0;
    return list_hole(up);
}

fv_status fvi_clean_fill_create(fvi_clean_fill **out, int w, int h, const uint8_t *hole)
{
    *out = NULL;
    if (w < 1 || h < 1 || w > 32768 || h > 32768) return FV_ERR_ARGUMENT;
    const size_t all = (size_t)w * (size_t)h;
    fvi_clean_fill *f = fvi_calloc(1, sizeof *f);
    if (!f) return FV_ERR_MEMORY;
    level *l = &f->l[0];
    f->levels = 1;
    l->w = w;
    l->h = h;
    l->hole = fvi_alloc(all);
    bool ok = l->hole != NULL;
    if (ok) {
        for (size_t i = 0; i < all; i++) l->hole[i] = hole[i] != 0;
        ok = list_hole(l);
    }
    if (ok && (size_t)l->n == all) {
        fvi_clean_fill_free(&f);
        return FV_ERR_ARGUMENT;
    }
    while (ok && f->l[f->levels - 1].n && f->levels < MAX_LEVELS) {
        f->levels++;
        ok = coarser(&f->l[f->levels - 1], &f->l[f->levels - 2]);
    }
    if (!ok) {
        fvi_clean_fill_free(&f);
        return FV_ERR_MEMORY;
    }
    *out = f;
    return FV_OK;
}

int fvi_clean_fill_list(const fvi_clean_fill *f, const int **at)
{
    *at = f->l[0].at;
    return f->l[0].n;
}

/* Means of what is known. Only cells near the holes matter, but finding them costs as much as doing all. */
static void pull(const level *l, const float *img, level *up)
{
    for (int y = 0; y < up->h; y++) {
        for (int x = 0; x < up->w; x++) {
            float sum = 0;
            int n = 0;
            for (int j = 2 * y; j < 2 * y + 2 && j < l->h; j++) {
                for (int i = 2 * x; i < 2 * x + 2 && i < l->w; i++) {
                    const size_t k = (size_t)j * (size_t)l->w + (size_t)i;
                    if (l->hole[k]) continue;
                    sum += img[k];
                    n++;
                }
            }
            if (n) up->img[(size_t)y * (size_t)up->w + (size_t)x] = sum / (float)n;
        }
    }
}

static void push(const level *l, float *img, const level *up)
{
    for (int k = 0, y = 0; k < l->n; k++) {
        while (l->at[k] >= (y + 1) * l->w) y++; /* they come row by row */
        const int x = l->at[k] - y * l->w;
        int x0 = x / 2, y0 = y / 2, x1 = x & 1 ? x0 + 1 : x0 - 1, y1 = y & 1 ? y0 + 1 : y0 - 1;
        if (x1 < 0 || x1 >= up->w) x1 = x0;
        if (y1 < 0 || y1 >= up->h) y1 = y0;
        const float *r0 = up->img + (size_t)y0 * (size_t)up->w, *r1 = up->img + (size_t)y1 * (size_t)up->w;
        img[l->at[k]] = 0.5625f * r0[x0] + 0.1875f * (r0[x1] + r1[x0]) + 0.0625f * r1[x1];
    }
}

/* Gauss-Seidel; at the edge of the picture the membrane is free. What does not wait for the sample before is summed apart from it. */
static void relax(const level *l, float *img)
{
    const int w = l->w, h = l->h;
    for (int s = 0; s < SWEEPS; s++) {
        const float over = s == SWEEPS - 1 ? 1 : OVER, quarter = 0.25f * over, stay = 1 - over;
        const int step = s & 1 ? -1 : 1;
        for (int n = 0, k = s & 1 ? l->n - 1 : 0; n < l->n; n++, k += step) {
            const int i = l->at[k];
            float *at = img + i;
            if (!l->rim[k]) {
                *at = quarter * at[-step] + (quarter * (at[step] + (at[-w] + at[w])) + stay * *at);
                continue;
            }
            const int y = i / w, x = i - y * w;
            const float left = x > 0 ? at[-1] : *at, right = x < w - 1 ? at[1] : *at, up = y > 0 ? at[-w] : *at, down = y < h - 1 ? at[w] : *at;
            *at = quarter * (left + right + up + down) + stay * *at;
        }
    }
}

void fvi_clean_fill_run(fvi_clean_fill *f, float *img)
{
    for (int i = 0; i + 1 < f->levels; i++) pull(&f->l[i], i ? f->l[i].img : img, &f->l[i + 1]);
    for (int i = f->levels - 2; i >= 0; i--) {
        push(&f->l[i], i ? f->l[i].img : img, &f->l[i + 1]);
        relax(&f->l[i], i ? f->l[i].img : img);
    }
}
