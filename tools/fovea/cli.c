/* cli.c: messages, exit codes, outputs, and the objects made from the shared flags. */
#include "cli.h"
#include "cli_args.h"
#include "text.h"
#include "tuning.h"
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int cli_exit_code(fv_status s)
{
    switch (s) {
    case FV_OK: case FV_AGAIN: case FV_END: return EXIT_OK;
    case FV_PARTIAL: return EXIT_PARTIAL;
    case FV_ERR_ARGUMENT: case FV_ERR_CONFIG: return EXIT_USAGE;
    case FV_ERR_INPUT: case FV_ERR_MEDIA: return EXIT_INPUT;
    case FV_ERR_MODEL: case FV_ERR_MODEL_FORMAT: case FV_ERR_UNSUPPORTED: case FV_ERR_SHAPE: return EXIT_MODEL;
    case FV_ERR_DEVICE: return EXIT_DEVICE;
    case FV_ERR_MEMORY: return EXIT_MEMORY;
    case FV_ERR_OUTPUT: return EXIT_OUTPUT;
    case FV_ERR_CANCELLED: return EXIT_INTERRUPTED;
    case FV_ERR_STATE: case FV_ERR_LIMIT: case FV_ERR_INTERNAL: break;
    }
    return EXIT_RUNTIME;
}

static atomic_bool bar;
void cli_bar(bool on) { atomic_store(&bar, on); }

/* One write a line, so that lines of several threads do not mix. */
static void say(const cli_args *a, const char *kind, const char *fmt, va_list ap)
{
    text plain = {0}, line = {0};
    text_vprintf(&plain, fmt, ap);
    text_printf(&line, "%sfovea %s: %s", atomic_load(&bar) ? "\r\033[K" : "", a->verb->name, kind);
    text_terminal(&line, plain.s ? plain.s : "");
    text_add(&line, "\n");
    fwrite(line.s, 1, line.len, stderr);
    text_free(&plain);
    text_free(&line);
}

int cli_fail(const cli_args *a, fv_status s, const fv_error *err)
{
    return cli_error(a, s == FV_ERR_CANCELLED && cli_stopped() ? cli_stop_code() : cli_exit_code(s), "%s",
                     err && err->text[0] ? err->text : fv_status_text(s));
}

int cli_error(const cli_args *a, int code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say(a, "", fmt, ap);
    va_end(ap);
    return code;
}

int cli_usage(const cli_args *a, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say(a, "", fmt, ap);
    va_end(ap);
    fprintf(stderr, "See `fovea %s --help`.\n", a->verb->name);
    return EXIT_USAGE;
}

void cli_warn(const cli_args *a, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say(a, "warning: ", fmt, ap);
    va_end(ap);
}

void cli_note(const cli_args *a, const char *fmt, ...)
{
    if (cli_on(a, "quiet")) return;
    va_list ap;
    va_start(ap, fmt);
    say(a, "", fmt, ap);
    va_end(ap);
}

fv_status cli_set_error(fv_error *err, fv_status s, const char *fmt, ...)
{
    if (!err) return s;
    va_list ap;
    va_start(ap, fmt);
    err->status = s;
    vsnprintf(err->text, sizeof err->text, fmt, ap);
    va_end(ap);
    return s;
}

static void print_log(void *user, fv_log_level level, const char *line)
{
    static const char *const names[] = {"", "error: ", "warning: ", "", "debug: "};
    const cli_args *a = user;
    text t = {0};
    text_printf(&t, "fovea %s: %s", a->verb->name, names[level]);
    text_terminal(&t, line);
    text_add(&t, "\n");
    fwrite(t.s, 1, t.len, stderr);
    text_free(&t);
}

fv_status cli_context(const cli_args *a, fv_context **out, fv_error *err)
{
    static const char *const levels[] = {"", "error", "warning", "info", "debug"};
    const char *wanted = cli_text_or(a, "log-level", cli_on(a, "quiet") ? "error" : "warning");
    int level = FV_LOG_WARNING;
    for (int i = FV_LOG_ERROR; i <= FV_LOG_DEBUG; i++)
        if (strcmp(levels[i], wanted) == 0) level = i;
    text cache = {0};
    fv_context_options o = {.size = sizeof o, .threads = (int)cli_int(a, "threads", 0), .cpu_levels = cli_text(a, "cpu"),
                            .log = print_log, .log_user = (void *)(uintptr_t)a, .log_level = level, .memory_limit = cli_knows(a, "memory-limit") ? cli_int(a, "memory-limit", 0) << 20 : 0};
    fv_status s = tuning_options(a, &cache, &o, err);
    if (s >= 0) s = fv_context_create(out, &o, err);
    text_free(&cache);
    return s;
}

fv_status cli_model_options(const cli_args *a, fv_model_options *out, fv_error *err)
{
    const char *usual = getenv("FOVEA_PRECISION"); /* instead of auto; "file": as the model says */
    *out = *FV_MODEL_OPTIONS(.device = cli_text_or(a, "device", "auto"), .precision = cli_text_or(a, "precision", usual && usual[0] ? usual : "auto"));
    if (!strcmp(out->precision, "file")) out->precision = NULL;
    if (out->device[0] && out->device[strspn(out->device, "0123456789")] == 0) {
        static char name[32]; /* "0" means cuda:0 */
        snprintf(name, sizeof name, "cuda:%.16s", out->device);
        out->device = name;
    }
    if (!cli_on(a, "half")) return FV_OK;
    if (cli_given(a, "precision") && strcmp(out->precision, "fp16") != 0)
        return cli_set_error(err, FV_ERR_ARGUMENT, "--half and --precision %s contradict each other", out->precision);
    out->precision = "fp16";
    return FV_OK;
}

/* What the verb is asked about: it must outlive the answer. */
static bool is_positional(const cli_args *a, const struct stat *out)
{
    struct stat in;
    for (int i = 0; i < a->n_positionals; i++)
        if (stat(a->positionals[i], &in) == 0 && in.st_dev == out->st_dev && in.st_ino == out->st_ino) return true;
    return false;
}

fv_status cli_check_output(const cli_args *a, const char *path, fv_error *err)
{
    struct stat st;
    if (strcmp(path, "-") == 0) return FV_OK;
    if (!path[0]) return cli_set_error(err, FV_ERR_ARGUMENT, "an output needs a name");
    if (stat(path, &st) == 0) {
        if (S_ISDIR(st.st_mode)) return cli_set_error(err, FV_ERR_OUTPUT, "%s: is a directory", path);
        if (S_ISREG(st.st_mode) && is_positional(a, &st))
            return cli_set_error(err, FV_ERR_OUTPUT, "%s: is an input of this run; it is not overwritten", path);
        if (S_ISREG(st.st_mode) && !cli_on(a, "overwrite"))
            return cli_set_error(err, FV_ERR_OUTPUT, "%s: exists; give --overwrite to replace it", path);
        if (access(path, W_OK) != 0) return cli_set_error(err, FV_ERR_OUTPUT, "%s: %s", path, strerror(errno));
        if (!S_ISREG(st.st_mode)) return FV_OK;
    }
    text dir = {0};
    const char *slash = strrchr(path, '/');
    text_addn(&dir, slash ? path : ".", slash ? (size_t)(slash - path) + 1 : 1);
    fv_status s = FV_OK;
    if (stat(dir.s, &st) != 0 || !S_ISDIR(st.st_mode))
        s = cli_set_error(err, FV_ERR_OUTPUT, "%s: there is no folder %s", path, dir.s);
    else if (access(dir.s, W_OK | X_OK) != 0)
        s = cli_set_error(err, FV_ERR_OUTPUT, "%s: cannot write in %s: %s", path, dir.s, strerror(errno));
    text_free(&dir);
    return s;
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

/* A device or pipe is written in place: renaming would replace it. */
fv_status cli_write_file(const char *path, const void *data, size_t size, fv_error *err)
{
    struct stat st;
    if (strcmp(path, "-") == 0) {
        fflush(stdout);
        int e = write_all(STDOUT_FILENO, data, size);
        return e ? cli_set_error(err, FV_ERR_OUTPUT, "stdout: %s", strerror(e)) : FV_OK;
    }
    bool special = stat(path, &st) == 0 && !S_ISREG(st.st_mode);
    text name = {0};
    text_add(&name, path);
    if (!special) text_printf(&name, ".tmp-%ld", (long)getpid());
    int fd = open(name.s, O_WRONLY | O_CLOEXEC | (special ? 0 : O_CREAT | O_TRUNC), 0666);
    int e = fd < 0 ? errno : write_all(fd, data, size);
    if (fd >= 0 && close(fd) != 0 && !e) e = errno;
    if (!e && !special && rename(name.s, path) != 0) e = errno;
    if (e && fd >= 0 && !special) unlink(name.s);
    text_free(&name);
    return e ? cli_set_error(err, FV_ERR_OUTPUT, "%s: %s", path, strerror(e)) : FV_OK;
}

fv_status cli_read_file(const char *path, size_t limit, char **data, size_t *size, fv_error *err)
{
    *data = NULL;
    *size = 0;
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    /* devices have no end: files and pipes are read */
    if (fd < 0 || fstat(fd, &st) != 0 || S_ISDIR(st.st_mode) || S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)) {
        const char *why = fd < 0 ? strerror(errno) : S_ISDIR(st.st_mode) ? "is a directory" : "is a device, not a file";
        if (fd >= 0) close(fd);
        return cli_set_error(err, FV_ERR_INPUT, "%s: %s", path, why);
    }
    size_t cap = S_ISREG(st.st_mode) && (uint64_t)st.st_size < limit ? (size_t)st.st_size + 1 : limit < 65536 ? limit + 1 : 65536, n = 0;
    char *p = malloc(cap + 1);
    ssize_t got = 1;
    while (p && n <= limit) {
        if (n == cap) {
            cap = cap > limit / 2 ? limit + 1 : cap * 2;
            char *bigger = realloc(p, cap + 1);
            if (!bigger) free(p);
            p = bigger;
            continue;
        }
        got = read(fd, p + n, cap - n);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        n += (size_t)got;
    }
    int e = errno;
    close(fd);
    if (!p) return cli_set_error(err, FV_ERR_MEMORY, "%s: out of memory", path);
    if (got < 0 || n > limit) {
        free(p);
        if (got < 0) return cli_set_error(err, FV_ERR_INPUT, "%s: %s", path, strerror(e));
        return cli_set_error(err, FV_ERR_INPUT, "%s: is larger than the %zu bytes that are read", path, limit);
    }
    p[n] = 0;
    *data = p;
    *size = n;
    return FV_OK;
}

/* The command line as one could type it again. */
static char *join_command(const cli_verb *v, int argc, char **argv)
{
    text t = {0};
    text_printf(&t, "fovea %s", v->name);
    for (int i = 0; i < argc; i++) {
        text arg = {0};
        text_redacted(&arg, argv[i]);
        bool plain = argv[i][0] && !strpbrk(argv[i], " \t\n'\"\\$`*?[](){}<>|&;#!~");
        text_add(&t, " ");
        if (!plain) text_add(&t, "'");
        for (const char *c = arg.s; *c; c++)
            if (*c == '\'')
                text_add(&t, "'\\''");
            else
                text_addn(&t, c, 1);
        if (!plain) text_add(&t, "'");
        text_free(&arg);
    }
    return t.s;
}

int cli_run(const cli_verb *v, int argc, char **argv)
{
    cli_args a = {.command = join_command(v, argc, argv)};
    int code = cli_parse(&a, v, argc, argv);
    if (code == 0 && cli_on(&a, "help"))
        cli_help(v);
    else if (code == 0)
        code = v->run(&a);
    errno = 0;
    if ((fflush(stdout) != 0 || ferror(stdout)) && code == 0) {
        code = EXIT_OUTPUT;
        if (errno && errno != EPIPE) cli_error(&a, code, "stdout: %s", strerror(errno)); /* `| head` is nobody's fault */
    }
    cli_args_free(&a);
    return code;
}
