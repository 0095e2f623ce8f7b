/* pipe.c: standard input or a named pipe -> bytes for a demuxer. FFmpeg's own reader waits for input as long as it takes;
 * this one looks up now and then whether the reader of the source was stopped. Called by video_open.c. */
#include "media/video.h"
#include "base/alloc.h"
#include "base/error.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER (64 << 10)
#define LOOK_UP_MS 100

struct fvi_media_pipe {
    AVIOContext *io;
    const fv_source *source; /* who may have been stopped */
    int fd;
};

bool fvi_media_stopped(const fv_source *s) { return s->stopped && s->stopped(s->stopped_user); }

static int read_pipe(void *opaque, uint8_t *buf, int size)
{
    const fvi_media_pipe *p = opaque;
    while (!fvi_media_stopped(p->source)) {
        struct pollfd w = {.fd = p->fd, .events = POLLIN};
        int ready = poll(&w, 1, LOOK_UP_MS);
        if (ready < 0 && errno != EINTR) return AVERROR(errno);
        if (ready <= 0) continue;
        ssize_t n = read(p->fd, buf, (size_t)size);
        if (n > 0) return (int)n;
        if (n == 0) return AVERROR_EOF;
        if (errno != EINTR && errno != EAGAIN) return AVERROR(errno);
    }
    return AVERROR_EXIT;
}

/* `< film.mp4` can be read in any order, as the file itself. */
static int64_t seek_file(void *opaque, int64_t offset, int whence)
{
    const fvi_media_pipe *p = opaque;
    struct stat st;
    if (whence == AVSEEK_SIZE) return fstat(p->fd, &st) ? AVERROR(errno) : st.st_size;
    off_t at = lseek(p->fd, offset, whence & ~AVSEEK_FORCE);
    return at < 0 ? AVERROR(errno) : at;
}

bool fvi_media_is_pipe(const char *path)
{
    struct stat st;
    return strcmp(path, "-") == 0 || (stat(path, &st) == 0 && S_ISFIFO(st.st_mode));
}

fv_status fvi_media_pipe_open(fvi_media_pipe **out, const char *path, const fv_source *source, fv_error *err)
{
    fvi_media_pipe *p = fvi_calloc(1, sizeof *p);
    uint8_t *buf = av_malloc(BUFFER);
    *out = p;
    if (p) *p = (fvi_media_pipe){.source = source, .fd = -1};
    if (p && buf) p->io = avio_alloc_context(buf, BUFFER, 0, p, read_pipe, NULL, seek_file);
    if (!p || !p->io) {
        av_free(buf);
        return fvi_error_set(err, FV_ERR_MEMORY, "%s: out of memory", path);
    }
    p->fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (p->fd < 0 || fstat(p->fd, &st)) return fvi_error_set(err, FV_ERR_INPUT, "%s: %s", path, strerror(errno));
    p->io->seekable = S_ISREG(st.st_mode) ? AVIO_SEEKABLE_NORMAL : 0;
    return FV_OK;
}

AVIOContext *fvi_media_pipe_io(fvi_media_pipe *p) { return p->io; }

void fvi_media_pipe_close(fvi_media_pipe **pp)
{
    fvi_media_pipe *p = *pp;
    if (!p) return;
    if (p->io) av_freep(&p->io->buffer); /* the demuxer may have put a larger one in place */
    avio_context_free(&p->io);
    if (p->fd > STDERR_FILENO) close(p->fd);
    fvi_free(p);
    *pp = NULL;
}
