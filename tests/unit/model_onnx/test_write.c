/* test_write.c: every file of tests/data/onnx-ok, written and read again, is the same graph: structure, attributes, constants, metadata.
 * Large weights beside the model, names that are taken, graphs that ONNX has no words for, opsets raised. */
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
#include "model/onnx/write.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FOLDER FV_TEST_DATA "/onnx-ok"

static fvi_graph *import_file(const char *dir, const char *name, fvi_map *map)
{
    char path[512];
    fv_error err = {0};
    fvi_graph *g = NULL;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    if (fvi_map_open(map, path, (size_t)1 << 30, &err) < 0) fail_msg("%s", err.text);
    if (fvi_onnx_import(&g, map->data, map->size, dir, &err) < 0) fail_msg("%s: %s", name, err.text);
    return g;
}

static fvi_graph *again(const fvi_graph *g, const char *name)
{
    uint8_t *bytes;
    size_t size;
    fv_error err = {0};
    fvi_graph *back = NULL;
    if (fvi_onnx_write_memory(&bytes, &size, g, NULL, &err) < 0) fail_msg("%s: %s", name, err.text);
    uint8_t *keep = fvi_alloc(size); /* constants borrow from it: freed with the test */
    memcpy(keep, bytes, size);
    fvi_free(bytes);
    if (fvi_onnx_import(&back, keep, size, NULL, &err) < 0) fail_msg("%s: written and not readable: %s", name, err.text);
    /* the graph owns nothing of it; hand it over so that it lives as long */
    back->maps = fvi_arena_array(back->arena, 1, sizeof *back->maps);
    back->maps[0] = (fvi_map){.data = keep};
    return back;
}

static void drop(fvi_graph **g)
{
    void *keep = (*g)->maps ? (void *)(uintptr_t)(*g)->maps[0].data : NULL;
    fvi_graph_free(g);
    fvi_free(keep);
}

static char *text_of(const fvi_graph *g)
{
    fvi_str s = {0};
    fvi_graph_dump(g, &s);
    assert_false(s.failed);
    return s.s;
}

/* Lines of the dump except constants, whose order is not part of the graph (Constant nodes become initialisers). */
static void same_graph(const fvi_graph *a, const fvi_graph *b, const char *name)
{
    char *x = text_of(a), *y = text_of(b), *save_x, *save_y;
    char *p = strtok_r(x, "\n", &save_x), *q = strtok_r(y, "\n", &save_y);
    while (p || q) {
        while (p && !strncmp(p, "const ", 6)) p = strtok_r(NULL, "\n", &save_x);
        while (q && !strncmp(q, "const ", 6)) q = strtok_r(NULL, "\n", &save_y);
        if (!p && !q) break;
        if (!p || !q || strcmp(p, q)) fail_msg("%s:\n%s\nbecame\n%s", name, p ? p : "-", q ? q : "-");
        p = strtok_r(NULL, "\n", &save_x);
        q = strtok_r(NULL, "\n", &save_y);
    }
    fvi_free(x);
    fvi_free(y);
    for (int i = 0; i < a->n_values; i++) {
        const fvi_value *v = a->values[i];
        if (!v->constant) continue;
        const fvi_value *w = fvi_graph_find(b, v->name);
        if (!w || !w->constant || w->dtype != v->dtype || w->rank != v->rank) fail_msg("%s: constant %s", name, v->name);
        size_t bytes = (size_t)fvi_value_count(v) * fv_dtype_size(v->dtype);
        if (bytes && memcmp(v->constant, w->constant, bytes)) fail_msg("%s: constant %s has other elements", name, v->name);
    }
    assert_int_equal(a->n_meta, b->n_meta);
    for (int i = 0; i < a->n_meta; i++) assert_string_equal(a->meta[i].value, fvi_graph_meta(b, a->meta[i].key));
    assert_int_equal(a->ir_version, b->ir_version);
}

static void test_all_files(void **state)
{
    (void)state;
    DIR *d = opendir(FOLDER);
    int count = 0;
    assert_non_null(d);
    for (struct dirent *e = readdir(d); e; e = readdir(d)) {
        fvi_map map;
        if (!strstr(e->d_name, ".onnx")) continue;
        fvi_graph *g = import_file(FOLDER, e->d_name, &map), *first = again(g, e->d_name), *second = again(first, e->d_name);
        if (!g->note) same_graph(g, first, e->d_name); /* else types were widened: attributes that name them follow */
        same_graph(first, second, e->d_name);
        drop(&second);
        drop(&first);
        fvi_graph_free(&g);
        fvi_map_close(&map);
        count++;
    }
    closedir(d);
    assert_true(count > 40);
}

static void test_beside(void **state)
{
    (void)state;
    char dir[] = "test_write_XXXXXX", path[64], data[80];
    fvi_map map, written;
    fv_error err = {0};
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/m.onnx", dir);
    snprintf(data, sizeof data, "%s.data", path);
    fvi_graph *g = import_file(FOLDER, "conv_bn_silu_opset17.onnx", &map);
    fvi_value *big = fvi_graph_add_constant(g, "big", FV_F32, 1, (int64_t[]){2000}, NULL);
    for (int i = 0; i < 2000; i++) ((float *)(uintptr_t)big->constant)[i] = (float)i;
    if (fvi_onnx_write_file(path, g, &(fvi_onnx_write_options){.external_over = 16}, &err) < 0) fail_msg("%s", err.text);
    assert_int_equal(access(data, R_OK), 0);
    fvi_graph *back = import_file(dir, "m.onnx", &written);
    const fvi_value *v = fvi_graph_find(back, "big");
    if (v) assert_memory_equal(v->constant, big->constant, 8000); /* nothing reads it: it may have been swept */
    for (int i = 0; i < g->n_values; i++) {
        const fvi_value *c = g->values[i], *w = c->constant ? fvi_graph_find(back, c->name) : NULL;
        if (w) assert_memory_equal(c->constant, w->constant, (size_t)fvi_value_count(c) * fv_dtype_size(c->dtype));
    }
    fvi_graph_free(&back);
    fvi_map_close(&written);
    fvi_graph_free(&g);
    fvi_map_close(&map);
    unlink(path);
    unlink(data);
    rmdir(dir);
}

static void test_refused(void **state)
{
    (void)state;
    fvi_map map;
    fv_error err = {0};
    uint8_t *bytes;
    size_t size;
    fvi_graph *g = import_file(FOLDER, "conv_bn_silu_opset17.onnx", &map);
    g->nodes[0]->act = FVI_ACT_RELU;
    assert_int_equal(fvi_onnx_write_memory(&bytes, &size, g, NULL, &err), FV_ERR_UNSUPPORTED);
    assert_null(bytes);
    g->nodes[0]->act = FVI_ACT_NONE;
    assert_int_equal(fvi_onnx_write_file("no/such/folder/m.onnx", g, NULL, &err), FV_ERR_OUTPUT);
    fvi_graph_free(&g);
    fvi_map_close(&map);
}

/* Every allocation fails once: an error, nothing lost, nothing left. */
static void test_memory(void **state)
{
    (void)state;
    fvi_map map;
    fvi_graph *g = import_file(FOLDER, "conv_bn_silu_opset17.onnx", &map);
    for (long n = 1; n < 200; n++) {
        uint8_t *bytes;
        size_t size;
        fvi_alloc_fail_after(n);
        fv_status st = fvi_onnx_write_memory(&bytes, &size, g, NULL, NULL);
        fvi_alloc_fail_after(0);
        if (st >= 0) {
            assert_true(n > 1);
            fvi_free(bytes);
            break;
        }
        assert_int_equal(st, FV_ERR_MEMORY);
        assert_null(bytes);
    }
    fvi_graph_free(&g);
    fvi_map_close(&map);
}

static void upgrade(const char *name, fv_status want)
{
    fvi_map map;
    fv_error err = {0};
    fvi_graph *g = import_file(FOLDER, name, &map);
    fv_status st = fvi_onnx_upgrade(g, 13, &err);
    if (st != want) fail_msg("%s: %d %s", name, st, err.text);
    if (st >= 0) {
        if (fvi_graph_relink(g, &err) < 0 || fvi_graph_infer(g, &err) < 0) fail_msg("%s: %s", name, err.text);
        assert_true(g->opset >= 13);
        fvi_graph *back = again(g, name);
        if (fvi_graph_infer(back, &err) < 0) fail_msg("%s: %s", name, err.text);
        for (int i = 0; i < back->n_nodes; i++) assert_int_equal(back->nodes[i]->opset, g->opset);
        drop(&back);
    }
    fvi_graph_free(&g);
    fvi_map_close(&map);
}

static void test_upgrade(void **state)
{
    (void)state;
    upgrade("squeeze_opset11.onnx", FV_OK);
    upgrade("split_opset11.onnx", FV_OK);
    upgrade("reduce_opset11.onnx", FV_OK);
    upgrade("conv_bn_silu_opset17.onnx", FV_OK);
    upgrade("conv_bn_silu_opset7.onnx", FV_ERR_UNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all_files), cmocka_unit_test(test_beside), cmocka_unit_test(test_refused), cmocka_unit_test(test_memory),
                                       cmocka_unit_test(test_upgrade)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
