// SPDX-License-Identifier: Apache-2.0
#include "router/report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"

#define NUMBERS 12

struct report {
    Masques__Control__Queue *queues;
    Masques__Control__Queue **queue_pointers;
    size_t queue_cap;
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
    Masques__Control__Queue *queues = realloc(r->queues, count * sizeof *queues);
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

static void fill_queue(Masques__Control__Queue *queue, const struct subscriber *sub,
                       unsigned signal, const struct store_counts *counts, uint64_t wall_ns)
{
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
}

/* Also adds up delivered, rejected and lost of all exporters. */
static void fill_queues(struct report *r, const struct report_sources *from,
                        Masques__Control__Beat *beat)
{
    size_t exporters = subscribers_count(from->subscribers);
    if (!room_for_queues(r, exporters * STORE_SIGNALS))
        return;
    size_t made = 0;
    for (size_t i = 0; i < exporters; i++) {
        const struct subscriber *sub = subscribers_at(from->subscribers, i);
        for (unsigned signal = 1; signal <= STORE_SIGNALS; signal++) {
            struct store_counts counts;
            if (!subscriber_takes(sub, signal) ||
                store_consumer_counts(from->store, sub->consumer, signal, &counts) != GW_OK)
                continue;
            fill_queue(&r->queues[made], sub, signal, &counts, from->wall_ns);
            r->queue_pointers[made] = &r->queues[made];
            made++;
            r->lists[2][signal - 1] += counts.delivered;
            r->lists[3][signal - 1] += counts.rejected;
            r->lists[4][signal - 1] += counts.lost;
        }
    }
    beat->n_queues = made;
    beat->queues = r->queue_pointers;
}

/* ---- numbers ---- */

static void fill_numbers(struct report *r, const struct report_sources *from,
                         Masques__Control__Beat *beat)
{
    const struct ingress_counters *counters = ingress_counters(from->ingress);
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
    };
    for (size_t i = 0; i < NUMBERS; i++) {
        masques__control__number__init(&r->numbers[i]);
        r->numbers[i].name = (char *)(uintptr_t)numbers[i].name;
        r->numbers[i].value = numbers[i].value;
        r->number_pointers[i] = &r->numbers[i];
    }
    beat->n_numbers = NUMBERS;
    beat->numbers = r->number_pointers;
}

void report_fill(struct report *r, const struct report_sources *from, Masques__Control__Beat *beat)
{
    const struct ingress_counters *counters = ingress_counters(from->ingress);
    memset(r->lists, 0, sizeof r->lists);
    memcpy(r->lists[0], counters->stored, sizeof counters->stored);
    memcpy(r->lists[1], counters->refused, sizeof counters->refused);
    fill_queues(r, from, beat);
    fill_numbers(r, from, beat);
    beat->accepting = ingress_accepting(from->ingress);
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
