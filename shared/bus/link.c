// SPDX-License-Identifier: Apache-2.0
#include "shared/bus/link.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

#define MESSAGES_A_TURN 256 /* work budget: the rest waits for the next turn */
#define PARTS_MAX (BUS_FRAMES_MAX + 2) /* with route and header; more is no message of ours */
#define ROUTE_BYTES 5       /* ROUTER's own ids: a zero byte and a 32-bit number (zmq_socket(3)) */
#define HEADER_MAX_BYTES (4u * 1024 * 1024)
#define LINGER_CLOSE_MS 1000
#define DEFAULT_BACKLOG 128

struct link {
    struct loop *loop;
    void *socket;
    struct event *event;
    bool bound;
    bool closing; /* link_close() was called from inside a callback */
    unsigned busy; /* depth of callbacks running */
    link_message_fn on_message;
    void *ctx;
    const struct log *log;
    struct log_gate malformed;
    uint64_t missed_edges;
};

/* link_message with what it stands on. */
struct received {
    struct link_message message; /* first: the public part */
    zmq_msg_t *parts;
    size_t part_count;
};

struct link_context *link_context_new(void)
{
    void *context = zmq_ctx_new();
    if (context)
        zmq_ctx_set(context, ZMQ_IO_THREADS, 1);
    return context;
}

void link_context_free(struct link_context **context)
{
    if (!*context)
        return;
    while (zmq_ctx_term(*context) != 0 && errno == EINTR)
        ;
    *context = NULL;
}

/* ---- receiving ------------------------------------------------------------------------------------------------ */

static void received_free(struct received *r)
{
    if (r->message.frame)
        masques__bus__frame__free_unpacked(r->message.frame, NULL);
    for (size_t i = 0; i < r->part_count; i++)
        zmq_msg_close(&r->parts[i]);
    free(r->parts);
    free(r->message.payloads);
    free(r);
}

void link_message_free(struct link_message **message)
{
    if (*message)
        received_free((struct received *)*message);
    *message = NULL;
}

/* Appends one more part and receives into it. 0; GW_ERR_AGAIN: nothing there; GW_ERR_NOMEM. */
static int receive_part(struct link *link, struct received *r)
{
    if ((r->part_count & (r->part_count - 1)) == 0) { /* full at every power of two */
        size_t cap = r->part_count ? r->part_count * 2 : 1;
        /* A zmq_msg_t may be moved as bytes only through zmq_msg_move(). */
        zmq_msg_t *parts = malloc(cap * sizeof *parts);
        if (!parts)
            return GW_ERR_NOMEM;
        for (size_t i = 0; i < r->part_count; i++) {
            zmq_msg_init(&parts[i]);
            zmq_msg_move(&parts[i], &r->parts[i]);
            zmq_msg_close(&r->parts[i]);
        }
        free(r->parts);
        r->parts = parts;
    }
    zmq_msg_t *part = &r->parts[r->part_count];
    zmq_msg_init(part);
    if (zmq_msg_recv(part, link->socket, ZMQ_DONTWAIT) < 0) {
        zmq_msg_close(part);
        return GW_ERR_AGAIN;
    }
    r->part_count++;
    return GW_OK;
}

/* A whole message, however many parts it has. What cannot be kept is received all the same and thrown away, so that
 * the next receive begins at a message. */
static int receive_parts(struct link *link, struct received *r)
{
    int err = receive_part(link, r);
    while (err == GW_OK && zmq_msg_more(&r->parts[r->part_count - 1]))
        err = r->part_count < PARTS_MAX ? receive_part(link, r) : GW_ERR_TOO_LARGE;
    if (err == GW_OK || r->part_count == 0)
        return err;
    int more = 1;
    size_t size = sizeof more;
    while (zmq_getsockopt(link->socket, ZMQ_RCVMORE, &more, &size) == 0 && more) {
        zmq_msg_t rest;
        zmq_msg_init(&rest);
        int got = zmq_msg_recv(&rest, link->socket, ZMQ_DONTWAIT);
        zmq_msg_close(&rest);
        if (got < 0)
            break;
    }
    return GW_ERR_MALFORMED;
}

/* The process at the other end, as the kernel knows it; 0 where it does not (tcp). */
static pid_t sender_of(zmq_msg_t *part)
{
    struct ucred cred;
    socklen_t size = sizeof cred;
    int fd = zmq_msg_get(part, ZMQ_SRCFD);
    if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size) != 0)
        return 0;
    return cred.pid;
}

static struct slice part_slice(zmq_msg_t *part)
{
    return slice_make(zmq_msg_data(part), zmq_msg_size(part));
}

/* Makes the public message of the parts. 0; GW_ERR_MALFORMED; GW_ERR_UNSUPPORTED: newer than we can read. */
static int decode(struct link *link, struct received *r)
{
    size_t header = 0;
    if (link->bound) {
        struct slice id = part_slice(&r->parts[0]);
        if (id.len != ROUTE_BYTES || r->part_count < 2)
            return GW_ERR_MALFORMED;
        memcpy(&r->message.route, id.data + 1, sizeof r->message.route);
        header = 1;
    }
    struct slice bytes = part_slice(&r->parts[header]);
    if (bytes.len > HEADER_MAX_BYTES)
        return GW_ERR_MALFORMED;
    r->message.frame = masques__bus__frame__unpack(NULL, bytes.len, bytes.data);
    if (!r->message.frame)
        return GW_ERR_MALFORMED;
    if (r->message.frame->oldest > BUS_VERSION)
        return GW_ERR_UNSUPPORTED;
    if (link->bound && r->message.frame->body_case == MASQUES__BUS__FRAME__BODY_HELLO)
        r->message.pid = sender_of(&r->parts[header]);
    size_t count = r->part_count - header - 1;
    if (count == 0)
        return GW_OK;
    r->message.payloads = malloc(count * sizeof *r->message.payloads);
    if (!r->message.payloads)
        return GW_ERR_NOMEM;
    for (size_t i = 0; i < count; i++)
        r->message.payloads[i] = part_slice(&r->parts[header + 1 + i]);
    r->message.payload_count = count;
    return GW_OK;
}

/* One message to its taker. False: nothing was there. */
static bool receive_one(struct link *link)
{
    struct received *r = calloc(1, sizeof *r);
    if (!r)
        return false;
    int err = receive_parts(link, r);
    if (err == GW_ERR_AGAIN && r->part_count == 0) {
        received_free(r);
        return false;
    }
    if (err == GW_OK)
        err = decode(link, r);
    if (err != GW_OK) {
        uint64_t n = log_gate_pass(&link->malformed, loop_now_ms(link->loop), 10000);
        if (n)
            log_warn(link->log, "bus: %llu message(s) thrown away: %s", (unsigned long long)n,
                     gw_strerror(err));
        received_free(r);
        return true;
    }
    link->on_message(link->ctx, &r->message);
    return true;
}

static bool readable(struct link *link)
{
    int events = 0;
    size_t size = sizeof events;
    return zmq_getsockopt(link->socket, ZMQ_EVENTS, &events, &size) == 0 && (events & ZMQ_POLLIN);
}

static void destroy(struct link *link)
{
    free(link);
}

/* True: the budget is used up and there is more. */
static bool receive_some(struct link *link)
{
    link->busy++;
    int budget = MESSAGES_A_TURN;
    while (budget > 0 && !link->closing && receive_one(link))
        budget--;
    link->busy--;
    if (link->closing) {
        if (link->busy == 0)
            destroy(link);
        return false;
    }
    return budget == 0;
}

static void fd_signalled(evutil_socket_t fd, short what, void *arg)
{
    struct link *link = arg;
    (void)fd;
    (void)what;
    if (readable(link))
        receive_some(link);
}

/* Sends and receives of this turn may have swallowed the edge: ask again before the loop waits. */
static bool end_of_turn(void *ctx)
{
    struct link *link = ctx;
    return readable(link) && receive_some(link);
}

void link_check(struct link *link)
{
    if (!readable(link))
        return;
    link->missed_edges++;
    receive_some(link);
}

uint64_t link_missed_edges(const struct link *link)
{
    return link->missed_edges;
}

/* ---- opening and closing -------------------------------------------------------------------------------------- */

static bool set_int(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

static bool set_options(struct link *link)
{
    void *s = link->socket;
    int64_t max = BUS_MESSAGE_MAX_BYTES;
    uid_t uid = geteuid();
    bool ok = set_int(s, ZMQ_LINGER, LINGER_CLOSE_MS) && set_int(s, ZMQ_SNDHWM, 0) &&
              set_int(s, ZMQ_RCVHWM, 0) && set_int(s, ZMQ_RECONNECT_IVL, 20) &&
              set_int(s, ZMQ_RECONNECT_IVL_MAX, 200) &&
              zmq_setsockopt(s, ZMQ_MAXMSGSIZE, &max, sizeof max) == 0;
    if (link->bound)
        ok = ok && set_int(s, ZMQ_ROUTER_MANDATORY, 1) && set_int(s, ZMQ_BACKLOG, DEFAULT_BACKLOG) &&
             zmq_setsockopt(s, ZMQ_IPC_FILTER_UID, &uid, sizeof uid) == 0;
    return ok;
}

static bool watch(struct link *link)
{
    int fd = -1;
    size_t size = sizeof fd;
    if (zmq_getsockopt(link->socket, ZMQ_FD, &fd, &size) != 0)
        return false;
    link->event = event_new(loop_base(link->loop), fd, EV_READ | EV_PERSIST, fd_signalled, link);
    return link->event && event_add(link->event, NULL) == 0 &&
           loop_add_chore(link->loop, end_of_turn, link) == GW_OK;
}

static struct link *open_link(const struct link *made, struct link_context *context,
                              const char *endpoint, const char **why)
{
    struct link *link = malloc(sizeof *link);
    if (!link) {
        *why = gw_strerror(GW_ERR_NOMEM);
        return NULL;
    }
    *link = *made;
    link->socket = zmq_socket(context, link->bound ? ZMQ_ROUTER : ZMQ_DEALER);
    if (!link->socket) {
        *why = zmq_strerror(errno);
        goto fail_alloc;
    }
    int failed = !set_options(link) ||
                 (link->bound ? zmq_bind(link->socket, endpoint) : zmq_connect(link->socket, endpoint));
    if (failed) {
        *why = zmq_strerror(errno);
        goto fail_socket;
    }
    if (!watch(link)) {
        *why = gw_strerror(GW_ERR_NOMEM);
        goto fail_event;
    }
    return link;

fail_event:
    if (link->event)
        event_free(link->event);
fail_socket:
    zmq_close(link->socket);
fail_alloc:
    free(link);
    return NULL;
}

struct link *link_bind(struct loop *loop, struct link_context *context, const char *endpoint,
                       link_message_fn on_message, void *ctx, const struct log *log,
                       const char **why)
{
    struct link made = {
        .loop = loop, .bound = true, .on_message = on_message, .ctx = ctx, .log = log};
    return open_link(&made, context, endpoint, why);
}

struct link *link_connect(struct loop *loop, struct link_context *context, const char *endpoint,
                          link_message_fn on_message, void *ctx, const struct log *log,
                          const char **why)
{
    struct link made = {.loop = loop, .on_message = on_message, .ctx = ctx, .log = log};
    return open_link(&made, context, endpoint, why);
}

void link_drop(struct link **at)
{
    if (*at)
        set_int((*at)->socket, ZMQ_LINGER, 0);
    link_close(at);
}

void link_close(struct link **at)
{
    struct link *link = *at;
    *at = NULL;
    if (!link)
        return;
    loop_remove_chore(link->loop, end_of_turn, link);
    event_free(link->event);
    zmq_close(link->socket);
    link->closing = true;
    if (link->busy == 0)
        destroy(link);
}

/* ---- sending -------------------------------------------------------------------------------------------------- */

static void payload_sent(void *data, void *hint)
{
    (void)data;
    blob_drop(hint);
}

static int payload_part(zmq_msg_t *part, const struct link_payload *payload)
{
    if (payload->owner) {
        blob_hold(payload->owner);
        if (zmq_msg_init_data(part, (void *)payload->bytes.data, payload->bytes.len, payload_sent,
                              payload->owner) == 0)
            return GW_OK;
        blob_drop(payload->owner);
        return GW_ERR_NOMEM;
    }
    if (zmq_msg_init_size(part, payload->bytes.len) != 0)
        return GW_ERR_NOMEM;
    if (payload->bytes.len)
        memcpy(zmq_msg_data(part), payload->bytes.data, payload->bytes.len);
    return GW_OK;
}

static int header_part(zmq_msg_t *part, Masques__Bus__Frame *frame)
{
    frame->version = BUS_VERSION;
    frame->oldest = BUS_OLDEST_VERSION;
    if (zmq_msg_init_size(part, masques__bus__frame__get_packed_size(frame)) != 0)
        return GW_ERR_NOMEM;
    masques__bus__frame__pack(frame, zmq_msg_data(part));
    return GW_OK;
}

static int send_part(struct link *link, zmq_msg_t *part, bool more)
{
    if (zmq_msg_send(part, link->socket, ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0)) >= 0)
        return GW_OK;
    int err = errno == EHOSTUNREACH ? GW_ERR_NOT_FOUND : GW_ERR_FULL;
    zmq_msg_close(part);
    return err;
}

static int send_route(struct link *link, uint32_t route)
{
    zmq_msg_t part;
    if (zmq_msg_init_size(&part, ROUTE_BYTES) != 0)
        return GW_ERR_NOMEM;
    uint8_t *id = zmq_msg_data(&part);
    id[0] = 0;
    memcpy(id + 1, &route, sizeof route);
    return send_part(link, &part, true);
}

/* Parts are made before the first is sent, so that a lack of memory sends nothing at all. */
int link_send(struct link *link, uint32_t route, Masques__Bus__Frame *frame,
              const struct link_payload *payloads, size_t count)
{
    zmq_msg_t few[8];
    zmq_msg_t *parts = count < 8 ? few : malloc((count + 1) * sizeof *parts);
    if (!parts)
        return GW_ERR_NOMEM;
    size_t made = 0;
    int err = header_part(&parts[made], frame);
    if (err == GW_OK)
        made++;
    while (err == GW_OK && made <= count) {
        err = payload_part(&parts[made], &payloads[made - 1]);
        made += err == GW_OK;
    }
    if (err == GW_OK && link->bound)
        err = send_route(link, route);
    size_t sent = 0;
    while (err == GW_OK && sent < made) {
        err = send_part(link, &parts[sent], sent + 1 < made);
        sent++;
    }
    for (size_t i = sent; i < made; i++)
        zmq_msg_close(&parts[i]);
    if (parts != few)
        free(parts);
    return err;
}
