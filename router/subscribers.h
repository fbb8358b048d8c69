// SPDX-License-Identifier: Apache-2.0
/* All exporters that the store owes something: those of the configuration, those that attached
 * themselves, and orphans that the configuration names no more. Says who owns which registration.
 */
#ifndef MASQUES_ROUTER_SUBSCRIBERS_H
#define MASQUES_ROUTER_SUBSCRIBERS_H

#include <masques/control.pb-c.h>

#include "router/subscriber.h"

#define SUBSCRIBERS_LIVE_GRACE_MS                                                                  \
    10000u /* for a live one to come back after the router's restart */

struct subscribers;

/* Registers the exporters that the configuration names, adopts the others that the store knows:
 * attached ones keep their place; of those that were the configuration's once, lossy ones are
 * dropped, durable ones become orphans, which are kept as lossy: they never are a reason to refuse
 * data. All borrowed for its life. Returns owned, or NULL with *err set: as
 * store_consumer_register(). */
struct subscribers *subscribers_new(struct store *store,
                                    Masques__Control__Subscription *const *configured, size_t count,
                                    uint64_t now_ms, const struct log *log, int *err);
void subscribers_free(struct subscribers **subscribers);

/* An exporter says HELLO: registers it unless the configuration has, and takes over its wishes.
 * Only the configuration says signals and mode of the exporters that it names. 0; GW_ERR_NOT_FOUND: it
 * starts from its registration, and there is none; GW_ERR_INVALID, or as store_consumer_register(). */
int subscribers_admit(struct subscribers *subscribers, struct session *session,
                      const Masques__Bus__Hello *hello) GW_MUST_CHECK;
/* The session is over: what the exporter had in hand waits for it in the store; a live one is
 * unregistered. */
void subscribers_closed(struct subscribers *subscribers, struct session *session);
/* Live ones that did not come back after the router's restart are unregistered. */
void subscribers_tick(struct subscribers *subscribers, uint64_t now_ms);

/* Bit n set: somebody other than orphans takes signal n. */
uint32_t subscribers_wanted(const struct subscribers *subscribers);

/* The configuration names these from now on: new ones are registered, the others brought up to date; those that it
 * named and does not any more become orphans if they are durable, and are dropped otherwise. Attached ones that it does
 * not name stay as they are. An orphan that it names again goes on at its cursor. What cannot be written is left as it
 * was and said in the log; the first such error is returned. */
int subscribers_reconfigure(struct subscribers *subscribers,
                            Masques__Control__Subscription *const *configured, size_t count);

/* Removes the registration with all that it is owed. A session that it has goes on without one: session_owner() is
 * NULL from now on. dispatch_closed() first. */
void subscribers_detach(struct subscribers *subscribers, struct subscriber *sub);

/* NULL: there is none of that name. */
struct subscriber *subscribers_by_name(const struct subscribers *subscribers, const char *name);
size_t subscribers_count(const struct subscribers *subscribers);
/* The i-th; valid until subscribers_admit(), _closed(), _tick(), _reconfigure() or _detach(). */
struct subscriber *subscribers_at(const struct subscribers *subscribers, size_t i);
/* Whose registration it is; NULL: nobody's. */
struct subscriber *subscribers_of(const struct subscribers *subscribers,
                                  const struct store_consumer *consumer);

#endif
