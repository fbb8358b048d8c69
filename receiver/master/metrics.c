// SPDX-License-Identifier: Apache-2.0
#include "receiver/master/metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "receiver/master/exposition.h"
#include "shared/base/clock.h"

#define SIGNALS TOTALS_SIGNALS
#define COUNT(list) (sizeof(list) / sizeof(list)[0])

static const char *const signal_names[SIGNALS] = {"logs", "metrics", "traces"};
static const char *const record_names[SIGNALS] = {"log_records", "metric_points", "spans"}; /* the collector's */

typedef struct exposition_label label;

/* One of the queues that the router tells of; NULL behind the last. A signal of a newer router, or a second queue of
 * the same name, is passed over. */
static const Masques__Control__Queue *queue_at(const struct member *router, size_t *i)
{
    const Masques__Control__Beat *beat = router->beat;
    for (; beat && *i < beat->n_queues; ++*i) {
        const Masques__Control__Queue *q = beat->queues[*i];
        bool twice = q->signal < 1 || q->signal > SIGNALS;
        for (size_t k = 0; k < *i && !twice; k++)
            twice = beat->queues[k]->signal == q->signal && strcmp(beat->queues[k]->exporter, q->exporter) == 0;
        if (!twice)
            return beat->queues[(*i)++];
    }
    return NULL;
}

static uint64_t number_of_beat(const struct member *m, const char *name)
{
    static const struct totals nothing;
    return totals_number(&nothing, m->beat, name);
}

/* Over all workers, those that are gone too. */
static uint64_t sum_of_workers(const struct family *family, const char *name)
{
    uint64_t sum = 0;
    for (size_t i = 0; family_at(family, i); i++)
        if (family_at(family, i)->kind == MEMBER_WORKER)
            sum += totals_number(&family_at(family, i)->past, family_at(family, i)->beat, name);
    return sum;
}

/* ---- the collector's names: receiver ------------------------------------------------------------------------------ */

static void put_receiver(struct buf *out, const struct family *family, const char *receiver)
{
    static const struct {
        const char *what, *help;
    } rows[] = {
        {"accepted", "Records that were stored."},
        {"refused", "Records that were understood and not stored; the client was told."},
        {"failed", "Records that were not stored by a mistake of the gateway."},
    };
    static const char *const transports[] = {"grpc", "http"};
    char name[80], number[64];
    for (size_t row = 0; row < COUNT(rows); row++) {
        for (size_t s = 0; s < SIGNALS; s++) {
            snprintf(name, sizeof name, "otelcol_receiver_%s_%s", rows[row].what, record_names[s]);
            exposition_family(out, name, "counter", rows[row].help);
            for (size_t t = 0; t < COUNT(transports); t++) {
                label labels[] = {{"receiver", receiver}, {"transport", transports[t]}};
                snprintf(number, sizeof number, "%s_%s_%s", rows[row].what, signal_names[s], transports[t]);
                exposition_u64(out, name, labels, 2, sum_of_workers(family, number));
            }
        }
    }
}

/* ---- the collector's names: exporters ----------------------------------------------------------------------------- */

/* Never handed out: the store had no room for them any more. */
static uint64_t crowded_out(const Masques__Control__Queue *q)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < q->n_losses; i++)
        if (strcmp(q->losses[i]->name, "space") == 0 || strcmp(q->losses[i]->name, "share") == 0)
            sum += q->losses[i]->value;
    return sum < q->lost ? sum : q->lost;
}

static uint64_t sent(const Masques__Control__Queue *q)
{
    return q->delivered;
}

static uint64_t send_failed(const Masques__Control__Queue *q)
{
    return q->rejected + q->lost - crowded_out(q);
}

static void put_exporter_counts(struct buf *out, const struct member *router)
{
    static const struct {
        const char *what, *help;
        uint64_t (*of)(const Masques__Control__Queue *q);
    } rows[] = {
        {"sent", "Records delivered, since the exporter's registration.", sent},
        {"send_failed", "Records that the destination rejected or that were given up.", send_failed},
        {"enqueue_failed", "Records lost because the store had no more room for them.", crowded_out},
    };
    char name[80];
    for (size_t row = 0; row < COUNT(rows); row++) {
        for (size_t s = 0; s < SIGNALS; s++) {
            const Masques__Control__Queue *q;
            snprintf(name, sizeof name, "otelcol_exporter_%s_%s", rows[row].what, record_names[s]);
            exposition_family(out, name, "counter", rows[row].help);
            for (size_t i = 0; (q = queue_at(router, &i)) != NULL;) {
                label labels[] = {{"exporter", q->exporter}};
                if (q->signal == s + 1)
                    exposition_u64(out, name, labels, 1, rows[row].of(q));
            }
        }
    }
}

/* True for the first queue of an exporter. */
static bool is_first(const struct member *router, const Masques__Control__Queue *queue)
{
    const Masques__Control__Queue *q;
    for (size_t i = 0; (q = queue_at(router, &i)) != NULL;)
        if (strcmp(q->exporter, queue->exporter) == 0)
            return q == queue;
    return false;
}

static uint64_t bytes_of(const struct member *router, const char *exporter)
{
    const Masques__Control__Queue *q;
    uint64_t sum = 0;
    for (size_t i = 0; (q = queue_at(router, &i)) != NULL;)
        sum += strcmp(q->exporter, exporter) == 0 ? q->bytes : 0;
    return sum;
}

static void put_exporter_queues(struct buf *out, const struct member *router)
{
    const Masques__Control__Queue *q;
    exposition_family(out, "otelcol_exporter_queue_size", "gauge", "Bytes that wait for the exporter.");
    for (size_t i = 0; (q = queue_at(router, &i)) != NULL;) {
        label labels[] = {{"exporter", q->exporter}};
        if (is_first(router, q))
            exposition_u64(out, "otelcol_exporter_queue_size", labels, 1, bytes_of(router, q->exporter));
    }
    exposition_family(out, "otelcol_exporter_queue_capacity", "gauge",
                      "Bytes that the store may take, which all exporters share.");
    for (size_t i = 0; (q = queue_at(router, &i)) != NULL;) {
        label labels[] = {{"exporter", q->exporter}};
        if (is_first(router, q))
            exposition_u64(out, "otelcol_exporter_queue_capacity", labels, 1,
                           number_of_beat(router, "store_max_bytes"));
    }
}

static void put_process(struct buf *out, const struct metrics_gateway *g)
{
    exposition_family(out, "otelcol_process_uptime", "counter", "Seconds since the gateway was started.");
    exposition_double(out, "otelcol_process_uptime", NULL, 0, g->uptime_s);
    exposition_family(out, "otelcol_process_cpu_seconds", "counter", "CPU time of all its processes, in seconds.");
    exposition_double(out, "otelcol_process_cpu_seconds", NULL, 0, g->usage.cpu_s);
    exposition_family(out, "otelcol_process_memory_rss", "gauge",
                      "Resident memory of all its processes, in bytes; what they share counts for each.");
    exposition_u64(out, "otelcol_process_memory_rss", NULL, 0, g->usage.rss_bytes);
}

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
    for (size_t i = 0; (q = queue_at(router, &i)) != NULL;) {
        label labels[] = {{"exporter", q->exporter}, {"state", q->state}, {"owner", q->owner}};
        if (is_first(router, q))
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
        for (size_t i = 0; (q = queue_at(router, &i)) != NULL;) {
            label labels[] = {{"exporter", q->exporter}, {"signal", signal_names[q->signal - 1]}};
            exposition_double(out, rows[row].name, labels, 2, rows[row].of(q));
        }
    }
}

static void put_losses(struct buf *out, const struct member *router)
{
    const Masques__Control__Queue *q;
    exposition_family(out, "masques_exporter_lost_records_total", "counter",
                      "Records lost, by reason, since the exporter's registration.");
    for (size_t i = 0; (q = queue_at(router, &i)) != NULL;) {
        for (size_t k = 0; k < q->n_losses; k++) {
            label labels[] = {{"exporter", q->exporter}, {"signal", signal_names[q->signal - 1]},
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
            label labels[] = {{"signal", signal_names[signal - 1]}};
            exposition_u64(out, rows[row].name, labels, 1,
                           totals_count(&router->past, router->beat, rows[row].list, signal));
        }
    }
}

/* How a number of a beat is shown. Rows of one metric follow each other. */
struct number_row {
    const char *number, *metric, *label, *value; /* label NULL: none */
    bool gauge;
    const char *help; /* of the metric's first row */
};

static const struct number_row router_rows[] = {
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
    {"queues_untold", "masques_queues_untold", NULL, NULL, true, "Queues that the beat had no room for."},
    {"dead_letters", "masques_dead_letters", NULL, NULL, true, "Dead letters that are kept."},
    {"dead_letter_records", "masques_dead_letter_records", NULL, NULL, true, "Records in them."},
    {"dead_letter_bytes", "masques_dead_letter_bytes", NULL, NULL, true, "Bytes of them."},
    {"dead_letters_dropped", "masques_dead_letters_dropped_total", NULL, NULL, false,
     "Dead letters that were not kept, their quota being full."},
};

static bool is_told(const struct member *m, const char *name)
{
    for (size_t i = 0; m->beat && i < m->beat->n_numbers; i++)
        if (strcmp(m->beat->numbers[i]->name, name) == 0)
            return true;
    return false;
}

static const struct number_row *row_of(const struct number_row *rows, size_t count, const char *number)
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
        const struct number_row *row = &router_rows[i];
        if (!is_told(router, row->number))
            continue;
        exposition_family(out, row->metric, row->gauge ? "gauge" : "counter", row->help);
        exposition_u64(out, row->metric, NULL, 0,
                       row->gauge ? number_of_beat(router, row->number)
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
            label labels[] = {{"service", list[i].service}, {"signal", signal_names[list[i].signal - 1]}};
            exposition_double(out, rows[row].name, labels, 2, rows[row].of(&list[i]));
        }
    }
    free(list);
    exposition_family(out, "masques_event_sequence_gaps", "gauge",
                      "Numbered events that never came, of all services; less again when one comes after all.");
    exposition_u64(out, "masques_event_sequence_gaps", NULL, 0, totals_gaps(&router->past, router->beat));
}

/* ---- the workers' counts ------------------------------------------------------------------------------------------ */

#define BY_SIGNAL(number, metric, help)                                                                              \
    {number "_logs", metric, "signal", "logs", false, help},                                                         \
        {number "_metrics", metric, "signal", "metrics", false, NULL},                                               \
        {number "_traces", metric, "signal", "traces", false, NULL}

static const struct number_row worker_rows[] = {
    BY_SIGNAL("requests", "masques_requests_total", "Export requests that came to an answer."),
    {"requests_grpc", "masques_requests_by_protocol_total", "protocol", "grpc", false,
     "Requests by the protocol they came with, whatever became of them."},
    {"requests_http1", "masques_requests_by_protocol_total", "protocol", "http1", false, NULL},
    {"requests_http2", "masques_requests_by_protocol_total", "protocol", "http2", false, NULL},
    {"requests_large", "masques_requests_large_total", NULL, NULL, false, "Requests worked on beside the loop."},
    {"requests_empty", "masques_requests_empty_total", NULL, NULL, false, "Requests accepted without a record."},
    {"requests_cancelled", "masques_requests_cancelled_total", NULL, NULL, false,
     "Requests whose client went before its answer."},
    BY_SIGNAL("mended", "masques_mended_values_total", "Values that were damaged and mended."),
    BY_SIGNAL("rejected", "masques_receiver_rejected_records_total", "Malformed records left out of their batch."),
    {"connections_accepted", "masques_connections_accepted_total", NULL, NULL, false, "Connections taken."},
    {"connections_refused", "masques_connections_refused_total", NULL, NULL, false, "Connections over a limit."},
    {"connections_reset", "masques_connections_reset_total", NULL, NULL, false,
     "Connections ended by us for bad manners or time."},
    {"tls_on_plaintext", "masques_tls_on_plaintext_total", NULL, NULL, false, "TLS spoken to a plaintext port."},
    {"accept_pauses", "masques_accept_pauses_total", NULL, NULL, false, "Times that no descriptors were left."},
    {"timeouts", "masques_timeouts_total", NULL, NULL, false, "Headers, bodies and answers that took too long."},
    {"received_bytes", "masques_received_bytes_total", NULL, NULL, false, "Bytes received on the OTLP ports."},
    {"ledger_refusals", "masques_ledger_refusals_total", NULL, NULL, false, "Requests that the ledger had no room for."},
    {"batches_published", "masques_worker_batches_published_total", NULL, NULL, false, "Batches sent to the router."},
    {"batches_republished", "masques_worker_batches_republished_total", NULL, NULL, false,
     "Batches sent again after the router came back."},
    {"batches_expired", "masques_worker_batches_expired_total", NULL, NULL, false,
     "Batches whose client could not be kept waiting any longer."},
    {"batches_stored_after_error", "masques_worker_batches_stored_after_error_total", NULL, NULL, false,
     "Batches stored although their client was told otherwise."},
    {"batches_uncertain", "masques_worker_batches_uncertain_total", NULL, NULL, false,
     "Batches of which it will never be known whether they were stored."},
};

static const struct number_row worker_gauges[] = {
    {"connections", "masques_connections", NULL, NULL, true, "Open connections."},
    {"ledger_bytes", "masques_ledger_bytes", NULL, NULL, true, "Memory that clients make the worker keep."},
    {"ledger_peak_bytes", "masques_ledger_peak_bytes", NULL, NULL, true, "The most of it so far."},
    {"batches_open", "masques_worker_batches_open", NULL, NULL, true, "Batches without a verdict."},
    {"batches_in_flight_bytes", "masques_worker_batches_in_flight_bytes", NULL, NULL, true,
     "Bytes of batches that the router has and has not answered."},
};

static void put_worker_counters(struct buf *out, const struct family *family)
{
    for (size_t i = 0; i < COUNT(worker_rows); i++) {
        const struct number_row *row = &worker_rows[i];
        label labels[] = {{row->label, row->value}};
        if (row->help)
            exposition_family(out, row->metric, "counter", row->help);
        exposition_u64(out, row->metric, labels, row->label ? 1 : 0, sum_of_workers(family, row->number));
    }
}

static void put_worker_gauges(struct buf *out, const struct family *family)
{
    for (size_t row = 0; row < COUNT(worker_gauges); row++) {
        exposition_family(out, worker_gauges[row].metric, "gauge", worker_gauges[row].help);
        for (size_t i = 0; family_at(family, i); i++) {
            const struct member *m = family_at(family, i);
            label labels[] = {{"worker", m->name}};
            if (m->kind == MEMBER_WORKER && m->beat && member_lives(m))
                exposition_u64(out, worker_gauges[row].metric, labels, 1,
                               number_of_beat(m, worker_gauges[row].number));
        }
    }
}

/* ---- refusals: their names are the workers' own ------------------------------------------------------------------- */

#define REFUSED "refused_"
#define REASONS_MAX 256u

struct reasons {
    size_t count;
    const char *list[REASONS_MAX];
};

/* "refused_too_large", and not the records by signal and transport, which have places of their own. */
static void note_reason(struct reasons *r, const char *number)
{
    static const char *const others[] = {"logs_", "metrics_", "traces_"};
    const char *reason = number + sizeof REFUSED - 1;
    if (strncmp(number, REFUSED, sizeof REFUSED - 1) != 0 || r->count == REASONS_MAX)
        return;
    for (size_t i = 0; i < COUNT(others); i++)
        if (strncmp(reason, others[i], strlen(others[i])) == 0)
            return;
    for (size_t i = 0; i < r->count; i++)
        if (strcmp(r->list[i], reason) == 0)
            return;
    r->list[r->count++] = reason;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void put_refusals(struct buf *out, const struct family *family)
{
    struct reasons reasons = {0};
    char number[TOTALS_NAME_BYTES + sizeof REFUSED];
    for (size_t i = 0; family_at(family, i); i++) {
        const struct member *m = family_at(family, i);
        if (m->kind != MEMBER_WORKER)
            continue;
        for (size_t k = 0; k < m->past.number_count; k++)
            note_reason(&reasons, m->past.numbers[k].name);
        for (size_t k = 0; m->beat && k < m->beat->n_numbers; k++)
            note_reason(&reasons, m->beat->numbers[k]->name);
    }
    qsort(reasons.list, reasons.count, sizeof reasons.list[0], by_text);
    exposition_family(out, "masques_refused_requests_total", "counter", "Requests refused, by reason.");
    for (size_t i = 0; i < reasons.count; i++) {
        label labels[] = {{"reason", reasons.list[i]}};
        snprintf(number, sizeof number, REFUSED "%s", reasons.list[i]);
        exposition_u64(out, "masques_refused_requests_total", labels, 1, sum_of_workers(family, number));
    }
}

/* ---- all of it ---------------------------------------------------------------------------------------------------- */

void metrics_text(struct buf *out, const struct family *family, const struct metrics_gateway *g)
{
    const struct member *router = family_at(family, 0);
    put_receiver(out, family, g->receiver);
    put_exporter_counts(out, router);
    put_exporter_queues(out, router);
    put_process(out, g);
    exposition_family(out, "masques_accepting", "gauge", "1 while telemetry is accepted.");
    exposition_u64(out, "masques_accepting", NULL, 0, g->available);
    put_children(out, family);
    put_exporter_state(out, router);
    put_lanes(out, router);
    put_losses(out, router);
    put_router_lists(out, router);
    put_router_numbers(out, router);
    put_sources(out, router);
    put_worker_counters(out, family);
    put_worker_gauges(out, family);
    put_refusals(out, family);
}
