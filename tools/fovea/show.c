/* show.c: painted frames -> a window, through SDL2, which is loaded when --show asks for it. A thread of its own owns everything of
 * SDL; the sinks' threads leave the newest frame of their tile and go on. Called by run.c and run_stream.c. */
#include "show.h"
#ifndef FV_SDL
int show_open(show **out, const cli_args *a, int tiles, void (*quit)(void *), void *user)
{
    (void)tiles, (void)quit, (void)user;
    *out = NULL;
    return cli_usage(a, "--show: this program was built without SDL2 (libsdl2-dev; cmake -DFV_SDL=ON)");
}
void show_frame(show *w, int tile, const char *name, const fv_frame *f, bool wait) { (void)w, (void)tile, (void)name, (void)f, (void)wait; }
void show_let_go(show *w) { (void)w; }
void show_close(show **w) { (void)w; }
#else
#include "text.h"
#include <SDL2/SDL.h>
#include <dlfcn.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LIBRARY "libSDL2-2.0.so.0"
#define FIRST_W 1280 /* largest window at first */
#define FIRST_H 720
#define LOOK_UP_MS 15

/* What is used of SDL. */
#define SDL_CALLS(X)                                                                                                                       \
    X(SetHint) X(Init) X(Quit) X(GetError) X(CreateWindow) X(DestroyWindow) X(SetWindowTitle) X(SetWindowSize) X(CreateRenderer) X(DestroyRenderer) \
    X(GetRendererOutputSize) X(SetRenderDrawColor) X(RenderClear) X(RenderCopy) X(RenderPresent) X(CreateTexture) X(DestroyTexture)        \
    X(UpdateTexture) X(UpdateYUVTexture) X(UpdateNVTexture) X(SetYUVConversionMode) X(PollEvent)
typedef struct sdl {
#define SDL_FIELD(name) __typeof__(&SDL_##name) name;
    SDL_CALLS(SDL_FIELD)
#undef SDL_FIELD
} sdl;

typedef struct tile {
    fv_frame frame; /* own copy of the newest */
    bool fresh;
    char name[128];
    /* the window's thread only */
    fv_frame drawn;
    SDL_Texture *texture;
    Uint32 format;
    int width, height;
} tile;

struct show {
    sdl s;
    tile *tiles;
    int n_tiles;
    void (*quit)(void *);
    void *user;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool ready, failed, paused, over, waiting; /* waiting: a picture is looked at */
    atomic_int let_go;
    char error[200];
    SDL_Window *window;
    SDL_Renderer *renderer;
    bool sized;
};

/* ---- the window's thread ---- */

static bool load(show *w)
{
    void *lib = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    bool all = lib != NULL;
#define SDL_LOAD(name)                                                                                                 \
    if (all) {                                                                                                         \
        void *p = dlsym(lib, "SDL_" #name);                                                                            \
        memcpy(&w->s.name, &p, sizeof p);                                                                              \
        all = p != NULL;                                                                                               \
    }
    SDL_CALLS(SDL_LOAD)
#undef SDL_LOAD
    if (!all) snprintf(w->error, sizeof w->error, "%s cannot be loaded", LIBRARY);
    return all;
}

static bool open_window(show *w)
{
    const sdl *s = &w->s;
    if (!load(w)) return false;
    s->SetHint("SDL_NO_SIGNAL_HANDLERS", "1"); /* Ctrl-C stays ours */
    s->SetHint("SDL_VIDEO_ALLOW_SCREENSAVER", "1");
    if (s->Init(SDL_INIT_VIDEO) == 0) {
        w->window = s->CreateWindow("fovea", SDL_WINDOWPOS_UNDEFINED, SDL_WINDOWPOS_UNDEFINED, 640, 480, SDL_WINDOW_RESIZABLE);
        if (w->window) w->renderer = s->CreateRenderer(w->window, -1, 0);
    }
    if (!w->renderer) snprintf(w->error, sizeof w->error, "there is no display to show pictures on: %s", s->GetError());
    return w->renderer != NULL;
}

static Uint32 texture_format(fv_pixel_format f)
{
    switch (f) {
    case FV_PIXEL_I420: case FV_PIXEL_GRAY: return SDL_PIXELFORMAT_IYUV;
    case FV_PIXEL_NV12: return SDL_PIXELFORMAT_NV12;
    case FV_PIXEL_RGB: return SDL_PIXELFORMAT_RGB24;
    case FV_PIXEL_BGR: return SDL_PIXELFORMAT_BGR24;
    default: return SDL_PIXELFORMAT_UNKNOWN;
    }
}

static void upload(show *w, tile *t)
{
    const sdl *s = &w->s;
    const fv_frame *f = &t->drawn;
    Uint32 format = texture_format(f->format);
    if (format == SDL_PIXELFORMAT_UNKNOWN) return;
    bool full = f->format == FV_PIXEL_GRAY || f->range == FV_RANGE_FULL;
    /* SDL has one full range matrix and two limited ones; the choice is for the textures that are made next */
    s->SetYUVConversionMode(full ? SDL_YUV_CONVERSION_JPEG : f->matrix == FV_COLOR_BT601 ? SDL_YUV_CONVERSION_BT601 : SDL_YUV_CONVERSION_BT709);
    if (!t->texture || t->format != format || t->width != f->width || t->height != f->height) {
        if (t->texture) s->DestroyTexture(t->texture);
        t->texture = s->CreateTexture(w->renderer, format, SDL_TEXTUREACCESS_STREAMING, f->width, f->height);
        t->format = format;
        t->width = f->width;
        t->height = f->height;
    }
    if (!t->texture) return;
    if (f->format == FV_PIXEL_I420) {
        s->UpdateYUVTexture(t->texture, NULL, f->plane[0], (int)f->stride[0], f->plane[1], (int)f->stride[1], f->plane[2], (int)f->stride[2]);
    } else if (f->format == FV_PIXEL_NV12) {
        s->UpdateNVTexture(t->texture, NULL, f->plane[0], (int)f->stride[0], f->plane[1], (int)f->stride[1]);
    } else if (f->format == FV_PIXEL_GRAY) {
        int cw = (f->width + 1) / 2;
        size_t n = (size_t)cw * (size_t)((f->height + 1) / 2);
        Uint8 *neutral = tool_alloc(n);
        memset(neutral, 128, n);
        s->UpdateYUVTexture(t->texture, NULL, f->plane[0], (int)f->stride[0], neutral, cw, neutral, cw);
        free(neutral);
    } else {
        s->UpdateTexture(t->texture, NULL, f->plane[0], (int)f->stride[0]);
    }
}

/* Takes what is new; true when something is. */
static bool take_fresh(show *w)
{
    bool any = false;
    char name[160] = "";
    for (int i = 0; i < w->n_tiles; i++) {
        tile *t = &w->tiles[i];
        pthread_mutex_lock(&w->lock);
        bool fresh = t->fresh;
        if (fresh) { /* the copies change places */
            fv_frame f = t->frame;
            t->frame = t->drawn;
            t->drawn = f;
            t->fresh = false;
            if (w->n_tiles == 1) snprintf(name, sizeof name, "fovea: %s", t->name);
        }
        pthread_mutex_unlock(&w->lock);
        if (fresh) upload(w, t);
        any |= fresh;
    }
    if (name[0]) w->s.SetWindowTitle(w->window, name);
    return any;
}

static void first_size(show *w, int columns, int rows)
{
    for (int i = 0; i < w->n_tiles && !w->sized; i++) {
        const tile *t = &w->tiles[i];
        if (!t->texture) continue;
        double scale = fmin(1, fmin((double)FIRST_W / (t->width * columns), (double)FIRST_H / (t->height * rows)));
        w->s.SetWindowSize(w->window, (int)(t->width * columns * scale), (int)(t->height * rows * scale));
        w->sized = true;
    }
}

/* Every tile as large as fits its cell, in its own shape. */
static void draw(show *w)
{
    int columns = (int)ceil(sqrt(w->n_tiles)), rows = (w->n_tiles + columns - 1) / columns, ww = 0, wh = 0;
    first_size(w, columns, rows);
    w->s.SetRenderDrawColor(w->renderer, 24, 24, 24, 255);
    w->s.RenderClear(w->renderer);
    w->s.GetRendererOutputSize(w->renderer, &ww, &wh);
    for (int i = 0; i < w->n_tiles; i++) {
        const tile *t = &w->tiles[i];
        if (!t->texture) continue;
        int cw = ww / columns, ch = wh / rows;
        double scale = fmin((double)cw / t->width, (double)ch / t->height);
        SDL_Rect r = {.w = (int)(t->width * scale), .h = (int)(t->height * scale)};
        r.x = i % columns * cw + (cw - r.w) / 2;
        r.y = i / columns * ch + (ch - r.h) / 2;
        w->s.RenderCopy(w->renderer, t->texture, NULL, &r);
    }
    w->s.RenderPresent(w->renderer);
}

static void handle(show *w, const SDL_Event *e)
{
    SDL_Keycode key = e->type == SDL_KEYDOWN ? e->key.keysym.sym : 0;
    bool enough = e->type == SDL_QUIT || key == SDLK_q || key == SDLK_ESCAPE;
    if (enough) w->quit(w->user);
    pthread_mutex_lock(&w->lock);
    if (enough) w->over = true;
    if (key == SDLK_SPACE && !w->waiting) w->paused = !w->paused;
    if (key) w->waiting = false;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
}

static void *live_there(void *arg)
{
    show *w = arg;
    bool good = open_window(w);
    pthread_mutex_lock(&w->lock);
    w->ready = true;
    w->failed = !good;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
    while (good && !atomic_load(&w->let_go)) {
        SDL_Event e;
        bool stale = take_fresh(w);
        while (w->s.PollEvent(&e)) {
            handle(w, &e);
            stale |= e.type == SDL_WINDOWEVENT;
        }
        if (stale) draw(w);
        nanosleep(&(struct timespec){0, LOOK_UP_MS * 1000000L}, NULL);
    }
    for (int i = 0; good && i < w->n_tiles; i++)
        if (w->tiles[i].texture) w->s.DestroyTexture(w->tiles[i].texture);
    if (w->renderer) w->s.DestroyRenderer(w->renderer);
    if (w->window) w->s.DestroyWindow(w->window);
    if (w->s.Quit) w->s.Quit();
    return NULL;
}

/* ---- everybody else ---- */

int show_open(show **out, const cli_args *a, int tiles, void (*quit)(void *), void *user)
{
    show *w = tool_alloc(sizeof *w);
    w->tiles = tool_alloc((size_t)tiles * sizeof *w->tiles);
    w->n_tiles = tiles;
    w->quit = quit;
    w->user = user;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->changed, NULL);
    *out = w;
    if (pthread_create(&w->thread, NULL, live_there, w)) return cli_error(a, EXIT_RUNTIME, "the system gives no more threads");
    pthread_mutex_lock(&w->lock);
    while (!w->ready) pthread_cond_wait(&w->changed, &w->lock);
    pthread_mutex_unlock(&w->lock);
    return w->failed ? cli_error(a, EXIT_OUTPUT, "--show: %s", w->error) : 0;
}

void show_frame(show *w, int i, const char *name, const fv_frame *f, bool wait)
{
    if (i < 0 || i >= w->n_tiles || atomic_load(&w->let_go)) return;
    pthread_mutex_lock(&w->lock);
    if (fv_frame_copy(&w->tiles[i].frame, f) >= 0) {
        w->tiles[i].fresh = true;
        snprintf(w->tiles[i].name, sizeof w->tiles[i].name, "%s", name);
    }
    w->waiting = wait;
    while ((w->paused || w->waiting) && !w->over && !atomic_load(&w->let_go)) {
        struct timespec until; /* a signal handler cannot wake us */
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 50000000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&w->changed, &w->lock, &until);
    }
    pthread_mutex_unlock(&w->lock);
}

void show_let_go(show *w)
{
    if (w) atomic_store(&w->let_go, 1);
}

void show_close(show **ww)
{
    show *w = *ww;
    if (!w) return;
    show_let_go(w);
    if (w->thread) pthread_join(w->thread, NULL);
    for (int i = 0; i < w->n_tiles; i++) {
        fv_frame_release(&w->tiles[i].frame);
        fv_frame_release(&w->tiles[i].drawn);
    }
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->lock);
    free(w->tiles);
    free(w);
    *ww = NULL;
}
#endif
