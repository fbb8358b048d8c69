// SPDX-License-Identifier: Apache-2.0
#include "receiver/worker/request.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"

/* Refining on another thread: owns the body meanwhile. */
struct request_work {
    struct job job;
    struct request *request; /* NULL: the client has gone */
    struct intake *intake;
    _Atomic bool cancelled; /* nobody waits: not worth beginning */
    struct buf text;
    struct refine refine;
};

struct request_note {
    uint64_t rejected;
    uint64_t mended;
    size_t len;
    char text[];
};

void request_init(struct request *r, struct intake *intake, const struct endpoint *endpoint,
                  uint64_t max_bytes, request_answer_fn on_answer, void *ctx)
{
    *r = (struct request){
        .intake = intake,
        .grpc = endpoint->grpc,
        .signal = endpoint->signal,
        .codec = endpoint->codec,
        .coding = endpoint->coding,
        .max_bytes = max_bytes,
        .on_answer = on_answer,
        .ctx = ctx,
    };
}

static void release(struct request *r)
{
    jobs_give_back(r->intake->jobs, r->body, &r->intake->ledger, r->held);
    r->body = NULL;
    r->held = 0;
}

void request_fini(struct request *r)
{
    if (!r->intake)
        return;
    if (r->ticket || r->work)
        r->intake->counters.cancelled++;
    if (r->ticket)
        uplink_abandon(r->intake->uplink, r->ticket);
    if (r->work) {
        r->work->request = NULL;
        r->work->cancelled = true;
    }
    r->ticket = NULL;
    r->work = NULL;
    release(r);
    free(r->note);
    r->note = NULL;
    r->intake = NULL;
}

/* ---- storage ---- */

enum otlp_cause request_admit(struct request *r, uint64_t bytes)
{
    if (bytes > r->max_bytes)
        return OTLP_TOO_LARGE_WIRE;
    if (bytes == 0)
        return OTLP_ACCEPTED;
    if (!ledger_reserve(&r->intake->ledger, bytes))
        return OTLP_OVERLOADED;
    r->held = bytes;
    r->body = blob_new((size_t)bytes);
    return r->body ? OTLP_ACCEPTED : OTLP_INTERNAL;
}

/* Room for `need` bytes in all: the ledger's steps are also the blob's. */
static enum otlp_cause make_room(struct request *r, uint64_t need)
{
    if (need > r->max_bytes)
        return OTLP_TOO_LARGE_WIRE;
    if (r->body && need <= r->body->cap)
        return OTLP_ACCEPTED;
    if (!ledger_grow(&r->intake->ledger, &r->held, need, r->max_bytes))
        return OTLP_OVERLOADED;
    if (r->body)
        return blob_grow(&r->body, (size_t)r->held) == GW_OK ? OTLP_ACCEPTED : OTLP_INTERNAL;
    r->body = blob_new((size_t)r->held);
    return r->body ? OTLP_ACCEPTED : OTLP_INTERNAL;
}

enum otlp_cause request_append(struct request *r, struct slice bytes)
{
    if (bytes.len == 0)
        return OTLP_ACCEPTED;
    uint64_t have = r->body ? r->body->len : 0;
    enum otlp_cause cause = make_room(r, have + bytes.len);
    if (cause != OTLP_ACCEPTED)
        return cause;
    memcpy(r->body->data + have, bytes.data, bytes.len);
    r->body->len += bytes.len;
    return OTLP_ACCEPTED;
}

/* ---- the answer ---- */

void request_count_refusal(struct intake *intake, enum otlp_cause cause)
{
    intake->counters.refusals[cause < OTLP_CAUSES ? cause : OTLP_INTERNAL]++;
}

/* Counts the request under its answer. */
static void count(struct request *r, enum otlp_cause cause)
{
    struct counters *counters = &r->intake->counters;
    struct counters_way *way = &counters->ways[r->grpc ? COUNTERS_GRPC : COUNTERS_HTTP];
    unsigned index = (unsigned)r->signal - 1;
    counters->requests[index]++;
    if (cause != OTLP_ACCEPTED) {
        counters->refused[index] += r->records;
        (cause == OTLP_INTERNAL ? way->failed : way->refused)[index] += r->records;
        request_count_refusal(r->intake, cause);
        return;
    }
    counters->accepted[index] += r->records;
    way->accepted[index] += r->records;
    if (r->note) {
        counters->rejected[index] += r->note->rejected;
        counters->mended[index] += r->note->mended;
    }
}

/* The answer of a request that is stored, or has nothing to store. */
static struct request_answer success(const struct request *r)
{
    const struct request_note *note = r->note;
    struct request_answer answer = {.cause = OTLP_ACCEPTED};
    if (note) {
        answer.rejected = note->rejected;
        answer.message = slice_make(note->text, note->len);
    }
    return answer;
}

/* The request ends here and now. */
static bool refuse_now(struct request *r, enum otlp_cause cause, struct slice message,
                       struct request_answer *answer)
{
    count(r, cause);
    release(r);
    *answer = (struct request_answer){.cause = cause, .message = message};
    return false;
}

static const enum otlp_cause causes[] = {
    [UPLINK_STORED] = OTLP_ACCEPTED,
    [UPLINK_ROUTER_AWAY] = OTLP_ROUTER_AWAY,
    [UPLINK_FULL] = OTLP_STORE_FULL,
    [UPLINK_BROKEN] = OTLP_STORE_BROKEN,
    [UPLINK_TOO_LARGE] = OTLP_STORE_TOO_LARGE,
    [UPLINK_UNWANTED] = OTLP_UNWANTED_SIGNAL,
    [UPLINK_STOPPING] = OTLP_STOPPING,
};

static void decided(void *ctx, const struct uplink_verdict *verdict)
{
    struct request *r = ctx;
    r->ticket = NULL;
    enum otlp_cause cause = causes[verdict->outcome];
    count(r, cause);
    struct request_answer answer = success(r);
    if (cause != OTLP_ACCEPTED)
        answer = (struct request_answer){.cause = cause, .after_ms = verdict->after_ms};
    r->on_answer(r->ctx, &answer);
}

/* ---- from body to batch ---- */

static void ask(const struct request *r, struct refine *refine, struct buf *text)
{
    refine->signal = r->signal;
    refine->codec = r->codec;
    refine->coding = r->coding;
    refine->limits = &r->intake->limits;
    refine->max_bytes = r->max_bytes;
    refine->ledger = &r->intake->ledger;
    refine->text = text;
    refine->body = r->body;
    refine->held = r->held;
}

static bool publish(struct request *r, const struct refine *refine)
{
    struct uplink_batch batch = {
        .signal = (uint32_t)r->signal,
        .records = (uint32_t)r->records,
        .received_ns = clock_wall_ns(),
        .payload = r->body,
        .charge = r->held,
        .sources = &refine->sources,
    };
    r->ticket = uplink_publish(r->intake->uplink, &batch, r->deadline_ms, decided, r);
    if (!r->ticket)
        return false;
    blob_drop(r->body); /* body and charge are the uplink's now */
    r->body = NULL;
    r->held = 0;
    return true;
}

/* Keeps what the sender is told when the batch is stored. False: no memory. */
static bool note_warning(struct request *r, const struct refine *refine)
{
    struct slice text = buf_slice(refine->text);
    if (refine->rejected == 0 && refine->mended == 0)
        return true;
    r->note = malloc(sizeof *r->note + text.len);
    if (!r->note)
        return false;
    *r->note = (struct request_note){refine->rejected, refine->mended, text.len};
    memcpy(r->note->text, text.data, text.len);
    return true;
}

/* Goes on with what was made of the body. As request_submit(). */
static bool proceed(struct request *r, const struct refine *refine, struct request_answer *answer)
{
    r->body = refine->body;
    r->held = refine->held;
    r->records = refine->records;
    if (refine->cause != OTLP_ACCEPTED)
        return refuse_now(r, refine->cause, buf_slice(refine->text), answer);
    if (!note_warning(r, refine))
        return refuse_now(r, OTLP_INTERNAL, slice_make(NULL, 0), answer);
    if (r->records == 0) {
        r->intake->counters.empty_requests += !r->note;
        count(r, OTLP_ACCEPTED);
        release(r);
        *answer = success(r);
        return false;
    }
    if (publish(r, refine))
        return true;
    return refuse_now(r, OTLP_INTERNAL, slice_make(NULL, 0), answer);
}

/* ---- large bodies ---- */

static void work_run(struct job *job)
{
    struct request_work *work = (struct request_work *)job;
    struct refinery tools;
    if (work->cancelled)
        return;
    work->refine.cause = OTLP_INTERNAL;
    if (refinery_init(&tools) != GW_OK)
        return;
    if (!refine_run(&work->refine, &tools, false))
        work->refine.cause = OTLP_INTERNAL;
    refinery_fini(&tools);
}

static void work_done(struct job *job, bool ran)
{
    struct request_work *work = (struct request_work *)job;
    struct intake *intake = work->intake;
    struct request *r = work->request;
    struct refine *refine = &work->refine;
    struct request_answer answer;
    if (!r) {
        jobs_give_back(intake->jobs, refine->body, &intake->ledger, refine->held);
    } else {
        r->work = NULL;
        if (!ran)
            refine->cause = OTLP_STOPPING;
        else if (refine->cause == OTLP_ACCEPTED && loop_now_ms(intake->loop) >= r->deadline_ms)
            refine->cause = OTLP_OVERLOADED; /* whoever waits for it is about to give up */
        if (!proceed(r, refine, &answer))
            r->on_answer(r->ctx, &answer);
    }
    buf_free(&work->text);
    free(work);
}

/* Hands the body to the thread. False: it has to be done here. */
static bool hand_over(struct request *r)
{
    struct intake *intake = r->intake;
    struct request_work *work = malloc(sizeof *work);
    if (!work)
        return false;
    work->job = (struct job){.run = work_run, .done = work_done};
    work->request = r;
    work->intake = intake;
    work->cancelled = false;
    work->text = buf_make(INTAKE_SCRATCH_BYTES);
    ask(r, &work->refine, &work->text);
    if (!jobs_put(intake->jobs, &work->job)) {
        free(work);
        return false;
    }
    intake->counters.large_requests++;
    r->work = work;
    r->body = NULL;
    r->held = 0;
    return true;
}

bool request_submit(struct request *r, uint64_t deadline_ms, struct request_answer *answer)
{
    struct intake *intake = r->intake;
    struct refine refine;
    r->deadline_ms = deadline_ms;
    ask(r, &refine, &intake->scratch);
    bool large = refine_is_large(&refine) || !refine_run(&refine, &intake->refinery, true);
    if (large && hand_over(r))
        return true;
    if (large && !refine_run(&refine, &intake->refinery, false))
        refine.cause = OTLP_INTERNAL; /* cannot be: nothing is too large any more */
    return proceed(r, &refine, answer);
}
