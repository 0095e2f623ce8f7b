/* own_source.c: a source of your own: anything that can fill a frame (a camera's SDK, a shared memory, a game) becomes a source
 * that every part of fovea reads. Needs no media library.
 *
 *     cc own_source.c -o own_source $(pkg-config --cflags --libs libfovea)
 *     ./own_source yolov8n.onnx
 *
 * This one makes 50 pictures in shades from black to white. */
#include <fovea/fovea.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct shades {
    fv_source base; /* first, so that a pointer to it is one to us */
    int at, total;
} shades;

/* FV_OK with a frame that the caller releases; FV_END; or FV_ERR_… with a sentence in err. */
static fv_status shades_read(fv_source *s, fv_frame *f, fv_error *err)
{
    shades *me = (shades *)s;
    if (me->at == me->total) return FV_END;
    fv_status st = fv_frame_alloc(f, FV_PIXEL_GRAY, s->info.width, s->info.height); /* owned by f: fv_frame_release frees it */
    if (st < 0) {
        err->status = st;
        snprintf(err->text, sizeof err->text, "no memory for picture %d", me->at);
        return st;
    }
    /* Without a copy: set f->plane and f->stride to your memory, f->opaque to what you need to find it again, and f->release to a
     * function that is called when nobody looks at it any more. */
    memset(f->plane[0], 255 * me->at / me->total, (size_t)f->stride[0] * (size_t)f->height);
    f->index = me->at;
    f->pts = me->at / s->info.fps;
    me->at++;
    return FV_OK;
}

static void shades_close(fv_source *s) { free(s); }

static fv_source *shades_open(int total)
{
    shades *me = calloc(1, sizeof *me);
    if (!me) return NULL;
    me->total = total;
    me->base.info = (fv_source_info){.kind = FV_SOURCE_VIDEO, .width = 320, .height = 240, .fps = 25, .frames = total, .name = "shades"};
    me->base.read = shades_read; /* FV_SOURCE_LIVE instead of VIDEO: the newest frame wins, others are dropped */
    me->base.close = shades_close;
    return &me->base;
}

int main(int argc, char **argv)
{
    fv_error err = {0};
    fv_stream *stream = NULL;
    fv_result r;
    if (argc != 2) {
        fprintf(stderr, "usage: own_source MODEL.onnx\n");
        return 2;
    }
    fv_source *source = shades_open(50);
    if (!source) return 1;
    fv_status st = fv_stream_open(&stream, FV_STREAM_OPTIONS(.model = argv[1], .input = source), &err);
    int frames = 0, found = 0;
    while (st >= 0 && (st = fv_stream_next(stream, &r, &err)) == FV_OK) {
        frames++;
        found += r.dets->count;
    }
    if (st < 0) fprintf(stderr, "own_source: %s\n", err.text);
    printf("%d frames, %d found\n", frames, found);
    fv_stream_close(&stream);
    source->close(source);
    return st < 0;
}
