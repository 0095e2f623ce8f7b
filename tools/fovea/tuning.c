/* tuning.c: --timingCacheFile, --builderOptimizationLevel and --errorOnTimingCacheMiss -> what a context is made with; the bar
 * while tactics are timed. Called by cli.c (cli_context) and by verbs that report how tactics were chosen. */
#include "tuning.h"
#include "progress.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool default_path(text *t)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (cache && cache[0] == '/') /* others are to be ignored, says the specification */
        text_printf(t, "%s/fovea/timing.cache", cache);
    else if (home && home[0] == '/')
        text_printf(t, "%s/.cache/fovea/timing.cache", home);
    return t->len > 0;
}

static void show_bar(const fv_tune_progress *p)
{
    text t = {0};
    text_add(&t, "\r\033[K");
    progress_bar(&t, p->done, p->total);
    text_add(&t, "  timing implementations  ");
    if (p->done < p->total)
        text_terminal(&t, p->step);
    else
        text_add(&t, "\r\033[K");
    fwrite(t.s, 1, t.len, stderr);
    text_free(&t);
}

/* The library asks before each choice: a good place to draw, and to stop. */
static int on_progress(void *user, const fv_tune_progress *p)
{
    const cli_args *a = user;
    static double last;
    const progress_kind kind = progress_asked(a);
    if (p->done == 0) cli_on_stop(cli_only_stop, NULL);
    if (p->done == p->total) cli_on_stop(NULL, NULL);
    const bool due = p->done == 0 || p->done == p->total || tool_seconds() - last > 0.1;
    if (due) last = tool_seconds();
    if (kind == PROGRESS_BAR && due) {
        cli_bar(p->done < p->total);
        show_bar(p);
    } else if (kind == PROGRESS_JSON && due) {
        fprintf(stderr, "{\"timing\":{\"done\":%d,\"total\":%d}}\n", p->done, p->total);
    }
    return cli_stopped();
}

fv_status tuning_options(const cli_args *a, text *path, fv_context_options *o, fv_error *err)
{
    const char *given = cli_text(a, "timingCacheFile");
    o->tune = (int)cli_int(a, "builderOptimizationLevel", cli_tune_level(a));
    o->require_timings = cli_on(a, "errorOnTimingCacheMiss");
    o->tune_progress = on_progress;
    o->tune_user = (void *)(uintptr_t)a;
    if (given) {
        struct stat st;
        if (!given[0]) return cli_set_error(err, FV_ERR_ARGUMENT, "--timingCacheFile needs a name");
        text_add(path, given);
        const char *slash = strrchr(given, '/');
        text dir = {0};
        text_addn(&dir, slash ? given : ".", slash ? (size_t)(slash - given) + 1 : 1);
        fv_status s = FV_OK; /* before minutes of timing, not after */
        if (o->tune && (stat(dir.s, &st) != 0 || !S_ISDIR(st.st_mode)))
            s = cli_set_error(err, FV_ERR_OUTPUT, "--timingCacheFile %s: there is no folder %s", given, dir.s);
        else if (o->tune && access(dir.s, W_OK | X_OK) != 0)
            s = cli_set_error(err, FV_ERR_OUTPUT, "--timingCacheFile %s: cannot write in %s: %s", given, dir.s, strerror(errno));
        text_free(&dir);
        if (s < 0) return s;
    } else if (default_path(path) && o->tune) {
        tool_make_folders(path->s);
    }
    o->timing_cache = path->len ? path->s : NULL;
    return FV_OK;
}

void tuning_print(text *t, const fv_tuning_info *i)
{
    if (!i->choices) return;
    text_printf(t, "tactics    %d choices: %d remembered", i->choices, i->remembered);
    if (i->timed) text_printf(t, ", %d timed in %.2f s", i->timed, i->ms / 1e3);
    if (i->estimated) text_printf(t, ", %d estimated", i->estimated);
    if (i->refused) text_printf(t, ", %d remembered ones refused", i->refused);
    if (i->missed[0]) {
        text_add(t, " (");
        text_terminal(t, i->missed);
        text_add(t, ")");
    }
    text_add(t, "\n");
}

void tuning_text(text *t, const fv_session *s)
{
    fv_tuning_info i = {.size = sizeof i};
    if (fv_session_tuning(s, &i) >= 0) tuning_print(t, &i);
}
