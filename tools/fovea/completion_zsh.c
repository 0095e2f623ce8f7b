/* completion_zsh.c: the script for zsh, a file called _fovea in $fpath. Called by verb_completion.c. */
#include "completion.h"
#include <string.h>

/* Inside '…' of the shell, inside an _arguments specification: quotes end the string, brackets and colons mean something. */
static void add_escaped(text *out, const char *s, const char *special)
{
    for (; *s; s++) {
        if (*s == '\'')
            text_add(out, "'\\''");
        else
            text_printf(out, "%s%c", strchr(special, *s) ? "\\" : "", *s);
    }
}

static void add_files(const text *words, text *out)
{
    if (words->len)
        text_printf(out, "{_files; compadd %s}", words->s);
    else
        text_add(out, "_files");
}

static void add_spec(const cli_flag *f, const char *name, text *out)
{
    text words = {0};
    completion_kind kind = completion_of(f, &words);
    text_printf(out, " \\\n            '*%s", name[1] ? "--" : "-");
    add_escaped(out, name, ":[]\\");
    text_add(out, "[");
    add_escaped(out, f->help, "[]\\");
    text_add(out, "]");
    if (kind != COMPLETE_NONE) {
        text_add(out, ":");
        add_escaped(out, f->value, ":\\");
        text_add(out, ":");
        if (kind == COMPLETE_WORDS) text_printf(out, "(%s)", words.s);
        if (kind == COMPLETE_FILE) add_files(&words, out);
        if (kind == COMPLETE_FOLDER) text_add(out, "_files -/");
    }
    text_add(out, "'");
    text_free(&words);
}

static void add_flag(const cli_verb *v, const cli_flag *f, text *out)
{
    (void)v;
    add_spec(f, f->name, out);
    if (f->alias && !f->alias[1]) add_spec(f, f->alias, out);
}

void completion_zsh(text *out)
{
    int n;
    const cli_verb *const *verbs = cli_verbs(&n);
    text_add(out, "#compdef fovea\n# zsh completion for fovea, made by `fovea completion zsh`\n_fovea()\n{\n    local -a verbs\n    verbs=(\n");
    for (int i = 0; i < n; i++) {
        text_printf(out, "        '%s:", verbs[i]->name);
        add_escaped(out, verbs[i]->job, ":\\");
        text_add(out, "'\n");
    }
    text_add(out, "        'help:what the verbs are'\n    )\n"
                  "    if ((CURRENT == 2)) || [[ $words[2] == help && CURRENT -eq 3 ]]; then\n"
                  "        _describe verb verbs\n"
                  "        return\n"
                  "    fi\n"
                  "    local verb=$words[2]\n"
                  "    shift words\n"
                  "    ((CURRENT--))\n"
                  "    case $verb in\n");
    for (int i = 0; i < n; i++) {
        text_printf(out, "    %s)\n        _arguments", verbs[i]->name);
        completion_flags(verbs[i], add_flag, out);
        text words = {0};
        bool files;
        completion_positional(verbs[i], &words, &files);
        if (files) {
            text_printf(out, " \\\n            '*:%s:", verbs[i]->positional ? verbs[i]->positional : "file");
            add_files(&words, out);
            text_add(out, "'");
        } else if (words.len) {
            text_printf(out, " \\\n            '*:word:(%s)'", words.s);
        }
        text_free(&words);
        text_add(out, "\n        ;;\n");
    }
    text_add(out, "    esac\n}\n"
                  "if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _fovea \"$@\"; else compdef _fovea fovea; fi\n");
}
