// SPDX-License-Identifier: Apache-2.0
/* A stage for tests around the uplink: a loop, and a bound link that plays the router. A test acts between runs of
 * the loop, each of which goes on until a condition is true. */
#ifndef MASQUES_TESTS_BUS_STAGE_H
#define MASQUES_TESTS_BUS_STAGE_H

#include <stdio.h>
#include <unistd.h>

#include "receiver/worker/uplink.h"
#include "tests/support/suite.h"

#define STAGE_LIMIT_MS 60000u
#define STAGE_SEEN_MAX 1024u
#define STAGE_SILENT UINT64_MAX /* credit: HELLO gets no answer */

struct stage;

typedef bool (*stage_condition)(const struct stage *s);

/* A batch as the router saw it. */
struct seen {
    uint64_t number, lowest_open, session, message;
    uint32_t records;
    size_t len;
    uint8_t first_byte;
};

struct stage {
    char directory[64], endpoint[128];
    struct log log;
    struct loop *loop;
    struct link_context *context;
    struct link *router;
    struct ledger ledger;
    struct uplink *uplink;
    struct loop_timer *limit;
    stage_condition until;
    unsigned wanted_count; /* for conditions */

    /* how the router behaves */
    uint64_t credit;
    uint64_t max_batch;
    uint32_t wanted;
    bool store_at_once;

    /* what it saw */
    uint32_t route;
    uint64_t session;
    unsigned hellos;
    uint8_t incarnation[UPLINK_INCARNATION_BYTES];
    bool incarnation_changed;
    uint64_t messages;
    struct seen seen[STAGE_SEEN_MAX];
    unsigned seen_count;

    /* what came back to the publisher */
    unsigned done_count;
    unsigned outcomes[UPLINK_STOPPING + 1];
    uint32_t last_after_ms;
    uint64_t done_at_ms;
    unsigned fenced, ups, downs;
    void *user;
};

static inline void stage_send(struct stage *s, Masques__Bus__Frame *frame)
{
    frame->session = s->session;
    int err = link_send(s->router, s->route, frame, NULL, 0);
    ck_assert(err == GW_OK || err == GW_ERR_NOT_FOUND); /* who gave up waiting asks again over another socket */
}

static inline void stage_welcome(struct stage *s, const Masques__Bus__Hello *hello)
{
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    Masques__Bus__Welcome welcome = MASQUES__BUS__WELCOME__INIT;
    ck_assert_uint_eq(hello->incarnation.len, UPLINK_INCARNATION_BYTES);
    if (s->hellos++ == 0)
        memcpy(s->incarnation, hello->incarnation.data, UPLINK_INCARNATION_BYTES);
    s->incarnation_changed |=
        memcmp(s->incarnation, hello->incarnation.data, UPLINK_INCARNATION_BYTES) != 0;
    if (s->credit == STAGE_SILENT)
        return;
    welcome.session = ++s->session;
    welcome.credit = s->credit;
    welcome.max_batch = s->max_batch;
    welcome.wanted = s->wanted;
    frame.body_case = MASQUES__BUS__FRAME__BODY_WELCOME;
    frame.welcome = &welcome;
    stage_send(s, &frame);
}

static inline void stage_settle(struct stage *s, const uint64_t *numbers, size_t count, int reason,
                                uint32_t after_ms)
{
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    Masques__Bus__PublishVerdict verdict = MASQUES__BUS__PUBLISH_VERDICT__INIT;
    Masques__Bus__Refusal refusal = MASQUES__BUS__REFUSAL__INIT;
    Masques__Bus__Refusal *list[] = {&refusal};
    if (reason < 0) {
        verdict.n_stored = count;
        verdict.stored = (uint64_t *)(uintptr_t)numbers;
    } else {
        refusal.number = numbers[0];
        refusal.reason = (Masques__Bus__Reason)reason;
        refusal.after_ms = after_ms;
        verdict.n_refused = 1;
        verdict.refused = list;
    }
    frame.body_case = MASQUES__BUS__FRAME__BODY_PUBLISH_VERDICT;
    frame.publish_verdict = &verdict;
    stage_send(s, &frame);
}

static inline void stage_store(struct stage *s, uint64_t number)
{
    stage_settle(s, &number, 1, -1, 0);
}

/* The router forgets the session, as one that was started anew does. */
static inline void stage_reset(struct stage *s)
{
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    Masques__Bus__Reset reset = MASQUES__BUS__RESET__INIT;
    frame.body_case = MASQUES__BUS__FRAME__BODY_RESET;
    frame.reset = &reset;
    stage_send(s, &frame);
}

static inline void stage_publish(struct stage *s, const struct link_message *message)
{
    const Masques__Bus__Publish *publish = message->frame->publish;
    ck_assert_uint_eq(publish->n_batches, message->payload_count);
    s->messages++;
    for (size_t i = 0; i < publish->n_batches; i++) {
        ck_assert_uint_lt(s->seen_count, STAGE_SEEN_MAX);
        s->seen[s->seen_count++] = (struct seen){
            .number = publish->batches[i]->number,
            .lowest_open = publish->lowest_open,
            .session = message->frame->session,
            .message = s->messages,
            .records = publish->batches[i]->records,
            .len = message->payloads[i].len,
            .first_byte = message->payloads[i].len ? message->payloads[i].data[0] : 0,
        };
        if (s->store_at_once)
            stage_store(s, publish->batches[i]->number);
    }
}

/* Without that the session would be over after 2 s, which on a slow machine are none. */
static inline void stage_heartbeat(struct stage *s)
{
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    Masques__Bus__Heartbeat beat = MASQUES__BUS__HEARTBEAT__INIT;
    beat.wanted = s->wanted;
    frame.body_case = MASQUES__BUS__FRAME__BODY_HEARTBEAT;
    frame.heartbeat = &beat;
    stage_send(s, &frame);
}

static inline void stage_message(void *ctx, struct link_message *message)
{
    struct stage *s = ctx;
    s->route = message->route;
    if (message->frame->body_case == MASQUES__BUS__FRAME__BODY_HELLO)
        stage_welcome(s, message->frame->hello);
    else if (message->frame->body_case == MASQUES__BUS__FRAME__BODY_PUBLISH &&
             message->frame->session == s->session)
        stage_publish(s, message);
    else if (message->frame->body_case == MASQUES__BUS__FRAME__BODY_HEARTBEAT &&
             message->frame->session == s->session)
        stage_heartbeat(s);
    link_message_free(&message);
}

static inline bool stage_look(void *ctx)
{
    struct stage *s = ctx;
    if (s->until(s))
        loop_stop(s->loop);
    return false;
}

static inline void stage_too_late(void *ctx)
{
    (void)ctx;
    ck_abort_msg("what the script waits for did not happen");
}

static inline void stage_fenced(void *ctx, const char *why)
{
    struct stage *s = ctx;
    ck_assert_ptr_nonnull(why);
    s->fenced++;
}

static inline void stage_session(void *ctx, bool up)
{
    struct stage *s = ctx;
    if (up)
        s->ups++;
    else
        s->downs++;
}

static inline void stage_open(struct stage *s)
{
    static const struct uplink_events events = {.fenced = stage_fenced, .session = stage_session};
    const char *why = NULL;
    *s = (struct stage){.directory = "/tmp/masques-stage-XXXXXX",
                        .log = {"test", LOG_LEVEL_WARN, STDERR_FILENO},
                        .credit = 1 << 20,
                        .wanted = 0xe};
    ck_assert_ptr_nonnull(mkdtemp(s->directory));
    snprintf(s->endpoint, sizeof s->endpoint, "ipc://%s/bus", s->directory);
    s->loop = loop_new();
    s->context = link_context_new();
    s->router =
        link_bind(s->loop, s->context, s->endpoint, stage_message, s, &s->log, &why);
    ck_assert_msg(s->router != NULL, "%s", why);
    ledger_init(&s->ledger, 1 << 20);
    s->uplink = uplink_new(&(struct uplink_setup){.loop = s->loop,
                                                  .context = s->context,
                                                  .endpoint = s->endpoint,
                                                  .name = "worker/1",
                                                  .ledger = &s->ledger,
                                                  .events = &events,
                                                  .ctx = s,
                                                  .log = &s->log});
    ck_assert_ptr_nonnull(s->uplink);
    s->limit = loop_timer_new(s->loop, stage_too_late, s);
}

static inline void stage_until(struct stage *s, stage_condition condition)
{
    s->until = condition;
    loop_timer_set(s->limit, STAGE_LIMIT_MS);
    ck_assert_int_eq(loop_add_chore(s->loop, stage_look, s), GW_OK);
    loop_run(s->loop);
    loop_remove_chore(s->loop, stage_look, s);
}

static inline bool stage_is_up(const struct stage *s)
{
    return uplink_is_up(s->uplink);
}

static inline bool stage_saw(const struct stage *s)
{
    return s->seen_count >= s->wanted_count;
}

static inline void stage_until_seen(struct stage *s, unsigned count)
{
    s->wanted_count = count;
    stage_until(s, stage_saw);
}

static inline bool stage_was_done(const struct stage *s)
{
    return s->done_count >= s->wanted_count;
}

static inline void stage_until_done(struct stage *s, unsigned count)
{
    s->wanted_count = count;
    stage_until(s, stage_was_done);
}

static inline void stage_close(struct stage *s)
{
    char path[100];
    uplink_free(&s->uplink);
    link_close(&s->router);
    link_context_free(&s->context);
    loop_timer_free(&s->limit);
    loop_free(&s->loop);
    snprintf(path, sizeof path, "%s/bus", s->directory);
    unlink(path);
    rmdir(s->directory);
}

#endif
