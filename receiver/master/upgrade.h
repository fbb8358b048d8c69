// SPDX-License-Identifier: Apache-2.0
/* The step to another image of our program in this same process: first the program file, which may be a newer one by
 * now, must find nothing wrong with the configuration, then, once nothing runs any more, it takes our place. */
#ifndef MASQUES_MASTER_UPGRADE_H
#define MASQUES_MASTER_UPGRADE_H

#include "receiver/master/image.h"
#include "receiver/master/inherited.h"
#include "shared/base/log.h"
#include "shared/base/loop.h"

#define UPGRADE_CHECK_MS 30000u /* so long the check may take */

struct upgrade;

/* `error`: why the program cannot follow us, one sentence; NULL: it can. */
typedef void (*upgrade_fn)(void *ctx, const char *error);

/* `path` is image_path()'s, `config` the file of --config or NULL; both are borrowed. Returns owned; NULL: no memory. */
struct upgrade *upgrade_new(struct loop *loop, const char *path, const char *config, upgrade_fn checked,
                            void *ctx, const struct log *log);
/* Kills the check if one runs. */
void upgrade_free(struct upgrade **upgrade);

/* Starts the check; its outcome comes by `checked`. */
void upgrade_check(struct upgrade *upgrade);
bool upgrade_under_way(const struct upgrade *upgrade);
/* To be told of every process that ended and is nobody else's. */
void upgrade_ended(struct upgrade *upgrade, pid_t pid, int status);

/* Becomes the program at `path`, with these arguments, and what it is to find there. Returns only on failure, with
 * errno set and everything as before. */
void upgrade_become(const char *path, char **argv, const struct inherited *what);

#endif
