/* internal.h: what the importer's files share. */
#ifndef FVI_MODEL_ONNX_INTERNAL_H
#define FVI_MODEL_ONNX_INTERNAL_H
#include "base/error.h"
#include "base/file.h"
#include "model/graph/graph.h"
#include "model/onnx/wire.h"

#define FVI_ONNX_MAX_NODES 200000
#define FVI_ONNX_MAX_VALUES 2000000
#define FVI_ONNX_MAX_PORTS 65535      /* inputs or outputs of a node */
#define FVI_ONNX_MAX_ATTRS 256        /* of a node */
#define FVI_ONNX_MAX_NAME 65535       /* bytes */
#define FVI_ONNX_MAX_META 4096        /* entries */
#define FVI_ONNX_MAX_FILES 1024       /* of external data */
#define FVI_ONNX_MAX_DOMAINS 64
#define FVI_ONNX_MAX_DIM (INT64_C(1) << 40)

/* names.c: name -> value, open addressing, seeded so that a file cannot choose its collisions */
typedef struct fvi_names {
    fvi_value **slot;
    size_t cap, count;
    uint64_t seed;
} fvi_names;
fvi_value *fvi_names_find(const fvi_names *t, fvi_span name);
bool fvi_names_add(fvi_names *t, fvi_value *v); /* false = out of memory */
void fvi_names_free(fvi_names *t);

typedef struct fvi_onnx_domain {
    fvi_span name;
    int64_t version;
} fvi_onnx_domain;

/* One import. */
typedef struct fvi_onnx {
    fvi_graph *g;
    fv_error *err;
    const char *dir;
    fvi_span graph;
    fvi_onnx_domain domain[FVI_ONNX_MAX_DOMAINS];
    int n_domains;
    fvi_names names;
    char **map_names;    /* [g->n_maps] location of each external file */
    uint64_t copy_budget;/* bytes of tensor data that may still be copied: a multiple of what the files hold */
    int widened;         /* tensors and ports of FP16, BF16, FP64 that became FP32 */
} fvi_onnx;

/* Next field of a message inside the model; *more = false at its end. Errors name `what`. */
fv_status fvi_onnx_next(fvi_onnx *o, fvi_span *s, fvi_field *f, const char *what, bool *more);
/* A string field, copied. Too long or with a null byte inside: error. */
fv_status fvi_onnx_text(fvi_onnx *o, const fvi_field *f, size_t limit, char **out);
fv_status fvi_onnx_memory(fvi_onnx *o);
/* Appends the int64s of a repeated field, packed or not. */
fv_status fvi_onnx_ints(fvi_onnx *o, const fvi_field *f, int64_t *out, int *count, int max, const char *what);
/* ONNX element type -> ours (what it becomes here); FV_NONE = not supported. */
fv_dtype fvi_onnx_dtype(int64_t type);
const char *fvi_onnx_dtype_name(int64_t type);
bool fvi_onnx_dtype_widened(int64_t type); /* FP16, BF16, FP64 */
fv_dtype fvi_onnx_dtype_declared(int64_t type); /* what a widened type is outside; FV_NONE = not widened */

/* A new listed value of that name, entered in the table. */
fv_status fvi_onnx_add_value(fvi_onnx *o, fvi_span name, fvi_value **out);

/* sniff.c: FV_OK when it may be ONNX, else a sentence about what it is */
fv_status fvi_onnx_sniff(const uint8_t *bytes, size_t size, fv_error *err);
/* tensor.c: TensorProto -> *v (dtype, shape, constant); *name = its name field. v is not listed in the graph. */
fv_status fvi_onnx_tensor(fvi_onnx *o, fvi_span s, fvi_value *v, fvi_span *name);
/* external.c: the bytes that a tensor's external_data entries name */
fv_status fvi_onnx_external(fvi_onnx *o, const char *tensor, fvi_span location, uint64_t offset, uint64_t length, fvi_span *out);
/* attr.c: AttributeProto list of a node. `what` names the node for errors. */
fv_status fvi_onnx_attr(fvi_onnx *o, fvi_span s, fvi_attr *a, const char *what);
/* node.c: NodeProtos */
fv_status fvi_onnx_nodes(fvi_onnx *o);
/* ports.c: ValueInfoProto: type into v; name only when v is null */
fv_status fvi_onnx_value_info(fvi_onnx *o, fvi_span s, fvi_value *v, fvi_span *name);
#endif
