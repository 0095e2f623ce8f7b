/* run_tiles.h: flags about tiles, for every verb that has a detector. */
#ifndef FOVEA_TOOL_RUN_TILES_H
#define FOVEA_TOOL_RUN_TILES_H
#include "run_settings.h"

extern const cli_flag run_flags_tiles[];
/* Flags and file -> s->tiles and s->tile_model; without tiles a batch that was not asked for stays as it is, with tiles it is 1. s->args is
 * set. 0, or the exit code. */
int settings_tiles(settings *s);
/* What was looked at, into the summary's object before its closing brace. Nothing without tiles. */
void tiles_json(const fv_detector *d, text *summary);
/* One line for people; nothing without tiles. */
void tiles_print(const fv_detector *d, text *t);
#endif
