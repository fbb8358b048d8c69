// SPDX-License-Identifier: Apache-2.0
#include "router/ingress.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/buf.h"

#define WORKERS_MAX SESSIONS_MAX /* names remembered */
#define DEVICE_PROBE_MS 5000u    /* after an error of the device the next batch tells whether it is over */

/* A worker's name, living or away: while it is away its process may still come back and publish again. */
struct worker {
    char name[SESSION_NAME_MAX_BYTES + 1];
    uint8_t incarnation[STORE_INCARNATION_BYTES];
    struct session *session; /* NULL: away */
    uint64_t left;           /* value of ingress.leaves when it went away */
    /* The verdict of this turn. */
    uint64_t *stored;
    size_t stored_count, stored_cap;
    Masques__Bus__Refusal *refused;
    size_t refused_count, refused_cap;
};

/* A batch that waits for the commit. */
struct queued {
    struct worker *worker; /* NULL: even its name is forgotten */
    bool unheard;          /* its session ended meanwhile, nobody is told */
    uint64_t number;
    uint64_t bytes;
    uint32_t records;
    uint8_t signal;
    bool twin;    /* queued a second time: has the outcome of the first */
    bool settled;
    int err;
};

struct ingress {
    struct loop *loop;
    struct store *store;
    struct sessions *sessions;
    uint64_t memory_bytes;
    const struct log *log;
    struct worker **workers;
    size_t worker_count;
    uint64_t leaves;
    struct queued *queued;
    size_t queued_count, queued_cap;
    uint8_t (*forgotten)[STORE_INCARNATION_BYTES]; /* after the commit */
    size_t forgotten_count;
    struct buf sources; /* scratch */
    Masques__Bus__Refusal **pointers; /* scratch */
    size_t pointers_cap;
    struct ingress_fresh *fresh; /* of the commit that runs */
    Masques__Bus__Health health;
    uint64_t troubled_ms; /* when the device last failed */
    bool device;          /* health is not OK because of the device, not of the limit */
    struct ingress_counters counters;
    struct log_gate gate;
};

/* ---- workers ---- */

static struct worker *worker_by_name(const struct ingress *in, const char *name)
{
    for (size_t i = 0; i < in->worker_count; i++)
        if (strcmp(in->workers[i]->name, name) == 0)
            return in->workers[i];
    return NULL;
}

static void worker_free(struct worker *w)
{
    free(w->stored);
    free(w->refused);
    free(w);
}

/* Not before the commit: batches of it may be queued. */
static void forget_later(struct ingress *in, const uint8_t *incarnation)
{
    void *list = realloc(in->forgotten, (in->forgotten_count + 1) * sizeof *in->forgotten);
    if (!list)
        return; /* the store forgets by itself those who are quiet the longest */
    in->forgotten = list;
    memcpy(in->forgotten[in->forgotten_count++], incarnation, STORE_INCARNATION_BYTES);
}

/* Makes room for one more name: the one that is away the longest goes. */
static void drop_away_longest(struct ingress *in)
{
    size_t oldest = in->worker_count;
    for (size_t i = 0; i < in->worker_count; i++)
        if (!in->workers[i]->session &&
            (oldest == in->worker_count || in->workers[i]->left < in->workers[oldest]->left))
            oldest = i;
    if (oldest == in->worker_count)
        return;
    forget_later(in, in->workers[oldest]->incarnation);
    for (size_t i = 0; i < in->queued_count; i++)
        if (in->queued[i].worker == in->workers[oldest])
            in->queued[i].worker = NULL;
    worker_free(in->workers[oldest]);
    in->workers[oldest] = in->workers[--in->worker_count];
}

static struct worker *worker_add(struct ingress *in, const char *name)
{
    if (in->worker_count == WORKERS_MAX)
        drop_away_longest(in);
    struct worker **list = realloc(in->workers, (in->worker_count + 1) * sizeof *list);
    if (!list)
        return NULL;
    in->workers = list;
    struct worker *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    memcpy(w->name, name, strnlen(name, SESSION_NAME_MAX_BYTES));
    list[in->worker_count++] = w;
    return w;
}

int ingress_admit(struct ingress *in, struct session *session, const Masques__Bus__Hello *hello)
{
    if (hello->incarnation.len != STORE_INCARNATION_BYTES)
        return GW_ERR_INVALID;
    struct worker *w = worker_by_name(in, hello->name);
    bool known = w != NULL;
    if (!known)
        w = worker_add(in, hello->name);
    if (!w)
        return GW_ERR_NOMEM;
    if (known && memcmp(w->incarnation, hello->incarnation.data, sizeof w->incarnation) != 0)
        forget_later(in, w->incarnation);
    memcpy(w->incarnation, hello->incarnation.data, sizeof w->incarnation);
    w->session = session;
    session_set_owner(session, w);
    return GW_OK;
}

static size_t living(const struct ingress *in)
{
    size_t n = 0;
    for (size_t i = 0; i < in->worker_count; i++)
        n += in->workers[i]->session != NULL;
    return n;
}

/* Every batch is written within the turn in which it comes: what lies in memory is what is on its way. */
static uint64_t credit_of_each(const struct ingress *in)
{
    size_t n = living(in);
    return in->memory_bytes / (n > INGRESS_SHARES_MIN ? n : INGRESS_SHARES_MIN);
}

void ingress_welcome(struct ingress *in, Masques__Bus__Welcome *welcome)
{
    welcome->credit = credit_of_each(in);
}

void ingress_opened(struct ingress *in)
{
    if (living(in) <= INGRESS_SHARES_MIN)
        return;
    for (size_t i = 0; i < in->worker_count; i++) {
        if (!in->workers[i]->session)
            continue;
        Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
        Masques__Bus__Credit credit = MASQUES__BUS__CREDIT__INIT;
        credit.bytes = credit_of_each(in);
        frame.body_case = MASQUES__BUS__FRAME__BODY_CREDIT;
        frame.credit = &credit;
        int err = sessions_send(in->sessions, in->workers[i]->session, &frame, NULL, 0);
        if (err != GW_OK)
            log_debug(in->log, "no credit to %s: %s", in->workers[i]->name, gw_strerror(err));
    }
}

void ingress_closed(struct ingress *in, struct session *session)
{
    struct worker *w = session_owner(session);
    if (!w)
        return;
    w->session = NULL;
    w->left = ++in->leaves;
    w->stored_count = 0;
    w->refused_count = 0;
    for (size_t i = 0; i < in->queued_count; i++)
        if (in->queued[i].worker == w)
            in->queued[i].unheard = true;
}

/* ---- verdicts ---- */

/* True: one more element fits. */
static bool grow(void **list, size_t count, size_t *cap, size_t element)
{
    if (count < *cap)
        return true;
    size_t bigger = *cap ? *cap * 2 : 64;
    void *moved = realloc(*list, bigger * element);
    if (!moved)
        return false;
    *list = moved;
    *cap = bigger;
    return true;
}

/* A verdict that finds no memory ends the session: the worker asks again in the next. */
static void no_memory(struct ingress *in, const struct worker *w)
{
    sessions_reset(in->sessions, w->session, "no memory for its verdicts");
}

static void say_stored(struct ingress *in, struct worker *w, uint64_t number)
{
    if (grow((void **)&w->stored, w->stored_count, &w->stored_cap, sizeof *w->stored))
        w->stored[w->stored_count++] = number;
    else
        no_memory(in, w);
}

static void say_refused(struct ingress *in, struct worker *w, uint64_t number, Masques__Bus__Reason reason)
{
    if (!grow((void **)&w->refused, w->refused_count, &w->refused_cap, sizeof *w->refused)) {
        no_memory(in, w);
        return;
    }
    bool never = reason == MASQUES__BUS__REASON__TOO_LARGE || reason == MASQUES__BUS__REASON__UNWANTED;
    Masques__Bus__Refusal *refusal = &w->refused[w->refused_count++];
    masques__bus__refusal__init(refusal);
    refusal->number = number;
    refusal->reason = reason;
    refusal->after_ms = never ? 0 : INGRESS_RETRY_MS;
}

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
    if (was == in->health)
        return;
    if (in->health == MASQUES__BUS__HEALTH__HEALTH_OK)
        log_info(in->log, "the store takes data again");
    else
        log_error(in->log, "the store takes no more data: %s",
                  in->health == MASQUES__BUS__HEALTH__HEALTH_FULL ? "it is full"
                                                                  : "its device answers with errors");
}

static void refuse(struct ingress *in, struct worker *w, const Masques__Bus__Batch *batch,
                   Masques__Bus__Reason reason)
{
    if (batch->signal >= 1 && batch->signal <= (int)STORE_SIGNALS)
        in->counters.refused[batch->signal - 1] += batch->records;
    if (!w->session)
        return;
    say_refused(in, w, batch->number, reason);
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

static void publish_one(struct ingress *in, struct worker *w, const Masques__Bus__Batch *batch,
                        uint64_t lowest_open, struct slice payload, uint32_t wanted)
{
    bool known = batch->signal >= 1 && batch->signal <= (int)STORE_SIGNALS;
    if (known && !(wanted >> batch->signal & 1u)) {
        refuse(in, w, batch, MASQUES__BUS__REASON__UNWANTED);
        return;
    }
    if (!grow((void **)&in->queued, in->queued_count, &in->queued_cap, sizeof *in->queued)) {
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
            .twin = err == GW_ERR_AGAIN,
        };
    } else if (err == GW_ERR_EXISTS) {
        in->counters.republished++;
        say_stored(in, w, batch->number);
    } else {
        note_health(in, err, false);
        refuse(in, w, batch, reason_of(err));
    }
}

void ingress_publish(struct ingress *in, struct session *session, const struct link_message *message,
                     uint32_t wanted)
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
    bool heard = q->worker && !q->unheard;
    if (q->twin)
        settle_twin(in, q);
    else if (!q->settled)
        q->err = GW_ERR_IO;
    if (q->err == GW_OK) {
        in->counters.republished += q->twin;
        if (heard)
            say_stored(in, q->worker, q->number);
        return;
    }
    if (!q->twin)
        in->counters.refused[q->signal - 1] += q->records;
    if (heard)
        say_refused(in, q->worker, q->number, reason_of(q->err));
}

/* One message with all verdicts of the turn; kept for the next turn where it cannot be sent. */
static void send_verdicts(struct ingress *in, struct worker *w)
{
    if (w->refused_count > in->pointers_cap) {
        Masques__Bus__Refusal **list = realloc(in->pointers, w->refused_count * sizeof *list);
        if (!list)
            return;
        in->pointers = list;
        in->pointers_cap = w->refused_count;
    }
    for (size_t i = 0; i < w->refused_count; i++)
        in->pointers[i] = &w->refused[i];
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    Masques__Bus__PublishVerdict verdict = MASQUES__BUS__PUBLISH_VERDICT__INIT;
    verdict.n_stored = w->stored_count;
    verdict.stored = w->stored;
    verdict.n_refused = w->refused_count;
    verdict.refused = in->pointers;
    frame.body_case = MASQUES__BUS__FRAME__BODY_PUBLISH_VERDICT;
    frame.publish_verdict = &verdict;
    int err = sessions_send(in->sessions, w->session, &frame, NULL, 0);
    if (err == GW_OK) {
        w->stored_count = 0;
        w->refused_count = 0;
    } else if (log_gate_pass(&in->gate, loop_now_ms(in->loop), 10000)) {
        log_warn(in->log, "no verdicts to %s: %s", w->name, gw_strerror(err));
    }
}

int ingress_commit(struct ingress *in, struct ingress_fresh *fresh)
{
    *fresh = (struct ingress_fresh){0};
    in->fresh = fresh;
    int err = store_commit(in->store, settled, in);
    in->fresh = NULL;
    for (size_t i = 0; i < in->queued_count; i++)
        answer(in, &in->queued[i]);
    in->queued_count = 0;
    for (size_t i = 0; i < in->forgotten_count; i++)
        store_forget_incarnation(in->store, in->forgotten[i]);
    in->forgotten_count = 0;
    for (size_t i = 0; i < in->worker_count; i++) {
        struct worker *w = in->workers[i];
        if (w->session && (w->stored_count || w->refused_count))
            send_verdicts(in, w);
    }
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
                            uint64_t memory_bytes, const struct log *log)
{
    struct ingress *in = calloc(1, sizeof *in);
    if (!in)
        return NULL;
    in->loop = loop;
    in->store = store;
    in->sessions = sessions;
    in->memory_bytes = memory_bytes;
    in->log = log;
    in->sources = buf_make(STORE_SOURCES_MAX_BYTES);
    in->health = MASQUES__BUS__HEALTH__HEALTH_OK;
    return in;
}

void ingress_free(struct ingress **at)
{
    struct ingress *in = *at;
    *at = NULL;
    if (!in)
        return;
    for (size_t i = 0; i < in->worker_count; i++)
        worker_free(in->workers[i]);
    free(in->workers);
    free(in->queued);
    free(in->forgotten);
    free(in->pointers);
    buf_free(&in->sources);
    free(in);
}
