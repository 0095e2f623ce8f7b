/* cli_args.h: the parsed command line, for the cli_*.c files only; verbs use the getters of cli.h. */
#ifndef FOVEA_TOOL_CLI_ARGS_H
#define FOVEA_TOOL_CLI_ARGS_H
#include "cli.h"

typedef struct cli_value {
    const cli_flag *flag;
    const char *text;
} cli_value;
struct cli_args {
    const cli_verb *verb;
    cli_value *values;
    int n_values, cap_values;
    const char **positionals;
    int n_positionals;
    char *command;
};
/* 0, or the exit code after the error was printed. */
int cli_parse(cli_args *a, const cli_verb *v, int argc, char **argv);
void cli_args_free(cli_args *a);
const cli_flag *cli_each_flag(const cli_verb *v, bool (*visit)(const cli_flag *, void *), void *user);
#endif
