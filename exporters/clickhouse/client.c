// SPDX-License-Identifier: Apache-2.0
#include "exporters/clickhouse/client.h"

#include <curl/curl.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "shared/base/buf.h"

#define HEADER_BYTES 2048u
#define CONNECT_TIMEOUT_MS 10000L
#define EXPECT_WAIT_MS 300L /* a proxy may not answer "Expect: 100-continue" */
#define UPLOAD_BUFFER_BYTES (256L * 1024)
#define ALIVE_AFTER_S 30L
#define EXCEPTION_HEADER "X-ClickHouse-Exception-Code:"
#define SUMMARY_HEADER "X-ClickHouse-Summary:"
#define WRITTEN_ROWS "\"written_rows\":\""

struct client {
    struct loop *loop;
    const struct client_rules *rules;
    CURLM *multi;
    struct loop_timer *timer;
    struct client_call *calls;
};

struct client_call {
    struct client *client;
    struct client_call *next, **at;
    CURL *easy;
    struct curl_slist *headers;
    struct client_request request;
    uint8_t *text; /* owned copy of request.text */
    size_t text_at;
    struct slice piece; /* of pull(), what is left of it */
    bool asked_end;     /* the body's end was handed over */
    int body_error;
    struct buf reply;
    int64_t exception;
    bool has_summary;
    uint64_t written_rows;
    char error[CURL_ERROR_SIZE];
};

/* ---- what libcurl asks of the loop ---- */

struct watch {
    struct event *event;
};

static void calls_settle(struct client *c);

static void on_socket(evutil_socket_t fd, short what, void *ctx)
{
    struct client *c = ctx;
    int running, mask = (what & EV_READ ? CURL_CSELECT_IN : 0) | (what & EV_WRITE ? CURL_CSELECT_OUT : 0);
    curl_multi_socket_action(c->multi, fd, mask, &running);
    calls_settle(c);
}

static void on_time(void *ctx)
{
    struct client *c = ctx;
    int running;
    curl_multi_socket_action(c->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    calls_settle(c);
}

static void watch_free(struct watch *w)
{
    if (w && w->event) {
        event_del(w->event);
        event_free(w->event);
    }
    free(w);
}

/* CURLMOPT_SOCKETFUNCTION */
static int want_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *ours)
{
    struct client *c = ctx;
    struct watch *w = ours;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        watch_free(w);
        curl_multi_assign(c->multi, fd, NULL);
        return 0;
    }
    if (!w) {
        w = calloc(1, sizeof *w);
        if (!w)
            return -1;
        curl_multi_assign(c->multi, fd, w);
    } else if (w->event) {
        event_del(w->event);
        event_free(w->event);
        w->event = NULL;
    }
    short events = EV_PERSIST;
    events |= what & CURL_POLL_IN ? EV_READ : 0;
    events |= what & CURL_POLL_OUT ? EV_WRITE : 0;
    w->event = event_new(loop_base(c->loop), fd, events, on_socket, c);
    return w->event && event_add(w->event, NULL) == 0 ? 0 : -1;
}

/* CURLMOPT_TIMERFUNCTION */
static int want_time(CURLM *multi, long after_ms, void *ctx)
{
    struct client *c = ctx;
    (void)multi;
    if (after_ms < 0)
        loop_timer_cancel(c->timer);
    else
        loop_timer_set(c->timer, (uint64_t)after_ms);
    return 0;
}

/* ---- what libcurl asks of a call ---- */

static size_t give(struct client_call *call, char *to, size_t room)
{
    size_t n = call->piece.len < room ? call->piece.len : room;
    memcpy(to, call->piece.data, n);
    call->piece.data += n;
    call->piece.len -= n;
    return n;
}

/* CURLOPT_READFUNCTION */
static size_t on_read(char *to, size_t size, size_t count, void *ctx)
{
    struct client_call *call = ctx;
    if (call->piece.len)
        return give(call, to, size * count);
    int rc = call->asked_end ? 0 : call->request.pull(call->request.body, &call->piece);
    if (rc < 0) {
        call->body_error = rc;
        return CURL_READFUNC_ABORT;
    }
    if (rc > 0)
        return give(call, to, size * count);
    call->asked_end = true;
    return 0;
}

/* CURLOPT_SEEKFUNCTION: only to the start, when a kept connection was closed at the other end. What was sent is sent:
 * `asked_end` stays in the outcome. */
static int on_seek(void *ctx, curl_off_t offset, int origin)
{
    struct client_call *call = ctx;
    if (offset != 0 || origin != SEEK_SET || call->asked_end)
        return CURL_SEEKFUNC_FAIL;
    call->piece.len = 0;
    int rc = call->request.rewind(call->request.body);
    if (rc < 0)
        call->body_error = rc;
    return rc < 0 ? CURL_SEEKFUNC_FAIL : CURL_SEEKFUNC_OK;
}

/* CURLOPT_WRITEFUNCTION: what is too much is not kept. */
static size_t on_write(char *from, size_t size, size_t count, void *ctx)
{
    struct client_call *call = ctx;
    size_t len = size * count, room = CLIENT_TEXT_MAX_BYTES - call->reply.len;
    buf_append(&call->reply, from, len < room ? len : room);
    return len;
}

static void note_header(struct client_call *call, const char *line)
{
    if (strncasecmp(line, EXCEPTION_HEADER, sizeof EXCEPTION_HEADER - 1) == 0)
        call->exception = strtol(line + sizeof EXCEPTION_HEADER - 1, NULL, 10);
    if (strncasecmp(line, SUMMARY_HEADER, sizeof SUMMARY_HEADER - 1) != 0)
        return;
    const char *rows = strstr(line, WRITTEN_ROWS);
    call->has_summary = rows != NULL;
    if (rows)
        call->written_rows = strtoull(rows + sizeof WRITTEN_ROWS - 1, NULL, 10);
}

/* CURLOPT_HEADERFUNCTION: of the last reply (the one before may have been "100 Continue"). */
static size_t on_header(char *from, size_t size, size_t count, void *ctx)
{
    char line[HEADER_BYTES];
    size_t len = size * count;
    if (len < sizeof line) {
        memcpy(line, from, len);
        line[len] = '\0';
        note_header(ctx, line);
    }
    return len;
}

/* ---- calls ---- */

static void call_free(struct client_call *call)
{
    if (!call)
        return;
    if (call->at) {
        *call->at = call->next;
        if (call->next)
            call->next->at = call->at;
    }
    if (call->easy)
        curl_easy_cleanup(call->easy);
    curl_slist_free_all(call->headers);
    free(call->text);
    buf_free(&call->reply);
    free(call);
}

static struct client_reply reply_of(const struct client_call *call, CURLcode code)
{
    struct client_reply r = {.body_error = call->body_error,
                             .exception = call->exception,
                             .has_summary = call->has_summary,
                             .written_rows = call->written_rows,
                             .text = buf_slice(&call->reply)};
    curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &r.status);
    r.error = call->error[0] ? call->error : curl_easy_strerror(code);
    if (call->body_error)
        r.outcome = CLIENT_BODY_ENDED;
    else if (r.status >= 200 && (code == CURLE_OK || r.exception > 0))
        r.outcome = CLIENT_REPLIED; /* an exception is one even when its text is cut off */
    else
        r.outcome = call->asked_end ? CLIENT_UNKNOWN : CLIENT_UNSENT;
    return r;
}

static void call_settle(struct client_call *call, CURLcode code)
{
    struct client_reply reply = reply_of(call, code);
    client_done_fn done = call->request.done;
    void *ctx = call->request.ctx;
    done(ctx, &reply);
    call_free(call);
}

/* Ends what libcurl has ended. done() may begin new calls and cancel others. */
static void calls_settle(struct client *c)
{
    int left;
    for (CURLMsg *m; (m = curl_multi_info_read(c->multi, &left));) {
        if (m->msg != CURLMSG_DONE)
            continue;
        struct client_call *call = NULL;
        CURLcode code = m->data.result;
        CURL *easy = m->easy_handle;
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&call);
        curl_multi_remove_handle(c->multi, easy); /* `m` is gone with it */
        call_settle(call, code);
    }
}

static bool add_header(struct client_call *call, const char *name, const char *value)
{
    char line[HEADER_BYTES];
    if (!value[0])
        return true;
    int n = snprintf(line, sizeof line, "%s: %s", name, value);
    struct curl_slist *list = n < (int)sizeof line ? curl_slist_append(call->headers, line) : NULL;
    if (list)
        call->headers = list;
    return list != NULL;
}

static bool set_headers(struct client_call *call, const struct client_rules *rules)
{
    const char *encoding = call->request.encoding;
    bool ok = add_header(call, "X-ClickHouse-User", rules->username) &&
              add_header(call, "X-ClickHouse-Key", rules->password) &&
              add_header(call, "Content-Encoding", encoding ? encoding : "") &&
              add_header(call, "Content-Type", "application/octet-stream");
    if (call->request.pull)
        ok = ok && add_header(call, "Transfer-Encoding", "chunked");
    return ok && curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers) == CURLE_OK;
}

static bool set_tls(CURL *easy, const struct client_rules *r)
{
    int rc = (int)CURLE_OK;
    if (r->ca_file[0])
        rc |= (int)curl_easy_setopt(easy, CURLOPT_CAINFO, r->ca_file);
    if (r->cert_file[0])
        rc |= (int)curl_easy_setopt(easy, CURLOPT_SSLCERT, r->cert_file);
    if (r->key_file[0])
        rc |= (int)curl_easy_setopt(easy, CURLOPT_SSLKEY, r->key_file);
    if (r->insecure_skip_verify) {
        rc |= (int)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
        rc |= (int)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    return rc == (int)CURLE_OK;
}

static bool set_body(struct client_call *call)
{
    CURL *e = call->easy;
    int rc = (int)curl_easy_setopt(e, CURLOPT_POST, 1L);
    if (!call->request.pull) {
        call->asked_end = true;
        rc |= (int)curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE, (long)call->request.text.len);
        rc |= (int)curl_easy_setopt(e, CURLOPT_POSTFIELDS, call->text);
        return rc == (int)CURLE_OK;
    }
    rc |= (int)curl_easy_setopt(e, CURLOPT_READFUNCTION, on_read);
    rc |= (int)curl_easy_setopt(e, CURLOPT_READDATA, call);
    rc |= (int)curl_easy_setopt(e, CURLOPT_SEEKFUNCTION, on_seek);
    rc |= (int)curl_easy_setopt(e, CURLOPT_SEEKDATA, call);
    rc |= (int)curl_easy_setopt(e, CURLOPT_UPLOAD_BUFFERSIZE, UPLOAD_BUFFER_BYTES);
    rc |= (int)curl_easy_setopt(e, CURLOPT_EXPECT_100_TIMEOUT_MS, EXPECT_WAIT_MS);
    return rc == (int)CURLE_OK;
}

static bool set_rest(struct client_call *call, const struct client_rules *rules)
{
    CURL *e = call->easy;
    int rc = (int)curl_easy_setopt(e, CURLOPT_URL, call->request.url);
    rc |= (int)curl_easy_setopt(e, CURLOPT_PRIVATE, call);
    rc |= (int)curl_easy_setopt(e, CURLOPT_ERRORBUFFER, call->error);
    rc |= (int)curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_write);
    rc |= (int)curl_easy_setopt(e, CURLOPT_WRITEDATA, call);
    rc |= (int)curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
    rc |= (int)curl_easy_setopt(e, CURLOPT_HEADERDATA, call);
    rc |= (int)curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    rc |= (int)curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    rc |= (int)curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    rc |= (int)curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L); /* a body cannot follow */
    rc |= (int)curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
    rc |= (int)curl_easy_setopt(e, CURLOPT_TCP_KEEPIDLE, ALIVE_AFTER_S);
    rc |= (int)curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
    rc |= (int)curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)rules->timeout_ms);
    return rc == (int)CURLE_OK;
}

static void call_link(struct client *c, struct client_call *call)
{
    call->next = c->calls;
    call->at = &c->calls;
    if (call->next)
        call->next->at = &call->next;
    c->calls = call;
}

struct client_call *client_start(struct client *c, const struct client_request *request)
{
    struct client_call *call = calloc(1, sizeof *call);
    if (!call)
        return NULL;
    call->client = c;
    call->request = *request;
    call->exception = -1;
    call->reply = buf_make(CLIENT_TEXT_MAX_BYTES);
    call->easy = curl_easy_init();
    call->text = malloc(request->text.len + 1);
    if (call->text && request->text.len)
        memcpy(call->text, request->text.data, request->text.len);
    if (!call->easy || !call->text || !set_rest(call, c->rules) || !set_tls(call->easy, c->rules) ||
        !set_body(call) || !set_headers(call, c->rules) ||
        curl_multi_add_handle(c->multi, call->easy) != CURLM_OK) {
        call_free(call);
        return NULL;
    }
    call_link(c, call);
    return call;
}

void client_cancel(struct client_call **call)
{
    if (*call) {
        curl_multi_remove_handle((*call)->client->multi, (*call)->easy);
        call_free(*call);
    }
    *call = NULL;
}

/* ---- the client ---- */

struct client *client_new(struct loop *loop, const struct client_rules *rules)
{
    struct client *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->loop = loop;
    c->rules = rules;
    c->timer = loop_timer_new(loop, on_time, c);
    c->multi = curl_global_init(CURL_GLOBAL_DEFAULT) == 0 ? curl_multi_init() : NULL;
    if (!c->timer || !c->multi ||
        curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, want_socket) != CURLM_OK ||
        curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c) != CURLM_OK ||
        curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, want_time) != CURLM_OK ||
        curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c) != CURLM_OK)
        client_free(&c);
    return c;
}

void client_free(struct client **client)
{
    struct client *c = *client;
    *client = NULL;
    if (!c)
        return;
    if (c->multi)
        curl_multi_cleanup(c->multi);
    loop_timer_free(&c->timer);
    curl_global_cleanup();
    free(c);
}
