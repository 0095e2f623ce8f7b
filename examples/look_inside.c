/* look_inside.c: what flows between the steps of a network: the range of every value, as whoever quantises or debugs wants it.
 *
 *     cc look_inside.c -o look_inside $(pkg-config --cflags --libs libfovea)
 *     ./look_inside model.onnx
 *
 * A session that observes keeps every value until the next run; it needs more memory and is a little slower. */
#include <fovea/fovea.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static fv_tensor tensor_for(const fv_port *port)
{
    fv_tensor t = {.dtype = port->dtype, .rank = port->rank};
    memcpy(t.dim, port->dim, sizeof t.dim);
    t.data = calloc((size_t)fv_tensor_count(&t) + 1, fv_dtype_size(t.dtype));
    return t;
}

static void print_range(const fv_value_info *v, const fv_tensor *t)
{
    const float *x = t->data;
    int64_t n = fv_tensor_count(t);
    float low = n ? x[0] : 0, high = low;
    for (int64_t i = 1; i < n; i++) {
        if (x[i] < low) low = x[i];
        if (x[i] > high) high = x[i];
    }
    printf("%-12s %-40s %g to %g\n", v->op, v->port.name, low, high);
}

int main(int argc, char **argv)
{
    fv_error err = {0};
    fv_context *ctx = NULL;
    fv_model *model = NULL;
    fv_session *session = NULL;
    const fv_port *in;
    fv_value_info v;
    if (argc != 2) {
        fprintf(stderr, "usage: look_inside MODEL.onnx\n");
        return 2;
    }
    fv_status st = fv_context_create(&ctx, NULL, &err);
    if (st >= 0) st = fv_model_load(&model, ctx, argv[1], NULL, &err);
    if (st >= 0) st = fv_session_create(&session, model, FV_SESSION_OPTIONS(.observe = 1), &err);
    int inputs = st >= 0 ? fv_session_inputs(session, &in) : 0;
    for (int i = 0; i < inputs && st >= 0; i++) { /* anything will do here: a ramp from 0 to 1 */
        fv_tensor t = tensor_for(&in[i]);
        int64_t n = fv_tensor_count(&t);
        for (int64_t k = 0; k < n && t.dtype == FV_F32; k++) ((float *)t.data)[k] = (float)k / (float)n;
        st = fv_session_set_input(session, i, &t, &err);
        free(t.data);
    }
    if (st >= 0) st = fv_session_run(session);
    for (int i = 0; st >= 0 && fv_session_value(session, i, &v) == FV_OK; i++) {
        if (v.port.dtype != FV_F32) continue;
        fv_tensor t = tensor_for(&v.port);
        st = fv_session_get_value(session, i, &t, &err);
        if (st >= 0) print_range(&v, &t);
        free(t.data);
    }
    if (st < 0) fprintf(stderr, "look_inside: %s\n", err.text[0] ? err.text : fv_status_text(st));
    fv_session_free(&session);
    fv_model_free(&model);
    fv_context_free(&ctx);
    return st < 0;
}
