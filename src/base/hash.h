/* hash.h: xxHash of bytes, 64 bits: checksums of files and keys of tables; the same on every machine. No protection against
 * forgery: what a checksum passes is verified all the same. Threads: any. */
#ifndef FVI_BASE_HASH_H
#define FVI_BASE_HASH_H
#include <stddef.h>
#include <stdint.h>
uint64_t fvi_hash(const void *data, size_t size, uint64_t seed);
uint64_t fvi_hash_text(const char *text, uint64_t seed);
#endif
