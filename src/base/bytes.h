/* bytes.h: little-endian numbers and texts in and out of memory, for file formats of our own. Writing grows a fvi_str; reading never leaves
 * its bytes: past the end everything is 0 and `bad` is set, so that one look at the end is enough. */
#ifndef FVI_BASE_BYTES_H
#define FVI_BASE_BYTES_H
#include "base/str.h"
#include <stdint.h>
#include <string.h>

static inline void fvi_put(fvi_str *o, const void *p, size_t n) { fvi_str_addn(o, p, n); }
static inline void fvi_put_u8(fvi_str *o, uint8_t v) { fvi_put(o, &v, 1); }
static inline void fvi_put_u32(fvi_str *o, uint32_t v) { fvi_put(o, &v, sizeof v); }
static inline void fvi_put_u64(fvi_str *o, uint64_t v) { fvi_put(o, &v, sizeof v); }
static inline void fvi_put_f32(fvi_str *o, float v) { fvi_put(o, &v, sizeof v); }
/* Length, then the bytes; null is stored as such. */
static inline void fvi_put_text(fvi_str *o, const char *s)
{
    fvi_put_u32(o, s ? (uint32_t)strlen(s) : UINT32_MAX);
    if (s) fvi_put(o, s, strlen(s));
}

typedef struct fvi_bytes {
    const uint8_t *p;
    size_t n; /* left */
    bool bad;
} fvi_bytes;

static inline bool fvi_take(fvi_bytes *b, void *to, size_t n)
{
    if (b->bad || b->n < n) {
        b->bad = true;
        memset(to, 0, n);
        return false;
    }
    memcpy(to, b->p, n);
    b->p += n;
    b->n -= n;
    return true;
}
static inline uint8_t fvi_take_u8(fvi_bytes *b)
{
    uint8_t v;
    fvi_take(b, &v, sizeof v);
    return v;
}
static inline uint32_t fvi_take_u32(fvi_bytes *b)
{
    uint32_t v;
    fvi_take(b, &v, sizeof v);
    return v;
}
static inline uint64_t fvi_take_u64(fvi_bytes *b)
{
    uint64_t v;
    fvi_take(b, &v, sizeof v);
    return v;
}
static inline float fvi_take_f32(fvi_bytes *b)
{
    float v;
    fvi_take(b, &v, sizeof v);
    return v;
}
/* A count of things of at least `each` bytes that are still to come, at most `most`. */
static inline uint32_t fvi_take_count(fvi_bytes *b, size_t each, uint32_t most)
{
    const uint32_t v = fvi_take_u32(b);
    if (v > most || v > b->n / each) b->bad = true;
    return b->bad ? 0 : v;
}
#endif
