// SPDX-License-Identifier: Apache-2.0
/* An HTTP server on the test's own loop: takes requests whole, asks the test what to answer. */
#ifndef MASQUES_TESTS_CLICKHOUSE_FAKE_SERVER_H
#define MASQUES_TESTS_CLICKHOUSE_FAKE_SERVER_H

#include <arpa/inet.h>
#include <check.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/base/buf.h"
#include "shared/base/loop.h"

#define FAKE_MAX_BYTES (64u << 20)

struct fake_server;

/* A request that came whole. */
struct fake_request {
    const char *target; /* "/?query=..." */
    const char *head;   /* all of it */
    struct slice body;  /* without its chunks */
};

/* Appends a whole HTTP answer to `out`; nothing: none is given, the connection stays. False: it is closed (after what is
 * in `out`). */
typedef bool (*fake_answer_fn)(void *ctx, const struct fake_request *request, struct buf *out);

struct fake_connection {
    struct fake_connection *next;
    struct fake_server *server;
    int fd;
    struct event *event;
    struct buf in;
    bool continued;
};

struct fake_server {
    struct loop *loop;
    int fd;
    uint16_t port;
    struct event *event;
    struct fake_connection *connections;
    unsigned accepted;
    fake_answer_fn answer;
    void *ctx;
};

static inline void fake_connection_close(struct fake_connection *c)
{
    struct fake_connection **at = &c->server->connections;
    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    event_free(c->event);
    close(c->fd);
    buf_free(&c->in);
    free(c);
}

static inline void fake_send(int fd, struct slice bytes)
{
    while (bytes.len) {
        ssize_t n = send(fd, bytes.data, bytes.len, MSG_NOSIGNAL);
        if (n < 0)
            return;
        bytes = slice_make(bytes.data + n, bytes.len - (size_t)n);
    }
}

/* The body's chunks into `body`: bytes used, or 0 when they are not all there. */
static inline size_t fake_chunks(struct slice in, struct buf *body)
{
    size_t at = 0;
    for (;;) {
        const uint8_t *eol = in.len > at ? memmem(in.data + at, in.len - at, "\r\n", 2) : NULL;
        if (!eol)
            return 0;
        size_t n = strtoul((const char *)in.data + at, NULL, 16), from = (size_t)(eol - in.data) + 2;
        if (in.len < from + n + 2)
            return 0;
        buf_append(body, in.data + from, n);
        at = from + n + 2;
        if (n == 0)
            return at;
    }
}

static inline size_t fake_body(struct slice in, const char *head, struct buf *body)
{
    const char *length = strcasestr(head, "\r\nContent-Length:");
    if (strcasestr(head, "\r\nTransfer-Encoding: chunked"))
        return fake_chunks(in, body);
    size_t n = length ? strtoul(length + 17, NULL, 10) : 0;
    if (in.len < n)
        return SIZE_MAX;
    buf_append(body, in.data, n);
    return n;
}

/* False: the connection is gone. */
static inline bool fake_serve(struct fake_connection *c)
{
    const uint8_t *end = c->in.len ? memmem(c->in.data, c->in.len, "\r\n\r\n", 4) : NULL;
    if (!end)
        return true;
    size_t head_len = (size_t)(end - c->in.data) + 4;
    char *head = strndup((const char *)c->in.data, head_len);
    struct buf body = buf_make(FAKE_MAX_BYTES), out = buf_make(FAKE_MAX_BYTES);
    struct slice rest = slice_make(c->in.data + head_len, c->in.len - head_len);
    bool chunked = strcasestr(head, "\r\nTransfer-Encoding: chunked") != NULL, keep = true;
    size_t used = fake_body(rest, head, &body);
    if (chunked ? used == 0 : used == SIZE_MAX) {
        if (!c->continued && strcasestr(head, "\r\nExpect: 100-continue"))
            fake_send(c->fd, slice_of("HTTP/1.1 100 Continue\r\n\r\n"));
        c->continued = true;
    } else {
        char target[8192] = "";
        sscanf(head, "POST %8191s", target);
        struct fake_request request = {target, head, buf_slice(&body)};
        buf_drop_front(&c->in, head_len + used);
        c->continued = false;
        keep = c->server->answer(c->server->ctx, &request, &out);
        fake_send(c->fd, buf_slice(&out));
    }
    free(head);
    buf_free(&body);
    buf_free(&out);
    if (!keep)
        fake_connection_close(c);
    return keep;
}

static inline void fake_on_read(evutil_socket_t fd, short what, void *ctx)
{
    struct fake_connection *c = ctx;
    (void)what;
    uint8_t *at = buf_reserve(&c->in, 65536);
    ck_assert_ptr_nonnull(at);
    ssize_t n = recv(fd, at, 65536, 0);
    if (n <= 0) {
        fake_connection_close(c);
        return;
    }
    c->in.len += (size_t)n;
    fake_serve(c);
}

static inline void fake_on_accept(evutil_socket_t fd, short what, void *ctx)
{
    struct fake_server *s = ctx;
    (void)what;
    struct fake_connection *c = calloc(1, sizeof *c);
    c->fd = accept(fd, NULL, NULL);
    ck_assert_int_ge(c->fd, 0);
    c->server = s;
    c->in = buf_make(FAKE_MAX_BYTES);
    c->event = event_new(loop_base(s->loop), c->fd, EV_READ | EV_PERSIST, fake_on_read, c);
    c->next = s->connections;
    s->connections = c;
    s->accepted++;
    event_add(c->event, NULL);
}

static inline void fake_server_start(struct fake_server *s, struct loop *loop, fake_answer_fn answer, void *ctx)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    *s = (struct fake_server){.loop = loop, .answer = answer, .ctx = ctx};
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(s->fd, (struct sockaddr *)&at, sizeof at), 0);
    ck_assert_int_eq(listen(s->fd, 16), 0);
    ck_assert_int_eq(getsockname(s->fd, (struct sockaddr *)&at, &len), 0);
    s->port = ntohs(at.sin_port);
    s->event = event_new(loop_base(loop), s->fd, EV_READ | EV_PERSIST, fake_on_accept, s);
    event_add(s->event, NULL);
}

/* Returns when the kernel of the other end has the end of the stream: on a busy machine that is not at once. */
static inline void fake_end(int fd)
{
    struct tcp_info info = {.tcpi_state = TCP_ESTABLISHED};
    socklen_t len = sizeof info;
    if (shutdown(fd, SHUT_WR) != 0)
        return; /* it is gone already */
    while (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 && info.tcpi_state == TCP_FIN_WAIT1)
        usleep(1000);
}

/* Closes what is open; new connections are still taken. */
static inline void fake_server_drop(struct fake_server *s)
{
    while (s->connections) {
        fake_end(s->connections->fd);
        fake_connection_close(s->connections);
    }
}

static inline void fake_server_stop(struct fake_server *s)
{
    fake_server_drop(s);
    event_free(s->event);
    close(s->fd);
}

/* An answer as ClickHouse gives it; `code` 0: no exception. */
static inline void fake_reply(struct buf *out, int status, int code, uint64_t written, const char *text)
{
    buf_printf(out, "HTTP/1.1 %d X\r\nContent-Length: %zu\r\n", status, strlen(text));
    if (code)
        buf_printf(out, "X-ClickHouse-Exception-Code: %d\r\n", code);
    buf_printf(out, "X-ClickHouse-Summary: {\"read_rows\":\"1\",\"written_rows\":\"%llu\"}\r\n\r\n%s",
               (unsigned long long)written, text);
}

#endif
