/* lazy_regions.c: within a level, the cells that convolutions have to compute: those that pass, and around them what later
 * convolutions of the same branch read. Bands of four rows with columns from..to in steps of four: the tiles of Winograd, which mixes all
 * inputs of a tile, so every input of a tile that is computed must be right. */
#include "base/checked.h"
#include "base/error.h"
#include "model/engine/lazy.h"
#include <string.h>

#define BAND FVI_LAZY_BAND
#define WHOLE_SHARE 0.8   /* of a map: from here on all of it */
#define MERGE_WASTE 1.25  /* bands are joined while this holds: larger pieces fetch weights less often */
#define MERGE_BANDS 4

static int smaller(int a, int b) { return a < b ? a : b; }
static int larger(int a, int b) { return a > b ? a : b; }

/* The map behind the scores of level l: its height and width; 0 when it is no map. */
static void map_of_level(const fvi_lazy *l, int level, int *h, int *w)
{
    const fvi_value *v = l->scores->producer->in[level];
    const fvi_node *n = v->producer;
    const int64_t count = l->end[level] - (level ? l->end[level - 1] : 0);
    *h = *w = 0;
    if (!n || n->op != FVI_OP_RESHAPE || n->in[0]->rank != 4) return;
    const int64_t *d = n->in[0]->dim;
    if (d[1] != v->dim[1] || d[2] * d[3] != count || d[2] > 4096 || d[3] > 4096) return;
    *h = (int)d[2], *w = (int)d[3];
}

/* How many tiles around a passing cell node n has to compute; -1 = all of the map. Grows by one with each 3x3 or 5x5 behind it. */
static int rings_of(const fvi_lazy *l, const fvi_graph *g, const fvi_node *n, int level, const int *rings)
{
    int most = 0;
    const fvi_value *y = n->out[0];
    if (n->op != FVI_OP_CONV || n->n_out != 1 || n->residual || y->rank != 4 || y->is_output) return -1;
    if (y->dim[2] != l->map[level].h || y->dim[3] != l->map[level].w) return -1;
    for (int i = n->id + 1; i < g->n_nodes; i++) {
        const fvi_node *r = g->nodes[i];
        bool reads = r->residual == y;
        for (int k = 0; k < r->n_in; k++) reads = reads || r->in[k] == y;
        if (!reads) continue;
        if (r->residual == y) return -1;
        if (r->op == FVI_OP_RESHAPE) continue; /* on its way to the anchors */
        if (r->op != FVI_OP_CONV || rings[i] < 0 || l->need[i] != 1u << level) return -1;
        const int64_t *k = r->in[1]->dim;
        if (k[2] > 2 * BAND + 1 || k[3] > 2 * BAND + 1) return -1;
        int far = rings[i] + (k[2] > 1 || k[3] > 1);
        most = far > most ? far : most;
    }
    return most;
}

static bool plain(const fvi_node *n)
{
    int64_t d[2] = {1, 1}, s[2] = {1, 1};
    fvi_node_ints(n, "dilations", d, 2);
    fvi_node_ints(n, "strides", s, 2);
    return d[0] == 1 && d[1] == 1 && s[0] == 1 && s[1] == 1;
}

fv_status fvi_lazy_regions_find(fvi_lazy *l, const fvi_graph *g, fv_error *err)
{
    l->rings = fvi_calloc((size_t)g->n_nodes + 1, sizeof *l->rings);
    if (!l->rings) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    for (int i = 0; i < l->levels; i++) map_of_level(l, i, &l->map[i].h, &l->map[i].w);
    for (int i = g->n_nodes - 1; i >= 0; i--) {
        int level = -1;
        for (int k = 0; k < l->levels; k++)
            if (l->need[i] == 1u << k && l->map[k].w) level = k;
        l->rings[i] = level >= 0 && plain(g->nodes[i]) ? rings_of(l, g, g->nodes[i], level, l->rings) : -1;
    }
    return FV_OK;
}

static int bands_of(int h) { return (h + BAND - 1) / BAND; }

fv_status fvi_lazy_regions_room(fvi_lazy *l, int64_t images, fv_error *err)
{
    size_t most = 1, all = 0;
    for (int i = 0; i < l->levels; i++) {
        const size_t n = (size_t)images * (size_t)bands_of(l->map[i].h);
        l->map[i].first_band = (int)all;
        all += n;
        most = n > most ? n : most;
    }
    l->images = (int)images;
    l->bands = fvi_calloc(all + 1, sizeof *l->bands);
    l->regions = fvi_calloc(most, sizeof *l->regions);
    return l->bands && l->regions ? FV_OK : fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
}

/* Columns of the passing cells in each band of the level. */
void fvi_lazy_regions_mark(fvi_lazy *l, int level)
{
    const fvi_lazy_map *m = &l->map[level];
    const int n = bands_of(m->h);
    for (int image = 0; image < l->images; image++) {
        const uint8_t *hit = l->hit + image * l->anchors + (level ? l->end[level - 1] : 0);
        for (int b = 0; b < n; b++) {
            fvi_lazy_band *band = &l->bands[m->first_band + image * n + b];
            *band = (fvi_lazy_band){m->w, 0};
            for (int y = b * BAND; y < (b + 1) * BAND && y < m->h; y++)
                for (int x = 0; x < m->w; x++) {
                    if (!hit[y * m->w + x]) continue;
                    if (x < band->from) band->from = x;
                    if (x >= band->to) band->to = x + 1;
                }
        }
    }
}

/* Band b of a step that computes `rings` tiles more. */
static fvi_lazy_band widened(const fvi_lazy_band *bands, int n, int b, int rings, int w)
{
    fvi_lazy_band r = {w, 0};
    for (int k = larger(b - rings, 0); k <= b + rings && k < n; k++) {
        if (bands[k].to <= bands[k].from) continue;
        const int from = bands[k].from / BAND * BAND - rings * BAND, to = (bands[k].to + BAND - 1) / BAND * BAND + rings * BAND;
        if (from < r.from) r.from = from;
        if (to > r.to) r.to = to;
    }
    if (r.from < 0) r.from = 0;
    if (r.to > w) r.to = w;
    return r;
}

static void add_region(fvi_lazy *l, int *n, fvi_region r)
{
    if (*n) {
        fvi_region *last = &l->regions[*n - 1];
        fvi_region both = {last->image, last->y0, r.y1, smaller(last->x0, r.x0), larger(last->x1, r.x1)};
        const int parts = (last->y1 - last->y0) * (last->x1 - last->x0) + (r.y1 - r.y0) * (r.x1 - r.x0);
        const int joined = (both.y1 - both.y0) * (both.x1 - both.x0);
        if (last->image == r.image && last->y1 == r.y0 && both.y1 - both.y0 <= MERGE_BANDS * BAND && joined <= MERGE_WASTE * parts) {
            *last = both;
            return;
        }
    }
    l->regions[(*n)++] = r;
}

int fvi_lazy_regions_of(fvi_lazy *l, const fvi_node *node)
{
    const int rings = l->rings[node->id];
    int level = 0, count = 0;
    if (rings < 0) return -1;
    while (l->need[node->id] != 1u << level) level++;
    const fvi_lazy_map *m = &l->map[level];
    const int n = bands_of(m->h);
    int64_t cells = 0;
    for (int image = 0; image < l->images; image++)
        for (int b = 0; b < n; b++) {
            fvi_lazy_band w = widened(&l->bands[m->first_band + image * n], n, b, rings, m->w);
            if (w.to > w.from) add_region(l, &count, (fvi_region){image, b * BAND, smaller((b + 1) * BAND, m->h), w.from, w.to});
        }
    for (int i = 0; i < count; i++) cells += (int64_t)(l->regions[i].y1 - l->regions[i].y0) * (l->regions[i].x1 - l->regions[i].x0);
    return (double)cells > WHOLE_SHARE * l->images * m->h * m->w ? -1 : count;
}
