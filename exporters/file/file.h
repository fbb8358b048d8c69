// SPDX-License-Identifier: Apache-2.0
/* The file exporter. Deliveries become messages (exporters/file/load.h), and rounds of them are written
 * (exporters/file/work.h): while one round is written the next one gathers, so that small deliveries share a write and a
 * sync. A delivery is DONE when its bytes are written, and synced where the store is. */
#ifndef MASQUES_EXPORTERS_FILE_FILE_H
#define MASQUES_EXPORTERS_FILE_FILE_H

#include "exporters/common/exporter.h"
#include "shared/config/exporter_options.h"

struct file;

/* What the exporter asks its host, and tells it. */
struct file_events {
    uint64_t (*run)(void *ctx); /* of the gateway; asked with the first delivery */
    bool (*synced)(void *ctx);
    /* Writing fails, or (NULL) works again. */
    void (*trouble)(void *ctx, const char *error, bool degraded);
};

/* All is borrowed; `options` were checked. Nothing is opened before there is something to write. Returns owned; NULL:
 * no memory or no thread. */
struct file *file_new(struct loop *loop, const struct file_options *options, const struct log *log,
                      const struct file_events *events, void *ctx);
/* Ends the round that is being written; deliveries without a verdict stay their owner's. */
void file_free(struct file **file);

/* exporter_ops.push, .cancel and .progressed */
void file_push(struct file *file, struct delivery *delivery);
void file_cancel(struct file *file, struct delivery *delivery);
void file_progressed(struct file *file, struct delivery *delivery);

/* Opens every file anew before the next write. */
void file_reopen(struct file *file);

#endif
