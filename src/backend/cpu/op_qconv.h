/* op_qconv.h: the names that byte convolutions are decided between. */
#ifndef FVI_BACKEND_CPU_OP_QCONV_H
#define FVI_BACKEND_CPU_OP_QCONV_H
const char *fvi_cpu_qconv_tactic_at(int i); /* null past the last */
#endif
