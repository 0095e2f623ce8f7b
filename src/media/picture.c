/* picture.c: one still picture file -> one upright RGB frame, through the reader of stills in memory (reader.c). A source like any other: read
 * gives the frame, then FV_END. */
#include "media/media.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include <stdio.h>
#include <string.h>

#define MAX_FILE_BYTES ((size_t)1 << 30)

typedef struct picture {
    fv_source base; /* first, so that both pointers are one */
    char *path;
    bool done;
} picture;

static fv_status decode(const fvi_map *map, fv_frame *f, const char *name, fv_error *err)
{
    fv_picture_reader *r = NULL;
    FVI_TRY(fvi_media_reader_open(&r, err));
    fv_status st = fvi_media_reader_read(r, f, map->data, map->size, NULL, name, err);
    fvi_media_reader_close(&r);
    return st;
}

static fv_status picture_read(fv_source *s, fv_frame *f, fv_error *err)
{
    picture *p = (picture *)s;
    *f = (fv_frame){0};
    if (p->done) return FV_END;
    p->done = true;
    int64_t start = fvi_now_ns();
    fvi_map map;
    FVI_TRY(fvi_map_open(&map, p->path, MAX_FILE_BYTES, err));
    fv_status st = decode(&map, f, s->info.name, err);
    fvi_map_close(&map);
    f->born_ns = fvi_now_ns();
    f->decode_ns = f->born_ns - start;
    return st;
}

static void picture_close(fv_source *s)
{
    picture *p = (picture *)s;
    fvi_free(p->path);
    fvi_free(p);
}

/* Headers are read at once: the size is shown and odd JPEGs are found early. */
static fv_status read_header(picture *p, enum AVCodecID id, fv_error *err)
{
    fvi_map map;
    fv_picture_info about = {.size = sizeof about};
    FVI_TRY(fvi_map_open(&map, p->path, MAX_FILE_BYTES, err));
    fv_source_info *info = &p->base.info;
    fv_status st = fvi_media_picture_probe(&about, map.data, map.size, info->name, err);
    fvi_map_close(&map);
    if (st < 0) return st;
    info->width = about.width;
    info->height = about.height;
    snprintf(info->decoder, sizeof info->decoder, "%s", about.eighths ? "jpeg (libjpeg-turbo)" : avcodec_get_name(id));
    return FV_OK;
}

fv_status fvi_media_picture_open(fv_source **out, const char *path, enum AVCodecID id, fv_error *err)
{
    picture *p = fvi_calloc(1, sizeof *p);
    if (!p || !(p->path = fvi_strdup(path))) {
        fvi_free(p);
        return fvi_error_set(err, FV_ERR_MEMORY, "%s: out of memory", path);
    }
    p->base = (fv_source){.read = picture_read, .close = picture_close, .priv = p};
    p->base.info = (fv_source_info){.kind = FV_SOURCE_PICTURE, .frames = 1};
    snprintf(p->base.info.name, sizeof p->base.info.name, "%s", path);
    snprintf(p->base.info.decoder, sizeof p->base.info.decoder, "%s", avcodec_get_name(id));
    fv_status st = read_header(p, id, err);
    if (st < 0) {
        picture_close(&p->base);
        return st;
    }
    *out = &p->base;
    return FV_OK;
}
