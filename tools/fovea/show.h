/* show.h: --show: a window with what is found, one tile a source. q or Esc ends the run, space pauses it. */
#ifndef FOVEA_TOOL_SHOW_H
#define FOVEA_TOOL_SHOW_H
#include "cli.h"

typedef struct show show;
/* Opens the window (in a thread of its own). quit: called on that thread when the user has seen enough. 0 and *out, or the exit
 * code after the error was printed: built without SDL2, no display. */
int show_open(show **out, const cli_args *a, int tiles, void (*quit)(void *user), void *user);
/* The newest picture of a tile; returns at once, unless paused, or with `wait` (pictures): until a key is pressed. */
void show_frame(show *w, int tile, const char *name, const fv_frame *f, bool wait);
/* Nothing waits in show_frame any more. Safe in a signal handler. */
void show_let_go(show *w);
void show_close(show **w);
#endif
