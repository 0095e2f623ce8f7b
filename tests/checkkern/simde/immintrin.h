/* Stands in for the compiler's <immintrin.h> when the *_avx512.c files are compiled for emulation: all intrinsics come from
 * SIMDe's portable forms, so that the code can be checked on machines without AVX-512. What SIMDe lacks is added here. */
#ifndef CHECKKERN_SIMDE_IMMINTRIN_H
#define CHECKKERN_SIMDE_IMMINTRIN_H
#define SIMDE_NO_NATIVE
#define SIMDE_ENABLE_NATIVE_ALIASES
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#include <simde/x86/avx512.h>
#include <simde/x86/fma.h>
#include <simde/x86/f16c.h>
#pragma GCC diagnostic pop
#endif
