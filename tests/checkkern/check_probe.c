/* check_probe.c: the probe's tiles (kern/probe.h), and the emulated tiles themselves: what decides whether a machine has AMX must find
 * right products right. */
#include "checkkern.h"
#include "kern/probe.h"

static int list(ck_kernel *out, int max)
{
#ifdef FVI_X86
    return ck_add(out, max, 0, FVI_CPU_AMX, NULL, 0, "probe amx");
#else
    (void)out, (void)max;
    return 0;
#endif
}

static void check(ck *c, const ck_kernel *k)
{
    (void)k;
#ifdef FVI_X86
    ck_shape(c, "16x16x64 bytes");
    ck_near(c, fvi_probe_tiles(), 0, 0, "wrong product");
#endif
    ck_done(c);
}

const ck_family ck_probe = {"probe", list, check, NULL};
