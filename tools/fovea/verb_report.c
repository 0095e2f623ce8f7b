/* verb_report.c: `fovea report`: run files -> one HTML page. Listed in main.c. */
#include "cli.h"
#include "text.h"
#include <fovea/report.h>
#include <stdlib.h>
#include <string.h>

#define MAX_RUN_FILE ((size_t)64 << 20)

static const cli_flag flags[] = {
    {"output", "R.html", "the page; - = stdout", .alias = "o"},
    {"builds", NULL, "files of bench, build, val and quantize (--json): precisions of a model side by side", CLI_SWITCH},
    {"overwrite", NULL, "replace a page that exists (it is refused)", CLI_SWITCH},
    {0}};

/* What makes runs different: their paths from where they part. */
static const char *label(const cli_args *a, int i)
{
    const char *path = cli_positional(a, i), *slash = strrchr(path, '/'), *name = slash && slash[1] ? slash + 1 : path;
    for (int k = 0; k < cli_positionals(a); k++) {
        const char *other = cli_positional(a, k), *s = strrchr(other, '/');
        if (k != i && !strcmp(s && s[1] ? s + 1 : other, name)) return path;
    }
    return name;
}

static int report(const cli_args *a)
{
    fv_error err = {0};
    int n = cli_positionals(a);
    const char *path = cli_text(a, "output");
    if (!path) return cli_usage(a, "where to? give -o R.html");
    fv_status st = cli_check_output(a, path, &err);
    char **runs = tool_alloc((size_t)n * sizeof *runs), *html = NULL;
    const char **labels = tool_alloc((size_t)n * sizeof *labels);
    for (int i = 0; i < n && st >= 0; i++) {
        size_t size;
        labels[i] = label(a, i);
        st = cli_read_file(cli_positional(a, i), MAX_RUN_FILE, &runs[i], &size, &err);
    }
    if (st >= 0) st = (cli_on(a, "builds") ? fv_report_builds_html : fv_report_html)(&html, (const char *const *)runs, labels, n, &err);
    if (st >= 0) st = cli_write_file(path, html, strlen(html), &err);
    fv_string_free(&html);
    for (int i = 0; i < n; i++) free(runs[i]);
    free(runs);
    free(labels);
    return st < 0 ? cli_fail(a, st, &err) : EXIT_OK;
}

const cli_verb cli_verb_report = {
    .name = "report",
    .job = "make the HTML page of one run, or of several side by side",
    .usage = "RUN.json... -o R.html",
    .details = "RUN.json is what --run wrote. Ratios are to the first run. With --builds the files are what bench, build, val and\n"
               "quantize wrote with --json, told apart by their precision; ratios are to fp32:\n"
               "fovea report --builds bench32.json val32.json bench8.json val8.json -o builds.html",
    .example = "fovea report before.json after.json -o report.html",
    .groups = {{"output", flags}},
    .positional = "run",
    .min_args = 1,
    .max_args = 32,
    .run = report,
};
