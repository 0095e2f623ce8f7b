/* checked.h: integer maths that says when it overflows. */
#ifndef FVI_BASE_CHECKED_H
#define FVI_BASE_CHECKED_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool fvi_mul_size(size_t a, size_t b, size_t *out) { return !__builtin_mul_overflow(a, b, out); }
static inline bool fvi_add_size(size_t a, size_t b, size_t *out) { return !__builtin_add_overflow(a, b, out); }
static inline bool fvi_mul_i64(int64_t a, int64_t b, int64_t *out) { return !__builtin_mul_overflow(a, b, out); }
static inline bool fvi_add_i64(int64_t a, int64_t b, int64_t *out) { return !__builtin_add_overflow(a, b, out); }
static inline size_t fvi_round_up(size_t n, size_t to) { return (n + to - 1) / to * to; }
static inline int64_t fvi_min_i64(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t fvi_max_i64(int64_t a, int64_t b) { return a > b ? a : b; }
static inline int fvi_clamp_int(int v, int lo, int hi) { return v < lo ? lo : v > hi ? hi : v; }
#endif
