// SPDX-License-Identifier: Apache-2.0
/* HTTP to ClickHouse: libcurl's multi interface on the loop. Connections are kept and used again; a call is one request,
 * whose body is asked for piece by piece while it is sent, and one reply. What a reply means is not known here
 * (exporters/clickhouse/answer.h). User and password travel in headers of their own, never in an address. */
#ifndef MASQUES_EXPORTERS_CLICKHOUSE_CLIENT_H
#define MASQUES_EXPORTERS_CLICKHOUSE_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/loop.h"
#include "shared/base/slice.h"

#define CLIENT_TEXT_MAX_BYTES (1024u * 1024) /* of a reply; what is longer is cut */

/* What all calls have in common. Texts are borrowed for the client's life; "": none. */
struct client_rules {
    const char *username;
    const char *password;
    const char *ca_file;
    const char *cert_file;
    const char *key_file;
    bool insecure_skip_verify;
    uint64_t timeout_ms; /* of a call; 0: none */
};

/* How far a call came. */
enum client_outcome {
    CLIENT_REPLIED,   /* with a status */
    CLIENT_UNSENT,    /* the server cannot have the whole request */
    CLIENT_UNKNOWN,   /* the whole request went out, no whole reply came back */
    CLIENT_BODY_ENDED, /* the body could not be made: what `pull` returned is in `body_error` */
};

/* Everything is borrowed until the call of done() returns. */
struct client_reply {
    enum client_outcome outcome;
    int body_error;
    long status;          /* of HTTP */
    int64_t exception;    /* X-ClickHouse-Exception-Code; -1: not there */
    bool has_summary;     /* X-ClickHouse-Summary told of written_rows */
    uint64_t written_rows;
    struct slice text;    /* the body */
    const char *error;    /* in words, of libcurl, unless it replied */
};

/* The next piece of the body, borrowed until the next call: 1, not empty; 0: the end; a negative enum gw_err. */
typedef int (*client_pull_fn)(void *ctx, struct slice *piece);
/* From the start again (a kept connection turned out to be closed). 0 or a negative enum gw_err. */
typedef int (*client_rewind_fn)(void *ctx);
/* The call has ended, and is freed after it. */
typedef void (*client_done_fn)(void *ctx, const struct client_reply *reply);

struct client_request {
    const char *url;       /* with the statement and its settings; copied */
    struct slice text;     /* the body where there is no `pull`; copied */
    const char *encoding;  /* Content-Encoding of what is pulled, or NULL */
    client_pull_fn pull;   /* or NULL */
    client_rewind_fn rewind;
    void *body;            /* for these two */
    client_done_fn done;
    void *ctx;             /* for done() */
};

struct client;
struct client_call;

/* Returns owned; NULL: no memory. */
struct client *client_new(struct loop *loop, const struct client_rules *rules);
/* Its calls must have ended or been cancelled. */
void client_free(struct client **client);

/* Begins a call; done() is never called from inside. NULL: no memory. */
struct client_call *client_start(struct client *client,
                                 const struct client_request *request) GW_MUST_CHECK;
/* Ends it, without done(). Not from inside pull(). */
void client_cancel(struct client_call **call);

#endif
