// SPDX-License-Identifier: Apache-2.0
/* What exporters say about their deliveries, applied to the store and the lanes. Sends nothing: the
 * caller answers as it is told, and confirmations only after the next good commit. */
#ifndef MASQUES_ROUTER_SETTLE_H
#define MASQUES_ROUTER_SETTLE_H

#include "router/dead_letters.h"
#include "router/subscriber.h"

#define SETTLE_CORRUPT_MS 1000u /* before what was called corrupt, and is not, goes out again */

enum settle_answer {
    SETTLE_CONFIRM, /* VERDICT_OK or PROGRESS_OK after the next good commit */
    SETTLE_FOREIGN, /* of another store, or of a signal given up: VERDICT_OK, there is nothing to
                       journal */
    SETTLE_CANCEL,  /* there is no such delivery (any more): CANCEL */
    SETTLE_NOTHING, /* not understood */
    SETTLE_AGAIN,   /* no memory: the exporter must say it again in a new session */
};

struct settle {
    struct store *store;
    struct dead_letters *letters;
    const struct log *log;
    uint64_t now_ms;
};

/* DELIVERY_VERDICT, also one that HELLO repeats. `payloads`: the frames that came along, bytes of
 * what was rejected, which are on their medium as dead letters when this returns. One for a delivery
 * that is settled already is confirmed again and changes nothing. */
enum settle_answer settle_verdict(const struct settle *settle, struct subscriber *sub,
                                  const Masques__Bus__DeliveryVerdict *verdict,
                                  const struct slice *payloads, size_t payload_count);

enum settle_answer settle_progress(const struct settle *settle, struct subscriber *sub,
                                   const Masques__Bus__Progress *progress);

/* HELLO says that the exporter still works on a delivery. Confirmed: it may go on (nothing is
 * said). */
enum settle_answer settle_claim(const struct settle *settle, struct subscriber *sub,
                                const Masques__Bus__DeliveryId *id);

#endif
