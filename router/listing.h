// SPDX-License-Identifier: Apache-2.0
/* The long answers to masquesctl: exporters and dead letters, some in a message, as proto/masques/bus.proto has them.
 * Reads and sends; changes nothing. */
#ifndef MASQUES_ROUTER_LISTING_H
#define MASQUES_ROUTER_LISTING_H

#include "router/dead_letters.h"
#include "router/subscribers.h"

#define LISTING_EXPORTERS 32u /* in one Answer */
#define LISTING_LETTERS 128u

/* To whom, and to which question. */
struct listing_asker {
    struct sessions *sessions;
    struct session *session;
    uint64_t number;
};

/* Tells whether an exporter is being detached. */
typedef bool (*listing_draining_fn)(void *ctx, const struct subscriber *sub);

/* All exporters, in one Answer at least; the last one has no `more`. 0, or as sessions_send(). */
int listing_exporters(const struct listing_asker *to, struct store *store,
                      const struct subscribers *subscribers, uint64_t now_ns,
                      listing_draining_fn draining, void *ctx) GW_MUST_CHECK;

/* The letters of `exporter` ("": of all), likewise. */
int listing_letters(const struct listing_asker *to, const struct store *store,
                    const struct dead_letters *letters, const char *exporter) GW_MUST_CHECK;

#endif
