/* version.h: the version of these headers, and of the library that runs. */
#ifndef FOVEA_VERSION_H
#define FOVEA_VERSION_H
#include <fovea/status.h>
#ifdef __cplusplus
extern "C" {
#endif
#define FV_VERSION_MAJOR 0
#define FV_VERSION_MINOR 1
#define FV_VERSION_PATCH 0
#define FV_VERSION "0.1.0"
/* Version of the library that runs. Static string. */
FV_API const char *fv_version(void);
#ifdef __cplusplus
}
#endif
#endif
