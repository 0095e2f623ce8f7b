/* Two processes that run one engine file share its pages: the kernel's own count of them (/proc/PID/smaps) has nothing that one of them has alone. */
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <fovea/engine.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MODEL FV_TEST_DATA "/onnx-ok/conv_bn_silu_opset17.onnx"

static int64_t build(const char *path)
{
    fv_context *ctx;
    fv_model *m;
    fv_engine_report r = {.size = sizeof r};
    assert_int_equal(fv_context_create(&ctx, FV_CONTEXT_OPTIONS(.threads = 1), NULL), FV_OK);
    assert_int_equal(fv_model_load(&m, ctx, MODEL, NULL, NULL), FV_OK);
    assert_int_equal(fv_engine_save(m, path, NULL, &r, NULL), FV_OK);
    fv_model_free(&m);
    fv_context_free(&ctx);
    return r.bytes;
}

/* Runs the engine, says so, and stays until it is told to go; exits 0 when all went well. */
static void child(const char *path, int ready, int go)
{
    fv_context *ctx;
    fv_model *m;
    fv_session *s;
    char c = 'r';
    const bool ran = fv_context_create(&ctx, FV_CONTEXT_OPTIONS(.threads = 1), NULL) == FV_OK && fv_model_load(&m, ctx, path, NULL, NULL) == FV_OK &&
                     fv_session_create(&s, m, NULL, NULL) == FV_OK && fv_session_run(s) == FV_OK;
    if (!ran || write(ready, &c, 1) != 1 || read(go, &c, 1) != 0) _exit(1);
    _exit(0);
}

/* Sums a line of the file's mappings, in kB; -1 = there is none. */
static long of_mapping(pid_t pid, const char *path, const char *what)
{
    char name[64], line[1024];
    bool here = false;
    long sum = -1;
    snprintf(name, sizeof name, "/proc/%d/smaps", (int)pid);
    FILE *f = fopen(name, "r");
    while (f && fgets(line, sizeof line, f)) {
        unsigned long long from;
        char dash;
        if (sscanf(line, "%llx%c", &from, &dash) == 2 && dash == '-') here = strstr(line, path) != NULL;
        if (here && !strncmp(line, what, strlen(what))) sum = (sum < 0 ? 0 : sum) + strtol(line + strlen(what) + 1, NULL, 10);
    }
    if (f) fclose(f);
    return sum;
}

static void pages_are_shared(void **state)
{
    (void)state;
    char path[] = "/tmp/fovea-shared-XXXXXX";
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    const int64_t bytes = build(path);
    int ready[2], go[2];
    pid_t pid[2];
    char c;
    assert_int_equal(pipe(ready) | pipe(go), 0);
    for (int i = 0; i < 2; i++)
        if ((pid[i] = fork()) == 0) {
            close(go[1]);
            child(path, ready[1], go[0]);
        }
    close(ready[1]);
    for (int i = 0; i < 2; i++) assert_int_equal(read(ready[0], &c, 1), 1);
    for (int i = 0; i < 2; i++) {
        const long rss = of_mapping(pid[i], path, "Rss"), shared = of_mapping(pid[i], path, "Shared_Clean") + of_mapping(pid[i], path, "Shared_Dirty"),
                   alone = of_mapping(pid[i], path, "Private_Clean") + of_mapping(pid[i], path, "Private_Dirty");
        print_message("process %d of 2: %ld kB of %lld bytes are there, %ld kB shared, %ld kB its own\n", i + 1, rss, (long long)bytes, shared, alone);
        if (rss < 0) continue; /* a kernel that does not tell */
        assert_true(rss * 1024 >= bytes);
        assert_int_equal(shared, rss);
        assert_int_equal(alone, 0);
    }
    close(go[1]);
    for (int i = 0; i < 2; i++) {
        int status;
        assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
        assert_int_equal(status, 0);
    }
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(pages_are_shared)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
