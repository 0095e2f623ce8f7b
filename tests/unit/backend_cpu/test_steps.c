/* What goldens of single ONNX operators cannot show: fused activations and residuals, plain copies, refusals, indices that
 * come from the data, top-k and products large enough for every path. */
#include "op_cases.h"

static fvi_tensor tensor(fv_dtype type, int rank, const int64_t *dim, void *data)
{
    fvi_tensor t = {.dtype = type, .rank = rank, .data = data};
    for (int i = 0; i < rank; i++) t.dim[i] = dim[i];
    fvi_tensor_dense(&t);
    return t;
}

static float *random_floats(size_t n)
{
    float *p = fvi_alloc(n * sizeof *p);
    for (size_t i = 0; i < n; i++) p[i] = (float)((int)rnd(2001) - 1000) / 250.0f;
    return p;
}

static fvi_cpu_flags levels[3];
static int level_count(void)
{
    static const fvi_cpu_flags all[] = {FVI_CPU_C, FVI_CPU_C | FVI_CPU_AVX2, FVI_CPU_C | FVI_CPU_AVX2 | FVI_CPU_AVX512};
    int n = 0;
    for (int i = 0; i < 3; i++)
        if (!(all[i] & ~fvi_cpu_detect())) levels[n++] = all[i];
    return n;
}

static double act_of(const fvi_node *n, double x)
{
    switch (n->act) {
    case FVI_ACT_RELU: return x < 0 ? 0 : x;
    case FVI_ACT_LEAKY: return x < 0 ? (double)n->act_alpha * x : x;
    case FVI_ACT_CLIP: return fmin(fmax(x, (double)n->act_alpha), (double)n->act_beta);
    case FVI_ACT_SILU: return x / (1 + exp(-x));
    case FVI_ACT_GELU: return x * 0.5 * erfc(-x / sqrt(2));
    default: return x;
    }
}

/* One step from graph values; tensors are what the caller says. */
static void run_step(fvi_op op, fvi_act act, int n_in, fvi_tensor *in, bool constant_b, fvi_tensor *out, const fvi_tensor *residual, fvi_cpu_flags cpu, fvi_pool *pool, int chunks)
{
    fv_error err = {0};
    fvi_graph *g;
    assert_int_equal(fvi_graph_create(&g, &err), FV_OK);
    fvi_node *n = fvi_graph_add_node(g, op, "n", n_in, 1);
    n->opset = 13;
    n->act = act;
    n->act_alpha = act == FVI_ACT_CLIP ? -0.5f : 0.1f;
    n->act_beta = 2;
    for (int i = 0; i < n_in; i++) {
        n->in[i] = fvi_graph_add_value(g, NULL);
        n->in[i]->dtype = in[i].dtype;
    }
    if (residual) n->residual = fvi_graph_add_value(g, NULL);
    fvi_backend_env env = {.pool = pool, .cpu = cpu};
    bool in_const[3] = {false, constant_b, false};
    fvi_step s = {.backend = fvi_backend_cpu(), .env = &env, .node = n, .name = "n", .n_in = n_in, .n_out = 1, .in = in, .in_const = in_const, .out = out};
    if (residual) s.residual = *residual;
    fvi_chunks_force(chunks);
    if (fvi_backend_cpu()->prepare(&s, &err) < 0) fail_msg("%s", err.text);
    fvi_chunks_force(0);
    s.run(&s);
    s.run(&s); /* a frame later */
    fvi_step_release(&s);
    fvi_graph_free(&g);
}

static void add_with_everything(void **state)
{
    (void)state;
    static const fvi_act acts[] = {FVI_ACT_NONE, FVI_ACT_RELU, FVI_ACT_LEAKY, FVI_ACT_CLIP, FVI_ACT_SILU, FVI_ACT_GELU};
    enum { N = 3 * 37 * 11 };
    float *a = random_floats(N), *b = random_floats(N), *r = random_floats(N), *y = fvi_alloc(N * sizeof *y);
    int64_t dim[3] = {3, 37, 11};
    for (int l = 0, levels_here = level_count(); l < levels_here; l++)
        for (size_t k = 0; k < sizeof acts / sizeof *acts; k++)
            for (int res = 0; res < 2; res++) {
                fvi_tensor in[2] = {tensor(FV_F32, 3, dim, a), tensor(FV_F32, 3, dim, b)}, out = tensor(FV_F32, 3, dim, y), rt = tensor(FV_F32, 3, dim, r);
                rt.stride[0] = 1; /* the residual lies the other way round */
                rt.stride[1] = 3;
                rt.stride[2] = 3 * 37;
                run_step(FVI_OP_ADD, acts[k], 2, in, false, &out, res ? &rt : NULL, levels[l], NULL, 3);
                fvi_node n = {.act = acts[k], .act_alpha = acts[k] == FVI_ACT_CLIP ? -0.5f : 0.1f, .act_beta = 2};
                for (int i = 0; i < N; i++) {
                    int at = i / 407 + i / 11 % 37 * 3 + i % 11 * 111;
                    double want = act_of(&n, (double)(a[i] + b[i])) + (res ? (double)r[at] : 0);
                    if (fabs(want - (double)y[i]) > 1e-5) fail_msg("act %d residual %d: element %d is %g, not %g", (int)acts[k], res, i, (double)y[i], want);
                }
            }
    fvi_free(a);
    fvi_free(b);
    fvi_free(r);
    fvi_free(y);
}

/* Rows long, short and tiny, repeated and gathered, over several blocks: y = a + b in random layouts. */
static void loops_of_every_shape(void **state)
{
    (void)state;
    fv_error err = {0};
    fvi_pool *three = NULL;
    assert_int_equal(fvi_pool_create(&three, 3, &err), FV_OK);
    static const int widths[] = {1, 2, 3, 7, 16, 40, 70, 130, 600};
    for (int round = 0; round < 600; round++) {
        op_operand y = {.present = true, .dtype = FV_F32, .rank = 1 + (int)rnd(4), .count = 1}, in[2];
        for (int i = 0; i < y.rank; i++) y.dim[i] = y.count < 3000 ? widths[rnd(9)] : 1 + (int)rnd(4);
        for (int i = 0; i < y.rank; i++) y.count *= y.dim[i];
        if (y.count > 200000) continue;
        placed p[3];
        for (int k = 0; k < 2; k++) {
            in[k] = y;
            in[k].count = 1;
            for (int i = 0; i < y.rank; i++) {
                if (rnd(3) == 0) in[k].dim[i] = 1;
                in[k].count *= in[k].dim[i];
            }
            float *x = random_floats((size_t)in[k].count);
            in[k].data = (char *)x;
            p[k] = place(&in[k], (int)rnd(3));
            fill(&p[k], &in[k]);
        }
        p[2] = place(&y, (int)rnd(3));
        snapshot(&p[2]);
        fvi_tensor tin[2] = {p[0].t, p[1].t};
        run_step(FVI_OP_ADD, FVI_ACT_NONE, 2, tin, false, &p[2].t, NULL, round % 2 ? FVI_CPU_C : fvi_cpu_detect(), three, round % 3 ? 5 : 0);
        float *got = fvi_alloc((size_t)y.count * sizeof *got);
        assert_true(only_elements_changed(&p[2], &y, (char *)got));
        for (int64_t f = 0; f < y.count; f++) {
            float v[2];
            for (int k = 0; k < 2; k++) {
                int64_t rest = f, at = 0, step = 1;
                for (int i = y.rank - 1; i >= 0; i--) {
                    at += in[k].dim[i] == 1 ? 0 : rest % y.dim[i] * step;
                    step *= in[k].dim[i];
                    rest /= y.dim[i];
                }
                v[k] = ((const float *)(const void *)in[k].data)[at];
            }
            if (got[f] != v[0] + v[1]) fail_msg("round %d, element %lld of %lld: %g, not %g", round, (long long)f, (long long)y.count, (double)got[f], (double)(v[0] + v[1]));
        }
        fvi_free(got);
        for (int k = 0; k < 2; k++) fvi_free((void *)(uintptr_t)in[k].data);
        for (int k = 0; k < 3; k++) drop(&p[k]);
    }
    fvi_pool_free(&three);
}

/* Products of many sizes, in all four transpositions and both orders of the output, with activation and residual. */
static void products(void **state)
{
    (void)state;
    static const int sizes[][3] = {{1, 1, 1}, {6, 16, 8}, {7, 17, 9}, {13, 33, 400}, {100, 70, 385}, {3, 200, 770}, {97, 5, 31}, {1, 300, 64}, {49, 65, 1}};
    fv_error err = {0};
    fvi_pool *three = NULL;
    assert_int_equal(fvi_pool_create(&three, 3, &err), FV_OK);
    for (int l = 0, levels_here = level_count(); l < levels_here; l++)
        for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
            for (int form = 0; form < 16; form++) {
                int64_t m = sizes[k][0], n = sizes[k][1], kk = sizes[k][2], batch = 2;
                float *a = random_floats((size_t)(batch * m * kk)), *b = random_floats((size_t)(batch * kk * n)), *r = random_floats((size_t)(batch * m * n)), *y = random_floats((size_t)(batch * m * n + 1)), *z = random_floats((size_t)(batch * m * n + 1));
                fvi_tensor in[2] = {tensor(FV_F32, 3, (int64_t[]){batch, m, kk}, a), tensor(FV_F32, 3, (int64_t[]){batch, kk, n}, b)}, out = tensor(FV_F32, 3, (int64_t[]){batch, m, n}, y), res = tensor(FV_F32, 3, (int64_t[]){batch, m, n}, r);
                if (form & 1) in[0].stride[1] = 1, in[0].stride[2] = m;
                if (form & 2) in[1].stride[1] = 1, in[1].stride[2] = kk;
                if (form & 4) out.stride[1] = 1, out.stride[2] = m;
                if (form & 8) in[1].stride[0] = 0; /* one B for the whole batch */
                if (k == 3) out.stride[0] = 1, out.stride[2] *= batch, out.stride[1] *= batch; /* nothing contiguous */
                run_step(FVI_OP_MATMUL, FVI_ACT_SILU, 2, in, form & 8, &out, &res, levels[l], NULL, 1);
                for (int64_t i = 0; i < batch * m * n; i++) {
                    int64_t bi = i / (m * n), mi = i / n % m, ni = i % n;
                    double sum = 0, size = 0;
                    for (int64_t q = 0; q < kk; q++) {
                        double p = (double)a[bi * m * kk + mi * in[0].stride[1] + q * in[0].stride[2]] * (double)b[bi * in[1].stride[0] + q * in[1].stride[1] + ni * in[1].stride[2]];
                        sum += p;
                        size += fabs(p);
                    }
                    double want = sum / (1 + exp(-sum)) + (double)r[i], got = (double)y[address(&out, i)];
                    if (fabs(want - got) > 1e-6 * size + 1e-5) fail_msg("%d x %d x %d form %d: element %lld is %g, not %g", (int)m, (int)n, (int)kk, form, (long long)i, got, want);
                }
                out.data = (char *)z;
                run_step(FVI_OP_MATMUL, FVI_ACT_SILU, 2, in, form & 8, &out, &res, levels[l], three, 7);
                assert_memory_equal(y, z, (size_t)(batch * m * n) * sizeof *y);
                fvi_free(a);
                fvi_free(b);
                fvi_free(r);
                fvi_free(y);
                fvi_free(z);
            }
    fvi_pool_free(&three);
}

static void copies_between_any_strides(void **state)
{
    (void)state;
    const fvi_backend *cpu = fvi_backend_cpu();
    fv_error err = {0};
    fvi_pool *three = NULL;
    assert_int_equal(fvi_pool_create(&three, 3, &err), FV_OK);
    for (int round = 0; round < 400; round++) {
        op_operand o = {.present = true, .dtype = (fv_dtype[]){FV_F32, FV_I64, FV_U8, FV_F16}[rnd(4)], .rank = 1 + (int)rnd(5), .count = 1};
        for (int i = 0; i < o.rank; i++) o.count *= o.dim[i] = 1 + rnd(round % 7 == 0 ? 23 : 9);
        size_t bytes = (size_t)o.count * fv_dtype_size(o.dtype);
        char *data = malloc(bytes), *got = malloc(bytes);
        for (size_t i = 0; i < bytes; i++) data[i] = (char)rnd(256);
        o.data = data;
        placed from = place(&o, LAYOUT_RANDOM), to = place(&o, rnd(2) ? LAYOUT_RANDOM : LAYOUT_CHANNELS_LAST);
        fill(&from, &o);
        snapshot(&to);
        fvi_backend_env env = {.pool = three, .cpu = round % 2 ? FVI_CPU_C : fvi_cpu_detect()};
        fvi_step s = {.backend = cpu, .env = &env, .name = "copy", .n_in = 1, .n_out = 1, .in = &from.t, .out = &to.t};
        fvi_chunks_force(round % 5 * 2);
        assert_int_equal(cpu->prepare_copy(&s, &err), FV_OK);
        fvi_chunks_force(0);
        uint64_t allocations = fvi_alloc_count();
        s.run(&s);
        assert_int_equal(fvi_alloc_count(), allocations);
        fvi_step_release(&s);
        assert_true(only_elements_changed(&to, &o, got));
        assert_memory_equal(got, data, bytes);
        drop(&from);
        drop(&to);
        free(data);
        free(got);
    }
    fvi_pool_free(&three);
}

/* Equal values come in order of index, however many there are and whichever way they lie. */
static void topk_against_sorting(void **state)
{
    (void)state;
    enum { N = 5000 };
    float *x = fvi_alloc(2 * N * sizeof *x);
    fv_error err = {0};
    for (int round = 0; round < 60; round++) {
        int64_t n = 1 + rnd(N), k = round % 6 == 0 ? n : 1 + rnd((uint32_t)(n < 300 ? n : 300)), stride = 1 + round % 2;
        bool largest = round % 3 != 0;
        int kinds = round % 4 == 0 ? 3 : 100000;
        for (int64_t i = 0; i < n; i++) x[i * stride] = (float)rnd((uint32_t)kinds) / 7 - (round % 5 == 0 ? 1 : 0);
        if (round % 7 == 0) /* rising: the threshold moves all the time */
            for (int64_t i = 0; i < n; i++) x[i * stride] = (float)i / 10;
        float *v = fvi_alloc((size_t)k * sizeof *v);
        int64_t *ix = fvi_alloc((size_t)k * sizeof *ix), count = k;
        fvi_graph *g;
        assert_int_equal(fvi_graph_create(&g, &err), FV_OK);
        fvi_node *node = fvi_graph_add_node(g, FVI_OP_TOPK, "t", 2, 2);
        node->opset = 11;
        node->in[0] = fvi_graph_add_value(g, NULL);
        node->in[1] = fvi_graph_add_value(g, NULL);
        fvi_node_set_int(g, node, "largest", largest);
        fvi_tensor in[2] = {tensor(FV_F32, 1, &n, x), tensor(FV_I64, 1, (int64_t[]){1}, &count)}, out[2] = {tensor(FV_F32, 1, &k, v), tensor(FV_I64, 1, &k, ix)};
        in[0].stride[0] = stride;
        bool in_const[2] = {false, true};
        fvi_backend_env env = {.cpu = round % 2 ? FVI_CPU_C : fvi_cpu_detect()};
        fvi_step s = {.backend = fvi_backend_cpu(), .env = &env, .node = node, .name = "t", .n_in = 2, .n_out = 2, .in = in, .in_const = in_const, .out = out};
        if (fvi_backend_cpu()->prepare(&s, &err) < 0) fail_msg("%s", err.text);
        s.run(&s);
        fvi_step_release(&s);
        fvi_graph_free(&g);
        char *taken = calloc((size_t)n, 1);
        for (int64_t j = 0; j < k; j++) { /* the best of those not taken, first of equals */
            if (j > 200) break;
            int64_t best = -1;
            for (int64_t i = 0; i < n; i++)
                if (!taken[i] && (best < 0 || (largest ? x[i * stride] > x[best * stride] : x[i * stride] < x[best * stride]))) best = i;
            taken[best] = 1;
            assert_int_equal(ix[j], best);
            assert_true(v[j] == x[best * stride]);
        }
        free(taken);
        fvi_free(v);
        fvi_free(ix);
    }
    fvi_free(x);
}

static fv_status gather(int64_t index, bool constant, int64_t *got, fv_error *err)
{
    int64_t data[4] = {10, 11, 12, 13};
    fvi_graph *g;
    assert_int_equal(fvi_graph_create(&g, err), FV_OK);
    fvi_node *n = fvi_graph_add_node(g, FVI_OP_GATHER, "g", 2, 1);
    n->opset = 13;
    n->in[0] = fvi_graph_add_value(g, NULL);
    n->in[1] = fvi_graph_add_value(g, NULL);
    fvi_tensor in[2] = {tensor(FV_I64, 1, (int64_t[]){4}, data), tensor(FV_I64, 0, NULL, &index)}, out = tensor(FV_I64, 0, NULL, got);
    bool in_const[2] = {false, constant};
    fvi_backend_env env = {.cpu = FVI_CPU_C};
    fvi_step s = {.backend = fvi_backend_cpu(), .env = &env, .node = n, .name = "g", .n_in = 2, .n_out = 1, .in = in, .in_const = in_const, .out = &out};
    fv_status st = fvi_backend_cpu()->prepare(&s, err);
    if (st >= 0) s.run(&s);
    fvi_step_release(&s);
    fvi_graph_free(&g);
    return st;
}

static void indices_out_of_range(void **state)
{
    (void)state;
    fv_error err = {0};
    int64_t got = 0;
    assert_int_equal(gather(4, true, &got, &err), FV_ERR_MODEL);
    assert_non_null(strstr(err.text, "index 4 is out of range for an axis of 4"));
    assert_int_equal(gather(-5, true, &got, &err), FV_ERR_MODEL);
    assert_int_equal(gather(-1, true, &got, &err), FV_OK);
    assert_int_equal(got, 13);
    assert_int_equal(gather(INT64_MAX, false, &got, &err), FV_OK); /* from the data: clamped */
    assert_int_equal(got, 13);
    assert_int_equal(gather(INT64_MIN, false, &got, &err), FV_OK);
    assert_int_equal(got, 10);
}

/* Integer Gemm with factors below zero, which have no unsigned value, and beyond int, which cannot be converted at all. */
static void integer_gemm_factors(void **state)
{
    (void)state;
    int32_t a[2] = {3, 5}, b[2] = {7, -2}, c[1] = {4}, y[1] = {0};
    void *data[4] = {a, b, c, y};
    int64_t dims[4][2] = {{1, 2}, {2, 1}, {1, 1}, {1, 1}};
    fvi_tensor t[4];
    fvi_value v[4], *in[3] = {&v[0], &v[1], &v[2]}, *out[1] = {&v[3]};
    for (int i = 0; i < 4; i++) {
        t[i] = (fvi_tensor){.dtype = FV_I32, .rank = 2, .dim = {dims[i][0], dims[i][1]}, .data = data[i]};
        fvi_tensor_dense(&t[i]);
        v[i] = (fvi_value){.dtype = FV_I32, .rank = 2, .dim = {dims[i][0], dims[i][1]}};
    }
    fvi_attr attr[2] = {{.name = (char[]){"alpha"}, .type = FVI_ATTR_FLOAT, .f = -2}, {.name = (char[]){"beta"}, .type = FVI_ATTR_FLOAT, .f = -3}};
    fvi_node n = {.op = FVI_OP_GEMM, .n_in = 3, .n_out = 1, .in = in, .out = out, .opset = 13, .attr = attr, .n_attr = 2};
    fvi_backend_env env = {.cpu = FVI_CPU_C};
    bool in_const[3] = {false};
    fv_error err = {0};
    fvi_step s = {.backend = fvi_backend_cpu(), .env = &env, .node = &n, .name = "n", .n_in = 3, .n_out = 1, .in = t, .in_const = in_const, .out = &t[3]};
    if (fvi_backend_cpu()->prepare(&s, &err) < 0) fail_msg("%s", err.text);
    s.run(&s);
    assert_int_equal(y[0], -2 * (3 * 7 - 5 * 2) - 3 * 4);
    fvi_step_release(&s);
    s.state = NULL;
    attr[0].f = 1e30f;
    assert_int_equal(fvi_backend_cpu()->prepare(&s, &err), FV_ERR_UNSUPPORTED);
    fvi_step_release(&s);
}

static const char *refusal(fvi_op op, fv_dtype t, int rank)
{
    fvi_value x = {.dtype = t, .rank = rank}, *in[2] = {&x, &x}, y = {.dtype = t, .rank = rank}, *out[1] = {&y};
    fvi_node n = {.op = op, .n_in = 1, .n_out = 1, .in = in, .out = out, .opset = 13};
    return fvi_backend_cpu()->unsupported(&n);
}

static void refusals_name_the_cause(void **state)
{
    (void)state;
    assert_null(refusal(FVI_OP_SIGMOID, FV_F32, 4));
    assert_string_equal(refusal(FVI_OP_SIGMOID, FV_I8, 4), "elements of type int8");
    assert_string_equal(refusal(FVI_OP_SQRT, FV_I64, 1), "elements of type int64");
    assert_string_equal(refusal(FVI_OP_DEFORM_CONV, FV_F32, 5), "a deformable convolution that is not 2-d");
    assert_string_equal(refusal(FVI_OP_NOT, FV_F32, 1), "elements of type float32");
    assert_string_equal(refusal(FVI_OP_CONSTANT, FV_F32, 1), "an operator without an implementation here");
    fvi_value x = {.dtype = FV_F32, .rank = 1}, *in[1] = {&x}, *out[1] = {&x};
    fvi_node n = {.op = FVI_OP_EXP, .n_in = 1, .n_out = 1, .in = in, .out = out, .act = FVI_ACT_RELU};
    assert_string_equal(fvi_backend_cpu()->unsupported(&n), "a fused activation or residual");
}

/* Every operator of the table but Constant (always folded) has an implementation. */
static void every_operator_is_there(void **state)
{
    (void)state;
    for (int op = FVI_OP_NONE + 1; op < FVI_OP_COUNT; op++) {
        fvi_value x = {.rank = 4}, *in[8] = {&x, &x, &x, &x, &x, &x, &x, &x};
        fvi_node n = {.op = (fvi_op)op, .n_in = fvi_op_get((fvi_op)op)->min_in, .n_out = 1, .in = in, .out = in, .opset = 13};
        const char *why = fvi_backend_cpu()->unsupported(&n);
        if (op != FVI_OP_CONSTANT && why && strcmp(why, "an operator without an implementation here") == 0) fail_msg("%s has no implementation", fvi_op_get((fvi_op)op)->name);
    }
}

/* Folding refuses what would take too much memory, and what is not constant. */
static void folding_knows_its_limits(void **state)
{
    (void)state;
    fv_error err = {0};
    fvi_graph *g;
    assert_int_equal(fvi_graph_create(&g, &err), FV_OK);
    int64_t shape[2] = {1 << 20, 1 << 10};
    fvi_node *n = fvi_graph_add_node(g, FVI_OP_CONSTANT_OF_SHAPE, "big", 1, 1);
    n->opset = 13;
    n->in[0] = fvi_graph_add_constant(g, NULL, FV_I64, 1, (int64_t[]){2}, shape);
    if (!n->out[0]) n->out[0] = fvi_graph_add_value(g, NULL);
    n->out[0]->dtype = FV_F32;
    n->out[0]->rank = 2;
    n->out[0]->dim[0] = shape[0];
    n->out[0]->dim[1] = shape[1];
    fvi_backend_env env = {.cpu = FVI_CPU_C};
    assert_int_equal(fvi_cpu_eval(&env, g, n, &err), FV_ERR_UNSUPPORTED);
    assert_null(n->out[0]->constant);
    n->in[0]->constant = NULL;
    n->out[0]->dim[0] = n->out[0]->dim[1] = 2;
    assert_int_equal(fvi_cpu_eval(&env, g, n, &err), FV_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.text, "not constant"));
    fvi_graph_free(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(add_with_everything),     cmocka_unit_test(loops_of_every_shape), cmocka_unit_test(products),
        cmocka_unit_test(copies_between_any_strides), cmocka_unit_test(topk_against_sorting),
        cmocka_unit_test(indices_out_of_range),    cmocka_unit_test(integer_gemm_factors),
        cmocka_unit_test(refusals_name_the_cause),
        cmocka_unit_test(every_operator_is_there), cmocka_unit_test(folding_knows_its_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
