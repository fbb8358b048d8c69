// SPDX-License-Identifier: Apache-2.0
#include "receiver/worker/h2_conn.h"

#include <stdlib.h>

#include "receiver/worker/h2_stream.h"

#define MAX_CONTINUATIONS 8    /* frames of one header block (CVE-2024-28182) */
#define MAX_OUTBOUND_ACKS 128  /* of SETTINGS and PING, unsent (CVE-2019-9512, CVE-2019-9515) */
#define CANCELS_BURST 1000     /* RST_STREAM of the client (CVE-2023-44487); honest ones cancel too */
#define CANCELS_PER_S 33
#define RESETS_BURST 200 /* RST_STREAM of ours that the client provoked */
#define RESETS_PER_S 20
#define CONTROL_BURST 1000 /* frames that carry nothing */
#define CONTROL_PER_S 200
#define CONTROL_PER_ANSWER 8 /* honest clients probe and open windows as they work */

static struct h2_stream *stream_of(nghttp2_session *session, int32_t id)
{
    return nghttp2_session_get_stream_user_data(session, id);
}

static uint64_t now_of(const struct h2_conn *h)
{
    return loop_now_ms(h->intake->loop);
}

/* ---- manners ---- */

void h2_conn_earn(struct h2_conn *h)
{
    rate_give(&h->control, CONTROL_PER_ANSWER);
}

void h2_conn_calm(struct h2_conn *h, const char *why)
{
    char peer[80];
    if (h->ending)
        return;
    h->ending = true;
    h->intake->counters.connections_reset++;
    log_debug(h->intake->log, "%s: %s", conn_peer(h->conn, peer, sizeof peer), why);
    nghttp2_session_terminate_session(h->session, NGHTTP2_ENHANCE_YOUR_CALM);
    conn_flush(h->conn);
}

/* A frame that costs us work and the client nothing. */
static void count_control(struct h2_conn *h)
{
    if (!rate_take(&h->control, now_of(h)))
        h2_conn_calm(h, "too many frames without content");
}

static void count_reset(struct h2_conn *h)
{
    if (!rate_take(&h->resets, now_of(h)))
        h2_conn_calm(h, "too many streams had to be reset");
}

/* ---- callbacks of the session ---- */

static int begin_frame(nghttp2_session *session, const nghttp2_frame_hd *head, void *ctx)
{
    (void)session;
    bool empty = head->length == 0 && !(head->flags & NGHTTP2_FLAG_END_STREAM);
    bool content = head->type == NGHTTP2_HEADERS || (head->type == NGHTTP2_DATA && !empty);
    if (!content)
        count_control(ctx);
    return 0;
}

static int begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *ctx)
{
    struct h2_conn *h = ctx;
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    struct h2_stream *s = h2_stream_new(h, frame->hd.stream_id);
    if (!s) /* to be tried again (RFC 9113 section 8.7) */
        return nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id,
                                         NGHTTP2_REFUSED_STREAM) == 0
                   ? 0
                   : NGHTTP2_ERR_CALLBACK_FAILURE;
    nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, s);
    return 0;
}

static int header(nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name,
                  nghttp2_rcbuf *value, uint8_t flags, void *ctx)
{
    (void)flags;
    (void)ctx;
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    struct h2_stream *s = stream_of(session, frame->hd.stream_id);
    return !s || h2_stream_field(s, name, value) ? 0 : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

static int frame_received(nghttp2_session *session, const nghttp2_frame *frame, void *ctx)
{
    bool end = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
    (void)ctx;
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA)
        return 0;
    struct h2_stream *s = stream_of(session, frame->hd.stream_id);
    if (!s)
        return 0;
    if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
        h2_stream_headers_done(s);
    if (end)
        h2_stream_end(s);
    return 0;
}

/* Every byte is either kept, which the ledger has admitted, or thrown away: the connection's window opens at once. */
static int data_received(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
                         size_t len, void *ctx)
{
    (void)flags;
    (void)ctx;
    struct h2_stream *s = stream_of(session, id);
    if (s)
        h2_stream_data(s, slice_make(data, len));
    return nghttp2_session_consume_connection(session, len) == 0 ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

static int invalid_frame(nghttp2_session *session, const nghttp2_frame *frame, int err, void *ctx)
{
    (void)session;
    (void)frame;
    (void)err;
    count_reset(ctx);
    return 0;
}

static int frame_sent(nghttp2_session *session, const nghttp2_frame *frame, void *ctx)
{
    struct h2_conn *h = ctx;
    if (frame->hd.type == NGHTTP2_RST_STREAM && frame->rst_stream.error_code != NGHTTP2_NO_ERROR &&
        frame->rst_stream.error_code != NGHTTP2_REFUSED_STREAM)
        count_reset(h);
    bool content = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    if (!content || !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
        return 0;
    struct h2_stream *s = stream_of(session, frame->hd.stream_id);
    if (s)
        s->told = true;
    return 0;
}

static int stream_closed(nghttp2_session *session, int32_t id, uint32_t error, void *ctx)
{
    (void)error;
    (void)ctx;
    struct h2_stream *s = stream_of(session, id);
    if (s)
        h2_stream_free(s);
    return 0;
}

/* ---- opening ---- */

static nghttp2_session_callbacks *make_callbacks(void)
{
    nghttp2_session_callbacks *c = NULL;
    if (nghttp2_session_callbacks_new(&c) != 0)
        return NULL;
    nghttp2_session_callbacks_set_on_begin_frame_callback(c, begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(c, begin_headers);
    nghttp2_session_callbacks_set_on_header_callback2(c, header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(c, frame_received);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, data_received);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(c, invalid_frame);
    nghttp2_session_callbacks_set_on_frame_send_callback(c, frame_sent);
    nghttp2_session_callbacks_set_on_stream_close_callback(c, stream_closed);
    return c;
}

static nghttp2_option *make_options(void)
{
    nghttp2_option *o = NULL;
    if (nghttp2_option_new(&o) != 0)
        return NULL;
    nghttp2_option_set_no_auto_window_update(o, 1);
    nghttp2_option_set_no_closed_streams(o, 1);
    nghttp2_option_set_max_continuations(o, MAX_CONTINUATIONS);
    nghttp2_option_set_max_outbound_ack(o, MAX_OUTBOUND_ACKS);
    nghttp2_option_set_stream_reset_rate_limit(o, CANCELS_BURST, CANCELS_PER_S);
    return o;
}

static bool make_session(struct h2_conn *h)
{
    nghttp2_session_callbacks *callbacks = make_callbacks();
    nghttp2_option *options = make_options();
    bool made = callbacks && options &&
                nghttp2_session_server_new2(&h->session, callbacks, h, options) == 0;
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_option_del(options);
    return made;
}

static bool send_settings(struct h2_conn *h)
{
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, h->intake->limits.max_streams},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, h->intake->limits.max_headers_bytes},
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
    };
    return nghttp2_submit_settings(h->session, NGHTTP2_FLAG_NONE, settings,
                                   sizeof settings / sizeof settings[0]) == 0 &&
           nghttp2_session_set_local_window_size(h->session, NGHTTP2_FLAG_NONE, 0,
                                                 H2_CONNECTION_WINDOW_BYTES) == 0;
}

static void fini(void *p)
{
    struct h2_conn *h = p;
    while (h->streams)
        h2_stream_free(h->streams);
    nghttp2_session_del(h->session);
    free(h);
}

static void *h2_open(struct conn *conn, struct intake *intake)
{
    struct h2_conn *h = calloc(1, sizeof *h);
    if (!h)
        return NULL;
    h->conn = conn;
    h->intake = intake;
    h->control = rate_make(CONTROL_BURST, CONTROL_PER_S, now_of(h));
    h->resets = rate_make(RESETS_BURST, RESETS_PER_S, now_of(h));
    if (!make_session(h)) {
        free(h);
        return NULL;
    }
    if (!send_settings(h)) {
        fini(h);
        return NULL;
    }
    conn_flush(conn);
    return h;
}

/* ---- bytes ---- */

/* True when nothing that anybody waits for is left. */
static bool is_over(struct h2_conn *h)
{
    if (!nghttp2_session_want_read(h->session) && !nghttp2_session_want_write(h->session))
        return true;
    return !conn_is_open(h->conn) && h->open == h->receiving;
}

static void input(void *p, struct slice bytes)
{
    struct h2_conn *h = p;
    if (h->ending)
        return;
    ssize_t n = nghttp2_session_mem_recv(h->session, bytes.data, bytes.len);
    if (n < 0) {
        h->intake->counters.connections_reset++;
        conn_abort(h->conn);
        return;
    }
    if (nghttp2_session_want_write(h->session) || is_over(h))
        conn_flush(h->conn);
}

static void output(void *p, struct buf *out, size_t enough)
{
    struct h2_conn *h = p;
    while (out->len < enough) {
        const uint8_t *data;
        ssize_t n = nghttp2_session_mem_send(h->session, &data);
        if (n < 0) {
            conn_abort(h->conn);
            return;
        }
        if (n == 0)
            break;
        buf_append(out, data, (size_t)n);
    }
    if (out->len == 0 && is_over(h))
        conn_finish(h->conn);
}

/* Requests that came as a whole still get their answers, if somebody is there to read them. */
static void eof(void *p)
{
    struct h2_conn *h = p;
    conn_flush(h->conn);
}

/* ---- time ---- */

static void say_goodbye(struct h2_conn *h)
{
    h->last_word = true;
    nghttp2_submit_goaway(h->session, NGHTTP2_FLAG_NONE,
                          nghttp2_session_get_last_proc_stream_id(h->session), NGHTTP2_NO_ERROR,
                          NULL, 0);
    conn_flush(h->conn);
}

static void sweep(void *p, uint64_t now_ms)
{
    struct h2_conn *h = p;
    const struct limits *limits = &h->intake->limits;
    for (struct h2_stream *s = h->streams; s; s = s->next)
        h2_stream_sweep(s, now_ms);
    if (!h->open && !h->last_word && now_ms - conn_active_ms(h->conn) >= limits->idle_timeout_ms)
        say_goodbye(h);
}

static void drain(void *p, bool last)
{
    struct h2_conn *h = p;
    if (last && !h->last_word) {
        say_goodbye(h);
    } else if (!h->draining) {
        h->draining = true;
        nghttp2_submit_shutdown_notice(h->session);
        conn_flush(h->conn);
    }
}

const struct conn_protocol h2_protocol = {
    .name = "h2",
    .open = h2_open,
    .input = input,
    .eof = eof,
    .output = output,
    .sweep = sweep,
    .drain = drain,
    .fini = fini,
};
