// SPDX-License-Identifier: Apache-2.0
#include "shared/bus/link.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include "tests/support/suite.h"

#define LIMIT_MS 60000

struct pair {
    char directory[64], endpoint[128];
    struct loop *loop;
    struct link_context *context;
    struct link *router, *dealer;
    struct log log;
    struct link_message *last; /* at the router */
    unsigned at_router, at_dealer;
    unsigned until_router, until_dealer;
    struct loop_timer *limit;
};

static void arrived(struct pair *p)
{
    if (p->at_router >= p->until_router && p->at_dealer >= p->until_dealer)
        loop_stop(p->loop);
}

static void at_router(void *ctx, struct link_message *message)
{
    struct pair *p = ctx;
    link_message_free(&p->last);
    p->last = message;
    p->at_router++;
    arrived(p);
}

static void at_dealer(void *ctx, struct link_message *message)
{
    struct pair *p = ctx;
    link_message_free(&message);
    p->at_dealer++;
    arrived(p);
}

static void too_late(void *ctx)
{
    (void)ctx;
    ck_abort_msg("the messages did not arrive");
}

static void pair_open(struct pair *p)
{
    const char *why = NULL;
    *p = (struct pair){.directory = "/tmp/masques-link-XXXXXX", .log = {"test", LOG_LEVEL_DEBUG, 2}};
    ck_assert_ptr_nonnull(mkdtemp(p->directory));
    snprintf(p->endpoint, sizeof p->endpoint, "ipc://%s/bus.sock", p->directory);
    p->loop = loop_new();
    p->context = link_context_new();
    p->router = link_bind(p->loop, p->context, p->endpoint, at_router, p, &p->log, &why);
    ck_assert_msg(p->router != NULL, "%s", why);
    p->dealer = link_connect(p->loop, p->context, p->endpoint, at_dealer, p, &p->log, &why);
    ck_assert_msg(p->dealer != NULL, "%s", why);
    p->limit = loop_timer_new(p->loop, too_late, p);
    loop_timer_set(p->limit, LIMIT_MS);
}

static void pair_close(struct pair *p)
{
    char path[100];
    link_message_free(&p->last);
    link_close(&p->dealer);
    link_close(&p->router);
    link_context_free(&p->context);
    loop_timer_free(&p->limit);
    loop_free(&p->loop);
    snprintf(path, sizeof path, "%s/bus.sock", p->directory);
    unlink(path);
    rmdir(p->directory);
}

static int say(struct link *link, uint32_t route, uint64_t sequence, const struct link_payload *payloads,
               size_t count)
{
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    Masques__Bus__Heartbeat beat = MASQUES__BUS__HEARTBEAT__INIT;
    beat.sequence = sequence;
    frame.body_case = MASQUES__BUS__FRAME__BODY_HEARTBEAT;
    frame.heartbeat = &beat;
    return link_send(link, route, &frame, payloads, count);
}

START_TEST(hello_comes_with_the_senders_pid)
{
    struct pair p;
    pair_open(&p);
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    Masques__Bus__Hello hello = MASQUES__BUS__HELLO__INIT;
    frame.body_case = MASQUES__BUS__FRAME__BODY_HELLO;
    frame.hello = &hello;
    ck_assert_int_eq(link_send(p.dealer, 0, &frame, NULL, 0), GW_OK);
    p.until_router = 1;
    loop_run(p.loop);
    ck_assert_int_eq(p.last->pid, getpid());
    pair_close(&p);
}
END_TEST

START_TEST(a_message_arrives_whole)
{
    struct pair p;
    pair_open(&p);
    struct blob *big = blob_new(300000);
    big->len = 300000;
    memset(big->data, 'z', big->len);
    struct link_payload payloads[] = {
        {slice_of("copied"), NULL}, {slice_make(big->data, big->len), big}, {slice_of(""), NULL}};
    ck_assert_int_eq(say(p.dealer, 0, 7, payloads, 3), GW_OK);
    blob_drop(big); /* the link holds its own share */
    p.until_router = 1;
    loop_run(p.loop);
    ck_assert_uint_eq(p.last->frame->heartbeat->sequence, 7);
    ck_assert_uint_eq(p.last->frame->version, BUS_VERSION);
    ck_assert_uint_eq(p.last->payload_count, 3);
    ck_assert(slice_is(p.last->payloads[0], "copied"));
    ck_assert_uint_eq(p.last->payloads[1].len, 300000);
    ck_assert_int_eq(p.last->payloads[1].data[299999], 'z');
    ck_assert_uint_eq(p.last->payloads[2].len, 0);
    pair_close(&p);
}
END_TEST

/* More than one turn's budget, and more than the default high-water mark of ZeroMQ. */
START_TEST(no_message_is_lost_and_no_edge_is_missed)
{
    struct pair p;
    pair_open(&p);
    for (unsigned i = 0; i < 5000; i++)
        ck_assert_int_eq(say(p.dealer, 0, i, NULL, 0), GW_OK);
    p.until_router = 5000;
    loop_run(p.loop);
    ck_assert_uint_eq(p.last->frame->heartbeat->sequence, 4999);
    for (unsigned i = 0; i < 5000; i++)
        ck_assert_int_eq(say(p.router, p.last->route, i, NULL, 0), GW_OK);
    p.until_dealer = 5000;
    while (p.at_dealer < 5000)
        loop_run(p.loop);
    link_check(p.dealer);
    ck_assert_uint_eq(link_missed_edges(p.dealer), 0);
    pair_close(&p);
}
END_TEST

START_TEST(a_route_without_a_peer_is_an_error)
{
    struct pair p;
    pair_open(&p);
    ck_assert_int_eq(say(p.router, 12345, 1, NULL, 0), GW_ERR_NOT_FOUND);
    struct link_payload payload = {slice_of("x"), NULL};
    ck_assert_int_eq(say(p.router, 12345, 1, &payload, 1), GW_ERR_NOT_FOUND);
    pair_close(&p);
}
END_TEST

static void close_dealer(void *ctx, struct link_message *message)
{
    struct pair *p = ctx;
    link_message_free(&message);
    link_close(&p->dealer);
    p->at_dealer++;
    loop_stop(p->loop);
}

/* More messages wait behind the one whose taker closes the link: they are not for anybody any more. */
START_TEST(a_link_may_be_closed_by_who_takes_its_message)
{
    struct pair p;
    const char *why = NULL;
    pair_open(&p);
    link_close(&p.dealer);
    p.dealer = link_connect(p.loop, p.context, p.endpoint, close_dealer, &p, &p.log, &why);
    ck_assert_ptr_nonnull(p.dealer);
    ck_assert_int_eq(say(p.dealer, 0, 1, NULL, 0), GW_OK);
    p.until_router = 1;
    p.until_dealer = 2;
    while (p.at_router < 1) {
        p.until_dealer = 0;
        loop_run(p.loop);
    }
    for (unsigned i = 0; i < 10; i++)
        ck_assert_int_eq(say(p.router, p.last->route, i, NULL, 0), GW_OK);
    loop_run(p.loop);
    ck_assert_uint_eq(p.at_dealer, 1);
    ck_assert_ptr_null(p.dealer);
    pair_close(&p);
}
END_TEST

/* What was meant for a router that never came holds up no exit: a context that waits for it waits for ever, which
 * Check ends. */
START_TEST(the_context_ends_in_bounded_time_with_messages_unsent)
{
    struct pair p;
    const char *why = NULL;
    char nobody[128];
    pair_open(&p);
    snprintf(nobody, sizeof nobody, "ipc://%s/nobody.sock", p.directory);
    link_close(&p.dealer);
    p.dealer = link_connect(p.loop, p.context, nobody, at_dealer, &p, &p.log, &why);
    ck_assert_int_eq(say(p.dealer, 0, 1, NULL, 0), GW_OK);
    link_drop(&p.dealer);
    p.dealer = link_connect(p.loop, p.context, nobody, at_dealer, &p, &p.log, &why);
    ck_assert_int_eq(say(p.dealer, 0, 1, NULL, 0), GW_OK);
    pair_close(&p);
}
END_TEST

static void send_raw(const char *endpoint, const char *const *frames, size_t count)
{
    void *context = zmq_ctx_new();
    void *socket = zmq_socket(context, ZMQ_DEALER);
    ck_assert_int_eq(zmq_connect(socket, endpoint), 0);
    for (size_t i = 0; i < count; i++)
        ck_assert_int_ge(zmq_send(socket, frames[i], strlen(frames[i]), i + 1 < count ? ZMQ_SNDMORE : 0), 0);
    zmq_close(socket);
    zmq_ctx_term(context);
}

START_TEST(what_is_no_frame_of_ours_is_thrown_away)
{
    struct pair p;
    static const char *const garbage[] = {"\xff\xff\xff\xff", "payload"};
    static const char *const newer[] = {"\x10\x63"}; /* Frame.oldest = 99 */
    pair_open(&p);
    send_raw(p.endpoint, garbage, 2);
    send_raw(p.endpoint, newer, 1);
    ck_assert_int_eq(say(p.dealer, 0, 1, NULL, 0), GW_OK);
    p.until_router = 1;
    loop_run(p.loop);
    ck_assert_uint_eq(p.at_router, 1);
    ck_assert_uint_eq(p.last->frame->heartbeat->sequence, 1);
    pair_close(&p);
}
END_TEST

SUITE_MAIN("bus/link", a_message_arrives_whole, hello_comes_with_the_senders_pid,
           no_message_is_lost_and_no_edge_is_missed, a_route_without_a_peer_is_an_error,
           a_link_may_be_closed_by_who_takes_its_message,
           the_context_ends_in_bounded_time_with_messages_unsent, what_is_no_frame_of_ours_is_thrown_away)
