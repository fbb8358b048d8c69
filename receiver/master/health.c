// SPDX-License-Identifier: Apache-2.0
#include "receiver/master/health.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

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
    if (out->data && out->data[out->len - 1] != '{')
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

static void put_signals(struct buf *out, const char *key, const uint64_t *values, size_t count)
{
    static const char *const names[SIGNALS] = {"logs", "metrics", "traces"};
    put_key(out, key);
    buf_byte(out, '{');
    for (size_t i = 0; i < SIGNALS; i++)
        put_number(out, names[i], i < count ? values[i] : 0);
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

/* ---- one child -------------------------------------------------------------------------------------------------- */

/* A process's own word ("waiting for the router") says more than ours ("running"). */
static const char *state_of(const struct member *m)
{
    if (m->state == MEMBER_RUNNING && m->beat && m->beat->state[0])
        return m->beat->state;
    return member_state_name(m->state);
}

static void put_counts(struct buf *out, const struct member *m, const struct queue_sum *q)
{
    const Masques__Control__Beat *b = m->beat;
    bool queues = m->kind == MEMBER_EXPORTER;
    put_signals(out, "accepted", b ? b->accepted : NULL, b ? b->n_accepted : 0);
    put_signals(out, "delivered", queues ? q->delivered : b ? b->delivered : NULL,
                queues ? SIGNALS : b ? b->n_delivered : 0);
    put_signals(out, "refused", b ? b->refused : NULL, b ? b->n_refused : 0);
    put_signals(out, "rejected", queues ? q->rejected : b ? b->rejected : NULL,
                queues ? SIGNALS : b ? b->n_rejected : 0);
    put_signals(out, "lost", queues ? q->lost : b ? b->lost : NULL,
                queues ? SIGNALS : b ? b->n_lost : 0);
}

static void put_numbers(struct buf *out, const struct member *m)
{
    put_key(out, "numbers");
    buf_byte(out, '{');
    for (size_t i = 0; m->beat && i < m->beat->n_numbers; i++)
        put_number(out, m->beat->numbers[i]->name, m->beat->numbers[i]->value);
    buf_byte(out, '}');
}

static void put_child(struct buf *out, const struct member *m, const struct member *router)
{
    struct queue_sum q = queue_of(router, m->kind == MEMBER_ROUTER ? NULL : m->name);
    buf_byte(out, '{');
    put_text(out, "name", m->name);
    put_text(out, "kind", member_kind_name(m->kind));
    put_text(out, "type", m->type);
    put_number(out, "pid", (uint64_t)m->pid);
    put_text(out, "state", state_of(m));
    put_number(out, "restarts", m->restarts);
    put_key(out, "lastHeartbeat");
    if (m->heard_ns)
        put_time(out, m->heard_ns);
    else
        buf_text(out, "null");
    put_text(out, "lastError", m->error);
    put_queue(out, &q);
    put_counts(out, m, &q);
    put_numbers(out, m);
    buf_byte(out, '}');
}

/* An exporter that joined by hand is no child of ours; the router tells what it holds for it. */
static bool is_child(const struct family *family, const char *name)
{
    for (size_t i = 0; family_at(family, i); i++)
        if (strcmp(family_at(family, i)->name, name) == 0)
            return true;
    return false;
}

static bool told_before(const Masques__Control__Beat *beat, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (strcmp(beat->queues[i]->exporter, beat->queues[at]->exporter) == 0)
            return true;
    return false;
}

static void put_guests(struct buf *out, const struct family *family, const struct member *router)
{
    for (size_t i = 0; router->beat && i < router->beat->n_queues; i++) {
        const Masques__Control__Queue *queue = router->beat->queues[i];
        if (is_child(family, queue->exporter) || told_before(router->beat, i))
            continue;
        struct queue_sum q = queue_of(router, queue->exporter);
        buf_text(out, ",{");
        put_text(out, "name", queue->exporter);
        put_text(out, "kind", "exporter");
        put_text(out, "type", "attached");
        put_number(out, "pid", 0);
        put_text(out, "state", queue->state);
        put_number(out, "restarts", 0);
        put_key(out, "lastHeartbeat");
        buf_text(out, "null");
        put_text(out, "lastError", "");
        put_queue(out, &q);
        put_signals(out, "delivered", q.delivered, SIGNALS);
        put_signals(out, "rejected", q.rejected, SIGNALS);
        put_signals(out, "lost", q.lost, SIGNALS);
        buf_byte(out, '}');
    }
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
    buf_text(out, "]}");
}
