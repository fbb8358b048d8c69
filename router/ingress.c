// SPDX-License-Identifier: Apache-2.0
#include "router/ingress.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "router/workers.h"
#include "shared/base/buf.h"

#define SAY_EVERY_MS 10000u
#define DEVICE_PROBE_MS 5000u /* after its error the next batch tells whether it is over */
/* A batch that comes while the journal is written waits for that sync, too. Clients that ask one
 * thing after the other are back within this time of their answer: entries wait so long behind a
 * batch, and go together. */
#define JOURNAL_LINGER_MS 3u
#define JOURNAL_RETRY_MS 500u /* after it could not be written */

/* A message whose payloads are kept until the last of its batches is settled. */
struct parcel {
    struct link_message *message;
    size_t batches;
};

/* A batch that is not settled. */
struct queued {
    struct queued *next, *before;
    struct parcel *parcel;
    struct worker *worker; /* NULL: its session ended meanwhile, nobody is told */
    uint8_t incarnation[STORE_INCARNATION_BYTES];
    uint64_t number;
    uint64_t bytes;
    uint32_t records;
    uint8_t signal;
    uint64_t received_ns;
    const Masques__Bus__Sources *sources; /* the message's; NULL: none */
    bool twin; /* queued a second time: has the outcome of the first */
};

struct ingress {
    struct loop *loop;
    struct store *store;
    struct sessions *sessions;
    const char *directory;
    const struct log *log;
    struct workers *workers;
    struct seen *seen;
    struct queued *first, *last;
    size_t twins;
    struct buf sources;          /* scratch */
    struct ingress_fresh *fresh; /* of the commit that runs */
    struct event *woken;         /* the store's thread is done with a job; NULL: there is none */
    struct loop_timer *linger;   /* of the journal's entries */
    uint64_t journal_ms;         /* when they are due; 0: none wait */
    uint64_t stored_ms;          /* when a batch was last stored */
    Masques__Bus__Health health;
    uint64_t troubled_ms; /* when the device last failed */
    bool device;          /* health is not OK because of the device, not of the limit */
    char error[512];      /* why, in words */
    char journal_error[512]; /* why deliveries wait; empty: they do not */
    struct ingress_counters counters;
    struct log_gate gate;
    bool said; /* the trouble is in the log */
};

/* ---- workers ---- */

int ingress_admit(struct ingress *in, struct session *session, const Masques__Bus__Hello *hello)
{
    return workers_admit(in->workers, session, hello);
}

void ingress_welcome(struct ingress *in, Masques__Bus__Welcome *welcome)
{
    welcome->credit = workers_credit(in->workers);
}

void ingress_opened(struct ingress *in)
{
    workers_share(in->workers);
}

void ingress_closed(struct ingress *in, struct session *session)
{
    struct worker *w = session_owner(session);
    if (!w)
        return;
    workers_leave(in->workers, w);
    for (struct queued *q = in->first; q; q = q->next)
        if (q->worker == w)
            q->worker = NULL;
}

/* ---- what the store says ---- */

static Masques__Bus__Reason reason_of(int err)
{
    switch (err) {
    case GW_ERR_FULL:
    case GW_ERR_NOMEM:
        return MASQUES__BUS__REASON__STORE_FULL;
    case GW_ERR_TOO_LARGE:
        return MASQUES__BUS__REASON__TOO_LARGE;
    case GW_ERR_INVALID: /* no batch of ours: nothing that a client could mend */
        return MASQUES__BUS__REASON__REASON_UNSPECIFIED;
    default:
        return MASQUES__BUS__REASON__STORE_BROKEN;
    }
}

/* What a refused worker is told to wait, ms; 0: it is no use. */
static uint32_t wait_of(Masques__Bus__Reason reason)
{
    bool never =
        reason == MASQUES__BUS__REASON__TOO_LARGE || reason == MASQUES__BUS__REASON__UNWANTED;
    return never ? 0 : INGRESS_RETRY_MS;
}

/* Near the limit it comes and goes: not every time is worth a line. */
static void say_health(struct ingress *in, Masques__Bus__Health was)
{
    if (was == in->health)
        return;
    if (in->health == MASQUES__BUS__HEALTH__HEALTH_OK && in->said) {
        in->said = false;
        log_info(in->log, "the store takes data again");
    } else if (in->health != MASQUES__BUS__HEALTH__HEALTH_OK &&
               log_gate_pass(&in->gate, loop_now_ms(in->loop), SAY_EVERY_MS)) {
        in->said = true;
        log_error(in->log, "the store takes no more data: %s", in->error);
    }
}

static void say_why(struct ingress *in)
{
    const char *trouble = store_trouble(in->store);
    if (!in->device)
        snprintf(in->error, sizeof in->error, "the store is full");
    else
        snprintf(in->error, sizeof in->error, "the store in %s: %s", in->directory,
                 trouble[0] ? trouble : "its device answers with errors");
}

/* Notes what an answer of the store says about the store. `device`: it was tried to write. */
static void note_health(struct ingress *in, int err, bool device)
{
    Masques__Bus__Health was = in->health;
    if (err == GW_OK) {
        in->health = MASQUES__BUS__HEALTH__HEALTH_OK;
    } else if (err == GW_ERR_FULL || err == GW_ERR_IO) {
        in->health = err == GW_ERR_FULL ? MASQUES__BUS__HEALTH__HEALTH_FULL
                                        : MASQUES__BUS__HEALTH__HEALTH_DEGRADED;
        in->device = device || err == GW_ERR_IO;
        in->troubled_ms = loop_now_ms(in->loop);
        say_why(in);
    }
    say_health(in, was);
}

static void refuse(struct ingress *in, struct worker *w, const Masques__Bus__Batch *batch,
                   Masques__Bus__Reason reason)
{
    if (batch->signal >= 1 && batch->signal <= (int)STORE_SIGNALS)
        in->counters.refused[batch->signal - 1] += batch->records;
    workers_refused(in->workers, w, batch->number, reason, wait_of(reason));
}

/* ---- publishing ---- */

/* The source digests as bytes, which only their readers look into. */
static struct slice pack_sources(struct ingress *in, const Masques__Bus__Batch *batch)
{
    buf_clear(&in->sources);
    if (!batch->sources)
        return slice_make(NULL, 0);
    size_t size = masques__bus__sources__get_packed_size(batch->sources);
    uint8_t *at = buf_reserve(&in->sources, size);
    if (!at)
        return slice_make(NULL, 0); /* the digests are worth less than the batch */
    in->sources.len += masques__bus__sources__pack(batch->sources, at);
    return buf_slice(&in->sources);
}

static struct queued *add_queued(struct ingress *in, struct worker *w, struct parcel *parcel,
                                 const Masques__Bus__Batch *batch, uint64_t bytes)
{
    struct queued *q = calloc(1, sizeof *q);
    if (!q)
        return NULL;
    q->parcel = parcel;
    parcel->batches++;
    q->worker = w;
    memcpy(q->incarnation, w->incarnation, sizeof q->incarnation);
    q->number = batch->number;
    q->bytes = bytes;
    q->records = batch->records;
    q->signal = (uint8_t)batch->signal;
    q->received_ns = batch->received_ns;
    q->sources = batch->sources;
    q->before = in->last;
    if (in->last)
        in->last->next = q;
    else
        in->first = q;
    in->last = q;
    return q;
}

static void parcel_drop(struct parcel *parcel)
{
    if (--parcel->batches)
        return;
    link_message_free(&parcel->message);
    free(parcel);
}

static void drop_queued(struct ingress *in, struct queued *q)
{
    *(q->before ? &q->before->next : &in->first) = q->next;
    *(q->next ? &q->next->before : &in->last) = q->before;
    in->twins -= q->twin;
    parcel_drop(q->parcel);
    free(q);
}

static int append(struct ingress *in, const struct queued *q, const Masques__Bus__Batch *batch,
                  uint64_t lowest_open, struct slice payload)
{
    struct store_batch stored = {
        .signal = (unsigned)batch->signal,
        .number = batch->number,
        .lowest_open = lowest_open,
        .stream = batch->stream,
        .records = batch->records,
        .received_ns = batch->received_ns,
        .sources = pack_sources(in, batch),
        .payload = payload,
        .token = (void *)(uintptr_t)q, /* handed back as it is */
    };
    memcpy(stored.incarnation, q->incarnation, sizeof stored.incarnation);
    return store_append(in->store, &stored);
}

static void publish_one(struct ingress *in, struct worker *w, struct parcel *parcel,
                        const Masques__Bus__Batch *batch, uint64_t lowest_open,
                        struct slice payload, uint32_t wanted)
{
    bool known = batch->signal >= 1 && batch->signal <= (int)STORE_SIGNALS;
    if (known && !(wanted >> batch->signal & 1u)) {
        refuse(in, w, batch, MASQUES__BUS__REASON__UNWANTED);
        return;
    }
    struct queued *q = add_queued(in, w, parcel, batch, payload.len);
    if (!q) {
        refuse(in, w, batch, MASQUES__BUS__REASON__STORE_FULL);
        return;
    }
    int err = append(in, q, batch, lowest_open, payload);
    if (err == GW_ERR_AGAIN) {
        q->twin = true;
        in->twins++;
    }
    if (err == GW_OK || err == GW_ERR_AGAIN)
        return;
    drop_queued(in, q);
    if (err == GW_ERR_EXISTS) {
        in->counters.republished++;
        workers_stored(in->workers, w, batch->number);
    } else {
        note_health(in, err, false);
        refuse(in, w, batch, reason_of(err));
    }
}

void ingress_publish(struct ingress *in, struct session *session,
                     const struct link_message *message, uint32_t wanted)
{
    const Masques__Bus__Publish *publish = message->frame->publish;
    struct worker *w = session_owner(session);
    if (!w || publish->n_batches != message->payload_count) {
        sessions_reset(in->sessions, session, "a PUBLISH that is none");
        return;
    }
    struct parcel *parcel = calloc(1, sizeof *parcel);
    if (!parcel) {
        sessions_reset(in->sessions, session, "no memory for its message");
        return;
    }
    parcel->message = sessions_take(in->sessions, message);
    parcel->batches = 1; /* this function's own hold */
    for (size_t i = 0; i < publish->n_batches; i++)
        publish_one(in, w, parcel, publish->batches[i], publish->lowest_open, message->payloads[i],
                    wanted);
    parcel_drop(parcel);
}

/* ---- commit ---- */

static void answer(struct ingress *in, const struct queued *q, int err)
{
    if (err == GW_OK) {
        in->counters.republished += q->twin;
        if (q->worker)
            workers_stored(in->workers, q->worker, q->number);
        return;
    }
    Masques__Bus__Reason reason = reason_of(err);
    if (!q->twin)
        in->counters.refused[q->signal - 1] += q->records;
    if (q->worker)
        workers_refused(in->workers, q->worker, q->number, reason, wait_of(reason));
}

/* Those that were queued under the same id while this one was. */
static void answer_twins(struct ingress *in, const struct queued *first, int err)
{
    struct queued *next;
    for (struct queued *q = in->first; q && in->twins; q = next) {
        next = q->next;
        if (!q->twin || q->number != first->number ||
            memcmp(q->incarnation, first->incarnation, sizeof q->incarnation) != 0)
            continue;
        answer(in, q, err);
        drop_queued(in, q);
    }
}

static void settled(void *ctx, void *token, int err, uint64_t sequence)
{
    struct ingress *in = ctx;
    struct queued *q = token;
    (void)sequence;
    note_health(in, err, true);
    if (err == GW_OK) {
        in->counters.batches++;
        in->counters.stored[q->signal - 1] += q->records;
        in->fresh->records[q->signal - 1] += q->records;
        in->fresh->bytes[q->signal - 1] += q->bytes;
        in->stored_ms = loop_now_ms(in->loop);
        seen_batch(in->seen, q->signal, q->sources, q->received_ns, in->stored_ms);
    }
    answer(in, q, err);
    answer_twins(in, q, err);
    drop_queued(in, q);
}

/* Data is still taken: what waits is what exporters are told and sent. */
static void note_journal(struct ingress *in)
{
    const char *trouble = store_journal_trouble(in->store);
    if (!trouble[0] && in->journal_error[0])
        log_info(in->log, "the store's journal can be written again");
    if (!trouble[0]) {
        in->journal_error[0] = '\0';
        return;
    }
    bool known = in->journal_error[0];
    snprintf(in->journal_error, sizeof in->journal_error,
             "the store in %s: %s; deliveries wait for it", in->directory, trouble);
    if (!known)
        log_error(in->log, "%s", in->journal_error);
}

void ingress_commit(struct ingress *in, struct ingress_fresh *fresh)
{
    *fresh = (struct ingress_fresh){0};
    in->fresh = fresh;
    int err = store_commit(in->store, settled, in);
    in->fresh = NULL;
    if (err && store_journal_waits(in->store) && !in->journal_ms)
        in->journal_ms = loop_now_ms(in->loop) + JOURNAL_RETRY_MS;
    note_journal(in);
    workers_end_of_turn(in->workers, in->store);
}

void ingress_start(struct ingress *in)
{
    uint64_t now = loop_now_ms(in->loop);
    bool waits = store_journal_waits(in->store);
    if (waits && !in->journal_ms) {
        bool busy = in->stored_ms && now - in->stored_ms < JOURNAL_LINGER_MS;
        in->journal_ms = busy ? now + JOURNAL_LINGER_MS : now;
    }
    store_start(in->store, waits && now >= in->journal_ms);
    if (!store_journal_waits(in->store))
        in->journal_ms = 0;
    else if (now < in->journal_ms)
        loop_timer_set(in->linger, in->journal_ms - now);
}

bool ingress_idle(const struct ingress *in)
{
    return in->first == NULL;
}

/* ---- health ---- */

/* Nobody may be publishing any more because of what we said: look whether there is room again. */
void ingress_tick(struct ingress *in)
{
    if (in->health == MASQUES__BUS__HEALTH__HEALTH_OK)
        return;
    bool over;
    if (in->device) {
        over = loop_now_ms(in->loop) - in->troubled_ms >= DEVICE_PROBE_MS;
    } else {
        struct store_stats stats;
        store_stats(in->store, &stats);
        over = stats.free_files > 0 || stats.bytes < stats.max_bytes;
    }
    if (over)
        note_health(in, GW_OK, false);
}

bool ingress_accepting(const struct ingress *in)
{
    return in->health == MASQUES__BUS__HEALTH__HEALTH_OK;
}

Masques__Bus__Health ingress_health(const struct ingress *in)
{
    return in->health;
}

const char *ingress_error(const struct ingress *in)
{
    return ingress_accepting(in) ? in->journal_error : in->error;
}

const struct ingress_counters *ingress_counters(const struct ingress *in)
{
    return &in->counters;
}

/* ---- life ---- */

/* The turn's chores do the rest. */
static void store_woke(evutil_socket_t fd, short what, void *ctx)
{
    eventfd_t count;
    (void)what;
    (void)ctx;
    (void)!eventfd_read(fd, &count);
}

static void linger_over(void *ctx)
{
    (void)ctx;
}

static bool listen_to_store(struct ingress *in)
{
    int fd = store_wake_fd(in->store);
    if (fd < 0)
        return true;
    in->woken = event_new(loop_base(in->loop), fd, EV_READ | EV_PERSIST, store_woke, in);
    return in->woken && event_add(in->woken, NULL) == 0;
}

struct ingress *ingress_new(struct loop *loop, struct store *store, struct sessions *sessions,
                            uint64_t memory_bytes, struct seen *seen, const char *directory,
                            const struct log *log)
{
    struct ingress *in = calloc(1, sizeof *in);
    if (!in)
        return NULL;
    in->loop = loop;
    in->store = store;
    in->sessions = sessions;
    in->seen = seen;
    in->directory = directory;
    in->log = log;
    in->sources = buf_make(STORE_SOURCES_MAX_BYTES);
    in->health = MASQUES__BUS__HEALTH__HEALTH_OK;
    in->workers = workers_new(loop, sessions, memory_bytes, log);
    in->linger = loop_timer_new(loop, linger_over, in);
    if (!in->workers || !in->linger || !listen_to_store(in))
        ingress_free(&in);
    return in;
}

void ingress_free(struct ingress **at)
{
    struct ingress *in = *at;
    *at = NULL;
    if (!in)
        return;
    if (in->woken)
        event_free(in->woken);
    loop_timer_free(&in->linger);
    while (in->first)
        drop_queued(in, in->first);
    workers_free(&in->workers);
    buf_free(&in->sources);
    free(in);
}
