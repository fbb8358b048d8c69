// SPDX-License-Identifier: Apache-2.0
/* A delivery in an exporter's hands: what the router sent, its batches read when they are asked for, and the one
 * verdict that ends it. The same id always means the same bytes (docs/architecture.md). */
#ifndef MASQUES_EXPORTERS_COMMON_DELIVERY_H
#define MASQUES_EXPORTERS_COMMON_DELIVERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exporters/common/reader.h"
#include "shared/bus/link.h"

struct delivery;

#define DELIVERY_NOTE_MAX_BYTES 4096u /* of PROGRESS, proto/masques/bus.proto */

/* Records that the destination will never take. */
struct delivery_reject {
    uint64_t first; /* index of the first of them in the delivery */
    uint64_t count;
    const char *reason;
    struct slice bytes; /* them as OTLP, for the dead letters; empty: not given */
};

/* What became of a delivery. Everything it points at is borrowed. */
struct delivery_verdict {
    Masques__Bus__Outcome outcome;
    uint32_t after_ms; /* RETRY: not before */
    bool degraded;     /* RETRY: an operator must act */
    const char *error; /* in words; NULL: none */
    const struct delivery_reject *rejected;
    size_t rejected_count;
};

/* The delivery has a new note, delivery_note(). 0, or an error: it is as before. */
typedef int (*delivery_noted_fn)(void *ctx, struct delivery *delivery);
/* Takes the delivery: its verdict is there. */
typedef void (*delivery_finish_fn)(void *ctx, struct delivery *delivery,
                                   const struct delivery_verdict *verdict);

/* ---- for exporters ---- */

/* Borrowed, as long as the delivery lives. */
const Masques__Bus__DeliveryId *delivery_id(const struct delivery *delivery);
struct slice delivery_note(const struct delivery *delivery); /* last PROGRESS; empty: none. Until the next one */
uint32_t delivery_attempt(const struct delivery *delivery);  /* 1 for the first */
uint64_t delivery_records(const struct delivery *delivery);
uint64_t delivery_bytes(const struct delivery *delivery);
uint64_t delivery_digest(const struct delivery *delivery);

/* The next batch, in order, as reader_next(); its bytes are valid until the next batch of any delivery is read. */
int delivery_next(struct delivery *delivery, struct reader_batch *batch) GW_MUST_CHECK;
/* From the first batch again. */
void delivery_rewind(struct delivery *delivery);
/* Where the batch that comes next lies, and going back to it. */
struct reader_place delivery_place(const struct delivery *delivery);
void delivery_go_to(struct delivery *delivery, struct reader_place place);

/* Notes what a redelivery must know (PROGRESS): it comes back with delivery_note() from now on, in this process and,
 * once the router has it in its journal, in whichever gets the delivery next. `note` (at most DELIVERY_NOTE_MAX_BYTES)
 * is copied and replaces the one before. That the journal has it is told by exporter_ops.progressed(), unless the
 * delivery ended before; over lost sessions the note is said again by itself. 0; GW_ERR_TOO_LARGE, GW_ERR_NOMEM:
 * nothing was noted. From the loop's thread. */
int delivery_progress(struct delivery *delivery, struct slice note) GW_MUST_CHECK;

/* The verdict: takes the delivery. Exactly once, from the loop's thread, at once or later. */
void delivery_finish(struct delivery *delivery, const struct delivery_verdict *verdict);
/* DONE, everything taken. */
void delivery_done(struct delivery *delivery);
/* RETRY after `after_ms`; `error` is borrowed. */
void delivery_retry(struct delivery *delivery, uint32_t after_ms, const char *error);
/* The verdict for an error of delivery_next(): CORRUPT when the bytes are not what the router wrote or are gone,
 * RETRY when the trouble is ours. */
void delivery_unreadable(struct delivery *delivery, int rc);

/* ---- for the runtime ---- */

/* Takes `message`, a DELIVER with an id. `reader` is borrowed for its life. NULL: no memory, the message is freed. */
struct delivery *delivery_new(struct link_message *message, struct reader *reader,
                              delivery_finish_fn finish, void *ctx);
void delivery_free(struct delivery **delivery);
/* Who is told of notes, with the ctx of delivery_new(). Without it they are only kept. */
void delivery_on_note(struct delivery *delivery, delivery_noted_fn noted);
/* A repeated DELIVER raises the attempt. */
void delivery_set_attempt(struct delivery *delivery, uint32_t attempt);

bool delivery_id_eq(const Masques__Bus__DeliveryId *a, const Masques__Bus__DeliveryId *b);

#endif
