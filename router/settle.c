// SPDX-License-Identifier: Apache-2.0
#include "router/settle.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "router/rejections.h"
#include "router/replay.h"
#include "shared/base/clock.h"
#include "shared/base/entropy.h"

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

/* Before the journal says that the delivery is done. A delivery that was sent before may have left letters of a verdict
 * that never came to the journal. */
static void keep_rejections(const struct settle *s, const Masques__Bus__DeliveryVerdict *verdict,
                            const struct slice *payloads, size_t payload_count, uint32_t attempt)
{
    if (verdict->n_rejected == 0 && attempt <= 1)
        return;
    int err = rejections_keep(s->letters, verdict, payloads, payload_count, clock_wall_ns(), false);
    if (err != GW_OK)
        log_debug(s->log, "some rejections are only counted: %s", gw_strerror(err));
}

/* Not even the lane's word is needed: DONE may speak of a group that waits in the store. */
static enum settle_answer done(const struct settle *s, struct subscriber *sub,
                               const Masques__Bus__DeliveryVerdict *verdict,
                               const struct slice *payloads, size_t payload_count)
{
    const Masques__Bus__DeliveryId *id = verdict->id;
    unsigned signal = (unsigned)id->signal;
    struct lane *lane = subscriber_lane(sub, signal);
    uint64_t rejected = rejections_records(verdict);
    struct delivery *d = lane_find(lane, id->generation, id->first, id->last);
    struct store_group group;
    int err = GW_ERR_NOT_FOUND;
    if (group_of(s, sub, id, &group)) {
        keep_rejections(s, verdict, payloads, payload_count, group.attempt);
        err = store_group_done(s->store, sub->consumer, signal, id->first, rejected);
    }
    if (err == GW_ERR_NOMEM)
        return SETTLE_AGAIN;
    if (d)
        subscriber_remove(sub, signal, d);
    retry_since_forget(&lane->since, id->first);
    if (err == GW_OK && verdict->n_rejected)
        log_warn(s->log, "%s rejected %" PRIu64 " of %" PRIu64 " records: %s", sub->name,
                 rejected, group.records, verdict->rejected[0]->reason);
    return SETTLE_CONFIRM;
}

static void wait_then_retry(struct subscriber *sub, struct delivery *d, uint64_t due_ms)
{
    subscriber_set_state(sub, d, DELIVERY_WAITING);
    d->due_ms = due_ms;
}

/* In the journal with the next good commit, as DONE would be. */
static enum settle_answer give_up(const struct settle *s, struct subscriber *sub, unsigned signal,
                                  struct delivery *d, const char *error)
{
    struct delivery lost = *d;
    int err = store_group_lost(s->store, sub->consumer, signal, lost.first, STORE_LOSS_GAVE_UP);
    if (err == GW_ERR_NOMEM)
        return SETTLE_AGAIN;
    subscriber_remove(sub, signal, d);
    retry_since_forget(&subscriber_lane(sub, signal)->since, lost.first);
    log_warn(s->log,
             "%s: delivery %" PRIu64 "-%" PRIu64 " is given up after %" PRIu32
             " attempts, %" PRIu64 " records are lost: %s",
             sub->name, lost.first, lost.last, lost.attempt, lost.records, error);
    return SETTLE_CONFIRM;
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
    unsigned signal = (unsigned)verdict->id->signal;
    uint64_t wait = retry_wait_ms(&sub->retry, d->attempt, verdict->after_ms, entropy_u64());
    uint64_t sent_ms = d->sent_ms ? d->sent_ms : s->now_ms;
    uint64_t since_ms = retry_since_ms(&subscriber_lane(sub, signal)->since, d->first, sent_ms);
    if (retry_gives_up(&sub->retry, since_ms, s->now_ms, wait))
        return give_up(s, sub, signal, d, verdict->error);
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
                                  const Masques__Bus__DeliveryVerdict *verdict,
                                  const struct slice *payloads, size_t payload_count)
{
    if (!id_is_ours(s, sub, verdict->id))
        return verdict->id ? SETTLE_FOREIGN : SETTLE_NOTHING;
    note_health(sub, verdict);
    if (replay_is(verdict->id))
        return replay_verdict(s, sub, verdict, payloads, payload_count);
    switch (verdict->outcome) {
    case MASQUES__BUS__OUTCOME__DONE:
        return done(s, sub, verdict, payloads, payload_count);
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
    if (!id_is_ours(s, sub, id))
        return SETTLE_CANCEL;
    if (replay_is(id))
        return replay_progress(s, progress);
    if (!group_of(s, sub, id, &group))
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
    if (replay_is(id))
        return replay_claim(s, sub, id);
    struct delivery *d = take_in_hand(s, sub, id, &answer);
    if (!d)
        return answer;
    if (d->state != DELIVERY_RETIRED) {
        subscriber_set_state(sub, d, DELIVERY_OUT);
        d->sent_ms = s->now_ms;
    }
    return d->state == DELIVERY_RETIRED ? SETTLE_CANCEL : SETTLE_CONFIRM;
}
