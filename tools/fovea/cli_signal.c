/* cli_signal.c: Ctrl-C and SIGTERM. The first signal asks the running verb to finish its outputs, the second quits. */
#include "cli.h"
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

static volatile sig_atomic_t stop_signal;
static void (*volatile stop_fn)(void *);
static void *volatile stop_arg;

static void on_signal(int number)
{
    void (*fn)(void *) = stop_fn;
    if (stop_signal || !fn) _exit(128 + number);
    stop_signal = number;
    fn(stop_arg);
}

void cli_install_signals(void)
{
    struct sigaction act = {.sa_handler = on_signal}; /* no SA_RESTART: a blocked read has to come back */
    sigemptyset(&act.sa_mask);
    sigaddset(&act.sa_mask, SIGINT);
    sigaddset(&act.sa_mask, SIGTERM);
    sigaction(SIGINT, &act, NULL);
    sigaction(SIGTERM, &act, NULL);
    signal(SIGPIPE, SIG_IGN); /* a reader that went away is a failed write, not the end of a half-written video */
    signal(SIGXFSZ, SIG_IGN); /* neither is a file over its limit */
}

void cli_on_stop(void (*stop)(void *), void *arg)
{
    sigset_t ours, old;
    sigemptyset(&ours);
    sigaddset(&ours, SIGINT);
    sigaddset(&ours, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &ours, &old);
    stop_fn = NULL;
    stop_arg = arg;
    stop_fn = stop;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void cli_only_stop(void *unused) { (void)unused; }
bool cli_stopped(void) { return stop_signal != 0; }
int cli_stop_code(void) { return stop_signal ? 128 + (int)stop_signal : 0; }
