/* test_import.c: every file of tests/data/onnx-ok imports, infers to the shapes that ONNX's own inference wrote into it,
 * and some of them say what exactly came out. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include "base/alloc.h"
#include "base/file.h"
#include "model/onnx/onnx.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FOLDER FV_TEST_DATA "/onnx-ok"

typedef struct loaded {
    fvi_map map;
    fvi_graph *g;
} loaded;

static loaded load(const char *name)
{
    char path[512];
    loaded l = {0};
    fv_error err = {0};
    snprintf(path, sizeof path, "%s/%s", FOLDER, name);
    if (fvi_map_open(&l.map, path, (size_t)1 << 30, &err) < 0) fail_msg("%s", err.text);
    if (fvi_onnx_import(&l.g, l.map.data, l.map.size, FOLDER, &err) < 0) fail_msg("%s: %s", name, err.text);
    return l;
}

static void infer(loaded *l)
{
    fv_error err = {0};
    if (fvi_graph_infer(l->g, &err) < 0 || fvi_graph_verify(l->g, &err) < 0) fail_msg("%s", err.text);
}

static void unload(loaded *l)
{
    fvi_graph_free(&l->g);
    fvi_map_close(&l->map);
}

/* What the file declared against what we infer. */
static void compare_outputs(const char *name)
{
    loaded l = load(name);
    int n = l.g->n_outputs;
    fvi_value *declared = calloc((size_t)n, sizeof *declared);
    for (int i = 0; i < n; i++) declared[i] = *l.g->outputs[i];
    infer(&l);
    for (int i = 0; i < n; i++) {
        const fvi_value *got = l.g->outputs[i], *want = &declared[i];
        if (got->constant) continue;
        if (got->dtype != want->dtype || got->rank != want->rank) fail_msg("%s: output %s has %s, rank %d", name, got->name, fv_dtype_name(got->dtype), got->rank);
        for (int d = 0; d < got->rank; d++)
            if (got->dim[d] != want->dim[d] && want->dim[d] >= 0 && got->dim[d] >= 0)
                fail_msg("%s: output %s: dimension %d is %lld, not %lld", name, got->name, d, (long long)got->dim[d], (long long)want->dim[d]);
    }
    free(declared);
    unload(&l);
}

static void test_all_files(void **state)
{
    (void)state;
    DIR *d = opendir(FOLDER);
    int count = 0;
    assert_non_null(d);
    for (struct dirent *e = readdir(d); e; e = readdir(d)) {
        if (!strstr(e->d_name, ".onnx")) continue;
        compare_outputs(e->d_name);
        count++;
    }
    closedir(d);
    assert_true(count >= 45);
}

static void test_metadata_and_symbols(void **state)
{
    (void)state;
    loaded l = load("symbolic_metadata.onnx");
    fvi_graph *g = l.g;
    assert_string_equal(fvi_graph_meta(g, "names"), "{0: 'person', 1: \"it's\"}");
    assert_string_equal(fvi_graph_meta(g, "empty"), "");
    assert_null(fvi_graph_meta(g, "nothing"));
    assert_string_equal(g->producer, "make_onnx_tests");
    assert_string_equal(g->name, "tiny");
    assert_int_equal(g->opset, 17);
    assert_int_equal(g->ir_version, 8);
    assert_int_equal(g->inputs[0]->dim[0], FVI_DIM_UNKNOWN);
    assert_string_equal(g->inputs[0]->symbol[0], "batch");
    assert_int_equal(g->inputs[0]->dim[1], 4);
    infer(&l);
    assert_int_equal(g->outputs[0]->dim[1], 6);
    assert_int_equal(g->outputs[0]->dim[2], FVI_DIM_UNKNOWN);
    unload(&l);
}

/* raw data and typed fields mean the same in every type */
static void test_tensor_types(void **state)
{
    (void)state;
    loaded l = load("tensor_types.onnx");
    assert_non_null(l.g->note);
    for (int i = 0; i < 12; i++) {
        char raw_name[16], typed_name[16];
        snprintf(raw_name, sizeof raw_name, "raw%d", i);
        snprintf(typed_name, sizeof typed_name, "typed%d", i);
        const fvi_value *raw = fvi_graph_find(l.g, raw_name), *typed = fvi_graph_find(l.g, typed_name);
        assert_non_null(raw);
        assert_non_null(typed);
        assert_int_equal(raw->dtype, typed->dtype);
        assert_memory_equal(raw->constant, typed->constant, 4 * fv_dtype_size(raw->dtype));
    }
    const fvi_value *half = fvi_graph_find(l.g, "raw11");
    assert_int_equal(half->dtype, FV_F32);
    assert_true(((const float *)half->constant)[3] == 5.0f);
    unload(&l);
}

static void test_bfloat16(void **state)
{
    (void)state;
    loaded l = load("bfloat16.onnx");
    const fvi_value *v = fvi_graph_find(l.g, "bf");
    assert_int_equal(v->dtype, FV_F32);
    assert_true(((const float *)v->constant)[0] == 1.0f && ((const float *)v->constant)[1] == -2.0f);
    unload(&l);
}

/* FP16 numbers of every kind, through the importer: a tensor made by hand */
static void test_half_values(void **state)
{
    (void)state;
    static const struct {
        uint16_t half;
        float value;
    } cases[] = {{0x0000, 0.0f}, {0x3c00, 1.0f}, {0xc500, -5.0f}, {0x7bff, 65504.0f}, {0x0400, 0x1p-14f}, {0x0001, 0x1p-24f}, {0x83ff, -0x1.ff8p-15f}, {0x7c00, __builtin_inff()}};
    loaded l = load("bfloat16.onnx");
    uint8_t *copy = malloc(l.map.size);
    static const uint8_t data[4] = {0x80, 0x3f, 0x00, 0xc0}; /* the tensor's two values */
    memcpy(copy, l.map.data, l.map.size);
    uint8_t *at = memmem(copy, l.map.size, data, 4), *type = memmem(copy, l.map.size, "\x08\x02\x10\x10", 4); /* dims 2, type 16 */
    assert_non_null(at);
    assert_non_null(type);
    type[3] = 10;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fvi_graph *g = NULL;
        memcpy(at, &cases[i].half, 2);
        assert_int_equal(fvi_onnx_import(&g, copy, l.map.size, NULL, NULL), FV_OK);
        float got = ((const float *)fvi_graph_find(g, "bf")->constant)[0];
        if (got != cases[i].value) fail_msg("%04x became %g", cases[i].half, (double)got);
        fvi_graph_free(&g);
    }
    free(copy);
    unload(&l);
}

static void test_external_data(void **state)
{
    (void)state;
    loaded l = load("external_data.onnx");
    const float *w = fvi_graph_find(l.g, "w")->constant;
    for (int i = 0; i < 4; i++) assert_true(w[i] == (float)(16 + i));
    fv_error err = {0};
    fvi_graph *g = NULL;
    assert_int_equal(fvi_onnx_import(&g, l.map.data, l.map.size, NULL, &err), FV_ERR_MODEL);
    assert_non_null(strstr(err.text, "another file"));
    assert_null(g);
    unload(&l);
}

/* A link that leads out of the folder is refused; one that stays inside is not. */
static void test_external_links(void **state)
{
    (void)state;
    char dir[] = "/tmp/fovea-test-XXXXXX", link[64];
    loaded l = load("external_data.onnx");
    fv_error err = {0};
    fvi_graph *g = NULL;
    assert_non_null(mkdtemp(dir));
    snprintf(link, sizeof link, "%s/external.bin", dir);
    assert_int_equal(symlink(FOLDER "/external.bin", link), 0);
    assert_int_equal(fvi_onnx_import(&g, l.map.data, l.map.size, dir, &err), FV_ERR_MODEL);
    assert_non_null(strstr(err.text, "link out of"));
    assert_int_equal(unlink(link), 0);

    char inside[64];
    snprintf(inside, sizeof inside, "%s/real.bin", dir);
    assert_int_equal(fvi_file_write(inside, (const char[256]){0}, 256, &err), FV_OK);
    assert_int_equal(symlink("real.bin", link), 0);
    assert_int_equal(fvi_onnx_import(&g, l.map.data, l.map.size, dir, &err), FV_OK);
    fvi_graph_free(&g);
    unlink(link);
    unlink(inside);
    rmdir(dir);
    unload(&l);
}

static void test_order_and_dropout(void **state)
{
    (void)state;
    loaded l = load("unsorted_nodes.onnx");
    assert_int_equal(l.g->nodes[0]->op, FVI_OP_SIGMOID);
    assert_int_equal(l.g->nodes[2]->op, FVI_OP_RELU);
    unload(&l);
    l = load("dropout.onnx");
    assert_int_equal(l.g->nodes[0]->op, FVI_OP_IDENTITY);
    assert_int_equal(l.g->nodes[1]->n_in, 1);
    unload(&l);
}

static void test_old_ir_inputs(void **state)
{
    (void)state;
    loaded l = load("conv_bn_silu_opset7.onnx");
    assert_int_equal(l.g->n_inputs, 1);
    assert_non_null(fvi_graph_find(l.g, "w")->constant);
    unload(&l);
}

/* Every allocation of an import may fail: always an error, never a leak (sanitizers see it) or a crash. */
static void test_out_of_memory(void **state)
{
    (void)state;
    static const char *const names[] = {"constant_forms.onnx", "end_to_end_tail.onnx", "external_data.onnx", "symbolic_metadata.onnx"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        loaded l = load(names[i]);
        long n = 1;
        for (;; n++) {
            fvi_graph *g = NULL;
            fv_error err = {0};
            fvi_alloc_fail_after(n);
            fv_status st = fvi_onnx_import(&g, l.map.data, l.map.size, FOLDER, &err);
            fvi_alloc_fail_after(0);
            fvi_graph_free(&g);
            if (st == FV_OK) break;
            if (st != FV_ERR_MEMORY) fail_msg("%s: allocation %ld failed: %s (%d)", names[i], n, err.text, st);
            assert_true(n < 1000);
        }
        assert_true(n > 3);
        unload(&l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_files),      cmocka_unit_test(test_metadata_and_symbols), cmocka_unit_test(test_tensor_types),
        cmocka_unit_test(test_bfloat16),       cmocka_unit_test(test_half_values),          cmocka_unit_test(test_external_data),
        cmocka_unit_test(test_external_links), cmocka_unit_test(test_order_and_dropout),    cmocka_unit_test(test_old_ir_inputs),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
