/* peak_int8.h: products of bytes into twelve sums, out of registers, in the words of the level's file: pk, PK_W, pk_set, pk_from, pk_to, pk_dot. */
#include "kern/peak.h"

enum { PK_SUMS = 12 };

static void int8_run(float *state, int64_t rounds)
{
    const pk a = pk_set(PK_ONES), b = pk_set(1); /* the first of the products is 1, the others 0 */
    pk s[PK_SUMS];
#pragma GCC unroll 12
    for (int i = 0; i < PK_SUMS; i++) s[i] = pk_from(state + i * PK_W);
    for (int64_t r = 0; r < rounds; r++) {
#pragma GCC unroll 12
        for (int i = 0; i < PK_SUMS; i++) s[i] = pk_dot(s[i], a, b);
        __asm__ volatile("" ::: "memory");
    }
#pragma GCC unroll 12
    for (int i = 0; i < PK_SUMS; i++) pk_to(state + i * PK_W, s[i]);
}
