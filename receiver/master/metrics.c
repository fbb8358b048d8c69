// SPDX-License-Identifier: Apache-2.0
#include "receiver/master/metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "receiver/master/metrics_numbers.h"
#include "receiver/master/metrics_otelcol.h"
#include "receiver/master/metrics_workers.h"
#include "receiver/master/queues.h"
#include "shared/base/clock.h"

#define SIGNALS TOTALS_SIGNALS
#define COUNT(list) (sizeof(list) / sizeof(list)[0])

typedef struct exposition_label label;

/* ---- processes ---------------------------------------------------------------------------------------------------- */

static uint64_t is_up(const struct member *m)
{
    return m->state == MEMBER_RUNNING;
}

static uint64_t restarts_of(const struct member *m)
{
    return m->restarts;
}

static void put_children(struct buf *out, const struct family *family)
{
    static const struct {
        const char *name, *type, *help;
        uint64_t (*of)(const struct member *m);
    } rows[] = {
        {"masques_child_up", "gauge", "1 while the process runs and has said that it is ready.", is_up},
        {"masques_child_restarts_total", "counter", "Starts of the process after the first.", restarts_of},
    };
    for (size_t row = 0; row < COUNT(rows); row++) {
        exposition_family(out, rows[row].name, rows[row].type, rows[row].help);
        for (size_t i = 0; family_at(family, i); i++) {
            const struct member *m = family_at(family, i);
            label labels[] = {{"child", m->name}, {"kind", member_kind_name(m->kind)}};
            exposition_u64(out, rows[row].name, labels, 2, rows[row].of(m));
        }
    }
    exposition_family(out, "masques_child_state", "gauge", "1 for the state that the process is in.");
    for (size_t i = 0; family_at(family, i); i++) {
        const struct member *m = family_at(family, i);
        label labels[] = {{"child", m->name}, {"kind", member_kind_name(m->kind)},
                          {"state", member_state_name(m->state)}};
        exposition_u64(out, "masques_child_state", labels, 3, 1);
    }
    exposition_family(out, "masques_child_last_heartbeat_seconds", "gauge",
                      "When the process was last heard, in seconds since 1970.");
    for (size_t i = 0; family_at(family, i); i++) {
        const struct member *m = family_at(family, i);
        label labels[] = {{"child", m->name}, {"kind", member_kind_name(m->kind)}};
        if (m->heard_ns)
            exposition_double(out, "masques_child_last_heartbeat_seconds", labels, 2, (double)m->heard_ns / 1e9);
    }
}

/* ---- exporters ---------------------------------------------------------------------------------------------------- */

static void put_exporter_state(struct buf *out, const struct member *router)
{
    const Masques__Control__Queue *q;
    exposition_family(out, "masques_exporter_state", "gauge",
                      "1 for the state that the router sees the exporter in, and who owns its registration.");
    for (size_t i = 0; (q = queues_next(router->beat, &i)) != NULL;) {
        label labels[] = {{"exporter", q->exporter}, {"state", q->state}, {"owner", q->owner}};
        if (queues_is_first(router->beat, q))
            exposition_u64(out, "masques_exporter_state", labels, 3, 1);
    }
}

static double waiting_records(const Masques__Control__Queue *q)
{
    return (double)q->records;
}

static double waiting_bytes(const Masques__Control__Queue *q)
{
    return (double)q->bytes;
}

static double waiting_seconds(const Masques__Control__Queue *q)
{
    return (double)q->oldest_ms / CLOCK_MS_PER_S;
}

static double delivered_records(const Masques__Control__Queue *q)
{
    return (double)q->delivered;
}

static double rejected_records(const Masques__Control__Queue *q)
{
    return (double)q->rejected;
}

static void put_lanes(struct buf *out, const struct member *router)
{
    static const struct {
        const char *name, *type, *help;
        double (*of)(const Masques__Control__Queue *q);
    } rows[] = {
        {"masques_queue_records", "gauge", "Records that wait for the exporter.", waiting_records},
        {"masques_queue_bytes", "gauge", "Bytes that wait for the exporter.", waiting_bytes},
        {"masques_queue_oldest_seconds", "gauge", "Age of the oldest batch that waits.", waiting_seconds},
        {"masques_exporter_delivered_records_total", "counter",
         "Records delivered, since the exporter's registration.", delivered_records},
        {"masques_exporter_rejected_records_total", "counter",
         "Records that the destination will never take, since the registration.", rejected_records},
    };
    for (size_t row = 0; row < COUNT(rows); row++) {
        const Masques__Control__Queue *q;
        exposition_family(out, rows[row].name, rows[row].type, rows[row].help);
        for (size_t i = 0; (q = queues_next(router->beat, &i)) != NULL;) {
            label labels[] = {{"exporter", q->exporter}, {"signal", metrics_signals[q->signal - 1]}};
            exposition_double(out, rows[row].name, labels, 2, rows[row].of(q));
        }
    }
}

static void put_losses(struct buf *out, const struct member *router)
{
    const Masques__Control__Queue *q;
    exposition_family(out, "masques_exporter_lost_records_total", "counter",
                      "Records lost, by reason, since the exporter's registration.");
    for (size_t i = 0; (q = queues_next(router->beat, &i)) != NULL;) {
        for (size_t k = 0; k < q->n_losses; k++) {
            label labels[] = {{"exporter", q->exporter}, {"signal", metrics_signals[q->signal - 1]},
                              {"reason", q->losses[k]->name}};
            exposition_u64(out, "masques_exporter_lost_records_total", labels, 3, q->losses[k]->value);
        }
    }
}

/* ---- the router's counts ------------------------------------------------------------------------------------------ */

static void put_router_lists(struct buf *out, const struct member *router)
{
    static const struct {
        const char *name, *help;
        enum totals_list list;
    } rows[] = {
        {"masques_router_stored_records_total", "Records stored.", TOTALS_ACCEPTED},
        {"masques_router_refused_records_total", "Records that the router refused to store.", TOTALS_REFUSED},
    };
    for (size_t row = 0; row < COUNT(rows); row++) {
        exposition_family(out, rows[row].name, "counter", rows[row].help);
        for (unsigned signal = 1; signal <= SIGNALS; signal++) {
            label labels[] = {{"signal", metrics_signals[signal - 1]}};
            exposition_u64(out, rows[row].name, labels, 1,
                           totals_count(&router->past, router->beat, rows[row].list, signal));
        }
    }
}

static void put_store_state(struct buf *out, const struct member *router)
{
    static const char *const states[] = {"ok", "full", "failing"};
    exposition_family(out, "masques_store_state", "gauge",
                      "1 for the state that the store is in; 0 everywhere while no router tells.");
    for (size_t i = 0; i < COUNT(states); i++) {
        label labels[] = {{"state", states[i]}};
        bool told = router->beat && member_lives(router);
        exposition_u64(out, "masques_store_state", labels, 1, told && strcmp(router->beat->store, states[i]) == 0);
    }
}

static const struct metrics_number router_rows[] = {
    {"store_bytes", "masques_store_bytes", NULL, NULL, true, "Bytes of all segment files."},
    {"store_max_bytes", "masques_store_capacity_bytes", NULL, NULL, true, "Bytes that they may have."},
    {"store_segments", "masques_store_segments", NULL, NULL, true, "Segment files with batches."},
    {"store_free_files", "masques_store_free_files", NULL, NULL, true, "Segment files that wait to be used again."},
    {"store_journal_bytes", "masques_store_journal_bytes", NULL, NULL, true, "Bytes of the journal."},
    {"store_generation", "masques_store_generation", NULL, NULL, true, "Starts of a router on this store."},
    {"store_torn_bytes", "masques_store_torn_bytes", NULL, NULL, true, "Bytes cut off as torn at the router's start."},
    {"store_quarantined", "masques_store_quarantined_batches", NULL, NULL, true,
     "Batches whose bytes do not have their checksum any more."},
    {"batches", "masques_batches_stored_total", NULL, NULL, false, "Batches stored."},
    {"batches_republished", "masques_batches_republished_total", NULL, NULL, false,
     "Batches published again that were stored already."},
    {"bus_sessions", "masques_bus_sessions", NULL, NULL, true, "Peers on the bus."},
    {"bus_missed_edges", "masques_bus_missed_edges_total", NULL, NULL, false,
     "Times that the bus had something and did not say so; should be 0."},
    {"seen_records", "masques_seen_records_total", NULL, NULL, false, "Records by the word of the workers' digests."},
    {"seen_forgotten", "masques_seen_forgotten_records_total", NULL, NULL, false,
     "Those of them that no source below stands for any more."},
    {"seen_services_forgotten", "masques_seen_services_forgotten_total", NULL, NULL, false,
     "Times that a source made room for another one."},
    {"seen_sessions_forgotten", "masques_seen_sessions_forgotten_total", NULL, NULL, false,
     "Times that a session with numbered events made room for another one."},
    {"queues_untold", "masques_queues_untold", NULL, NULL, true, "Queues that the beat had no room for."},
    {"dead_letters", "masques_dead_letters", NULL, NULL, true, "Dead letters that are kept."},
    {"dead_letters_bytes", "masques_dead_letters_bytes", NULL, NULL, true, "Bytes of them."},
    {"dead_letters_damaged", "masques_dead_letters_damaged", NULL, NULL, true, "Files of them that cannot be read."},
    {"dead_letters_dropped", "masques_dead_letters_dropped_total", NULL, NULL, false,
     "Rejections that were not kept: their quota was full, or the device answered with errors."},
    {"dead_letters_replayed", "masques_dead_letters_replayed_total", NULL, NULL, false,
     "Dead letters that their exporter took after all."},
};

static const struct metrics_number *row_of(const struct metrics_number *rows, size_t count, const char *number)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(rows[i].number, number) == 0)
            return &rows[i];
    return NULL;
}

static void put_router_numbers(struct buf *out, const struct member *router)
{
    char name[128];
    for (size_t i = 0; i < COUNT(router_rows); i++) {
        const struct metrics_number *row = &router_rows[i];
        if (!metrics_is_told(router, row->number))
            continue;
        exposition_family(out, row->metric, row->gauge ? "gauge" : "counter", row->help);
        exposition_u64(out, row->metric, NULL, 0,
                       row->gauge ? metrics_number_now(router, row->number)
                                  : totals_number(&router->past, router->beat, row->number));
    }
    for (size_t i = 0; router->beat && i < router->beat->n_numbers; i++) {
        const Masques__Control__Number *number = router->beat->numbers[i];
        if (row_of(router_rows, COUNT(router_rows), number->name) || !exposition_can_be_named(number->name))
            continue;
        snprintf(name, sizeof name, "masques_router_%s", number->name);
        exposition_family(out, name, "untyped", "A number of the router's health.");
        exposition_u64(out, name, NULL, 0, number->value);
    }
}

/* ---- who was heard ------------------------------------------------------------------------------------------------ */

static double source_records(const struct totals_seen *s)
{
    return (double)s->records;
}

static double source_last(const struct totals_seen *s)
{
    return (double)s->last_ns / 1e9;
}

static double source_sessions(const struct totals_seen *s)
{
    return (double)s->sessions;
}

static double source_lost(const struct totals_seen *s)
{
    return (double)s->lost_before_us;
}

static void put_sources(struct buf *out, const struct member *router)
{
    static const struct {
        const char *name, *type, *help;
        double (*of)(const struct totals_seen *s);
    } rows[] = {
        {"masques_source_records_total", "counter", "Records stored, by service.name.", source_records},
        {"masques_source_last_received_seconds", "gauge", "When the last of them came, in seconds since 1970.",
         source_last},
        {"masques_source_sessions", "gauge", "Sessions that number their events and are remembered.",
         source_sessions},
        {"masques_source_lost_before_us", "gauge",
         "Numbered events that never came; less again when one comes after all.", source_lost},
    };
    static const size_t max = METRICS_SOURCES_MAX;
    struct totals_seen *list = malloc(max * sizeof *list);
    size_t count = list ? totals_sources(&router->past, router->beat, list, max) : 0;
    for (size_t row = 0; row < COUNT(rows); row++) {
        exposition_family(out, rows[row].name, rows[row].type, rows[row].help);
        for (size_t i = 0; i < count; i++) {
            if (list[i].signal < 1 || list[i].signal > SIGNALS)
                continue;
            label labels[] = {{"service", list[i].service}, {"signal", metrics_signals[list[i].signal - 1]}};
            exposition_double(out, rows[row].name, labels, 2, rows[row].of(&list[i]));
        }
    }
    free(list);
    exposition_family(out, "masques_event_sequence_gaps", "gauge",
                      "Numbered events that never came, of all services; less again when one comes after all.");
    exposition_u64(out, "masques_event_sequence_gaps", NULL, 0, totals_gaps(&router->past, router->beat));
}

/* ---- all of it ---------------------------------------------------------------------------------------------------- */

void metrics_text(struct buf *out, const struct family *family, const struct metrics_gateway *g)
{
    const struct member *router = family_at(family, 0);
    metrics_otelcol(out, family, g);
    exposition_family(out, "masques_accepting", "gauge", "1 while telemetry is accepted.");
    exposition_u64(out, "masques_accepting", NULL, 0, g->available);
    put_children(out, family);
    put_exporter_state(out, router);
    put_lanes(out, router);
    put_losses(out, router);
    put_router_lists(out, router);
    put_store_state(out, router);
    put_router_numbers(out, router);
    put_sources(out, router);
    metrics_workers(out, family);
}
