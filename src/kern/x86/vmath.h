/* vmath.h: exp, log, tanh, erf and friends on one vector `vf` of floats. Written once for all x86 levels: include
 * vec_avx2.h or vec_avx512.h first. Coefficients are least-maximum fits made for these intervals.
 * Relative error <= 1e-6 (mostly 2 ulp); NaN stays NaN; results below 2^-125 become 0. */
#ifndef FVI_KERN_VMATH_H
#define FVI_KERN_VMATH_H

/* 2^(j/8) as bits, less j << 20: adding k << 20 to entry k mod 8 gives 2^(k/8). */
static const float vf_eighths[8] = {1.0f, 0.9827539f, 0.96960354f, 0.9609198f, 0.95710677f, 0.9586054f, 0.9658964f, 0.97950405f};

/* e^-c = *scale * (what is returned), |c| <= 87: steps of 2^(1/8) from a table in a register and a cubic for the rest
 * (|r| <= ln 2 / 16), 2.6e-8 off. The magic number rounds to eighths, whose count is then in the low bits. ln 2 as a float
 * is 2.8e-9 of it off, 2.4e-7 over all of the range; with the roundings the product is within 4e-7. NaN stays NaN. */
static inline vf vf_exp_neg(vf c, vf *scale)
{
    const vf magic = vf_set(1572864.0f);
    vf t = vf_fma(c, vf_set(-1.44269504f), magic);
    vf r = vf_fnma(vf_sub(magic, t), vf_set(0.693147181f), c); /* minus the rest */
    vf p = vf_fma(vf_set(-0.16666859f), r, vf_set(0.50006473f));
    p = vf_fma(p, r, vf_set(-1.0f));
    *scale = vf_from_bits(vi_add(vf_bits(vf_lookup8(vf_eighths, vf_bits(t))), vi_shl20(vf_bits(t))));
    return vf_fma(p, r, vf_set(1.0f));
}

/* e^x = 2^n e^r with |r| <= ln 2 / 2 */
static inline vf vf_exp(vf x)
{
    const vf lo = vf_set(-86.6f), hi = vf_set(88.7228394f);
    vf c = vf_min(hi, vf_max(lo, x));
    vf n = vf_round(vf_mul(c, vf_set(1.44269504f)));
    vf r = vf_fnma(n, vf_set(0.693359375f), c); /* ln 2 in two parts, the first exact in few bits */
    r = vf_fnma(n, vf_set(-2.12194440e-4f), r);
    vf p = vf_set(0.000199179733f);
    p = vf_fma(p, r, vf_set(0.001394619f));
    p = vf_fma(p, r, vf_set(0.00833326485f));
    p = vf_fma(p, r, vf_set(0.0416662693f));
    p = vf_fma(p, r, vf_set(0.166666672f));
    p = vf_fma(p, r, vf_set(0.5f));
    p = vf_fma(vf_mul(p, r), r, r);
    p = vf_add(p, vf_set(1.0f));
    /* n reaches 128: scale by 2^(n-1), then by 2 */
    vf scale = vf_from_bits(vi_shl23(vi_add(vf_to_int(n), vi_set(126))));
    vf y = vf_mul(vf_mul(p, scale), vf_set(2.0f));
    y = vf_select(vf_lt(x, lo), vf_set(0.0f), y);
    return vf_select(vf_gt(x, hi), vf_set(__builtin_inff()), y);
}

static inline vf vf_sigmoid(vf x) { return vf_div(vf_set(1.0f), vf_add(vf_set(1.0f), vf_exp(vf_neg(x)))); }
static inline vf vf_silu(vf x) { return vf_div(x, vf_add(vf_set(1.0f), vf_exp(vf_neg(x)))); }

/* log(2^k m) with m in [sqrt(1/2), sqrt 2). Subnormals count as the smallest normal number. */
static inline vf vf_log(vf x)
{
    vf c = vf_max(vf_set(1.17549435e-38f), x);
    vi bits = vf_bits(c), k = vi_sar23(vi_sub(bits, vi_set(0x3f3504f3)));
    vf m = vf_from_bits(vi_sub(bits, vi_shl23(k))), t = vf_sub(m, vf_set(1.0f)), n = vi_to_float(k);
    vf p = vf_set(0.0691536814f);
    p = vf_fma(p, t, vf_set(-0.117898077f));
    p = vf_fma(p, t, vf_set(0.118729763f));
    p = vf_fma(p, t, vf_set(-0.123843484f));
    p = vf_fma(p, t, vf_set(0.142186582f));
    p = vf_fma(p, t, vf_set(-0.16669251f));
    p = vf_fma(p, t, vf_set(0.200022265f));
    p = vf_fma(p, t, vf_set(-0.249999866f));
    p = vf_fma(p, t, vf_set(0.333333105f));
    vf t2 = vf_mul(t, t);
    vf y = vf_mul(vf_mul(p, t), t2);
    y = vf_fma(n, vf_set(-2.12194440e-4f), y);
    y = vf_fnma(vf_set(0.5f), t2, y);
    y = vf_add(t, y);
    y = vf_fma(n, vf_set(0.693359375f), y);
    y = vf_select(vf_eq(x, vf_set(0.0f)), vf_set(-__builtin_inff()), y);
    y = vf_select(vf_eq(x, vf_set(__builtin_inff())), x, y);
    y = vf_select(vf_lt(x, vf_set(0.0f)), vf_set(__builtin_nanf("")), y);
    return vf_select(vf_nan(x, x), x, y);
}

static inline vf vf_tanh(vf x)
{
    vf a = vf_abs(x), u = vf_mul(x, x);
    vf p = vf_set(0.00206466205f);
    p = vf_fma(p, u, vf_set(-0.00809196476f));
    p = vf_fma(p, u, vf_set(0.0216663443f));
    p = vf_fma(p, u, vf_set(-0.0539405644f));
    p = vf_fma(p, u, vf_set(0.133331582f));
    p = vf_fma(p, u, vf_set(-0.333333284f));
    vf small = vf_fma(vf_mul(p, u), x, x);
    vf e = vf_exp(vf_add(a, a));
    vf large = vf_sub(vf_set(1.0f), vf_div(vf_set(2.0f), vf_add(e, vf_set(1.0f))));
    return vf_select(vf_lt(a, vf_set(0.625f)), small, vf_copysign(large, x));
}

/* For a >= 0.92: erfc(a) = e^-R(a); past 4 it is below rounding of 1 - erfc. */
static inline vf vf_erfc_tail(vf a)
{
    a = vf_min(vf_set(10.0f), a);
    vf r = vf_set(4.56458451e-07f);
    r = vf_fma(r, a, vf_set(1.52127905e-05f));
    r = vf_fma(r, a, vf_set(-0.000402014179f));
    r = vf_fma(r, a, vf_set(0.00407094043f));
    r = vf_fma(r, a, vf_set(-0.0249303151f));
    r = vf_fma(r, a, vf_set(0.108056039f));
    r = vf_fma(r, a, vf_set(0.633509636f));
    r = vf_fma(r, a, vf_set(1.12944865f));
    r = vf_fma(r, a, vf_set(-0.000163081233f));
    return vf_exp(vf_neg(r));
}

static inline vf vf_erf(vf x)
{
    vf a = vf_abs(x), u = vf_mul(x, x);
    vf p = vf_set(8.1850907e-05f);
    p = vf_fma(p, u, vf_set(-0.000809770252f));
    p = vf_fma(p, u, vf_set(0.0051969518f));
    p = vf_fma(p, u, vf_set(-0.0268577058f));
    p = vf_fma(p, u, vf_set(0.112836637f));
    p = vf_fma(p, u, vf_set(-0.376126319f));
    p = vf_fma(p, u, vf_set(1.12837923f));
    vf small = vf_mul(p, x);
    vf large = vf_copysign(vf_sub(vf_set(1.0f), vf_erfc_tail(a)), x);
    vf y = vf_select(vf_lt(a, vf_set(0.93f)), small, large);
    return vf_select(vf_nan(x, x), x, y);
}

/* x/2 (1 + erf(x / sqrt 2)). Only the absolute error of erf counts here: z P(z^2) / Q(z^2) is within 2.5e-7 of it up to 3.9, and past
 * that it is 1 (3.5e-8): 2.6e-7 |x| with the roundings. NaN stays NaN. */
static inline vf vf_gelu(vf x)
{
    vf z = vf_mul(x, vf_set(0.707106781f)), u = vf_mul(z, z);
    vf p = vf_set(0.000326550343f);
    p = vf_fma(p, u, vf_set(0.00910797603f));
    p = vf_fma(p, u, vf_set(0.0690456216f));
    p = vf_fma(p, u, vf_set(0.325644071f));
    p = vf_fma(p, u, vf_set(1.1283774f));
    vf q = vf_set(1.89844461e-05f);
    q = vf_fma(q, u, vf_set(0.00230983122f));
    q = vf_fma(q, u, vf_set(0.0257565850f));
    q = vf_fma(q, u, vf_set(0.168566874f));
    q = vf_fma(q, u, vf_set(0.621907572f));
    q = vf_fma(q, u, vf_set(1.0f));
    vf e = vf_div(vf_mul(z, p), q), half = vf_mul(x, vf_set(0.5f));
    e = vf_select(vf_lt(u, vf_set(3.9f * 3.9f)), e, vf_copysign(vf_set(1.0f), x));
    return vf_fma(half, e, half);
}
#endif
