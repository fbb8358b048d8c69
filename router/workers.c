// SPDX-License-Identifier: Apache-2.0
#include "router/workers.h"

#include <stdlib.h>
#include <string.h>

#define SAY_EVERY_MS 10000u

struct workers {
    struct loop *loop;
    struct sessions *sessions;
    uint64_t memory_bytes;
    const struct log *log;
    struct worker **list;
    size_t count;
    uint64_t leaves;
    Masques__Bus__Refusal **pointers; /* scratch */
    size_t pointers_cap;
    struct log_gate gate;
};

static struct worker *by_name(const struct workers *ws, const char *name)
{
    for (size_t i = 0; i < ws->count; i++)
        if (strcmp(ws->list[i]->name, name) == 0)
            return ws->list[i];
    return NULL;
}

static void worker_free(struct worker *w)
{
    free(w->stored);
    free(w->refused);
    free(w);
}

static struct worker *add(struct workers *ws, const char *name)
{
    struct worker **list = realloc(ws->list, (ws->count + 1) * sizeof(struct worker *));
    if (!list)
        return NULL;
    ws->list = list;
    struct worker *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    memcpy(w->name, name, strnlen(name, SESSION_NAME_MAX_BYTES));
    list[ws->count++] = w;
    return w;
}

int workers_admit(struct workers *ws, struct session *session, const Masques__Bus__Hello *hello)
{
    if (hello->incarnation.len != STORE_INCARNATION_BYTES)
        return GW_ERR_INVALID;
    struct worker *w = by_name(ws, hello->name);
    bool known = w != NULL;
    if (!known)
        w = add(ws, hello->name);
    if (!w)
        return GW_ERR_NOMEM;
    if (known && memcmp(w->incarnation, hello->incarnation.data, sizeof w->incarnation) != 0) {
        memcpy(w->former, w->incarnation, sizeof w->former);
        w->replaced = true;
    }
    memcpy(w->incarnation, hello->incarnation.data, sizeof w->incarnation);
    w->session = session;
    session_set_owner(session, w);
    return GW_OK;
}

void workers_leave(struct workers *ws, struct worker *w)
{
    w->session = NULL;
    w->left = ++ws->leaves;
    w->stored_count = 0;
    w->refused_count = 0;
}

/* ---- credit ---- */

static size_t living(const struct workers *ws)
{
    size_t n = 0;
    for (size_t i = 0; i < ws->count; i++)
        n += ws->list[i]->session != NULL;
    return n;
}

/* Every batch is written within the turn in which it comes: what lies in memory is what is on its
 * way. */
uint64_t workers_credit(const struct workers *ws)
{
    size_t n = living(ws);
    return ws->memory_bytes / (n > WORKERS_SHARES_MIN ? n : WORKERS_SHARES_MIN);
}

void workers_share(struct workers *ws)
{
    if (living(ws) <= WORKERS_SHARES_MIN)
        return;
    for (size_t i = 0; i < ws->count; i++) {
        if (!ws->list[i]->session)
            continue;
        Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
        Masques__Bus__Credit credit = MASQUES__BUS__CREDIT__INIT;
        credit.bytes = workers_credit(ws);
        frame.body_case = MASQUES__BUS__FRAME__BODY_CREDIT;
        frame.credit = &credit;
        int err = sessions_send(ws->sessions, ws->list[i]->session, &frame, NULL, 0);
        if (err != GW_OK)
            log_debug(ws->log, "no credit to %s: %s", ws->list[i]->name, gw_strerror(err));
    }
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

static void no_memory(struct workers *ws, const struct worker *w)
{
    sessions_reset(ws->sessions, w->session, "no memory for its verdicts");
}

void workers_stored(struct workers *ws, struct worker *w, uint64_t number)
{
    if (grow((void **)&w->stored, w->stored_count, &w->stored_cap, sizeof *w->stored))
        w->stored[w->stored_count++] = number;
    else
        no_memory(ws, w);
}

void workers_refused(struct workers *ws, struct worker *w, uint64_t number,
                     Masques__Bus__Reason reason, uint32_t after_ms)
{
    if (!grow((void **)&w->refused, w->refused_count, &w->refused_cap, sizeof *w->refused)) {
        no_memory(ws, w);
        return;
    }
    Masques__Bus__Refusal *refusal = &w->refused[w->refused_count++];
    masques__bus__refusal__init(refusal);
    refusal->number = number;
    refusal->reason = reason;
    refusal->after_ms = after_ms;
}

/* One message with all verdicts of the turn; kept for the next turn where it cannot be sent. */
static void send_verdicts(struct workers *ws, struct worker *w)
{
    if (w->refused_count > ws->pointers_cap) {
        Masques__Bus__Refusal **list = realloc(ws->pointers, w->refused_count * sizeof *list);
        if (!list)
            return;
        ws->pointers = list;
        ws->pointers_cap = w->refused_count;
    }
    for (size_t i = 0; i < w->refused_count; i++)
        ws->pointers[i] = &w->refused[i];
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    Masques__Bus__PublishVerdict verdict = MASQUES__BUS__PUBLISH_VERDICT__INIT;
    verdict.n_stored = w->stored_count;
    verdict.stored = w->stored;
    verdict.n_refused = w->refused_count;
    verdict.refused = ws->pointers;
    frame.body_case = MASQUES__BUS__FRAME__BODY_PUBLISH_VERDICT;
    frame.publish_verdict = &verdict;
    int err = sessions_send(ws->sessions, w->session, &frame, NULL, 0);
    if (err == GW_OK) {
        w->stored_count = 0;
        w->refused_count = 0;
    } else if (log_gate_pass(&ws->gate, loop_now_ms(ws->loop), SAY_EVERY_MS)) {
        log_warn(ws->log, "no verdicts to %s: %s", w->name, gw_strerror(err));
    }
}

/* ---- the end of a turn ---- */

static void drop_away_longest(struct workers *ws, struct store *store)
{
    size_t oldest = ws->count;
    for (size_t i = 0; i < ws->count; i++)
        if (!ws->list[i]->session &&
            (oldest == ws->count || ws->list[i]->left < ws->list[oldest]->left))
            oldest = i;
    if (oldest == ws->count)
        return;
    store_forget_incarnation(store, ws->list[oldest]->incarnation);
    worker_free(ws->list[oldest]);
    ws->list[oldest] = ws->list[--ws->count];
}

void workers_end_of_turn(struct workers *ws, struct store *store)
{
    for (size_t i = 0; i < ws->count; i++) {
        struct worker *w = ws->list[i];
        if (w->replaced)
            store_forget_incarnation(store, w->former);
        w->replaced = false;
        if (w->session && (w->stored_count || w->refused_count))
            send_verdicts(ws, w);
    }
    if (ws->count > WORKERS_MAX)
        drop_away_longest(ws, store);
}

struct workers *workers_new(struct loop *loop, struct sessions *sessions, uint64_t memory_bytes,
                            const struct log *log)
{
    struct workers *ws = calloc(1, sizeof *ws);
    if (!ws)
        return NULL;
    ws->loop = loop;
    ws->sessions = sessions;
    ws->memory_bytes = memory_bytes;
    ws->log = log;
    return ws;
}

void workers_free(struct workers **at)
{
    struct workers *ws = *at;
    *at = NULL;
    if (!ws)
        return;
    for (size_t i = 0; i < ws->count; i++)
        worker_free(ws->list[i]);
    free(ws->list);
    free(ws->pointers);
    free(ws);
}
