// SPDX-License-Identifier: Apache-2.0
#include "receiver/worker/tally.h"

#include <stdio.h>

static void add(struct tally *t, const char *name, uint64_t value)
{
    if (t->count == TALLY_NUMBERS_MAX)
        return;
    Masques__Control__Number *number = &t->numbers[t->count];
    masques__control__number__init(number);
    number->name = (char *)(uintptr_t)name; /* packed, never written to */
    number->value = value;
    t->list[t->count++] = number;
}

static void add_count(struct tally *t, const char *name, uint64_t value)
{
    if (value)
        add(t, name, value);
}

static void add_requests(struct tally *t, const struct counters *c)
{
    static const char *const names[OTLP_SIGNALS] = {"requests_logs", "requests_metrics",
                                                    "requests_traces"};
    for (unsigned i = 0; i < OTLP_SIGNALS; i++)
        add_count(t, names[i], c->requests[i]);
    add_count(t, "requests_grpc", c->grpc_requests);
    add_count(t, "requests_http1", c->http1_requests);
    add_count(t, "requests_http2", c->http2_requests);
    add_count(t, "requests_large", c->large_requests);
    add_count(t, "requests_empty", c->empty_requests);
    add_count(t, "requests_cancelled", c->cancelled);
}

/* One row of names a signal: "accepted_logs_grpc", … */
static void add_ways(struct tally *t, const struct counters *c)
{
#define NAMES(what, way) {what "_logs_" way, what "_metrics_" way, what "_traces_" way}
    static const char *const names[COUNTERS_TRANSPORTS][3][OTLP_SIGNALS] = {
        {NAMES("accepted", "grpc"), NAMES("refused", "grpc"), NAMES("failed", "grpc")},
        {NAMES("accepted", "http"), NAMES("refused", "http"), NAMES("failed", "http")},
    };
#undef NAMES
    for (unsigned way = 0; way < COUNTERS_TRANSPORTS; way++) {
        const struct counters_way *w = &c->ways[way];
        const uint64_t *const values[3] = {w->accepted, w->refused, w->failed};
        for (unsigned what = 0; what < 3; what++)
            for (unsigned i = 0; i < OTLP_SIGNALS; i++)
                add_count(t, names[way][what][i], values[what][i]);
    }
}

static void add_damage(struct tally *t, const struct counters *c)
{
    static const char *const mended[OTLP_SIGNALS] = {"mended_logs", "mended_metrics",
                                                     "mended_traces"};
    static const char *const rejected[OTLP_SIGNALS] = {"rejected_logs", "rejected_metrics",
                                                       "rejected_traces"};
    for (unsigned i = 0; i < OTLP_SIGNALS; i++) {
        add_count(t, mended[i], c->mended[i]);
        add_count(t, rejected[i], c->rejected[i]);
    }
}

static void add_refusals(struct tally *t, const struct counters *c)
{
    for (unsigned i = 1; i < OTLP_CAUSES; i++) {
        char *name = t->names + TALLY_NAME_BYTES * i;
        if (c->refusals[i] == 0)
            continue;
        snprintf(name, TALLY_NAME_BYTES, "refused_%s", otlp_status_of((enum otlp_cause)i)->name);
        add(t, name, c->refusals[i]);
    }
}

static void add_connections(struct tally *t, const struct counters *c, uint32_t connections)
{
    add(t, "connections", connections);
    add_count(t, "connections_accepted", c->connections);
    add_count(t, "connections_refused", c->connections_refused);
    add_count(t, "connections_reset", c->connections_reset);
    add_count(t, "tls_on_plaintext", c->tls_on_plaintext);
    add_count(t, "accept_pauses", c->accept_pauses);
    add_count(t, "timeouts", c->timeouts);
    add_count(t, "received_bytes", c->received_bytes);
}

static void add_uplink(struct tally *t, const struct intake *intake)
{
    const struct uplink_counters *u = uplink_counters(intake->uplink);
    add(t, "ledger_bytes", intake->ledger.used_bytes);
    add(t, "ledger_peak_bytes", intake->ledger.peak_bytes);
    add_count(t, "ledger_refusals", intake->ledger.refusals);
    add(t, "batches_open", u->open);
    add(t, "batches_in_flight_bytes", u->in_flight_bytes);
    add_count(t, "batches_published", u->batches);
    add_count(t, "batches_republished", u->republished);
    add_count(t, "batches_expired", u->expired);
    add_count(t, "batches_stored_after_error", u->stored_after_error);
    add_count(t, "batches_uncertain", u->uncertain);
}

void tally_fill(struct tally *t, const struct intake *intake, uint32_t connections)
{
    const struct counters *c = &intake->counters;
    t->count = 0;
    add_connections(t, c, connections);
    add_requests(t, c);
    add_ways(t, c);
    add_damage(t, c);
    add_uplink(t, intake);
    add_refusals(t, c);
}
