// SPDX-License-Identifier: Apache-2.0
/* Dead letters on their way to their exporter once more: one at a time and exporter, each as a delivery of its own,
 * with its bytes in the message. Its id says first = last = the letter's number with DEAD_LETTER_SEQUENCE_BIT, and the
 * generation that the number begins with: the same letter always has the same id, also after a restart.
 *
 * Nothing of it is in the journal. A letter stays until it is delivered: then its file goes, and only then the verdict
 * is confirmed. What is rejected again becomes letters of its own, with new numbers, in place of the one before. Which
 * letters are asked for is forgotten when the router ends. */
#ifndef MASQUES_ROUTER_REPLAY_H
#define MASQUES_ROUTER_REPLAY_H

#include "router/settle.h"

/* The id is one of a letter, not of batches. */
bool replay_is(const Masques__Bus__DeliveryId *id);

/* The letter that goes out next to this exporter: asked for, and nothing is in the way. NULL: none. */
struct dead_letters_entry *replay_next(const struct settle *settle, const struct subscriber *sub);
/* It is out. */
void replay_sent(struct subscriber *sub, struct dead_letters_entry *entry);
/* It could not be sent: not before `due_ms`. */
void replay_pause(struct subscriber *sub, uint64_t due_ms);
/* When the exporter's next letter may go out, if one waits for a time; 0: none does. */
uint64_t replay_due_ms(const struct subscriber *sub);
/* The session is over: what was out goes out again in the next one. */
void replay_closed(struct subscriber *sub);

/* Verdict, note and claim, as settle_verdict() and the others have them. */
enum settle_answer replay_verdict(const struct settle *settle, struct subscriber *sub,
                                  const Masques__Bus__DeliveryVerdict *verdict,
                                  const struct slice *payloads, size_t payload_count);
enum settle_answer replay_progress(const struct settle *settle, const Masques__Bus__Progress *progress);
enum settle_answer replay_claim(const struct settle *settle, struct subscriber *sub,
                                const Masques__Bus__DeliveryId *id);

/* Fills in the id of a letter's delivery; it borrows store and subscriber. */
void replay_id(Masques__Bus__DeliveryId *id, const struct store *store, const struct subscriber *sub,
               const struct dead_letter *letter);

#endif
