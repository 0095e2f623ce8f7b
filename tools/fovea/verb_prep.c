/* verb_prep.c: pictures in, one tensor file out, the fastest way there is. What is asked is checked here; prep_run.c does it. */
#include "prep.h"
#include "text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int parse_size(const cli_args *a, fv_prep_options *o)
{
    const char *v = cli_text_or(a, "size", "224");
    char *end;
    long w = strtol(v, &end, 10), h = w;
    if (end != v && (*end == 'x' || *end == 'X')) {
        const char *second = end + 1;
        h = strtol(second, &end, 10);
        if (end == second) w = 0;
    }
    if (*end || w < 1 || h < 1 || w > 16384 || h > 16384) return cli_usage(a, "--size %s: it is written N or WxH, from 1 to 16384", v);
    o->width = (int)w;
    o->height = (int)h;
    return 0;
}

static int parse_fit(const cli_args *a, fv_prep_options *o)
{
    const char *v = cli_text_or(a, "fit", "stretch");
    char *end = NULL;
    if (!strcmp(v, "letterbox")) o->fit = FV_PREP_LETTERBOX;
    else if (!strcmp(v, "crop")) o->fit = FV_PREP_CROP;
    else if (!strncmp(v, "multiple:", 9)) {
        o->fit = FV_PREP_MULTIPLE;
        o->multiple = (int)strtol(v + 9, &end, 10);
        if (*end || o->multiple < 1 || o->multiple > 1024) return cli_usage(a, "--fit %s: after multiple: comes a number from 1 to 1024", v);
    } else if (strcmp(v, "stretch")) return cli_usage(a, "--fit %s: must be stretch, letterbox, crop or multiple:N", v);
    o->inside = !strcmp(cli_text_or(a, "bound", "lower"), "upper");
    if (cli_given(a, "bound") && o->fit != FV_PREP_MULTIPLE) return cli_usage(a, "--bound belongs to --fit multiple:N");
    if (cli_given(a, "pad-value") && o->fit != FV_PREP_LETTERBOX) return cli_usage(a, "--pad-value belongs to --fit letterbox");
    o->pad = (float)cli_real(a, "pad-value", 114);
    if (o->pad <= 0) o->pad = -1;
    return 0;
}

static int parse_three(const cli_args *a, const char *flag, float v[3])
{
    const char *s = cli_text(a, flag);
    for (int c = 0; c < 3; c++) {
        char *end;
        v[c] = strtof(s, &end);
        if (end == s || *end != (c < 2 ? ',' : 0)) return cli_usage(a, "--%s %s: it is three numbers, R,G,B, in 0..1", flag, cli_text(a, flag));
        s = end + 1;
    }
    return 0;
}

/* "512M", "2G", bytes */
static int parse_memory(const cli_args *a, fv_prep_options *o)
{
    const char *v = cli_text(a, "max-memory"), *units = "KMGT";
    if (!v) return 0;
    char *end;
    double n = strtod(v, &end);
    const char *u = *end ? strchr(units, *end & ~0x20) : NULL;
    if (end == v || !(n > 0) || (*end && (!u || end[1]))) return cli_usage(a, "--max-memory %s: it is written 512M or 2G", v);
    for (const char *k = units; u && k <= u; k++) n *= 1024;
    if (n > 1e15) return cli_usage(a, "--max-memory %s: no machine has so much", v);
    o->max_memory = (int64_t)n;
    return 0;
}

static int parse(prep_job *j)
{
    const cli_args *a = j->a;
    fv_prep_options *o = &j->o;
    static const fv_dtype types[] = {FV_F32, FV_F16, FV_BF16, FV_U8};
    static const char *const type_words[] = {"fp32", "fp16", "bf16", "u8"}, *const filters[] = {"bicubic", "bilinear", "area"}, *const errors[] = {"skip", "zero", "stop"};
    *o = (fv_prep_options){.size = sizeof *o, .strategy = cli_text_or(a, "strategy", "auto"), .no_antialias = cli_on(a, "no-antialias"), .bgr = cli_on(a, "bgr")};
    for (int i = 0; i < 4; i++)
        if (!strcmp(cli_text_or(a, "dtype", "fp32"), type_words[i])) o->dtype = types[i];
    for (int i = 0; i < 3; i++) {
        if (!strcmp(cli_text_or(a, "filter", "bicubic"), filters[i])) o->filter = (fv_prep_filter)i;
        if (!strcmp(cli_text_or(a, "on-error", "skip"), errors[i])) j->on_error = (prep_on_error)i;
    }
    o->nhwc = !strcmp(cli_text_or(a, "layout", "nchw"), "nhwc");
    o->stop_at_error = j->on_error == PREP_STOP;
    o->max_pixels = cli_int(a, "max-pixels", 0);
    int code = parse_size(a, o);
    if (!code) code = parse_fit(a, o);
    if (!code) code = parse_memory(a, o);
    if (code) return code;
    if (cli_given(a, "mean") != cli_given(a, "std")) return cli_usage(a, "--mean and --std go together");
    if (!cli_given(a, "mean")) return 0;
    code = parse_three(a, "mean", j->mean);
    if (!code) code = parse_three(a, "std", j->std);
    o->mean = j->mean;
    o->std = j->std;
    return code;
}

static void add_names(prep_job *j, char **names, int n)
{
    char **all = tool_alloc((size_t)(j->n + n + 1) * sizeof *all);
    if (j->n) memcpy(all, j->files, (size_t)j->n * sizeof *all);
    for (int i = 0; i < n; i++) all[j->n + i] = tool_strdup(names[i]);
    free(j->files);
    j->files = all;
    j->n += n;
}

/* Files, folders, globs and lists -> files. 0, or an exit code. */
static int expand(prep_job *j)
{
    for (int i = 0; i < cli_positionals(j->a); i++) {
        const char *src = cli_positional(j->a, i);
        char **names;
        int n;
        fv_error err = {0};
        fv_status s = j->media->expand(src, &names, &n, &err);
        if (s < 0 && j->on_error == PREP_STOP) return cli_fail(j->a, s, &err);
        if (s < 0) {
            prep_fail(j, src, err.text);
            continue;
        }
        add_names(j, names, n);
        j->media->names_free(&names, n);
    }
    return 0;
}

static int check_outputs(const prep_job *j)
{
    fv_error err = {0};
    const char *why = tensor_format_refuses(tensor_format_of(j->path), j->o.dtype), *json = cli_text(j->a, "json");
    if (why) return cli_usage(j->a, "-o %s: %s", j->path, why);
    if (!strcmp(j->path, "-")) return cli_usage(j->a, "-o -: the tensor needs a file; give it a name");
    fv_status s = cli_check_output(j->a, j->path, &err);
    if (s >= 0 && json) s = cli_check_output(j->a, json, &err);
    return s < 0 ? cli_fail(j->a, s, &err) : 0;
}

static int prepare(prep_job *j)
{
    fv_error err = {0};
    fv_status s = cli_context(j->a, &j->ctx, &err);
    if (s >= 0 && !(j->media = cli_media(&err))) s = err.status;
    if (s >= 0) s = fv_prep_create(&j->prep, j->ctx, j->media, &j->o, &err);
    if (s == FV_ERR_ARGUMENT) return cli_usage(j->a, "%s", err.text);
    return s < 0 ? cli_fail(j->a, s, &err) : 0;
}

static void finish(prep_job *j, char **files, int n)
{
    for (int s = 0; s < PREP_STAGES; s++) free(j->stage[s].ms);
    for (int i = 0; i < j->n_failures; i++) free(j->failures[i].why);
    for (int i = 0; i < n; i++) free(files[i]);
    free(j->failures);
    free(files);
    free(j->files);
    free(j->entries);
    fv_prep_free(&j->prep);
    fv_context_free(&j->ctx);
}

static int run(const cli_args *a)
{
    prep_job j = {.a = a, .path = cli_text(a, "o")};
    if (!j.path) return cli_usage(a, "-o OUT is missing: a .npy, .npz or .safetensors file, or any other name for raw bytes");
    int code = parse(&j);
    if (!code) code = check_outputs(&j);
    if (!code) code = prepare(&j);
    if (!code) code = expand(&j);
    char **all = tool_alloc((size_t)(j.n + 1) * sizeof *all); /* to free: the list of the job loses those that cannot be used */
    const int n = j.n;
    if (n) memcpy(all, j.files, (size_t)n * sizeof *all);
    cli_on_stop(cli_only_stop, NULL);
    if (!code) code = prep_run(&j);
    cli_on_stop(NULL, NULL);
    fv_error err = {0};
    if (!code) prep_report(&j);
    if (!code && cli_given(a, "json")) {
        fv_status s = prep_json(&j, cli_text(a, "json"), &err);
        if (s < 0) code = cli_fail(a, s, &err);
    }
    if (!code && !j.done) code = j.n_failures ? EXIT_INPUT : cli_error(a, EXIT_INPUT, "there is no picture to prepare");
    if (!code && j.n_failures) code = EXIT_PARTIAL;
    finish(&j, all, n);
    return code;
}

static const cli_flag shape_flags[] = {
    {"o", "OUT", "tensor file: .npy, .npz, .safetensors; any other name: raw bytes"},
    {"size", "N|WxH", "size of the tensor (224)"},
    {"fit", "stretch|letterbox|crop|multiple:N", "how a picture of another shape fits (stretch); multiple: own shape, sides multiples of N"},
    {"bound", "lower|upper", "multiple: sides at least (lower, the default) or at most --size", CLI_CHOICE},
    {"filter", "bicubic|bilinear|area", "resizing (bicubic)", CLI_CHOICE},
    {"no-antialias", NULL, "bicubic and bilinear as OpenCV: single pixels also where pictures shrink", CLI_SWITCH},
    {"mean", "R,G,B", "of 0..1 (ImageNet: 0.485,0.456,0.406)"},
    {"std", "R,G,B", "of 0..1 (ImageNet: 0.229,0.224,0.225)"},
    {"dtype", "fp32|fp16|bf16|u8", "type of the tensor (fp32); u8 is 0..255, not normalised", CLI_CHOICE},
    {"layout", "nchw|nhwc", "order of dimensions (nchw)", CLI_CHOICE},
    {"bgr", NULL, "blue first", CLI_SWITCH},
    {"pad-value", "V", "letterbox: padding in 0..255 (114)", CLI_REAL, 0, 255},
    {"overwrite", NULL, "replace outputs that exist (they are refused)", CLI_SWITCH},
    {"json", "F", "figures of the run: images, failed, images_per_second, strategy, reason, stages_ms"},
    {0}};
static const cli_flag run_flags[] = {
    {"strategy", "auto|cpu|scaled|hybrid|upload|gpu", "how JPEGs are decoded (auto: timed once, remembered)", CLI_CHOICE},
    {"on-error", "skip|zero|stop", "a picture that fails: leave it out (skip), zeros in its place, or no output at all", CLI_CHOICE},
    {"max-memory", "SIZE", "what pictures being decoded may take together, 512M or 2G (no limit)"},
    {"max-pixels", "N", "largest picture that is read (200000000)", CLI_INT, 1, 536870912},
    {"threads", "N", "threads that work (all CPUs this process may use)", CLI_INT, 1, 256},
    {"cpu", "LEVELS", "CPU levels that may be used, such as c,avx2 (all the machine has)"},
    {"timingCacheFile", "F", "remembered timings ($XDG_CACHE_HOME/fovea/timing.cache)", .alias = "timing-cache-file"},
    {"builderOptimizationLevel", "0..5", "0: take the strategy that is estimated, time nothing", CLI_INT, 0, 5, "builder-optimization-level"},
    {"errorOnTimingCacheMiss", NULL, "accepted for the sake of scripts: a strategy is never missing", CLI_SWITCH, .alias = "error-on-timing-cache-miss"},
    {0}};

const cli_verb cli_verb_prep = {
    .name = "prep",
    .job = "pictures to a tensor: decoded, resized, normalised",
    .usage = "SRC... -o OUT [flags]",
    .details = "SRC: pictures, folders, globs, lists of names (.txt). The tensor is [N,3,H,W], in the order of the pictures.\n"
               "A picture that cannot be read is named, and is no reason to stop (exit 9 when there is one).",
    .example = "fovea prep photos -o batch.npy --size 504\nfovea prep photos/*.jpg -o batch.safetensors --size 518 --fit multiple:14 --dtype fp16",
    .groups = {{"tensor", shape_flags}, {"work", run_flags}},
    .positional = "source",
    .min_args = 1,
    .max_args = -1,
    .tune = 3,
    .run = run,
};
