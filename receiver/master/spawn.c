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
#define FD_PARKED 200 /* above every descriptor that a child is promised */

/* Between fork and exec only async-signal-safe calls are allowed. */
static void become_child(const char *program, const int *fds, size_t count)
{
    int parked[FD_COUNT];
    sigset_t none;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (int signum = 1; signum < NSIG; signum++)
        signal(signum, SIG_DFL);
    /* First out of the way of each other, then into place. */
    for (size_t i = 0; i < count; i++)
        parked[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, FD_PARKED);
    for (size_t i = 0; i < count; i++)
        if (parked[i] < 0 || dup2(parked[i], CHILD_FD_CONTROL + (int)i) < 0)
            _exit(126);
    char *const argv[] = {(char *)program, (char *)"--child", NULL};
    execv(program, argv);
    _exit(127);
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
    *pid = fork();
    if (*pid == 0)
        become_child(request->program, fds, count);
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

int spawn_find(const char *name, char path[512], char why[512])
{
    static const char *const places[] = {"", "../libexec/masques/"};
    char self[400];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n < 0) {
        snprintf(why, 512, "cannot find where this program stands: %s", strerror(errno));
        return GW_ERR_NOT_FOUND;
    }
    self[n] = '\0';
    char *slash = strrchr(self, '/');
    if (slash)
        slash[1] = '\0';
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        int len = snprintf(path, 512, "%s%s%s", self, places[i], name);
        if (len > 0 && len < 512 && access(path, X_OK) == 0)
            return GW_OK;
    }
    snprintf(why, 512, "%s is not installed: it is neither in %.300s nor in ../libexec/masques", name,
             self);
    return GW_ERR_NOT_FOUND;
}
