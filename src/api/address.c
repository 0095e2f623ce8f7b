/* address.c: fv_address_redact, for programs that show or store the names of sources. */
#include "base/redact.h"
#include <fovea/media.h>

size_t fv_address_redact(char *out, size_t size, const char *text) { return fvi_redact(out, size, text ? text : ""); }
