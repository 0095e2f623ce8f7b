/* verb_erase.h: what the files of `fovea erase` share: verb_erase.c (the verb) and verb_erase_regions.c (--region and --mask). */
#ifndef FOVEA_TOOL_VERB_ERASE_H
#define FOVEA_TOOL_VERB_ERASE_H
#include "cli.h"
#include <fovea/erase.h>

/* Zero-initialise. */
typedef struct erase_regions {
    fv_erase_region *region; /* [n] */
    int n;
} erase_regions;
/* 0, or the exit code after the error was printed. */
int erase_regions_read(const cli_args *a, erase_regions *r);
void erase_regions_free(erase_regions *r);
#endif
