/* Files of the program alone: .npy reading and writing, escaping, nearest words, names of outputs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "cli.h"
#include "npy.h"
#include "out_names.h"
#include "text.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The bytes of a .npy file: header of format `major`, then `data`. */
static char *make(int major, const char *dict, const void *data, size_t bytes, size_t *size)
{
    size_t n = strlen(dict), start = major == 1 ? 10 : 12;
    char *f = calloc(1, start + n + bytes);
    memcpy(f, "\x93NUMPY", 6);
    f[6] = (char)major;
    f[8] = (char)n;
    f[9] = (char)(n >> 8);
    memcpy(f + start, dict, n);
    if (bytes) memcpy(f + start + n, data, bytes);
    *size = start + n + bytes;
    return f;
}

static fv_status parse(int major, const char *dict, const void *data, size_t bytes, fv_tensor *t, fv_error *err)
{
    size_t size;
    char *f = make(major, dict, data, bytes, &size);
    char *exact = malloc(size); /* the sanitizer sees a read past the end */
    memcpy(exact, f, size);
    fv_status s = npy_parse(exact, size, "f.npy", t, err);
    free(exact);
    free(f);
    return s;
}

static const float six[6] = {1, 2, 3, 4, 5, 6};

static void reads_all_formats(void **state)
{
    (void)state;
    fv_tensor t;
    fv_error err;
    for (int major = 1; major <= 3; major++) {
        assert_int_equal(parse(major, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }   \n", six, 24, &t, &err), FV_OK);
        assert_true(t.dtype == FV_F32 && t.rank == 2 && t.dim[0] == 2 && t.dim[1] == 3);
        assert_memory_equal(t.data, six, 24);
        free(t.data);
    }
    assert_int_equal(parse(1, "{\"shape\":(2L,3L),\"fortran_order\":True,\"descr\":\"<f4\"}", six, 24, &t, &err), FV_OK);
    static const float turned[6] = {1, 3, 5, 2, 4, 6};
    assert_memory_equal(t.data, turned, 24);
    free(t.data);
    static const unsigned char big[4] = {0x3F, 0x80, 0, 0};
    assert_int_equal(parse(1, "{'descr': '>f4', 'fortran_order': False, 'shape': ()}", big, 4, &t, &err), FV_OK);
    assert_true(t.rank == 0 && *(float *)t.data == 1);
    free(t.data);
    assert_int_equal(parse(1, "{'descr': '|b1', 'fortran_order': False, 'shape': (3,)}", "\0\1\7", 3, &t, &err), FV_OK);
    assert_memory_equal(t.data, "\0\1\1", 3);
    free(t.data);
    assert_int_equal(parse(1, "{'descr': '<i8', 'fortran_order': False, 'shape': (0, 5)}", "", 0, &t, &err), FV_OK);
    assert_int_equal(fv_tensor_count(&t), 0);
    free(t.data);
}

static void fortran_of_three_dimensions(void **state)
{
    (void)state;
    int16_t in[24], at = 0;
    for (int i = 0; i < 24; i++) in[i] = (int16_t)i;
    fv_tensor t;
    assert_int_equal(parse(1, "{'descr': '<i2', 'fortran_order': True, 'shape': (2, 3, 4)}", in, 48, &t, NULL), FV_OK);
    for (int a = 0; a < 2; a++)
        for (int b = 0; b < 3; b++)
            for (int c = 0; c < 4; c++) assert_int_equal(((int16_t *)t.data)[at++], a + 2 * b + 6 * c);
    free(t.data);
}

static void refuses(void **state)
{
    (void)state;
    static const struct {
        const char *dict;
        size_t bytes;
        const char *says;
    } bad[] = {
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)}", 23, "cut short"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2)}", 24, "longer"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4)}", 24, "cut short"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}", 24, "header"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", 24, "header"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1)}", 24, "header"},
        {"{'descr': '<f4', 'fortran_order': False}", 24, "header"},
        {"{'descr': '<f4', 'shape': (6,)}", 24, "header"},
        {"{'fortran_order': False, 'shape': (6,)}", 24, "header"},
        {"{'descr': '<f4', 'fortran_order': Maybe, 'shape': (6,)}", 24, "header"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (6,)} x", 24, "header"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (6", 0, "header"},
        {"{'descr': '<f4", 0, "header"},
        {"", 0, "header"},
        {"{'descr': '<c8', 'fortran_order': False, 'shape': (3,)}", 24, "element type"},
        {"{'descr': '|O', 'fortran_order': False, 'shape': (3,)}", 24, "element type"},
        {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (6,)}", 24, "record"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fv_tensor t;
        fv_error err = {0};
        assert_int_equal(parse(1, bad[i].dict, six, bad[i].bytes, &t, &err), FV_ERR_INPUT);
        assert_null(t.data);
        if (!strstr(err.text, bad[i].says)) fail_msg("'%s' gives '%s'", bad[i].dict, err.text);
    }
    fv_tensor t;
    fv_error err;
    assert_int_equal(npy_parse("\x93NUMPY\x04\0\x02\0{}", 12, "x", &t, &err), FV_ERR_INPUT);
    assert_int_equal(npy_parse("\x93NUMPY\x01\0\xFF\xFF{}", 12, "x", &t, &err), FV_ERR_INPUT);
    assert_int_equal(npy_parse("\x93NUMPY\x02\0\xFF\xFF", 10, "x", &t, &err), FV_ERR_INPUT);
    assert_int_equal(npy_parse("PK\3\4", 4, "x", &t, &err), FV_ERR_INPUT);
}

/* Whatever one byte becomes, and wherever the file ends, it is a tensor or an error. */
static void survives_damage(void **state)
{
    (void)state;
    size_t size;
    char *f = make(1, "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }", six, 24, &size);
    for (size_t i = 0; i < size; i++)
        for (int v = 0; v < 256; v++) {
            size_t n = v ? size : i; /* value 0 stands for a cut */
            char *g = malloc(n ? n : 1);
            memcpy(g, f, n);
            if (v) g[i] = (char)v;
            fv_tensor t;
            fv_status s = npy_parse(g, n, "f.npy", &t, NULL);
            assert_true(s == FV_OK ? t.data && fv_tensor_count(&t) >= 0 : s == FV_ERR_INPUT && !t.data);
            free(t.data);
            free(g);
        }
    free(f);
}

static void writes_what_it_reads(void **state)
{
    (void)state;
    char path[] = "npy-test-XXXXXX";
    fv_error err = {0};
    close(mkstemp(path));
    for (int type = FV_F32; type < FV_DTYPE_COUNT; type++)
        for (int rank = 0; rank <= 3; rank++) {
            _Alignas(8) unsigned char data[64] = {1, 0, 1, 0, 0x80, 0x3F, 0, 1};
            if (type == FV_BOOL) data[4] = data[5] = 1; /* any other byte comes back as 1 */
            fv_tensor t = {.dtype = (fv_dtype)type, .rank = rank, .dim = {2, 1, 3}, .data = data}, back;
            assert_int_equal(npy_write(path, &t, &err), FV_OK);
            assert_int_equal(npy_read(path, &back, &err), FV_OK);
            int64_t n = fv_tensor_count(&t);
            assert_true(back.rank == rank && fv_tensor_count(&back) == n);
            if (type == FV_BF16) {
                assert_int_equal(back.dtype, FV_F32);
                for (int64_t i = 0; i < n; i++) assert_int_equal(((uint32_t *)back.data)[i], (uint32_t)((uint16_t *)data)[i] << 16);
            } else {
                assert_int_equal(back.dtype, type);
                assert_memory_equal(back.data, data, (size_t)n * fv_dtype_size(t.dtype));
            }
            free(back.data);
        }
    unlink(path);
}

static void escapes(void **state)
{
    (void)state;
    text t = {0};
    text_terminal(&t, "a\x1b[2Jb\xFF\xC0\x80 \xC3\xBC \xE2\x80\xAE");
    assert_string_equal(t.s, "a\\x1b[2Jb\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD \xC3\xBC \\u202e");
    text_clear(&t);
    text_json(&t, "\"\\\n\x01<\xE2\x80");
    assert_string_equal(t.s, "\"\\\"\\\\\\n\\u0001\\u003c\xEF\xBF\xBD\xEF\xBF\xBD\"");
    text_clear(&t);
    text_number(&t, 1.5000, 4), text_add(&t, " "), text_number(&t, -0.00001, 3), text_add(&t, " "), text_number(&t, NAN, 3), text_add(&t, " "), text_number(&t, 100, 2);
    assert_string_equal(t.s, "1.5 0 null 100");
    text_free(&t);
}

static void nearest_words(void **state)
{
    (void)state;
    static const char *const words[] = {"seed", "batch", "shapes", "overwrite", "conf"};
    assert_string_equal(cli_closest("sead", words, 5), "seed");
    assert_string_equal(cli_closest("bacth", words, 5), "batch");
    assert_string_equal(cli_closest("overw", words, 5), "overwrite");
    assert_string_equal(cli_closest("shape", words, 5), "shapes");
    assert_null(cli_closest("zebra", words, 5));
    assert_null(cli_closest("", words, 0));
}

static void names_are_unique_and_fit(void **state)
{
    (void)state;
    static const char *const in[] = {"x.jpg", "X.png", "x-2.jpg", "x.bmp", "", "", "y"};
    size_t length[] = {1, 1, 3, 1, 0, 0, 1};
    static const char *const want[] = {"x", "x-2", "x-2-2", "x-3", "", "-2", "y"};
    char *out[7];
    unique_stems(out, in, length, 7);
    for (int i = 0; i < 7; i++) {
        assert_string_equal(out[i], want[i]);
        free(out[i]);
    }
    char name[400] = "";
    for (int i = 0; i < 133; i++) memcpy(name + 3 * i, "\xE2\x82\xAC", 4); /* signs of three bytes */
    const char *const twice[] = {name, name};
    unique_stems(out, twice, (size_t[]){399, 399}, 2);
    assert_int_equal(strlen(out[0]), 198);
    assert_int_equal(strlen(out[1]), 200);
    assert_memory_equal(out[1], out[0], 198);
    free(out[0]);
    free(out[1]);
}

/* Very many inputs of one name: time must not grow with their square. */
static void many_names(void **state)
{
    (void)state;
    enum { N = 200000 };
    const char **in = malloc(N * sizeof *in);
    size_t *length = malloc(N * sizeof *length);
    char **out = malloc(N * sizeof *out);
    for (int i = 0; i < N; i++) in[i] = "same", length[i] = 4;
    clock_t t0 = clock();
    unique_stems(out, in, length, N);
    assert_string_equal(out[N - 1], "same-200000");
    assert_true(clock() - t0 < 20 * CLOCKS_PER_SEC); /* 40 000 000 000 comparisons take minutes */
    for (int i = 0; i < N; i++) free(out[i]);
    free(in);
    free(length);
    free(out);
}

static void files_are_known_by_what_they_are(void **state)
{
    (void)state;
    char a[] = "/tmp/fovea-names-XXXXXX", link_name[64];
    close(mkstemp(a));
    snprintf(link_name, sizeof link_name, "%s.link", a);
    assert_int_equal(symlink(a, link_name), 0);
    file_set *s = file_set_create((char *[]){(char *)"/nothing/here", a}, 2);
    assert_true(file_set_has(s, a));
    assert_true(file_set_has(s, link_name));
    assert_false(file_set_has(s, "/nothing/here"));
    assert_false(file_set_has(s, "/"));
    file_set_free(&s);
    unlink(link_name);
    unlink(a);
}

static void what_is_not_utf8_is_replaced(void **state)
{
    (void)state;
    text t = {0};
    text_utf8(&t, "a\xFF\xE2\x82\xAC\xC3");
    assert_string_equal(t.s, "a\xEF\xBF\xBD\xE2\x82\xAC\xEF\xBF\xBD");
    text_clear(&t);
    text_folder(&t, "");
    assert_string_equal(t.s, "");
    text_folder(&t, "out");
    text_folder(&t, "more/");
    text_folder(&t, "/");
    assert_string_equal(t.s, "out/more//");
    text_clear(&t);
    text_redacted(&t, "rtsp://user:p@ss@host/a@b");
    assert_string_equal(t.s, "rtsp://***@host/a@b");
    text_clear(&t);
    text_redacted(&t, "http://host/a@b");
    assert_string_equal(t.s, "http://host/a@b");
    text_free(&t);
}

static void csv_quotes_what_it_must(void **state)
{
    (void)state;
    static const char *const cases[][2] = {{"", ""}, {"plain text.jpg", "plain text.jpg"}, {"a,b", "\"a,b\""}, {"a\nb", "\"a\nb\""}, {"a\rb", "\"a\rb\""},
                                           {"\"", "\"\"\"\""}, {"say \"hi\", you", "\"say \"\"hi\"\", you\""}, {"a\xE2\x82\"b", "\"a\xEF\xBF\xBD\xEF\xBF\xBD\"\"b\""}};
    text t = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        text_clear(&t);
        text_add(&t, "");
        text_csv(&t, cases[i][0]);
        assert_string_equal(t.s, cases[i][1]);
    }
    text_free(&t);
}

static void exit_codes(void **state)
{
    (void)state;
    static const int want[][2] = {{FV_OK, 0}, {FV_PARTIAL, 9}, {FV_ERR_CONFIG, 2}, {FV_ERR_ARGUMENT, 2}, {FV_ERR_INPUT, 3}, {FV_ERR_MEDIA, 3},
                                  {FV_ERR_MODEL, 4}, {FV_ERR_MODEL_FORMAT, 4}, {FV_ERR_UNSUPPORTED, 4}, {FV_ERR_SHAPE, 4}, {FV_ERR_DEVICE, 5},
                                  {FV_ERR_MEMORY, 6}, {FV_ERR_OUTPUT, 7}, {FV_ERR_CANCELLED, 130}, {FV_ERR_INTERNAL, 1}, {FV_ERR_STATE, 1}};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) assert_int_equal(cli_exit_code((fv_status)want[i][0]), want[i][1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(reads_all_formats), cmocka_unit_test(fortran_of_three_dimensions), cmocka_unit_test(refuses), cmocka_unit_test(survives_damage),
                                       cmocka_unit_test(writes_what_it_reads), cmocka_unit_test(escapes), cmocka_unit_test(nearest_words),
                                       cmocka_unit_test(exit_codes), cmocka_unit_test(csv_quotes_what_it_must), cmocka_unit_test(names_are_unique_and_fit), cmocka_unit_test(many_names),
                                       cmocka_unit_test(files_are_known_by_what_they_are), cmocka_unit_test(what_is_not_utf8_is_replaced)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
