/* run.c: predict, track and count from the command line to the exit code. The order is: understand what is wanted, refuse
 * what cannot be done, load, then one source after the other, then report. Called by verb_predict.c, verb_track.c and
 * verb_count.c. */
#include "models.h"
#include "run.h"
#include "run_weights.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DEFAULT_MODEL "person"
#define MOST_AT_ONCE 8 /* frames of live sources in a batch, unless --batch says otherwise */

void run_stop(void *arg)
{
    run_state *r = arg;
    atomic_store(&r->stopping, 1);
    fv_pipeline_stop(r->pipeline);
    show_let_go(r->show);
}

static int all_sources(run_state *r)
{
    bool pictures;
    int file, code = 0;
    fv_source *source;
    while (!code && !atomic_load(&r->stopping) && (source = run_sources_next(&r->sources, &pictures, &file))) {
        code = run_stream(r, source, pictures, file);
        source->close(source);
    }
    return code ? code : run_live(r);
}

/* Nothing could be read: say why for each. */
static int no_input(run_state *r)
{
    for (int i = 0; i < r->sources.n_failures; i++) {
        const run_failure *f = &r->sources.failures[i];
        cli_error(r->a, EXIT_INPUT, "%s: %s", f->name, f->why);
    }
    return EXIT_INPUT;
}

static int body(run_state *r, run_mode mode)
{
    fv_error err = {0};
    const fv_media_api *media;
    r->s.mode = mode;
    const bool replay = mode != RUN_PREDICT && cli_given(r->a, "replay");
    if (replay && cli_given(r->a, "watch-weights")) return cli_usage(r->a, "--watch-weights: --replay has no model whose weights could change");
    if (replay) return run_replay(r);
    if (!cli_positionals(r->a)) return cli_usage(r->a, "no source: give a video, pictures or a camera%s", mode == RUN_PREDICT ? "" : ", or --replay F");
    int code = settings_load(&r->s, r->a, mode);
    if (code) return code;
    if (!(media = cli_media(&err))) return cli_fail(r->a, err.status, &err);
    r->sources.options = r->s.source;
    run_sources_init(&r->sources, r->a, media, mode != RUN_PREDICT);
    if (!r->sources.n_files) return no_input(r);
    /* one frame of each camera at a time; files gain nothing from waiting for company */
    if (!r->s.batch) r->s.batch = r->sources.n_live > MOST_AT_ONCE ? MOST_AT_ONCE : r->sources.n_live > 1 ? r->sources.n_live : 1;
    if (r->s.streams > 1 && r->sources.n_live > 1)
        return cli_usage(r->a, "--streams is for one source at a time; frames of several live sources are computed together (--batch)");
    r->s.tiles.sources = r->sources.n_live < 2 ? 1 : r->sources.n_live < FV_TILE_SOURCES_MAX ? r->sources.n_live : FV_TILE_SOURCES_MAX;
    bool nothing = !strcmp(cli_text_or(r->a, "device", "auto"), "null"); /* computes nothing, and may do without a model */
    if (!r->s.model && !nothing && models_builtin(DEFAULT_MODEL)) r->s.model = DEFAULT_MODEL;
    r->model_path = models_find(r->s.model);
    code = outputs_plan(&r->out, r->a, &r->s, &r->sources, models_builtin(r->model_path) ? NULL : r->model_path);
    if (code) return code;
    if (!run_sources_ready(&r->sources)) return no_input(r);
    code = run_model_open(r);
    if (code) return code;
    tally_init(&r->tally, &r->s, fv_detector_class_count(r->detector));
    r->tally.top_only = fv_detector_task(r->detector) == FV_TASK_CLASSIFY;
    r->tally.no_boxes = fv_detector_task(r->detector) > FV_TASK_CLASSIFY;
    r->out.tally = &r->tally;
    r->out.detector = r->detector;
    code = outputs_open(&r->out);
    if (code) return code;
    r->progress = mode == RUN_PREDICT && run_is_picture_name(r->sources.files[0]) && !cli_given(r->a, "progress") ? NULL : progress_create(r->a);
    r->out.say_pictures = mode == RUN_PREDICT && !r->progress && !cli_on(r->a, "quiet");
    if (cli_on(r->a, "show") && (code = show_open(&r->show, r->a, r->sources.n_live > 1 ? r->sources.n_live : 1, run_stop, r))) return code;
    time_t now = time(NULL);
    struct tm utc;
    strftime(r->started, sizeof r->started, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    run_weights *weights;
    if ((code = run_weights_start(&weights, r))) return code;
    cli_on_stop(run_stop, r);
    code = all_sources(r);
    run_weights_stop(&weights);
    show_let_go(r->show); /* the window goes before the report is written */
    cli_on_stop(NULL, NULL);
    int closed = outputs_close(&r->out);
    if (!code) code = closed;
    if (code && !r->n_done) return code;
    int told = run_report(r); /* also after a failure: what was done is not lost */
    if (!code) code = told;
    if (code) return code;
    if (cli_stopped()) return cli_stop_code();
    if (r->sources.n_failures) return r->n_done ? EXIT_PARTIAL : EXIT_INPUT;
    return EXIT_OK;
}

int run_vision(const cli_args *a, run_mode mode)
{
    run_state *r = tool_alloc(sizeof *r);
    r->a = a;
    pthread_mutex_init(&r->lock, NULL);
    int code = body(r, mode);
    progress_free(&r->progress);
    show_close(&r->show);
    run_live_free(r);
    fv_pipeline_free(&r->pipeline);
    outputs_close(&r->out);
    outputs_free(&r->out);
    tally_free(&r->tally);
    run_model_close(r);
    run_sources_free(&r->sources);
    settings_free(&r->s);
    pthread_mutex_destroy(&r->lock);
    free(r);
    return code;
}
