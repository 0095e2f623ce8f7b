/* cli_args.c: the words after the verb -> values of the verb's flags. Everything is checked here (unknown flag, missing
 * value, number out of range, word not in the list), so that a verb only reads. */
#include "cli.h"
#include "cli_args.h"
#include "text.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const cli_flag cli_flags_compute[] = {
    {"device", "auto|cpu|null|cuda[:N]", "where to compute (auto); null computes nothing"},
    {"precision", "auto|fp32|fp16|bf16|int8|fp8", "arithmetic (auto: the fastest that is allowed)", CLI_CHOICE},
    {"calib", "DIR|F.calib", "int8 for a float model: what to calibrate on, or a cache of `fovea quantize`; kept"},
    {"half", NULL, "the same as --precision fp16", CLI_SWITCH},
    {"threads", "N", "threads that compute (all CPUs this process may use)", CLI_INT, 1, 256},
    {"cpu", "LEVELS", "CPU levels that may be used, such as c,avx2 (all the machine has)"},
    {"memory-limit", "MB", "most memory that a model, and each of its sessions, may take (half of the machine's)", CLI_INT, 1, 1e9},
    {"timingCacheFile", "F", "remembered timings ($XDG_CACHE_HOME/fovea/timing.cache)", .alias = "timing-cache-file"},
    {"builderOptimizationLevel", "0..5", "time implementations that are not remembered: 0 never, 5 longest", CLI_INT, 0, 5, "builder-optimization-level"},
    {"errorOnTimingCacheMiss", NULL, "fail when something is not remembered", CLI_SWITCH, .alias = "error-on-timing-cache-miss"},
    {0}};
const cli_flag cli_flags_output[] = {
    {"overwrite", NULL, "replace outputs that exist (they are refused)", CLI_SWITCH},
    {"run", "RUN.json", "write all figures of the run, which `fovea report` reads"},
    {"report", "R.html", "write the report of this run at once"},
    {0}};
const cli_flag cli_flags_talk[] = {
    {"quiet", NULL, "say nothing but warnings and errors", CLI_SWITCH},
    {"progress", "auto|bar|json|none", "progress on stderr (auto: a bar on a terminal)", CLI_CHOICE},
    {"log-level", "error|warning|info|debug", "messages of the library on stderr (warning)", CLI_CHOICE},
    {"help", NULL, "show this", CLI_SWITCH, .alias = "h"},
    {0}};

bool cli_same_name(const char *a, size_t n, const char *name)
{
    if (!name || strlen(name) != n) return false;
    for (size_t i = 0; i < n; i++)
        if ((a[i] == '_' ? '-' : a[i]) != (name[i] == '_' ? '-' : name[i])) return false;
    return n > 0;
}

/* Calls `visit` for every flag of the verb, the common ones last; stops when it returns true. */
const cli_flag *cli_each_flag(const cli_verb *v, bool (*visit)(const cli_flag *, void *), void *user)
{
    for (int g = 0; g <= (int)(sizeof v->groups / sizeof *v->groups); g++) {
        bool own = g < (int)(sizeof v->groups / sizeof *v->groups) && v->groups[g].title;
        for (const cli_flag *f = own ? v->groups[g].flags : cli_flags_talk; f->name; f++)
            if (visit(f, user)) return f;
        if (!own) break;
    }
    return NULL;
}

typedef struct span {
    const char *s;
    size_t n;
} span;
static bool is_called(const cli_flag *f, void *user)
{
    const span *w = user;
    return cli_same_name(w->s, w->n, f->name) || cli_same_name(w->s, w->n, f->alias);
}
static const cli_flag *find_flag(const cli_verb *v, const char *name, size_t n) { return cli_each_flag(v, is_called, &(span){name, n}); }

bool cli_knows(const cli_args *a, const char *name) { return find_flag(a->verb, name, strlen(name)) != NULL; }

static void add_value(cli_args *a, const cli_flag *f, const char *value)
{
    if (a->n_values == a->cap_values) {
        int cap = a->cap_values * 2 + 16;
        cli_value *bigger = tool_alloc((size_t)cap * sizeof *bigger);
        if (a->n_values) memcpy(bigger, a->values, (size_t)a->n_values * sizeof *bigger);
        free(a->values);
        a->values = bigger;
        a->cap_values = cap;
    }
    a->values[a->n_values++] = (cli_value){f, value};
}

static const char *const true_words[] = {"true", "True", "1", "yes", "on"}, *const false_words[] = {"false", "False", "0", "no", "off"};
static bool among(const char *word, const char *const *words)
{
    for (int i = 0; i < 5; i++)
        if (strcmp(word, words[i]) == 0) return true;
    return false;
}

/* How a flag is written: one dash for a letter. */
static const char *dashes(const cli_flag *f) { return strlen(f->name) == 1 ? "-" : "--"; }

bool cli_is_choice(const char *choices, const char *word)
{
    size_t n = strlen(word);
    for (const char *c = choices; c; c = strchr(c, '|') ? strchr(c, '|') + 1 : NULL)
        if (strcspn(c, "|") == n && memcmp(c, word, n) == 0 && n > 0) return true;
    return false;
}

static int check_number(const cli_args *a, const cli_flag *f, const char *value)
{
    char *end;
    errno = 0;
    double v = f->kind == CLI_INT ? (double)strtoll(value, &end, 10) : strtod(value, &end);
    if (end == value || *end || errno || !isfinite(v))
        return cli_usage(a, "%s%s needs %s, not '%s'", dashes(f), f->name, f->kind == CLI_INT ? "a whole number" : "a number", value);
    if (f->max > f->min && (v < f->min || v > f->max))
        return cli_usage(a, "%s%s %s: must be from %.15g to %.15g", dashes(f), f->name, value, f->min, f->max);
    return 0;
}

static int store(cli_args *a, const cli_flag *f, const char *value)
{
    if (f->kind == CLI_SWITCH && !among(value, true_words) && !among(value, false_words))
        return cli_usage(a, "%s%s is a switch: true or false, not '%s'", dashes(f), f->name, value);
    if (f->kind == CLI_CHOICE && !cli_is_choice(f->value, value)) return cli_usage(a, "%s%s %s: must be one of %s", dashes(f), f->name, value, f->value);
    if (f->kind == CLI_INT || f->kind == CLI_REAL) {
        int e = check_number(a, f, value);
        if (e) return e;
    }
    add_value(a, f, value);
    return 0;
}

typedef struct word_list {
    const char **words;
    int n, cap;
} word_list;
static bool add_word(const cli_flag *f, void *user)
{
    word_list *l = user;
    if (l->n < l->cap && strlen(f->name) > 1) l->words[l->n++] = f->name;
    return false;
}

static int unknown(const cli_args *a, const char *before, const char *name, size_t n)
{
    const char *words[160];
    word_list list = {words, 0, 160};
    cli_each_flag(a->verb, add_word, &list);
    char asked[80];
    snprintf(asked, sizeof asked, "%.*s", (int)(n < 79 ? n : 79), name);
    const char *close = cli_closest(asked, words, list.n);
    if (close) return cli_usage(a, "unknown flag %s%s; did you mean --%s?", before, asked, close);
    return cli_usage(a, "unknown flag %s%s", before, asked);
}

static int add_positional(cli_args *a, const char *word)
{
    if (a->verb->max_args >= 0 && a->n_positionals >= a->verb->max_args)
        return cli_usage(a, "unexpected '%s'; usage: fovea %s%s%s", word, a->verb->name, a->verb->usage[0] ? " " : "", a->verb->usage);
    a->positionals[a->n_positionals++] = word;
    return 0;
}

/* "--name", "--name=value", "-o value". `next` is the word after it or null; *used tells that it was taken. */
static int parse_flag(cli_args *a, const char *word, const char *next, bool *used)
{
    bool is_long = word[1] == '-';
    const char *name = word + (is_long ? 2 : 1), *value = strchr(name, '=');
    size_t n = value ? (size_t)(value - name) : strlen(name);
    const cli_flag *f = is_long || n == 1 ? find_flag(a->verb, name, n) : NULL;
    if (!f && is_long && cli_same_name(name, n, a->verb->positional)) {
        if (!value && !next) return cli_usage(a, "--%.*s needs a value", (int)n, name);
        *used = !value;
        return add_positional(a, value ? value + 1 : next);
    }
    if (!f) return unknown(a, is_long ? "--" : "-", name, n);
    if (value) return store(a, f, value + 1);
    if (f->kind == CLI_SWITCH) return store(a, f, "true");
    bool next_is_flag = next && next[0] == '-' && next[1] == '-' && find_flag(a->verb, next + 2, strcspn(next + 2, "="));
    if (!next || next_is_flag) return cli_usage(a, "%s%s needs a value: %s", dashes(f), f->name, f->value ? f->value : "VALUE");
    *used = true;
    return store(a, f, next);
}

/* "key=value" as other tools write it, unless there is such a file or the key cannot be a name (a URL, a path). */
static int parse_word(cli_args *a, const char *word)
{
    const char *value = strchr(word, '=');
    size_t n = value ? (size_t)(value - word) : 0;
    if (n == 0 || strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_:-") < n || access(word, F_OK) == 0)
        return add_positional(a, word);
    const cli_flag *f = find_flag(a->verb, word, n);
    if (f) return store(a, f, value + 1);
    if (cli_same_name(word, n, a->verb->positional)) return add_positional(a, value + 1);
    return unknown(a, "", word, n);
}

int cli_parse(cli_args *a, const cli_verb *v, int argc, char **argv)
{
    a->verb = v;
    a->positionals = tool_alloc(((size_t)argc + 1) * sizeof *a->positionals);
    bool flags_over = false;
    for (int i = 0; i < argc; i++) {
        const char *w = argv[i];
        bool used = false;
        int e;
        if (flags_over || w[0] != '-' || !w[1])
            e = flags_over ? add_positional(a, w) : parse_word(a, w);
        else if (strcmp(w, "--") == 0)
            e = 0, flags_over = true;
        else
            e = parse_flag(a, w, i + 1 < argc ? argv[i + 1] : NULL, &used);
        if (e) return e;
        i += used;
    }
    if (cli_on(a, "help")) return 0;
    if (a->n_positionals < v->min_args) return cli_usage(a, "something is missing; usage: fovea %s %s", v->name, v->usage);
    return 0;
}

void cli_args_free(cli_args *a)
{
    free(a->values);
    free(a->positionals);
    free(a->command);
    *a = (cli_args){0};
}

static const cli_flag *must_find(const cli_args *a, const char *name)
{
    const cli_flag *f = find_flag(a->verb, name, strlen(name));
    if (f) return f;
    fprintf(stderr, "fovea %s: bug: asks for a flag that it does not list: --%s\n", a->verb->name, name);
    abort();
}

int cli_count(const cli_args *a, const char *name)
{
    const cli_flag *f = must_find(a, name);
    int n = 0;
    for (int i = 0; i < a->n_values; i++) n += a->values[i].flag == f;
    return n;
}

const char *cli_nth(const cli_args *a, const char *name, int n)
{
    const cli_flag *f = must_find(a, name);
    for (int i = 0; i < a->n_values; i++)
        if (a->values[i].flag == f && n-- == 0) return a->values[i].text;
    return NULL;
}

const char *cli_text(const cli_args *a, const char *name)
{
    int n = cli_count(a, name);
    return n ? cli_nth(a, name, n - 1) : NULL;
}

bool cli_given(const cli_args *a, const char *name) { return cli_count(a, name) > 0; }

const char *cli_text_or(const cli_args *a, const char *name, const char *otherwise)
{
    const char *s = cli_text(a, name);
    return s ? s : otherwise;
}

int64_t cli_int(const cli_args *a, const char *name, int64_t otherwise)
{
    const char *s = cli_text(a, name);
    return s ? strtoll(s, NULL, 10) : otherwise;
}

double cli_real(const cli_args *a, const char *name, double otherwise)
{
    const char *s = cli_text(a, name);
    return s ? strtod(s, NULL) : otherwise;
}

bool cli_on(const cli_args *a, const char *name)
{
    const char *s = cli_text(a, name);
    return s && among(s, true_words);
}

int cli_positionals(const cli_args *a) { return a->n_positionals; }
const char *cli_positional(const cli_args *a, int i) { return i >= 0 && i < a->n_positionals ? a->positionals[i] : NULL; }
const char *cli_command(const cli_args *a) { return a->command; }
int cli_tune_level(const cli_args *a) { return a->verb->tune; }
const char *cli_verb_name(const cli_args *a) { return a->verb->name; }
