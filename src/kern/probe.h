/* probe.h: do AMX tiles work here? CPUID's word is not enough: some virtual machines announce tiles that trap, others leave the
 * palette leaf (0x1D) empty though the tiles work. So a few tiles are really computed, in a child process that may die of it. */
#ifndef FVI_KERN_PROBE_H
#define FVI_KERN_PROBE_H

enum { FVI_PROBE_NO_CHILD = -1000 };
/* What probe() returned (0..255) in a copy of this process, minus the signal's number where it died of one, or FVI_PROBE_NO_CHILD. probe
 * may call nothing but the kernel. The child raises no SIGCHLD here, cannot be waited for by accident, and is gone on return.
 * Threads: any; they go on. */
int fvi_probe_in_child(int (*probe)(void));
/* Asks the kernel for tiles, then probes. Null = they work and this process may use them; else why not, static. */
const char *fvi_probe_amx(void);
/* Tiles of 16x64 bytes multiplied in BF16 and in INT8: 0 = as they should be, else which was wrong. x86/probe_amx.c */
int fvi_probe_tiles(void);
#endif
