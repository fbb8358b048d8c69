// SPDX-License-Identifier: Apache-2.0
#include "receiver/master/health_server.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/http/http1.h"
#include "shared/http/http1_response.h"

#define CLIENTS_MAX 64
#define HEAD_BYTES 4096u
#define BODY_BYTES (1024u * 1024)
#define CLIENT_TIMEOUT_S 10

struct client {
    struct health_server *server;
    struct client *next;
    int fd;
    struct event *readable;
    struct event *writable;
    size_t got;
    uint8_t head[HEAD_BYTES];
    struct buf out;
    size_t sent;
    bool close_after;
};

struct health_server {
    struct loop *loop;
    const char *path;
    health_server_fn body;
    void *ctx;
    const struct log *log;
    struct event *accepting;
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
    close(c->fd);
    buf_free(&c->out);
    free(c);
}

/* ---- the answer ------------------------------------------------------------------------------------------------- */

static bool path_counts(const struct health_server *server, struct slice path)
{
    return slice_is(path, "/") || slice_is(path, "/health") || slice_is(path, server->path);
}

static void answer(struct client *c, const struct http1_request *request, unsigned status,
                   const char *text, bool head_only)
{
    struct health_server *server = c->server;
    struct buf body = buf_make(BODY_BYTES);
    struct http1_response response = {.status = status, .content_type = "text/plain; charset=utf-8"};
    if (text) {
        buf_text(&body, text);
    } else {
        response.status = server->body(server->ctx, &body) ? 200 : 503;
        response.content_type = "application/json";
    }
    if (!buf_ok(&body)) {
        buf_clear(&body);
        response.status = 500;
    }
    if (status == 405)
        response.allow = "GET, HEAD";
    /* A body that nobody reads would be taken for the next request. */
    c->close_after = !request || !request->keep_alive || request->content_length || request->chunked;
    response.close = c->close_after;
    response.content_length = body.len;
    http1_response_head(&c->out, &response);
    if (!head_only)
        buf_slice_append(&c->out, buf_slice(&body));
    buf_free(&body);
}

static void answer_request(struct client *c, const struct http1_request *request)
{
    bool head = slice_is(request->method, "HEAD");
    if (!path_counts(c->server, request->path))
        answer(c, request, 404, "404 not found: health is at / and /health\n", head);
    else if (!head && !slice_is(request->method, "GET"))
        answer(c, request, 405, "405 method not allowed, supported: GET, HEAD\n", false);
    else
        answer(c, request, 200, NULL, head);
}

/* True while there was a whole request. */
static bool take_request(struct client *c)
{
    struct http1_request request;
    int64_t n = http1_request_parse(slice_make(c->head, c->got), HEAD_BYTES, &request);
    if (n == GW_ERR_INCOMPLETE)
        return false;
    if (n < 0) {
        char text[160];
        snprintf(text, sizeof text, "%u %s\n", request.status, request.why);
        answer(c, NULL, request.status, text, false);
        c->got = 0;
        return false;
    }
    answer_request(c, &request);
    c->got -= (size_t)n;
    memmove(c->head, c->head + n, c->got);
    return !c->close_after;
}

/* ---- bytes ------------------------------------------------------------------------------------------------------ */

/* False: the client is gone. */
static bool flush(struct client *c)
{
    while (c->sent < c->out.len) {
        ssize_t n = send(c->fd, c->out.data + c->sent, c->out.len - c->sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN) {
            struct timeval limit = {CLIENT_TIMEOUT_S, 0};
            return event_add(c->writable, &limit) == 0;
        }
        if (n <= 0)
            return false;
        c->sent += (size_t)n;
    }
    buf_clear(&c->out);
    c->sent = 0;
    return !c->close_after;
}

static void client_writable(evutil_socket_t fd, short what, void *arg)
{
    struct client *c = arg;
    (void)fd;
    if ((what & EV_TIMEOUT) || !flush(c))
        client_free(c);
}

static void client_readable(evutil_socket_t fd, short what, void *arg)
{
    struct client *c = arg;
    ssize_t n = (what & EV_TIMEOUT) ? 0 : recv(fd, c->head + c->got, HEAD_BYTES - c->got, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        client_free(c);
        return;
    }
    c->got += (size_t)n;
    while (take_request(c))
        ;
    if (!flush(c))
        client_free(c);
}

static bool add_client(struct health_server *server, int fd)
{
    struct timeval limit = {CLIENT_TIMEOUT_S, 0};
    struct client *c = calloc(1, sizeof *c);
    if (!c)
        return false;
    c->server = server;
    c->fd = fd;
    c->out = buf_make(2 * BODY_BYTES);
    c->next = server->clients;
    server->clients = c;
    server->count++;
    struct event_base *base = loop_base(server->loop);
    c->readable = event_new(base, fd, EV_READ | EV_PERSIST, client_readable, c);
    c->writable = event_new(base, fd, EV_WRITE, client_writable, c);
    if (c->readable && c->writable && event_add(c->readable, &limit) == 0)
        return true;
    client_free(c);
    return true; /* the descriptor is closed already */
}

static void accept_some(evutil_socket_t listener, short what, void *arg)
{
    struct health_server *server = arg;
    (void)what;
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    if (server->count >= CLIENTS_MAX || !add_client(server, fd))
        close(fd);
}

/* ---- life ------------------------------------------------------------------------------------------------------- */

struct health_server *health_server_new(struct loop *loop, int fd, const char *path,
                                        health_server_fn body, void *ctx, const struct log *log)
{
    struct health_server *server = calloc(1, sizeof *server);
    if (!server)
        return NULL;
    *server = (struct health_server){.loop = loop, .path = path, .body = body, .ctx = ctx, .log = log};
    server->accepting = event_new(loop_base(loop), fd, EV_READ | EV_PERSIST, accept_some, server);
    if (!server->accepting || event_add(server->accepting, NULL) != 0)
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
    free(server);
}
