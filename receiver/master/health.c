// SPDX-License-Identifier: Apache-2.0
#include "receiver/master/health.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "receiver/master/metrics_numbers.h"
#include "receiver/master/queues.h"
#include "shared/base/clock.h"
#include "shared/base/json_text.h"
#include "shared/config/duration.h"

#define SIGNALS 3u
#define NEVER "0001-01-01T00:00:00Z" /* Go's zero time, as the collector prints it */

/* RFC 3339 with nanoseconds, trailing zeros cut, as Go prints a time. */
static void put_time(struct buf *out, uint64_t ns)
{
    char text[40];
    struct tm utc;
    time_t seconds = (time_t)(ns / CLOCK_NS_PER_S);
    gmtime_r(&seconds, &utc);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    buf_byte(out, '"');
    buf_text(out, text);
    if (ns % CLOCK_NS_PER_S) {
        char fraction[12];
        int n = snprintf(fraction, sizeof fraction, ".%09u", (unsigned)(ns % CLOCK_NS_PER_S));
        while (n > 0 && fraction[n - 1] == '0')
            n--;
        buf_append(out, fraction, (size_t)n);
    }
    buf_text(out, "Z\"");
}

static void put_key(struct buf *out, const char *key)
{
    if (out->len && out->data[out->len - 1] != '{')
        buf_byte(out, ',');
    json_text_string(out, slice_of(key));
    buf_byte(out, ':');
}

static void put_text(struct buf *out, const char *key, const char *text)
{
    put_key(out, key);
    json_text_string(out, slice_of(text));
}

static void put_number(struct buf *out, const char *key, uint64_t value)
{
    put_key(out, key);
    buf_u64(out, value);
}

static const char *const signal_names[SIGNALS] = {"logs", "metrics", "traces"};

static void put_signals(struct buf *out, const char *key, const uint64_t *values, size_t count)
{
    put_key(out, key);
    buf_byte(out, '{');
    for (size_t i = 0; i < SIGNALS; i++)
        put_number(out, signal_names[i], i < count ? values[i] : 0);
    buf_byte(out, '}');
}

/* ---- queues: the router speaks for the exporters ---------------------------------------------------------------- */

struct queue_sum {
    uint64_t records, bytes, oldest_ms;
    uint64_t delivered[SIGNALS], rejected[SIGNALS], lost[SIGNALS];
};

static void add_queue(struct queue_sum *sum, const Masques__Control__Queue *q)
{
    sum->records += q->records;
    sum->bytes += q->bytes;
    if (q->oldest_ms > sum->oldest_ms)
        sum->oldest_ms = q->oldest_ms;
    if (q->signal < 1 || q->signal > SIGNALS)
        return;
    sum->delivered[q->signal - 1] += q->delivered;
    sum->rejected[q->signal - 1] += q->rejected;
    sum->lost[q->signal - 1] += q->lost;
}

/* Of one exporter, or of all of them (name NULL). */
static struct queue_sum queue_of(const struct member *router, const char *name)
{
    struct queue_sum sum = {0};
    for (size_t i = 0; router->beat && i < router->beat->n_queues; i++)
        if (!name || strcmp(router->beat->queues[i]->exporter, name) == 0)
            add_queue(&sum, router->beat->queues[i]);
    return sum;
}

static void put_queue(struct buf *out, const struct queue_sum *q)
{
    put_key(out, "queue");
    buf_byte(out, '{');
    put_number(out, "records", q->records);
    put_number(out, "bytes", q->bytes);
    put_number(out, "oldestMs", q->oldest_ms);
    buf_byte(out, '}');
}

/* The lanes of an exporter, as the router tells of them. */
static void put_lane(struct buf *out, const Masques__Control__Queue *q)
{
    put_key(out, signal_names[q->signal - 1]);
    buf_byte(out, '{');
    put_number(out, "records", q->records);
    put_number(out, "bytes", q->bytes);
    put_number(out, "oldestMs", q->oldest_ms);
    put_number(out, "delivered", q->delivered);
    put_number(out, "rejected", q->rejected);
    put_number(out, "lost", q->lost);
    put_key(out, "losses");
    buf_byte(out, '{');
    for (size_t i = 0; i < q->n_losses; i++)
        put_number(out, q->losses[i]->name, q->losses[i]->value);
    buf_text(out, "}}");
}

static void put_lanes(struct buf *out, const struct member *router, const char *name)
{
    const Masques__Control__Queue *q;
    put_key(out, "queues");
    buf_byte(out, '{');
    for (size_t i = 0; (q = queues_next(router->beat, &i)) != NULL;)
        if (strcmp(q->exporter, name) == 0)
            put_lane(out, q);
    buf_byte(out, '}');
}

/* ---- one child -------------------------------------------------------------------------------------------------- */

/* What is told of a process, whoever knows it. */
struct about {
    const char *name, *kind, *type, *owner, *state, *error;
    uint64_t pid, restarts, heard_ns;
    const Masques__Control__Beat *beat; /* NULL: none */
    bool exporter;
    bool router; /* its queue is the sum of all of them */
};

/* A process's own word ("waiting for the router") says more than ours ("running"); that something is wrong with the
 * destination it tells the router, whose word is `word` (NULL: none). */
static const char *state_of(const struct member *m, const Masques__Control__Queue *word)
{
    bool says = m->state == MEMBER_RUNNING && m->beat && m->beat->state[0];
    const char *state = says ? m->beat->state : member_state_name(m->state);
    bool degraded = word && strcmp(state, "running") == 0 && strcmp(word->state, "degraded") == 0;
    return degraded ? "degraded" : state;
}

static void put_counts(struct buf *out, const struct about *a, const struct queue_sum *q)
{
    const Masques__Control__Beat *b = a->beat;
    bool queues = a->exporter;
    put_signals(out, "accepted", b ? b->accepted : NULL, b ? b->n_accepted : 0);
    put_signals(out, "delivered", queues ? q->delivered : b ? b->delivered : NULL,
                queues ? SIGNALS : b ? b->n_delivered : 0);
    put_signals(out, "refused", b ? b->refused : NULL, b ? b->n_refused : 0);
    put_signals(out, "rejected", queues ? q->rejected : b ? b->rejected : NULL,
                queues ? SIGNALS : b ? b->n_rejected : 0);
    put_signals(out, "lost", queues ? q->lost : b ? b->lost : NULL,
                queues ? SIGNALS : b ? b->n_lost : 0);
}

static void put_numbers(struct buf *out, const Masques__Control__Beat *beat)
{
    put_key(out, "numbers");
    buf_byte(out, '{');
    for (size_t i = 0; beat && i < beat->n_numbers; i++)
        put_number(out, beat->numbers[i]->name, beat->numbers[i]->value);
    buf_byte(out, '}');
}

static void put_about(struct buf *out, const struct about *a, const struct member *router)
{
    struct queue_sum q = queue_of(router, a->router ? NULL : a->name);
    buf_byte(out, '{');
    put_text(out, "name", a->name);
    put_text(out, "kind", a->kind);
    put_text(out, "type", a->type);
    if (a->exporter)
        put_text(out, "owner", a->owner);
    put_number(out, "pid", a->pid);
    put_text(out, "state", a->state);
    put_number(out, "restarts", a->restarts);
    put_key(out, "lastHeartbeat");
    if (a->heard_ns)
        put_time(out, a->heard_ns);
    else
        buf_text(out, "null");
    put_text(out, "lastError", a->error);
    put_queue(out, &q);
    if (a->exporter)
        put_lanes(out, router, a->name);
    put_counts(out, a, &q);
    put_numbers(out, a->beat);
    buf_byte(out, '}');
}

/* What the router says of an exporter fills in what its own process does not. */
static void put_child(struct buf *out, const struct member *m, const struct member *router)
{
    const Masques__Control__Queue *word = m->kind == MEMBER_EXPORTER ? queues_find(router->beat, m->name) : NULL;
    const char *owner = m->attached ? "attached" : "configured";
    struct about about = {
        .name = m->name,
        .kind = member_kind_name(m->kind),
        .type = m->type,
        .owner = word && word->owner[0] ? word->owner : owner,
        .state = state_of(m, word),
        .error = m->error[0] || !word ? m->error : word->error,
        .pid = (uint64_t)m->pid,
        .restarts = m->restarts,
        .heard_ns = m->heard_ns,
        .beat = m->beat,
        .exporter = m->kind == MEMBER_EXPORTER,
        .router = m->kind == MEMBER_ROUTER,
    };
    put_about(out, &about, router);
}

/* An exporter that joined by hand is no child of ours; the router tells what it knows of it. */
static void put_guests(struct buf *out, const struct family *family, const struct member *router)
{
    const Masques__Control__Queue *queue;
    for (size_t i = 0; (queue = queues_next(router->beat, &i)) != NULL;) {
        if (family_find(family, queue->exporter) || !queues_is_first(router->beat, queue))
            continue;
        struct about about = {
            .name = queue->exporter,
            .kind = "exporter",
            .type = "attached",
            .owner = queue->owner,
            .state = queue->state,
            .error = queue->error,
            .pid = queue->pid,
            .exporter = true,
        };
        buf_byte(out, ',');
        put_about(out, &about, router);
    }
}

/* ---- who was heard ----------------------------------------------------------------------------------------------- */

static void put_source(struct buf *out, const struct totals_seen *seen)
{
    bool known = seen->signal >= 1 && seen->signal <= SIGNALS;
    buf_byte(out, '{');
    put_text(out, "service", seen->service);
    put_text(out, "signal", known ? signal_names[seen->signal - 1] : "");
    put_number(out, "records", seen->records);
    put_key(out, "lastReceived");
    put_time(out, seen->last_ns);
    put_number(out, "sessions", seen->sessions);
    put_number(out, "lostBeforeUs", seen->lost_before_us);
    buf_byte(out, '}');
}

static void put_sources(struct buf *out, const struct member *router)
{
    struct totals_seen list[HEALTH_SOURCES_MAX];
    size_t count = totals_sources(&router->past, router->beat, list, HEALTH_SOURCES_MAX);
    put_key(out, "sources");
    buf_byte(out, '[');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_byte(out, ',');
        put_source(out, &list[i]);
    }
    buf_byte(out, ']');
    put_number(out, "eventSequenceGaps", totals_gaps(&router->past, router->beat));
}

/* What found no place among the sources any more: they are bounded, whoever sends. */
static void put_forgotten(struct buf *out, const struct member *router)
{
    put_key(out, "sourcesForgotten");
    buf_byte(out, '{');
    put_number(out, "services", totals_number(&router->past, router->beat, "seen_services_forgotten"));
    put_number(out, "sessions", totals_number(&router->past, router->beat, "seen_sessions_forgotten"));
    put_number(out, "records", totals_number(&router->past, router->beat, "seen_forgotten"));
    buf_byte(out, '}');
}

/* ---- what is kept ------------------------------------------------------------------------------------------------ */

static void put_store(struct buf *out, const struct member *router)
{
    const Masques__Control__Beat *beat = member_lives(router) ? router->beat : NULL;
    const char *state = beat && beat->store[0] ? beat->store : "unknown";
    put_key(out, "store");
    buf_byte(out, '{');
    put_text(out, "state", state);
    put_text(out, "error", beat && strcmp(state, "ok") != 0 ? beat->error : "");
    put_number(out, "bytes", metrics_number_now(router, "store_bytes"));
    put_number(out, "maxBytes", metrics_number_now(router, "store_max_bytes"));
    put_number(out, "quarantined", metrics_number_now(router, "store_quarantined"));
    buf_byte(out, '}');
}

static void put_dead_letters(struct buf *out, const struct member *router)
{
    put_key(out, "deadLetters");
    buf_byte(out, '{');
    put_number(out, "letters", metrics_number_now(router, "dead_letters"));
    put_number(out, "bytes", metrics_number_now(router, "dead_letters_bytes"));
    put_number(out, "dropped", totals_number(&router->past, router->beat, "dead_letters_dropped"));
    put_number(out, "replayed", totals_number(&router->past, router->beat, "dead_letters_replayed"));
    put_number(out, "damaged", metrics_number_now(router, "dead_letters_damaged"));
    buf_byte(out, '}');
}

static void put_configuration(struct buf *out, const struct health_times *times)
{
    put_key(out, "configuration");
    buf_byte(out, '{');
    put_key(out, "reloaded");
    if (times->reloaded_ns)
        put_time(out, times->reloaded_ns);
    else
        buf_text(out, "null");
    put_text(out, "error", times->reload_error ? times->reload_error : "");
    buf_byte(out, '}');
}

/* ---- the answer -------------------------------------------------------------------------------------------------- */

static void put_uptime(struct buf *out, const struct health_times *times)
{
    put_key(out, "upSince");
    if (times->up_since_ns)
        put_time(out, times->up_since_ns);
    else
        buf_text(out, "\"" NEVER "\"");
    put_key(out, "uptime");
    buf_byte(out, '"');
    if (times->up_since_ns)
        duration_print((int64_t)times->up_for_ns, out);
    buf_byte(out, '"');
}

void health_body(struct buf *out, const struct family *family, bool available,
                 const struct health_times *times)
{
    const struct health_times never = {.now_ns = times->now_ns};
    const struct member *router = family_at(family, 0);
    buf_byte(out, '{');
    put_text(out, "status", available ? "Server available" : "Server not available");
    put_uptime(out, available ? times : &never);
    put_key(out, "children");
    buf_byte(out, '[');
    for (size_t i = 0; family_at(family, i); i++) {
        if (i > 0)
            buf_byte(out, ',');
        put_child(out, family_at(family, i), router);
    }
    put_guests(out, family, router);
    buf_byte(out, ']');
    put_sources(out, router);
    put_forgotten(out, router);
    put_store(out, router);
    put_dead_letters(out, router);
    put_configuration(out, times);
    buf_byte(out, '}');
}
