// SPDX-License-Identifier: Apache-2.0
#include "receiver/master/upgrade.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "receiver/master/spawn.h"

struct upgrade {
    const char *path;
    const char *config;
    upgrade_fn checked;
    void *ctx;
    const struct log *log;
    struct loop_timer *limit;
    pid_t pid; /* of the check; 0: none runs */
};

static void took_too_long(void *ctx)
{
    struct upgrade *u = ctx;
    if (u->pid)
        kill(u->pid, SIGKILL); /* its end tells the rest */
}

struct upgrade *upgrade_new(struct loop *loop, const char *path, const char *config, upgrade_fn checked,
                            void *ctx, const struct log *log)
{
    struct upgrade *u = calloc(1, sizeof *u);
    if (!u)
        return NULL;
    *u = (struct upgrade){.path = path, .config = config, .checked = checked, .ctx = ctx, .log = log};
    u->limit = loop_timer_new(loop, took_too_long, u);
    if (!u->limit)
        upgrade_free(&u);
    return u;
}

void upgrade_free(struct upgrade **at)
{
    struct upgrade *u = *at;
    *at = NULL;
    if (!u)
        return;
    if (u->pid)
        kill(u->pid, SIGKILL);
    loop_timer_free(&u->limit);
    free(u);
}

void upgrade_check(struct upgrade *u)
{
    char why[512];
    if (image_validate(u->path, u->config, &u->pid) != GW_OK) {
        u->pid = 0;
        snprintf(why, sizeof why, "%.300s cannot be started: %s", u->path, strerror(errno));
        u->checked(u->ctx, why);
        return;
    }
    log_info(u->log, "%s checks the configuration (process %d)", u->path, u->pid);
    loop_timer_set(u->limit, UPGRADE_CHECK_MS);
}

bool upgrade_under_way(const struct upgrade *u)
{
    return u->pid != 0;
}

void upgrade_ended(struct upgrade *u, pid_t pid, int status)
{
    char why[512];
    if (pid != u->pid)
        return;
    u->pid = 0;
    loop_timer_cancel(u->limit);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        u->checked(u->ctx, NULL);
        return;
    }
    if (WIFSIGNALED(status))
        snprintf(why, sizeof why, "the check by %.300s was ended by signal %d", u->path, WTERMSIG(status));
    else if (WEXITSTATUS(status) == SPAWN_EXIT_NO_PROGRAM)
        snprintf(why, sizeof why, "%.300s cannot be executed", u->path);
    else
        snprintf(why, sizeof why, "%.300s refuses the configuration (exit code %d)", u->path, WEXITSTATUS(status));
    u->checked(u->ctx, why);
}

void upgrade_become(const char *path, char **argv, const struct inherited *what)
{
    if (inherited_leave(what) != GW_OK) {
        errno = ENOMEM;
        return;
    }
    execv(path, argv);
    int err = errno;
    inherited_keep(what);
    errno = err;
}
