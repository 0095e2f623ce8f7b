/* progress.c: metrics of a running pipeline -> a bar or JSON lines on stderr, from a thread of its own; and the bar of whatever counts up.
 * Called by run.c, tuning.c, verb_quantize.c and verb_val.c. */
#include "progress.h"
#include "text.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BAR 24

struct progress {
    bool json;
    progress_view v;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool running, stop;
};

progress_kind progress_asked(const cli_args *a)
{
    const char *mode = cli_text_or(a, "progress", "auto");
    if (!strcmp(mode, "json")) return PROGRESS_JSON;
    if (!strcmp(mode, "auto")) return isatty(STDERR_FILENO) && !cli_on(a, "quiet") ? PROGRESS_BAR : PROGRESS_NONE;
    return !strcmp(mode, "bar") ? PROGRESS_BAR : PROGRESS_NONE;
}

bool progress_due(progress_count *c, bool last)
{
    if (c->kind == PROGRESS_NONE) return false;
    const double now = tool_seconds();
    if (!last && now - c->at < (c->kind == PROGRESS_JSON ? 1.0 : 0.2)) return false;
    c->at = now;
    return true;
}

void progress_bar(text *t, int64_t done, int64_t total)
{
    const int64_t full = BAR * done / (total > 0 ? total : 1);
    text_add(t, "[");
    for (int i = 0; i < BAR; i++) text_add(t, i < full ? "#" : ".");
    text_printf(t, "] %lld/%lld", (long long)done, (long long)total);
}

void progress_show(const char *what, int64_t done, int64_t total, bool last)
{
    text t = {0};
    text_printf(&t, "\r\033[K%s%s", what, what[0] ? " " : "");
    progress_bar(&t, done, total);
    if (last) text_add(&t, "\r\033[K");
    fwrite(t.s, 1, t.len, stderr);
    text_free(&t);
}

progress *progress_create(const cli_args *a)
{
    const progress_kind kind = progress_asked(a);
    if (kind == PROGRESS_NONE) return NULL;
    progress *g = tool_alloc(sizeof *g);
    pthread_condattr_t attr;
    g->json = kind == PROGRESS_JSON;
    pthread_mutex_init(&g->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&g->wake, &attr);
    pthread_condattr_destroy(&attr);
    return g;
}

static void clock_text(text *t, double s)
{
    long n = (long)(s + 0.5);
    if (n >= 3600)
        text_printf(t, "%ld:%02ld:%02ld", n / 3600, n / 60 % 60, n % 60);
    else
        text_printf(t, "%ld:%02ld", n / 60, n % 60);
}

static void show_bar(text *t, const fv_metrics *m, int64_t done, int64_t total, double eta)
{
    text_add(t, "\r\033[K");
    if (total > 0) {
        progress_bar(t, done, total);
    } else {
        text_printf(t, "%lld frames", (long long)done);
    }
    text_printf(t, "  %.1f fps", m->fps);
    if (eta >= 0) {
        text_add(t, "  ETA ");
        clock_text(t, eta);
    }
    if (m->dropped) text_printf(t, "  %lld dropped", (long long)m->dropped);
}

static void show_json(text *t, const progress *g, const fv_metrics *m, int64_t done, double eta)
{
    text_add(t, "{\"source\":");
    text_json(t, g->v.source);
    text_printf(t, ",\"frames\":%lld,\"total\":", (long long)done);
    if (g->v.total > 0)
        text_printf(t, "%lld", (long long)g->v.total);
    else
        text_add(t, "null");
    text_add(t, ",\"fps\":");
    text_number(t, m->fps, 2);
    text_printf(t, ",\"dropped\":%lld,\"eta_s\":", (long long)m->dropped);
    if (eta >= 0)
        text_number(t, eta, 1);
    else
        text_add(t, "null");
    if (g->v.states) g->v.states(g->v.user, t, true);
    text_add(t, "}\n");
}

/* done: frames of this source that left the decoder's side for good. */
static void show(progress *g)
{
    fv_metrics m;
    text t = {0};
    int64_t total = g->v.total, before = g->v.before;
    g->v.figures(g->v.user, &m);
    int64_t done = m.processed + m.dropped + m.skipped - before;
    double pace = m.wall_s > 0 ? (double)(done + before) / m.wall_s : 0;
    double eta = total > 0 && pace > 0 && done > 0 ? (double)(total - done) / pace : -1;
    if (total > 0 && done > total) eta = 0;
    if (g->json)
        show_json(&t, g, &m, done, eta);
    else
        show_bar(&t, &m, done, total, eta);
    if (!g->json && g->v.states) g->v.states(g->v.user, &t, false);
    fwrite(t.s, 1, t.len, stderr);
    text_free(&t);
}

static void *watch(void *arg)
{
    progress *g = arg;
    pthread_mutex_lock(&g->lock);
    while (!g->stop) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += g->json ? 0 : 200000000;
        until.tv_sec += g->json ? 1 : until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&g->wake, &g->lock, &until);
        if (!g->stop) show(g);
    }
    pthread_mutex_unlock(&g->lock);
    return NULL;
}

void progress_start(progress *g, const progress_view *v)
{
    if (!g) return;
    g->v = *v;
    cli_bar(!g->json);
    g->stop = false;
    g->running = pthread_create(&g->thread, NULL, watch, g) == 0; /* without it only the line is missing */
}

void progress_stop(progress *g)
{
    if (!g || !g->running) return;
    pthread_mutex_lock(&g->lock);
    g->stop = true;
    pthread_cond_signal(&g->wake);
    pthread_mutex_unlock(&g->lock);
    pthread_join(g->thread, NULL);
    g->running = false;
    show(g); /* the last word is the true one */
    cli_bar(false);
    if (!g->json) fputc('\n', stderr);
}

void progress_free(progress **g)
{
    if (!*g) return;
    pthread_mutex_destroy(&(*g)->lock);
    pthread_cond_destroy(&(*g)->wake);
    free(*g);
    *g = NULL;
}
