/* status.h: result codes, and the error text that goes with a failure.
 *
 * Every function that can fail returns fv_status. FV_OK is 0, failures are negative and frozen in bands by cause,
 * positive values are not failures. Cold calls (create, open, load) also take an optional `fv_error *`, owned by the
 * caller, which receives one sentence a user can act on. Hot calls return the code only.
 * Threads: any. Nothing here allocates. */
#ifndef FOVEA_STATUS_H
#define FOVEA_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define FV_API __attribute__((visibility("default")))
#define FV_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define FV_API
#define FV_PRINTF(fmt, args)
#endif

/* name, value, text */
#define FV_STATUS_LIST(X)                                                                                              \
    X(FV_OK, 0, "ok")                                                                                                  \
    X(FV_AGAIN, 1, "nothing ready yet")                                                                                \
    X(FV_END, 2, "end of stream")                                                                                      \
    X(FV_PARTIAL, 3, "done in part")                                                                                   \
    X(FV_ERR_ARGUMENT, -1, "invalid argument")                                                                         \
    X(FV_ERR_MEMORY, -2, "out of memory")                                                                              \
    X(FV_ERR_STATE, -3, "call not allowed in this state")                                                              \
    X(FV_ERR_CANCELLED, -4, "cancelled")                                                                               \
    X(FV_ERR_LIMIT, -5, "over a limit")                                                                                \
    X(FV_ERR_INPUT, -10, "input cannot be read")                                                                       \
    X(FV_ERR_OUTPUT, -11, "output cannot be written")                                                                  \
    X(FV_ERR_CONFIG, -12, "configuration is wrong")                                                                    \
    X(FV_ERR_MODEL, -20, "model cannot be used")                                                                       \
    X(FV_ERR_MODEL_FORMAT, -21, "not a readable model file")                                                           \
    X(FV_ERR_UNSUPPORTED, -40, "operator not supported")                                                               \
    X(FV_ERR_SHAPE, -41, "shapes do not fit")                                                                          \
    X(FV_ERR_MEDIA, -60, "media cannot be decoded")                                                                    \
    X(FV_ERR_DEVICE, -80, "device not available")                                                                      \
    X(FV_ERR_INTERNAL, -100, "internal error")

typedef enum fv_status {
#define FV_STATUS_ENUM(name, value, text) name = value,
    FV_STATUS_LIST(FV_STATUS_ENUM)
#undef FV_STATUS_ENUM
} fv_status;

#define FV_ERROR_TEXT_MAX 512

/* Filled on failure. `text` is one UTF-8 sentence; it may quote names from files, so escape it before showing it in
 * HTML or on a terminal. A zeroed struct is a valid "no error". */
typedef struct fv_error {
    fv_status status;
    char text[FV_ERROR_TEXT_MAX];
} fv_error;

/* The fixed English text of a code; never null. */
FV_API const char *fv_status_text(fv_status status);

#ifdef __cplusplus
}
#endif
#endif
