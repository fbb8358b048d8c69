// SPDX-License-Identifier: Apache-2.0
#include "router/settle.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "shared/base/entropy.h"

#define AFTER_MAX_MS 3600000u /* an exporter's own wish to wait */

uint64_t settle_retry_ms(uint32_t attempt, uint64_t random)
{
    uint64_t wait = SETTLE_RETRY_FIRST_MS;
    for (uint32_t i = 1; i < attempt && wait < SETTLE_RETRY_MAX_MS; i++)
        wait += wait / 2;
    if (wait > SETTLE_RETRY_MAX_MS)
        wait = SETTLE_RETRY_MAX_MS;
    return wait / 2 + random % (wait + 1);
}

/* The id names a lane of this subscriber, in this store. */
static bool id_is_ours(const struct settle *s, const struct subscriber *sub,
                       const Masques__Bus__DeliveryId *id)
{
    return id && id->store.len == STORE_UUID_BYTES &&
           memcmp(id->store.data, store_uuid(s->store), STORE_UUID_BYTES) == 0 &&
           strcmp(id->exporter, sub->name) == 0 && subscriber_takes(sub, (unsigned)id->signal);
}

/* The pending group of exactly this id. */
static bool group_of(const struct settle *s, const struct subscriber *sub,
                     const Masques__Bus__DeliveryId *id, struct store_group *group)
{
    return store_group_find(s->store, sub->consumer, (unsigned)id->signal, id->first, group) ==
               GW_OK &&
           group->last == id->last && group->generation == id->generation;
}

/* The delivery as the lane has it. One that HELLO speaks of is taken out of the store's hands
 * first. NULL with *answer set. */
static struct delivery *take_in_hand(const struct settle *s, struct subscriber *sub,
                                     const Masques__Bus__DeliveryId *id, enum settle_answer *answer)
{
    unsigned signal = (unsigned)id->signal;
    struct lane *lane = subscriber_lane(sub, signal);
    struct delivery *d = lane_find(lane, id->generation, id->first, id->last);
    if (d)
        return d;
    struct store_group group;
    *answer = SETTLE_CANCEL;
    if (!group_of(s, sub, id, &group))
        return NULL;
    *answer = SETTLE_AGAIN;
    d = lane_add(lane);
    if (!d)
        return NULL;
    if (store_group_hold(s->store, sub->consumer, signal, id->first, id->last) != GW_OK) {
        lane_remove(lane, d);
        *answer = SETTLE_CANCEL;
        return NULL;
    }
    *d = (struct delivery){.generation = group.generation,
                           .first = group.first,
                           .last = group.last,
                           .records = group.records,
                           .bytes = group.bytes,
                           .attempt = group.attempt,
                           .state = DELIVERY_READY};
    return d;
}

/* ---- outcomes ---- */

static uint64_t rejected_records(const Masques__Bus__DeliveryVerdict *verdict)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < verdict->n_rejected; i++) {
        uint64_t count = verdict->rejected[i]->count;
        sum = count > UINT64_MAX - sum ? UINT64_MAX : sum + count;
    }
    return sum;
}

/* Not even the lane's word is needed: DONE may speak of a group that waits in the store. */
static enum settle_answer done(const struct settle *s, struct subscriber *sub,
                               const Masques__Bus__DeliveryVerdict *verdict)
{
    const Masques__Bus__DeliveryId *id = verdict->id;
    unsigned signal = (unsigned)id->signal;
    struct lane *lane = subscriber_lane(sub, signal);
    struct delivery *d = lane_find(lane, id->generation, id->first, id->last);
    struct store_group group;
    int err = GW_ERR_NOT_FOUND;
    if (group_of(s, sub, id, &group))
        err =
            store_group_done(s->store, sub->consumer, signal, id->first, rejected_records(verdict));
    if (err == GW_ERR_NOMEM)
        return SETTLE_AGAIN;
    if (d)
        subscriber_remove(sub, signal, d);
    if (err == GW_OK && verdict->n_rejected)
        log_warn(s->log, "%s rejected %" PRIu64 " of %" PRIu64 " records: %s", sub->name,
                 rejected_records(verdict), group.records, verdict->rejected[0]->reason);
    return SETTLE_CONFIRM;
}

static void wait_then_retry(struct subscriber *sub, struct delivery *d, uint64_t due_ms)
{
    subscriber_set_state(sub, d, DELIVERY_WAITING);
    d->due_ms = due_ms;
}

static enum settle_answer retry(const struct settle *s, struct subscriber *sub,
                                const Masques__Bus__DeliveryVerdict *verdict)
{
    enum settle_answer answer = SETTLE_CONFIRM;
    struct delivery *d = take_in_hand(s, sub, verdict->id, &answer);
    if (!d) /* settled or retired long ago: the verdict may be forgotten */
        return answer == SETTLE_AGAIN ? SETTLE_AGAIN : SETTLE_CONFIRM;
    if (d->state == DELIVERY_WAITING || d->state == DELIVERY_RETIRED)
        return SETTLE_CONFIRM;
    uint64_t wait = verdict->after_ms < AFTER_MAX_MS ? verdict->after_ms : AFTER_MAX_MS;
    if (wait == 0)
        wait = settle_retry_ms(d->attempt, entropy_u64());
    wait_then_retry(sub, d, s->now_ms + wait);
    return SETTLE_CONFIRM;
}

/* Looks at every batch of the delivery; the store sorts out what is damaged when it hands the group
 * out again. */
static bool found_damage(const struct settle *s, struct subscriber *sub,
                         const Masques__Bus__DeliveryId *id)
{
    unsigned signal = (unsigned)id->signal;
    struct store_group group;
    if (!group_of(s, sub, id, &group))
        return true;
    bool damaged = false;
    for (uint64_t sequence = group.first; sequence <= group.last; sequence++)
        damaged |= store_verify(s->store, signal, sequence) != GW_OK;
    return damaged;
}

static enum settle_answer corrupt(const struct settle *s, struct subscriber *sub,
                                  const Masques__Bus__DeliveryVerdict *verdict)
{
    enum settle_answer answer = SETTLE_CONFIRM;
    struct delivery *d = take_in_hand(s, sub, verdict->id, &answer);
    if (!d)
        return answer == SETTLE_AGAIN ? SETTLE_AGAIN : SETTLE_CONFIRM;
    if (d->state == DELIVERY_WAITING || d->state == DELIVERY_RETIRED)
        return SETTLE_CONFIRM;
    bool damaged = found_damage(s, sub, verdict->id);
    log_warn(s->log, "%s calls delivery %" PRIu64 "-%" PRIu64 " corrupt: %s", sub->name,
             verdict->id->first, verdict->id->last,
             damaged ? "the store's copy is" : "the store's copy is not");
    /* The store may have retired the group while it was looked at. */
    d = lane_find(subscriber_lane(sub, (unsigned)verdict->id->signal), verdict->id->generation,
                  verdict->id->first, verdict->id->last);
    if (d && d->state != DELIVERY_RETIRED)
        wait_then_retry(sub, d, s->now_ms + (damaged ? 0 : SETTLE_CORRUPT_MS));
    return SETTLE_CONFIRM;
}

static void note_health(struct subscriber *sub, const Masques__Bus__DeliveryVerdict *verdict)
{
    sub->health = verdict->health;
    snprintf(sub->error, sizeof sub->error, "%s", verdict->error);
}

enum settle_answer settle_verdict(const struct settle *s, struct subscriber *sub,
                                  const Masques__Bus__DeliveryVerdict *verdict)
{
    if (!id_is_ours(s, sub, verdict->id))
        return verdict->id ? SETTLE_FOREIGN : SETTLE_NOTHING;
    note_health(sub, verdict);
    switch (verdict->outcome) {
    case MASQUES__BUS__OUTCOME__DONE:
        return done(s, sub, verdict);
    case MASQUES__BUS__OUTCOME__RETRY:
        return retry(s, sub, verdict);
    case MASQUES__BUS__OUTCOME__CORRUPT:
        return corrupt(s, sub, verdict);
    default:
        return SETTLE_NOTHING;
    }
}

enum settle_answer settle_progress(const struct settle *s, struct subscriber *sub,
                                   const Masques__Bus__Progress *progress)
{
    const Masques__Bus__DeliveryId *id = progress->id;
    struct store_group group;
    if (!id)
        return SETTLE_NOTHING;
    if (!id_is_ours(s, sub, id) || !group_of(s, sub, id, &group))
        return SETTLE_CANCEL;
    int err = store_group_progress(s->store, sub->consumer, (unsigned)id->signal, id->first,
                                   slice_make(progress->note.data, progress->note.len));
    if (err == GW_OK)
        return SETTLE_CONFIRM;
    log_warn(s->log, "%s: its progress note is not kept: %s", sub->name, gw_strerror(err));
    return err == GW_ERR_NOMEM ? SETTLE_AGAIN : SETTLE_NOTHING;
}

enum settle_answer settle_claim(const struct settle *s, struct subscriber *sub,
                                const Masques__Bus__DeliveryId *id)
{
    enum settle_answer answer = SETTLE_CANCEL;
    if (!id)
        return SETTLE_NOTHING;
    if (!id_is_ours(s, sub, id))
        return SETTLE_CANCEL;
    struct delivery *d = take_in_hand(s, sub, id, &answer);
    if (!d)
        return answer;
    if (d->state != DELIVERY_RETIRED)
        subscriber_set_state(sub, d, DELIVERY_OUT);
    return d->state == DELIVERY_RETIRED ? SETTLE_CANCEL : SETTLE_CONFIRM;
}
