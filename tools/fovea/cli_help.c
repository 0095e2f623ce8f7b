/* cli_help.c: `--help` from a verb's tables, and the nearest known word for a mistyped one. */
#include "cli.h"
#include "text.h"
#include <stdio.h>
#include <string.h>

#define COLUMN 34

static void print_flag(const cli_flag *f)
{
    text t = {0};
    bool letter = f->alias && strlen(f->alias) == 1;
    if (strlen(f->name) == 1)
        text_printf(&t, "  -%s", f->name);
    else
        text_printf(&t, letter ? "  -%s, --%s" : "  %s--%s", letter ? f->alias : "", f->name);
    if (f->value) text_printf(&t, " %s", f->value);
    if (t.len + 2 > COLUMN)
        printf("%s\n%*s%s\n", t.s, COLUMN, "", f->help);
    else
        printf("%-*s%s\n", COLUMN, t.s, f->help);
    text_free(&t);
}

static void print_group(const char *title, const cli_flag *flags)
{
    printf("\n%s\n", title);
    for (; flags->name; flags++) print_flag(flags);
}

void cli_help(const cli_verb *v)
{
    printf("fovea %s: %s\n\nusage: fovea %s%s%s\n", v->name, v->job, v->name, v->usage[0] ? " " : "", v->usage);
    if (v->details) printf("\n%s\n", v->details);
    for (int g = 0; g < (int)(sizeof v->groups / sizeof *v->groups) && v->groups[g].title; g++)
        print_group(v->groups[g].title, v->groups[g].flags);
    print_group("messages", cli_flags_talk);
    puts("\nexample");
    for (const char *line = v->example; *line;) {
        size_t n = strcspn(line, "\n");
        printf("  %.*s\n", (int)n, line);
        line += n + (line[n] == '\n');
    }
}

/* Edit distance (insert, delete, replace, swap of neighbours), for words up to 47 characters. */
static int distance(const char *a, const char *b)
{
    enum { MAX = 48 };
    int d[3][MAX + 1], na = (int)strlen(a), nb = (int)strlen(b);
    if (na >= MAX || nb >= MAX) return MAX;
    for (int j = 0; j <= nb; j++) d[0][j] = j;
    for (int i = 1; i <= na; i++) {
        int *now = d[i % 3], *last = d[(i + 2) % 3], *before = d[(i + 1) % 3];
        now[0] = i;
        for (int j = 1; j <= nb; j++) {
            int best = last[j - 1] + (a[i - 1] != b[j - 1]);
            if (last[j] + 1 < best) best = last[j] + 1;
            if (now[j - 1] + 1 < best) best = now[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < best) best = before[j - 2] + 1;
            now[j] = best;
        }
    }
    return d[na % 3][nb];
}

const char *cli_closest(const char *word, const char *const *words, int n)
{
    const char *best = NULL;
    int best_d = (int)strlen(word) / 3 + 1;
    for (int i = 0; i < n; i++) {
        int d = distance(word, words[i]);
        bool beginning = strlen(word) >= 3 && strncmp(word, words[i], strlen(word)) == 0;
        if (beginning && d > 1) d = 1;
        if (d < best_d || (d == best_d && !best)) best = words[i], best_d = d;
    }
    return best;
}
