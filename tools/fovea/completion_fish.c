/* completion_fish.c: the script for fish, a file called fovea.fish. Called by verb_completion.c. */
#include "completion.h"
#include <string.h>

static void add_quoted(text *out, const char *s)
{
    text_add(out, "'");
    for (; *s; s++) text_printf(out, "%s%c", strchr("'\\", *s) ? "\\" : "", *s);
    text_add(out, "'");
}

static void add_flag(const cli_verb *v, const cli_flag *f, text *out)
{
    const char *names[2] = {f->name, f->alias};
    text words = {0};
    completion_kind kind = completion_of(f, &words);
    text_printf(out, "complete -c fovea -n '__fish_seen_subcommand_from %s'", v->name);
    for (int i = 0; i < 2 && names[i]; i++)
        if (!i || !names[i][1]) text_printf(out, " -%c %s", names[i][1] ? 'l' : 's', names[i]);
    if (kind == COMPLETE_WORDS) text_printf(out, " -x -a '%s'", words.s);
    if (kind == COMPLETE_ANY) text_add(out, " -x");
    if (kind == COMPLETE_FILE) text_add(out, " -r -F");
    if (kind == COMPLETE_FILE && words.len) text_printf(out, " -a '%s'", words.s);
    if (kind == COMPLETE_FOLDER) text_add(out, " -x -a '(__fish_complete_directories)'");
    text_add(out, " -d ");
    add_quoted(out, f->help);
    text_add(out, "\n");
    text_free(&words);
}

void completion_fish(text *out)
{
    int n;
    const cli_verb *const *verbs = cli_verbs(&n);
    text_add(out, "# fish completion for fovea, made by `fovea completion fish`\n");
    for (int i = 0; i < n; i++) {
        text_printf(out, "complete -c fovea -f -n __fish_use_subcommand -a %s -d ", verbs[i]->name);
        add_quoted(out, verbs[i]->job);
        text_add(out, "\n");
    }
    for (int i = 0; i < n; i++) {
        completion_flags(verbs[i], add_flag, out);
        text words = {0};
        bool files;
        completion_positional(verbs[i], &words, &files); /* files are what fish completes by itself */
        if (!files || words.len)
            text_printf(out, "complete -c fovea%s -n '__fish_seen_subcommand_from %s' -a '%s'\n", files ? "" : " -f", verbs[i]->name, words.len ? words.s : "");
        text_free(&words);
    }
}
