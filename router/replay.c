// SPDX-License-Identifier: Apache-2.0
#include "router/replay.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "router/deliver.h"
#include "router/rejections.h"
#include "shared/base/clock.h"
#include "shared/base/entropy.h"

#define GENERATION_SHIFT 32 /* router/dead_letters.h: numbers begin with it */

bool replay_is(const Masques__Bus__DeliveryId *id)
{
    return (id->first & DEAD_LETTER_SEQUENCE_BIT) != 0;
}

void replay_id(Masques__Bus__DeliveryId *id, const struct store *store, const struct subscriber *sub,
               const struct dead_letter *letter)
{
    uint64_t sequence = letter->number | DEAD_LETTER_SEQUENCE_BIT;
    deliver_id(id, store, sub, letter->signal, letter->number >> GENERATION_SHIFT, sequence,
               sequence);
}

/* The letter of exactly this id; NULL: there is none any more. */
static struct dead_letters_entry *letter_of(const struct settle *s,
                                            const Masques__Bus__DeliveryId *id)
{
    struct dead_letters_entry *e =
        dead_letters_find(s->letters, id->first & ~DEAD_LETTER_SEQUENCE_BIT);
    if (!e || id->last != id->first || id->generation != e->letter.number >> GENERATION_SHIFT ||
        (unsigned)id->signal != e->letter.signal || !slice_is(e->letter.exporter, id->exporter))
        return NULL;
    return e;
}

/* ---- out ---- */

struct dead_letters_entry *replay_next(const struct settle *s, const struct subscriber *sub)
{
    const struct replay *r = &sub->replay;
    if (dead_letters_asked(s->letters) == 0 || r->out || s->now_ms < r->due_ms)
        return NULL;
    struct dead_letters_entry *lowest = NULL;
    for (size_t i = 0; i < dead_letters_count(s->letters); i++) {
        struct dead_letters_entry *e = dead_letters_at(s->letters, i);
        if (!e->asked || !slice_is(e->letter.exporter, sub->name))
            continue;
        if (e->letter.number > r->after)
            return e;
        if (!lowest)
            lowest = e;
    }
    return lowest;
}

static void set_out(struct subscriber *sub, const struct dead_letters_entry *e)
{
    sub->replay.out = e->letter.number;
    sub->replay.bytes = e->letter.payload_bytes;
    sub->out_bytes += sub->replay.bytes;
}

static void set_in(struct subscriber *sub, uint64_t number)
{
    if (sub->replay.out != number)
        return;
    sub->out_bytes -= sub->replay.bytes;
    sub->replay.out = 0;
    sub->replay.bytes = 0;
    sub->replay.due_ms = 0;
}

void replay_sent(struct subscriber *sub, struct dead_letters_entry *e)
{
    e->attempts++;
    set_out(sub, e);
}

void replay_pause(struct subscriber *sub, uint64_t due_ms)
{
    sub->replay.due_ms = due_ms;
}

uint64_t replay_due_ms(const struct subscriber *sub)
{
    return sub->replay.out ? 0 : sub->replay.due_ms;
}

void replay_closed(struct subscriber *sub)
{
    sub->replay = (struct replay){0};
}

/* ---- back ---- */

/* Its file goes before anybody hears that it may be forgotten. */
static enum settle_answer delivered(const struct settle *s, struct subscriber *sub,
                                    const struct dead_letters_entry *e)
{
    uint64_t number = e->letter.number;
    uint64_t records = e->letter.records;
    int err = dead_letters_remove(s->letters, number);
    if (err == GW_OK)
        err = dead_letters_sync(s->letters);
    set_in(sub, number);
    if (err != GW_OK) {
        log_warn(s->log, "dead letter %" PRIu64 " of %s is delivered, but its file stays: %s", number,
                 sub->name, gw_strerror(err));
        return SETTLE_AGAIN;
    }
    log_info(s->log, "%s took dead letter %" PRIu64 " (%" PRIu64 " records)", sub->name, number,
             records);
    dead_letters_replayed(s->letters);
    return SETTLE_CONFIRM;
}

/* All of it or some: what was rejected stands in new letters before the old one goes. */
static enum settle_answer rejected(const struct settle *s, struct subscriber *sub,
                                   struct dead_letters_entry *e,
                                   const Masques__Bus__DeliveryVerdict *verdict,
                                   const struct slice *payloads, size_t payload_count)
{
    uint64_t number = e->letter.number;
    dead_letters_ask(s->letters, e, false);
    int err = rejections_keep(s->letters, verdict, payloads, payload_count, clock_wall_ns(), true);
    if (err == GW_OK)
        err = dead_letters_remove(s->letters, number);
    if (err != GW_OK && rejections_undo(s->letters, verdict->id) != GW_OK)
        log_warn(s->log, "dead letter %" PRIu64 " of %s is there twice until the next start", number, sub->name);
    if (err == GW_OK)
        err = dead_letters_sync(s->letters);
    set_in(sub, number);
    log_warn(s->log, "%s rejects dead letter %" PRIu64 " again: %s%s", sub->name, number,
             verdict->rejected[0]->reason,
             err == GW_OK ? "" : "; it stays as it was, since the new one cannot be written");
    return SETTLE_CONFIRM;
}

static enum settle_answer retry(const struct settle *s, struct subscriber *sub,
                                struct dead_letters_entry *e, uint32_t after_ms)
{
    uint64_t wait = retry_wait_ms(&sub->retry, e->attempts, after_ms, entropy_u64());
    if (sub->replay.out != e->letter.number)
        return SETTLE_CONFIRM; /* said again */
    set_in(sub, e->letter.number);
    sub->replay.after = e->letter.number;
    if (sub->retry.disabled)
        dead_letters_ask(s->letters, e, false);
    else
        sub->replay.due_ms = s->now_ms + wait;
    return SETTLE_CONFIRM;
}

/* It came in the message, and will be the same the next time. */
static enum settle_answer corrupt(const struct settle *s, struct subscriber *sub,
                                  struct dead_letters_entry *e)
{
    uint64_t number = e->letter.number;
    dead_letters_ask(s->letters, e, false);
    set_in(sub, number);
    log_warn(s->log, "%s cannot read dead letter %" PRIu64 ": it stays as it was", sub->name, number);
    return SETTLE_CONFIRM;
}

enum settle_answer replay_verdict(const struct settle *s, struct subscriber *sub,
                                  const Masques__Bus__DeliveryVerdict *verdict,
                                  const struct slice *payloads, size_t payload_count)
{
    struct dead_letters_entry *e = letter_of(s, verdict->id);
    if (!e) {
        set_in(sub, verdict->id->first & ~DEAD_LETTER_SEQUENCE_BIT); /* it was dropped meanwhile */
        return SETTLE_CONFIRM;
    }
    switch (verdict->outcome) {
    case MASQUES__BUS__OUTCOME__DONE:
        if (verdict->n_rejected)
            return rejected(s, sub, e, verdict, payloads, payload_count);
        return delivered(s, sub, e);
    case MASQUES__BUS__OUTCOME__RETRY:
        return retry(s, sub, e, verdict->after_ms);
    case MASQUES__BUS__OUTCOME__CORRUPT:
        return corrupt(s, sub, e);
    default:
        return SETTLE_NOTHING;
    }
}

enum settle_answer replay_progress(const struct settle *s, const Masques__Bus__Progress *progress)
{
    struct dead_letters_entry *e = letter_of(s, progress->id);
    if (!e)
        return SETTLE_CANCEL;
    if (progress->note.len > STORE_NOTE_MAX_BYTES)
        return SETTLE_NOTHING;
    uint8_t *copy = malloc(progress->note.len + 1);
    if (!copy)
        return SETTLE_AGAIN;
    if (progress->note.len)
        memcpy(copy, progress->note.data, progress->note.len);
    free(e->note);
    e->note = copy;
    e->note_len = progress->note.len;
    return SETTLE_CONFIRM;
}

enum settle_answer replay_claim(const struct settle *s, struct subscriber *sub,
                                const Masques__Bus__DeliveryId *id)
{
    struct dead_letters_entry *e = letter_of(s, id);
    if (!e || sub->replay.out)
        return SETTLE_CANCEL;
    dead_letters_ask(s->letters, e, true);
    if (e->attempts == 0)
        e->attempts = 1;
    set_out(sub, e);
    return SETTLE_CONFIRM;
}
