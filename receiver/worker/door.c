// SPDX-License-Identifier: Apache-2.0
#include "receiver/worker/door.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

#include "receiver/worker/conn.h"

#define ACCEPTS_A_TURN 1   /* the sibling that is woken with us takes the next one: so they share */
#define SWEEP_MS 1000u     /* how coarse time limits are */
#define PAUSE_MS 100u      /* without descriptors */
#define GOAWAY_GRACE_MS 200u /* between the notice of shutdown and the last word */
#define LISTENERS_MAX 16u
#define TOLD_MAX 64u /* peers that were told about TLS */
#define SAY_EVERY_MS 10000u

struct listener {
    struct door *door;
    struct event *event;
    int fd;
};

struct door {
    struct intake *intake;
    struct conn_owner owner;
    struct conn *list;
    struct conn *sweep_at; /* the next one of a walk over the list */
    uint32_t count;
    bool draining;
    bool sweeping; /* the timer runs */
    struct loop_timer *sweep;
    struct loop_timer *pause;
    struct loop_timer *goaway;
    loop_fn drained;
    void *drained_ctx;
    struct listener listeners[LISTENERS_MAX];
    size_t listener_count;
    struct log_gate pause_gate;
    struct log_gate limit_gate;
    struct sockaddr_storage told[TOLD_MAX]; /* a ring */
    size_t told_count;
};

/* ---- addresses ---- */

/* The bytes that tell one peer from another; empty for sockets without addresses. */
static struct slice address_bytes(const struct sockaddr_storage *address)
{
    if (address->ss_family == AF_INET)
        return slice_make(&((const struct sockaddr_in *)address)->sin_addr, 4);
    if (address->ss_family == AF_INET6)
        return slice_make(&((const struct sockaddr_in6 *)address)->sin6_addr, 16);
    return slice_make(NULL, 0);
}

static bool is_loopback(const struct sockaddr_storage *address)
{
    struct slice a = address_bytes(address);
    if (a.len == 4)
        return a.data[0] == 127;
    if (a.len != 16)
        return true;
    const struct in6_addr *in6 = &((const struct sockaddr_in6 *)address)->sin6_addr;
    return IN6_IS_ADDR_LOOPBACK(in6) || (IN6_IS_ADDR_V4MAPPED(in6) && a.data[12] == 127);
}

/* A walk over all connections, which are few thousand at most; loopback never comes here. */
static uint32_t connections_from(const struct door *door, const struct sockaddr_storage *address)
{
    uint32_t n = 0;
    struct slice a = address_bytes(address);
    for (const struct conn *c = door->list; c; c = conn_next(c))
        n += slice_eq(a, address_bytes(conn_address(c)));
    return n;
}

/* ---- the connections ---- */

static void for_each(struct door *door, void (*fn)(struct conn *, uint64_t), uint64_t arg)
{
    for (struct conn *c = door->list; c; c = door->sweep_at) {
        door->sweep_at = conn_next(c); /* conn_closed() moves it on */
        fn(c, arg);
    }
}

static void conn_closed(void *ctx, struct conn *conn)
{
    struct door *door = ctx;
    if (door->sweep_at == conn)
        door->sweep_at = conn_next(conn);
    conn_unlink(conn, &door->list);
    door->count--;
    if (door->count == 0 && door->drained)
        door->drained(door->drained_ctx);
}

static void sweep(void *ctx)
{
    struct door *door = ctx;
    for_each(door, conn_sweep, loop_now_ms(door->intake->loop));
    door->sweeping = door->count > 0;
    if (door->sweeping)
        loop_timer_set(door->sweep, SWEEP_MS);
}

static void tls_seen(void *ctx, const struct sockaddr_storage *address)
{
    struct door *door = ctx;
    struct slice a = address_bytes(address);
    size_t known = door->told_count < TOLD_MAX ? door->told_count : TOLD_MAX;
    for (size_t i = 0; i < known; i++)
        if (slice_eq(a, address_bytes(&door->told[i])))
            return;
    door->told[door->told_count++ % TOLD_MAX] = *address;
    char host[INET6_ADDRSTRLEN] = "a local socket";
    if (a.len)
        inet_ntop(address->ss_family, a.data, host, sizeof host);
    log_warn(door->intake->log,
             "%s speaks TLS to a plaintext port: its endpoint should begin with http://", host);
}

/* ---- accepting ---- */

static void listen_all(struct door *door, bool on)
{
    for (size_t i = 0; i < door->listener_count; i++) {
        if (on)
            event_add(door->listeners[i].event, NULL);
        else
            event_del(door->listeners[i].event);
    }
}

static void pause_over(void *ctx)
{
    struct door *door = ctx;
    if (!door->draining)
        listen_all(door, true);
}

/* Nothing can be accepted for lack of descriptors or memory: the sockets would only wake us again and again. */
static void pause_accepting(struct door *door, int err)
{
    struct intake *intake = door->intake;
    intake->counters.accept_pauses++;
    uint64_t times = log_gate_pass(&door->pause_gate, loop_now_ms(intake->loop), SAY_EVERY_MS);
    if (times)
        log_warn(intake->log, "cannot accept connections for %u ms: %s (%llu times)", PAUSE_MS,
                 strerror(err), (unsigned long long)times);
    listen_all(door, false);
    loop_timer_set(door->pause, PAUSE_MS);
}

static bool over_limit(struct door *door, const struct sockaddr_storage *address)
{
    const struct limits *limits = &door->intake->limits;
    return door->count >= limits->max_connections ||
           (!is_loopback(address) &&
            connections_from(door, address) >= limits->connections_per_address);
}

static void admit(struct door *door, int fd, const struct sockaddr_storage *address)
{
    struct intake *intake = door->intake;
    if (over_limit(door, address)) {
        intake->counters.connections_refused++;
        uint64_t times =
            log_gate_pass(&door->limit_gate, loop_now_ms(intake->loop), SAY_EVERY_MS);
        if (times)
            log_warn(intake->log, "too many connections: %llu closed",
                     (unsigned long long)times);
        close(fd);
        return;
    }
    struct conn *conn = conn_new(&door->owner, fd, address);
    if (!conn)
        return;
    conn_link(conn, &door->list);
    door->count++;
    intake->counters.connections++;
    if (!door->sweeping) {
        door->sweeping = true;
        loop_timer_set(door->sweep, SWEEP_MS);
    }
}

static bool is_shortage(int err)
{
    return err == EMFILE || err == ENFILE || err == ENOBUFS || err == ENOMEM;
}

static void can_accept(evutil_socket_t fd, short what, void *arg)
{
    struct listener *listener = arg;
    (void)what;
    for (int i = 0; i < ACCEPTS_A_TURN; i++) {
        struct sockaddr_storage address = {0};
        socklen_t size = sizeof address;
        int got = accept4(fd, (struct sockaddr *)&address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (got >= 0) {
            admit(listener->door, got, &address);
            continue;
        }
        int err = errno;
        if (is_shortage(err))
            pause_accepting(listener->door, err);
        /* EAGAIN: a sibling was faster. Other errors belong to a connection that is gone already (accept(2)). */
        if (err != ECONNABORTED && err != EINTR)
            return;
    }
}

int door_listen(struct door *door, int fd)
{
    if (door->listener_count == LISTENERS_MAX) {
        close(fd);
        return GW_ERR_FULL;
    }
    struct listener *listener = &door->listeners[door->listener_count];
    *listener = (struct listener){.door = door, .fd = fd};
    listener->event = event_new(loop_base(door->intake->loop), fd, EV_READ | EV_PERSIST,
                                can_accept, listener);
    if (!listener->event || event_add(listener->event, NULL) != 0) {
        if (listener->event)
            event_free(listener->event);
        close(fd);
        return GW_ERR_NOMEM;
    }
    door->listener_count++;
    return GW_OK;
}

/* ---- draining, life ---- */

static void close_listeners(struct door *door)
{
    for (size_t i = 0; i < door->listener_count; i++) {
        event_free(door->listeners[i].event);
        close(door->listeners[i].fd);
    }
    door->listener_count = 0;
}

static void drain_conn(struct conn *conn, uint64_t last)
{
    conn_drain(conn, last != 0);
}

static void last_word(void *ctx)
{
    struct door *door = ctx;
    for_each(door, drain_conn, true);
    if (door->count) /* some wait until they are quiet */
        loop_timer_set(door->goaway, GOAWAY_GRACE_MS);
}

void door_drain(struct door *door, loop_fn done, void *ctx)
{
    door->draining = true;
    close_listeners(door);
    if (door->count == 0) {
        done(ctx);
        return;
    }
    door->drained = done;
    door->drained_ctx = ctx;
    for_each(door, drain_conn, false);
    loop_timer_set(door->goaway, GOAWAY_GRACE_MS);
}

uint32_t door_connections(const struct door *door)
{
    return door->count;
}

struct door *door_new(struct intake *intake)
{
    struct door *door = calloc(1, sizeof *door);
    if (!door)
        return NULL;
    door->intake = intake;
    door->owner = (struct conn_owner){.intake = intake,
                                      .recv_buffer = malloc(CONN_RECV_BYTES),
                                      .closed = conn_closed,
                                      .tls_seen = tls_seen,
                                      .ctx = door};
    door->sweep = loop_timer_new(intake->loop, sweep, door);
    door->pause = loop_timer_new(intake->loop, pause_over, door);
    door->goaway = loop_timer_new(intake->loop, last_word, door);
    if (!door->owner.recv_buffer || !door->sweep || !door->pause || !door->goaway)
        door_free(&door);
    return door;
}

void door_free(struct door **at)
{
    struct door *door = *at;
    *at = NULL;
    if (!door)
        return;
    door->drained = NULL;
    close_listeners(door);
    while (door->list)
        conn_free(door->list);
    loop_timer_free(&door->sweep);
    loop_timer_free(&door->pause);
    loop_timer_free(&door->goaway);
    free(door->owner.recv_buffer);
    free(door);
}
