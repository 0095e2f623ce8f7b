/* The timing cache: finding, files that are damaged in every way, merging, and two processes at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/alloc.h"
#include "base/file.h"
#include "base/hash.h"
#include "model/engine/timing.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <unistd.h>

#define VERSION "1.2.3 tactics 00"

static char dir[64], path[96];

static int make_dir(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "timing-%ld", (long)getpid());
    snprintf(path, sizeof path, "%s/timing.cache", dir);
    char command[192];
    snprintf(command, sizeof command, "rm -rf %s && mkdir %s", dir, dir);
    return system(command);
}

static int remove_dir(void **state)
{
    (void)state;
    char command[192];
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command);
}

static const char *tactic_of(const fvi_timing_store *s, const char *device, const char *problem)
{
    const fvi_timing *t = fvi_timing_find(s, device, problem);
    return t ? t->tactic : NULL;
}

static char *printed(const fvi_timing_store *s, size_t *n)
{
    fvi_str out = {0};
    fvi_timing_print(s, VERSION, &out);
    assert_false(out.failed);
    *n = out.len;
    return out.s;
}

/* The same text with a checksum that is right for it. */
static char *signed_text(const char *body, size_t *n)
{
    fvi_str out = {0};
    fvi_str_add(&out, body);
    fvi_str_printf(&out, "sum %016llx\n", (unsigned long long)fvi_hash(body, strlen(body), 0));
    *n = out.len;
    return out.s;
}

static void what_was_added_is_found(void **state)
{
    (void)state;
    fvi_timing_store s = {0};
    char problem[32], tactic[32];
    for (int i = 0; i < 500; i++) {
        snprintf(problem, sizeof problem, "problem %d", i * 7919 % 500);
        snprintf(tactic, sizeof tactic, "tactic %d", i * 7919 % 500);
        assert_true(fvi_timing_add(&s, i % 2 ? "odd" : "even", problem, tactic, i, false));
    }
    assert_int_equal(s.n, 500);
    for (size_t i = 1; i < s.n; i++) assert_true(s.items[i - 1].key <= s.items[i].key);
    for (int i = 0; i < 500; i++) {
        snprintf(problem, sizeof problem, "problem %d", i * 7919 % 500);
        snprintf(tactic, sizeof tactic, "tactic %d", i * 7919 % 500);
        assert_string_equal(tactic_of(&s, i % 2 ? "odd" : "even", problem), tactic);
        assert_null(tactic_of(&s, i % 2 ? "even" : "odd", problem));
    }
    /* a choice stays, unless it was none */
    assert_true(fvi_timing_add(&s, "even", "problem 0", "other", 1, false));
    assert_string_equal(tactic_of(&s, "even", "problem 0"), "tactic 0");
    assert_true(fvi_timing_add(&s, "even", "problem 0", "other", 1, true));
    assert_string_equal(tactic_of(&s, "even", "problem 0"), "other");
    assert_int_equal(s.n, 500);
    /* texts that would break the file */
    assert_false(fvi_timing_add(&s, "even", "two\nlines", "t", 1, false));
    assert_false(fvi_timing_add(&s, "even", "p", "a\tb", 1, false));
    assert_false(fvi_timing_add(&s, "", "p", "t", 1, false));
    assert_false(fvi_timing_add(&s, "even", "p", "t", -1, false));
    char longest[FVI_PROBLEM_MAX + 8];
    memset(longest, 'x', sizeof longest);
    longest[FVI_PROBLEM_MAX] = 0;
    assert_false(fvi_timing_add(&s, "even", longest, "t", 1, false));
    longest[FVI_PROBLEM_MAX - 1] = 0;
    assert_true(fvi_timing_add(&s, "even", longest, "t", 1, false));
    fvi_timing_clear(&s);
}

static void a_file_comes_back_as_it_was(void **state)
{
    (void)state;
    fvi_timing_store s = {0}, back = {0};
    char why[200];
    size_t n, again;
    assert_true(fvi_timing_add(&s, "cpu a", "conv 1", "direct", 12345, false));
    assert_true(fvi_timing_add(&s, "cpu b", "conv 1", "winograd", 0, false));
    assert_true(fvi_timing_add(&s, "cpu a", "conv 2", "winograd", 7, false));
    char *text = printed(&s, &n);
    assert_true(fvi_timing_parse(&back, text, n, VERSION, why));
    assert_int_equal(back.n, 3);
    assert_string_equal(tactic_of(&back, "cpu a", "conv 1"), "direct");
    assert_int_equal(fvi_timing_find(&back, "cpu a", "conv 1")->ns, 12345);
    char *same = printed(&back, &again);
    assert_int_equal(n, again);
    assert_memory_equal(text, same, n);
    fvi_free(text);
    fvi_free(same);
    fvi_timing_clear(&s);
    fvi_timing_clear(&back);
}

/* Every cut and every changed bit is noticed, and leaves nothing behind. */
static void damage_is_never_trusted(void **state)
{
    (void)state;
    fvi_timing_store s = {0}, back = {0};
    char why[200];
    size_t n;
    for (int i = 0; i < 3; i++) {
        char problem[16];
        snprintf(problem, sizeof problem, "conv %d", i);
        fvi_timing_add(&s, "cpu a", problem, "direct", i, false);
    }
    char *text = printed(&s, &n);
    for (size_t cut = 0; cut < n; cut++) {
        assert_false(fvi_timing_parse(&back, text, cut, VERSION, why));
        assert_true(why[0] && !back.n && !back.arena);
    }
    for (size_t i = 0; i < n; i++)
        for (int bit = 0; bit < 8; bit++) {
            text[i] ^= (char)(1 << bit);
            assert_false(fvi_timing_parse(&back, text, n, VERSION, why));
            assert_true(why[0] && !back.n);
            text[i] ^= (char)(1 << bit);
        }
    assert_true(fvi_timing_parse(&back, text, n, VERSION, why));
    fvi_timing_clear(&back);
    fvi_free(text);
    fvi_timing_clear(&s);
}

/* A right checksum makes nothing true. */
static void signed_nonsense_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *why;
    } bad[] = {
        {"fovea timing cache 2\nversion " VERSION "\n", "it has format 2, this program reads 1"},
        {"fovea timing cache 1\nversion 0.0.9\n", "it is of version 0.0.9, this is " VERSION},
        {"fovea timing cache 1\nversion " VERSION "\n1\tdirect\tconv\n", "line 3 is no entry"},
        {"fovea timing cache 1\nversion " VERSION "\ndevice a\n1\tdirect\n", "line 4 is no entry"},
        {"fovea timing cache 1\nversion " VERSION "\ndevice a\n\tdirect\tconv\n", "line 4 is no entry"},
        {"fovea timing cache 1\nversion " VERSION "\ndevice a\n-1\tdirect\tconv\n", "line 4 has no time"},
        {"fovea timing cache 1\nversion " VERSION "\ndevice a\n99999999999999999999\tdirect\tconv\n", "line 4 is no entry"},
        {"fovea timing cache 1\nversion " VERSION "\ndevice a\n1\t\tconv\n", "line 4 cannot be kept"},
        {"fovea timing cache 1\nversion " VERSION "\ndevice a\n1\tdirect\tconv\n1\twinograd\tconv\n", "an entry comes twice"},
        {"fovea timing cache 1\nversion " VERSION "\ndevice \n", "line 3 is no device, or one too many"},
        {"fovea timing cache 1\nversion " VERSION "\ndevice a\nsome words", "line 4 has no end"},
        {"fovea timing cache 1\nvers", "line 2 has no end"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fvi_timing_store s = {0};
        char why[200];
        size_t n;
        char *text = signed_text(bad[i].text, &n);
        assert_false(fvi_timing_parse(&s, text, n, VERSION, why));
        assert_string_equal(why, bad[i].why);
        assert_int_equal(s.n, 0);
        fvi_free(text);
    }
}

static void merging_keeps_what_others_wrote(void **state)
{
    (void)state;
    fvi_timing_store a = {0}, b = {0}, all = {0};
    char why[200];
    fvi_timing_add(&a, "cpu a", "conv 1", "direct", 1, false);
    fvi_timing_add(&a, "cpu z", "conv 1", "direct", 1, false);
    fvi_timing_add(&b, "cpu a", "conv 1", "winograd", 2, false); /* timed at the same moment: the first one is in use */
    fvi_timing_add(&b, "cpu a", "conv 2", "winograd", 2, false);
    assert_int_equal(fvi_timing_merge(&a, path, VERSION, NULL), FV_OK);
    assert_int_equal(fvi_timing_merge(&b, path, VERSION, NULL), FV_OK);
    assert_true(fvi_timing_read(&all, path, VERSION, why));
    assert_int_equal(all.n, 3);
    assert_string_equal(tactic_of(&all, "cpu a", "conv 1"), "direct");
    assert_string_equal(tactic_of(&all, "cpu z", "conv 1"), "direct");
    assert_string_equal(tactic_of(&all, "cpu a", "conv 2"), "winograd");
    fvi_timing_clear(&all);
    /* what was refused is replaced in the file too */
    fvi_timing_add(&b, "cpu a", "conv 1", "winograd", 2, true);
    assert_int_equal(fvi_timing_merge(&b, path, VERSION, NULL), FV_OK);
    assert_true(fvi_timing_read(&all, path, VERSION, why));
    assert_string_equal(tactic_of(&all, "cpu a", "conv 1"), "winograd");
    fvi_timing_clear(&all);
    /* a file of another version, or damaged, is made anew */
    assert_int_equal(fvi_timing_merge(&a, path, "9.9", NULL), FV_OK);
    assert_false(fvi_timing_read(&all, path, VERSION, why));
    assert_int_equal(fvi_file_write(path, "rubbish", 7, NULL), FV_OK);
    assert_int_equal(fvi_timing_merge(&a, path, VERSION, NULL), FV_OK);
    assert_true(fvi_timing_read(&all, path, VERSION, why));
    assert_int_equal(all.n, 2);
    fvi_timing_clear(&all);
    fvi_timing_clear(&a);
    fvi_timing_clear(&b);
}

static void a_file_that_cannot_be_had_is_said(void **state)
{
    (void)state;
    fvi_timing_store s = {0};
    fv_error err = {0};
    char why[200];
    assert_true(fvi_timing_read(&s, "no/such/file", VERSION, why)); /* nothing there: nothing remembered */
    assert_false(fvi_timing_read(&s, dir, VERSION, why));
    assert_string_equal(why, "is a directory, a file is needed");
    assert_int_equal(fvi_timing_merge(&s, "no/such/file", VERSION, &err), FV_ERR_OUTPUT);
    assert_non_null(strstr(err.text, "no/such/file"));
}

enum { PROCESSES = 4, ENTRIES = 25 };

/* Real processes, each merging again and again: everything of everyone is there in the end. */
static void processes_at_once_lose_nothing(void **state)
{
    (void)state;
    pid_t child[PROCESSES];
    for (int p = 0; p < PROCESSES; p++) {
        child[p] = fork();
        assert_true(child[p] >= 0);
        if (child[p]) continue;
        fvi_timing_store s = {0};
        char problem[32];
        int bad = 0;
        for (int i = 0; i < ENTRIES; i++) {
            snprintf(problem, sizeof problem, "conv %d of %d", i, p);
            bad |= !fvi_timing_add(&s, "cpu a", problem, "direct", i, false);
            bad |= fvi_timing_merge(&s, path, VERSION, NULL) < 0;
        }
        fvi_timing_clear(&s);
        _exit(bad);
    }
    for (int p = 0; p < PROCESSES; p++) {
        int status = 1;
        assert_int_equal(waitpid(child[p], &status, 0), child[p]);
        assert_int_equal(status, 0);
    }
    fvi_timing_store all = {0};
    char why[200];
    assert_true(fvi_timing_read(&all, path, VERSION, why));
    assert_int_equal(all.n, PROCESSES * ENTRIES);
    fvi_timing_clear(&all);
}

static const char *const table[] = {"conv a", "conv b"};
static const char *tactic_at(int i) { return i < 2 ? table[i] : NULL; }

static void a_context_reads_once_and_explains(void **state)
{
    (void)state;
    const fvi_backend backend = {.name = "test", .tactic_at = tactic_at};
    fvi_timing_cache *c, *other;
    char tactic[FVI_TIMING_TEXT], text[300];
    assert_int_equal(fvi_timing_cache_create(&c, path, &backend, FVI_CPU_C, 2, NULL, NULL), FV_OK);
    assert_false(fvi_timing_cache_find(c, "conv 1", tactic));
    fvi_timing_cache_explain(c, text);
    assert_non_null(strstr(text, "holds nothing yet"));
    assert_true(fvi_timing_cache_add(c, "conv 1", "conv b", 5, false));
    fvi_timing_cache_save(c);
    assert_int_equal(fvi_timing_cache_create(&other, path, &backend, FVI_CPU_C, 2, NULL, NULL), FV_OK);
    assert_true(fvi_timing_cache_find(other, "conv 1", tactic));
    assert_string_equal(tactic, "conv b");
    assert_false(fvi_timing_cache_find(other, "conv 2", tactic));
    fvi_timing_cache_explain(other, text);
    assert_non_null(strstr(text, "holds 1 choice for this machine"));
    fvi_timing_cache_free(&other);
    assert_int_equal(fvi_timing_cache_create(&other, path, &backend, FVI_CPU_C, 1, NULL, NULL), FV_OK); /* another number of threads */
    assert_false(fvi_timing_cache_find(other, "conv 1", tactic));
    fvi_timing_cache_explain(other, text);
    assert_non_null(strstr(text, "threads 2' only"));
    fvi_timing_cache_free(&other);
    const fvi_backend newer = {.name = "test"}; /* other tactics: the choices were between others */
    assert_int_equal(fvi_timing_cache_create(&other, path, &newer, FVI_CPU_C, 2, NULL, NULL), FV_OK);
    assert_false(fvi_timing_cache_find(other, "conv 1", tactic));
    fvi_timing_cache_explain(other, text);
    assert_non_null(strstr(text, "it is of version"));
    fvi_timing_cache_free(&other);
    fvi_timing_cache_free(&c);
}

int main(void)
{
#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, make_dir, remove_dir)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_added_is_found),    cmocka_unit_test(a_file_comes_back_as_it_was),
        cmocka_unit_test(damage_is_never_trusted),    cmocka_unit_test(signed_nonsense_is_refused),
        IN_DIR(merging_keeps_what_others_wrote),      IN_DIR(a_file_that_cannot_be_had_is_said),
        IN_DIR(processes_at_once_lose_nothing),       IN_DIR(a_context_reads_once_and_explains),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
