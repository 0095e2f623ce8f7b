/* families.c: all kernel families, one line each. */
#include "checkkern.h"

#define FAMILIES(X) X(act) X(conv) X(prep) X(elementwise) X(softmax) X(gemm) X(rows) X(peak) X(probe) X(overlap) X(cells) X(bf16) X(bytes) X(qconv)

#define DECLARE(name) extern const ck_family ck_##name;
FAMILIES(DECLARE)
#define LIST(name) &ck_##name,
const ck_family *const ck_families[] = {FAMILIES(LIST) NULL};
