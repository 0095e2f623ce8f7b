/* The child that a probe runs in: its end is told, the application notices nothing. */
#include "kern/probe.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int fine(void) { return 0; }
static int three(void) { return 3; }
static int killed(int sig)
{
    syscall(SYS_kill, syscall(SYS_getpid), sig); /* getpid() of libc may remember the parent's */
    return 0;
}
static int illegal(void) { return killed(SIGILL); }
static int lost(void) { return killed(SIGSEGV); }

static volatile sig_atomic_t noticed;
static void notice(int sig) { noticed = sig; }

static void its_end_is_told(void **state)
{
    (void)state;
    assert_int_equal(fvi_probe_in_child(fine), 0);
    assert_int_equal(fvi_probe_in_child(three), 3);
    assert_int_equal(fvi_probe_in_child(illegal), -SIGILL);
    assert_int_equal(fvi_probe_in_child(lost), -SIGSEGV);
}

/* Handlers of the application, and its habits with children. */
static void the_application_notices_nothing(void **state)
{
    (void)state;
    const struct sigaction mine = {.sa_handler = notice}, ignore = {.sa_handler = SIG_IGN};
    struct sigaction was_ill, was_child;
    sigaction(SIGILL, &mine, &was_ill);
    sigaction(SIGCHLD, &mine, &was_child);
    noticed = 0;
    assert_int_equal(fvi_probe_in_child(illegal), -SIGILL);
    assert_int_equal(noticed, 0);
    sigaction(SIGCHLD, &ignore, NULL); /* children are reaped by the kernel */
    assert_int_equal(fvi_probe_in_child(three), 3);
    sigaction(SIGILL, &was_ill, NULL);
    sigaction(SIGCHLD, &was_child, NULL);
    assert_int_equal(waitpid(-1, NULL, __WALL), -1); /* no child is left */
    assert_int_equal(errno, ECHILD);
    sigset_t now;
    pthread_sigmask(SIG_SETMASK, NULL, &now);
    assert_false(sigismember(&now, SIGILL));
}

static atomic_bool stop;
static void *reap(void *arg)
{
    while (!atomic_load(&stop))
        if (waitpid(-1, NULL, WNOHANG) > 0) *(int *)arg += 1;
    return NULL;
}

static void other_threads_live_on_and_cannot_take_it(void **state)
{
    (void)state;
    int taken = 0;
    pthread_t t;
    assert_int_equal(pthread_create(&t, NULL, reap, &taken), 0);
    for (int i = 0; i < 50; i++) assert_int_equal(fvi_probe_in_child(three), 3);
    atomic_store(&stop, true);
    pthread_join(t, NULL);
    assert_int_equal(taken, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_end_is_told),
        cmocka_unit_test(the_application_notices_nothing),
        cmocka_unit_test(other_threads_live_on_and_cannot_take_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
