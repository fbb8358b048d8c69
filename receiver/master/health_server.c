// SPDX-License-Identifier: Apache-2.0
#include "receiver/master/health_server.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/http/http1.h"
#include "shared/http/http1_response.h"

#define CLIENTS_MAX 64
#define HEAD_BYTES 4096u
#define BODY_BYTES (4u * 1024 * 1024) /* metrics of as many sources and exporters as there may be */
#define NO_ROOM_MS 1000u /* without descriptors nobody is let in for so long */
#define LINGER_MS 2000u             /* after the last answer */
#define LINGER_BYTES (1024u * 1024) /* read and thrown away then */

struct client {
    struct health_server *server;
    struct client *next; /* the one that came before it */
    int fd;
    struct event *readable;
    struct event *writable;
    struct loop_timer *limit;
    size_t got;
    uint8_t head[HEAD_BYTES];
    struct buf out;
    size_t sent;
    bool close_after; /* the answer in `out` is the last one */
    bool lingering;   /* it is sent: what still comes in is thrown away */
    size_t thrown_away;
};

struct health_server {
    struct loop *loop;
    const struct health_page *pages;
    size_t page_count;
    uint32_t request_ms;
    void *ctx;
    struct event *accepting;
    struct loop_timer *pause;
    struct client *clients;
    unsigned count;
};

static void client_free(struct client *c)
{
    struct client **at = &c->server->clients;
    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    c->server->count--;
    if (c->readable)
        event_free(c->readable);
    if (c->writable)
        event_free(c->writable);
    loop_timer_free(&c->limit);
    close(c->fd);
    buf_free(&c->out);
    free(c);
}

/* ---- the answer ------------------------------------------------------------------------------------------------- */

static const struct health_page *find_page(const struct health_server *server, struct slice path)
{
    for (size_t i = 0; i < server->page_count; i++)
        if (slice_is(path, server->pages[i].path))
            return &server->pages[i];
    return NULL;
}

/* The answer with `body`, which it frees. `request` NULL: it was none. */
static void answer(struct client *c, const struct http1_request *request, unsigned status,
                   const char *content_type, struct buf *body)
{
    struct http1_response response = {.status = status, .content_type = content_type};
    if (!buf_ok(body)) {
        buf_clear(body);
        response.status = 500;
    }
    if (status == 405)
        response.allow = "GET, HEAD";
    /* A body that nobody reads would be taken for the next request. */
    c->close_after = !request || !request->keep_alive || request->content_length || request->chunked;
    response.close = c->close_after;
    response.content_length = body->len;
    http1_response_head(&c->out, &response);
    if (!request || !slice_is(request->method, "HEAD"))
        buf_slice_append(&c->out, buf_slice(body));
    buf_free(body);
}

static void answer_text(struct client *c, const struct http1_request *request, unsigned status,
                        const char *text)
{
    struct buf body = buf_make(BODY_BYTES);
    buf_text(&body, text);
    answer(c, request, status, "text/plain; charset=utf-8", &body);
}

static void answer_not_found(struct client *c, const struct http1_request *request)
{
    struct buf text = buf_make(BODY_BYTES);
    buf_text(&text, "404 not found, there are:");
    for (size_t i = 0; i < c->server->page_count; i++) {
        const struct health_page *page = &c->server->pages[i];
        if (find_page(c->server, slice_of(page->path)) == page) /* of two with the same path the first counts */
            buf_printf(&text, " %s", page->path);
    }
    buf_byte(&text, '\n');
    answer(c, request, 404, "text/plain; charset=utf-8", &text);
}

static void answer_request(struct client *c, const struct http1_request *request)
{
    const struct health_page *page = find_page(c->server, request->path);
    bool head = slice_is(request->method, "HEAD");
    if (!page) {
        answer_not_found(c, request);
    } else if (!head && !slice_is(request->method, "GET")) {
        answer_text(c, request, 405, "405 method not allowed, supported: GET, HEAD\n");
    } else {
        struct buf body = buf_make(BODY_BYTES);
        bool good = page->body(c->server->ctx, &body);
        answer(c, request, good ? 200 : 503, page->content_type, &body);
    }
}

/* True: there was one, and its answer is in `out`. */
static bool take_request(struct client *c)
{
    struct http1_request request;
    int64_t n = http1_request_parse(slice_make(c->head, c->got), HEAD_BYTES, &request);
    if (n == GW_ERR_INCOMPLETE)
        return false;
    if (n < 0) {
        char text[160];
        snprintf(text, sizeof text, "%u %s\n", request.status, request.why);
        answer_text(c, NULL, request.status, text);
        return true;
    }
    answer_request(c, &request);
    c->got -= (size_t)n;
    memmove(c->head, c->head + n, c->got);
    return true;
}

/* ---- bytes ------------------------------------------------------------------------------------------------------ */

/* 0: all is sent; GW_ERR_AGAIN: the client does not read; GW_ERR_CLOSED: it is gone. */
static int flush(struct client *c)
{
    while (c->sent < c->out.len) {
        ssize_t n = send(c->fd, c->out.data + c->sent, c->out.len - c->sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return GW_ERR_AGAIN;
        if (n <= 0)
            return GW_ERR_CLOSED;
        c->sent += (size_t)n;
    }
    buf_clear(&c->out);
    c->sent = 0;
    return GW_OK;
}

/* Closing with bytes unread would reset the connection, and the client might never see the answer. */
static void linger(struct client *c)
{
    c->lingering = true;
    shutdown(c->fd, SHUT_WR);
    loop_timer_set(c->limit, LINGER_MS);
}

/* Answers what has come in, one request after the other; reads no further while an answer waits to be taken. */
static void advance(struct client *c)
{
    while (take_request(c)) {
        int err = flush(c);
        if (err == GW_ERR_AGAIN && event_del(c->readable) == 0 && event_add(c->writable, NULL) == 0)
            return;
        if (err != GW_OK) {
            client_free(c);
            return;
        }
        if (c->close_after) {
            linger(c);
            return;
        }
        loop_timer_set(c->limit, c->server->request_ms);
    }
}

static void client_writable(evutil_socket_t fd, short what, void *arg)
{
    struct client *c = arg;
    (void)fd;
    (void)what;
    int err = flush(c);
    if (err == GW_ERR_AGAIN ? event_add(c->writable, NULL) != 0
                            : err != GW_OK || event_add(c->readable, NULL) != 0) {
        client_free(c);
    } else if (err == GW_OK && c->close_after) {
        linger(c);
    } else if (err == GW_OK) {
        loop_timer_set(c->limit, c->server->request_ms);
        advance(c);
    }
}

static void client_readable(evutil_socket_t fd, short what, void *arg)
{
    struct client *c = arg;
    (void)what;
    if (c->lingering)
        c->got = 0;
    ssize_t n = recv(fd, c->head + c->got, HEAD_BYTES - c->got, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    c->thrown_away += c->lingering && n > 0 ? (size_t)n : 0;
    if (n <= 0 || c->thrown_away > LINGER_BYTES) {
        client_free(c);
    } else if (!c->lingering) {
        c->got += (size_t)n;
        advance(c);
    }
}

static void client_too_slow(void *ctx)
{
    client_free(ctx);
}

static void free_oldest(struct health_server *server)
{
    struct client *c = server->clients;
    while (c && c->next)
        c = c->next;
    if (c)
        client_free(c);
}

/* Takes the descriptor. */
static void add_client(struct health_server *server, int fd)
{
    struct client *c = calloc(1, sizeof *c);
    if (!c) {
        close(fd);
        return;
    }
    c->server = server;
    c->fd = fd;
    c->out = buf_make(BODY_BYTES + HEAD_BYTES);
    c->next = server->clients;
    server->clients = c;
    server->count++;
    struct event_base *base = loop_base(server->loop);
    c->readable = event_new(base, fd, EV_READ | EV_PERSIST, client_readable, c);
    c->writable = event_new(base, fd, EV_WRITE, client_writable, c);
    c->limit = loop_timer_new(server->loop, client_too_slow, c);
    if (c->readable && c->writable && c->limit && event_add(c->readable, NULL) == 0)
        loop_timer_set(c->limit, c->server->request_ms);
    else
        client_free(c);
}

static void pause_over(void *ctx)
{
    struct health_server *server = ctx;
    if (event_add(server->accepting, NULL) != 0)
        loop_timer_set(server->pause, NO_ROOM_MS);
}

/* Who cannot be taken stays at the door, and would wake the loop without end. */
static void make_room(struct health_server *server, int err)
{
    if (err != EMFILE && err != ENFILE && err != ENOMEM && err != ENOBUFS)
        return;
    if (server->clients) {
        free_oldest(server);
        return;
    }
    event_del(server->accepting);
    loop_timer_set(server->pause, NO_ROOM_MS);
}

static void accept_one(evutil_socket_t listener, short what, void *arg)
{
    struct health_server *server = arg;
    (void)what;
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        make_room(server, errno);
        return;
    }
    if (server->count >= CLIENTS_MAX)
        free_oldest(server);
    add_client(server, fd);
}

/* ---- life ------------------------------------------------------------------------------------------------------- */

struct health_server *health_server_new(struct loop *loop, int fd, const struct health_page *pages,
                                        size_t page_count, uint32_t request_ms, void *ctx)
{
    struct health_server *server = calloc(1, sizeof *server);
    if (!server)
        return NULL;
    *server = (struct health_server){
        .loop = loop, .pages = pages, .page_count = page_count, .request_ms = request_ms, .ctx = ctx};
    server->accepting = event_new(loop_base(loop), fd, EV_READ | EV_PERSIST, accept_one, server);
    server->pause = loop_timer_new(loop, pause_over, server);
    if (!server->accepting || !server->pause || event_add(server->accepting, NULL) != 0)
        health_server_free(&server);
    return server;
}

void health_server_free(struct health_server **at)
{
    struct health_server *server = *at;
    *at = NULL;
    if (!server)
        return;
    while (server->clients)
        client_free(server->clients);
    if (server->accepting)
        event_free(server->accepting);
    loop_timer_free(&server->pause);
    free(server);
}
