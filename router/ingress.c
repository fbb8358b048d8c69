// SPDX-License-Identifier: Apache-2.0
#include "router/ingress.h"

#include <stdlib.h>
#include <string.h>

#include "router/workers.h"
#include "shared/base/buf.h"

#define SAY_EVERY_MS 10000u
#define DEVICE_PROBE_MS 5000u /* after its error the next batch tells whether it is over */

/* A batch that waits for the commit. */
struct queued {
    struct worker *worker;
    bool unheard; /* its session ended meanwhile, nobody is told */
    uint64_t number;
    uint64_t bytes;
    uint32_t records;
    uint8_t signal;
    uint64_t received_ns;
    Masques__Bus__Sources *sources; /* owned; NULL: none */
    bool twin; /* queued a second time: has the outcome of the first */
    bool settled;
    int err;
};

struct ingress {
    struct loop *loop;
    struct store *store;
    struct sessions *sessions;
    const struct log *log;
    struct workers *workers;
    struct seen *seen;
    struct queued *queued;
    size_t queued_count, queued_cap;
    struct buf sources;          /* scratch */
    struct ingress_fresh *fresh; /* of the commit that runs */
    Masques__Bus__Health health;
    uint64_t troubled_ms; /* when the device last failed */
    bool device;          /* health is not OK because of the device, not of the limit */
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
    for (size_t i = 0; i < in->queued_count; i++)
        if (in->queued[i].worker == w)
            in->queued[i].unheard = true;
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
        log_error(in->log, "the store takes no more data: %s",
                  in->health == MASQUES__BUS__HEALTH__HEALTH_FULL
                      ? "it is full"
                      : "its device answers with errors");
    }
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

static bool room_for_one(struct ingress *in)
{
    if (in->queued_count < in->queued_cap)
        return true;
    size_t cap = in->queued_cap ? in->queued_cap * 2 : 64;
    struct queued *list = realloc(in->queued, cap * sizeof *list);
    if (!list)
        return false;
    in->queued = list;
    in->queued_cap = cap;
    return true;
}

static int append(struct ingress *in, struct worker *w, const Masques__Bus__Batch *batch,
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
        .token = (void *)(uintptr_t)in->queued_count, /* index: the list may move */
    };
    memcpy(stored.incarnation, w->incarnation, sizeof stored.incarnation);
    return store_append(in->store, &stored);
}

static void publish_one(struct ingress *in, struct worker *w, Masques__Bus__Batch *batch,
                        uint64_t lowest_open, struct slice payload, uint32_t wanted)
{
    bool known = batch->signal >= 1 && batch->signal <= (int)STORE_SIGNALS;
    if (known && !(wanted >> batch->signal & 1u)) {
        refuse(in, w, batch, MASQUES__BUS__REASON__UNWANTED);
        return;
    }
    if (!room_for_one(in)) {
        refuse(in, w, batch, MASQUES__BUS__REASON__STORE_FULL);
        return;
    }
    int err = append(in, w, batch, lowest_open, payload);
    if (err == GW_OK || err == GW_ERR_AGAIN) {
        in->queued[in->queued_count++] = (struct queued){
            .worker = w,
            .number = batch->number,
            .bytes = payload.len,
            .records = batch->records,
            .signal = (uint8_t)batch->signal,
            .received_ns = batch->received_ns,
            .sources = batch->sources,
            .twin = err == GW_ERR_AGAIN,
        };
        batch->sources = NULL; /* told of when the batch is stored: taken out of the message */
    } else if (err == GW_ERR_EXISTS) {
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
    for (size_t i = 0; i < publish->n_batches; i++)
        publish_one(in, w, publish->batches[i], publish->lowest_open, message->payloads[i], wanted);
}

/* ---- commit ---- */

static void settled(void *ctx, void *token, int err, uint64_t sequence)
{
    struct ingress *in = ctx;
    struct queued *q = &in->queued[(size_t)(uintptr_t)token];
    (void)sequence;
    q->settled = true;
    q->err = err;
    note_health(in, err, true);
    if (err != GW_OK)
        return;
    in->counters.batches++;
    in->counters.stored[q->signal - 1] += q->records;
    in->fresh->records[q->signal - 1] += q->records;
    in->fresh->bytes[q->signal - 1] += q->bytes;
}

/* The outcome of the batch that was queued before under the same id. */
static void settle_twin(struct ingress *in, struct queued *twin)
{
    twin->err = GW_ERR_IO;
    for (const struct queued *q = twin; q-- > in->queued;) {
        if (q->twin || q->worker != twin->worker || q->number != twin->number)
            continue;
        twin->err = q->err;
        return;
    }
}

static void answer(struct ingress *in, struct queued *q)
{
    if (q->twin)
        settle_twin(in, q);
    else if (!q->settled)
        q->err = GW_ERR_IO;
    if (q->err == GW_OK) {
        in->counters.republished += q->twin;
        if (!q->unheard)
            workers_stored(in->workers, q->worker, q->number);
        return;
    }
    Masques__Bus__Reason reason = reason_of(q->err);
    if (!q->twin)
        in->counters.refused[q->signal - 1] += q->records;
    if (!q->unheard)
        workers_refused(in->workers, q->worker, q->number, reason, wait_of(reason));
}

/* The digests of a batch that is stored now, and was not before, are looked at; then they go. */
static void tell_sources(struct ingress *in, struct queued *q)
{
    if (q->err == GW_OK && !q->twin)
        seen_batch(in->seen, q->signal, q->sources, q->received_ns, loop_now_ms(in->loop));
    if (q->sources)
        masques__bus__sources__free_unpacked(q->sources, NULL);
    q->sources = NULL;
}

int ingress_commit(struct ingress *in, struct ingress_fresh *fresh)
{
    *fresh = (struct ingress_fresh){0};
    in->fresh = fresh;
    int err = store_commit(in->store, settled, in);
    in->fresh = NULL;
    for (size_t i = 0; i < in->queued_count; i++) {
        answer(in, &in->queued[i]);
        tell_sources(in, &in->queued[i]);
    }
    in->queued_count = 0;
    workers_end_of_turn(in->workers, in->store);
    return err;
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

const struct ingress_counters *ingress_counters(const struct ingress *in)
{
    return &in->counters;
}

/* ---- life ---- */

struct ingress *ingress_new(struct loop *loop, struct store *store, struct sessions *sessions,
                            uint64_t memory_bytes, struct seen *seen, const struct log *log)
{
    struct ingress *in = calloc(1, sizeof *in);
    if (!in)
        return NULL;
    in->loop = loop;
    in->store = store;
    in->sessions = sessions;
    in->seen = seen;
    in->log = log;
    in->sources = buf_make(STORE_SOURCES_MAX_BYTES);
    in->health = MASQUES__BUS__HEALTH__HEALTH_OK;
    in->workers = workers_new(loop, sessions, memory_bytes, log);
    if (!in->workers)
        ingress_free(&in);
    return in;
}

void ingress_free(struct ingress **at)
{
    struct ingress *in = *at;
    *at = NULL;
    if (!in)
        return;
    workers_free(&in->workers);
    for (size_t i = 0; i < in->queued_count; i++)
        if (in->queued[i].sources)
            masques__bus__sources__free_unpacked(in->queued[i].sources, NULL);
    free(in->queued);
    buf_free(&in->sources);
    free(in);
}
