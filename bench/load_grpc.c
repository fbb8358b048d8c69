// SPDX-License-Identifier: Apache-2.0
/* One gRPC connection of the load generator, on nghttp2. */
#include <errno.h>
#include <event2/event.h>
#include <nghttp2/nghttp2.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/load.h"
#include "shared/base/clock.h"

#define WINDOW_BYTES (16 * 1024 * 1024)
#define EXPORT_PATH "/opentelemetry.proto.collector.logs.v1.LogsService/Export"

struct call {
    const struct buf *body;
    size_t sent;
    uint64_t begun_ns;
    bool answered_ok;
    bool unavailable; /* grpc-status 14 */
    bool detailed;    /* grpc-status-details-bin: RetryInfo */
    struct load_connection *c;
};

struct load_connection {
    struct load *load;
    int fd;
    nghttp2_session *session;
    struct event *readable;
    struct event *writable;
    bool dead; /* the connection is lost */
    unsigned in_flight;
    struct buf out;
    size_t out_sent;
};

static ssize_t read_body(nghttp2_session *session, int32_t id, uint8_t *into, size_t room,
                         uint32_t *flags, nghttp2_data_source *source, void *user)
{
    struct call *call = source->ptr;
    size_t left = call->body->len - call->sent;
    size_t n = left < room ? left : room;
    (void)session;
    (void)id;
    (void)user;
    memcpy(into, call->body->data + call->sent, n);
    call->sent += n;
    if (call->sent == call->body->len)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)n;
}

#define HEADER(n, v)                                                                                \
    {(uint8_t *)(n), (uint8_t *)(v), sizeof(n) - 1, sizeof(v) - 1,                                   \
     NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE}

static bool start_call(struct load_connection *c)
{
    struct load *load = c->load;
    uint64_t number = load->started;
    if (!load_take(load))
        return false;
    nghttp2_nv headers[] = {
        HEADER(":method", "POST"),
        HEADER(":scheme", "http"),
        HEADER(":path", EXPORT_PATH),
        {(uint8_t *)":authority", (uint8_t *)load->plan.authority, 10, strlen(load->plan.authority),
         NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE},
        HEADER("content-type", "application/grpc"),
        HEADER("te", "trailers"),
        HEADER("user-agent", "masques-load"),
        HEADER("grpc-encoding", "gzip"),
    };
    size_t count = sizeof headers / sizeof headers[0] - !load->plan.gzip;
    struct call *call = calloc(1, sizeof *call);
    if (!call)
        return false;
    *call = (struct call){.body = load_body(load, number), .begun_ns = clock_mono_ns(), .c = c};
    nghttp2_data_provider provider = {.source = {.ptr = call}, .read_callback = read_body};
    if (nghttp2_submit_request(c->session, NULL, headers, count, &provider, call) < 0) {
        free(call);
        return false;
    }
    c->in_flight++;
    return true;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags, void *user)
{
    struct load_connection *c = user;
    struct call *call = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    (void)flags;
    if (call && name_len == 23 && memcmp(name, "grpc-status-details-bin", 23) == 0)
        call->detailed = true;
    if (!call || name_len != 11 || memcmp(name, "grpc-status", 11) != 0)
        return 0;
    call->answered_ok = value_len == 1 && value[0] == '0';
    call->unavailable = value_len == 2 && memcmp(value, "14", 2) == 0;
    if (!call->answered_ok && !call->unavailable) {
        char text[64];
        snprintf(text, sizeof text, "grpc-status %.*s", (int)value_len, (const char *)value);
        if (!c->load->result.error[0])
            snprintf(c->load->result.error, sizeof c->load->result.error, "%s", text);
    }
    return 0;
}

static int on_close(nghttp2_session *session, int32_t id, uint32_t code, void *user)
{
    struct load_connection *c = user;
    struct call *call = nghttp2_session_get_stream_user_data(session, id);
    (void)code;
    if (!call)
        return 0;
    if (call->answered_ok)
        load_result_answer(&c->load->result, clock_mono_ns() - call->begun_ns);
    else if (call->unavailable && call->detailed)
        c->load->result.refused++;
    else
        load_result_failure(&c->load->result, "stream closed without grpc-status 0");
    free(call);
    c->in_flight--;
    return 0;
}

static void lost(struct load_connection *c)
{
    c->dead = true;
    event_del(c->readable);
    event_del(c->writable);
    c->load->result.broken++;
    c->load->open--;
    load_idle(c->load);
}

/* False: the connection is lost. */
static bool flush(struct load_connection *c)
{
    for (;;) {
        while (c->out_sent == c->out.len && nghttp2_session_want_write(c->session)) {
            const uint8_t *bytes;
            buf_clear(&c->out);
            c->out_sent = 0;
            ssize_t n;
            while (c->out.len < 65536 && (n = nghttp2_session_mem_send(c->session, &bytes)) > 0)
                buf_append(&c->out, bytes, (size_t)n);
            if (c->out.len == 0)
                return true;
        }
        if (c->out_sent == c->out.len)
            return true;
        ssize_t n = send(c->fd, c->out.data + c->out_sent, c->out.len - c->out_sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN)
            return event_add(c->writable, NULL) == 0;
        if (n <= 0)
            return false;
        c->out_sent += (size_t)n;
    }
}

void load_grpc_fill(struct load_connection *c)
{
    if (c->dead)
        return;
    while (c->in_flight < c->load->plan.streams && start_call(c))
        ;
    if (!flush(c))
        lost(c);
    else if (c->in_flight == 0)
        load_idle(c->load);
}

static void readable(evutil_socket_t fd, short what, void *arg)
{
    struct load_connection *c = arg;
    uint8_t bytes[65536];
    (void)what;
    ssize_t n = recv(fd, bytes, sizeof bytes, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0 || nghttp2_session_mem_recv(c->session, bytes, (size_t)n) < 0)
        lost(c);
    else
        load_grpc_fill(c);
}

static void writable(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    load_grpc_fill(arg);
}

static bool open_session(struct load_connection *c)
{
    nghttp2_session_callbacks *callbacks;
    if (nghttp2_session_callbacks_new(&callbacks) != 0)
        return false;
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    int failed = nghttp2_session_client_new(&c->session, callbacks, c);
    nghttp2_session_callbacks_del(callbacks);
    return !failed && nghttp2_submit_settings(c->session, NGHTTP2_FLAG_NONE, NULL, 0) == 0 &&
           nghttp2_session_set_local_window_size(c->session, NGHTTP2_FLAG_NONE, 0, WINDOW_BYTES) == 0;
}

struct load_connection *load_grpc_open(struct load *load)
{
    struct load_connection *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->load = load;
    c->out = buf_make(1024 * 1024);
    c->fd = load_connect(load);
    if (c->fd < 0 || !open_session(c)) {
        load_grpc_close(c);
        return NULL;
    }
    struct event_base *base = loop_base(load->loop);
    c->readable = event_new(base, c->fd, EV_READ | EV_PERSIST, readable, c);
    c->writable = event_new(base, c->fd, EV_WRITE, writable, c);
    event_add(c->readable, NULL);
    load->open++;
    return c;
}

void load_grpc_close(struct load_connection *c)
{
    if (c->readable)
        event_free(c->readable);
    if (c->writable)
        event_free(c->writable);
    if (c->session)
        nghttp2_session_del(c->session);
    if (c->fd >= 0)
        close(c->fd);
    buf_free(&c->out);
    free(c);
}
