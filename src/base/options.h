/* options.h: an options struct as a caller gave it, perhaps of another version of the headers -> ours. Every fv_*_options
 * begins with `uint32_t size`; one that says 0 was not made with its macro, and what it asks for would get lost silently. */
#ifndef FVI_BASE_OPTIONS_H
#define FVI_BASE_OPTIONS_H
#include "base/error.h"
#include <stdint.h>
#include <string.h>

#define FVI_OPTIONS_MAX 4096 /* bytes; nobody's options are longer */

/* ours: `size` bytes, defaults filled in; given: null = all defaults; macro: what makes such a struct, for the message.
 * Older headers: what they do not know keeps its default. Newer ones: fine as long as nothing is asked that is not known here. */
static inline fv_status fvi_options_read(void *ours, size_t size, const void *given, const char *macro, fv_error *err)
{
    uint32_t n = (uint32_t)size;
    if (given) memcpy(&n, given, sizeof n);
    if (n < sizeof n || n > FVI_OPTIONS_MAX)
        return fvi_error_set(err, FV_ERR_ARGUMENT, "the size of the options is not set (use %s)", macro);
    for (size_t i = size; i < n; i++)
        if (((const unsigned char *)given)[i])
            return fvi_error_set(err, FV_ERR_ARGUMENT, "%s: something is asked for that this version of the library does not have", macro);
    if (given) memcpy(ours, given, n < size ? n : size);
    return FV_OK;
}
#endif
