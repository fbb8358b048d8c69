// SPDX-License-Identifier: Apache-2.0
#include "router/report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"

#define NUMBERS 22
#define LOSSES STORE_LOSS_END /* there is no reason 0 */

/* One queue of the beat, with what it points at. */
struct queue_room {
    Masques__Control__Queue queue;
    Masques__Control__Number losses[LOSSES];
    Masques__Control__Number *loss_pointers[LOSSES];
};

struct report {
    struct queue_room *queues;
    Masques__Control__Queue **queue_pointers;
    size_t queue_cap;
    uint64_t untold;
    struct seen_row rows[REPORT_SEEN_MAX];
    Masques__Control__Seen seen[REPORT_SEEN_MAX];
    Masques__Control__Seen *seen_pointers[REPORT_SEEN_MAX];
    Masques__Control__Number numbers[NUMBERS];
    Masques__Control__Number *number_pointers[NUMBERS];
    uint64_t lists[5][STORE_SIGNALS];
};

struct report *report_new(void)
{
    return calloc(1, sizeof(struct report));
}

void report_free(struct report **at)
{
    struct report *r = *at;
    *at = NULL;
    if (!r)
        return;
    free(r->queues);
    free(r->queue_pointers);
    free(r);
}

/* ---- queues ---- */

static bool room_for_queues(struct report *r, size_t count)
{
    if (count <= r->queue_cap)
        return true;
    struct queue_room *queues = realloc(r->queues, count * sizeof *queues);
    if (queues)
        r->queues = queues;
    Masques__Control__Queue **pointers = realloc(r->queue_pointers, count * sizeof *pointers);
    if (pointers)
        r->queue_pointers = pointers;
    if (!queues || !pointers)
        return false;
    r->queue_cap = count;
    return true;
}

static const char *state_of(const struct subscriber *sub)
{
    if (sub->owner == OWNER_NONE)
        return "orphaned";
    if (!sub->session)
        return "away";
    return sub->health == MASQUES__BUS__HEALTH__HEALTH_DEGRADED ? "degraded" : "running";
}

static uint64_t age_ms(uint64_t since_ns, uint64_t now_ns)
{
    return since_ns && now_ns > since_ns ? (now_ns - since_ns) / CLOCK_NS_PER_MS : 0;
}

static const char *owner_of(const struct subscriber *sub)
{
    static const char *const names[] = {[OWNER_CONFIG] = "configured",
                                        [OWNER_ATTACHED] = "attached",
                                        [OWNER_NONE] = "orphaned"};
    return names[sub->owner];
}

static void fill_losses(struct queue_room *room, const struct store_counts *counts)
{
    size_t made = 0;
    for (unsigned reason = 1; reason < STORE_LOSS_END; reason++) {
        Masques__Control__Number *loss = &room->losses[made];
        if (counts->lost_by[reason] == 0)
            continue;
        masques__control__number__init(loss);
        loss->name = (char *)(uintptr_t)store_loss_name((enum store_loss)reason);
        loss->value = counts->lost_by[reason];
        room->loss_pointers[made++] = loss;
    }
    room->queue.n_losses = made;
    room->queue.losses = room->loss_pointers;
}

static void fill_queue(struct queue_room *room, const struct subscriber *sub, unsigned signal,
                       const struct store_counts *counts, uint64_t wall_ns)
{
    Masques__Control__Queue *queue = &room->queue;
    masques__control__queue__init(queue);
    queue->exporter = (char *)(uintptr_t)sub->name; /* packed, never written to */
    queue->signal = signal;
    queue->records = counts->pending;
    queue->bytes = counts->pending_bytes;
    queue->oldest_ms = age_ms(counts->oldest_ns, wall_ns);
    queue->delivered = counts->delivered;
    queue->rejected = counts->rejected;
    queue->lost = counts->lost;
    queue->state = (char *)(uintptr_t)state_of(sub);
    queue->owner = (char *)(uintptr_t)owner_of(sub);
    queue->pid = sub->session ? (uint32_t)session_pid(sub->session) : 0;
    fill_losses(room, counts);
}

/* The queues of one exporter; adds up what it delivered, rejected and lost. */
static void fill_exporter(struct report *r, const struct report_sources *from,
                          const struct subscriber *sub, size_t *made, size_t *bytes)
{
    bool first = true;
    for (unsigned signal = 1; signal <= STORE_SIGNALS; signal++) {
        struct store_counts counts;
        struct queue_room *room = &r->queues[*made];
        if (!subscriber_takes(sub, signal) ||
            store_consumer_counts(from->store, sub->consumer, signal, &counts) != GW_OK)
            continue;
        r->lists[2][signal - 1] += counts.delivered;
        r->lists[3][signal - 1] += counts.rejected;
        r->lists[4][signal - 1] += counts.lost;
        fill_queue(room, sub, signal, &counts, from->wall_ns);
        if (first)
            room->queue.error = (char *)(uintptr_t)sub->error;
        first = false;
        size_t size = masques__control__queue__get_packed_size(&room->queue);
        if (*bytes + size > REPORT_QUEUES_MAX_BYTES) {
            r->untold++;
            continue;
        }
        *bytes += size;
        r->queue_pointers[(*made)++] = &room->queue;
    }
}

static void fill_queues(struct report *r, const struct report_sources *from,
                        Masques__Control__Beat *beat)
{
    size_t exporters = subscribers_count(from->subscribers);
    size_t made = 0, bytes = 0;
    r->untold = 0;
    if (!room_for_queues(r, exporters * STORE_SIGNALS))
        return;
    for (size_t i = 0; i < exporters; i++)
        fill_exporter(r, from, subscribers_at(from->subscribers, i), &made, &bytes);
    beat->n_queues = made;
    beat->queues = r->queue_pointers;
}

/* ---- who was heard ---- */

static void fill_seen(struct report *r, const struct report_sources *from,
                      Masques__Control__Beat *beat)
{
    size_t count = seen_rows(from->seen, from->now_ms, r->rows, REPORT_SEEN_MAX);
    for (size_t i = 0; i < count; i++) {
        Masques__Control__Seen *seen = &r->seen[i];
        masques__control__seen__init(seen);
        seen->service = r->rows[i].service;
        seen->signal = r->rows[i].signal;
        seen->records = r->rows[i].records;
        seen->last_ns = r->rows[i].last_ns;
        seen->sessions = r->rows[i].sessions;
        seen->lost_before_us = r->rows[i].lost;
        r->seen_pointers[i] = seen;
    }
    beat->n_seen = count;
    beat->seen = r->seen_pointers;
}

/* ---- numbers ---- */

static void fill_numbers(struct report *r, const struct report_sources *from,
                         Masques__Control__Beat *beat)
{
    const struct ingress_counters *counters = ingress_counters(from->ingress);
    const struct seen_totals seen = seen_totals(from->seen, from->now_ms);
    const struct dead_letters_stats letters = dead_letters_stats(from->letters);
    struct store_stats stats;
    store_stats(from->store, &stats);
    const struct {
        const char *name;
        uint64_t value;
    } numbers[NUMBERS] = {
        {"store_bytes", stats.bytes},
        {"store_max_bytes", stats.max_bytes},
        {"store_segments", stats.segments},
        {"store_free_files", stats.free_files},
        {"store_journal_bytes", stats.journal_bytes},
        {"store_generation", store_generation(from->store)},
        {"store_torn_bytes", from->torn_bytes},
        {"store_quarantined", stats.quarantined},
        {"batches", counters->batches},
        {"batches_republished", counters->republished},
        {"bus_sessions", sessions_count(from->sessions)},
        {"bus_missed_edges", sessions_missed_edges(from->sessions)},
        {"seen_records", seen.records},
        {"seen_forgotten", seen.forgotten},
        {"seen_services_forgotten", seen.rows_forgotten},
        {"seen_sessions_forgotten", seen.sessions_forgotten},
        {"queues_untold", r->untold},
        {"dead_letters", letters.letters},
        {"dead_letters_bytes", letters.bytes},
        {"dead_letters_dropped", letters.dropped},
        {"dead_letters_replayed", letters.replayed},
        {"dead_letters_damaged", letters.damaged},
    };
    for (size_t i = 0; i < NUMBERS; i++) {
        masques__control__number__init(&r->numbers[i]);
        r->numbers[i].name = (char *)(uintptr_t)numbers[i].name;
        r->numbers[i].value = numbers[i].value;
        r->number_pointers[i] = &r->numbers[i];
    }
    beat->n_numbers = NUMBERS;
    beat->numbers = r->number_pointers;
    beat->sequence_gaps = seen.lost;
}

static const char *store_state(const struct ingress *ingress)
{
    switch (ingress_health(ingress)) {
    case MASQUES__BUS__HEALTH__HEALTH_FULL:
        return "full";
    case MASQUES__BUS__HEALTH__HEALTH_DEGRADED:
        return "failing";
    default:
        return ingress_error(ingress)[0] ? "failing" : "ok";
    }
}

void report_fill(struct report *r, const struct report_sources *from, Masques__Control__Beat *beat)
{
    const struct ingress_counters *counters = ingress_counters(from->ingress);
    memset(r->lists, 0, sizeof r->lists);
    memcpy(r->lists[0], counters->stored, sizeof counters->stored);
    memcpy(r->lists[1], counters->refused, sizeof counters->refused);
    fill_queues(r, from, beat);
    fill_numbers(r, from, beat);
    fill_seen(r, from, beat);
    beat->accepting = ingress_accepting(from->ingress);
    beat->store = (char *)(uintptr_t)store_state(from->ingress); /* packed, never written to */
    beat->n_accepted = beat->n_refused = beat->n_delivered = beat->n_rejected = beat->n_lost =
        STORE_SIGNALS;
    beat->accepted = r->lists[0];
    beat->refused = r->lists[1];
    beat->delivered = r->lists[2];
    beat->rejected = r->lists[3];
    beat->lost = r->lists[4];
}

/* ---- the log ---- */

void report_recovery(const struct log *log, const struct store_report *found)
{
    if (found->created)
        return;
    bool damaged = found->torn_bytes || found->quarantined || found->journal_damaged;
    if (!damaged && !found->batches && !found->groups)
        return;
    log_write(log, damaged ? LOG_LEVEL_WARN : LOG_LEVEL_INFO,
              "store: generation %" PRIu64 " found %" PRIu64 " batches, %" PRIu64
              " deliveries to repeat, %" PRIu64 " torn bytes cut, %" PRIu64
              " batches quarantined, %" PRIu64 " journal entries unreadable",
              found->generation, found->batches, found->groups, found->torn_bytes,
              found->quarantined, found->journal_damaged);
}

void report_left(const struct log *log, struct store *store, const struct subscribers *subscribers,
                 const char *directory, bool durable)
{
    bool any = false;
    for (size_t i = 0; i < subscribers_count(subscribers); i++) {
        const struct subscriber *sub = subscribers_at(subscribers, i);
        uint64_t records = 0, bytes = 0;
        for (unsigned signal = 1; signal <= STORE_SIGNALS; signal++) {
            struct store_counts counts;
            if (!subscriber_takes(sub, signal) ||
                store_consumer_counts(store, sub->consumer, signal, &counts) != GW_OK)
                continue;
            records += counts.pending;
            bytes += counts.pending_bytes;
        }
        if (records == 0)
            continue;
        any = true;
        log_warn(log, "%s: %" PRIu64 " records (%" PRIu64 " bytes) stay undelivered in %s",
                 sub->name, records, bytes, directory);
    }
    if (any && !durable)
        log_warn(log,
                 "%s lies in memory: what stays there is lost when this host or container stops",
                 directory);
}
