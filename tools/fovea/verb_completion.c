/* verb_completion.c: `fovea completion`: scripts that complete verbs, flags and their values in a shell, and the tables they
 * come from. The build installs the scripts and makes the manual pages from the tables, so none of them can differ from
 * `--help`. Listed in main.c. */
#include "cli_args.h"
#include "completion.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

void completion_words(const char *words, text *out)
{
    for (const char *w = words; w && *w; w += strcspn(w, "|"), w += *w == '|') {
        size_t n = strcspn(w, "|");
        bool plain = n > 0;
        for (size_t i = 0; i < n; i++) plain &= islower((unsigned char)w[i]) || isdigit((unsigned char)w[i]) || w[i] == '-' || w[i] == '_';
        plain &= w[0] != '-';
        if (plain) text_printf(out, "%s%.*s", out->len ? " " : "", (int)n, w);
    }
}

/* "F.json", "M.onnx", "NAME=F.npy", "F", "PATH": the value is called after the kind of file it is. */
static bool is_file(const char *value)
{
    const char *v = strchr(value, '=') ? strchr(value, '=') + 1 : value, *dot = strchr(v, '.');
    size_t n = strcspn(v, "|");
    if (dot && dot < v + n && islower((unsigned char)dot[1])) return true;
    return (n == 1 && *v == 'F') || (n == 4 && !strncmp(v, "FILE", 4)) || (n == 4 && !strncmp(v, "PATH", 4)) || (n == 5 && !strncmp(v, "MODEL", 5));
}

completion_kind completion_of(const cli_flag *f, text *words)
{
    text_clear(words);
    if (f->kind == CLI_SWITCH || !f->value) return COMPLETE_NONE;
    if (f->kind == CLI_INT || f->kind == CLI_REAL) return COMPLETE_ANY;
    if (!strncmp(f->value, "DIR", 3)) return COMPLETE_FOLDER;
    if (f->kind != CLI_CHOICE && is_file(f->value)) {
        completion_words(f->value, words);
        return COMPLETE_FILE;
    }
    if (strchr(f->value, '|') || f->kind == CLI_CHOICE) completion_words(f->value, words);
    return words->len ? COMPLETE_WORDS : COMPLETE_ANY;
}

void completion_positional(const cli_verb *v, text *words, bool *files)
{
    text_clear(words);
    completion_words(v->words, words);
    *files = v->max_args && (!v->words || is_file(v->words));
}

static const char *dashes(const char *name) { return strlen(name) == 1 ? "-" : "--"; }

void completion_names(const cli_flag *f, text *out)
{
    text_printf(out, "%s%s", dashes(f->name), f->name);
    if (f->alias && !f->alias[1]) text_printf(out, " -%s", f->alias); /* longer ones are for scripts of other tools */
}

typedef struct walk {
    const cli_verb *verb;
    void (*each)(const cli_verb *v, const cli_flag *f, text *out);
    text *out;
} walk;
static bool visit(const cli_flag *f, void *user)
{
    walk *w = user;
    w->each(w->verb, f, w->out);
    return false;
}
void completion_flags(const cli_verb *v, void (*each)(const cli_verb *v, const cli_flag *f, text *out), text *out)
{
    cli_each_flag(v, visit, &(walk){v, each, out});
}

/* ---- tables: a line is a kind and its fields, a tab between two; "-" = there is none ---- */

static void add_lines(text *out, const char *kind, const char *lines)
{
    for (const char *l = lines; l && *l;) {
        size_t n = strcspn(l, "\n");
        text_printf(out, "%s\t%.*s\n", kind, (int)n, l);
        l += n + (l[n] == '\n');
    }
}

static void add_table(const cli_verb *v, const cli_flag *f, text *out)
{
    static const char *const kinds[] = {"text", "int", "real", "switch", "choice"};
    (void)v;
    text_printf(out, "flag\t%s\t%s\t%s\t%s\t%s\n", f->name, f->alias ? f->alias : "-", kinds[f->kind], f->value ? f->value : "-", f->help);
}

static void add_group(text *out, const cli_verb *v, const char *title, const cli_flag *flags)
{
    text_printf(out, "group\t%s\n", title);
    for (; flags->name; flags++) add_table(v, flags, out);
}

static void tables(text *out)
{
    int n;
    const cli_verb *const *verbs = cli_verbs(&n);
    for (int i = 0; i < n; i++) {
        const cli_verb *v = verbs[i];
        text_printf(out, "verb\t%s\t%s\nusage\t%s\n", v->name, v->job, v->usage);
        add_lines(out, "details", v->details);
        for (size_t g = 0; g < sizeof v->groups / sizeof *v->groups && v->groups[g].title; g++) add_group(out, v, v->groups[g].title, v->groups[g].flags);
        add_group(out, v, "messages", cli_flags_talk);
        add_lines(out, "example", v->example);
    }
}

static int run(const cli_args *a)
{
    static const struct {
        const char *name;
        void (*make)(text *out);
    } kinds[] = {{"bash", completion_bash}, {"zsh", completion_zsh}, {"fish", completion_fish}, {"tables", tables}};
    const char *wanted = cli_positional(a, 0);
    text out = {0};
    fv_error err = {0};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (!strcmp(kinds[i].name, wanted)) kinds[i].make(&out);
    if (!out.len) return cli_usage(a, "'%s' is no shell that is known here; there are bash, zsh and fish", wanted);
    fv_status st = cli_write_file("-", out.s, out.len, &err);
    text_free(&out);
    return st < 0 ? cli_fail(a, st, &err) : EXIT_OK;
}

const cli_verb cli_verb_completion = {
    .name = "completion",
    .job = "complete verbs and flags in your shell",
    .usage = "bash|zsh|fish|tables",
    .details = "Prints a script for the shell; a package or `make install` puts it where the shell finds it.\n"
               "tables prints all flags of all verbs, a tab between two fields, for scripts of your own.",
    .example = "fovea completion bash > fovea.bash && . ./fovea.bash\n"
               "fovea completion fish > fovea.fish",
    .words = "bash|zsh|fish|tables",
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
