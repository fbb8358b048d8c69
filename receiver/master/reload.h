// SPDX-License-Identifier: Apache-2.0
/* From one configuration to the next while the gateway runs: the router is told first, then exporters that are new are
 * started, those that are gone or changed drain, and what has not changed keeps its process. Workers, connections and
 * router stay. */
#ifndef MASQUES_MASTER_RELOAD_H
#define MASQUES_MASTER_RELOAD_H

#include "receiver/master/registrar.h"

struct reload;

/* Called once for every reload_begin() that returned 0, when the last exporter has drained. */
typedef void (*reload_fn)(void *ctx);

/* `running` is the configuration that everybody borrows: it is changed in its place. All borrowed. Returns owned;
 * NULL: no memory. */
struct reload *reload_new(struct loop *loop, struct family *family, struct registrar *registrar,
                          struct config *running, reload_fn done, void *ctx, const struct log *log);
/* After the family. */
void reload_free(struct reload **reload);

/* Begins; takes `next`. Settings that cannot change while it runs stay, and are named in a warning. 0; an error with
 * one sentence in `why`: nothing has changed. Only while family_runs() and nothing is under way. */
int reload_begin(struct reload *reload, struct config *next, char why[512]) GW_MUST_CHECK;

bool reload_under_way(const struct reload *reload);

#endif
