/* zip.h: the records of a zip file whose members are stored as they are, with zip64 fields where a size needs them. For tensor_out.c (.npz). */
#ifndef FOVEA_TOOL_ZIP_H
#define FOVEA_TOOL_ZIP_H
#include "text.h"
#include <stdint.h>

/* Of all bytes so far; 0 at first. */
uint32_t zip_crc32(uint32_t crc, const void *bytes, size_t n);
/* Header in front of a member of `size` bytes; padded (by an extra field) to `room` bytes where that is larger by 4 or more. */
void zip_local(text *t, const char *name, size_t size, uint32_t crc, size_t room);
/* Directory entry of the member whose header `local` lies at `offset`. */
void zip_central(text *t, const char *name, const char *local, size_t offset);
/* End of a directory of n entries that lies at `offset` of the file; *t has the entries. */
void zip_end(text *t, int n, size_t offset);
#endif
