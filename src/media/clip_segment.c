/* clip_segment.c: segment files: encoded packets with exact stamps, written beside the name and renamed when whole. Read back when the
 * output is joined, and to know after a kill what is there. Called by clip_write.c and clip_join.c. */
#include "media/clip.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/str.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MAX_PACKET (256 << 20)
static const char magic[8] = "FVSEG1\n";

typedef struct record {
    int64_t pts, dts, duration;
    int32_t flags, size; /* size -1: the end; pts is then the count, dts the checksum */
} record;
struct fvi_media_segment {
    char *path, *part;
    FILE *f;
    int64_t count;
    uint64_t hash;
    bool writing, whole;
};

void fvi_media_segment_close(fvi_media_segment **s)
{
    if (!*s) return;
    if ((*s)->f) fclose((*s)->f);
    if ((*s)->writing && !(*s)->whole && (*s)->part) unlink((*s)->part);
    fvi_free((*s)->path);
    fvi_free((*s)->part);
    FVI_FREE(*s);
}

static fv_status open_segment(fvi_media_segment **out, const char *path, bool writing, fv_error *err)
{
    fvi_str part = {0};
    *out = NULL;
    fvi_media_segment *s = fvi_calloc(1, sizeof *s);
    fvi_str_printf(&part, "%s.part", path);
    if (!s || part.failed || !(s->path = fvi_strdup(path))) {
        fvi_str_free(&part);
        fvi_free(s);
        return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    }
    s->part = part.s;
    s->writing = writing;
    s->f = fopen(writing ? s->part : s->path, writing ? "wbe" : "rbe");
    if (!s->f) {
        const fv_status st = fvi_error_set(err, writing ? FV_ERR_OUTPUT : FV_ERR_INPUT, "%s: %s", path, strerror(errno));
        s->writing = false;
        fvi_media_segment_close(&s);
        return st;
    }
    *out = s;
    return FV_OK;
}

static fv_status put(fvi_media_segment *s, const void *data, size_t n, fv_error *err)
{
    s->hash = fvi_hash(data, n, s->hash);
    return fwrite(data, 1, n, s->f) == n ? FV_OK : fvi_error_set(err, FV_ERR_OUTPUT, "%s: %s", s->part, strerror(errno));
}

fv_status fvi_media_segment_create(fvi_media_segment **out, const char *path, fv_error *err)
{
    FVI_TRY(open_segment(out, path, true, err));
    const fv_status st = put(*out, magic, sizeof magic, err);
    if (st < 0) fvi_media_segment_close(out);
    return st;
}

fv_status fvi_media_segment_put(fvi_media_segment *s, const AVPacket *p, fv_error *err)
{
    const record r = {p->pts, p->dts, p->duration, p->flags, p->size};
    FVI_TRY(put(s, &r, sizeof r, err));
    s->count++;
    return put(s, p->data, (size_t)p->size, err);
}

fv_status fvi_media_segment_finish(fvi_media_segment *s, fv_error *err)
{
    const record r = {.pts = s->count, .dts = (int64_t)s->hash, .size = -1};
    FVI_TRY(put(s, &r, sizeof r, err));
    if (fflush(s->f) != 0 || fsync(fileno(s->f)) != 0 || rename(s->part, s->path) != 0)
        return fvi_error_set(err, FV_ERR_OUTPUT, "%s: %s", s->path, strerror(errno));
    s->whole = true;
    return FV_OK;
}

static fv_status broken(const fvi_media_segment *s, fv_error *err) { return fvi_error_set(err, FV_ERR_INPUT, "%s: the segment is damaged; run again without --resume", s->path); }

fv_status fvi_media_segment_open(fvi_media_segment **out, const char *path, fv_error *err)
{
    char head[sizeof magic];
    FVI_TRY(open_segment(out, path, false, err));
    if (fread(head, 1, sizeof head, (*out)->f) == sizeof head && memcmp(head, magic, sizeof magic) == 0) {
        (*out)->hash = fvi_hash(head, sizeof head, 0);
        return FV_OK;
    }
    const fv_status st = broken(*out, err);
    fvi_media_segment_close(out);
    return st;
}

fv_status fvi_media_segment_get(fvi_media_segment *s, AVPacket *p, bool data, fv_error *err)
{
    record r;
    av_packet_unref(p);
    if (fread(&r, 1, sizeof r, s->f) != sizeof r) return broken(s, err);
    if (r.size == -1) return r.pts == s->count && (!data || (uint64_t)r.dts == s->hash) ? FV_END : broken(s, err);
    if (r.size < 0 || r.size > MAX_PACKET) return broken(s, err);
    if (!data) {
        if (fseeko(s->f, r.size, SEEK_CUR) != 0) return broken(s, err);
    } else {
        if (av_new_packet(p, r.size) < 0) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
        if (fread(p->data, 1, (size_t)r.size, s->f) != (size_t)r.size) return broken(s, err);
        s->hash = fvi_hash(&r, sizeof r, s->hash);
        s->hash = fvi_hash(p->data, (size_t)r.size, s->hash);
    }
    p->pts = r.pts;
    p->dts = r.dts;
    p->duration = r.duration;
    p->flags = r.flags;
    s->count++;
    return FV_OK;
}

int fvi_media_segment_check(const char *path, int64_t *frames)
{
    fvi_media_segment *s = NULL;
    AVPacket *p = av_packet_alloc();
    fv_status st = p ? fvi_media_segment_open(&s, path, NULL) : FV_ERR_MEMORY;
    while (st == FV_OK) st = fvi_media_segment_get(s, p, true, NULL);
    *frames = s ? s->count : 0;
    fvi_media_segment_close(&s);
    av_packet_free(&p);
    return st == FV_END;
}
