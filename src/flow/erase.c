/* erase.c: fv_erase_file: search, learn, write, join. The first passes find out where marks are and what they are; the last writes
 * segments, which are joined. Called by programs. */
#include "flow/erase.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/options.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

fv_status fvi_erase_progress(fvi_erase *e, fv_erase_stage stage, int64_t done)
{
    if (!e->opt->progress || !e->opt->progress(e->opt->user, stage, done, e->info.frames)) return FV_OK;
    return fvi_error_set(e->err, FV_ERR_CANCELLED, "stopped; --resume goes on from here");
}

static fv_status open_clip(fvi_erase *e, fv_clip **c)
{
    FVI_TRY(e->media->open(c, e->in, 0, e->err));
    e->media->info(*c, &e->info);
    snprintf(e->report->source, sizeof e->report->source, "%dx%d %s", e->info.width, e->info.height, e->info.codec);
    return FV_OK;
}

static fv_status search(fvi_erase *e)
{
    fv_clip *c;
    const int64_t start = fvi_now_ns();
    if (!e->opt->detector) return FV_OK;
    fv_status st = open_clip(e, &c);
    if (st == FV_OK) st = fvi_erase_search(e, c);
    e->media->close(&c);
    e->report->search_s = fvi_ms(fvi_now_ns() - start) / 1e3;
    return st;
}

static fv_status sample_all(fvi_erase *e, fv_clip *c)
{
    for (;;) {
        fv_clip_frame f;
        fv_status st = e->media->read(c, &f, e->err);
        if (st < 0) return st;
        if (st != FV_OK) {
            e->partial = st == FV_PARTIAL;
            return FV_OK;
        }
        for (int i = 0; st == FV_OK && i < e->places; i++) st = fvi_erase_sample(e, &e->place[i], &f);
        const int64_t done = f.index + 1;
        e->media->drop(&f);
        if (st == FV_OK) st = fvi_erase_progress(e, FV_ERASE_LEARN, done);
        if (st < 0) return st;
    }
}

static fv_status learn(fvi_erase *e)
{
    fv_clip *c = NULL;
    const int64_t start = fvi_now_ns();
    fv_status st = fvi_erase_add_regions(e);
    if (st == FV_OK && e->places) {
        st = open_clip(e, &c);
        if (st == FV_OK) st = sample_all(e, c);
        e->media->close(&c);
    }
    for (int i = 0; st == FV_OK && i < e->places; i++) {
        st = fvi_erase_learn(&e->place[i]);
        if (st < 0) fvi_error_set(e->err, st, st == FV_ERR_ARGUMENT ? "mark %d covers nearly the whole picture" : "mark %d: out of memory", i + 1);
    }
    e->report->learn_s = fvi_ms(fvi_now_ns() - start) / 1e3;
    return st;
}

/* Whole segments that are there, of a run that was stopped. The last may be short: it is made again. */
static int64_t whole_segments(const fvi_erase *e)
{
    for (int64_t i = 0;; i++) {
        fvi_str name = {0};
        int64_t frames = 0;
        const bool ok = fvi_erase_segment_name(e, i, &name) && e->media->check(name.s, &frames) && frames == e->opt->segment;
        fvi_str_free(&name);
        if (!ok) return i;
    }
}

static fv_status join(fvi_erase *e, fv_clip_writer *w)
{
    const int64_t n = (e->report->frames + e->opt->segment - 1) / e->opt->segment;
    char **name = fvi_calloc((size_t)n, sizeof *name);
    fv_status st = name ? FV_OK : FV_ERR_MEMORY;
    for (int64_t i = 0; st == FV_OK && i < n; i++) {
        fvi_str s = {0};
        if (!fvi_erase_segment_name(e, i, &s)) st = FV_ERR_MEMORY;
        name[i] = s.s;
    }
    if (st < 0)
        fvi_error_set(e->err, st, "out of memory");
    else
        st = e->media->join(w, (const char *const *)name, (int)n, !e->partial, e->err);
    for (int64_t i = 0; name && i < n; i++) fvi_free(name[i]);
    fvi_free(name);
    return st;
}

static bool found_any(const fvi_erase *e)
{
    for (int i = 0; i < e->places; i++)
        if (e->place[i].found) return true;
    return false;
}

/* Beside the name, then renamed. */
static fv_status copy_file(const fvi_erase *e)
{
    const size_t room = 1 << 16;
    char *buffer = fvi_alloc(room);
    fvi_str part = {0};
    fvi_str_printf(&part, "%s.part", e->out);
    FILE *in = fopen(e->in, "rbe"), *out = part.failed ? NULL : fopen(part.s, "wbe");
    bool ok = in && out && buffer;
    for (size_t n; ok && (n = fread(buffer, 1, room, in)) > 0;) ok = fwrite(buffer, 1, n, out) == n;
    ok = ok && !ferror(in);
    if (out) ok = fclose(out) == 0 && ok;
    if (in) fclose(in);
    fvi_free(buffer);
    ok = ok && rename(part.s, e->out) == 0;
    const fv_status st = ok ? FV_OK : fvi_error_set(e->err, FV_ERR_OUTPUT, "%s: %s", e->out, strerror(errno));
    if (!ok && !part.failed) remove(part.s);
    fvi_str_free(&part);
    return st;
}

static fv_status write_all(fvi_erase *e, fv_clip *c, fv_clip_writer *w, bool resumed)
{
    int64_t start = fvi_now_ns();
    const int64_t whole = resumed ? whole_segments(e) : 0;
    e->report->resumed = whole * e->opt->segment;
    FVI_TRY(fvi_erase_write(e, c, w, e->report->resumed));
    e->report->write_s = fvi_ms(fvi_now_ns() - start) / 1e3;
    start = fvi_now_ns();
    const fv_status st = join(e, w);
    e->report->join_s = fvi_ms(fvi_now_ns() - start) / 1e3;
    return st;
}

static void fill_report(const fvi_erase *e)
{
    fv_erase_report *r = e->report;
    r->marks = 0;
    for (int i = 0; i < e->places; i++)
        if (e->place[i].found) r->mark[r->marks++] = e->place[i].report;
}

static fv_status run(fvi_erase *e, fv_clip *c, fv_clip_writer *w)
{
    FVI_TRY(fvi_erase_folder(e));
    const bool resumed = e->opt->resume && fvi_erase_load(e);
    if (!resumed) {
        FVI_TRY(search(e));
        FVI_TRY(learn(e));
    }
    if (!found_any(e)) return e->opt->copy ? copy_file(e) : FV_END;
    if (!resumed) {
        FVI_TRY(fvi_erase_start(e));
        FVI_TRY(fvi_erase_save(e));
    }
    FVI_TRY(write_all(e, c, w, resumed));
    fvi_erase_remove(e);
    return FV_OK;
}

static bool same_file(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static fv_status check(fvi_erase *e, fv_erase_options *o)
{
    if (!e->in || !e->out || !e->out[0]) return fvi_error_set(e->err, FV_ERR_ARGUMENT, "an input and an output are needed");
    if (!o->detector && !o->n_regions) return fvi_error_set(e->err, FV_ERR_ARGUMENT, "where is the mark? give regions or a detector");
    if (o->n_regions < 0 || (o->n_regions && !o->regions) || o->detect_every < 0 || o->persist < 0 || o->accumulate_s < 0 || o->min_score < 0 || o->min_score > 1 || o->segment < 0 ||
        o->segment > 100000 || o->crf < 0 || o->threads < 0 || o->quality < FV_ERASE_BALANCED || o->quality > FV_ERASE_BEST)
        return fvi_error_set(e->err, FV_ERR_ARGUMENT, "an option of fv_erase_file is out of range");
    if (same_file(e->in, e->out)) return fvi_error_set(e->err, FV_ERR_OUTPUT, "%s: the output is the input; give another name", e->out);
    if (!o->segment) o->segment = 300;
    if (!o->persist) o->persist = 18;
    if (!(o->accumulate_s > 0)) o->accumulate_s = 2;
    if (!(o->min_score > 0)) o->min_score = 0.10f;
    return FV_OK;
}

static fv_status begin(fvi_erase *e, fv_erase_options *o)
{
    fv_clip *c = NULL;
    fv_clip_writer *w = NULL;
    const fv_media_api *media;
    FVI_TRY(check(e, o));
    FVI_TRY(fv_media_load(&media, NULL, e->err));
    e->media = media->clip;
    FVI_TRY(open_clip(e, &c));
    if (!o->detect_every) o->detect_every = e->info.fps > 2 ? (int)(e->info.fps / 2 + 0.5) : 1;
    fv_status st = e->media->writer_open(&w, c, e->out, &(fv_clip_options){.size = sizeof(fv_clip_options), .codec = o->codec, .preset = o->preset, .crf = o->crf, .threads = o->threads,
                                         .overwrite = o->overwrite}, e->err);
    if (st == FV_OK) {
        snprintf(e->report->encoder, sizeof e->report->encoder, "%s", e->media->writer_text(w));
        st = run(e, c, w);
    }
    fill_report(e);
    e->media->writer_close(&w);
    e->media->close(&c);
    return st;
}

fv_status fv_erase_file(const char *in, const char *out, const fv_erase_options *opt, fv_erase_report *report, fv_error *err)
{
    fv_erase_options o = {.size = sizeof o};
    fv_error own = {0};
    fv_erase_report *r = fvi_calloc(1, sizeof *r);
    if (!r) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    fvi_erase e = {.opt = &o, .in = in, .out = out, .report = r, .err = err ? err : &own};
    fv_status st = fvi_options_read(&o, sizeof o, opt, "FV_ERASE_OPTIONS", err);
    if (st == FV_OK) st = begin(&e, &o);
    if (st == FV_OK && e.partial) st = FV_PARTIAL;
    fvi_erase_free_places(&e);
    fvi_free(e.folder);
    if (report && report->size >= sizeof *r) {
        const uint32_t size = report->size;
        *report = *r;
        report->size = size;
    }
    fvi_free(r);
    return st;
}
