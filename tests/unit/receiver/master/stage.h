// SPDX-License-Identifier: Apache-2.0
/* What tests of the master stand on: a directory of their own, a loop with a limit, and children that are small shell
 * scripts. A child speaks on descriptor 3, one packet a printf (control.proto, Up), and waits on descriptor 4. */
#ifndef MASQUES_TESTS_MASTER_STAGE_H
#define MASQUES_TESTS_MASTER_STAGE_H

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/log.h"
#include "shared/base/loop.h"

#define STAGE_LIMIT_MS 60000

#define SAY_READY "printf '\\n\\000' >&3\n"
#define SAY_BEAT "printf '\\022\\000' >&3\n"
#define SAY_CLOSED "printf '\\022\\010\\n\\006closed' >&3\n"
#define SAY_ERROR(len_plus_2, len, text) "printf '\\022\\" len_plus_2 "\\022\\" len text "' >&3\n"
#define SAY_FAILURE "printf '\\032\\007\\n\\005no ok' >&3\n"
#define WAIT_FOR_THE_END "read nothing <&4\n"                /* of the master */
#define WAIT_FOR_A_WORD "dd bs=9999 count=1 <&3 >/dev/null 2>&1\n" /* of the master */

struct stage {
    char directory[64];
    struct loop *loop;
    struct log log;
    struct loop_timer *limit;
    struct loop_timer *nudge;
    bool (*until)(void *ctx);
    void *ctx;
};

static inline void stage_too_late(void *ctx)
{
    (void)ctx;
    ck_abort_msg("it never came about");
}

static inline void stage_stop(void *ctx)
{
    struct stage *s = ctx;
    loop_stop(s->loop);
}

static inline bool stage_check(void *ctx)
{
    struct stage *s = ctx;
    if (s->until && s->until(s->ctx))
        loop_stop(s->loop);
    return false;
}

static inline void stage_open(struct stage *s)
{
    *s = (struct stage){.directory = "/tmp/masques-stage-XXXXXX", .log = {"test", LOG_LEVEL_ERROR, 2}};
    ck_assert_ptr_nonnull(mkdtemp(s->directory));
    s->loop = loop_new();
    s->limit = loop_timer_new(s->loop, stage_too_late, s);
    s->nudge = loop_timer_new(s->loop, stage_stop, s);
    ck_assert_int_eq(loop_add_chore(s->loop, stage_check, s), GW_OK);
    loop_timer_set(s->limit, STAGE_LIMIT_MS);
}

/* Runs the loop until the condition holds. */
static inline void stage_run_until(struct stage *s, bool (*until)(void *ctx), void *ctx)
{
    s->until = until;
    s->ctx = ctx;
    loop_run(s->loop);
    s->until = NULL;
}

/* Runs the loop for so long; whatever is to happen does not depend on it. */
static inline void stage_run_for(struct stage *s, uint64_t ms)
{
    loop_timer_set(s->nudge, ms);
    loop_run(s->loop);
}

static inline int stage_remove(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static inline void stage_close(struct stage *s)
{
    loop_timer_free(&s->limit);
    loop_timer_free(&s->nudge);
    loop_free(&s->loop);
    nftw(s->directory, stage_remove, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void stage_path(const struct stage *s, const char *name, char path[256])
{
    snprintf(path, 256, "%s/%s", s->directory, name);
}

/* Writes an executable script. */
static inline void stage_script(const struct stage *s, const char *name, const char *lines)
{
    char path[256];
    stage_path(s, name, path);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_gt(dprintf(fd, "#!/bin/sh\n%s", lines), 0);
    ck_assert_int_eq(close(fd), 0);
}

/* The text of a file; "" when there is none. */
static inline const char *stage_text(const struct stage *s, const char *name, char text[4096])
{
    char path[256];
    stage_path(s, name, path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, 4095) : 0;
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    return text;
}

static inline unsigned stage_open_files(void)
{
    unsigned count = 0;
    DIR *list = opendir("/proc/self/fd");
    ck_assert_ptr_nonnull(list);
    while (readdir(list))
        count++;
    closedir(list);
    return count;
}

#endif
