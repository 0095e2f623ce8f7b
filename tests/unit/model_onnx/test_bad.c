/* test_bad.c: every file of tests/data/onnx-bad gives its error, with a text that says what is wrong. A file without a
 * line here fails, so that the folder and the table stay one. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include "base/file.h"
#include "model/onnx/onnx.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLDER FV_TEST_DATA "/onnx-bad"

static const struct {
    const char *name;
    fv_status status;
    const char *text;
} expected[] = {
    {"control_flow", FV_ERR_UNSUPPORTED, "node \"If_y\" (If)"},
    {"cut_short", FV_ERR_MODEL_FORMAT, "cut short"},
    {"cycle", FV_ERR_MODEL, "cycle"},
    {"defined_twice", FV_ERR_MODEL, "defines \"y\" twice"},
    {"empty", FV_ERR_MODEL_FORMAT, "the file is empty"},
    {"external_absolute", FV_ERR_MODEL, "\"/etc/passwd\" is not in the model's folder"},
    {"external_bad_offset", FV_ERR_MODEL_FORMAT, "no number"},
    {"external_hidden_parent", FV_ERR_MODEL, "not in the model's folder"},
    {"external_missing", FV_ERR_MODEL, "\"nowhere.bin\" cannot be read"},
    {"external_nowhere", FV_ERR_MODEL, "location"},
    {"external_parent", FV_ERR_MODEL, "not in the model's folder"},
    {"external_past_end", FV_ERR_MODEL, "past the end of \"empty.onnx\""},
    {"external_wrong_length", FV_ERR_MODEL_FORMAT, "12 bytes of data, its shape needs 16"},
    {"float8_input", FV_ERR_UNSUPPORTED, "\"x\" is of type float8e4m3fn"},
    {"git_lfs", FV_ERR_MODEL_FORMAT, "git lfs pull"},
    {"infer_broadcast", FV_ERR_SHAPE, "4 against 3 in dimension 1"},
    {"infer_cast", FV_ERR_UNSUPPORTED, "type 8"},
    {"infer_concat", FV_ERR_SHAPE, "input 1 has 9 in dimension 3"},
    {"infer_concat_axis", FV_ERR_SHAPE, "axis 4"},
    {"infer_conv_bias", FV_ERR_SHAPE, "bias must have 4 values"},
    {"infer_conv_channels", FV_ERR_SHAPE, "node \"stem\" (Conv): its input has 4 channels, its weights want 3"},
    {"infer_conv_groups", FV_ERR_SHAPE, "3 groups"},
    {"infer_conv_pads", FV_ERR_MODEL, "pads has 2 values instead of 4"},
    {"infer_conv_stride", FV_ERR_LIMIT, "strides holds 0"},
    {"infer_conv_window", FV_ERR_SHAPE, "window of 9"},
    {"infer_gather_type", FV_ERR_MODEL, "float32, not integers"},
    {"infer_huge", FV_ERR_LIMIT, "2^40"},
    {"infer_matmul", FV_ERR_SHAPE, "8 and 7 differ"},
    {"infer_no_rank", FV_ERR_SHAPE, "not known"},
    {"infer_range", FV_ERR_LIMIT, "no end"},
    {"infer_reshape_copy", FV_ERR_SHAPE, "copies dimension 4"},
    {"infer_reshape_count", FV_ERR_SHAPE, "256 elements cannot be reshaped into 100"},
    {"infer_reshape_two_rests", FV_ERR_MODEL, "two -1"},
    {"infer_resize", FV_ERR_SHAPE, "scale of 0"},
    {"infer_slice_empty", FV_ERR_SHAPE, "empty"},
    {"infer_slice_step", FV_ERR_MODEL, "step of 0"},
    {"infer_split_sum", FV_ERR_SHAPE, "add up to 5"},
    {"infer_split_uneven", FV_ERR_SHAPE, "3 equal parts"},
    {"infer_topk", FV_ERR_SHAPE, "k is 9"},
    {"infer_transpose", FV_ERR_MODEL, "not a permutation"},
    {"infer_types", FV_ERR_MODEL, "float32 and int64"},
    {"mask_output", FV_ERR_MODEL, "\"mask\""},
    {"missing_output", FV_ERR_MODEL, "nothing computes the output \"z\""},
    {"missing_required_input", FV_ERR_MODEL, "input 0 is missing"},
    {"missing_value", FV_ERR_MODEL, "reads \"nothing\""},
    {"nameless_input", FV_ERR_MODEL_FORMAT, "input without a name"},
    {"no_graph", FV_ERR_MODEL_FORMAT, "no graph"},
    {"no_outputs", FV_ERR_MODEL, "no outputs"},
    {"noise", FV_ERR_MODEL_FORMAT, "not an ONNX model"},
    {"null_in_name", FV_ERR_MODEL_FORMAT, "null byte"},
    {"operator_too_new", FV_ERR_MODEL, "from opset 20 on"},
    {"opset_missing", FV_ERR_MODEL, "which ONNX opset"},
    {"opset_new", FV_ERR_UNSUPPORTED, "opset 99; opsets 7 to 28"},
    {"opset_old", FV_ERR_UNSUPPORTED, "opset 6; opsets 7 to 28"},
    {"output_twice", FV_ERR_MODEL, "listed twice"},
    {"plain_text", FV_ERR_MODEL_FORMAT, "plain text"},
    {"pytorch_pickle", FV_ERR_MODEL_FORMAT, "yolo export model=MODEL.pt format=onnx"},
    {"pytorch_zip", FV_ERR_MODEL_FORMAT, "yolo export model=MODEL.pt format=onnx"},
    {"sequence_input", FV_ERR_UNSUPPORTED, "sequence"},
    {"sparse_initialiser", FV_ERR_UNSUPPORTED, "sparse"},
    {"string_input", FV_ERR_UNSUPPORTED, "type string"},
    {"subgraph_attribute", FV_ERR_UNSUPPORTED, "subgraph"},
    {"tensor_huge", FV_ERR_MODEL_FORMAT, "impossible shape"},
    {"tensor_many_dims", FV_ERR_LIMIT, "more than 8"},
    {"tensor_negative_dim", FV_ERR_MODEL_FORMAT, "impossible shape"},
    {"tensor_no_data", FV_ERR_MODEL_FORMAT, "less data"},
    {"tensor_strings", FV_ERR_UNSUPPORTED, "type string"},
    {"tensor_too_long", FV_ERR_MODEL_FORMAT, "8 bytes of data, its shape needs 4"},
    {"tensor_too_short", FV_ERR_MODEL_FORMAT, "15 bytes of data, its shape needs 16"},
    {"tensor_typed_too_short", FV_ERR_MODEL_FORMAT, "3 values, its shape needs 4"},
    {"tensor_unknown_type", FV_ERR_UNSUPPORTED, "type unknown"},
    {"tensorrt", FV_ERR_MODEL_FORMAT, "TensorRT"},
    {"tensorrt_ultralytics", FV_ERR_MODEL_FORMAT, "TensorRT"},
    {"too_few_inputs", FV_ERR_MODEL, "has 1 inputs, 2 to 3"},
    {"too_many_dimensions", FV_ERR_UNSUPPORTED, "more than 8 dimensions"},
    {"too_many_inputs", FV_ERR_MODEL, "has 2 inputs"},
    {"two_graphs", FV_ERR_MODEL_FORMAT, "two graphs"},
    {"unknown_domain", FV_ERR_UNSUPPORTED, "node \"fused\" (FusedConv) of domain \"com.microsoft\", opset 1"},
    {"unsupported_operators", FV_ERR_UNSUPPORTED, "not supported in this model: StringNormalizer, SequenceAt"},
    {"untyped_input", FV_ERR_MODEL, "no type"},
    {"web_page", FV_ERR_MODEL_FORMAT, "web page"},
};
#define N_EXPECTED (sizeof expected / sizeof *expected)

static fv_status import_and_infer(const char *name, fv_error *err)
{
    char path[512];
    fvi_map map;
    fvi_graph *g = NULL;
    snprintf(path, sizeof path, "%s/%s.onnx", FOLDER, name);
    if (fvi_map_open(&map, path, (size_t)1 << 20, err) < 0) fail_msg("%s", err->text);
    fv_status st = fvi_onnx_import(&g, map.data, map.size, FOLDER, err);
    if (strncmp(name, "infer_", 6) == 0) {
        if (st < 0) fail_msg("%s should fail later: %s", name, err->text);
        st = fvi_graph_infer(g, err);
    } else if (st >= 0) {
        fail_msg("%s was imported", name);
    }
    if ((g == NULL) != (strncmp(name, "infer_", 6) != 0)) fail_msg("%s left a graph behind", name);
    fvi_graph_free(&g);
    fvi_map_close(&map);
    return st;
}

static void test_each_file(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_EXPECTED; i++) {
        fv_error err = {0};
        fv_status st = import_and_infer(expected[i].name, &err);
        if (st != expected[i].status || err.status != st || !strstr(err.text, expected[i].text))
            fail_msg("%s: status %d (want %d), text \"%s\" (want \"%s\")", expected[i].name, st, expected[i].status, err.text, expected[i].text);
    }
}

static void test_table_is_complete(void **state)
{
    (void)state;
    DIR *d = opendir(FOLDER);
    assert_non_null(d);
    for (struct dirent *e = readdir(d); e; e = readdir(d)) {
        char *dot = strstr(e->d_name, ".onnx");
        if (!dot) continue;
        *dot = 0;
        size_t i = 0;
        while (i < N_EXPECTED && strcmp(expected[i].name, e->d_name)) i++;
        if (i == N_EXPECTED) fail_msg("%s has no line in the table", e->d_name);
    }
    closedir(d);
}

/* A good file cut at every length: an error or, never, a crash. */
static void test_every_cut(void **state)
{
    (void)state;
    fvi_map map;
    fv_error err = {0};
    assert_int_equal(fvi_map_open(&map, FV_TEST_DATA "/onnx-ok/end_to_end_tail.onnx", (size_t)1 << 20, &err), FV_OK);
    for (size_t n = 0; n < map.size; n++) {
        uint8_t *copy = malloc(n ? n : 1); /* so that sanitizers see a read past the end */
        fvi_graph *g = NULL;
        memcpy(copy, map.data, n);
        if (fvi_onnx_import(&g, copy, n, NULL, &err) >= 0) fail_msg("cut to %zu of %zu bytes it was imported", n, map.size);
        free(copy);
    }
    fvi_map_close(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_file), cmocka_unit_test(test_table_is_complete), cmocka_unit_test(test_every_cut)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
