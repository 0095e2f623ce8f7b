/* version.c: the version of the library that runs, for programs that were compiled against another one. */
#include <fovea/version.h>

const char *fv_version(void) { return FV_VERSION; }
