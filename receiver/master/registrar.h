// SPDX-License-Identifier: Apache-2.0
/* Attached exporters as members of the family: added when masquesctl asks for it, kept in the file `attached`, started
 * again with the gateway, and dropped when the router says that they are detached. */
#ifndef MASQUES_MASTER_REGISTRAR_H
#define MASQUES_MASTER_REGISTRAR_H

#include "receiver/master/attached.h"
#include "receiver/master/family.h"

#define REGISTRAR_TRY_MS 5000u /* so long a new exporter may take until the router knows it */

struct registrar;

/* `error`: why it is not attached, one sentence; NULL: it is. */
typedef void (*registrar_fn)(void *ctx, const char *error);

/* Reads the file `attached` of the store's directory and adds to the family, which has not been started yet, what the
 * configuration does not name meanwhile. All borrowed for its life. Returns owned; NULL with one sentence in `why`: no memory, or the
 * file cannot be read. */
struct registrar *registrar_new(struct loop *loop, struct family *family, const struct config *config,
                                const struct log *log, char why[512]);
/* Before the family. Whoever waits for an answer gets none. */
void registrar_free(struct registrar **registrar);

/* Attaches an exporter: writes the file, starts it, and calls fn(ctx) once, now or later, when the router knows it, or
 * when it is clear that it cannot be started, by when everything is as before. `wanted` is borrowed. */
void registrar_attach(struct registrar *registrar, const Masques__Control__Attached *wanted,
                      registrar_fn fn, void *ctx);

/* The router has given up a registration: its member drains and goes, the file forgets it. */
void registrar_detached(struct registrar *registrar, const char *name);

/* What the configuration, just changed, names from now on is no attached exporter any more: forgets those, in the file
 * too. Their members are the caller's affair. */
void registrar_yield(struct registrar *registrar);

/* How many there are, those that `config` names left out. */
size_t registrar_count(const struct registrar *registrar, const struct config *config);

#endif
