/* resize_map.c: attributes and operands of Resize and Upsample -> source positions of every output position of an axis.
 * Positions are computed in float, as ONNX Runtime does, so that ties fall the same way. Used by op_resize.c. */
#include "backend/cpu/resize_map.h"
#include "kern/elementwise.h"
#include <math.h>
#include <string.h>

enum { HALF_PIXEL, ASYMMETRIC, ALIGN_CORNERS, PYTORCH_HALF_PIXEL, HALF_PIXEL_SYMMETRIC, TF_HALF_PIXEL_FOR_NN, TF_CROP, N_COORDINATES };
static const char *const coordinate_names[N_COORDINATES] = {"half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel",
                                                            "half_pixel_symmetric", "tf_half_pixel_for_nn", "tf_crop_and_resize"};
enum { ROUND_PREFER_FLOOR, ROUND_PREFER_CEIL, FLOOR, CEIL, SIMPLE, N_ROUNDINGS };
static const char *const rounding_names[N_ROUNDINGS] = {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil", "simple"};

static int find(const char *name, const char *const *names, int count)
{
    for (int i = 0; i < count; i++)
        if (strcmp(name, names[i]) == 0) return i;
    return -1;
}

static bool old_form(const fvi_node *n) { return n->op == FVI_OP_UPSAMPLE || n->opset < 11; }

const char *fvi_resize_refuse(const fvi_node *n)
{
    const char *mode = fvi_node_string(n, "mode", "nearest");
    bool linear = strcmp(mode, "linear") == 0 || strcmp(mode, "bilinear") == 0;
    bool cubic = strcmp(mode, "cubic") == 0;
    if (!linear && !cubic && strcmp(mode, "nearest")) return "an unknown interpolation mode";
    if (find(fvi_node_string(n, "coordinate_transformation_mode", "half_pixel"), coordinate_names, N_COORDINATES) < 0) return "an unknown coordinate_transformation_mode";
    if (find(fvi_node_string(n, "nearest_mode", "floor"), rounding_names, SIMPLE) < 0) return "an unknown nearest_mode";
    return fvi_cpu_refuse_type(n->in[0]->dtype, linear || cubic ? FVI_TYPE_BIT(FV_F32) : (unsigned)FVI_TYPES_ANY);
}

/* Constant float operand i; -1 = not one. */
static int floats(const fvi_step *s, int i, float *out, int max)
{
    if (!fvi_cpu_has_input(s, i)) return 0;
    const fvi_tensor *t = &s->in[i];
    int64_t n = fvi_tensor_count(t);
    if (n == 0) return 0;
    if (!s->in_const[i] || t->rank != 1 || n > max || !(FVI_TYPE_BIT(t->dtype) & (FVI_TYPES_FLOAT | FVI_TYPES_HALF))) return -1;
    for (int64_t k = 0; k < n; k++) fvi_convert(FV_F32, t->dtype)(&out[k], t->data + k * t->stride[0] * (int64_t)fv_dtype_size(t->dtype), 1);
    return (int)n;
}

/* Which scale an axis has; sizes give out / in, or one common scale when the aspect ratio is kept. */
static fv_status read_scales(const fvi_step *s, fvi_resize_rule *r, const int64_t *axes, int count, fv_error *err)
{
    bool old = old_form(s->node);
    float given[FV_MAX_RANK];
    int n = floats(s, old ? 1 : 2, given, FV_MAX_RANK);
    const fvi_attr *a = fvi_node_attr(s->node, "scales");
    if (n == 0 && a && a->type == FVI_ATTR_FLOATS && a->count <= FV_MAX_RANK) {
        n = a->count;
        memcpy(given, a->floats, (size_t)n * sizeof *given);
    }
    const char *policy = fvi_node_string(s->node, "keep_aspect_ratio_policy", "stretch");
    bool stretch = strcmp(policy, "stretch") == 0, larger = strcmp(policy, "not_smaller") == 0;
    if (n < 0) return fvi_error_set(err, FV_ERR_UNSUPPORTED, "scales must be constant");
    if (n != 0 && n != count) return fvi_error_set(err, FV_ERR_MODEL, "%d scales for %d axes", n, count);
    for (int i = 0; i < s->in[0].rank; i++) r->scale[i] = s->in[0].dim[i] ? (float)s->out[0].dim[i] / (float)s->in[0].dim[i] : 1.0f;
    for (int i = 0; i < n; i++) {
        if (!(given[i] > 0)) return fvi_error_set(err, FV_ERR_MODEL, "scales must be above 0");
        r->scale[axes[i]] = given[i];
    }
    if (n > 0 || stretch) return FV_OK;
    int64_t sizes[FV_MAX_RANK];
    if (fvi_cpu_input_ints(s, 3, sizes, FV_MAX_RANK) != count) return fvi_error_set(err, FV_ERR_UNSUPPORTED, "sizes must be constant");
    float common = larger ? 0 : INFINITY;
    for (int i = 0; i < count; i++) {
        float f = (float)sizes[i] / (float)s->in[0].dim[axes[i]];
        common = larger ? fmaxf(common, f) : fminf(common, f);
    }
    for (int i = 0; i < count; i++) r->scale[axes[i]] = common;
    return FV_OK;
}

static fv_status read_roi(const fvi_step *s, fvi_resize_rule *r, const int64_t *axes, int count, fv_error *err)
{
    float roi[2 * FV_MAX_RANK];
    for (int i = 0; i < FV_MAX_RANK; i++) r->roi_end[i] = 1;
    r->extrapolation = fvi_node_float(s->node, "extrapolation_value", 0);
    if (!r->crops) return FV_OK;
    if (floats(s, 1, roi, 2 * FV_MAX_RANK) != 2 * count) return fvi_error_set(err, FV_ERR_UNSUPPORTED, "roi must be constant, two values an axis");
    for (int i = 0; i < count; i++) {
        r->roi_start[axes[i]] = roi[i];
        r->roi_end[axes[i]] = roi[count + i];
    }
    return FV_OK;
}

fv_status fvi_resize_read(const fvi_step *s, fvi_resize_rule *r, fv_error *err)
{
    const fvi_node *n = s->node;
    bool old = old_form(n);
    int64_t axes[FV_MAX_RANK];
    int rank = s->in[0].rank, count = old ? 0 : fvi_node_ints(n, "axes", axes, FV_MAX_RANK);
    if (count > FV_MAX_RANK || s->out[0].rank != rank) return fvi_error_set(err, FV_ERR_SHAPE, "input and output differ in rank");
    for (int i = 0; i < count; i++)
        if (!fvi_cpu_axis(&axes[i], rank)) return fvi_error_set(err, FV_ERR_MODEL, "axis is out of range");
    if (count == 0)
        for (; count < rank; count++) axes[count] = count;
    const char *mode = fvi_node_string(n, "mode", "nearest");
    r->mode = strcmp(mode, "nearest") == 0 ? FVI_RESIZE_NEAREST : strcmp(mode, "cubic") == 0 ? FVI_RESIZE_CUBIC : FVI_RESIZE_LINEAR;
    r->antialias = r->mode != FVI_RESIZE_NEAREST && fvi_node_int(n, "antialias", 0) != 0;
    r->exclude_outside = fvi_node_int(n, "exclude_outside", 0) != 0;
    r->cubic = fvi_node_float(n, "cubic_coeff_a", -0.75f);
    r->coordinates = old ? ASYMMETRIC : find(fvi_node_string(n, "coordinate_transformation_mode", "half_pixel"), coordinate_names, N_COORDINATES);
    r->rounding = old ? SIMPLE : find(fvi_node_string(n, "nearest_mode", "round_prefer_floor"), rounding_names, SIMPLE);
    r->crops = r->coordinates == TF_CROP;
    FVI_TRY(read_scales(s, r, axes, count, err));
    return read_roi(s, r, axes, count, err);
}

static float position(const fvi_resize_rule *r, int axis, int64_t in, int64_t out, int64_t o)
{
    float x = (float)o, scale = r->scale[axis], n = (float)in, m = (float)out;
    switch (r->coordinates) {
    case ASYMMETRIC: return x / scale;
    case ALIGN_CORNERS: /* the standard counts the resized length before it is cut down to a whole number */
        if (n * scale - m > 1e-3f * m) m = n * scale;
        return out == 1 ? 0 : x * (n - 1) / (m - 1);
    case PYTORCH_HALF_PIXEL: return out > 1 ? (x + 0.5f) / scale - 0.5f : 0;
    case TF_HALF_PIXEL_FOR_NN: return (x + 0.5f) / scale;
    case HALF_PIXEL_SYMMETRIC: {
        float adjust = m / (scale * n), center = n / 2;
        return center * (1 - adjust) + (x + 0.5f) / scale - 0.5f;
    }
    case TF_CROP:
        return out > 1 ? r->roi_start[axis] * (n - 1) + x * (r->roi_end[axis] - r->roi_start[axis]) * (n - 1) / (m - 1)
                       : 0.5f * (r->roi_start[axis] + r->roi_end[axis]) * (n - 1);
    default: return (x + 0.5f) / scale - 0.5f;
    }
}

/* An axis that keeps its size and scale is copied, whatever the rule. */
static bool untouched(const fvi_resize_rule *r, int axis, int64_t in, int64_t out)
{
    return in == out && r->scale[axis] == 1.0f && r->roi_start[axis] == 0 && r->roi_end[axis] == 1;
}

static int64_t clamp(float x, int64_t in) { return !(x > 0) ? 0 : x >= (float)(in - 1) ? in - 1 : (int64_t)x; }

void fvi_resize_nearest(const fvi_resize_rule *r, int axis, int64_t in, int64_t out, int64_t *index)
{
    for (int64_t o = 0; o < out; o++) {
        float x = position(r, axis, in, out, o), y = 0;
        if (untouched(r, axis, in, out)) {
            index[o] = o;
            continue;
        }
        if (r->crops && (x < 0 || x > (float)(in - 1))) {
            index[o] = -1;
            continue;
        }
        switch (r->rounding) {
        case ROUND_PREFER_FLOOR: y = x == floorf(x) + 0.5f ? floorf(x) : roundf(x); break;
        case ROUND_PREFER_CEIL: y = x == floorf(x) + 0.5f ? ceilf(x) : roundf(x); break;
        case FLOOR: y = floorf(x); break;
        case CEIL: y = ceilf(x); break;
        default: y = r->scale[axis] < 1 ? ceilf(x) : floorf(x); break;
        }
        index[o] = clamp(y, in);
    }
}

void fvi_resize_linear(const fvi_resize_rule *r, int axis, int64_t in, int64_t out, int64_t *lo, int64_t *hi, float *weight)
{
    for (int64_t o = 0; o < out; o++) {
        float x = untouched(r, axis, in, out) ? (float)o : position(r, axis, in, out, o);
        bool outside = r->crops && (x < 0 || x > (float)(in - 1));
        lo[o] = clamp(x, in);
        weight[o] = x > 0 && lo[o] < in - 1 ? x - (float)lo[o] : 0;
        hi[o] = lo[o] < in - 1 ? lo[o] + 1 : lo[o];
        if (outside) lo[o] = -1;
    }
}

static double kernel(const fvi_resize_rule *r, double x)
{
    double a = r->cubic;
    x = fabs(x);
    if (r->mode == FVI_RESIZE_LINEAR) return x < 1 ? 1 - x : 0;
    return x < 1 ? ((a + 2) * x - (a + 3)) * x * x + 1 : x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

static double stretch(const fvi_resize_rule *r, int axis) { return r->antialias && r->scale[axis] < 1 ? (double)r->scale[axis] : 1; }

int64_t fvi_resize_taps(const fvi_resize_rule *r, int axis)
{
    double reach = (r->mode == FVI_RESIZE_CUBIC ? 2 : 1) / stretch(r, axis);
    return reach > 1 << 20 ? -1 : 2 * (int64_t)ceil(reach);
}

void fvi_resize_filter(const fvi_resize_rule *r, int axis, int64_t in, int64_t out, int64_t taps, int64_t *index, float *weights)
{
    double s = stretch(r, axis);
    for (int64_t o = 0; o < out; o++, index += taps, weights += taps) {
        float at = untouched(r, axis, in, out) ? (float)o : position(r, axis, in, out, o);
        double x = at, sum = 0;
        int64_t first = (int64_t)floor(x) - taps / 2 + 1;
        for (int64_t k = 0; k < taps; k++) {
            int64_t i = first + k;
            bool inside = i >= 0 && i < in;
            double w = r->exclude_outside && !inside ? 0 : kernel(r, s * ((double)i - x));
            index[k] = i < 0 ? 0 : i < in ? i : in - 1;
            weights[k] = (float)w;
            sum += w;
        }
        for (int64_t k = 0; k < taps && sum != 0; k++) weights[k] = (float)(weights[k] / sum);
        if (r->crops && (at < 0 || at > (float)(in - 1))) index[0] = -1;
    }
}
