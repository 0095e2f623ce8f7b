/* out.c: results -> the outputs that were asked for. Called by run.c, and on the sink thread by the pipeline. */
#include "out.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static FILE *open_text(outputs *o, const char *flag, int *code)
{
    const char *path = cli_text(o->a, flag);
    if (!path || *code) return NULL;
    FILE *f = !strcmp(path, "-") ? stdout : fopen(path, "we");
    if (!f) {
        *code = cli_error(o->a, EXIT_OUTPUT, "%s: %s", path, strerror(errno));
        return NULL;
    }
    setvbuf(f, NULL, _IOLBF, 1 << 16); /* a reader sees whole lines as they come */
    return f;
}

/* False: the first write that failed is noted, by the name of its file. */
static bool put(outputs *o, FILE *f, const char *flag)
{
    const char *path = cli_text(o->a, flag);
    errno = 0;
    if (o->line.len == 0) return true;
    /* the C library calls a line written that it could only keep: ask for the error as well */
    if (fwrite(o->line.s, 1, o->line.len, f) == o->line.len && !ferror(f)) return true;
    cli_set_error(&o->error, FV_ERR_OUTPUT, "%s: %s", f == o->talk || !path || !strcmp(path, "-") ? "stdout" : path, strerror(errno ? errno : EIO));
    return false;
}

int outputs_open(outputs *o)
{
    int code = 0;
    o->json = open_text(o, "json", &code);
    o->csv = open_text(o, "csv", &code);
    o->mot = open_text(o, "mot", &code);
    if (o->s->mode == RUN_COUNT) o->events = open_text(o, "events", &code);
    if (!code && cli_given(o->a, "coco")) {
        fv_error err = {0};
        o->coco_file = open_text(o, "coco", &code);
        if (!code && out_coco_open(&o->coco, cli_text(o->a, "coco-gt"), o->detector, &err) < 0) code = cli_fail(o->a, err.status, &err);
    }
    if (code || !o->csv) return code;
    text_clear(&o->line);
    out_csv_head(&o->line);
    return put(o, o->csv, "csv") ? 0 : cli_fail(o->a, FV_ERR_OUTPUT, &o->error);
}

/* ---- annotated pictures ---- */

static fv_status write_picture(fv_sink *k, const fv_frame *f, fv_error *err)
{
    outputs *o = k->priv;
    const run_sources *r = o->sources;
    if (f->index < 0 || f->index >= r->n_files) return FV_ERR_INTERNAL; /* n_pictures is the reading thread's */
    return r->media->picture_write(o->targets[r->file_of[f->index]], f, cli_on(o->a, "overwrite"), err);
}

static fv_status finish_pictures(fv_sink *k, fv_error *err) { return (void)k, (void)err, FV_OK; }
static void close_pictures(fv_sink *k) { (void)k; }

fv_status outputs_sink(outputs *o, fv_source *source, int file, fv_sink **sink, fv_error *err)
{
    *sink = NULL;
    if (o->mot) { /* one source then; sinks of several are opened at the same time */
        o->sequence.fps = source->info.fps;
        o->sequence.stride = o->s->vid_stride;
    }
    if (o->kind == OUT_NONE) return FV_OK;
    if (o->pictures) {
        if (o->kind == OUT_PIPE) return cli_set_error(err, FV_ERR_ARGUMENT, "-o - is for video; give a directory for pictures");
        o->picture_sink = (fv_sink){.encoder = "pictures", .write = write_picture, .finish = finish_pictures, .close = close_pictures, .priv = o};
        *sink = &o->picture_sink;
        return FV_OK;
    }
    fv_sink_options opt = {.size = sizeof opt,
                           .codec = cli_text(o->a, "c:v"),
                           .preset = cli_text(o->a, "preset:v"),
                           .pix_fmt = cli_text(o->a, "pix_fmt"),
                           .crf = (int)cli_int(o->a, "crf", 0),
                           .fps = source->info.fps / (o->s->vid_stride > 1 ? o->s->vid_stride : 1),
                           .overwrite = cli_on(o->a, "overwrite"),
                           .copy_from = source};
    if (source->info.width < 1) return cli_set_error(err, FV_ERR_INPUT, "%s: the size of its pictures is not known", source->info.name);
    return o->sources->media->sink_open(sink, o->kind == OUT_PIPE ? "-" : o->targets[file], source->info.width, source->info.height, &opt, err);
}

/* ---- frames ---- */

/* Where a map of this frame goes: DIR/STEM.npy (or .png), DIR/STEM_N.npy of a video. */
static bool put_map(outputs *o, out_frame *f, const char *stem)
{
    if (!f->r->dets->map.data) return true;
    text_clear(&o->map_file);
    text_folder(&o->map_file, o->map_dir);
    text_add(&o->map_file, stem);
    if (!o->pictures) text_printf(&o->map_file, "_%lld", (long long)f->frame + 1);
    const fv_map *m = &f->r->dets->map;
    o->map.depth = fv_detector_task(f->names) == FV_TASK_DEPTH;
    text_add(&o->map_file, out_map_ending(&o->map, m));
    f->map_file = o->map_file.s;
    if (o->map.format == MAP_COLOR && m->channels == 1) out_map_follow(&o->map, m, !o->pictures);
    return out_map_write(&o->map, m, f->r->frame->width, f->r->frame->height, f->map_file, o->sources->media, &o->error) >= 0;
}

static bool put_labels(outputs *o, const out_frame *f, const char *stem)
{
    text path = {0};
    if (!f->r->dets->count) return true;
    text_folder(&path, o->txt_dir);
    text_add(&path, stem);
    if (!o->pictures) text_printf(&path, "_%lld", (long long)f->frame + 1);
    text_add(&path, ".txt");
    text_clear(&o->line);
    out_yolo_frame(&o->line, f);
    if (!o->line.len) return text_free(&path), true; /* masks without a polygon */
    fv_status st = cli_write_file(path.s, o->line.s, o->line.len, &o->error);
    text_free(&path);
    return st >= 0;
}

static bool put_events(outputs *o, const fv_event *events, int n, const char *source)
{
    text_clear(&o->line);
    for (int i = 0; i < n; i++) out_event(&o->line, &events[i], o->s, o->detector, o->many ? source : NULL);
    return put(o, o->events, "events");
}

#define PUT(stream, flag, call)                                                                                        \
    do {                                                                                                               \
        if (stream) {                                                                                                  \
            text_clear(&o->line);                                                                                      \
            call;                                                                                                      \
            if (!put(o, stream, flag)) return 1;                                                                       \
        }                                                                                                              \
    } while (0)

int outputs_result(outputs *o, const fv_result *r)
{
    const run_sources *in = o->sources;
    int file = o->pictures ? in->file_of[r->frame->index] : r->source_index;
    /* a picture by itself is frame 0 of its file; pictures that are tracked are frames of one film */
    bool alone = o->pictures && o->s->mode == RUN_PREDICT;
    out_frame f = {.r = r, .names = o->detector, .source = o->pictures ? in->shown[file] : r->source,
                   .frame = alone ? 0 : r->frame->index, .pts = alone ? 0 : r->frame->pts, .rle = &o->rle, .with_conf = cli_on(o->a, "save-conf")};
    if (o->map_dir && !put_map(o, &f, o->stems[file])) return 1;
    PUT(o->json, "json", out_json_frame(&o->line, &f));
    PUT(o->csv, "csv", out_csv_frame(&o->line, &f));
    PUT(o->mot, "mot", out_mot_frame(&o->line, &f));
    if (o->mot) out_mot_note(&o->sequence, r);
    if (o->coco) PUT(o->coco_file, "coco", out_coco_frame(o->coco, &o->line, &f, o->pictures));
    if (o->events && !put_events(o, r->events, r->n_events, f.source)) return 1;
    if (o->txt_dir && !put_labels(o, &f, o->stems[file])) return 1;
    if (o->crop_dir && out_crops(o, &f, o->stems[file], &o->error) < 0) return 1;
    if (o->say_pictures && o->pictures) PUT(o->talk, "json", out_picture_line(&o->line, &f));
    tally_frame(o->tally, r, r->frame->pts);
    if (o->s->mode != RUN_PREDICT) heat_add(&o->heat, r);
    return 0;
}

int outputs_last_events(outputs *o, int file, const fv_event *events, int n)
{
    if (!o->events) return 0;
    const char *source = o->sources->shown[file];
    return put_events(o, events, n, source) ? 0 : cli_fail(o->a, o->error.status, &o->error);
}

static int close_text(outputs *o, FILE **f, const char *flag)
{
    if (!*f) return 0;
    const char *path = cli_text(o->a, flag);
    errno = 0;
    bool bad = fflush(*f) != 0 || ferror(*f);
    int e = errno;
    if (*f != stdout && fclose(*f)) {
        bad = true;
        if (!e) e = errno;
    }
    *f = NULL;
    if (!bad || o->error.text[0]) return bad ? EXIT_OUTPUT : 0; /* said when it happened */
    return cli_error(o->a, EXIT_OUTPUT, "%s: %s", !strcmp(path, "-") ? "stdout" : path, strerror(e ? e : EIO));
}

int outputs_close(outputs *o)
{
    FILE **const files[] = {&o->json, &o->csv, &o->mot, &o->events, &o->coco_file};
    static const char *const flags[] = {"json", "csv", "mot", "events", "coco"};
    int code = 0;
    bool sequence = o->mot && o->mot != stdout && o->sequence.length > 0;
    if (o->coco && o->coco_file) {
        text_clear(&o->line);
        out_coco_end(o->coco, &o->line);
        if (!put(o, o->coco_file, "coco")) code = EXIT_OUTPUT;
        if (out_coco_unknown(o->coco))
            cli_warn(o->a, "%lld pictures are not in %s: they are left out of --coco", (long long)out_coco_unknown(o->coco), cli_text(o->a, "coco-gt"));
    }
    for (int i = 0; i < 5; i++) {
        int c = close_text(o, files[i], flags[i]);
        if (c) code = c;
    }
    fv_error err = {0};
    if (!code && sequence && out_mot_sequence(o, cli_text(o->a, "mot"), &err) < 0) code = cli_fail(o->a, err.status, &err);
    return code;
}

void outputs_free(outputs *o)
{
    for (int i = 0; i < (o->sources ? o->sources->n_files : 0); i++) {
        if (o->stems) free(o->stems[i]);
        if (o->targets) free(o->targets[i]);
    }
    free(o->stems);
    free(o->targets);
    file_set_free(&o->inputs);
    out_coco_free(&o->coco);
    heat_free(&o->heat);
    text_free(&o->line);
    text_free(&o->map_file);
    fv_rle_clear(&o->rle);
    memset(o, 0, sizeof *o);
}
