/* op_logic.c: Or, Xor, comparisons with equality, and operators on the bits of integers. Turns a node into one loop over
 * plain C; And, Equal, Greater, Less have faster company in op_elementwise.c. */
#include "backend/cpu/loop.h"
#include "backend/cpu/step.h"
#include <string.h>

typedef struct logic_state {
    fvi_loop loop;
} logic_state;

static void run(fvi_step *s) { fvi_loop_run(&((logic_state *)s->state)->loop, s->env->pool); }

#define BINARY(T, R, name, expr)                                                                                       \
    static void name(const void *user, void *const *p, size_t n)                                                       \
    {                                                                                                                  \
        const T *ap = p[1], *bp = p[2];                                                                                \
        R *y = p[0];                                                                                                   \
        (void)user;                                                                                                    \
        for (size_t i = 0; i < n; i++) {                                                                               \
            T a = ap[i], b = bp[i];                                                                                    \
            y[i] = (R)(expr);                                                                                          \
        }                                                                                                              \
    }
BINARY(uint8_t, uint8_t, or_bool, a || b)
BINARY(uint8_t, uint8_t, xor_bool, !a != !b)

#define NUMBERS(X)                                                                                                     \
    X(float, f32, FV_F32)                                                                                              \
    INTEGERS(X)
#define INTEGERS(X)                                                                                                    \
    X(int8_t, i8, FV_I8)                                                                                               \
    X(uint8_t, u8, FV_U8)                                                                                              \
    X(int16_t, i16, FV_I16)                                                                                            \
    X(uint16_t, u16, FV_U16)                                                                                           \
    X(int32_t, i32, FV_I32)                                                                                            \
    X(uint32_t, u32, FV_U32)                                                                                           \
    X(int64_t, i64, FV_I64)                                                                                            \
    X(uint64_t, u64, FV_U64)
#define COMPARES(T, tag, id) BINARY(T, uint8_t, ge_##tag, a >= b) BINARY(T, uint8_t, le_##tag, a <= b)
NUMBERS(COMPARES)

/* Shifts by the width or more leave nothing. */
#define BITS(T, tag, id)                                                                                               \
    BINARY(T, T, and_##tag, a &b)                                                                                      \
    BINARY(T, T, or_##tag, a | b)                                                                                      \
    BINARY(T, T, xor_##tag, a ^ b)
INTEGERS(BITS)
#define SHIFTS(T, tag)                                                                                                 \
    BINARY(T, T, left_##tag, b >= sizeof(T) * 8 ? 0 : (uint64_t)a << b)                                                \
    BINARY(T, T, right_##tag, b >= sizeof(T) * 8 ? 0 : (uint64_t)a >> b)
SHIFTS(uint8_t, u8)
SHIFTS(uint16_t, u16)
SHIFTS(uint32_t, u32)
SHIFTS(uint64_t, u64)
/* Right shifts of signed types keep the sign; a negative amount counts as too many. */
#define SIGNED_SHIFTS(T, tag)                                                                                          \
    BINARY(T, T, left_##tag, b < 0 || b >= (T)(sizeof(T) * 8) ? 0 : (uint64_t)a << b)                                  \
    BINARY(T, T, right_##tag, b < 0 || b >= (T)(sizeof(T) * 8) ? (a < 0 ? -1 : 0) : (int64_t)a >> b)
SIGNED_SHIFTS(int8_t, i8)
SIGNED_SHIFTS(int16_t, i16)
SIGNED_SHIFTS(int32_t, i32)
SIGNED_SHIFTS(int64_t, i64)

#define NOT(T, tag, id)                                                                                                \
    static void not_##tag(const void *user, void *const *p, size_t n)                                                  \
    {                                                                                                                  \
        const T *x = p[1];                                                                                             \
        T *y = p[0];                                                                                                   \
        (void)user;                                                                                                    \
        for (size_t i = 0; i < n; i++) y[i] = (T)~x[i];                                                                \
    }
INTEGERS(NOT)

#define GE_ROW(T, tag, id) [id] = ge_##tag,
#define LE_ROW(T, tag, id) [id] = le_##tag,
#define AND_ROW(T, tag, id) [id] = and_##tag,
#define OR_ROW(T, tag, id) [id] = or_##tag,
#define XOR_ROW(T, tag, id) [id] = xor_##tag,
#define NOT_ROW(T, tag, id) [id] = not_##tag,
typedef fvi_block_fn by_type[FV_DTYPE_COUNT];
static const by_type ge = {NUMBERS(GE_ROW)}, le = {NUMBERS(LE_ROW)}, bit_and = {INTEGERS(AND_ROW)}, bit_or = {INTEGERS(OR_ROW)},
                     bit_xor = {INTEGERS(XOR_ROW)}, bit_not = {INTEGERS(NOT_ROW)}, either = {[FV_BOOL] = or_bool}, differ = {[FV_BOOL] = xor_bool};
#define LEFT_ROW(T, tag, id) [id] = left_##tag,
#define RIGHT_ROW(T, tag, id) [id] = right_##tag,
static const by_type left = {INTEGERS(LEFT_ROW)}, right = {INTEGERS(RIGHT_ROW)};

static const fvi_block_fn *blocks_of(const fvi_node *n)
{
    switch (n->op) {
    case FVI_OP_GREATER_OR_EQUAL: return ge;
    case FVI_OP_LESS_OR_EQUAL: return le;
    case FVI_OP_BITWISE_AND: return bit_and;
    case FVI_OP_BITWISE_OR: return bit_or;
    case FVI_OP_BITWISE_XOR: return bit_xor;
    case FVI_OP_BITWISE_NOT: return bit_not;
    case FVI_OP_OR: return either;
    case FVI_OP_XOR: return differ;
    default: return strcmp(fvi_node_string(n, "direction", ""), "LEFT") == 0 ? left : right;
    }
}

static unsigned types_of(const fvi_node *n)
{
    const fvi_block_fn *blocks = blocks_of(n);
    unsigned types = 0;
    for (int t = 1; t < FV_DTYPE_COUNT; t++)
        if (blocks[fvi_loop_type((fv_dtype)t)]) types |= FVI_TYPE_BIT(t);
    return types;
}

static fv_status prepare(fvi_step *s, fv_error *err)
{
    fv_dtype t = s->in[0].dtype;
    int operands = 1 + s->n_in;
    FVI_TRY(fvi_cpu_need_type(t, types_of(s->node), err));
    if (s->n_in > 1 && s->in[1].dtype != t)
        return fvi_error_set(err, FV_ERR_MODEL, "inputs of different types: %s and %s", fv_dtype_name(t), fv_dtype_name(s->in[1].dtype));
    FVI_TRY(fvi_cpu_new_state(s, sizeof(logic_state), err));
    logic_state *l = s->state;
    fvi_tensor all[3] = {s->out[0], s->in[0]};
    if (s->n_in > 1) all[2] = s->in[1];
    FVI_TRY(fvi_loop_init(&l->loop, operands, all, NULL, 0.5, err));
    l->loop.block = blocks_of(s->node)[fvi_loop_type(t)];
    s->run = run;
    s->tactic = "element-wise plain";
    return FV_OK;
}

static const char *refuse(const fvi_node *n)
{
    if (n->op == FVI_OP_BIT_SHIFT) {
        const char *d = fvi_node_string(n, "direction", "");
        if (strcmp(d, "LEFT") && strcmp(d, "RIGHT")) return "a direction that is neither LEFT nor RIGHT";
    }
    return fvi_cpu_refuse_type(n->in[0]->dtype, types_of(n));
}

#define OP(id, in_place) {FVI_OP_##id, FVI_LAYOUT_ANY, FVI_LAYOUT_ANY, in_place, refuse, NULL, prepare}
const fvi_cpu_op fvi_cpu_logic_ops[] = {
    OP(OR, false),         OP(XOR, false),        OP(GREATER_OR_EQUAL, false), OP(LESS_OR_EQUAL, false), OP(BITWISE_AND, false),
    OP(BITWISE_OR, false), OP(BITWISE_XOR, false), OP(BITWISE_NOT, true),       OP(BIT_SHIFT, false),     {FVI_OP_NONE},
};
