// SPDX-License-Identifier: Apache-2.0
#include "router/listing.h"

#include <stdlib.h>

#include "shared/base/clock.h"

static int send_answer(const struct listing_asker *to, Masques__Bus__Answer *answer, bool more)
{
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    answer->number = to->number;
    answer->more = more;
    frame.body_case = MASQUES__BUS__FRAME__BODY_ANSWER;
    frame.answer = answer;
    return sessions_send(to->sessions, to->session, &frame, NULL, 0);
}

/* Packed at once, never written to. */
static char *text(const char *borrowed)
{
    return (char *)(uintptr_t)borrowed;
}

/* ---- exporters ---- */

struct lane_said {
    Masques__Bus__Lane lane;
    Masques__Bus__Loss losses[STORE_LOSS_END];
    Masques__Bus__Loss *loss_pointers[STORE_LOSS_END];
};

struct exporter_said {
    Masques__Bus__Exporter exporter;
    struct lane_said lanes[STORE_SIGNALS];
    Masques__Bus__Lane *lane_pointers[STORE_SIGNALS];
};

static void fill_lane(struct lane_said *said, unsigned signal, const struct store_counts *counts,
                      uint64_t now_ns)
{
    Masques__Bus__Lane *lane = &said->lane;
    masques__bus__lane__init(lane);
    lane->signal = (Masques__Bus__Signal)signal;
    lane->pending = counts->pending;
    lane->pending_bytes = counts->pending_bytes;
    if (counts->oldest_ns && now_ns > counts->oldest_ns)
        lane->oldest_ms = (now_ns - counts->oldest_ns) / CLOCK_NS_PER_MS;
    lane->delivered = counts->delivered;
    lane->rejected = counts->rejected;
    lane->lost = counts->lost;
    lane->losses = said->loss_pointers;
    for (unsigned reason = 1; reason < STORE_LOSS_END; reason++) {
        if (counts->lost_by[reason] == 0)
            continue;
        Masques__Bus__Loss *loss = &said->losses[lane->n_losses];
        masques__bus__loss__init(loss);
        loss->reason = text(store_loss_name((enum store_loss)reason));
        loss->records = counts->lost_by[reason];
        said->loss_pointers[lane->n_losses++] = loss;
    }
}

static Masques__Bus__Owner owner_of(const struct subscriber *sub)
{
    switch (sub->owner) {
    case OWNER_CONFIG:
        return MASQUES__BUS__OWNER__CONFIGURED;
    case OWNER_ATTACHED:
        return MASQUES__BUS__OWNER__ATTACHED;
    case OWNER_NONE:
        break;
    }
    return MASQUES__BUS__OWNER__ORPHANED;
}

static void fill_exporter(struct exporter_said *said, struct store *store,
                          const struct subscriber *sub, uint64_t now_ns)
{
    Masques__Bus__Exporter *exporter = &said->exporter;
    masques__bus__exporter__init(exporter);
    exporter->name = text(sub->name);
    exporter->type = text(sub->type);
    exporter->owner = owner_of(sub);
    exporter->mode = (Masques__Bus__Mode)sub->mode;
    exporter->state = text(subscriber_state_name(sub));
    exporter->error = text(sub->error);
    exporter->pid = sub->session ? (uint32_t)session_pid(sub->session) : 0;
    exporter->lanes = said->lane_pointers;
    for (unsigned signal = 1; signal <= STORE_SIGNALS; signal++) {
        struct store_counts counts;
        if (!subscriber_takes(sub, signal) ||
            store_consumer_counts(store, sub->consumer, signal, &counts) != GW_OK)
            continue;
        struct lane_said *lane = &said->lanes[exporter->n_lanes];
        fill_lane(lane, signal, &counts, now_ns);
        said->lane_pointers[exporter->n_lanes++] = &lane->lane;
    }
}

int listing_exporters(const struct listing_asker *to, struct store *store,
                      const struct subscribers *subscribers, uint64_t now_ns,
                      listing_draining_fn draining, void *ctx)
{
    size_t count = subscribers_count(subscribers);
    struct exporter_said *said = malloc(LISTING_EXPORTERS * sizeof *said);
    Masques__Bus__Exporter *pointers[LISTING_EXPORTERS];
    int err = said ? GW_OK : GW_ERR_NOMEM;
    size_t next = 0;
    do {
        Masques__Bus__Answer answer = MASQUES__BUS__ANSWER__INIT;
        answer.exporters = pointers;
        for (; err == GW_OK && next < count && answer.n_exporters < LISTING_EXPORTERS; next++) {
            const struct subscriber *sub = subscribers_at(subscribers, next);
            struct exporter_said *one = &said[answer.n_exporters];
            fill_exporter(one, store, sub, now_ns);
            if (draining(ctx, sub))
                one->exporter.state = text("draining");
            pointers[answer.n_exporters++] = &one->exporter;
        }
        if (err == GW_OK)
            err = send_answer(to, &answer, next < count);
    } while (err == GW_OK && next < count);
    free(said);
    return err;
}

/* ---- dead letters ---- */

struct letter_said {
    Masques__Bus__DeadLetter letter;
    Masques__Bus__DeliveryId id;
};

static void fill_letter(struct letter_said *said, const struct store *store,
                        const struct dead_letter *kept)
{
    Masques__Bus__DeadLetter *letter = &said->letter;
    masques__bus__dead_letter__init(letter);
    masques__bus__delivery_id__init(&said->id);
    said->id.store.data = (uint8_t *)(uintptr_t)store_uuid(store);
    said->id.store.len = STORE_UUID_BYTES;
    said->id.generation = kept->generation;
    said->id.exporter = text((const char *)kept->exporter.data);
    said->id.signal = (Masques__Bus__Signal)kept->signal;
    said->id.first = kept->first;
    said->id.last = kept->last;
    letter->number = kept->number;
    letter->exporter = said->id.exporter;
    letter->signal = said->id.signal;
    letter->records = kept->records;
    letter->bytes = kept->payload_bytes;
    letter->reason = text((const char *)kept->reason.data);
    letter->rejected_ns = kept->rejected_ns;
    letter->id = &said->id;
}

/* The next letter from *i on that is asked for; NULL: none. */
static const struct dead_letter *next_letter(const struct dead_letters *letters,
                                             const char *exporter, size_t *i)
{
    for (; *i < dead_letters_count(letters); (*i)++) {
        const struct dead_letter *letter = &dead_letters_at(letters, *i)->letter;
        if (!exporter[0] || slice_is(letter->exporter, exporter))
            return letter;
    }
    return NULL;
}

int listing_letters(const struct listing_asker *to, const struct store *store,
                    const struct dead_letters *letters, const char *exporter)
{
    struct letter_said *said = malloc(LISTING_LETTERS * sizeof *said);
    Masques__Bus__DeadLetter *pointers[LISTING_LETTERS];
    int err = said ? GW_OK : GW_ERR_NOMEM;
    size_t i = 0;
    const struct dead_letter *letter = next_letter(letters, exporter, &i);
    do {
        Masques__Bus__Answer answer = MASQUES__BUS__ANSWER__INIT;
        answer.dead_letters = pointers;
        while (err == GW_OK && letter && answer.n_dead_letters < LISTING_LETTERS) {
            struct letter_said *one = &said[answer.n_dead_letters];
            fill_letter(one, store, letter);
            pointers[answer.n_dead_letters++] = &one->letter;
            i++;
            letter = next_letter(letters, exporter, &i);
        }
        if (err == GW_OK)
            err = send_answer(to, &answer, letter != NULL);
    } while (err == GW_OK && letter);
    free(said);
    return err;
}
