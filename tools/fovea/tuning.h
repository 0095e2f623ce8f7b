/* tuning.h: the flags about timed tactics. */
#ifndef FOVEA_TOOL_TUNING_H
#define FOVEA_TOOL_TUNING_H
#include "cli.h"
#include "text.h"
/* Fills in the context's options about tactics; *path holds the cache's name as long as they are used. */
fv_status tuning_options(const cli_args *a, text *path, fv_context_options *o, fv_error *err);
/* How the session's tactics were chosen, a line with its end; nothing where there was no choice. */
void tuning_print(text *t, const fv_tuning_info *i);
void tuning_text(text *t, const fv_session *s);
#endif
