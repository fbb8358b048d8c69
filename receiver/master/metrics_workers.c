// SPDX-License-Identifier: Apache-2.0
#include "receiver/master/metrics_workers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "receiver/master/metrics_numbers.h"

#define COUNT(list) (sizeof(list) / sizeof(list)[0])

typedef struct exposition_label label;

/* ---- counts by fixed names ---------------------------------------------------------------------------------------- */

#define BY_SIGNAL(number, metric, help)                                                                              \
    {number "_logs", metric, "signal", "logs", false, help},                                                         \
        {number "_metrics", metric, "signal", "metrics", false, NULL},                                               \
        {number "_traces", metric, "signal", "traces", false, NULL}

static const struct metrics_number worker_rows[] = {
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

static const struct metrics_number worker_gauges[] = {
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
        const struct metrics_number *row = &worker_rows[i];
        label labels[] = {{row->label, row->value}};
        if (row->help)
            exposition_family(out, row->metric, "counter", row->help);
        exposition_u64(out, row->metric, labels, row->label ? 1 : 0, metrics_sum_of_workers(family, row->number));
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
                               metrics_number_now(m, worker_gauges[row].number));
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
        exposition_u64(out, "masques_refused_requests_total", labels, 1, metrics_sum_of_workers(family, number));
    }
}

void metrics_workers(struct buf *out, const struct family *family)
{
    put_worker_counters(out, family);
    put_worker_gauges(out, family);
    put_refusals(out, family);
}
