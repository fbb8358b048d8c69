// SPDX-License-Identifier: Apache-2.0
/* Deliveries to the exporters: forms groups for whoever has credit, sends them, hears what became
 * of them.
 *
 * A group is formed when its exporter can take it, not before (router/pace.h): under load the batches
 * that came meanwhile make it larger. */
#ifndef MASQUES_ROUTER_DISPATCH_H
#define MASQUES_ROUTER_DISPATCH_H

#include "router/dead_letters.h"
#include "router/ingress.h"
#include "router/subscribers.h"

#define DISPATCH_QUANTUM_BYTES (4u << 20) /* of one exporter before the next has its turn */

struct dispatch;

/* All borrowed for its life; `inline_bytes`: payload that may be on its way in messages. Returns
 * owned; NULL: no memory. */
struct dispatch *dispatch_new(struct loop *loop, struct store *store, struct sessions *sessions,
                              struct subscribers *subscribers, struct dead_letters *letters,
                              uint64_t inline_bytes, const struct log *log);
void dispatch_free(struct dispatch **dispatch);

/* An exporter is welcome; hears what HELLO says about deliveries. */
void dispatch_opened(struct dispatch *dispatch, struct session *session,
                     const Masques__Bus__Hello *hello);
/* Its session is over; before subscribers_closed(). */
void dispatch_closed(struct dispatch *dispatch, struct session *session);
/* A message of an exporter; borrowed. One whose registration is gone (subscribers_detach()) hears that its verdicts may
 * be forgotten. */
void dispatch_message(struct dispatch *dispatch, struct session *session,
                      const struct link_message *message);

/* A commit stored these. */
void dispatch_fresh(struct dispatch *dispatch, const struct ingress_fresh *fresh);
/* The store retired a group (store_retired_fn): calls nothing of the store. */
void dispatch_retired(struct dispatch *dispatch, const struct store_consumer *consumer,
                      unsigned signal, uint64_t first, uint64_t last);

/* After the turn's commit: confirms and delivers what the journal has. True: there is more to do. */
bool dispatch_turn(struct dispatch *dispatch);

/* While somebody waits for what is owed now (FLUSH, DETACH), nothing waits to grow. */
void dispatch_hurry(struct dispatch *dispatch, bool hurried);
/* From now on nothing waits to grow, and no dead letter goes out any more. */
void dispatch_drain(struct dispatch *dispatch);
/* Nothing is pending for those who are there (live ones excepted), nor for exporters of the configuration that are
 * still starting or being restarted. */
bool dispatch_idle(const struct dispatch *dispatch);

#endif
