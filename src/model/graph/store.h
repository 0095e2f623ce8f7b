/* store.h: a graph as bytes of our own, and back: what engine files hold (docs/FORMATS.md). Numbers of dtypes, activations and
 * attribute types are those of the headers; operators go by name. */
#ifndef FVI_MODEL_GRAPH_STORE_H
#define FVI_MODEL_GRAPH_STORE_H
#include "base/bytes.h"
#include "model/graph/graph.h"

/* Of what store_write.c and store_read.c know all members (64-bit machines). */
#define FVI_STORE_VALUE_SIZE 208
#define FVI_STORE_NODE_SIZE 112
#define FVI_STORE_ABSENT UINT64_MAX /* instead of an offset: the bytes are not in the file */

/* Where the bytes of a constant lie in the data that goes with the graph; FVI_STORE_ABSENT = nowhere. */
typedef uint64_t (*fvi_store_place_fn)(void *user, const fvi_value *v);
/* Appends to out (which may fail: look at out->failed). */
void fvi_graph_store(const fvi_graph *g, fvi_str *out, fvi_store_place_fn place, void *user);

/* Constants whose values say nothing about the graph's form: floats, bytes, and sums of quantised layers. [n_values by id]. */
void fvi_graph_weights(const fvi_graph *g, bool *weight);
/* Hash of operators, attributes, edges, types, shapes and constants that are no weights; of no name. False: out of memory. */
bool fvi_graph_form(const fvi_graph *g, uint64_t *hash);

/* Bytes -> graph; texts are copied, constants stay in data [size], which must be FVI_ALIGN aligned and outlive the graph. Everything is checked;
 * shapes that are inferred are not. bare: a graph of ports without nodes will do. Only constants that `may_miss` (of a reader of it; null =
 * any float or byte) may be absent. */
typedef bool (*fvi_store_may_miss_fn)(const fvi_node *n, int input);
fv_status fvi_graph_restore(fvi_graph **out, fvi_bytes *in, const uint8_t *data, size_t size, bool bare, fvi_store_may_miss_fn may_miss, fv_error *err);
#endif
