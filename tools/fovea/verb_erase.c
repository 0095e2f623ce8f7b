/* verb_erase.c: `fovea erase`: a video without its watermark, logo or caption. The work is fv_erase_file. Listed in main.c. */
#include "cli.h"
#include "models.h"
#include "progress.h"
#include "text.h"
#include "verb_erase.h"
#include <fovea/erase.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct job {
    const cli_args *a;
    progress_count bar;
    erase_regions regions;
    fv_context *ctx;
    fv_model *model;
    fv_detector *detector;
    fv_erase_stage stage;
    double began;
} job;

static int on_progress(void *user, fv_erase_stage stage, int64_t done, int64_t total)
{
    static const char *const what[] = {"search", "learn", "write", "join"};
    job *j = user;
    if (stage != j->stage) {
        j->stage = stage;
        j->began = tool_seconds();
    }
    if (j->bar.kind != PROGRESS_NONE && progress_due(&j->bar, done == total)) {
        const double s = tool_seconds() - j->began, fps = s > 0 ? (double)done / s : 0;
        if (j->bar.kind == PROGRESS_JSON) {
            fprintf(stderr, "{\"stage\":\"%s\",\"frame\":%lld,\"frames\":%lld,\"fps\":%.1f}\n", what[stage], (long long)done, (long long)total, fps);
        } else {
            char line[96];
            const double left = fps > 0 && total > done ? (double)(total - done) / fps : 0;
            snprintf(line, sizeof line, "%s %.1f fps, %.0f s left", what[stage], fps, left);
            progress_show(line, done, total, done == total);
        }
    }
    return cli_stopped();
}

static int load_detector(job *j)
{
    fv_error err = {0};
    fv_model_options opt;
    const char *name = cli_text_or(j->a, "model", "mark");
    char *place = models_find(name);
    if (!place && !cli_given(j->a, "model")) return cli_error(j->a, EXIT_MODEL, "where is the mark? give --region, --mask, or a detector with --model (this build has none for marks)");
    if (!place) return models_missing(j->a, name);
    fv_status st = cli_model_options(j->a, &opt, &err);
    if (st >= 0) st = cli_context(j->a, &j->ctx, &err);
    if (st >= 0) st = models_load(&j->model, j->ctx, place, &opt, &err);
    free(place);
    if (st >= 0)
        st = fv_detector_create(&j->detector, j->ctx, j->model, FV_DETECT_OPTIONS(.conf = (float)cli_real(j->a, "min-score", 0.10)), &err);
    return st < 0 ? cli_fail(j->a, st, &err) : 0;
}

static void print_json(const char *in, const char *out, const fv_erase_report *r, text *t)
{
    text_add(t, "{\"input\":");
    text_json(t, in);
    text_add(t, ",\"output\":");
    text_json(t, out);
    text_printf(t, ",\"frames\":%lld,\"changed\":%lld,\"resumed\":%lld,\"flash\":%lld,\"encoder\":", (long long)r->frames, (long long)r->changed, (long long)r->resumed, (long long)r->flash);
    text_json(t, r->encoder);
    text_printf(t, ",\"seconds\":{\"search\":%.3f,\"learn\":%.3f,\"write\":%.3f,\"join\":%.3f},\"marks\":[", r->search_s, r->learn_s, r->write_s, r->join_s);
    for (int i = 0; i < r->marks; i++) {
        const fv_erase_mark *m = &r->mark[i];
        text_printf(t, "%s{\"box\":[%d,%d,%d,%d],\"first\":%lld,\"last\":%lld,\"opacity\":%.3f,\"opaque\":%.3f,\"pixels\":%lld}", i ? "," : "", m->x, m->y, m->x + m->width, m->y + m->height,
                    (long long)m->first, (long long)m->last, (double)m->opacity, (double)m->opaque, (long long)m->pixels);
    }
    text_add(t, "]}\n");
}

static void print_report(const cli_args *a, const fv_erase_report *r)
{
    if (cli_on(a, "quiet")) return;
    printf("source     %s, %lld frames\n", r->source, (long long)r->frames);
    for (int i = 0; i < r->marks; i++) {
        const fv_erase_mark *m = &r->mark[i];
        printf("mark %-5d %dx%d at %d,%d, frames %lld to %lld: ", i + 1, m->width, m->height, m->x, m->y, (long long)m->first, (long long)m->last);
        if (m->opaque > 0.95f)
            printf("opaque, filled in\n");
        else
            printf("opacity %.2f undone, %.0f %% filled in\n", (double)m->opacity, 100 * (double)m->opaque);
    }
    printf("encoder    %s\n", r->encoder);
    if (r->resumed) printf("resumed    %lld frames were there\n", (long long)r->resumed);
    const double s = r->search_s + r->learn_s + r->write_s + r->join_s;
    printf("time       %.1f s: search %.1f, learn %.1f, write %.1f, join %.1f; %.1f frames/s\n", s, r->search_s, r->learn_s, r->write_s, r->join_s, s > 0 ? (double)(r->frames - r->resumed) / s : 0);
}

static fv_erase_options options(job *j)
{
    const cli_args *a = j->a;
    const char *q = cli_text_or(a, "quality", "balanced");
    return (fv_erase_options){.size = sizeof(fv_erase_options), .regions = j->regions.region, .n_regions = j->regions.n, .detector = j->detector,
                              .detect_every = (int)cli_int(a, "detect-every", 0), .accumulate_s = cli_real(a, "accumulate", 0), .persist = (int)cli_int(a, "persist", 0),
                              .min_score = (float)cli_real(a, "min-score", 0), .quality = !strcmp(q, "fast") ? FV_ERASE_FAST : !strcmp(q, "best") ? FV_ERASE_BEST : FV_ERASE_BALANCED,
                              .codec = cli_text(a, "c:v"), .preset = cli_text(a, "preset:v"), .crf = (int)cli_int(a, "crf", 0), .threads = (int)cli_int(a, "encoder-threads", 0),
                              .segment = (int)cli_int(a, "segment", 0), .overwrite = cli_on(a, "overwrite"), .resume = cli_on(a, "resume"), .copy = cli_on(a, "copy"), .progress = on_progress, .user = j};
}

static int finish(const cli_args *a, const char *in, const char *out, fv_status st, const fv_erase_report *r, const fv_error *err)
{
    if (cli_stopped() && st < 0) {
        cli_warn(a, "%s", err->text);
        return cli_stop_code();
    }
    if (st < 0) return cli_fail(a, st, err);
    if (st == FV_END) return cli_error(a, EXIT_RUNTIME, "%s: no mark was found, nothing was written; --copy would copy the file", in);
    if (!r->marks) cli_note(a, "no mark was found: the file was copied");
    if (st == FV_PARTIAL) cli_warn(a, "%s", err->text);
    if (cli_given(a, "json")) {
        text t = {0};
        fv_error e = {0};
        print_json(in, out, r, &t);
        const fv_status w = cli_write_file(cli_text(a, "json"), t.s, t.len, &e);
        text_free(&t);
        if (w < 0) return cli_fail(a, w, &e);
    }
    if (r->marks) print_report(a, r);
    return st == FV_PARTIAL ? EXIT_PARTIAL : EXIT_OK;
}

static int run(const cli_args *a)
{
    fv_error err = {0};
    const char *in = cli_positional(a, 0), *out = cli_text(a, "output");
    job j = {.a = a, .bar.kind = progress_asked(a), .stage = (fv_erase_stage)-1};
    if (!out || !out[0]) return cli_usage(a, "where to? give -o OUT.mp4");
    int code = erase_regions_read(a, &j.regions);
    if (!code && (!j.regions.n || cli_given(a, "model"))) code = load_detector(&j);
    if (!code) {
        fv_erase_report r = {.size = sizeof r};
        const fv_erase_options o = options(&j);
        cli_on_stop(cli_only_stop, NULL);
        const fv_status st = fv_erase_file(in, out, &o, &r, &err);
        cli_on_stop(NULL, NULL);
        if (j.bar.kind == PROGRESS_BAR) cli_bar(false);
        code = finish(a, in, out, st, &r, &err);
    }
    fv_detector_free(&j.detector);
    fv_model_free(&j.model);
    fv_context_free(&j.ctx);
    erase_regions_free(&j.regions);
    return code;
}

static const cli_flag where[] = {
    {"region", "X,Y,W,H|X,Y,X,Y,X,Y,...", "look for the mark here: a box, or a polygon of three or more points, in pixels; again for more"},
    {"mask", "F.png", "the mark is where this picture of the video's size is not black; again for more"},
    {"whole", NULL, "all of --region and --mask is mark: do not look which pixels are", CLI_SWITCH},
    {"model", "FILE|NAME", "a detector that searches the whole picture; without --region and --mask: mark"},
    {"detect-every", "N", "frames from look to look of the detector (two looks a second)", CLI_INT, 1, 100000},
    {"accumulate", "SECONDS", "detections this near in time belong together (2.0)", CLI_REAL, 0.01, 3600},
    {"persist", "N", "frames that something has to stay (18)", CLI_INT, 1, 1000000},
    {"min-score", "S", "least score that goes on with a mark; three times as much begins one (0.10)", CLI_REAL, 0.001, 1},
    {0}};
static const cli_flag output[] = {
    {"output", "OUT.mp4", "the video without the mark: .mp4, .mkv, .mov", .alias = "o"},
    {"quality", "fast|balanced|best", "how many pictures a mark is learnt from: 32, 64, 96 (balanced)", CLI_CHOICE},
    {"c:v", "CODEC|auto", "encoder (that of the source's codec, else libx264); auto: NVENC where it works"},
    {"crf", "N", "constant quality (18 for libx264)", CLI_INT, 1, 63},
    {"preset:v", "NAME", "of the encoder (veryfast)"},
    {"encoder-threads", "N", "threads of the encoder (2); part of what decides its packets", CLI_INT, 1, 64},
    {"segment", "N", "frames encoded at a time: what is lost when the run is killed (300)", CLI_INT, 1, 100000},
    {"resume", NULL, "go on with a run that was stopped or killed, if nothing else changed", CLI_SWITCH},
    {"copy", NULL, "copy the file when no mark is found (exit 1, nothing written)", CLI_SWITCH},
    {"json", "F|-", "what was found and done"},
    {"overwrite", NULL, "replace a file that exists (it is refused)", CLI_SWITCH},
    {0}};

const cli_verb cli_verb_erase = {
    .name = "erase",
    .job = "take a watermark, logo or caption out of a video, keep everything else",
    .usage = "IN -o OUT [--region X,Y,W,H] [flags]",
    .details = "For video of your own, or that you are allowed to change. Metadata that says where it comes from stays in place.\n"
               "A see-through mark is undone: opacity and colour of every pixel are learnt over the whole video; what is opaque is\n"
               "filled in. Pixels beside the mark go to the encoder as they were; audio, subtitles, chapters, metadata, stamps,\n"
               "rotation, pixel shape, colour tags and bit depth are kept. Memory does not grow with the length.",
    .example = "fovea erase clip.mp4 -o clean.mp4 --region 20,8,24,12 --copy\n"
               "fovea erase clip.mp4 -o clean.mkv --region 20,8,44,8,40,20 --copy --crf 16",
    .groups = {{"where", where}, {"output", output}, {"computing", cli_flags_compute}},
    .positional = "source",
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
