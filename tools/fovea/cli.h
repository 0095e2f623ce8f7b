/* cli.h: what all verbs share: flags from tables, help, errors and exit codes, the context, signals, the media library.
 *
 * A verb is one file verb_<name>.c that exports one descriptor, listed in main.c. Its flags are tables; parsing, range
 * checks, `--help`, "did you mean" and `key=value` follow from them. */
#ifndef FOVEA_TOOL_CLI_H
#define FOVEA_TOOL_CLI_H
#include <fovea/context.h>
#include <fovea/media.h>
#include <fovea/model.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Exit codes, docs/FORMATS.md. */
enum {
    EXIT_OK = 0, EXIT_RUNTIME = 1, EXIT_USAGE = 2, EXIT_INPUT = 3, EXIT_MODEL = 4, EXIT_DEVICE = 5, EXIT_MEMORY = 6,
    EXIT_OUTPUT = 7, EXIT_GATE = 8, EXIT_PARTIAL = 9, EXIT_INTERRUPTED = 130
};

typedef enum cli_kind { CLI_TEXT, CLI_INT, CLI_REAL, CLI_SWITCH, CLI_CHOICE } cli_kind;

/* One flag; it may be given several times: cli_text is the last one, cli_count and cli_nth are all. Zero is a good default
 * for every field but the first three. */
typedef struct cli_flag {
    const char *name;    /* "vid-stride": --vid-stride N, --vid-stride=N, vid_stride=N ('_' and '-' are the same) */
    const char *value;   /* how help calls the value: "N", "F.json"; for CLI_CHOICE the words: "auto|every|newest"; null for a switch */
    const char *help;    /* one line; say the default */
    cli_kind kind;
    double min, max;     /* CLI_INT, CLI_REAL: allowed range, checked while parsing when max > min */
    const char *alias;   /* another long name, or one letter: "o" is -o */
} cli_flag;

/* A titled group of flags in the help; `flags` ends with a name of null. */
typedef struct cli_group {
    const char *title;
    const cli_flag *flags;
} cli_group;

/* Shared groups for the verbs that have them. cli_flags_talk comes by itself. */
extern const cli_flag cli_flags_compute[]; /* --device --precision --half --threads --cpu and those about tactics */
extern const cli_flag cli_flags_output[];  /* --overwrite --run --report */
extern const cli_flag cli_flags_talk[];    /* --quiet --progress --log-level --help */

typedef struct cli_args cli_args;
typedef struct cli_verb {
    const char *name, *job;     /* "exec", "run a model on given tensors" */
    const char *usage;          /* after the name: "MODEL --input NAME=F.npy -o DIR" */
    const char *details;        /* paragraphs under the usage, lines up to 100 characters; may be null */
    const char *example;        /* one command a line; never null */
    cli_group groups[12];       /* ends with a title of null */
    const char *positional;     /* name under which key=value and --flag give a positional: "source", "model"; may be null */
    const char *words;          /* what a positional may be: "bash|zsh|fish", "FILE|person"; null = files */
    int min_args, max_args;     /* positionals; max -1 = any number */
    int tune;                   /* default of --builderOptimizationLevel */
    int (*run)(const cli_args *a); /* returns the exit code */
} cli_verb;

/* ---- values of flags; a name that is in no table of the verb is a bug and ends the program ---- */
bool cli_given(const cli_args *a, const char *name);
bool cli_knows(const cli_args *a, const char *name); /* is it in a table of the verb? */
const char *cli_text(const cli_args *a, const char *name);   /* last value; null when not given */
const char *cli_text_or(const cli_args *a, const char *name, const char *otherwise);
int64_t cli_int(const cli_args *a, const char *name, int64_t otherwise);
double cli_real(const cli_args *a, const char *name, double otherwise);
bool cli_on(const cli_args *a, const char *name);            /* a switch that is on (--half=false is off) */
int cli_count(const cli_args *a, const char *name);          /* times given */
const char *cli_nth(const cli_args *a, const char *name, int i);
int cli_positionals(const cli_args *a);
const char *cli_positional(const cli_args *a, int i);
const char *cli_command(const cli_args *a); /* the whole command line, for --run */
const char *cli_verb_name(const cli_args *a);
int cli_tune_level(const cli_args *a); /* the verb's `tune` */

/* ---- talking: one line on stderr, "fovea VERB: …", escaped for the terminal ---- */
int cli_exit_code(fv_status s);
/* Prints err (or the fixed text when it is empty) and returns the exit code. */
int cli_fail(const cli_args *a, fv_status s, const fv_error *err);
/* A wrong flag or value: prints the sentence and where help is; returns EXIT_USAGE. */
int cli_usage(const cli_args *a, const char *fmt, ...) FV_PRINTF(2, 3);
/* Prints the sentence as an error and returns `code`. */
int cli_error(const cli_args *a, int code, const char *fmt, ...) FV_PRINTF(3, 4);
void cli_warn(const cli_args *a, const char *fmt, ...) FV_PRINTF(2, 3); /* also with --quiet */
void cli_note(const cli_args *a, const char *fmt, ...) FV_PRINTF(2, 3); /* not with --quiet */

void cli_bar(bool on); /* a progress bar lives on stderr: messages wipe it first */

/* ---- objects from the shared flags ---- */
/* --threads, --cpu, --log-level and those about tactics; log lines go to stderr. */
fv_status cli_context(const cli_args *a, fv_context **out, fv_error *err);
/* --device, --precision, --half. The strings are borrowed from `a`. */
fv_status cli_model_options(const cli_args *a, fv_model_options *out, fv_error *err);
/* Refuses an existing file unless --overwrite (FV_ERR_OUTPUT), and one whose folder does not exist or cannot be written.
 * "-" and devices pass. */
fv_status cli_check_output(const cli_args *a, const char *path, fv_error *err);
/* Writes beside the final name and renames; "-" is stdout. */
fv_status cli_write_file(const char *path, const void *data, size_t size, fv_error *err);
/* Whole file, up to `limit` bytes and a 0 behind them. FV_ERR_INPUT when it is larger, a folder or a device. owned: free(). */
fv_status cli_read_file(const char *path, size_t limit, char **data, size_t *size, fv_error *err);
/* Sets an error and returns `s`. */
fv_status cli_set_error(fv_error *err, fv_status s, const char *fmt, ...) FV_PRINTF(3, 4);

/* libfovea-media, loaded at the first call (fv_media_load). Null: err says what was tried. */
const fv_media_api *cli_media(fv_error *err);

/* ---- Ctrl-C and SIGTERM ----
 * Without a callback the first signal ends the program (130, 143). With one, the first signal calls it, in the signal
 * handler, and the second ends the program. Null takes it back. */
void cli_on_stop(void (*stop)(void *arg), void *arg);
void cli_only_stop(void *unused); /* does nothing: for those who ask cli_stopped */
bool cli_stopped(void);  /* a signal came */
int cli_stop_code(void); /* 130 or 143 after a signal, else 0 */

/* ---- words ---- */
/* Are the first n bytes of `a` this name? '-' and '_' are the same. A null or empty name is nobody's. */
bool cli_same_name(const char *a, size_t n, const char *name);
/* Is `word` one of "a|b|c"? */
bool cli_is_choice(const char *choices, const char *word);
/* The nearest of [n] words to a mistyped one; null: nothing is close. */
const char *cli_closest(const char *word, const char *const *words, int n);

/* ---- main.c ---- */
/* All verbs, in the order of `fovea help`. [*n], static. */
const cli_verb *const *cli_verbs(int *n);

/* ---- main.c only ---- */
int cli_run(const cli_verb *v, int argc, char **argv); /* argv[0] is the first word after the verb */
void cli_help(const cli_verb *v);
void cli_install_signals(void);
#endif
