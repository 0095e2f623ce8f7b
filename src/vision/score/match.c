/* match.c: which found thing is which true one, for one class of one picture, at every overlap and for every range of areas. The surest
 * chooses first; each takes the free truth it overlaps most. Crowds are never used up, and a truth that does not count (a crowd, or of another
 * size) is taken only by who finds none that does. Called by score.c. */
#include "vision/score/score.h"

/* Areas in pixels: from, to, both included. */
static const double ranges[FVI_SCORE_AREAS][2] = {{0, 1e10}, {0, 32 * 32}, {32 * 32, 96 * 96}, {96 * 96, 1e10}};

static bool in_range(double area, int range) { return area >= ranges[range][0] && area <= ranges[range][1]; }

static bool unmarked(const fv_score *s, const fv_score_item *truth)
{
    if (s->kind != FV_SCORE_KEYPOINTS) return false;
    for (int i = 0; i < s->n_keypoints; i++)
        if (truth->keypoints[i][2] > 0) return false;
    return true;
}

double fvi_score_overlap_limit(int t) { return t == FVI_SCORE_OVERLAPS - 1 ? 0.95 : 0.5 + t * ((0.95 - 0.5) / (FVI_SCORE_OVERLAPS - 1)); }

/* The truth that a found thing with these overlaps takes at overlap t, -1 = none. */
static int choose(const fvi_score_scratch *w, const fv_score_item *truths, const int *t, int n_truths, const double *overlap, int at)
{
    double best = fvi_score_overlap_limit(at);
    if (best > 1 - 1e-10) best = 1 - 1e-10;
    int chosen = -1;
    for (int k = 0; k < n_truths; k++) {
        int g = w->order[k];
        if (w->taken[g] >> at & 1 && !truths[t[g]].crowd) continue;
        if (chosen >= 0 && !w->ignored[chosen] && w->ignored[g]) break; /* from here on none counts */
        if (overlap[g] < best) continue;
        best = overlap[g];
        chosen = g;
    }
    return chosen;
}

static void order_truths(fvi_score_scratch *w, int n_truths)
{
    int n = 0;
    for (int ignored = 0; ignored < 2; ignored++)
        for (int g = 0; g < n_truths; g++)
            if (w->ignored[g] == ignored) w->order[n++] = g;
}

static void match_range(fv_score *s, fvi_score_class *c, fvi_score_record *records, int range, const fv_score_item *truths, const int *t, int n_truths,
                        const fv_score_item *found, const int *f, int n_found)
{
    fvi_score_scratch *w = &s->scratch;
    for (int g = 0; g < n_truths; g++) {
        const fv_score_item *truth = &truths[t[g]];
        w->ignored[g] = truth->crowd || unmarked(s, truth) || !in_range(fvi_score_truth_area(s, truth), range);
        w->taken[g] = 0;
        c->truths[range] += !w->ignored[g];
    }
    order_truths(w, n_truths);
    for (int i = 0; i < n_found; i++) {
        bool outside = !in_range(fvi_score_found_area(s, &found[f[i]]), range);
        for (int at = 0; at < FVI_SCORE_OVERLAPS; at++) {
            int g = choose(w, truths, t, n_truths, w->overlap + (size_t)i * (size_t)n_truths, at);
            uint16_t bit = (uint16_t)(1u << at);
            if (g >= 0) {
                w->taken[g] |= bit;
                if (!w->ignored[g]) records[i].right[range] |= bit;
            } else if (!outside) {
                records[i].wrong[range] |= bit;
            }
        }
    }
}

void fvi_score_match(fv_score *s, fvi_score_class *c, const fv_score_item *truths, const int *t, int n_truths, const fv_score_item *found, const int *f,
                     int n_found)
{
    fvi_score_record *records = c->records + c->n_records;
    fvi_score_overlaps(s, truths, t, n_truths, found, f, n_found, s->scratch.overlap);
    for (int i = 0; i < n_found; i++) records[i] = (fvi_score_record){.confidence = found[f[i]].confidence, .picture = (uint32_t)(s->pictures - 1), .rank = (uint8_t)i};
    int64_t before = c->truths[FVI_SCORE_ALL];
    for (int range = 0; range < FVI_SCORE_AREAS; range++) match_range(s, c, records, range, truths, t, n_truths, found, f, n_found);
    c->n_records += (size_t)n_found;
    if (c->truths[FVI_SCORE_ALL] > before) c->shown[c->n_shown++] = (struct fvi_score_shown){(uint32_t)(s->pictures - 1), (uint32_t)(c->truths[FVI_SCORE_ALL] - before)};
    c->pictures += c->truths[FVI_SCORE_ALL] > before;
    for (int g = 0; g < n_truths; g++) c->crowds += truths[t[g]].crowd != 0;
}
