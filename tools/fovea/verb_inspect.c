/* verb_inspect.c: what is in a model file: ports, metadata, operators, the head that predict would use, steps and memory. */
#include "models.h"
#include "ports.h"
#include <fovea/detect.h>
#include <fovea/engine.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Text from the file never reaches the terminal unescaped. */
static void put(const char *s)
{
    text t = {0};
    text_terminal(&t, s ? s : "");
    fputs(t.s ? t.s : "", stdout);
    text_free(&t);
}

static void print_line(const char *title, const char *value)
{
    printf("%-11s", title);
    put(value);
    putchar('\n');
}

static void print_ports(const char *title, const fv_port *ports, int n)
{
    for (int i = 0; i < n; i++) {
        text shape = {0};
        port_shape(&shape, &ports[i], 'x');
        printf("%-11s", i ? "" : title);
        put(ports[i].name);
        printf(" %s %s\n", fv_dtype_name(ports[i].dtype), shape.s);
        text_free(&shape);
    }
}

static void print_metadata(const fv_model *m)
{
    const char *key, *value;
    for (int i = 0, shown = 0; (value = fv_model_meta_at(m, i, &key)); i++) {
        if (!strcmp(key, "card")) continue; /* printed by itself */
        printf("%-11s", shown++ ? "" : "metadata");
        put(key);
        fputs(" = ", stdout);
        size_t n = strlen(value);
        char *cut = tool_strdup(value);
        if (n > 160) cut[160] = 0; /* a list of names; --metadata shows all of it */
        put(cut);
        puts(n > 160 ? " ..." : "");
        free(cut);
    }
}

typedef struct op_count {
    char name[40];
    int n;
} op_count;

static int by_count(const void *x, const void *y)
{
    const op_count *a = x, *b = y;
    return a->n != b->n ? b->n - a->n : strcmp(a->name, b->name);
}

static void count_op(op_count *ops, int *n, int most, const char *name, size_t len)
{
    int i = 0;
    if (len >= sizeof ops->name) return;
    while (i < *n && (strlen(ops[i].name) != len || memcmp(ops[i].name, name, len) != 0)) i++;
    if (i == most) return;
    if (i == *n) {
        memcpy(ops[i].name, name, len);
        (*n)++;
    }
    ops[i].n++;
}

/* One line a node: "name: float32[1,2] = Op(...". The dump is the one view of the nodes that the library gives. */
static void print_ops(const char *title, const char *dump)
{
    enum { MOST = 128 };
    op_count ops[MOST] = {{{0}, 0}};
    int n = 0;
    for (const char *line = dump; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        static const char *const others[] = {"graph ", "input ", "const ", "output "};
        bool node = *line != 0;
        for (int i = 0; i < 4; i++) node = node && strncmp(line, others[i], strlen(others[i])) != 0;
        size_t end = strcspn(line, "\n");
        const char *op = node ? memmem(line, end, "] = ", 4) : NULL;
        if (op) count_op(ops, &n, MOST, op + 4, strspn(op + 4, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"));
    }
    qsort(ops, (size_t)n, sizeof *ops, by_count);
    printf("%-11s", title);
    int width = 11;
    for (int i = 0; i < n; i++) {
        char item[64];
        int len = snprintf(item, sizeof item, "%s%s %d", i ? ", " : "", ops[i].name, ops[i].n);
        if (width + len > 100) {
            printf(",\n%11s%s", "", item + 2);
            width = 11 + len - 2;
        } else {
            fputs(item, stdout);
            width += len;
        }
    }
    puts(n ? "" : "none");
}

static fv_status print_dump(const fv_model *m, int rewritten, bool as_counts, fv_error *err)
{
    char *dump;
    fv_status s = fv_model_dump(m, rewritten, &dump, err);
    if (s < 0) return s;
    if (as_counts)
        print_ops(rewritten ? "rewritten" : "operators", dump);
    else
        fputs(dump, stdout); /* escaped by the library */
    fv_string_free(&dump);
    return FV_OK;
}

static void print_head(fv_context *ctx, fv_model *m)
{
    fv_detector *d;
    fv_error err = {0};
    if (fv_detector_create(&d, ctx, m, NULL, &err) < 0) {
        printf("%-11snone: ", "head");
        put(err.text[0] ? err.text : fv_status_text(err.status));
        putchar('\n');
        return;
    }
    int w, h, classes = fv_detector_class_count(d);
    fv_detector_input_size(d, &w, &h);
    print_line("head", fv_detector_rule(d));
    printf("%-11s%dx%d pictures, %d classes:", "", w, h, classes);
    for (int i = 0; i < classes && i < 8; i++) {
        fputs(i ? ", " : " ", stdout);
        put(fv_detector_class_name(d, i));
    }
    puts(classes > 8 ? ", ..." : "");
    fv_detector_free(&d);
}

static void print_batch(fv_model *m, const fv_port *wanted)
{
    fv_session *two = NULL;
    fv_error err = {0};
    const fv_port *in;
    int n = fv_model_inputs(m, &in);
    fv_port *shapes = tool_alloc(((size_t)n + 1) * sizeof *shapes);
    for (int i = 0; i < n; i++) {
        shapes[i] = wanted[i];
        if (shapes[i].rank > 0) shapes[i].dim[0] = 2;
    }
    fv_status s = ports_session(&two, m, shapes, 2, 0, &err);
    print_line("batch", s < 0 ? err.text : "any: several inputs can be run at once");
    fv_session_free(&two);
    free(shapes);
}

static void print_steps(const fv_session *s)
{
    fv_step_info i;
    printf("\n%4s %9s  %-24s %-18s %s\n", "step", "GFLOP", "implementation", "output", "name");
    for (int n = 0; fv_session_step(s, n, &i) == FV_OK; n++) {
        printf("%4d %9.4f  %-24s %-18s ", n, i.gflop, i.tactic ? i.tactic : i.op ? i.op : "", i.shape);
        put(i.name);
        putchar('\n');
    }
}

/* A model that brings its own description (the built-in ones do) begins with it. */
static void print_card(const fv_model *m)
{
    const char *card = fv_model_meta(m, "card");
    for (const char *line = card; line && *line;) {
        size_t n = strcspn(line, "\n");
        char *copy = tool_strdup(line);
        copy[n] = 0;
        put(copy);
        putchar('\n');
        free(copy);
        line += n + (line[n] == '\n');
    }
    if (card && *card) putchar('\n');
}

/* What needs shapes: steps, memory, batches, the rewritten graph. A model that cannot be planned is still shown. */
static int print_plan(const cli_args *a, fv_context *ctx, fv_model *m)
{
    fv_port *wanted;
    fv_session *s = NULL;
    fv_error err = {0};
    int code = ports_wanted(a, m, &wanted);
    if (code) return code;
    if (ports_settle(m, wanted) >= 0) {
        print_line("steps", "not planned: the model leaves shapes open; give --shapes");
        print_head(ctx, m);
        free(wanted);
        return EXIT_OK;
    }
    fv_status st = ports_session(&s, m, wanted, (int)cli_int(a, "batch", 0), 0, &err);
    if (st == FV_ERR_MODEL && fv_engine_info(m, "version"))
        print_line("steps", err.text); /* no weights: what there is was printed */
    else if (st < 0)
        code = cli_fail(a, st, &err);
    else {
        fv_session_info info;
        fv_session_get_info(s, &info);
        printf("%-11s%d, %.3f GFLOP, %.1f MB activations, %.1f MB weights, planned in %.1f ms (%s)\n", "steps", info.steps, info.gflop,
               (double)info.arena_bytes / 1e6, (double)info.weight_bytes / 1e6, info.plan_ms, fv_context_cpu_level(ctx));
        print_batch(m, wanted);
        print_head(ctx, m);
        if (cli_on(a, "steps")) print_steps(s);
    }
    fv_session_free(&s);
    free(wanted);
    return code;
}

/* What it computes in, and what stays FP32 where that is mixed. */
static void print_precision(const fv_model *m)
{
    const char *node, *why;
    printf("%-11s%s: %s\n", "precision", fv_model_precision(m), fv_model_precision_reason(m));
    for (int i = 0; (node = fv_model_kept(m, i, &why)); i++) {
        printf("%-11s", i ? "" : "fp32 nodes");
        put(node);
        printf(": %s\n", why);
    }
}

/* What an engine file says of itself, and its parts. */
static void print_engine(const fv_model *m)
{
    const char *key, *value, *what, *level;
    int64_t bytes;
    puts("format     engine file of fovea");
    for (int i = 0; (value = fv_engine_info_at(m, i, &key)); i++)
        if (value[0]) {
            fputs("           ", stdout);
            put(key);
            fputs(" = ", stdout);
            put(value);
            putchar('\n');
        }
    for (int i = 0; fv_engine_part_at(m, i, &what, &level, &bytes) == FV_OK; i++) {
        printf("%-11s%s", i ? "" : "parts", what);
        if (level) fputs(" for ", stdout), put(level);
        printf(", %lld bytes\n", (long long)bytes);
    }
}

static void print_model(const char *path, const fv_model *m)
{
    const fv_port *ports;
    fv_model_info info;
    fv_model_get_info(m, &info);
    printf("%-11s", "file");
    put(path);
    puts(models_builtin(path) ? ", built in" : "");
    print_line("graph", info.graph_name);
    print_line("producer", info.producer);
    if (fv_engine_info(m, "version"))
        print_engine(m);
    else
        printf("%-11sONNX, IR version %lld, opset %d\n", "format", (long long)info.ir_version, info.opset);
    int n = fv_model_inputs(m, &ports);
    print_ports("inputs", ports, n);
    n = fv_model_outputs(m, &ports);
    print_ports("outputs", ports, n);
    print_metadata(m);
    printf("%-11s%lld, %.1f MB\n", "parameters", (long long)info.parameters, (double)info.weight_bytes / 1e6);
    printf("%-11s%d imported, %d after rewriting\n", "nodes", info.nodes_imported, info.nodes_final);
    print_precision(m);
}

static void print_all_metadata(const fv_model *m)
{
    const char *key, *value;
    for (int i = 0; (value = fv_model_meta_at(m, i, &key)); i++) {
        put(key);
        fputs(" = ", stdout);
        put(value);
        putchar('\n');
    }
}

static int run(const cli_args *a)
{
    fv_context *ctx;
    fv_model *m;
    fv_error err = {0};
    int code = ports_load(a, &ctx, &m);
    if (code) return code;
    fv_status s = FV_OK;
    if (cli_on(a, "metadata"))
        print_all_metadata(m);
    else if (cli_on(a, "graph") || cli_on(a, "rewritten"))
        s = print_dump(m, cli_on(a, "rewritten"), false, &err);
    else {
        char *place = models_find(cli_positional(a, 0));
        print_card(m);
        print_model(place ? place : cli_positional(a, 0), m);
        free(place);
        s = print_dump(m, 0, true, &err);
        if (s >= 0) code = print_plan(a, ctx, m);
    }
    if (s < 0) code = cli_fail(a, s, &err);
    fv_model_free(&m);
    fv_context_free(&ctx);
    return code;
}

static const cli_flag flags[] = {
    {"graph", NULL, "only the graph as it was imported, one line a node", CLI_SWITCH},
    {"rewritten", NULL, "only the graph that is run", CLI_SWITCH},
    {"metadata", NULL, "only the metadata, in full", CLI_SWITCH},
    {"steps", NULL, "every step with its implementation", CLI_SWITCH},
    {"batch", "N", "first dimension of every input (as declared)", CLI_INT, 1, 4096},
    {"shapes", "NAME:1x3x640x640", "shape of an input; again for each (as declared)"},
    {0}};

const cli_verb cli_verb_inspect = {
    .name = "inspect",
    .job = "what is in a model: ports, metadata, operators, head, steps, memory",
    .usage = "FILE [flags]",
    .example = "fovea inspect yolov8n.onnx\nfovea inspect yolov8n.onnx --rewritten | less\nfovea inspect person",
    .groups = {{"what to show", flags}, {"computing", cli_flags_compute}},
    .positional = "model",
    .words = "FILE|person|mark|fill",
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
