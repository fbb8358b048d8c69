// SPDX-License-Identifier: Apache-2.0
/* What masquesctl asks of the router: lists, detaching, dead letters, flushing (Request and Answer of
 * proto/masques/bus.proto). A question that has to wait is answered from requests_turn(); it is forgotten when its
 * asker's session ends. */
#ifndef MASQUES_ROUTER_REQUESTS_H
#define MASQUES_ROUTER_REQUESTS_H

#include "router/dispatch.h"

#define REQUESTS_WAITING_MAX 64u /* further ones are answered with an error */

/* Whom they are about; all borrowed. */
struct requests_house {
    struct loop *loop;
    struct store *store;
    struct sessions *sessions;
    struct subscribers *subscribers;
    struct dispatch *dispatch;
    struct dead_letters *letters;
    const struct log *log;
    /* A registration is no more. */
    void (*detached)(void *ctx, const char *name);
    void *ctx;
};

struct requests;

/* Copies `house`. Returns owned; NULL: no memory. */
struct requests *requests_new(const struct requests_house *house);
void requests_free(struct requests **requests);

/* A question of that session. */
void requests_came(struct requests *requests, struct session *session,
                   const Masques__Bus__Request *request);
/* The session is over: nothing that it asked for and that has not happened will. */
void requests_closed(struct requests *requests, const struct session *session);

/* Answers what has come true or whose time is over. */
void requests_turn(struct requests *requests);

#endif
