/* paint.h: overlays drawn into frames, in the frame's own format (I420 and NV12 included; no colour round trip). */
#ifndef FOVEA_PAINT_H
#define FOVEA_PAINT_H
#include <fovea/count.h>
#include <fovea/detect.h>
#ifdef __cplusplus
extern "C" {
#endif
/* A font as glyphs of one size, 8-bit coverage. libfovea-media makes one from a font file (fv_media_api.font_open); or fill one in
 * yourself. Owned by who made it: `release` frees it, after the painters that use it. Threads: any, as nobody changes it. */
typedef struct fv_glyph {
    uint32_t codepoint;
    int width, height, left, top, advance; /* pixels; top = baseline to the top row, upwards */
    const uint8_t *coverage;               /* [height, width] */
} fv_glyph;
typedef struct fv_font {
    int ascent, descent, line_height; /* pixels */
    const fv_glyph *glyphs;           /* sorted by codepoint */
    int n_glyphs;
    void (*release)(struct fv_font *f); /* null = nothing to free */
    void *opaque;                       /* of who made it */
} fv_font;

/* Zero is the default for every field. */
typedef struct fv_paint_options {
    uint32_t size;
    int line_width;      /* pixels; 0 = from the frame size */
    const fv_font *font; /* borrowed until the painter is freed; null = no text */
    int no_labels, no_conf, no_tracks; /* non-zero: no class names, no confidences, no identities and trails */
    double trail_s;      /* length of track trails; 0 = 1.5 s; negative = none */
} fv_paint_options;
#define FV_PAINT_OPTIONS(...) (&(fv_paint_options){.size = sizeof(fv_paint_options), __VA_ARGS__})

/* What is drawn on a frame. All borrowed for the call. */
typedef struct fv_scene {
    const fv_detections *dets;
    fv_task task;  /* how dets is drawn: fv_detector_task */
    int n_classes; /* of a semantic map: 1 = it is a probability */
    const char *(*class_name)(void *user, int class_id); /* null = "class7" */
    void *user;                                          /* for class_name, such as the detector */
    const fv_counter *counter; /* whose totals stand beside lines and zones; null = none */
    const fv_line *lines; /* [n_lines] as the counter got them */
    int n_lines;
    const fv_zone *zones; /* [n_zones] */
    int n_zones;
    const char *const *hud; /* [n_hud] lines of text in the corner: fps, latency, device, precision; a null line is left empty */
    int n_hud;
} fv_scene;

/* Keeps the trails of tracks from frame to frame: one painter a stream. Threads: one at a time. */
typedef struct fv_painter fv_painter;
/* On failure *out is null: FV_ERR_ARGUMENT, FV_ERR_MEMORY. */
FV_API fv_status fv_painter_create(fv_painter **out, const fv_paint_options *opt, fv_error *err);
FV_API void fv_painter_free(fv_painter **p);
/* Draws into f's planes, which must be writable (not those of a source). f->pts ages the trails. FV_ERR_ARGUMENT for a frame or
 * scene that is none. Allocates only when the frame or a zone is larger than any before. */
FV_API fv_status fv_painter_draw(fv_painter *p, fv_frame *f, const fv_scene *scene);
#ifdef __cplusplus
}
#endif
#endif
