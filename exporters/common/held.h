// SPDX-License-Identifier: Apache-2.0
/* The deliveries that an exporter holds: in progress, or answered and not yet confirmed; and what it has said about
 * each, kept until the router confirms it. Memory only; the session talks. */
#ifndef MASQUES_EXPORTERS_COMMON_HELD_H
#define MASQUES_EXPORTERS_COMMON_HELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exporters/common/delivery.h"
#include "shared/base/blob.h"

/* One of them: `delivery` or `verdict` is not NULL. */
struct held_entry {
    struct delivery *delivery; /* owned; in progress */
    uint32_t attempt;
    Masques__Bus__DeliveryVerdict *verdict; /* owned; answered */
    struct blob *rejected; /* the rejected records' bytes, one behind the other; may be NULL */
    size_t *rejected_len;  /* for each verdict->rejected; NULL with `rejected` */
    bool settled;          /* the verdict is confirmed, a note for the retry is not */
    uint8_t *note;         /* owned; the last note that is not confirmed */
    size_t note_len;
    unsigned notes_out; /* said and not confirmed in this session; 0: there is no note */
};

/* Embedded; all zero is empty. Entries are valid until one is added or removed. */
struct held {
    struct held_entry *list;
    size_t count, cap;
};

/* Frees deliveries and verdicts: their exporter must have been closed before. */
void held_fini(struct held *held);

const Masques__Bus__DeliveryId *held_id(const struct held_entry *entry);
/* NULL: none. */
struct held_entry *held_find(struct held *held, const Masques__Bus__DeliveryId *id);
struct held_entry *held_of_delivery(struct held *held, const struct delivery *delivery);

/* One more, zeroed. NULL: no memory. */
struct held_entry *held_add(struct held *held);
void held_remove(struct held *held, struct held_entry *entry);

/* Rejections of a verdict as it is said; with more of them those of one reason become one, by concatenation, since a
 * message has only so many frames and so large a header (shared/bus/link.h). */
#define HELD_REJECTIONS_MAX 512u

/* Copies the verdict, which then stands in the delivery's place. GW_ERR_NOMEM: the entry is of no more use. */
int held_keep_verdict(struct held_entry *entry, const struct delivery_verdict *verdict) GW_MUST_CHECK;
void held_forget_verdict(struct held_entry *entry);

/* Copies the note and counts it as said. GW_ERR_NOMEM: unchanged. */
int held_keep_note(struct held_entry *entry, struct slice note) GW_MUST_CHECK;
void held_forget_note(struct held_entry *entry);

#endif
