/* main.c: the table of verbs, `fovea --version`, `fovea help VERB`. */
#include "cli.h"
#include <fovea/version.h>
#include <stdio.h>
#include <string.h>

#define VERBS(X) X(predict) X(track) X(count) X(erase) X(val) X(quantize) X(prep) X(compare) X(report) X(exec) X(build) X(refit) X(bench) X(inspect) X(doctor) X(completion)
#define DECLARE(name) extern const cli_verb cli_verb_##name;
VERBS(DECLARE)

#define LIST(name) &cli_verb_##name,
static const cli_verb *const verbs[] = {VERBS(LIST)};
enum { N_VERBS = sizeof verbs / sizeof *verbs };

const cli_verb *const *cli_verbs(int *n)
{
    *n = N_VERBS;
    return verbs;
}

static const cli_verb *find_verb(const char *name)
{
    for (int i = 0; i < N_VERBS; i++)
        if (strcmp(verbs[i]->name, name) == 0) return verbs[i];
    return NULL;
}

static void print_overview(FILE *to)
{
    fputs("fovea: find, track and count things in pictures and video\n\nusage: fovea VERB ...\n\n", to);
    for (int i = 0; i < N_VERBS; i++) fprintf(to, "  %-10s %s\n", verbs[i]->name, verbs[i]->job);
    fputs("\nfovea VERB --help   flags and an example\nfovea --version     version\n", to);
}

static int unknown_verb(const char *name)
{
    const char *names[N_VERBS];
    for (int i = 0; i < N_VERBS; i++) names[i] = verbs[i]->name;
    const char *close = cli_closest(name, names, N_VERBS);
    fputs("fovea: there is no verb '", stderr);
    for (const char *c = name; *c; c++) fputc((unsigned char)*c < 0x20 || (unsigned char)*c >= 0x7F ? '?' : *c, stderr);
    if (close)
        fprintf(stderr, "'; did you mean %s?\nSee `fovea help`.\n", close);
    else
        fputs("'\nSee `fovea help`.\n", stderr);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    cli_install_signals();
    const char *first = argc > 1 ? argv[1] : "";
    if (argc < 2) {
        print_overview(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(first, "--version") == 0 || strcmp(first, "-V") == 0 || strcmp(first, "version") == 0) {
        printf("fovea %s (" CLI_BUILD ")\n", fv_version());
        return EXIT_OK;
    }
    bool help = strcmp(first, "help") == 0 || strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0;
    if (help && argc < 3) {
        print_overview(stdout);
        return EXIT_OK;
    }
    const cli_verb *v = find_verb(help ? argv[2] : first);
    if (!v) return unknown_verb(help ? argv[2] : first);
    if (!help) return cli_run(v, argc - 2, argv + 2);
    cli_help(v);
    return EXIT_OK;
}
