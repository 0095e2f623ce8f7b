/* file.c: whole files into memory (models, configurations) and out of it (reports, tensors). Outputs are written beside
 * their final name and renamed, so that nobody ever sees half a file. */
#include "base/file.h"
#include "base/alloc.h"
#include "base/error.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

fv_status fvi_map_open(fvi_map *m, const char *path, size_t limit, fv_error *err)
{
    *m = (fvi_map){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not hang the open; it is refused below */
    if (fd < 0) return fvi_error_set(err, FV_ERR_INPUT, "%s: %s", path, strerror(errno));
    struct stat st;
    fv_status s = FV_OK;
    if (fstat(fd, &st) != 0)
        s = fvi_error_set(err, FV_ERR_INPUT, "%s: %s", path, strerror(errno));
    else if (S_ISDIR(st.st_mode))
        s = fvi_error_set(err, FV_ERR_INPUT, "%s: is a directory, a file is needed", path);
    else if (!S_ISREG(st.st_mode))
        s = fvi_error_set(err, FV_ERR_INPUT, "%s: is not a regular file", path);
    else if ((uint64_t)st.st_size > limit)
        s = fvi_error_set(err, FV_ERR_LIMIT, "%s: has %lld bytes, at most %zu are read", path, (long long)st.st_size, limit);
    else if (st.st_size == 0)
        m->data = (const uint8_t *)"";
    else {
        void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (p == MAP_FAILED)
            s = fvi_error_set(err, errno == ENOMEM ? FV_ERR_MEMORY : FV_ERR_INPUT, "%s: %s", path, strerror(errno));
        else
            *m = (fvi_map){.data = p, .size = (size_t)st.st_size, .mapped = true};
    }
    close(fd);
    return s;
}

void fvi_map_close(fvi_map *m)
{
    if (m->mapped) munmap((void *)(uintptr_t)m->data, m->size);
    *m = (fvi_map){0};
}

static int write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, data, size < (1u << 30) ? size : (1u << 30));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno;
        data += n;
        size -= (size_t)n;
    }
    return 0;
}

/* Devices and pipes (/dev/null, /dev/stdout) are written in place: renaming would replace them. */
static bool is_special(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

fv_status fvi_file_write(const char *path, const void *data, size_t size, fv_error *err)
{
    return fvi_file_write_parts(path, &(fvi_file_part){data, size}, 1, err);
}

fv_status fvi_file_write_parts(const char *path, const fvi_file_part *part, size_t n, fv_error *err)
{
    bool special = is_special(path);
    size_t room = strlen(path) + 32;
    char *name = fvi_alloc(room);
    if (!name) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    if (special)
        snprintf(name, room, "%s", path);
    else
        snprintf(name, room, "%s.tmp-%ld", path, (long)getpid());
    int flags = O_WRONLY | O_CLOEXEC | (special ? 0 : O_CREAT | O_EXCL);
    int fd = open(name, flags, 0666);
    if (fd < 0 && errno == EEXIST && unlink(name) == 0) fd = open(name, flags, 0666); /* left by a killed run of our number */
    int e = fd < 0 ? errno : 0;
    if (fd >= 0) {
        for (size_t i = 0; i < n && e == 0; i++) e = write_all(fd, part[i].data, part[i].size);
        if (close(fd) != 0 && e == 0) e = errno;
        if (e == 0 && !special && rename(name, path) != 0) e = errno;
        if (e != 0 && !special) unlink(name);
    }
    fvi_free(name);
    return e ? fvi_error_set(err, FV_ERR_OUTPUT, "%s: %s", path, strerror(e)) : FV_OK;
}
