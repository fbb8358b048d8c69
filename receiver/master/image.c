// SPDX-License-Identifier: Apache-2.0
#include "receiver/master/image.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "receiver/master/spawn.h"

#define SELF "/proc/self/exe"

static bool is_running(const char *path)
{
    struct stat ours;
    struct stat theirs;
    return stat(SELF, &ours) == 0 && stat(path, &theirs) == 0 && ours.st_dev == theirs.st_dev &&
           ours.st_ino == theirs.st_ino;
}

/* "directory/name", made absolute. False: it does not fit, or is another file than the one that runs. */
static bool try_path(const char *directory, size_t len, const char *name, char path[IMAGE_PATH_BYTES])
{
    char here[PATH_MAX];
    bool absolute = len ? directory[0] == '/' : name[0] == '/';
    if (!absolute && !getcwd(here, sizeof here))
        return false;
    int n = snprintf(path, IMAGE_PATH_BYTES, "%s%s%.*s%s%s", absolute ? "" : here, absolute ? "" : "/", (int)len,
                     directory, len ? "/" : "", name);
    return n > 0 && n < IMAGE_PATH_BYTES && is_running(path);
}

static bool in_search_path(const char *name, char path[IMAGE_PATH_BYTES])
{
    const char *list = getenv("PATH");
    for (const char *at = list; at && *at;) {
        size_t len = strcspn(at, ":");
        if (try_path(len ? at : ".", len ? len : 1, name, path))
            return true;
        at += len + (at[len] == ':');
    }
    return false;
}

int image_path(const char *argv0, char path[IMAGE_PATH_BYTES])
{
    if (argv0 && strchr(argv0, '/') && try_path("", 0, argv0, path))
        return GW_OK;
    if (argv0 && argv0[0] && !strchr(argv0, '/') && in_search_path(argv0, path))
        return GW_OK;
    ssize_t n = readlink(SELF, path, IMAGE_PATH_BYTES - 1);
    if (n <= 0)
        return GW_ERR_NOT_FOUND;
    path[n] = '\0';
    return GW_OK;
}

/* Between fork and exec only async-signal-safe calls are allowed. */
static void become_validator(const char *path, const char *config)
{
    char *const with[] = {(char *)path, (char *)"validate", (char *)"--config", (char *)config, NULL};
    char *const without[] = {(char *)path, (char *)"validate", NULL};
    sigset_t none;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (int signum = 1; signum < NSIG; signum++)
        signal(signum, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execv(path, config ? with : without);
    _exit(SPAWN_EXIT_NO_PROGRAM);
}

int image_validate(const char *path, const char *config, pid_t *pid)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    *pid = fork();
    if (*pid == 0)
        become_validator(path, config);
    int err = errno;
    sigprocmask(SIG_SETMASK, &before, NULL);
    errno = err;
    return *pid < 0 ? GW_ERR_IO : GW_OK;
}
