// SPDX-License-Identifier: Apache-2.0
/* An HTTP/2 connection: the nghttp2 session, its limits, and its streams. What a stream says and how it is answered is
 * h2_stream's business. */
#ifndef MASQUES_WORKER_H2_CONN_H
#define MASQUES_WORKER_H2_CONN_H

#include <nghttp2/nghttp2.h>

#include "receiver/worker/conn.h"
#include "receiver/worker/rate.h"

/* Windows (RFC 9113 section 6.9.2): a stream's opens further only after its message was admitted as a whole; the
 * connection's is given back as bytes come, since every byte kept is charged to the ledger. */
#define H2_STREAM_WINDOW_BYTES 65535
#define H2_CONNECTION_WINDOW_BYTES (4 << 20)

struct h2_stream;

struct h2_conn {
    struct conn *conn;
    struct intake *intake;
    nghttp2_session *session;
    struct h2_stream *streams; /* open ones */
    uint32_t open;
    uint32_t receiving;  /* of them: their request has not ended yet */
    bool draining;
    bool last_word;      /* GOAWAY with the real last stream was queued */
    bool ending;         /* no more input is looked at */
    struct rate control; /* frames that carry nothing: PING, SETTINGS, PRIORITY, empty DATA, … */
    struct rate resets;  /* RST_STREAM that the client provoked (CVE-2025-8671) */
};

/* The client misbehaves: GOAWAY(ENHANCE_YOUR_CALM), then the end. `why` is static text. */
void h2_conn_calm(struct h2_conn *h, const char *why);

/* A request was accepted: its connection may send that many more frames without content. */
void h2_conn_earn(struct h2_conn *h);

#endif
