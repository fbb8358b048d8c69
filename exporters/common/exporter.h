// SPDX-License-Identifier: Apache-2.0
/* What a program needs to be an exporter: it supplies these few functions, exporter_main() does the rest (starting
 * both ways, the session with the router, credit, verdicts, heartbeats, draining). All functions are called from the
 * loop's thread. */
#ifndef MASQUES_EXPORTERS_COMMON_EXPORTER_H
#define MASQUES_EXPORTERS_COMMON_EXPORTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exporters/common/delivery.h"
#include "shared/base/buf.h"
#include "shared/base/log.h"
#include "shared/base/loop.h"

/* The runtime, as the exporter sees it; lives longer than the exporter. */
struct exporter_host;

struct loop *exporter_loop(struct exporter_host *host);
const struct log *exporter_log(const struct exporter_host *host);

/* What is wrong with the destination, for heartbeat and beat; copied (cut at 255 bytes). NULL: nothing any more. */
void exporter_trouble(struct exporter_host *host, const char *error, bool degraded);

/* The destination is gone for good: master and router are told (state "closed"), nothing is pushed any more, and the
 * process ends with exit code 0, so that it is not started again. Deliveries without a verdict stay the router's.
 * `why` is copied. Safe from inside push. */
void exporter_closed(struct exporter_host *host, const char *why);

/* DONE must follow fdatasync: the store survives a power cut, and what DONE takes out of it must, too. False before
 * the first session of an exporter started by hand; deliveries come later than that. */
bool exporter_synced(const struct exporter_host *host);

/* The run of the gateway (WELCOME.run): the same for all processes of one run, whichever of them are restarted, and
 * another one after it. 0 before the first session; from push() on it is known. */
uint64_t exporter_run(const struct exporter_host *host);

/* How the deliveries should be formed; 0 stands for the router's default. */
struct exporter_wishes { /* the configuration's `batch` comes first */
    uint32_t max_records;
    uint64_t max_bytes;
    uint32_t linger_ms;
    uint32_t in_flight; /* deliveries at a time and signal */
};

struct exporter_ops {
    const char *type;    /* "console"; the program's name is masques-exporter-<type> */
    const char *summary; /* one sentence for --help */
    const char *flags;   /* its own flags for --help, a line each; NULL: none */
    struct exporter_wishes wishes;
    uint64_t credit_bytes; /* of deliveries in progress; 0: SESSION_CREDIT_BYTES */
    Masques__Bus__Mode mode; /* when nobody says otherwise */
    Masques__Bus__Mode mode_by_hand; /* when it is started by hand and --mode does not say otherwise; 0: the same */

    /* Its options: a struct of this many bytes, zeroed and then handed to defaults() (may be NULL). */
    size_t options_bytes;
    void (*defaults)(void *options);
    /* One option: from the configuration (path "a::b") or a flag (--a.b TEXT). 0; GW_ERR_NOT_FOUND: no such option;
     * GW_ERR_INVALID: not a value of it. Errors are explained in `why` (appended), as options_apply() does. NULL:
     * there are no options. */
    int (*option)(void *options, const char *path, const char *text, struct buf *why);
    /* What the options demand of each other, when all are given. 0; GW_ERR_INVALID with a sentence in `why`
     * (appended). May be NULL. */
    int (*check)(const void *options, struct buf *why);

    /* Returns its own state, owned by the runtime and given back to close(); NULL with *why set. `options` live as
     * long as the exporter. */
    void *(*open)(struct exporter_host *host, const void *options, const char **why);
    /* Takes the delivery and gives its verdict with delivery_finish(), at once or later. */
    void (*push)(void *exporter, struct delivery *delivery);
    /* The router withdrew the delivery: forget it, it is freed after the call. */
    void (*cancel)(void *exporter, struct delivery *delivery);
    /* The router has the note of delivery_progress() in its journal (the last one, if there were several). May be
     * NULL. */
    void (*progressed)(void *exporter, struct delivery *delivery);
    /* Nothing more will be pushed for now: bring what is held to its end. May be NULL. */
    void (*flush)(void *exporter);
    void (*close)(void *exporter);
};

/* The main() of an exporter: returns the exit code. 0: drained, stopped or closed; 1 after one sentence on stderr: wrong
 * flags or settings, or its name was taken by another. */
int exporter_main(int argc, char **argv, const struct exporter_ops *ops);

#endif
