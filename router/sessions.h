// SPDX-License-Identifier: Apache-2.0
/* The sessions of the bus, as the router has them: names and numbers, heartbeats, and who is alive.
 * What lies above sees sessions come and go and gets their messages; messages of sessions that are
 * over never reach it. */
#ifndef MASQUES_ROUTER_SESSIONS_H
#define MASQUES_ROUTER_SESSIONS_H

#include <stdbool.h>

#include "router/names.h"
#include "shared/bus/link.h"

#define SESSIONS_MAX 1024u /* alive at a time; a HELLO beyond gets no answer */
#define SESSION_NAME_MAX_BYTES NAME_MAX_BYTES
#define SESSIONS_BEAT_MS 1000u    /* between heartbeats */
#define SESSIONS_SILENCE_MS 3000u /* ends a session; peers give up after 2 s */

struct sessions;
struct session; /* lives until events.closed() returns */

struct sessions_events {
    /* Somebody claims a name that is free now. 0: welcome; otherwise the HELLO gets no answer (the
     * peer asks again) and nothing further is called for the session. */
    int (*admit)(void *ctx, struct session *session, const Masques__Bus__Hello *hello);
    /* Fill in WELCOME (`session` is filled in). */
    void (*welcome)(void *ctx, struct session *session, Masques__Bus__Welcome *welcome);
    /* WELCOME is out. Borrows `hello`. */
    void (*opened)(void *ctx, struct session *session, const Masques__Bus__Hello *hello);
    /* The session is over. Never called from inside sessions_send() or sessions_reset(). */
    void (*closed)(void *ctx, struct session *session, const char *why);
    /* A message that is not about the session itself. Borrowed until sessions_end_of_turn(). */
    void (*message)(void *ctx, struct session *session, const struct link_message *message);
    /* Fill in the heartbeat to this peer; strings are borrowed until the call returns to the loop.
     */
    void (*fill_heartbeat)(void *ctx, struct session *session, Masques__Bus__Heartbeat *heartbeat);
    /* After the heartbeats, once each SESSIONS_BEAT_MS. */
    void (*tick)(void *ctx);
};

struct sessions_options {
    const char *endpoint;   /* to bind */
    uint64_t first_session; /* numbers rise from here; the caller sees to it that no earlier run
                               reaches it */
    uint32_t beat_ms;       /* 0: SESSIONS_BEAT_MS */
    uint32_t silence_ms;    /* 0: SESSIONS_SILENCE_MS */
};

/* Binds and listens from the next turn on. Everything but `options` is borrowed for the sessions'
 * life. Returns owned, or NULL with *why set to static text. */
struct sessions *sessions_new(struct loop *loop, struct link_context *context,
                              const struct sessions_options *options,
                              const struct sessions_events *events, void *ctx,
                              const struct log *log, const char **why);
/* Closes the socket and forgets the sessions without a word: the peers hear silence.
 * events.closed() is not called. */
void sessions_free(struct sessions **sessions);

/* The master's word: this pid is the newest spawn of that name. 0: no process has it. An older
 * spawn is ignored. */
void sessions_expect(struct sessions *sessions, const char *name, pid_t pid, uint32_t spawn);

/* As link_send, within the session. GW_ERR_NOT_FOUND, GW_ERR_CLOSED: the peer is gone,
 * events.closed() follows. */
int sessions_send(struct sessions *sessions, struct session *session, Masques__Bus__Frame *frame,
                  const struct link_payload *payloads, size_t count) GW_MUST_CHECK;

/* Ends the session with RESET because of what the peer said or could not be answered;
 * events.closed() follows. */
void sessions_reset(struct sessions *sessions, struct session *session, const char *why);

/* The message that events.message() shows is the caller's from now on, beyond the turn. Returns
 * owned. */
struct link_message *sessions_take(struct sessions *sessions, const struct link_message *message);

/* The last of a turn's work: frees its messages, reports sessions that ended within it. */
void sessions_end_of_turn(struct sessions *sessions);
/* Messages came since then. */
bool sessions_unfinished(const struct sessions *sessions);

size_t sessions_count(const struct sessions *sessions);
/* The i-th living session; NULL behind the last. */
struct session *sessions_at(const struct sessions *sessions, size_t i);
uint64_t sessions_missed_edges(const struct sessions *sessions);

const char *session_name(const struct session *session);
Masques__Bus__PeerKind session_kind(const struct session *session);
uint64_t session_number(const struct session *session);
pid_t session_pid(const struct session *session);
/* It said BYE: it left on purpose, and nobody need wait for it. */
bool session_left(const struct session *session);
/* It ends with this turn: nothing can be sent any more. */
bool session_is_over(const struct session *session);
/* What the upper layer keeps about the peer; NULL at first. */
void session_set_owner(struct session *session, void *owner);
void *session_owner(const struct session *session);

#endif
