/* exec_tensor.c: a model as a function of tensors: no pictures, no media library.
 *
 *     cc exec_tensor.c -o exec_tensor $(pkg-config --cflags --libs libfovea)
 *     ./exec_tensor model.onnx < input.raw          (float32 values, as many as the first input has; without: all 0.5)
 *
 * A model is what the file says; a session is a model planned for fixed shapes, with its memory. */
#include <fovea/fovea.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A dense tensor with the shape of a port; its memory is ours. */
static fv_tensor tensor_for(const fv_port *port)
{
    fv_tensor t = {.dtype = port->dtype, .rank = port->rank};
    for (int i = 0; i < t.rank; i++) t.dim[i] = port->dim[i];
    t.data = calloc((size_t)fv_tensor_count(&t) + 1, fv_dtype_size(t.dtype));
    return t;
}

static void print_output(const fv_port *port, const fv_tensor *t)
{
    const float *v = t->data;
    int64_t n = fv_tensor_count(t);
    printf("%s %s [", port->name, fv_dtype_name(t->dtype));
    for (int i = 0; i < t->rank; i++) printf("%s%lld", i ? "," : "", (long long)t->dim[i]);
    printf("]");
    for (int64_t i = 0; i < n && i < 4 && t->dtype == FV_F32; i++) printf(" %.6g", v[i]);
    puts(n > 4 ? " ..." : "");
}

int main(int argc, char **argv)
{
    fv_error err = {0};
    fv_context *ctx = NULL;
    fv_model *model = NULL;
    fv_session *session = NULL;
    const fv_port *in, *out;
    if (argc != 2) {
        fprintf(stderr, "usage: exec_tensor MODEL.onnx < input.raw\n");
        return 2;
    }
    fv_status st = fv_context_create(&ctx, NULL, &err);
    if (st >= 0) st = fv_model_load(&model, ctx, argv[1], NULL, &err);
    if (st >= 0) st = fv_session_create(&session, model, FV_SESSION_OPTIONS(.batch = 0), &err); /* 0 = as declared */

    int inputs = st >= 0 ? fv_session_inputs(session, &in) : 0;
    for (int i = 0; i < inputs && st >= 0; i++) {
        fv_tensor t = tensor_for(&in[i]);
        size_t n = (size_t)fv_tensor_count(&t);
        float *v = t.data;
        for (size_t k = 0; k < n && t.dtype == FV_F32; k++) v[k] = 0.5f;
        if (i == 0 && !isatty(0) && fread(t.data, fv_dtype_size(t.dtype), n, stdin) < n) clearerr(stdin); /* a short file: the rest stays */
        st = fv_session_set_input(session, i, &t, &err); /* copies */
        free(t.data);
    }
    if (st >= 0) st = fv_session_run(session); /* may be called again and again; allocates nothing */

    int outputs = st >= 0 ? fv_session_outputs(session, &out) : 0;
    for (int i = 0; i < outputs && st >= 0; i++) {
        fv_tensor t = tensor_for(&out[i]);
        st = fv_session_get_output(session, i, &t, &err);
        if (st >= 0) print_output(&out[i], &t);
        free(t.data);
    }
    if (st < 0) fprintf(stderr, "exec_tensor: %s\n", err.text[0] ? err.text : fv_status_text(st));
    fv_session_free(&session);
    fv_model_free(&model);
    fv_context_free(&ctx);
    return st < 0;
}
