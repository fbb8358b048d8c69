// SPDX-License-Identifier: Apache-2.0
#include "receiver/worker/conn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define QUIET_MS 1000u              /* longer than a request is on its way, or a busy client takes to send its next one */
#define RECV_ROUNDS 4              /* work budget of one wake-up */
#define SEND_CHUNK_BYTES (64u << 10) /* asked of the protocol at a time */
#define OUT_KEEP_BYTES 1024u       /* a larger buffer is given back when it is empty */
#define TLS_HANDSHAKE 0x16         /* first byte of a TLS ClientHello record */

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"; /* RFC 9113 section 3.4 */
#define PREFACE_BYTES (sizeof preface - 1)

enum conn_state {
    CONN_SNIFFING,  /* no protocol yet: the first bytes decide */
    CONN_SERVING,   /* the protocol has it */
    CONN_FINISHING, /* no more input; closes when the output is out */
    CONN_LINGERING, /* as FINISHING, but then stops writing and throws input away until the client closes */
    CONN_CLOSED,    /* to be freed between turns */
};

struct conn {
    const struct conn_owner *owner;
    const struct conn_protocol *protocol; /* NULL while sniffing */
    void *p;
    struct event *readable;
    struct event *writable; /* made when it is needed first */
    struct conn *next, *prev;
    int fd;
    enum conn_state state;
    bool reading;       /* the read event is in the loop */
    bool writing;       /* the write event is in the loop */
    bool held;          /* by the protocol: do not read */
    bool eof;           /* the client has closed its side */
    bool flush_pending; /* a flush will come at the end of the turn */
    bool shut;          /* LINGERING: our side is closed */
    uint8_t sniffed;    /* bytes of the preface seen, which are not kept: they are known */
    uint32_t lingered;  /* bytes thrown away */
    size_t sent;        /* of out */
    struct buf out;
    uint64_t born_ms;
    uint64_t active_ms;
    uint64_t stuck_ms;  /* since when output makes no progress; 0: nothing waits */
    uint64_t linger_ms; /* until when */
    struct sockaddr_storage address;
};

static void arm(struct conn *c);

static struct loop *loop_of(const struct conn *c)
{
    return c->owner->intake->loop;
}

static uint64_t now_of(const struct conn *c)
{
    return loop_now_ms(loop_of(c));
}

/* ---- states ---- */

static void destroy(void *arg)
{
    struct conn *c = arg;
    if (c->p)
        c->protocol->fini(c->p);
    event_free(c->readable);
    if (c->writable)
        event_free(c->writable);
    close(c->fd);
    buf_free(&c->out);
    free(c);
}

/* The only place where the state changes; nothing leads out of CLOSED. */
static void set_state(struct conn *c, enum conn_state state)
{
    if (c->state == CONN_CLOSED)
        return;
    c->state = state;
    if (state == CONN_LINGERING)
        c->linger_ms = now_of(c) + c->owner->intake->limits.discard_ms;
    if (state == CONN_CLOSED) {
        c->owner->closed(c->owner->ctx, c);
        loop_defer(loop_of(c), destroy, c);
    }
    arm(c);
}

/* Registers for what the connection waits for, and nothing else. */
static void arm(struct conn *c)
{
    bool room = c->out.len - c->sent <= CONN_OUT_HIGH_BYTES;
    bool takes = c->state == CONN_SNIFFING || (c->state == CONN_SERVING && !c->held && room) ||
                 (c->state == CONN_LINGERING && c->shut);
    bool read_on = takes && !c->eof;
    if (read_on != c->reading) {
        c->reading = read_on;
        if (read_on)
            event_add(c->readable, NULL);
        else
            event_del(c->readable);
    }
    if (c->state == CONN_CLOSED && c->writing) {
        c->writing = false;
        event_del(c->writable);
    }
}

void conn_abort(struct conn *c)
{
    set_state(c, CONN_CLOSED);
}

static void reset(struct conn *c)
{
    c->owner->intake->counters.connections_reset++;
    conn_abort(c);
}

void conn_finish(struct conn *c)
{
    if (c->state == CONN_SERVING)
        set_state(c, CONN_FINISHING);
    conn_flush(c);
}

void conn_linger(struct conn *c)
{
    if (c->state == CONN_SERVING)
        set_state(c, CONN_LINGERING);
    conn_flush(c);
}

void conn_hold_input(struct conn *c, bool hold)
{
    c->held = hold;
    arm(c);
}

/* ---- output ---- */

static void can_write(evutil_socket_t fd, short what, void *arg);

/* Waits until the socket takes more. */
static void want_write(struct conn *c)
{
    if (c->stuck_ms == 0)
        c->stuck_ms = now_of(c);
    if (!c->writable)
        c->writable =
            event_new(loop_base(loop_of(c)), c->fd, EV_WRITE | EV_PERSIST, can_write, c);
    if (!c->writable || (!c->writing && event_add(c->writable, NULL) != 0)) {
        reset(c);
        return;
    }
    c->writing = true;
}

/* Sends what is queued. True: all of it is out. */
static bool send_out(struct conn *c)
{
    while (c->sent < c->out.len) {
        ssize_t n = send(c->fd, c->out.data + c->sent, c->out.len - c->sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            buf_drop_front(&c->out, c->sent);
            c->sent = 0;
            want_write(c);
            return false;
        }
        if (n < 0) {
            conn_abort(c);
            return false;
        }
        c->sent += (size_t)n;
        c->active_ms = now_of(c);
        c->stuck_ms = 0;
    }
    c->sent = 0;
    if (c->out.cap > OUT_KEEP_BYTES)
        buf_free(&c->out);
    else
        buf_clear(&c->out);
    return true;
}

/* Everything is out: what the state has been waiting for. */
static void output_done(struct conn *c)
{
    if (c->writing) {
        c->writing = false;
        event_del(c->writable);
    }
    if (c->state == CONN_FINISHING || (c->state == CONN_LINGERING && c->eof)) {
        conn_abort(c);
    } else if (c->state == CONN_LINGERING && !c->shut) {
        c->shut = true;
        shutdown(c->fd, SHUT_WR);
    }
    arm(c);
}

static void flush_now(struct conn *c)
{
    while (c->state != CONN_CLOSED) {
        if (c->protocol && c->protocol->output && c->p && c->out.len < SEND_CHUNK_BYTES)
            c->protocol->output(c->p, &c->out, SEND_CHUNK_BYTES);
        if (!buf_ok(&c->out)) {
            reset(c);
            return;
        }
        if (c->out.len == 0) {
            output_done(c);
            return;
        }
        if (!send_out(c)) {
            arm(c);
            return;
        }
    }
}

static void can_write(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    flush_now(arg);
}

static void flush_deferred(void *arg)
{
    struct conn *c = arg;
    c->flush_pending = false;
    if (!c->writing)
        flush_now(c);
}

/* Deferred calls run in order: this one is always before the one that frees. */
void conn_flush(struct conn *c)
{
    if (c->flush_pending || c->state == CONN_CLOSED)
        return;
    c->flush_pending = true;
    loop_defer(loop_of(c), flush_deferred, c);
}

struct buf *conn_out(struct conn *c)
{
    return &c->out;
}

/* ---- input ---- */

/* Chooses the protocol. */
static bool serve(struct conn *c, const struct conn_protocol *protocol)
{
    c->protocol = protocol;
    c->p = protocol->open(c, c->owner->intake);
    if (!c->p) {
        reset(c);
        return false;
    }
    set_state(c, CONN_SERVING);
    return true;
}

/* Compares with the preface as far as there are bytes; what was held back is given to the protocol again. */
static void sniff(struct conn *c, struct slice bytes)
{
    if (c->sniffed == 0 && bytes.data[0] == TLS_HANDSHAKE) {
        c->owner->intake->counters.tls_on_plaintext++;
        c->owner->tls_seen(c->owner->ctx, &c->address);
        conn_abort(c);
        return;
    }
    size_t seen = c->sniffed;
    size_t n = PREFACE_BYTES - seen < bytes.len ? PREFACE_BYTES - seen : bytes.len;
    bool same = memcmp(preface + seen, bytes.data, n) == 0;
    if (same && seen + n < PREFACE_BYTES) {
        c->sniffed = (uint8_t)(seen + n);
        return;
    }
    if (!serve(c, same ? &h2_protocol : &http1_protocol))
        return;
    if (seen)
        c->protocol->input(c->p, slice_make(preface, seen));
    if (c->state == CONN_SERVING)
        c->protocol->input(c->p, bytes);
}

static void take_input(struct conn *c, struct slice bytes)
{
    c->active_ms = now_of(c);
    switch (c->state) {
    case CONN_SNIFFING:
        sniff(c, bytes);
        break;
    case CONN_SERVING:
        c->protocol->input(c->p, bytes);
        break;
    case CONN_LINGERING:
        c->lingered += (uint32_t)bytes.len;
        if (c->lingered > c->owner->intake->limits.discard_bytes)
            conn_abort(c);
        break;
    default:
        break;
    }
}

static void input_ended(struct conn *c)
{
    c->eof = true;
    arm(c);
    if (c->state == CONN_SERVING)
        c->protocol->eof(c->p);
    else if (c->state == CONN_SNIFFING || c->shut)
        conn_abort(c);
}

/* One recv(). True: there may be more to read. */
static bool receive(struct conn *c)
{
    size_t room = CONN_RECV_BYTES;
    uint8_t *at = NULL;
    if (c->state == CONN_SERVING && c->protocol->room)
        at = c->protocol->room(c->p, &room);
    bool direct = at != NULL;
    if (!direct) {
        at = c->owner->recv_buffer;
        room = CONN_RECV_BYTES;
    }
    ssize_t n = recv(c->fd, at, room, 0);
    if (n < 0) {
        if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
            conn_abort(c);
        return false;
    }
    if (n == 0) {
        input_ended(c);
        return false;
    }
    c->owner->intake->counters.received_bytes += (uint64_t)n;
    if (direct) {
        c->active_ms = now_of(c);
        c->protocol->took(c->p, (size_t)n);
    } else {
        take_input(c, slice_make(at, (size_t)n));
    }
    return (size_t)n == room;
}

static void can_read(evutil_socket_t fd, short what, void *arg)
{
    struct conn *c = arg;
    (void)fd;
    (void)what;
    for (int i = 0; i < RECV_ROUNDS && c->reading; i++)
        if (!receive(c))
            break;
    arm(c);
}

/* ---- time, life ---- */

void conn_sweep(struct conn *c, uint64_t now_ms)
{
    const struct limits *limits = &c->owner->intake->limits;
    bool late = c->stuck_ms && now_ms - c->stuck_ms >= limits->write_timeout_ms;
    late |= c->state == CONN_SNIFFING && now_ms - c->born_ms >= limits->headers_timeout_ms;
    if (late) {
        c->owner->intake->counters.timeouts++;
        reset(c);
    } else if (c->state == CONN_LINGERING && now_ms >= c->linger_ms && c->shut) {
        conn_abort(c);
    } else if (c->state == CONN_SERVING) {
        c->protocol->sweep(c->p, now_ms);
    }
}

void conn_drain(struct conn *c, bool last)
{
    if (c->state == CONN_SERVING)
        c->protocol->drain(c->p, last);
    else if (c->state == CONN_SNIFFING && last && conn_is_quiet(c))
        conn_abort(c);
}

struct conn *conn_new(const struct conn_owner *owner, int fd,
                      const struct sockaddr_storage *address)
{
    struct conn *c = calloc(1, sizeof *c);
    if (!c) {
        close(fd);
        return NULL;
    }
    c->owner = owner;
    c->fd = fd;
    c->address = *address;
    c->out = buf_make(CONN_OUT_MAX_BYTES);
    c->born_ms = c->active_ms = now_of(c);
    c->readable = event_new(loop_base(loop_of(c)), fd, EV_READ | EV_PERSIST, can_read, c);
    if (!c->readable) {
        close(fd);
        free(c);
        return NULL;
    }
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* fails on other sockets: no matter */
    arm(c);
    return c;
}

void conn_free(struct conn *c)
{
    c->owner->closed(c->owner->ctx, c);
    destroy(c);
}

bool conn_is_open(const struct conn *c)
{
    return !c->eof;
}

uint64_t conn_active_ms(const struct conn *c)
{
    return c->active_ms;
}

bool conn_is_quiet(const struct conn *c)
{
    return now_of(c) - c->active_ms >= QUIET_MS;
}

const struct sockaddr_storage *conn_address(const struct conn *c)
{
    return &c->address;
}

const char *conn_peer(const struct conn *c, char *text, size_t room)
{
    char host[INET6_ADDRSTRLEN] = "?";
    if (c->address.ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)&c->address;
        inet_ntop(AF_INET, &in->sin_addr, host, sizeof host);
        snprintf(text, room, "%s:%u", host, ntohs(in->sin_port));
    } else if (c->address.ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&c->address;
        inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host);
        snprintf(text, room, "[%s]:%u", host, ntohs(in6->sin6_port));
    } else {
        snprintf(text, room, "a local socket");
    }
    return text;
}

struct conn *conn_next(const struct conn *c)
{
    return c->next;
}

void conn_link(struct conn *c, struct conn **list)
{
    c->prev = NULL;
    c->next = *list;
    if (*list)
        (*list)->prev = c;
    *list = c;
}

void conn_unlink(struct conn *c, struct conn **list)
{
    if (c->prev)
        c->prev->next = c->next;
    else
        *list = c->next;
    if (c->next)
        c->next->prev = c->prev;
}
