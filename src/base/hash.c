/* hash.c: the one place that includes xxHash, whose code is all in its header. */
#include "base/hash.h"
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t fvi_hash(const void *data, size_t size, uint64_t seed) { return XXH64(data, size, seed); }
uint64_t fvi_hash_text(const char *text, uint64_t seed) { return XXH64(text, strlen(text), seed); }
