/* completion.h: what the shells complete, from the verbs' tables. One file a shell: completion_<shell>.c. */
#ifndef FOVEA_TOOL_COMPLETION_H
#define FOVEA_TOOL_COMPLETION_H
#include "cli.h"
#include "text.h"

/* What may stand behind a flag. */
typedef enum completion_kind {
    COMPLETE_NONE,  /* a switch: nothing follows */
    COMPLETE_ANY,   /* a number, a name: nothing can be offered */
    COMPLETE_WORDS, /* one of `words` */
    COMPLETE_FILE,  /* or one of `words`, if there are any */
    COMPLETE_FOLDER
} completion_kind;
/* words: cleared, then the words that may be offered, a blank between two. */
completion_kind completion_of(const cli_flag *f, text *words);
/* Names of a flag as they are typed, a blank between two: "--output -o". */
void completion_names(const cli_flag *f, text *out);
/* Calls `each` for every flag of the verb, those of all verbs last. */
void completion_flags(const cli_verb *v, void (*each)(const cli_verb *v, const cli_flag *f, text *out), text *out);
/* `words` "a|b" with blanks instead; those that stand for something ("F.json", "FILE") are left out. */
void completion_words(const char *words, text *out);
/* The words of a positional; *files: it may be a file, too. */
void completion_positional(const cli_verb *v, text *words, bool *files);

void completion_bash(text *out);
void completion_zsh(text *out);
void completion_fish(text *out);
#endif
