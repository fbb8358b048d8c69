// SPDX-License-Identifier: Apache-2.0
/* A delivery's life: it is cut into parts, and these are inserted one after the other, each under a token of its own
 * that the router's journal knows how to make again before it is sent for the first time (exporters/clickhouse/note.h).
 *
 * A part with rows that the table will never take, or that no block of ours has room for, is divided until they are
 * found: its rows position..position+span-1 are sent under a token of their own; when they are refused, span is
 * halved (at first: the largest power of two below the number of rows) and at 1 the row is rejected; when they are
 * taken, position moves behind them and span doubles as long as position is a multiple of the double.
 *
 * A token is open when it was sent and there was no answer that says what became of it. What an open token stands
 * for is neither divided because it is too much for the server nor sent to where the token is not known; it is sent
 * again until there is an answer. */
#ifndef MASQUES_EXPORTERS_CLICKHOUSE_WORK_H
#define MASQUES_EXPORTERS_CLICKHOUSE_WORK_H

#include "exporters/clickhouse/catalog.h"
#include "exporters/common/delivery.h"

struct work;

/* What all works have in common, and whom they tell. All is borrowed. */
struct work_rules {
    struct loop *loop;
    const struct log *log;
    const struct clickhouse_options *options;
    struct client *client;
    struct hosts *hosts;
    struct catalog *catalog;
    /* Writing to the table works, or why it does not. */
    void (*worked)(void *ctx, enum table_kind kind);
    void (*failed)(void *ctx, enum table_kind kind, const struct answer *answer);
    /* The work has given its delivery's verdict: free it. */
    void (*ended)(void *ctx, struct work *work);
    void *ctx;
};

/* Takes the delivery. Returns owned, and begins with work_begin(). NULL: no memory, the delivery is still the
 * caller's. */
struct work *work_new(const struct work_rules *rules, struct delivery *delivery);
/* A delivery without a verdict stays its owner's. */
void work_free(struct work **work);

/* May end the work at once. */
void work_begin(struct work *work);
/* The delivery's note is in the journal. */
void work_progressed(struct work *work);

const struct delivery *work_delivery(const struct work *work);

#endif
