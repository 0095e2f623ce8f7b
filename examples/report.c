/* report.c: how fast a run was, stage by stage: figures as JSON and as an HTML page that needs nothing else.
 *
 *     cc report.c -o report $(pkg-config --cflags --libs libfovea)
 *     ./report yolov8n.onnx street.mp4 run.json report.html
 *
 * Several runs may be put into one page, which then compares them. */
#include <fovea/fovea.h>
#include <stdio.h>

static int save(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    int ok = f && fputs(text, f) >= 0;
    if (f && fclose(f)) ok = 0;
    if (!ok) perror(path);
    return ok;
}

int main(int argc, char **argv)
{
    fv_error err = {0};
    fv_context *ctx = NULL;
    fv_stream *stream = NULL;
    fv_result r;
    fv_metrics m;
    char *json = NULL, *html = NULL;
    if (argc != 5) {
        fprintf(stderr, "usage: report MODEL.onnx SOURCE RUN.json REPORT.html\n");
        return 2;
    }
    fv_status st = fv_context_create(&ctx, NULL, &err);
    if (st >= 0) st = fv_stream_open(&stream, FV_STREAM_OPTIONS(.model = argv[1], .source = argv[2], .ctx = ctx), &err);
    while (st >= 0 && (st = fv_stream_next(stream, &r, &err)) == FV_OK) continue;
    if (st >= 0) {
        fv_stream_metrics(stream, &m);
        printf("%lld frames, %.1f a second; %.2f ms in the network, %.2f ms from frame to result (p50)\n", (long long)m.processed, m.fps,
               m.stage[FV_STAGE_INFER].p50_ms, m.end_to_end.p50_ms);
        st = fv_report_run_json(&json,
                                &(fv_run_info){.verb = "report", .model = argv[1], .device = "cpu", .precision = "fp32", .machine = fv_context_cpu_name(ctx),
                                               .level = fv_context_cpu_level(ctx), .sources = (const char *const *)&argv[2], .n_sources = 1,
                                               .threads = fv_context_threads(ctx)},
                                &m, &err);
    }
    if (st >= 0) st = fv_report_html(&html, (const char *const *)&json, (const char *const *)&argv[3], 1, &err);
    if (st < 0) fprintf(stderr, "report: %s\n", err.text);
    int ok = st >= 0 && save(argv[3], json) && save(argv[4], html);
    fv_string_free(&json);
    fv_string_free(&html);
    fv_stream_close(&stream);
    fv_context_free(&ctx);
    return !ok;
}
