// SPDX-License-Identifier: Apache-2.0
#include "ctl/router.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/entropy.h"
#include "shared/bus/peer.h"

#define IPC "ipc://"
#define TCP "tcp://"

struct router {
    const char *endpoint;
    uint32_t timeout_ms;
    char name[48];
    struct loop *loop;
    struct link_context *context;
    struct peer *peer;
    struct loop_timer *limit;
    struct log log;
    uint64_t number; /* of the question at hand */

    /* of router_ask() */
    const struct router_question *question; /* NULL: none is asked */
    struct router_answers *answers;
    struct buf *why;
    bool was_up; /* the question was asked in a session */
    int result;
};

/* ---- answers ---------------------------------------------------------------------------------------------------- */

void router_answers_free(struct router_answers *answers)
{
    for (size_t i = 0; i < answers->count; i++)
        link_message_free(&answers->messages[i]);
    free(answers->messages);
    *answers = (struct router_answers){0};
}

const Masques__Bus__Answer *router_answer(const struct router_answers *answers, size_t i)
{
    return answers->messages[i]->frame->answer;
}

const char *router_error(const struct router_answers *answers)
{
    return answers->count ? router_answer(answers, answers->count - 1)->error : "no answer";
}

uint64_t router_count(const struct router_answers *answers)
{
    return answers->count ? router_answer(answers, answers->count - 1)->count : 0;
}

/* Takes the message. */
static int keep(struct router_answers *answers, struct link_message *message)
{
    size_t n = answers->count;
    if (n == ROUTER_ANSWERS_MAX) {
        link_message_free(&message);
        return GW_ERR_FULL;
    }
    if ((n & (n - 1)) == 0) { /* full at every power of two */
        struct link_message **more = realloc(answers->messages, (n ? n * 2 : 1) * sizeof(struct link_message *));
        if (!more) {
            link_message_free(&message);
            return GW_ERR_NOMEM;
        }
        answers->messages = more;
    }
    answers->messages[answers->count++] = message;
    return GW_OK;
}

/* ---- the question ------------------------------------------------------------------------------------------------ */

/* The question is over. */
static void end(struct router *r, int result)
{
    r->result = result;
    r->question = NULL;
    loop_timer_cancel(r->limit);
    loop_stop(r->loop);
}

static void ask(struct router *r)
{
    const struct router_question *q = r->question;
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    q->request->number = ++r->number;
    frame.body_case = MASQUES__BUS__FRAME__BODY_REQUEST;
    frame.request = q->request;
    int err = peer_send(r->peer, &frame, NULL, 0);
    if (err != GW_OK) {
        buf_printf(r->why, "the question could not be sent to the router: %s", gw_strerror(err));
        end(r, err);
        return;
    }
    r->was_up = true;
    if (!q->patient)
        loop_timer_set(r->limit, r->timeout_ms);
    else if (q->within_ms)
        loop_timer_set(r->limit, (uint64_t)q->within_ms + r->timeout_ms);
    else
        loop_timer_cancel(r->limit); /* its heartbeats say that it lives */
}

static void too_late(void *ctx)
{
    struct router *r = ctx;
    if (!r->question)
        return;
    if (peer_is_up(r->peer))
        buf_printf(r->why, "the router at %s is there, but has not answered in time", r->endpoint);
    else if (r->was_up)
        buf_printf(r->why, "the router at %s went away and has not come back for %g s", r->endpoint,
                   r->timeout_ms / 1000.0);
    else
        buf_printf(r->why, "no router answers at %s within %g s (is it older than masquesctl?)", r->endpoint,
                   r->timeout_ms / 1000.0);
    end(r, GW_ERR_AGAIN);
}

/* ---- the session ------------------------------------------------------------------------------------------------- */

static void fill_hello(void *ctx, Masques__Bus__Hello *hello)
{
    struct router *r = ctx;
    hello->name = r->name;
    hello->kind = MASQUES__BUS__PEER_KIND__PEER_CONTROL;
}

static void on_up(void *ctx, const Masques__Bus__Welcome *welcome)
{
    struct router *r = ctx;
    (void)welcome;
    if (r->question)
        ask(r);
}

static void on_down(void *ctx, const char *why)
{
    struct router *r = ctx;
    if (!r->question)
        return;
    if (r->question->repeatable) {
        router_answers_free(r->answers);
        loop_timer_set(r->limit, r->timeout_ms);
        return;
    }
    buf_printf(r->why, "the router went away before it answered (%s): whether it was done is not known", why);
    end(r, GW_ERR_CLOSED);
}

static void on_refused(void *ctx, bool fenced, const char *why)
{
    struct router *r = ctx;
    (void)fenced;
    if (!r->question)
        return;
    buf_printf(r->why, "the router refuses us: %s", why);
    end(r, GW_ERR_CLOSED);
}

static void on_message(void *ctx, struct link_message *message)
{
    struct router *r = ctx;
    const Masques__Bus__Frame *frame = message->frame;
    if (!r->question || frame->body_case != MASQUES__BUS__FRAME__BODY_ANSWER || frame->answer->number != r->number) {
        link_message_free(&message);
        return;
    }
    bool more = frame->answer->more;
    int err = keep(r->answers, message);
    if (err != GW_OK)
        buf_printf(r->why, "the router's answer is too long: %s", gw_strerror(err));
    if (err != GW_OK || !more)
        end(r, err);
}

static const struct peer_events events = {
    .fill_hello = fill_hello, .up = on_up, .down = on_down, .message = on_message, .refused = on_refused};

/* ---- is anybody there -------------------------------------------------------------------------------------------- */

/* ZeroMQ connects for ever, whatever is at the other end. What will never come right is found at once. */
static int look(const char *endpoint, struct buf *why)
{
    const char *path = endpoint + sizeof IPC - 1;
    struct stat st;
    if (strncmp(endpoint, TCP, sizeof TCP - 1) == 0)
        return GW_OK;
    if (strncmp(endpoint, IPC, sizeof IPC - 1) != 0) {
        buf_printf(why, "\"%s\" is no endpoint of a router: ipc://PATH or tcp://HOST:PORT", endpoint);
        return GW_ERR_INVALID;
    }
    if (stat(path, &st) != 0) {
        if (errno == ENOENT || errno == ENOTDIR)
            buf_printf(why, "no router listens at %s", endpoint);
        else
            buf_printf(why, "cannot reach the router at %s: %s", endpoint, strerror(errno));
        return errno == ENOENT || errno == ENOTDIR ? GW_ERR_NOT_FOUND : GW_ERR_IO;
    }
    /* The bus lets in nobody else, root included (ZMQ_IPC_FILTER_UID, shared/bus/link.c). */
    if (st.st_uid != geteuid()) {
        buf_printf(why, "the router at %s belongs to user %u and answers no other", endpoint, st.st_uid);
        return GW_ERR_IO;
    }
    return GW_OK;
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

struct router *router_new(const char *endpoint, uint32_t timeout_ms, struct buf *why)
{
    struct router *r = calloc(1, sizeof *r);
    if (!r) {
        buf_text(why, gw_strerror(GW_ERR_NOMEM));
        return NULL;
    }
    r->endpoint = endpoint;
    r->timeout_ms = timeout_ms;
    r->log = (struct log){"masquesctl", LOG_LEVEL_ERROR, STDERR_FILENO};
    snprintf(r->name, sizeof r->name, "ctl/%d-%08x", getpid(), (unsigned)entropy_u64());
    r->loop = loop_new();
    r->context = r->loop ? link_context_new() : NULL;
    r->limit = r->context ? loop_timer_new(r->loop, too_late, r) : NULL;
    r->peer = r->limit ? peer_new(r->loop, r->context, endpoint, &events, r, &r->log) : NULL;
    if (!r->peer) {
        buf_text(why, gw_strerror(GW_ERR_NOMEM));
        router_free(&r);
    }
    return r;
}

void router_free(struct router **at)
{
    struct router *r = *at;
    *at = NULL;
    if (!r)
        return;
    peer_free(&r->peer);
    if (r->limit)
        loop_timer_free(&r->limit);
    link_context_free(&r->context);
    loop_free(&r->loop);
    free(r);
}

int router_ask(struct router *r, const struct router_question *question, struct router_answers *answers,
               struct buf *why)
{
    *answers = (struct router_answers){0};
    int err = look(r->endpoint, why);
    if (err != GW_OK)
        return err;
    r->question = question;
    r->answers = answers;
    r->why = why;
    r->was_up = false;
    loop_timer_set(r->limit, r->timeout_ms);
    if (peer_is_up(r->peer))
        ask(r);
    loop_run(r->loop); /* comes back at once when that has failed */
    return r->result;
}
