/* pipeline_meter.c: durations and waits of the stages -> fv_metrics. In: numbers from the lanes. Out: snapshots, at any time,
 * for progress bars, run files and the verdict which stage holds the others up. */
#include "base/clock.h"
#include "base/error.h"
#include "flow/pipeline.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static const fvi_flow_lane lane_of[FV_STAGES] = {
    [FV_STAGE_DECODE] = FVI_LANE_DECODE, [FV_STAGE_PREP] = FVI_LANE_INFER,  [FV_STAGE_INFER] = FVI_LANE_INFER,
    [FV_STAGE_TILES] = FVI_LANE_INFER,   [FV_STAGE_ENQUEUE] = FVI_LANE_INFER, [FV_STAGE_SYNC] = FVI_LANE_INFER,
    [FV_STAGE_HEADS] = FVI_LANE_INFER,   [FV_STAGE_MERGE] = FVI_LANE_INFER, [FV_STAGE_TRACK] = FVI_LANE_SCENE, [FV_STAGE_COUNT] = FVI_LANE_SCENE,
    [FV_STAGE_PAINT] = FVI_LANE_SCENE,   [FV_STAGE_SINK] = FVI_LANE_SINK,   [FV_STAGE_WAIT] = FVI_LANES}; /* waiting is nobody's work */
static const char *const stage_names[FV_STAGES] = {
#define NAME(id, name) [FV_STAGE_##id] = name,
    FV_STAGE_LIST(NAME)
#undef NAME
};

fv_status fvi_flow_meter_init(fvi_flow_meter *m)
{
    memset(m, 0, sizeof *m);
    for (int i = 0; i < FV_STAGES; i++) fvi_hist_clear(&m->stage[i]);
    fvi_hist_clear(&m->end_to_end);
    return pthread_mutex_init(&m->lock, NULL) ? FV_ERR_MEMORY : FV_OK;
}

void fvi_flow_meter_destroy(fvi_flow_meter *m) { pthread_mutex_destroy(&m->lock); }

void fvi_flow_meter_start(fvi_flow_meter *m)
{
    pthread_mutex_lock(&m->lock);
    m->started_ns = fvi_now_ns();
    memset(m->ended_ns, 0, sizeof m->ended_ns);
    pthread_mutex_unlock(&m->lock);
}

void fvi_flow_meter_stop(fvi_flow_meter *m)
{
    pthread_mutex_lock(&m->lock);
    int64_t now = fvi_now_ns();
    if (m->started_ns) m->wall_before_ns += now - m->started_ns;
    m->started_ns = 0;
    for (int i = 0; i < FVI_LANES; i++)
        if (m->ended_ns[i]) m->wait_ns[i] += now - m->ended_ns[i];
    pthread_mutex_unlock(&m->lock);
}

void fvi_flow_meter_lane_ends(fvi_flow_meter *m, fvi_flow_lane lane)
{
    pthread_mutex_lock(&m->lock);
    m->ended_ns[lane] = fvi_now_ns();
    pthread_mutex_unlock(&m->lock);
}

static void bucket_add(uint32_t *buckets, double ms, int times)
{
    int i = ms > 0.1 ? (int)(16.0 * log2(ms / 0.1)) : 0;
    buckets[i < FV_METRICS_BUCKETS ? i : FV_METRICS_BUCKETS - 1] += (uint32_t)times;
}

void fvi_flow_meter_add(fvi_flow_meter *m, fv_stage stage, int64_t ns, int times)
{
    double ms = fvi_ms(ns) / (times > 0 ? times : 1);
    pthread_mutex_lock(&m->lock);
    for (int i = 0; i < times; i++) fvi_hist_add(&m->stage[stage], ms);
    bucket_add(m->stage_hist[stage], ms, times);
    pthread_mutex_unlock(&m->lock);
}

void fvi_flow_meter_wait(fvi_flow_meter *m, fvi_flow_lane lane, int64_t ns)
{
    pthread_mutex_lock(&m->lock);
    m->wait_ns[lane] += ns > 0 ? ns : 0;
    pthread_mutex_unlock(&m->lock);
}

void fvi_flow_meter_count(fvi_flow_meter *m, int64_t decoded, int64_t dropped, int64_t skipped)
{
    pthread_mutex_lock(&m->lock);
    m->decoded += decoded;
    m->dropped += dropped;
    m->skipped += skipped;
    pthread_mutex_unlock(&m->lock);
}

void fvi_flow_meter_done(fvi_flow_meter *m, int64_t end_to_end_ns)
{
    double ms = fvi_ms(end_to_end_ns);
    pthread_mutex_lock(&m->lock);
    m->processed++;
    fvi_hist_add(&m->end_to_end, ms > 0 ? ms : 0);
    bucket_add(m->end_to_end_hist, ms, 1);
    pthread_mutex_unlock(&m->lock);
}

static void fill(fv_stage_metrics *out, const char *name, const fvi_hist *h, int64_t wait_ns)
{
    *out = (fv_stage_metrics){.name = name, .count = h->count, .wait_ms = fvi_ms(wait_ns)};
    if (!h->count) return;
    out->mean_ms = fvi_hist_mean(h);
    out->min_ms = h->min;
    out->max_ms = h->max;
    out->p50_ms = fvi_hist_quantile(h, 0.50);
    out->p90_ms = fvi_hist_quantile(h, 0.90);
    out->p95_ms = fvi_hist_quantile(h, 0.95);
    out->p99_ms = fvi_hist_quantile(h, 0.99);
}

/* The lane that waited least holds the others up; within it, the stage that took the most time. */
static const char *bottleneck(const fvi_flow_meter *m)
{
    int lane = -1, best = -1;
    bool works[FVI_LANES] = {false};
    for (int i = 0; i < FV_STAGES; i++)
        if (m->stage[i].count && lane_of[i] < FVI_LANES) works[lane_of[i]] = true;
    for (int i = 0; i < FVI_LANES; i++)
        if (works[i] && (lane < 0 || m->wait_ns[i] < m->wait_ns[lane])) lane = i;
    for (int i = 0; i < FV_STAGES; i++)
        if (i != FV_STAGE_ENQUEUE && i != FV_STAGE_SYNC && m->stage[i].count && (int)lane_of[i] == lane && (best < 0 || m->stage[i].sum > m->stage[best].sum)) best = i;
    return best < 0 ? NULL : stage_names[best];
}

void fvi_flow_meter_snapshot(fvi_flow_meter *m, fv_metrics *out)
{
    memset(out, 0, sizeof *out);
    pthread_mutex_lock(&m->lock);
    for (int i = 0; i < FV_STAGES; i++) fill(&out->stage[i], stage_names[i], &m->stage[i], lane_of[i] < FVI_LANES ? m->wait_ns[lane_of[i]] : 0);
    fill(&out->end_to_end, "end_to_end", &m->end_to_end, 0);
    memcpy(out->end_to_end_hist, m->end_to_end_hist, sizeof out->end_to_end_hist);
    memcpy(out->stage_hist, m->stage_hist, sizeof out->stage_hist);
    out->decoded = m->decoded;
    out->processed = m->processed;
    out->dropped = m->dropped;
    out->skipped = m->skipped;
    int64_t wall = m->wall_before_ns + (m->started_ns ? fvi_now_ns() - m->started_ns : 0);
    out->wall_s = (double)wall * 1e-9;
    out->fps = wall > 0 ? (double)m->processed / out->wall_s : 0;
    out->bottleneck = bottleneck(m);
    pthread_mutex_unlock(&m->lock);
}

int fvi_flow_hud_update(fvi_flow_hud *h, int64_t now_ns, int64_t latency_ns, const char *device_text)
{
    int n = 0, at = (int)(h->count % FVI_HUD_FRAMES);
    int64_t oldest = h->painted_ns[at], sum = 0;
    int have = h->count < FVI_HUD_FRAMES ? (int)h->count : FVI_HUD_FRAMES; /* intervals ending now */
    if (h->count < FVI_HUD_FRAMES) oldest = h->painted_ns[0];
    h->painted_ns[at] = now_ns;
    h->latency_ns[at] = latency_ns;
    h->count++;
    int filled = h->count < FVI_HUD_FRAMES ? (int)h->count : FVI_HUD_FRAMES;
    for (int i = 0; i < filled; i++) sum += h->latency_ns[i];
    if (have > 0 && now_ns > oldest) {
        snprintf(h->fps, sizeof h->fps, "%.1f fps", have * 1e9 / (double)(now_ns - oldest));
        h->line[n++] = h->fps;
    }
    snprintf(h->latency, sizeof h->latency, "%.1f ms", fvi_ms(sum) / filled);
    h->line[n++] = h->latency;
    if (device_text && device_text[0]) h->line[n++] = device_text;
    return n;
}

/* Value at a share of all counts, from the buckets of fv_metrics: the middle of the bucket, in ms. */
static double bucket_quantile(const uint32_t *buckets, double q)
{
    uint64_t all = 0, seen = 0;
    for (int i = 0; i < FV_METRICS_BUCKETS; i++) all += buckets[i];
    for (int i = 0; i < FV_METRICS_BUCKETS; i++) {
        seen += buckets[i];
        if (all && (double)seen >= q * (double)all) return 0.1 * exp2((i + 0.5) / 16.0);
    }
    return 0;
}

static void add_stage(fv_stage_metrics *a, const fv_stage_metrics *b, const uint32_t *buckets)
{
    a->wait_ms += b->wait_ms;
    if (!a->name) a->name = b->name;
    if (!b->count) return;
    a->mean_ms = (a->mean_ms * (double)a->count + b->mean_ms * (double)b->count) / (double)(a->count + b->count);
    a->min_ms = a->count && a->min_ms < b->min_ms ? a->min_ms : b->min_ms;
    a->max_ms = fmax(a->max_ms, b->max_ms);
    a->count += b->count;
    double *to[] = {&a->p50_ms, &a->p90_ms, &a->p95_ms, &a->p99_ms};
    const double from[] = {b->p50_ms, b->p90_ms, b->p95_ms, b->p99_ms};
    static const double q[] = {0.50, 0.90, 0.95, 0.99};
    for (int i = 0; i < 4; i++) *to[i] = buckets ? fmin(fmax(bucket_quantile(buckets, q[i]), a->min_ms), a->max_ms) : from[i];
}

void fv_metrics_add(fv_metrics *a, const fv_metrics *b)
{
    for (int i = 0; i < FV_METRICS_BUCKETS; i++) {
        a->end_to_end_hist[i] += b->end_to_end_hist[i];
        for (int k = 0; k < FV_STAGES; k++) a->stage_hist[k][i] += b->stage_hist[k][i];
    }
    bool first = a->wall_s <= 0 && !a->decoded; /* nothing to add to: b's own percentiles are better than buckets */
    for (int i = 0; i < FV_STAGES; i++) add_stage(&a->stage[i], &b->stage[i], first ? NULL : a->stage_hist[i]);
    add_stage(&a->end_to_end, &b->end_to_end, first ? NULL : a->end_to_end_hist);
    a->decoded += b->decoded;
    a->processed += b->processed;
    a->dropped += b->dropped;
    a->skipped += b->skipped;
    a->wall_s = fmax(a->wall_s, b->wall_s);
    a->fps = a->wall_s > 0 ? (double)a->processed / a->wall_s : 0;
    if (!a->bottleneck) a->bottleneck = b->bottleneck;
}
