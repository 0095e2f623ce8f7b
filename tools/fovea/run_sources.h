/* run_sources.h: the SRC arguments as a row of sources: pictures that follow each other become one source, every video is
 * its own. What cannot be read is noted and left out. */
#ifndef FOVEA_TOOL_RUN_SOURCES_H
#define FOVEA_TOOL_RUN_SOURCES_H
#include "cli.h"

#define RUN_PICTURE_FPS 25.0 /* time stamps of pictures in a row */

typedef struct run_failure {
    char *name, *why;
    bool partial; /* some of it was processed */
} run_failure;

typedef struct run_sources {
    const fv_media_api *media;
    char **files;
    char **shown; /* [n_files] the same for people and outputs: no passwords */
    int *film; /* [n_files] a directory or glob is a film of its own, files named one by one are one */
    int n_files;
    bool *live;   /* [n_files] cameras and streams without end: they run together, after the files */
    int n_live;
    fv_source_options options; /* for every source_open */
    run_failure *failures;
    int n_failures;
    int *file_of;   /* [n_files] picture number in its row -> file */
    int n_pictures; /* of the row, so far */
    /* the rest belongs to run_sources.c */
    int at;
    fv_source *pending; /* opened, not handed out yet */
    int pending_file;
    fv_source pictures; /* the row of pictures */
    bool films;         /* a row ends where a film ends */
    int row_film;
} run_sources;

/* `options` is set before. Expands files, directories, globs and lists of all positionals. An argument that matches nothing is a failure in the list. With
 * `films` pictures of two directories are two sources, so that nothing is tracked from one into the other. */
void run_sources_init(run_sources *r, const cli_args *a, const fv_media_api *media, bool films);
/* Can anything be read? Opens files until one can; a live source always may. */
bool run_sources_ready(run_sources *r);
/* Opens the next source, live ones left out, that can be opened. Null: no more. *pictures: a row of pictures. *file: index of the (first) file.
 * Close it with its own close. */
fv_source *run_sources_next(run_sources *r, bool *pictures, int *file);
/* Notes an input that cannot be read (or not to its end: `partial`), for the list at the end; name and why are copied. */
void run_sources_fail(run_sources *r, const char *name, const char *why, bool partial);
void run_sources_free(run_sources *r);
/* By its name only, to plan outputs before anything is opened. */
bool run_is_picture_name(const char *path);
#endif
