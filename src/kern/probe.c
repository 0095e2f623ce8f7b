/* probe.c: runs a function in a child process that may die of it, and asks for AMX that way. Called once, by cpu.c. */
#include "kern/probe.h"
#include "kern/cpu.h"
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Signals that a wrong instruction raises: the application may have handlers, which are none of the child's business. */
static void die_plainly(void)
{
    const int sigs[] = {SIGILL, SIGSEGV, SIGBUS, SIGFPE, SIGTRAP, SIGSYS};
    struct sigaction plain = {.sa_handler = SIG_DFL};
    const struct rlimit none = {0, 0};
    sigset_t all;
    setrlimit(RLIMIT_CORE, &none);
    for (size_t i = 0; i < sizeof sigs / sizeof *sigs; i++) sigaction(sigs[i], &plain, NULL);
    sigemptyset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
}

int fvi_probe_in_child(int (*probe)(void))
{
    sigset_t all, before;
    int status;
    /* blocked: a signal for the application that arrives in the child would run its handler there */
    sigfillset(&all);
    if (pthread_sigmask(SIG_SETMASK, &all, &before)) return FVI_PROBE_NO_CHILD;
    /* the bare call: no handlers of pthread_atfork, and without an exit signal no SIGCHLD and nothing for the application's wait() */
    const long pid = syscall(SYS_clone, 0L, NULL, NULL, NULL, 0L);
    if (pid == 0) {
        die_plainly();
        _exit(probe());
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (pid < 0) return FVI_PROBE_NO_CHILD;
    while (waitpid((pid_t)pid, &status, __WALL) < 0)
        if (errno != EINTR) return FVI_PROBE_NO_CHILD;
    return WIFEXITED(status) ? WEXITSTATUS(status) : WIFSIGNALED(status) ? -WTERMSIG(status) : FVI_PROBE_NO_CHILD;
}

#ifdef FVI_X86
const char *fvi_probe_amx(void)
{
    enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };
    /* granted to the process for good; where it is refused and the tiles work nevertheless, that is what counts */
    const long refused = syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA);
    const int got = fvi_probe_in_child(fvi_probe_tiles);
    if (got == 0) return NULL;
    if (got == FVI_PROBE_NO_CHILD) return "AMX could not be tried: no child process can be made";
    if (got > 0) return "AMX was tried and gave wrong products";
    return refused ? "the operating system refuses tiles to this process" : "AMX was tried and the CPU refused it (a virtual machine may hide it)";
}
#else
const char *fvi_probe_amx(void) { return "this build has level c only"; }
#endif
