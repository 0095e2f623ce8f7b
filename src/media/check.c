/* check.c: what can be said about an input file before a decoder sees it: is it there, is it a file, is it as long as
 * its container claims. Called when sources open, and at their end to tell "finished" from "cut short". */
#include "media/media.h"
#include "base/error.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_BOXES 1000000 /* a hostile file may hold very many tiny boxes */

fv_status fvi_media_check_file(const char *path, int64_t *size, fv_error *err)
{
    struct stat st;
    *size = -1;
    if (strcmp(path, "-") == 0) return FV_OK;
    if (path[0] == 0) return fvi_error_set(err, FV_ERR_INPUT, "the input name is empty");
    if (stat(path, &st) != 0) return fvi_error_set(err, FV_ERR_INPUT, "%s: %s", path, strerror(errno));
    if (S_ISDIR(st.st_mode)) return fvi_error_set(err, FV_ERR_INPUT, "%s: is a directory, not a media file", path);
    if (access(path, R_OK) != 0) return fvi_error_set(err, FV_ERR_INPUT, "%s: %s", path, strerror(errno));
    if (S_ISREG(st.st_mode)) {
        if (st.st_size == 0) return fvi_error_set(err, FV_ERR_INPUT, "%s: the file is empty", path);
        *size = st.st_size;
    } else if (!S_ISFIFO(st.st_mode)) {
        return fvi_error_set(err, FV_ERR_INPUT, "%s: is neither a file nor a pipe", path);
    }
    return FV_OK;
}

static uint64_t big(const uint8_t *p, int n)
{
    uint64_t v = 0;
    for (int i = 0; i < n; i++) v = v << 8 | p[i];
    return v;
}

static bool read_at(int fd, int64_t at, uint8_t *buf, size_t n) { return pread(fd, buf, n, at) == (ssize_t)n; }

/* MP4, MOV: a chain of boxes [size 4][type 4]([size 8]) */
static int64_t missing_mp4(int fd, int64_t size)
{
    uint8_t h[16];
    int64_t at = 0;
    for (int i = 0; i < MAX_BOXES && size - at >= 8; i++) {
        if (!read_at(fd, at, h, 8)) return 0;
        uint64_t n = big(h, 4);
        if (n == 0) return 0; /* up to the end of the file */
        if (n == 1) {
            if (!read_at(fd, at + 8, h, 8)) return 0;
            n = big(h, 8);
        }
        if (n < 8 || n > INT64_MAX / 2) return 0;
        if ((int64_t)n > size - at) return (int64_t)n - (size - at);
        at += (int64_t)n;
    }
    return 0;
}

/* AVI: one or more [RIFF][size 4, little endian] */
static int64_t missing_riff(int fd, int64_t size)
{
    uint8_t h[8];
    int64_t at = 0;
    for (int i = 0; i < MAX_BOXES && size - at >= 8; i++) {
        if (!read_at(fd, at, h, 8) || memcmp(h, "RIFF", 4) != 0) return 0;
        int64_t n = (int64_t)h[4] | (int64_t)h[5] << 8 | (int64_t)h[6] << 16 | (int64_t)h[7] << 24;
        if (n == 0 || n == 0xFFFFFFFF) return 0; /* written to a pipe */
        n += 8 + (n & 1);
        if (n > size - at + 1) return n - (size - at);
        at += n;
    }
    return 0;
}

/* EBML number: the leading zeros of the first byte say how many bytes follow. Returns its length, 0 = broken; all ones
 * = unknown size. */
static int ebml_size(const uint8_t *p, uint64_t *v)
{
    int n = p[0] ? __builtin_clz((unsigned)p[0]) - 23 : 0;
    if (n < 1 || n > 8) return 0;
    *v = big(p, n) & (((uint64_t)1 << (7 * n)) - 1);
    if (*v == ((uint64_t)1 << (7 * n)) - 1) *v = UINT64_MAX;
    return n;
}

/* Matroska, WebM: EBML header, then one Segment that holds the rest */
static int64_t missing_matroska(int fd, int64_t size)
{
    uint8_t h[12];
    uint64_t n;
    if (!read_at(fd, 4, h, 8)) return 0;
    int len = ebml_size(h, &n);
    if (!len || n > 4096) return 0;
    int64_t at = 4 + len + (int64_t)n;
    if (!read_at(fd, at, h, 12) || big(h, 4) != 0x18538067) return 0;
    len = ebml_size(h + 4, &n);
    if (!len || n > INT64_MAX / 2) return 0;
    at += 4 + len;
    return (int64_t)n > size - at ? (int64_t)n - (size - at) : 0;
}

int64_t fvi_media_missing_bytes(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return 0;
    struct stat st;
    uint8_t h[12];
    int64_t missing = 0;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && read_at(fd, 0, h, 12)) {
        static const char boxes[][5] = {"ftyp", "moov", "mdat", "free", "skip", "wide", "styp", "moof"};
        if (memcmp(h, "RIFF", 4) == 0) missing = missing_riff(fd, st.st_size);
        if (big(h, 4) == 0x1A45DFA3) missing = missing_matroska(fd, st.st_size);
        for (size_t i = 0; i < sizeof boxes / sizeof boxes[0]; i++)
            if (memcmp(h + 4, boxes[i], 4) == 0) missing = missing_mp4(fd, st.st_size);
    }
    close(fd);
    return missing;
}
