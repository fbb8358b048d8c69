// SPDX-License-Identifier: Apache-2.0
/* What exporters are to be told once the journal has it: VERDICT_OK and PROGRESS_OK. Kept until
 * then, since nothing may be confirmed that a crash could undo. */
#ifndef MASQUES_ROUTER_CONFIRM_H
#define MASQUES_ROUTER_CONFIRM_H

#include "router/subscriber.h"

enum confirm_kind {
    CONFIRM_VERDICT,
    CONFIRM_PROGRESS,
};

struct confirm {
    struct subscriber *sub;
    enum confirm_kind kind;
    unsigned signal;
    uint64_t generation, first, last;
    uint64_t ticket; /* of the journal's entry: store_is_written() */
};

/* Embedded; all zero is empty. */
struct confirms {
    struct confirm *list;
    size_t count, cap;
};

void confirms_fini(struct confirms *confirms);

/* To be said when the journal has what `ticket` stands for. The id (which has one) is copied.
 * GW_ERR_NOMEM. */
int confirms_add(struct confirms *confirms, struct subscriber *sub, enum confirm_kind kind,
                 const Masques__Bus__DeliveryId *id, uint64_t ticket) GW_MUST_CHECK;

/* The session of this one is over: it asks again in the next. */
void confirms_drop(struct confirms *confirms, const struct subscriber *sub);

/* Confirms at once what needs no journal; the id is said back as it came. */
int confirm_send(struct sessions *sessions, struct session *session, enum confirm_kind kind,
                 Masques__Bus__DeliveryId *id) GW_MUST_CHECK;

/* Sends those that the journal has. What finds no room in the socket stays for the next time. */
void confirms_send(struct confirms *confirms, const struct store *store, struct sessions *sessions);

#endif
