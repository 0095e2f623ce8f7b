/* completion_bash.c: the script for bash. It needs no bash-completion package: the words are taken from the line itself, because
 * bash cuts words at ':' and '=', which flags contain (--c:v, --conf=0.5). Called by verb_completion.c. */
#include "completion.h"

static void add_name(const cli_verb *v, const cli_flag *f, text *out)
{
    (void)v;
    text_add(out, " ");
    completion_names(f, out);
}

/* "    predict:--device) words='auto cpu' ;;" */
static void add_value(const cli_verb *v, const cli_flag *f, text *out)
{
    text words = {0};
    completion_kind kind = completion_of(f, &words);
    if (kind != COMPLETE_NONE) {
        text_printf(out, "    %s:%s%s", v->name, f->name[1] ? "--" : "-", f->name);
        if (f->alias) text_printf(out, " | %s:%s%s", v->name, f->alias[1] ? "--" : "-", f->alias);
        if (kind == COMPLETE_WORDS) text_printf(out, ") words='%s' files= ;;\n", words.s);
        if (kind == COMPLETE_ANY) text_add(out, ") return ;;\n");
        if (kind == COMPLETE_FILE) text_printf(out, ") files=-f words='%s' ;;\n", words.len ? words.s : "");
        if (kind == COMPLETE_FOLDER) text_add(out, ") files=-d words= ;;\n");
    }
    text_free(&words);
}

void completion_bash(text *out)
{
    int n;
    const cli_verb *const *verbs = cli_verbs(&n);
    text_add(out, "# bash completion for fovea, made by `fovea completion bash`\n"
                  "_fovea()\n{\n"
                  "    local line=${COMP_LINE:0:COMP_POINT} cur= prev= verb flags= words= files=\n"
                  "    local -a all\n"
                  "    read -ra all <<<\"$line\"\n"
                  "    [[ $line == *[[:space:]] ]] || { cur=${all[-1]}; unset 'all[-1]'; }\n"
                  "    prev=${all[-1]} verb=${all[1]}\n"
                  "    # --flag=value: what follows the = is completed\n"
                  "    if [[ $cur == --*=* ]]; then prev=${cur%%=*} cur=${cur#*=}; fi\n"
                  "    COMPREPLY=()\n"
                  "    if ((${#all[@]} == 1)) || [[ $verb == help && ${#all[@]} == 2 ]]; then\n"
                  "        words='");
    for (int i = 0; i < n; i++) text_printf(out, "%s%s", i ? " " : "", verbs[i]->name);
    text_add(out, "'\n        ((${#all[@]} == 2)) || words+=' help --help --version'\n"
                  "        COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
                  "        return\n"
                  "    fi\n"
                  "    case $verb in\n");
    for (int i = 0; i < n; i++) {
        text_printf(out, "    %s) flags='", verbs[i]->name);
        completion_flags(verbs[i], add_name, out);
        text_add(out, "'");
        text words = {0};
        bool files;
        completion_positional(verbs[i], &words, &files);
        if (words.len) text_printf(out, " words='%s'", words.s);
        text_add(out, files ? " files=-f ;;\n" : " ;;\n");
        text_free(&words);
    }
    text_add(out, "    *) return ;;\n    esac\n    case $verb:$prev in\n");
    for (int i = 0; i < n; i++) completion_flags(verbs[i], add_value, out);
    text_add(out, "    *) [[ $cur != -* ]] || words=$flags files= ;;\n"
                  "    esac\n"
                  "    if [[ $files && $cur != -* ]]; then\n"
                  "        compopt -o filenames 2>/dev/null\n"
                  "        mapfile -t COMPREPLY < <(compgen -W \"$words\" $files -- \"$cur\")\n"
                  "    elif [[ $words ]]; then\n"
                  "        mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
                  "    fi\n"
                  "    # bash replaces only what follows the last ':' of what was typed\n"
                  "    if [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]]; then COMPREPLY=(\"${COMPREPLY[@]#\"${cur%:*}\":}\"); fi\n"
                  "}\n"
                  "complete -F _fovea fovea\n");
}
