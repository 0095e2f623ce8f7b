/* fuzz_onnx.c: any bytes as an ONNX model: import, infer, rewrite (folding without arithmetic), grow the batch, change
 * the input's shape, dump, write and read again. Whatever succeeds must verify; whatever fails must say so in words. */
#include "base/alloc.h"
#include "base/error.h"
#include "model/onnx/onnx.h"
#include "model/onnx/write.h"
#include "model/rewrite/rewrite.h"
#include <stdlib.h>
#include <string.h>

static void must(int condition)
{
    if (!condition) abort();
}

static void must_explain(fv_status st, const fv_error *err)
{
    if (st < 0) must(err->text[0] != 0 && err->status == st);
}

static void check(const fvi_graph *g)
{
    fv_error err = {0};
    fvi_str text = {0};
    must(fvi_graph_verify(g, &err) == FV_OK);
    fvi_graph_dump(g, &text);
    must(text.s != NULL);
    fvi_str_free(&text);
}

/* Folds what has known size to zeros, so that the paths behind folded shapes are reached. */
static fv_status eval_zeros(void *user, fvi_graph *g, fvi_node *n, fv_error *err)
{
    int64_t *budget = user;
    for (int k = 0; k < n->n_out; k++) {
        int64_t count = fvi_value_count(n->out[k]);
        *budget -= count * (int64_t)fv_dtype_size(n->out[k]->dtype);
        if (*budget < 0) return FV_ERR_UNSUPPORTED;
    }
    for (int k = 0; k < n->n_out; k++) {
        n->out[k]->constant = fvi_arena_alloc(g->arena, (size_t)fvi_value_count(n->out[k]) * fv_dtype_size(n->out[k]->dtype) + 1);
        if (!n->out[k]->constant) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    }
    return FV_OK;
}

static void grow_batch(const fvi_graph *g)
{
    fvi_graph *copy = NULL;
    fv_error err = {0};
    char obstacle[256];
    must(fvi_graph_clone(&copy, g, &err) == FV_OK);
    fv_status st = fvi_rewrite_rebatch(copy, 3, obstacle, sizeof obstacle, &err);
    must_explain(st, &err);
    if (st >= 0) check(copy);
    fvi_graph_free(&copy);
}

static void resize_input(const fvi_graph *g)
{
    fvi_graph *copy = NULL;
    fv_error err = {0};
    int64_t dim[FV_MAX_RANK];
    if (g->n_inputs < 1 || g->inputs[0]->rank < 1) return;
    must(fvi_graph_clone(&copy, g, &err) == FV_OK);
    for (int i = 0; i < copy->inputs[0]->rank; i++) dim[i] = copy->inputs[0]->dim[i] < 0 ? 2 : copy->inputs[0]->dim[i] % 64 + 1;
    fv_status st = fvi_graph_set_input_shape(copy, 0, copy->inputs[0]->rank, dim, &err);
    if (st >= 0) st = fvi_graph_infer(copy, &err);
    must_explain(st, &err);
    if (st >= 0) check(copy);
    fvi_graph_free(&copy);
}

/* Whatever was read can be written, and reads as the same graph. */
static void write_back(const fvi_graph *g)
{
    fvi_graph *back = NULL;
    fv_error err = {0};
    uint8_t *bytes;
    size_t size;
    fv_status st = fvi_onnx_write_memory(&bytes, &size, g, NULL, &err);
    must_explain(st, &err);
    if (st < 0) return; /* operators of the engine's own, when the file names them */
    must(fvi_onnx_import(&back, bytes, size, NULL, &err) == FV_OK);
    check(back);
    must(back->n_nodes == g->n_nodes && back->n_inputs == g->n_inputs && back->n_outputs == g->n_outputs && back->n_meta == g->n_meta);
    fvi_graph_free(&back);
    fvi_free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (int with_eval = 0; with_eval < 2; with_eval++) {
        fvi_graph *g = NULL;
        fv_error err = {0};
        int64_t budget = 1 << 20;
        fv_status st = fvi_onnx_import(&g, data, size, NULL, &err);
        must((st >= 0) == (g != NULL));
        must_explain(st, &err);
        if (st < 0) return 0;
        check(g);
        write_back(g);
        resize_input(g);
        err = (fv_error){0};
        st = fvi_graph_infer(g, &err);
        must_explain(st, &err);
        err = (fv_error){0};
        st = fvi_rewrite_all(g, with_eval ? eval_zeros : NULL, &budget, &err);
        must_explain(st, &err);
        if (st >= 0) {
            check(g);
            grow_batch(g);
        }
        fvi_graph_free(&g);
    }
    return 0;
}
