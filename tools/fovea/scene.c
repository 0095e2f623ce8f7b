/* scene.c: first frame -> thumbnail -> PNG as text. The PNG is not compressed (stored blocks): 58 KB, made without another library. Fed by run_stream.c, written by
 * run_tiles.c. */
#include "scene.h"
#include "cli.h"
#include <stdlib.h>
#include <string.h>

#define WIDEST 320
#define STORED 65535 /* bytes in a block that is not compressed */

void scene_keep(scene *s, const fv_frame *f)
{
    bool luma = f->format == FV_PIXEL_I420 || f->format == FV_PIXEL_NV12 || f->format == FV_PIXEL_NV21 || f->format == FV_PIXEL_GRAY || f->format == FV_PIXEL_I422 || f->format == FV_PIXEL_I444;
    if (s->luma || !luma || f->width < 1 || f->height < 1) return;
    s->width = f->width < WIDEST ? f->width : WIDEST;
    s->height = (int)((int64_t)f->height * s->width / f->width);
    s->height = s->height < 1 ? 1 : s->height > 4 * WIDEST ? 4 * WIDEST : s->height;
    s->luma = tool_alloc((size_t)s->width * (size_t)s->height);
    for (int y = 0; y < s->height; y++)
        for (int x = 0; x < s->width; x++) { /* the mean of what the pixel covers, every fourth of it */
            int x0 = (int)((int64_t)x * f->width / s->width), x1 = (int)((int64_t)(x + 1) * f->width / s->width), sum = 0, n = 0;
            int y0 = (int)((int64_t)y * f->height / s->height), y1 = (int)((int64_t)(y + 1) * f->height / s->height);
            for (int v = y0; v < y1 || v == y0; v += 2)
                for (int u = x0; u < x1 || u == x0; u += 2) sum += f->plane[0][v * f->stride[0] + u], n++;
            s->luma[y * s->width + x] = (uint8_t)(sum / n);
        }
}

typedef struct bytes {
    uint8_t *p;
    size_t n;
} bytes;

static void put(bytes *b, const void *p, size_t n)
{
    memcpy(b->p + b->n, p, n);
    b->n += n;
}

static void put32(bytes *b, uint32_t v)
{
    put(b, (uint8_t[]){(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v}, 4);
}

static uint32_t crc_of(const uint8_t *p, size_t n)
{
    uint32_t c = 0xFFFFFFFFu;
    for (size_t i = 0; i < n; i++) {
        c ^= p[i];
        for (int k = 0; k < 8; k++) c = c >> 1 ^ (c & 1 ? 0xEDB88320u : 0);
    }
    return ~c;
}

/* length, name, what is in it, checksum: the chunk whose name begins at `from` is complete. */
static size_t begin(bytes *b, const char *name)
{
    put32(b, 0);
    put(b, name, 4);
    return b->n - 4;
}

static void end(bytes *b, size_t from)
{
    const size_t n = b->n - from - 4, keep = b->n;
    b->n = from - 4;
    put32(b, (uint32_t)n);
    b->n = keep;
    put32(b, crc_of(b->p + from, n + 4));
}

/* zlib's form around stored blocks. */
static void put_stored(bytes *b, const uint8_t *raw, size_t n)
{
    uint32_t low = 1, high = 0;
    put(b, "\x78\x01", 2);
    for (size_t at = 0; at < n;) {
        size_t len = n - at < STORED ? n - at : STORED;
        const uint8_t head[5] = {at + len == n, (uint8_t)len, (uint8_t)(len >> 8), (uint8_t)~len, (uint8_t)(~len >> 8)};
        put(b, head, 5);
        put(b, raw + at, len);
        at += len;
    }
    for (size_t i = 0; i < n; i++) {
        low = (low + raw[i]) % 65521;
        high = (high + low) % 65521;
    }
    put32(b, high << 16 | low);
}

static void add_base64(text *t, const uint8_t *p, size_t n)
{
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < n; i += 3) {
        uint32_t v = (uint32_t)p[i] << 16 | (uint32_t)(i + 1 < n ? p[i + 1] : 0) << 8 | (i + 2 < n ? p[i + 2] : 0);
        const char c[4] = {digit[v >> 18], digit[v >> 12 & 63], i + 1 < n ? digit[v >> 6 & 63] : '=', i + 2 < n ? digit[v & 63] : '='};
        text_addn(t, c, 4);
    }
}

void scene_png(const scene *s, text *t)
{
    if (!s->luma) return;
    const size_t row = (size_t)s->width + 1, raw_n = row * (size_t)s->height;
    uint8_t *raw = tool_alloc(raw_n), *room = tool_alloc(raw_n + raw_n / STORED * 5 + 256);
    bytes b = {room, 0};
    for (int y = 0; y < s->height; y++) {
        raw[(size_t)y * row] = 0; /* no filter */
        memcpy(raw + (size_t)y * row + 1, s->luma + (size_t)y * (size_t)s->width, (size_t)s->width);
    }
    put(&b, "\x89PNG\r\n\x1a\n", 8);
    size_t at = begin(&b, "IHDR");
    put32(&b, (uint32_t)s->width);
    put32(&b, (uint32_t)s->height);
    put(&b, (uint8_t[]){8, 0, 0, 0, 0}, 5);
    end(&b, at);
    at = begin(&b, "IDAT");
    put_stored(&b, raw, raw_n);
    end(&b, at);
    end(&b, begin(&b, "IEND"));
    text_add(t, "data:image/png;base64,");
    add_base64(t, b.p, b.n);
    free(raw);
    free(room);
}

void scene_free(scene *s)
{
    free(s->luma);
    memset(s, 0, sizeof *s);
}
