// SPDX-License-Identifier: Apache-2.0
#include "exporters/clickhouse/client.h"

#include "tests/support/suite.h"
#include "tests/unit/exporters/clickhouse/fake_server.h"

#define PIECES 5u

struct world {
    struct loop *loop;
    struct fake_server server;
    struct client_rules rules;
    struct client *client;
    char url[64];
    /* What the server does, and saw. */
    bool (*answer)(struct world *w, const struct fake_request *request, struct buf *out);
    unsigned requests;
    struct buf body;
    char head[8192];
    /* What the call gives, and got. */
    unsigned pulled, rewound;
    int fails_at; /* piece at which the body fails; -1: never */
    unsigned done, wanted;
    struct client_reply reply;
    char text[256], error[256];
};

static bool on_request(void *ctx, const struct fake_request *request, struct buf *out)
{
    struct world *w = ctx;
    w->requests++;
    buf_clear(&w->body);
    buf_slice_append(&w->body, request->body);
    snprintf(w->head, sizeof w->head, "%s", request->head);
    return w->answer(w, request, out);
}

static bool take(struct world *w, const struct fake_request *request, struct buf *out)
{
    (void)w;
    (void)request;
    fake_reply(out, 200, 0, 7, "text");
    return true;
}

static struct world *world_new(void)
{
    struct world *w = calloc(1, sizeof *w);
    w->loop = loop_new();
    w->body = buf_make(1 << 20);
    w->answer = take;
    w->fails_at = -1;
    fake_server_start(&w->server, w->loop, on_request, w);
    w->rules = (struct client_rules){.username = "u", .password = "p", .ca_file = "", .cert_file = "",
                                     .key_file = "", .timeout_ms = 120000};
    w->client = client_new(w->loop, &w->rules);
    snprintf(w->url, sizeof w->url, "http://127.0.0.1:%u/?query=x", w->server.port);
    return w;
}

static void world_free(struct world *w)
{
    client_free(&w->client);
    fake_server_stop(&w->server);
    loop_free(&w->loop);
    buf_free(&w->body);
    free(w);
}

static int pull(void *ctx, struct slice *piece)
{
    static const char letters[] = "abcde";
    struct world *w = ctx;
    if (w->fails_at == (int)w->pulled)
        return GW_ERR_CORRUPT;
    if (w->pulled == PIECES)
        return 0;
    *piece = slice_make(letters + w->pulled++, 1);
    return 1;
}

static int rewind_body(void *ctx)
{
    struct world *w = ctx;
    w->rewound++;
    w->pulled = 0;
    return 0;
}

static void on_done(void *ctx, const struct client_reply *reply)
{
    struct world *w = ctx;
    w->reply = *reply;
    snprintf(w->text, sizeof w->text, "%.*s", (int)reply->text.len, reply->text.len ? (const char *)reply->text.data : "");
    snprintf(w->error, sizeof w->error, "%s", reply->error ? reply->error : "");
    if (++w->done == w->wanted)
        loop_stop(w->loop);
}

static struct client_call *post(struct world *w)
{
    return client_start(w->client, &(struct client_request){.url = w->url, .encoding = "zstd", .pull = pull,
                                                            .rewind = rewind_body, .body = w, .done = on_done, .ctx = w});
}

static void run(struct world *w)
{
    w->wanted = w->done + 1;
    loop_run(w->loop);
}

static void post_and_run(struct world *w)
{
    w->pulled = 0;
    ck_assert_ptr_nonnull(post(w));
    run(w);
}

START_TEST(a_body_is_pulled_and_the_reply_read)
{
    struct world *w = world_new();
    post_and_run(w);
    ck_assert_int_eq(w->reply.outcome, CLIENT_REPLIED);
    ck_assert_int_eq(w->reply.status, 200);
    ck_assert_int_eq(w->reply.exception, -1);
    ck_assert(w->reply.has_summary);
    ck_assert_uint_eq(w->reply.written_rows, 7);
    ck_assert_str_eq(w->text, "text");
    ck_assert_uint_eq(w->body.len, PIECES);
    ck_assert_mem_eq(w->body.data, "abcde", PIECES);
    ck_assert_ptr_nonnull(strstr(w->head, "POST /?query=x HTTP/1.1\r\n"));
    ck_assert_ptr_nonnull(strstr(w->head, "X-ClickHouse-User: u\r\n"));
    ck_assert_ptr_nonnull(strstr(w->head, "X-ClickHouse-Key: p\r\n"));
    ck_assert_ptr_nonnull(strstr(w->head, "Content-Encoding: zstd\r\n"));
    ck_assert_ptr_null(strcasestr(w->head, "Authorization"));
    world_free(w);
}
END_TEST

START_TEST(a_text_is_a_body_too)
{
    struct world *w = world_new();
    w->rules.username = w->rules.password = "";
    struct client_request request = {.url = w->url, .text = slice_of("SELECT 1"), .done = on_done, .ctx = w};
    ck_assert_ptr_nonnull(client_start(w->client, &request));
    run(w);
    ck_assert_int_eq(w->reply.outcome, CLIENT_REPLIED);
    ck_assert_mem_eq(w->body.data, "SELECT 1", 8);
    ck_assert_ptr_null(strstr(w->head, "X-ClickHouse"));
    world_free(w);
}
END_TEST

static bool refuse(struct world *w, const struct fake_request *request, struct buf *out)
{
    (void)w;
    (void)request;
    fake_reply(out, 404, 60, 0, "Code: 60.");
    return true;
}

START_TEST(an_exception_is_a_reply)
{
    struct world *w = world_new();
    w->answer = refuse;
    post_and_run(w);
    ck_assert_int_eq(w->reply.outcome, CLIENT_REPLIED);
    ck_assert_int_eq(w->reply.exception, 60);
    ck_assert_str_eq(w->text, "Code: 60.");
    world_free(w);
}
END_TEST

START_TEST(connections_are_used_again_and_may_be_closed_meanwhile)
{
    struct world *w = world_new();
    post_and_run(w);
    post_and_run(w);
    ck_assert_uint_eq(w->server.accepted, 1);
    fake_server_drop(&w->server);
    post_and_run(w);
    ck_assert_int_eq(w->reply.outcome, CLIENT_REPLIED);
    ck_assert_uint_eq(w->server.accepted, 2);
    ck_assert_mem_eq(w->body.data, "abcde", PIECES);
    world_free(w);
}
END_TEST

START_TEST(several_calls_run_side_by_side)
{
    struct world *w = world_new();
    for (int i = 0; i < 4; i++)
        ck_assert_ptr_nonnull(client_start(w->client, &(struct client_request){.url = w->url, .text = slice_of("x"),
                                                                               .done = on_done, .ctx = w}));
    w->wanted = 4;
    loop_run(w->loop);
    ck_assert_uint_eq(w->requests, 4);
    world_free(w);
}
END_TEST

static bool hang_up(struct world *w, const struct fake_request *request, struct buf *out)
{
    (void)w;
    (void)request;
    (void)out;
    return false;
}

START_TEST(without_an_answer_nobody_knows)
{
    struct world *w = world_new();
    w->answer = hang_up;
    post_and_run(w);
    ck_assert_int_eq(w->reply.outcome, CLIENT_UNKNOWN);
    ck_assert_uint_eq(w->requests, 1); /* not sent again by itself */
    ck_assert_str_ne(w->error, "");
    /* Nor over a kept connection. */
    w->answer = take;
    post_and_run(w);
    w->answer = hang_up;
    w->requests = 0;
    post_and_run(w);
    ck_assert_int_eq(w->reply.outcome, CLIENT_UNKNOWN);
    ck_assert_uint_eq(w->requests, 1);
    world_free(w);
}
END_TEST

static bool cut(struct world *w, const struct fake_request *request, struct buf *out)
{
    (void)w;
    (void)request;
    buf_text(out, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
    return false;
}

START_TEST(an_answer_that_is_cut_off_is_none)
{
    struct world *w = world_new();
    w->answer = cut;
    post_and_run(w);
    ck_assert_int_eq(w->reply.outcome, CLIENT_UNKNOWN);
    world_free(w);
}
END_TEST

START_TEST(who_is_not_there_has_nothing)
{
    struct world *w = world_new();
    fake_server_stop(&w->server);
    post_and_run(w);
    ck_assert_int_eq(w->reply.outcome, CLIENT_UNSENT);
    fake_server_start(&w->server, w->loop, on_request, w);
    world_free(w);
}
END_TEST

START_TEST(a_body_that_fails_never_ends)
{
    struct world *w = world_new();
    w->fails_at = 3;
    post_and_run(w);
    ck_assert_int_eq(w->reply.outcome, CLIENT_BODY_ENDED);
    ck_assert_int_eq(w->reply.body_error, GW_ERR_CORRUPT);
    w->fails_at = -1;
    post_and_run(w);
    ck_assert_int_eq(w->reply.outcome, CLIENT_REPLIED);
    ck_assert_uint_eq(w->requests, 1); /* the first one never came whole */
    world_free(w);
}
END_TEST

static bool silence(struct world *w, const struct fake_request *request, struct buf *out)
{
    (void)w;
    (void)request;
    (void)out;
    return true;
}

START_TEST(a_call_ends_in_time)
{
    struct world *w = world_new();
    w->answer = silence;
    w->rules.timeout_ms = 25;
    do { /* on a slow machine the time is over before anything was sent */
        w->rules.timeout_ms *= 2;
        post_and_run(w);
    } while (w->reply.outcome == CLIENT_UNSENT && w->rules.timeout_ms < 60000);
    ck_assert_int_eq(w->reply.outcome, CLIENT_UNKNOWN);
    world_free(w);
}
END_TEST

static bool cancel_and_stop(struct world *w, const struct fake_request *request, struct buf *out)
{
    (void)request;
    (void)out;
    loop_stop(w->loop);
    return true;
}

START_TEST(a_cancelled_call_is_not_heard_of)
{
    struct world *w = world_new();
    w->answer = cancel_and_stop;
    struct client_call *call = post(w);
    loop_run(w->loop);
    client_cancel(&call);
    ck_assert_ptr_null(call);
    w->answer = take;
    post_and_run(w);
    ck_assert_uint_eq(w->done, 1);
    world_free(w);
}
END_TEST

SUITE_MAIN("client", a_body_is_pulled_and_the_reply_read, a_text_is_a_body_too, an_exception_is_a_reply,
           connections_are_used_again_and_may_be_closed_meanwhile, several_calls_run_side_by_side,
           without_an_answer_nobody_knows, an_answer_that_is_cut_off_is_none, who_is_not_there_has_nothing,
           a_body_that_fails_never_ends, a_call_ends_in_time, a_cancelled_call_is_not_heard_of)
