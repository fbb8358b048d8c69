// SPDX-License-Identifier: Apache-2.0
/* The talk with exporters about their deliveries: hears verdicts and notes, has them applied
 * (settle), and answers, with confirmations waiting for the journal (confirm). */
#ifndef MASQUES_ROUTER_REPLIES_H
#define MASQUES_ROUTER_REPLIES_H

#include "router/dead_letters.h"
#include "router/subscriber.h"

struct replies;

/* All borrowed for its life. Returns owned; NULL: no memory. */
struct replies *replies_new(struct store *store, struct dead_letters *letters,
                            struct sessions *sessions, const struct log *log);
void replies_free(struct replies **replies);

/* What HELLO says about deliveries in progress and verdicts that were not confirmed. */
void replies_hello(struct replies *replies, struct subscriber *sub,
                   const Masques__Bus__Hello *hello);
/* A message of the exporter's session; borrowed. */
void replies_message(struct replies *replies, struct subscriber *sub,
                     const struct link_message *message);
/* A message of an exporter whose registration is gone: what it says about deliveries is confirmed and means nothing. */
void replies_detached(struct replies *replies, struct session *session,
                      const Masques__Bus__Frame *frame);
/* Says CANCEL with that id. */
void replies_cancel(struct replies *replies, struct subscriber *sub, Masques__Bus__DeliveryId *id);

/* Confirms what the journal has. */
void replies_confirm(struct replies *replies);
/* Every confirmation is out. */
bool replies_all_said(const struct replies *replies);
/* The exporter's session is over: it will ask again. */
void replies_drop(struct replies *replies, const struct subscriber *sub);

#endif
