// SPDX-License-Identifier: Apache-2.0
/* One accepted connection: bytes in, bytes out, time, and its end. What the bytes mean is the business of a protocol
 * (http1_conn, h2_conn), chosen by the first bytes and reached through an ops table; a protocol in turn knows only
 * the functions below, so that another transport can stand here.
 *
 * Answers of one turn are written together, after the turn's work. Nothing is freed while callbacks may run. */
#ifndef MASQUES_WORKER_CONN_H
#define MASQUES_WORKER_CONN_H

#include <sys/socket.h>

#include "receiver/worker/intake.h"

#define CONN_RECV_BYTES (128u << 10)     /* of the one buffer that all connections of a worker receive into */
#define CONN_OUT_HIGH_BYTES (64u << 10)  /* queued answers; beyond it nothing more is read */
#define CONN_OUT_MAX_BYTES (1u << 20)    /* queued answers; a connection that gets here is ended */

struct conn;

/* A protocol on a connection. `p` is what open() returned. */
struct conn_protocol {
    const char *name;
    /* Returns owned (by fini); NULL: no memory. */
    void *(*open)(struct conn *conn, struct intake *intake);
    /* Takes all of the bytes, which are borrowed. */
    void (*input)(void *p, struct slice bytes);
    /* Where the next bytes are wanted, and how many at most; NULL: anywhere. took() says how many came. Both may be
     * NULL. */
    uint8_t *(*room)(void *p, size_t *len);
    void (*took)(void *p, size_t len);
    /* The client will send no more. */
    void (*eof)(void *p);
    /* Appends what is to be sent, until `out` holds `enough` bytes. May be NULL: all is there already. */
    void (*output)(void *p, struct buf *out, size_t enough);
    /* Once a second. */
    void (*sweep)(void *p, uint64_t now_ms);
    /* No new requests; `last`: the client had time to hear of it. May be said more than once. */
    void (*drain)(void *p, bool last);
    /* Lets go of requests and memory. */
    void (*fini)(void *p);
};

extern const struct conn_protocol http1_protocol;
extern const struct conn_protocol h2_protocol;

/* ---- for protocols ---- */

/* Where answers go. Call conn_flush() after writing to it. */
struct buf *conn_out(struct conn *conn);
/* There is something to send: it goes out at the end of the turn. */
void conn_flush(struct conn *conn);
/* Close when everything has been sent. No more input comes. */
void conn_finish(struct conn *conn);
/* As conn_finish(), but then only stop writing, and throw away what the client still sends, for a while: a close would
 * make the client's system drop the answer (RFC 9112 section 9.6). */
void conn_linger(struct conn *conn);
/* Close now. No call into the protocol comes any more but fini(), later. */
void conn_abort(struct conn *conn);
/* Read no more for now, or again. */
void conn_hold_input(struct conn *conn, bool hold);
/* True while the client has not closed its side. */
bool conn_is_open(const struct conn *conn);
/* When the last byte came or went, loop_now_ms's clock. */
uint64_t conn_active_ms(const struct conn *conn);
/* Nothing came or went for a second: nothing is on its way, as far as can be told. */
bool conn_is_quiet(const struct conn *conn);
/* "127.0.0.1:4711", for the log. */
const char *conn_peer(const struct conn *conn, char *text, size_t room);

/* ---- for the door ---- */

struct conn_owner {
    struct intake *intake;
    uint8_t *recv_buffer; /* CONN_RECV_BYTES, of all connections */
    /* The connection is over and will be freed; it takes itself out of all lists first. */
    void (*closed)(void *ctx, struct conn *conn);
    /* TLS was spoken to this port. */
    void (*tls_seen)(void *ctx, const struct sockaddr_storage *address);
    void *ctx;
};

/* Takes the descriptor, also when it fails (NULL: no memory). `owner` is borrowed for the connection's life. */
struct conn *conn_new(const struct conn_owner *owner, int fd,
                      const struct sockaddr_storage *address);
/* Ends it at once, with closed(); not from inside the loop, where conn_abort() is right. */
void conn_free(struct conn *conn);
/* Once a second: time limits. */
void conn_sweep(struct conn *conn, uint64_t now_ms);
void conn_drain(struct conn *conn, bool last);
const struct sockaddr_storage *conn_address(const struct conn *conn);
/* The owner's list. */
struct conn *conn_next(const struct conn *conn);
void conn_link(struct conn *conn, struct conn **list);
void conn_unlink(struct conn *conn, struct conn **list);

#endif
