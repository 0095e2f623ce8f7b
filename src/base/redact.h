/* redact.h: addresses without their secrets, for everything that people or files get to see. Threads: any. */
#ifndef FVI_BASE_REDACT_H
#define FVI_BASE_REDACT_H
#include <stddef.h>
/* Copies `text` with "user:password@" of every address in it as "***@", and the values of query keys that name a secret
 * (password, token, …) as "***". Always ends with 0; what does not fit is cut. Returns the length without cutting. */
size_t fvi_redact(char *out, size_t size, const char *text);
#endif
