// SPDX-License-Identifier: Apache-2.0
/* The commands: each asks master or router and writes what it heard. Nothing is printed here. */
#ifndef MASQUES_CTL_COMMANDS_H
#define MASQUES_CTL_COMMANDS_H

#include "ctl/arguments.h"

/* Does one command: appends what goes to stdout to `out`. Returns 0, or an error with one sentence in `why` (appended),
 * for stderr; what was appended to `out` is then still worth showing. */
typedef int (*command_fn)(const struct arguments *arguments, struct buf *out, struct buf *why);

int command_status(const struct arguments *arguments, struct buf *out, struct buf *why);
int command_attach(const struct arguments *arguments, struct buf *out, struct buf *why);
int command_reload(const struct arguments *arguments, struct buf *out, struct buf *why);

int command_exporters(const struct arguments *arguments, struct buf *out, struct buf *why);
int command_detach(const struct arguments *arguments, struct buf *out, struct buf *why);
int command_drain(const struct arguments *arguments, struct buf *out, struct buf *why);

int command_letters_list(const struct arguments *arguments, struct buf *out, struct buf *why);
int command_letters_replay(const struct arguments *arguments, struct buf *out, struct buf *why);
int command_letters_drop(const struct arguments *arguments, struct buf *out, struct buf *why);

/* These two become another program and come back only with an error. */
int command_tail(const struct arguments *arguments, struct buf *out, struct buf *why);
int command_validate(const struct arguments *arguments, struct buf *out, struct buf *why);

#endif
