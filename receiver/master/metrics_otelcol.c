// SPDX-License-Identifier: Apache-2.0
#include "receiver/master/metrics_otelcol.h"

#include <stdio.h>
#include <string.h>

#include "receiver/master/metrics_numbers.h"
#include "receiver/master/queues.h"

#define SIGNALS TOTALS_SIGNALS
#define COUNT(list) (sizeof(list) / sizeof(list)[0])

typedef struct exposition_label label;

static const char *const record_names[SIGNALS] = {"log_records", "metric_points", "spans"};

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
                snprintf(number, sizeof number, "%s_%s_%s", rows[row].what, metrics_signals[s], transports[t]);
                exposition_u64(out, name, labels, 2, metrics_sum_of_workers(family, number));
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
            for (size_t i = 0; (q = queues_next(router->beat, &i)) != NULL;) {
                label labels[] = {{"exporter", q->exporter}};
                if (q->signal == s + 1)
                    exposition_u64(out, name, labels, 1, rows[row].of(q));
            }
        }
    }
}

/* The collector has a queue an exporter and signal, too, and calls the signal data_type. */
static void put_exporter_queues(struct buf *out, const struct member *router)
{
    const uint64_t capacity = metrics_number_now(router, "store_max_bytes");
    const Masques__Control__Queue *q;
    exposition_family(out, "otelcol_exporter_queue_size", "gauge", "Bytes that wait for the exporter.");
    for (size_t i = 0; (q = queues_next(router->beat, &i)) != NULL;) {
        label labels[] = {{"exporter", q->exporter}, {"data_type", metrics_signals[q->signal - 1]}};
        exposition_u64(out, "otelcol_exporter_queue_size", labels, 2, q->bytes);
    }
    exposition_family(out, "otelcol_exporter_queue_capacity", "gauge",
                      "Bytes that the store may take, which all queues share.");
    for (size_t i = 0; (q = queues_next(router->beat, &i)) != NULL;) {
        label labels[] = {{"exporter", q->exporter}, {"data_type", metrics_signals[q->signal - 1]}};
        exposition_u64(out, "otelcol_exporter_queue_capacity", labels, 2, capacity);
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

void metrics_otelcol(struct buf *out, const struct family *family, const struct metrics_gateway *g)
{
    const struct member *router = family_at(family, 0);
    put_receiver(out, family, g->receiver);
    put_exporter_counts(out, router);
    put_exporter_queues(out, router);
    put_process(out, g);
}
