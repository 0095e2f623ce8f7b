/* dtype.c: names and sizes of element types, and the element count of a caller's tensor. Public functions of
 * fovea/tensor.h; used from everywhere. */
#include <fovea/tensor.h>
#include <stdbool.h>

static const struct {
    size_t size;
    const char *name;
} dtypes[FV_DTYPE_COUNT] = {
#define FV_DTYPE_ROW(id, bytes, text) {bytes, text},
    FV_DTYPE_LIST(FV_DTYPE_ROW)
#undef FV_DTYPE_ROW
};

size_t fv_dtype_size(fv_dtype t) { return (unsigned)t < FV_DTYPE_COUNT ? dtypes[t].size : 0; }

const char *fv_dtype_name(fv_dtype t) { return (unsigned)t < FV_DTYPE_COUNT ? dtypes[t].name : "unknown"; }

int64_t fv_tensor_count(const fv_tensor *t)
{
    if (t->rank < 0 || t->rank > FV_MAX_RANK) return -1;
    int64_t n = 1;
    bool zero = false;
    for (int i = 0; i < t->rank; i++) {
        if (t->dim[i] < 0) return -1;
        if (t->dim[i] == 0)
            zero = true;
        else if (__builtin_mul_overflow(n, t->dim[i], &n))
            return -1;
    }
    return zero ? 0 : n;
}
