/* program.c: the small program that install.sh builds against the installed library. */
#include <fovea/fovea.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
    fv_context *ctx;
    fv_error err = {0};
    if (strcmp(fv_version(), FV_VERSION) != 0) return 1;
    if (fv_context_create(&ctx, FV_CONTEXT_OPTIONS(.threads = 2), &err) != FV_OK) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    fv_model *model;
    fv_status s = fv_model_load(&model, ctx, "missing.onnx", NULL, &err);
    int ok = s < 0 && !model && err.text[0] && fv_context_threads(ctx) == 2;
    printf("fovea %s on %s: %s\n", fv_version(), fv_context_cpu_name(ctx), err.text);
    fv_context_free(&ctx);
    return ok ? 0 : 1;
}
