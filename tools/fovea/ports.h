/* ports.h: what exec, bench and inspect share: shapes as text, sessions from --batch and --shapes, inputs from a seed. */
#ifndef FOVEA_TOOL_PORTS_H
#define FOVEA_TOOL_PORTS_H
#include "cli.h"
#include "text.h"

void port_shape(text *t, const fv_port *p, char separator); /* "1x3x640x640"; symbolic: "?" ; scalar: "scalar" */
/* The name of its .npy file without the ending: characters other than A-Z a-z 0-9 . _ - become _. */
void port_file_name(text *t, const char *name);
int port_find(const fv_port *ports, int n, const char *name, size_t len); /* -1: none */
/* "a, b and c", quoted, for messages. */
void port_names(text *t, const fv_port *ports, int n);

/* Loads the model at positional 0 with the shared flags. *ctx and *model are null after a failure; returns an exit code. */
int ports_load(const cli_args *a, fv_context **ctx, fv_model **model);
int ports_load_from(const cli_args *a, const char *name, fv_context **ctx, fv_model **model); /* the one of that name */

/* The wanted shape of every input: declared, then --batch, then each --shapes NAME:1x3x640x640. shapes [inputs] owned:
 * free(). Returns an exit code. */
int ports_wanted(const cli_args *a, const fv_model *m, fv_port **shapes);
/* One "NAME:1x3x640x640" given to --flag: *p, and which input it is. Returns an exit code. */
int ports_shape(const cli_args *a, const fv_model *m, const char *flag, const char *given, fv_port *p, int *input);
/* A first dimension that is still symbolic becomes 1, the size of a picture what the metadata says. Returns the first input of
 * which more is open, -1 = all is known. */
int ports_settle(const fv_model *m, fv_port *wanted);
/* The same; what is left open is an error that asks for --shapes. Returns an exit code. */
int ports_complete(const cli_args *a, const fv_model *m, fv_port *wanted);
/* A session for these shapes; `base`: other options, its shapes are set here. */
fv_status ports_session_with(fv_session **s, fv_model *m, const fv_port *wanted, const fv_session_options *base, fv_error *err);
/* The same with the usual two. */
fv_status ports_session(fv_session **s, fv_model *m, const fv_port *wanted, int batch, int profile, fv_error *err);

/* A tensor for port p, uniform in [0,1) (integers: 0; bool: either), the same for the same seed and index. owned: free(). */
void ports_random(const fv_port *p, uint64_t seed, int index, fv_tensor *out);
/* An empty tensor for an output. owned: free(). */
void ports_empty(const fv_port *p, fv_tensor *out);
#endif
