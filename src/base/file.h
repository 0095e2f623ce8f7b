/* file.h: whole files in memory, and files written beside and renamed. Threads: any, one writer a path. */
#ifndef FVI_BASE_FILE_H
#define FVI_BASE_FILE_H
#include <fovea/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
/* Read-only mapping of a regular file. A file of 0 bytes gives data "" and size 0. Over `limit` bytes: FV_ERR_LIMIT;
 * missing, unreadable or no regular file: FV_ERR_INPUT. `data` is valid until fvi_map_close. */
typedef struct fvi_map {
    const uint8_t *data;
    size_t size;
    bool mapped;
} fvi_map;
fv_status fvi_map_open(fvi_map *m, const char *path, size_t limit, fv_error *err);
void fvi_map_close(fvi_map *m);
/* Writes path.tmp-<pid> and renames it; on failure (FV_ERR_OUTPUT) nothing is left and an existing file is untouched.
 * Devices and pipes are written in place. */
fv_status fvi_file_write(const char *path, const void *data, size_t size, fv_error *err);
/* The same from n pieces, one after the other. */
typedef struct fvi_file_part {
    const void *data;
    size_t size;
} fvi_file_part;
fv_status fvi_file_write_parts(const char *path, const fvi_file_part *part, size_t n, fv_error *err);
#endif
