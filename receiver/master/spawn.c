// SPDX-License-Identifier: Apache-2.0
#include "receiver/master/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/control/child.h"
#include "shared/control/packet.h"

#define FD_COUNT (CHILD_FD_FIRST + SPAWN_EXTRA_MAX)
#define FD_PARKED FD_COUNT /* above every descriptor that a child is promised */

/* The handlers that we have are not the child's, and what a terminal sends to all of us is for us alone. */
static void reset_signals(void)
{
    static const int ignored[] = {SIGINT, SIGHUP, SIGPIPE};
    sigset_t none;
    for (int signum = 1; signum < NSIG; signum++)
        signal(signum, SIG_DFL);
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
        signal(ignored[i], SIG_IGN);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* First out of the way of each other, then into place; what we inherited from whoever started us goes no further. */
static bool place(const int *fds, size_t count)
{
    int parked[FD_COUNT];
    for (size_t i = 0; i < count; i++)
        parked[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, FD_PARKED);
    for (size_t i = 0; i < count; i++)
        if (parked[i] < 0 || dup2(parked[i], CHILD_FD_CONTROL + (int)i) < 0)
            return false;
    close_range(CHILD_FD_CONTROL + (unsigned)count, ~0U, 0);
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return nothing >= 0 && dup2(nothing, STDIN_FILENO) >= 0;
}

/* Between fork and exec only async-signal-safe calls are allowed. */
static void become_child(const struct spawn_request *request, const int *fds, size_t count)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    reset_signals();
    if (!place(fds, count) || (!request->keeps_stdout && dup2(STDERR_FILENO, STDOUT_FILENO) < 0))
        _exit(SPAWN_EXIT_NO_FILES);
    char *const argv[] = {(char *)request->program, (char *)"--child", NULL};
    execv(request->program, argv);
    _exit(SPAWN_EXIT_NO_PROGRAM);
}

/* Signals wait while there is a second process with our handlers: they would write into our own loop's pipe. */
static pid_t fork_quietly(const struct spawn_request *request, const int *fds, size_t count)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    if (pid == 0)
        become_child(request, fds, count);
    int err = errno;
    sigprocmask(SIG_SETMASK, &before, NULL);
    errno = err;
    return pid;
}

int spawn_child(const struct spawn_request *request, pid_t *pid, int *control)
{
    int pair[2];
    int settings = packet_memfd("masques-settings", &request->settings->base);
    if (settings < 0)
        return settings;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
        close(settings);
        return GW_ERR_IO;
    }
    int fds[FD_COUNT] = {pair[1], request->life, settings};
    size_t count = CHILD_FD_FIRST - CHILD_FD_CONTROL;
    for (size_t i = 0; i < request->extra_count; i++)
        fds[count++] = request->extra[i];
    *pid = fork_quietly(request, fds, count);
    int err = errno;
    close(settings);
    close(pair[1]);
    if (*pid < 0) {
        close(pair[0]);
        errno = err;
        return GW_ERR_IO;
    }
    *control = pair[0];
    return GW_OK;
}
