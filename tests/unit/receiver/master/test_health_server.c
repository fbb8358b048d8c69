// SPDX-License-Identifier: Apache-2.0
/* The health endpoint against real sockets; server and clients share one loop, so the clients never block. */
#include "receiver/master/health_server.h"

#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "tests/support/suite.h"
#include "tests/unit/receiver/master/stage.h"

#define GET "GET /health HTTP/1.1\r\nHost: h\r\n\r\n"

struct scene {
    struct stage stage;
    struct health_server *server;
    int listener;
    struct sockaddr_in address;
    bool available;
    unsigned asked;
    size_t filler; /* bytes of the body */

    int client;
    struct event *readable;
    char *got; /* what the client received, with a NUL */
    size_t len, room;
    bool ended, reset;
    const char *wanted;
    unsigned wanted_times;
};

static bool body(void *ctx, struct buf *out)
{
    struct scene *s = ctx;
    s->asked++;
    buf_text(out, "{\"is\":\"it\"}");
    for (size_t i = 0; i < s->filler; i++)
        buf_byte(out, ' ');
    return s->available;
}

static const struct health_page pages[] = {{"/health", "application/json", body},
                                           {"/ready", "application/json", body},
                                           {"/", "application/json", body},
                                           {"/numbers", "text/plain; version=1", body},
                                           {"/ready", "nobody/asks", NULL}};

static void scene_open_for(struct scene *s, uint32_t request_ms)
{
    socklen_t len = sizeof s->address;
    *s = (struct scene){.available = true, .client = -1, .room = 4u << 20};
    stage_open(&s->stage);
    s->got = calloc(1, s->room);
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    s->address.sin_family = AF_INET;
    s->address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(bind(s->listener, (struct sockaddr *)&s->address, sizeof s->address), 0);
    ck_assert_int_eq(listen(s->listener, 128), 0);
    ck_assert_int_eq(getsockname(s->listener, (struct sockaddr *)&s->address, &len), 0);
    s->server = health_server_new(s->stage.loop, s->listener, pages, 5, request_ms, s);
    ck_assert_ptr_nonnull(s->server);
}

static void scene_open(struct scene *s)
{
    scene_open_for(s, HEALTH_SERVER_REQUEST_MS);
}

static int dial(const struct scene *s)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(fd, (const struct sockaddr *)&s->address, sizeof s->address), 0);
    return fd;
}

static void client_reads(evutil_socket_t fd, short what, void *arg)
{
    struct scene *s = arg;
    (void)what;
    ssize_t n = recv(fd, s->got + s->len, s->room - s->len - 1, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN)
        return;
    s->reset = n < 0;
    s->ended = n <= 0;
    s->len += n > 0 ? (size_t)n : 0;
    if (s->ended)
        event_del(s->readable);
}

static void hang_up(struct scene *s)
{
    if (s->readable)
        event_free(s->readable);
    s->readable = NULL;
    if (s->client >= 0)
        close(s->client);
    s->client = -1;
}

static void listen_to(struct scene *s)
{
    s->readable = event_new(loop_base(s->stage.loop), s->client, EV_READ | EV_PERSIST, client_reads, s);
    ck_assert_int_eq(event_add(s->readable, NULL), 0);
}

/* A new client that says `text`. */
static void say(struct scene *s, const char *text)
{
    hang_up(s);
    s->client = dial(s);
    s->len = 0;
    s->ended = s->reset = false;
    memset(s->got, 0, s->room);
    ck_assert_int_eq(send(s->client, text, strlen(text), 0), (ssize_t)strlen(text));
    listen_to(s);
}

static unsigned count(const char *text, const char *word)
{
    unsigned n = 0;
    for (const char *at = text; (at = strstr(at, word)); at += strlen(word))
        n++;
    return n;
}

static bool has_wanted(void *ctx)
{
    struct scene *s = ctx;
    return count(s->got, s->wanted) >= s->wanted_times;
}

static bool has_ended(void *ctx) { return ((struct scene *)ctx)->ended; }

static void wait_for(struct scene *s, const char *text, unsigned times)
{
    s->wanted = text;
    s->wanted_times = times;
    stage_run_until(&s->stage, has_wanted, s);
}

static void scene_close(struct scene *s)
{
    hang_up(s);
    health_server_free(&s->server);
    close(s->listener);
    free(s->got);
    stage_close(&s->stage);
}

START_TEST(requests_are_answered_or_refused)
{
    static const struct {
        const char *request, *answer, *why;
        bool ends;
    } cases[] = {
        {GET, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n"
              "Connection: keep-alive\r\n\r\n{\"is\":\"it\"}", "the collector's path", false},
        {"GET / HTTP/1.1\r\nHost: h\r\n\r\n", "{\"is\":\"it\"}", "the root", false},
        {"GET /ready?verbose HTTP/1.1\r\nHost: h\r\n\r\n", "{\"is\":\"it\"}", "the configured path", false},
        {"GET /numbers HTTP/1.1\r\nHost: h\r\n\r\n",
         "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=1\r\n", "a page of another type", false},
        {"GET /Numbers HTTP/1.1\r\nHost: h\r\n\r\n", "there are: /health /ready / /numbers\n", "the pages are named", false},
        {"HEAD / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
         "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\nConnection: close\r\n\r\n",
         "HEAD has no body", true},
        {"HEAD /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "HTTP/1.1 404 ", "nor has its 404", true},
        {"GET / HTTP/1.0\r\n\r\n", "Connection: close\r\n\r\n{\"is\":\"it\"}", "1.0 closes", true},
        {"GET /nothing HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 404 Not Found\r\n", "no such path", false},
        {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc",
         "HTTP/1.1 405 Method Not Allowed\r\n", "a body is not read on", true},
        {"DELETE / HTTP/1.1\r\nHost: h\r\n\r\n", "Allow: GET, HEAD\r\n", "only these two", false},
        {"GET /\r\n\r\n", "HTTP/1.1 400 ", "HTTP/0.9", true},
        {"\x16\x03\x01\x02\x03\r\n\r\n", "HTTP/1.1 400 ", "TLS", true},
        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/1.1 505 ", "HTTP/2 with prior knowledge", true},
    };
    struct scene s;
    scene_open(&s);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        say(&s, cases[i].request);
        wait_for(&s, cases[i].answer, 1);
        if (cases[i].ends)
            stage_run_until(&s.stage, has_ended, &s);
        ck_assert_msg(!s.reset, "%s", cases[i].why);
        if (strncmp(cases[i].request, "HEAD", 4) == 0)
            ck_assert_msg(strcmp(strstr(s.got, "\r\n\r\n"), "\r\n\r\n") == 0, "%s: %s", cases[i].why, s.got);
    }
    scene_close(&s);
}
END_TEST

START_TEST(not_available_is_503)
{
    struct scene s;
    scene_open(&s);
    s.available = false;
    say(&s, GET);
    wait_for(&s, "HTTP/1.1 503 Service Unavailable\r\n", 1);
    scene_close(&s);
}
END_TEST

START_TEST(a_request_may_come_byte_by_byte_and_several_on_one_connection)
{
    struct scene s;
    scene_open(&s);
    say(&s, "G");
    for (const char *at = &(GET GET)[1]; *at; at++) {
        ck_assert_int_eq(send(s.client, at, 1, 0), 1);
        stage_run_for(&s.stage, 0);
    }
    wait_for(&s, "{\"is\":\"it\"}", 2);
    scene_close(&s);
}
END_TEST

/* Answers are made one by one: a client that asks and asks but does not read costs one answer's memory. */
START_TEST(pipelined_requests_are_answered_as_the_client_reads)
{
    enum { TIMES = 100 };
    struct scene s;
    char all[TIMES * sizeof GET] = "";
    scene_open_for(&s, STAGE_LIMIT_MS); /* it may be slow here */
    s.filler = 500000;
    for (int i = 0; i < TIMES; i++)
        strcat(all, GET);
    s.client = dial(&s);
    ck_assert_int_eq(send(s.client, all, strlen(all), 0), (ssize_t)strlen(all));
    int probe = s.client; /* nobody reads it while others are served */
    s.client = -1;
    for (int i = 0; i < 5; i++) {
        say(&s, GET);
        wait_for(&s, "{\"is\":\"it\"}", 1);
    }
    ck_assert_uint_lt(s.asked, TIMES / 2);
    hang_up(&s);
    s.filler = 0;
    s.client = probe;
    s.len = 0;
    memset(s.got, 0, s.room);
    listen_to(&s);
    while (s.asked < TIMES + 5 && !s.ended) {
        s.len = 0;
        stage_run_for(&s.stage, 1);
    }
    ck_assert_uint_eq(s.asked, TIMES + 5);
    scene_close(&s);
}
END_TEST

START_TEST(slow_clients_do_not_keep_a_probe_from_its_answer)
{
    struct scene s;
    int slow[100];
    scene_open_for(&s, STAGE_LIMIT_MS); /* none of them goes because its time is over */
    for (int i = 0; i < 100; i++) {
        slow[i] = dial(&s);
        ck_assert_int_eq(send(slow[i], "GET /", 5, 0), 5);
    }
    say(&s, GET);
    wait_for(&s, "{\"is\":\"it\"}", 1);
    char byte;
    struct pollfd oldest = {.fd = slow[0], .events = POLLIN};
    ck_assert_int_eq(poll(&oldest, 1, STAGE_LIMIT_MS), 1);
    ck_assert_int_le(recv(slow[0], &byte, 1, 0), 0); /* it had to go */
    ck_assert(recv(slow[99], &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN);
    for (int i = 0; i < 100; i++)
        close(slow[i]);
    scene_close(&s);
}
END_TEST

/* Drip by drip: a limit that every byte moves on would never come. */
START_TEST(a_request_that_never_ends_is_ended)
{
    struct scene s;
    scene_open_for(&s, 300);
    say(&s, "GET / HTTP/1.1\r\n");
    while (!s.ended) {
        if (send(s.client, "a: b\r\n", 6, MSG_NOSIGNAL) < 0)
            break;
        stage_run_for(&s.stage, 10);
    }
    ck_assert_uint_eq(s.len, 0);
    scene_close(&s);
}
END_TEST

START_TEST(a_client_that_does_not_read_its_answer_is_let_go)
{
    struct scene s;
    scene_open_for(&s, 300);
    unsigned before = stage_open_files();
    s.filler = 1000000; /* more than a socket holds, of several */
    int client = dial(&s);
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(send(client, GET, strlen(GET), 0), (ssize_t)strlen(GET));
    while (s.asked < 1)
        stage_run_for(&s.stage, 1);
    while (stage_open_files() > before + 1)
        stage_run_for(&s.stage, 10);
    ck_assert_uint_lt(s.asked, 20);
    close(client);
    scene_close(&s);
}
END_TEST

START_TEST(a_large_body_that_is_refused_does_not_reset_the_answer)
{
    struct scene s;
    size_t len = 600000;
    char *big = malloc(len);
    memset(big, 'x', len);
    scene_open(&s);
    say(&s, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 600000\r\n\r\n");
    size_t sent = 0;
    while (sent < len && !s.reset) {
        ssize_t n = send(s.client, big + sent, len - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        ck_assert_msg(n > 0 || errno == EAGAIN, "the connection was reset after %zu bytes", sent);
        sent += n > 0 ? (size_t)n : 0;
        stage_run_for(&s.stage, 0);
    }
    shutdown(s.client, SHUT_WR);
    stage_run_until(&s.stage, has_ended, &s);
    ck_assert(!s.reset);
    ck_assert_msg(strncmp(s.got, "HTTP/1.1 405 ", 13) == 0, "%s", s.got);
    free(big);
    scene_close(&s);
}
END_TEST

START_TEST(clients_that_go_leave_nothing_behind)
{
    struct scene s;
    scene_open(&s);
    unsigned before = stage_open_files();
    for (int i = 0; i < 20; i++) {
        say(&s, i % 2 ? GET : "GET / HT");
        if (i % 2)
            wait_for(&s, "{\"is\":\"it\"}", 1);
        hang_up(&s);
    }
    say(&s, "GET / HTTP/1.0\r\n\r\n");
    stage_run_until(&s.stage, has_ended, &s);
    hang_up(&s);
    while (stage_open_files() > before)
        stage_run_for(&s.stage, 1);
    scene_close(&s);
}
END_TEST

static int is_watched(const struct event_base *base, const struct event *event, void *arg)
{
    (void)base;
    return event_get_fd(event) == *(const int *)arg && event_pending(event, EV_READ, NULL);
}

/* Whether the loop would be woken by who waits at the door. */
static bool listens(struct scene *s)
{
    return event_base_foreach_event(loop_base(s->stage.loop), is_watched, &s->listener) != 0;
}

START_TEST(without_descriptors_it_does_not_spin_and_goes_on_later)
{
    struct scene s;
    struct rlimit before, none;
    scene_open(&s);
    ck_assert(listens(&s));
    say(&s, GET);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){.rlim_cur = 3, .rlim_max = before.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    while (listens(&s)) /* also where somebody was let in before: who makes room */
        stage_run_for(&s.stage, 1);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    wait_for(&s, "200 OK", 1);
    scene_close(&s);
}
END_TEST

SUITE_MAIN("receiver/master/health_server", without_descriptors_it_does_not_spin_and_goes_on_later, requests_are_answered_or_refused, not_available_is_503,
           a_request_may_come_byte_by_byte_and_several_on_one_connection,
           pipelined_requests_are_answered_as_the_client_reads,
           slow_clients_do_not_keep_a_probe_from_its_answer, a_request_that_never_ends_is_ended,
           a_client_that_does_not_read_its_answer_is_let_go,
           a_large_body_that_is_refused_does_not_reset_the_answer, clients_that_go_leave_nothing_behind)
