// SPDX-License-Identifier: Apache-2.0
/* What an exporter is started with, from either of two sources: the master's settings (proto/masques/control.proto)
 * or the flags of somebody who starts it by hand. */
#ifndef MASQUES_EXPORTERS_COMMON_SETTINGS_H
#define MASQUES_EXPORTERS_COMMON_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include <masques/control.pb-c.h>

#include "exporters/common/exporter.h"
#include "shared/base/buf.h"

#define SETTINGS_DRAIN_MS 10000u /* by hand: how long deliveries in progress may take at the end */

struct exporter_settings {
    const char *name;     /* borrowed from argv or the master's settings, as is endpoint */
    const char *endpoint; /* of the router */
    uint32_t signals;     /* bit n set: bus Signal n */
    Masques__Bus__Mode mode;
    Masques__Bus__Start start;
    struct exporter_wishes wishes; /* the configuration's; 0: the exporter's own */
    bool replace;
    bool synced;  /* DONE must follow fdatasync; by hand only WELCOME tells */
    int store_fd; /* the store's directory; -1: none */
    uint32_t drain_ms;
    enum log_level log_level;
};

enum settings_flags_outcome {
    SETTINGS_RUN,     /* all is there */
    SETTINGS_HELP,    /* --help */
    SETTINGS_VERSION, /* --version */
    SETTINGS_WRONG,   /* `why` says what */
};

/* Reads the flags of main(); flags that are no flags of every exporter go to ops->option(). `options` is the exporter's
 * struct. An opened --store directory is the caller's. `why`, empty, gets one sentence, without a newline. */
enum settings_flags_outcome settings_from_flags(int argc, char **argv,
                                                const struct exporter_ops *ops, void *options,
                                                struct exporter_settings *out, struct buf *why);

/* Reads what the master gave; `settings` is borrowed and must outlive *out. The store's descriptor is the caller's.
 * 0; GW_ERR_INVALID with a sentence in `why`. */
int settings_from_master(const Masques__Control__Settings *settings,
                         const struct exporter_ops *ops, void *options,
                         struct exporter_settings *out, struct buf *why) GW_MUST_CHECK;

/* The text of --help. */
void settings_help(const struct exporter_ops *ops, struct buf *out);

#endif
