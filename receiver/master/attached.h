// SPDX-License-Identifier: Apache-2.0
/* The exporters that masquesctl has attached, and the file `attached` of the store's directory (a
 * masques.control.AttachedList) that keeps them over a restart of the gateway. The file lies beside the data that the
 * router keeps for them, and goes with it. */
#ifndef MASQUES_MASTER_ATTACHED_H
#define MASQUES_MASTER_ATTACHED_H

#include <stddef.h>

#include <masques/control.pb-c.h>

#include "shared/base/log.h"
#include "shared/config/config.h"

/* Stays where it is until it is removed. */
struct attached_entry {
    Masques__Control__Attached *wanted; /* as it was asked for */
    struct config_exporter exporter;    /* the same, resolved */
};

struct attached;

#define ATTACHED_UNKNOWN_MAX 64u /* entries that this version cannot start */

/* An empty list; `directory` (copied) is the store's. Returns owned; NULL: no memory. */
struct attached *attached_new(const char *directory);
void attached_free(struct attached **list);

/* Reads the file into an empty list. No file is an empty list; one that is no such list is moved aside to
 * `attached.damaged`, and an entry that this version cannot start stays in the file only, for one that can: both are
 * said in the log. 0; GW_ERR_IO or GW_ERR_NOMEM with one sentence in `why`: it cannot be read, and stays as it is. */
int attached_read(struct attached *list, const struct log *log, char why[512]) GW_MUST_CHECK;

/* Writes the file whole and synced, or leaves the one that is there. 0; GW_ERR_IO or GW_ERR_NOMEM with one sentence in
 * `why`. */
int attached_write(const struct attached *list, char why[512]) GW_MUST_CHECK;

/* Adds one (copied), in memory only, once attach_check() finds nothing against it. Returns it, borrowed; NULL with one
 * sentence in `why`. The caller has seen to it that the name is free. */
const struct attached_entry *attached_add(struct attached *list, const Masques__Control__Attached *wanted,
                                          char why[512]);
/* From now on it starts from its registration or not at all (masques.bus.Start): once detached it cannot come back
 * by a file that was not written any more. In memory only. Not for what forgets its registration when it leaves. */
void attached_settle(struct attached *list, const char *name);
/* Takes one out, in memory only, and frees it; one that stays in the file only, too. False: there is none. */
bool attached_remove(struct attached *list, const char *name);

/* The one of that name (NULL: none), and the i-th (NULL behind the last). Borrowed. */
const struct attached_entry *attached_find(const struct attached *list, const char *name);
const struct attached_entry *attached_at(const struct attached *list, size_t i);

#endif
