// SPDX-License-Identifier: Apache-2.0
/* OTLP/HTTP over HTTP/1.1: one request at a time, pipelined ones wait; keep-alive; lengths and chunks;
 * Expect: 100-continue. A request that is refused before its body has come ends the connection, politely. */
#include <stdlib.h>

#include "receiver/worker/conn.h"
#include "receiver/worker/remark.h"
#include "receiver/worker/request.h"
#include "shared/http/http1.h"
#include "shared/http/http1_chunked.h"
#include "shared/http/http1_response.h"

#define DIRECT_MIN_BYTES 4096u /* a body with this much to come is received where it belongs */

enum state {
    ST_HEAD,    /* between requests, or inside a head */
    ST_LENGTH,  /* inside a body of known length */
    ST_CHUNKS,  /* inside a body in chunks */
    ST_WAITING, /* the router has it */
    ST_DROP,    /* the body of a refused request runs out; the connection goes on */
    ST_END,     /* the last answer is written: what still comes is not looked at */
};

struct http1_conn {
    struct conn *conn;
    struct intake *intake;
    enum state state;
    bool keep_alive; /* after the request in hand */
    bool head_only;  /* HEAD: the answer has no body */
    bool draining;
    bool held; /* input is on hold: pipelined requests wait */
    bool processing; /* no recursion when an answer comes at once */
    enum otlp_codec codec;
    enum otlp_signal signal; /* 0: not known */
    uint64_t left;      /* bytes of a body of known length */
    uint64_t began_ms;  /* when the head or body in hand began; 0: nothing in hand */
    struct http1_chunked chunks;
    struct request request;
    struct buf pending; /* bytes that could not be used yet */
    uint64_t charged;   /* bytes, to the ledger for them */
};

static void process(struct http1_conn *h, struct slice bytes);

/* No more will come. A client that closes its side after a whole request may still want the answer. */
static void end_of_input(struct http1_conn *h)
{
    if (h->state != ST_WAITING && h->state != ST_END)
        conn_finish(h->conn);
}

static uint64_t now_of(const struct http1_conn *h)
{
    return loop_now_ms(h->intake->loop);
}

/* ---- answers ---- */

/* `status` may be more exact than the cause's own. */
static void write_reply(struct http1_conn *h, unsigned status, const struct request_answer *answer,
                        bool close_after)
{
    struct buf body = buf_make(INTAKE_SCRATCH_BYTES);
    enum otlp_cause cause = answer->cause;
    remark_answer(h->intake, h->conn, h->signal, answer);
    if (cause == OTLP_ACCEPTED)
        otlp_response_partial(&body, h->codec, h->signal, answer->rejected, answer->message);
    else
        otlp_status_render(&body, h->codec, cause, answer->message, answer->after_ms);
    struct http1_response response = {
        .status = status,
        .content_type = otlp_codec_content_type(h->codec),
        .content_length = body.len,
        .close = close_after,
        .retry_after_s = otlp_status_retry_after_s(cause, answer->after_ms),
        .allow = cause == OTLP_WRONG_METHOD ? ENDPOINT_METHODS : NULL,
        .accept_encoding = cause == OTLP_UNSUPPORTED_CODING ? ENDPOINT_HTTP_CODINGS : NULL,
    };
    struct buf *out = conn_out(h->conn);
    http1_response_head(out, &response);
    if (!h->head_only)
        buf_slice_append(out, buf_slice(&body));
    buf_free(&body);
    conn_flush(h->conn);
}

/* The answer to a request whose body has come as a whole. */
static void finish_request(struct http1_conn *h, const struct request_answer *answer)
{
    bool last = !conn_is_open(h->conn) && h->pending.len == 0;
    bool close_after = !h->keep_alive || h->draining || last;
    write_reply(h, otlp_status_of(answer->cause)->http, answer, close_after);
    request_fini(&h->request); /* which may own the message */
    h->began_ms = 0;
    h->state = close_after ? ST_END : ST_HEAD;
    if (close_after)
        conn_finish(h->conn);
}

/* Refuses a request while (more of) its body is on its way: the answer is the last one. */
static void refuse(struct http1_conn *h, unsigned status, const struct request_answer *answer)
{
    request_count_refusal(h->intake, answer->cause);
    request_fini(&h->request);
    write_reply(h, status, answer, true);
    h->state = ST_END;
    conn_linger(h->conn);
}

static void refuse_cause(struct http1_conn *h, enum otlp_cause cause, const char *message)
{
    refuse(h, otlp_status_of(cause)->http,
           &(struct request_answer){.cause = cause, .message = slice_of(message)});
}

/* ---- requests ---- */

static void answered(void *ctx, const struct request_answer *answer)
{
    struct http1_conn *h = ctx;
    finish_request(h, answer);
    if (h->held) {
        h->held = false;
        conn_hold_input(h->conn, false);
    }
    if (h->pending.len && h->state == ST_HEAD)
        process(h, slice_make(NULL, 0));
}

static void submit(struct http1_conn *h)
{
    struct request_answer answer;
    h->state = ST_WAITING;
    h->began_ms = 0;
    if (!request_submit(&h->request, now_of(h) + REQUEST_HTTP_HOLD_MS, &answer))
        finish_request(h, &answer);
}

/* A refusal that is known from the head. If the body, if any, is here already, the connection can go on. */
static void refuse_head(struct http1_conn *h, const struct http1_request *head,
                        const struct endpoint *endpoint, size_t behind)
{
    unsigned status = otlp_status_of(endpoint->cause)->http;
    struct request_answer answer = {.cause = endpoint->cause,
                                    .message = endpoint_message(endpoint)};
    bool all_here = !head->chunked && head->content_length <= behind;
    if (!all_here || !h->keep_alive || h->draining) {
        refuse(h, status, &answer);
        return;
    }
    request_count_refusal(h->intake, answer.cause);
    write_reply(h, status, &answer, false);
    h->left = head->content_length;
    h->state = h->left ? ST_DROP : ST_HEAD;
    h->began_ms = 0;
}

static void begin_body(struct http1_conn *h, const struct http1_request *head, size_t behind)
{
    enum otlp_cause cause = OTLP_ACCEPTED;
    if (head->chunked) {
        http1_chunked_init(&h->chunks, h->request.max_bytes);
        h->state = ST_CHUNKS;
    } else {
        cause = request_admit(&h->request, head->content_length);
        h->left = head->content_length;
        h->state = ST_LENGTH;
    }
    if (cause != OTLP_ACCEPTED) {
        refuse_cause(h, cause, "");
        return;
    }
    if (head->expect_continue && behind == 0) {
        buf_text(conn_out(h->conn), HTTP1_CONTINUE);
        conn_flush(h->conn);
    }
    if (h->state == ST_LENGTH && h->left == 0)
        submit(h);
}

/* A whole head is there; `behind` bytes came behind it already. */
static void take_head(struct http1_conn *h, const struct http1_request *head, size_t behind)
{
    struct endpoint endpoint;
    h->intake->counters.http1_requests++;
    h->keep_alive = head->keep_alive;
    h->head_only = slice_is(head->method, "HEAD");
    endpoint_http(intake_endpoints(h->intake), head->method, head->path, head->content_type,
                  head->content_encoding, &endpoint);
    h->codec = endpoint.codec;
    h->signal = endpoint.signal;
    if (endpoint.cause != OTLP_ACCEPTED) {
        refuse_head(h, head, &endpoint, behind);
        return;
    }
    if (!head->has_length && !head->chunked) {
        refuse_cause(h, OTLP_LENGTH_REQUIRED, "");
        return;
    }
    request_init(&h->request, h->intake, &endpoint, h->intake->limits.http_max_bytes, answered,
                 h);
    h->began_ms = now_of(h);
    begin_body(h, head, behind);
}

/* ---- input: each takes bytes from the front and returns how many; 0: more are needed first ---- */

static size_t take_head_bytes(struct http1_conn *h, struct slice bytes)
{
    struct http1_request head;
    int64_t n = http1_request_parse(bytes, h->intake->limits.max_headers_bytes, &head);
    if (n == GW_ERR_INCOMPLETE) {
        if (h->began_ms == 0)
            h->began_ms = now_of(h);
        return 0;
    }
    if (n < 0) {
        bool large = head.status == 431 || head.status == 414;
        h->codec = OTLP_JSON;
        h->signal = (enum otlp_signal)0;
        h->head_only = false;
        refuse(h, head.status,
               &(struct request_answer){.cause = large ? OTLP_HEADERS_TOO_LARGE : OTLP_BAD_REQUEST,
                                        .message = slice_of(head.why ? head.why : "")});
        return bytes.len;
    }
    take_head(h, &head, bytes.len - (size_t)n);
    return (size_t)n;
}

static size_t take_length_bytes(struct http1_conn *h, struct slice bytes)
{
    size_t n = bytes.len < h->left ? bytes.len : (size_t)h->left;
    struct blob *body = h->request.body;
    memcpy(body->data + body->len, bytes.data, n);
    body->len += n;
    h->left -= n;
    if (h->left == 0)
        submit(h);
    return n;
}

static size_t take_chunk_bytes(struct http1_conn *h, struct slice bytes)
{
    struct slice content;
    int64_t n = http1_chunked_feed(&h->chunks, bytes, &content);
    if (n < 0) {
        refuse_cause(h, n == GW_ERR_TOO_LARGE ? OTLP_TOO_LARGE_WIRE : OTLP_BAD_REQUEST,
                     h->chunks.why ? h->chunks.why : "");
        return bytes.len;
    }
    enum otlp_cause cause = request_append(&h->request, content);
    if (cause != OTLP_ACCEPTED) {
        refuse_cause(h, cause, "");
        return bytes.len;
    }
    if (http1_chunked_done(&h->chunks))
        submit(h);
    return (size_t)n;
}

static size_t drop_bytes(struct http1_conn *h, struct slice bytes)
{
    size_t n = bytes.len < h->left ? bytes.len : (size_t)h->left;
    h->left -= n;
    if (h->left == 0)
        h->state = ST_HEAD;
    return n;
}

static size_t take_some(struct http1_conn *h, struct slice bytes)
{
    switch (h->state) {
    case ST_HEAD:
        return take_head_bytes(h, bytes);
    case ST_LENGTH:
        return take_length_bytes(h, bytes);
    case ST_CHUNKS:
        return take_chunk_bytes(h, bytes);
    case ST_DROP:
        return drop_bytes(h, bytes);
    case ST_WAITING:
        return 0;
    case ST_END:
        return bytes.len;
    }
    return bytes.len;
}

static size_t take_all(struct http1_conn *h, struct slice bytes)
{
    size_t used = 0;
    while (used < bytes.len) {
        size_t n = take_some(h, slice_make(bytes.data + used, bytes.len - used));
        if (n == 0)
            break;
        used += n;
    }
    return used;
}

/* What is kept for later is charged like any other memory of clients. Where there is none left, the requests that are
 * kept are not answered: the connection ends with the answer that is under way, or with this one. */
static void charge_pending(struct http1_conn *h)
{
    struct ledger *ledger = &h->intake->ledger;
    bool room = h->pending.cap <= h->charged || ledger_reserve(ledger, h->pending.cap - h->charged);
    if (!room)
        buf_free(&h->pending);
    if (h->pending.cap < h->charged)
        ledger_release(ledger, h->charged - h->pending.cap);
    h->charged = h->pending.cap;
    if (!room && h->state == ST_WAITING)
        h->keep_alive = false;
    else if (!room)
        refuse_cause(h, OTLP_OVERLOADED, "");
}

/* Works on what is pending and then on `bytes`; keeps what cannot be used yet. */
static void process(struct http1_conn *h, struct slice bytes)
{
    if (h->processing)
        return;
    h->processing = true;
    if (h->pending.len) {
        buf_slice_append(&h->pending, bytes);
        if (!buf_ok(&h->pending)) {
            conn_abort(h->conn);
            return;
        }
        buf_drop_front(&h->pending, take_all(h, buf_slice(&h->pending)));
        if (h->pending.len == 0)
            buf_free(&h->pending);
    } else {
        size_t used = take_all(h, bytes);
        buf_append(&h->pending, bytes.data + used, bytes.len - used);
        if (!buf_ok(&h->pending))
            conn_abort(h->conn);
    }
    h->processing = false;
    if (h->pending.cap != h->charged)
        charge_pending(h);
    if (h->state == ST_WAITING && h->pending.len && !h->held) {
        h->held = true;
        conn_hold_input(h->conn, true);
    }
    if (!conn_is_open(h->conn))
        end_of_input(h);
}

static void input(void *p, struct slice bytes)
{
    process(p, bytes);
}

/* The rest of a body of known length goes where it belongs without a stop. */
static uint8_t *room(void *p, size_t *len)
{
    struct http1_conn *h = p;
    if (h->state != ST_LENGTH || h->left < DIRECT_MIN_BYTES || h->pending.len)
        return NULL;
    *len = h->left < CONN_RECV_BYTES ? (size_t)h->left : CONN_RECV_BYTES; /* one recv() stays short */
    return h->request.body->data + h->request.body->len;
}

static void took(void *p, size_t len)
{
    struct http1_conn *h = p;
    h->request.body->len += len;
    h->left -= len;
    if (h->left == 0)
        submit(h);
}

static void eof(void *p)
{
    end_of_input(p);
}

/* ---- time ---- */

static void time_out(struct http1_conn *h, bool say_so)
{
    h->intake->counters.timeouts++;
    if (say_so)
        refuse_cause(h, OTLP_BODY_TIMEOUT, "");
    else
        conn_finish(h->conn);
}

static void sweep(void *p, uint64_t now_ms)
{
    struct http1_conn *h = p;
    const struct limits *limits = &h->intake->limits;
    switch (h->state) {
    case ST_HEAD:
        if (h->began_ms && now_ms - h->began_ms >= limits->headers_timeout_ms)
            time_out(h, true);
        else if (!h->began_ms && now_ms - conn_active_ms(h->conn) >= limits->idle_timeout_ms)
            conn_finish(h->conn);
        break;
    case ST_LENGTH:
    case ST_CHUNKS: {
        uint64_t got = h->request.body ? h->request.body->len : 0;
        if (now_ms >= limits_body_deadline_ms(limits, h->began_ms, got))
            time_out(h, true);
        break;
    }
    default: /* the router has its own deadline, and output the connection's */
        break;
    }
}

static void drain(void *p, bool last)
{
    struct http1_conn *h = p;
    h->draining = true;
    /* HTTP/1.1 has no notice of shutdown: a request that is on its way when an idle connection closes is lost for its
     * client. One that comes until the connection has been quiet for a while is answered, and told that it ends. */
    if (last && h->state == ST_HEAD && h->began_ms == 0 && conn_is_quiet(h->conn))
        conn_finish(h->conn);
}

/* ---- life ---- */

static void *http1_open(struct conn *conn, struct intake *intake)
{
    struct http1_conn *h = calloc(1, sizeof *h);
    if (!h)
        return NULL;
    h->conn = conn;
    h->intake = intake;
    h->pending = buf_make(2 * (size_t)CONN_RECV_BYTES + intake->limits.max_headers_bytes);
    return h;
}

static void fini(void *p)
{
    struct http1_conn *h = p;
    request_fini(&h->request);
    buf_free(&h->pending);
    ledger_release(&h->intake->ledger, h->charged);
    free(h);
}

const struct conn_protocol http1_protocol = {
    .name = "http/1.1",
    .open = http1_open,
    .input = input,
    .room = room,
    .took = took,
    .eof = eof,
    .sweep = sweep,
    .drain = drain,
    .fini = fini,
};
