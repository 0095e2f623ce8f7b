/* paint.h: overlays drawn into frames, in the frame's own format (I420 and NV12 included; no colour round trip). */
#ifndef FOVEA_PAINT_H
#define FOVEA_PAINT_H
#include <fovea/count.h>
#include <fovea/detect.h>
#ifdef __cplusplus
extern "C" {
#endif
/* A font as glyphs of one size, 8-bit coverage. libfovea-media makes one from a font file (fv_media_api.font_open). */
typedef struct fv_glyph {
    uint32_t codepoint;
    int width, height, left, top, advance; /* pixels; top = baseline to the top row, upwards */
    const uint8_t *coverage;               /* [height, width] */
} fv_glyph;
typedef struct fv_font {
    int ascent, descent, line_height; /* pixels */
    const fv_glyph *glyphs;           /* sorted by codepoint */
    int n_glyphs;
    void (*release)(struct fv_font *f);
    void *opaque;
} fv_font;

typedef struct fv_paint_options {
    uint32_t size;
    int line_width;      /* pixels; 0 = from the frame size */
    const fv_font *font; /* borrowed; null = no text */
    int no_labels, no_conf, no_tracks;
    double trail_s;      /* length of track trails; 0 = 1.5 s; negative = none */
} fv_paint_options;
#define FV_PAINT_OPTIONS(...) (&(fv_paint_options){.size = sizeof(fv_paint_options), __VA_ARGS__})

/* What is drawn on a frame. All borrowed for the call. */
typedef struct fv_scene {
    const fv_detections *dets;
    fv_task task;  /* how dets is drawn: fv_detector_task */
    int n_classes; /* of a semantic map: 1 = it is a probability */
    const char *(*class_name)(void *user, int class_id);
    void *user;
    const fv_counter *counter; /* null = none */
    const fv_line *lines;
    int n_lines;
    const fv_zone *zones;
    int n_zones;
    const char *const *hud; /* [n_hud] lines of text in the corner: fps, latency, device, precision; a null line is left empty */
    int n_hud;
} fv_scene;

/* Threads: one at a time. */
typedef struct fv_painter fv_painter;
FV_API fv_status fv_painter_create(fv_painter **out, const fv_paint_options *opt, fv_error *err);
FV_API void fv_painter_free(fv_painter **p);
/* Draws into f's planes, which must be writable (not those of a source). f->pts ages the trails. FV_ERR_ARGUMENT for a frame or
 * scene that is none. Allocates only when the frame or a zone is larger than any before. */
FV_API fv_status fv_painter_draw(fv_painter *p, fv_frame *f, const fv_scene *scene);
#ifdef __cplusplus
}
#endif
#endif
