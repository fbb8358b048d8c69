// SPDX-License-Identifier: Apache-2.0
/* The console exporter: deliveries become text, the writer's thread writes it, and a delivery is DONE when its last
 * byte was taken by write(2). Text waits in a bounded queue; while it is full no further batch is read. */
#ifndef MASQUES_EXPORTERS_CONSOLE_CONSOLE_H
#define MASQUES_EXPORTERS_CONSOLE_CONSOLE_H

#include <stdbool.h>

#include "exporters/common/exporter.h"
#include "shared/config/exporter_options.h"

struct console;

/* What the console tells its host. */
struct console_events {
    /* The destination is gone for good. */
    void (*closed)(void *ctx, const char *why);
    /* Writing fails for now, or (NULL) works again. */
    void (*trouble)(void *ctx, const char *error);
};

/* Writes to `fd`, which is borrowed as is all else. Returns owned; NULL: no memory or no thread. */
struct console *console_new(struct loop *loop, int fd, const struct console_options *options,
                            const struct console_events *events, void *ctx);
/* What was not written is dropped; deliveries without a verdict stay their owner's. */
void console_free(struct console **console);

/* exporter_ops.push and .cancel */
void console_push(struct console *console, struct delivery *delivery);
void console_cancel(struct console *console, struct delivery *delivery);

/* Whether lines are coloured on `fd` (NO_COLOR: https://no-color.org). */
bool console_wants_color(enum console_color color, int fd);

#endif
