// SPDX-License-Identifier: Apache-2.0
/* One HTTP/1.1 connection of the load generator: one request at a time, as Claude Code does it. */
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "bench/load.h"
#include "shared/base/clock.h"

struct load_connection {
    struct load *load;
    int fd;
    struct event *readable;
    struct event *writable;
    bool dead; /* the connection is lost */
    bool waiting; /* a request is out */
    struct buf head;
    const struct buf *body;
    size_t sent; /* of head and body */
    uint64_t begun_ns;
    char answer[4096];
    size_t got;
};

static void lost(struct load_connection *c)
{
    c->dead = true;
    if (c->readable)
        event_del(c->readable);
    if (c->writable)
        event_del(c->writable);
    c->load->result.broken++;
    c->load->open--;
    load_idle(c->load);
}

static bool flush(struct load_connection *c)
{
    size_t all = c->head.len + c->body->len;
    while (c->sent < all) {
        size_t in_body = c->sent > c->head.len ? c->sent - c->head.len : 0;
        size_t in_head = c->sent < c->head.len ? c->sent : c->head.len;
        struct iovec parts[2] = {{c->head.data + in_head, c->head.len - in_head},
                                 {c->body->data + in_body, c->body->len - in_body}};
        struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
        ssize_t n = sendmsg(c->fd, &message, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN)
            return event_add(c->writable, NULL) == 0;
        if (n <= 0)
            return false;
        c->sent += (size_t)n;
    }
    return true;
}

void load_http_fill(struct load_connection *c)
{
    struct load *load = c->load;
    uint64_t number = load->started;
    if (c->waiting || c->dead)
        return;
    if (!load_take(load)) {
        load_idle(load);
        return;
    }
    c->body = load_body(load, number);
    c->sent = 0;
    c->begun_ns = clock_mono_ns();
    c->waiting = true;
    buf_clear(&c->head);
    buf_printf(&c->head,
               "POST /v1/logs HTTP/1.1\r\nContent-Type: application/%s\r\n"
               "User-Agent: masques-load\r\nHost: %s\r\n%sContent-Length: %zu\r\n"
               "Connection: keep-alive\r\n\r\n",
               load->plan.json ? "json" : "x-protobuf", load->plan.authority,
               load->plan.gzip ? "Content-Encoding: gzip\r\n" : "", c->body->len);
    if (!flush(c))
        lost(c);
}

/* The length of the whole answer at the front, or 0 while it is not all there. */
static size_t whole_answer(struct load_connection *c)
{
    c->answer[c->got] = '\0';
    char *end = strstr(c->answer, "\r\n\r\n");
    if (!end)
        return 0;
    char *length = strcasestr(c->answer, "\r\ncontent-length:");
    size_t body = length && length < end ? strtoul(length + 17, NULL, 10) : 0;
    size_t all = (size_t)(end + 4 - c->answer) + body;
    return c->got >= all ? all : 0;
}

static bool watch(struct load_connection *c);

/* An early refusal ends the connection: the rest of the body was never sent. False: no new one could be had. */
static bool reopen(struct load_connection *c)
{
    event_free(c->readable);
    event_free(c->writable);
    c->readable = c->writable = NULL;
    close(c->fd);
    c->got = 0;
    c->fd = load_connect(c->load);
    return c->fd >= 0 && watch(c);
}

static void readable(evutil_socket_t fd, short what, void *arg)
{
    struct load_connection *c = arg;
    (void)what;
    ssize_t n = recv(fd, c->answer + c->got, sizeof c->answer - 1 - c->got, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        lost(c);
        return;
    }
    c->got += (size_t)n;
    size_t all = whole_answer(c);
    if (all == 0 || !c->waiting)
        return;
    if (memcmp(c->answer, "HTTP/1.1 200", 12) == 0) {
        load_result_answer(&c->load->result, clock_mono_ns() - c->begun_ns);
    } else if (memcmp(c->answer, "HTTP/1.1 503", 12) == 0 &&
               strcasestr(c->answer, "\r\nretry-after: ")) {
        c->load->result.refused++;
    } else {
        char text[40];
        snprintf(text, sizeof text, "%.20s", c->answer);
        load_result_failure(&c->load->result, text);
    }
    char *close_word = strcasestr(c->answer, "\r\nconnection: close\r\n");
    bool closing = close_word && close_word < c->answer + all;
    c->got -= all;
    memmove(c->answer, c->answer + all, c->got);
    c->waiting = false;
    if (closing && !reopen(c))
        lost(c);
    else
        load_http_fill(c);
}

static void writable(evutil_socket_t fd, short what, void *arg)
{
    struct load_connection *c = arg;
    (void)fd;
    (void)what;
    if (!flush(c))
        lost(c);
}

static bool watch(struct load_connection *c)
{
    struct event_base *base = loop_base(c->load->loop);
    c->readable = event_new(base, c->fd, EV_READ | EV_PERSIST, readable, c);
    c->writable = event_new(base, c->fd, EV_WRITE, writable, c);
    return c->readable && c->writable && event_add(c->readable, NULL) == 0;
}

struct load_connection *load_http_open(struct load *load)
{
    struct load_connection *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->load = load;
    c->head = buf_make(4096);
    c->fd = load_connect(load);
    if (c->fd < 0 || !watch(c)) {
        load_http_close(c);
        return NULL;
    }
    load->open++;
    return c;
}

void load_http_close(struct load_connection *c)
{
    if (c->readable)
        event_free(c->readable);
    if (c->writable)
        event_free(c->writable);
    if (c->fd >= 0)
        close(c->fd);
    buf_free(&c->head);
    free(c);
}
