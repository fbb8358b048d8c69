// SPDX-License-Identifier: Apache-2.0
/* The message DELIVER: a group of the store as extents, for an exporter that reads the store's
 * files itself, or with its bytes. */
#ifndef MASQUES_ROUTER_DELIVER_H
#define MASQUES_ROUTER_DELIVER_H

#include "router/dead_letter_format.h"
#include "router/subscriber.h"

/* Memory for the message being put together, kept from one to the next. Embedded; all zero is
 * empty. */
struct deliver {
    Masques__Bus__Extents *extents;
    Masques__Bus__Extents **extent_pointers;
    uint64_t *offsets, *checksums, *times;
    uint32_t *lengths, *records;
    size_t cap; /* batches that all of these have room for */
};

void deliver_fini(struct deliver *deliver);

/* Sends a group that the exporter's session takes. 0; errors of store_group_extents(),
 * store_read(), sessions_send(); GW_ERR_NOMEM. On error nothing was sent. */
int deliver_send(struct deliver *deliver, struct store *store, struct sessions *sessions,
                 struct subscriber *sub, unsigned signal,
                 const struct store_group *group) GW_MUST_CHECK;

/* Sends a dead letter as a delivery of its own, whatever the exporter can read: `said` with its id, attempt and note;
 * `payload` is held meanwhile. Errors as deliver_send(). */
int deliver_send_letter(struct sessions *sessions, struct subscriber *sub,
                        Masques__Bus__Deliver *said, const struct dead_letter *letter,
                        struct blob *payload) GW_MUST_CHECK;

/* Fills in the id of a delivery; it borrows store and subscriber. */
void deliver_id(Masques__Bus__DeliveryId *id, const struct store *store,
                const struct subscriber *sub, unsigned signal, uint64_t generation, uint64_t first,
                uint64_t last);

#endif
