/* fake_v4l2.c: a camera at /dev/video77 for tests, by standing between a program and the kernel (LD_PRELOAD). It has YUYV at two sizes, shows
 * a gray level that grows by one a frame, and after $FAKE_V4L2_FRAMES frames it is pulled out: the device is gone (ENODEV) until it is opened anew. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#define DEVICE "/dev/video77"
#define BUFFERS 8
#define FPS 50

static int fd = -1, n_buffers, sent, width = 320, height = 240;
static uint8_t *memory[BUFFERS];
static int queued[BUFFERS], n_queued;
static double next_frame;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int frame_bytes(void) { return 2 * width * height; }
static int limit(void) { return getenv("FAKE_V4L2_FRAMES") ? atoi(getenv("FAKE_V4L2_FRAMES")) : 1 << 30; }

static int open_device(void)
{
    sent = n_queued = n_buffers = 0;
    next_frame = now();
    return fd = memfd_create("camera", MFD_CLOEXEC);
}

#define FORWARD_OPEN(name)                                                                                             \
    int name(const char *path, int flags, ...)                                                                         \
    {                                                                                                                  \
        va_list ap;                                                                                                    \
        va_start(ap, flags);                                                                                           \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(ap, mode_t) : 0;                                          \
        va_end(ap);                                                                                                    \
        if (!strcmp(path, DEVICE)) return open_device();                                                               \
        int (*real)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, #name);                \
        return real(path, flags, mode);                                                                                \
    }
FORWARD_OPEN(open)
FORWARD_OPEN(open64)

int stat(const char *restrict path, struct stat *restrict st)
{
    if (!strcmp(path, DEVICE)) {
        memset(st, 0, sizeof *st);
        st->st_mode = S_IFCHR | 0666;
        return 0;
    }
    return fstatat(AT_FDCWD, path, st, 0);
}

int close(int f)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "close");
    if (f == fd) fd = -1;
    return real(f);
}

static void *map(void *p, size_t n, int prot, int flags, int f, off_t at)
{
    void *(*real)(void *, size_t, int, int, int, off_t) = (void *(*)(void *, size_t, int, int, int, off_t))dlsym(RTLD_NEXT, "mmap");
    if (f != fd || f < 0) return real(p, n, prot, flags, f, at);
    int i = (int)(at >> 24);
    void *m = real(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (i >= 0 && i < BUFFERS) memory[i] = m;
    return m;
}
void *mmap(void *p, size_t n, int prot, int flags, int f, off_t at) { return map(p, n, prot, flags, f, at); }
void *mmap64(void *p, size_t n, int prot, int flags, int f, off_t at) { return map(p, n, prot, flags, f, at); }

static int fail(int e)
{
    errno = e;
    return -1;
}

static int dequeue(struct v4l2_buffer *b)
{
    if (sent >= limit()) return fail(ENODEV);
    if (now() < next_frame || !n_queued) return fail(EAGAIN);
    next_frame += 1.0 / FPS;
    int i = queued[0];
    memmove(queued, queued + 1, (size_t)--n_queued * sizeof *queued);
    for (int k = 0; k < frame_bytes(); k += 2) memory[i][k] = (uint8_t)(50 + sent), memory[i][k + 1] = 128;
    memset(b, 0, sizeof *b);
    b->index = (unsigned)i;
    b->type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
    b->memory = V4L2_MEMORY_MMAP;
    b->bytesused = (unsigned)frame_bytes();
    b->length = (unsigned)frame_bytes();
    b->timestamp.tv_sec = (long)now();
    b->timestamp.tv_usec = (long)((now() - (double)(long)now()) * 1e6);
    sent++;
    return 0;
}

static int answer(unsigned long request, void *arg)
{
    struct v4l2_capability *cap = arg;
    struct v4l2_format *fmt = arg;
    struct v4l2_buffer *b = arg;
    struct v4l2_streamparm *parm = arg;
    struct v4l2_fmtdesc *desc = arg;
    switch (request & 0xffffffff) {
    case VIDIOC_QUERYCAP:
        memset(cap, 0, sizeof *cap);
        cap->capabilities = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
        return 0;
    case VIDIOC_ENUM_FMT:
        if (desc->index) return fail(EINVAL);
        desc->pixelformat = V4L2_PIX_FMT_YUYV;
        return 0;
    case VIDIOC_G_FMT:
    case VIDIOC_S_FMT:
    case VIDIOC_TRY_FMT:
        if (request != VIDIOC_G_FMT && fmt->fmt.pix.width == 640) width = 640, height = 480;
        fmt->fmt.pix.width = (unsigned)width;
        fmt->fmt.pix.height = (unsigned)height;
        fmt->fmt.pix.pixelformat = V4L2_PIX_FMT_YUYV;
        fmt->fmt.pix.field = V4L2_FIELD_NONE;
        fmt->fmt.pix.bytesperline = (unsigned)(2 * width);
        fmt->fmt.pix.sizeimage = (unsigned)frame_bytes();
        return 0;
    case VIDIOC_G_PARM:
    case VIDIOC_S_PARM:
        parm->parm.capture.capability = V4L2_CAP_TIMEPERFRAME;
        parm->parm.capture.timeperframe = (struct v4l2_fract){1, FPS};
        return 0;
    case VIDIOC_REQBUFS:
        n_buffers = BUFFERS;
        ((struct v4l2_requestbuffers *)arg)->count = BUFFERS;
        return 0;
    case VIDIOC_QUERYBUF:
        b->length = (unsigned)frame_bytes();
        b->m.offset = b->index << 24;
        return 0;
    case VIDIOC_QBUF:
        if (n_queued < BUFFERS) queued[n_queued++] = (int)b->index;
        return 0;
    case VIDIOC_DQBUF: return dequeue(b);
    case VIDIOC_STREAMON:
    case VIDIOC_STREAMOFF:
    case VIDIOC_S_INPUT: return 0;
    case VIDIOC_G_INPUT: return *(int *)arg = 0;
    case VIDIOC_ENUMINPUT:
        memset(arg, 0, sizeof(struct v4l2_input));
        return 0;
    default:
        if (getenv("FAKE_V4L2_TRACE")) fprintf(stderr, "fake: ioctl %lx type %c nr %ld\n", request, (char)(request >> 8 & 255), request & 255);
        return fail(ENOTTY);
    }
}

int ioctl(int f, unsigned long request, ...)
{
    va_list ap;
    va_start(ap, request);
    void *arg = va_arg(ap, void *);
    va_end(ap);
    if (f == fd && f >= 0) return answer(request, arg);
    int (*real)(int, unsigned long, ...) = (int (*)(int, unsigned long, ...))dlsym(RTLD_NEXT, "ioctl");
    return real(f, request, arg);
}
