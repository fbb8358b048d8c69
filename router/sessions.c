// SPDX-License-Identifier: Apache-2.0
#include "router/sessions.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "router/answers.h"

#define DISPLACED_MAX 64u /* remembered, so that those who lost their name hear it */
#define SAY_EVERY_MS 10000u

struct session {
    char name[SESSION_NAME_MAX_BYTES + 1];
    Masques__Bus__PeerKind kind;
    uint64_t number;
    uint32_t route;
    struct name_claim claim;
    uint64_t heard_ms;
    void *owner;
    bool left; /* said BYE */
    const char *over; /* not NULL: ends with this turn, because … */
};

/* A session whose name went to another. */
struct displaced {
    uint64_t number; /* 0: none */
    uint64_t by;
};

struct sessions {
    struct loop *loop;
    struct link *link;
    const struct sessions_events *events;
    void *ctx;
    const struct log *log;
    struct session **list;
    size_t count, cap;
    uint64_t last_number;
    struct displaced displaced[DISPLACED_MAX];
    size_t displaced_next;
    struct names names;
    struct link_message **kept; /* of this turn */
    size_t kept_count, kept_cap;
    struct loop_timer *beat;
    uint32_t beat_ms, silence_ms;
    uint64_t ticked_ms;
    uint64_t beats;
    bool some_over;
    struct log_gate odd;
};

/* ---- finding ---- */

static struct session *by_number(const struct sessions *s, uint64_t number)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->list[i]->number == number)
            return s->list[i];
    return NULL;
}

static struct session *by_name(const struct sessions *s, const char *name)
{
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->list[i]->name, name) == 0)
            return s->list[i];
    return NULL;
}

/* ---- sending ---- */

/* From now on nothing of the session is heard; it is closed at the end of the turn. */
static void mark_over(struct sessions *s, struct session *session, const char *why)
{
    if (!session->over)
        session->over = why;
    s->some_over = true;
}

int sessions_send(struct sessions *s, struct session *session, Masques__Bus__Frame *frame,
                  const struct link_payload *payloads, size_t count)
{
    if (session->over)
        return GW_ERR_CLOSED;
    frame->session = session->number;
    int err = link_send(s->link, session->route, frame, payloads, count);
    if (err == GW_ERR_NOT_FOUND)
        mark_over(s, session, "the peer is gone");
    return err;
}

void sessions_reset(struct sessions *s, struct session *session, const char *why)
{
    if (session->over)
        return;
    answer_reset(s->link, s->log, session->route);
    mark_over(s, session, why);
}

/* ---- closing ---- */

static void close_at(struct sessions *s, size_t i, const char *why)
{
    struct session *session = s->list[i];
    s->list[i] = s->list[--s->count];
    log_debug(s->log, "bus: session %" PRIu64 " of %s is over: %s", session->number, session->name,
              why);
    s->events->closed(s->ctx, session, why);
    free(session);
}

static void close_session(struct sessions *s, const struct session *session, const char *why)
{
    for (size_t i = 0; i < s->count; i++) {
        if (s->list[i] != session)
            continue;
        close_at(s, i, why);
        return;
    }
}

static void close_those_over(struct sessions *s)
{
    if (!s->some_over)
        return;
    s->some_over = false;
    for (size_t i = s->count; i-- > 0;)
        if (s->list[i]->over)
            close_at(s, i, s->list[i]->over);
}

/* ---- HELLO ---- */

/* NULL, or what is wrong with it. */
static const char *hello_fault(const Masques__Bus__Hello *hello)
{
    size_t len = strlen(hello->name);
    if (len == 0 || len > SESSION_NAME_MAX_BYTES)
        return "a name that is empty or too long";
    if (hello->kind != MASQUES__BUS__PEER_KIND__PEER_WORKER &&
        hello->kind != MASQUES__BUS__PEER_KIND__PEER_EXPORTER &&
        hello->kind != MASQUES__BUS__PEER_KIND__PEER_CONTROL)
        return "an unknown kind of peer";
    return NULL;
}

static void say_odd(struct sessions *s, const char *name, const char *what)
{
    if (log_gate_pass(&s->odd, loop_now_ms(s->loop), SAY_EVERY_MS))
        log_warn(s->log, "bus: HELLO of \"%s\" is not answered: %s", name, what);
}

static struct session *session_add(struct sessions *s, const struct link_message *message,
                                   const struct name_claim *claim)
{
    const Masques__Bus__Hello *hello = message->frame->hello;
    if (s->count >= SESSIONS_MAX)
        return NULL;
    if (s->count == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 8;
        struct session **list = realloc(s->list, cap * sizeof(struct session *));
        if (!list)
            return NULL;
        s->list = list;
        s->cap = cap;
    }
    struct session *session = calloc(1, sizeof *session);
    if (!session)
        return NULL;
    memcpy(session->name, hello->name, strlen(hello->name)); /* fits: hello_fault() */
    session->kind = hello->kind;
    session->number = ++s->last_number;
    session->route = message->route;
    session->claim = *claim;
    session->heard_ms = loop_now_ms(s->loop);
    s->list[s->count++] = session;
    return session;
}

static void remember_displaced(struct sessions *s, uint64_t number, uint64_t by)
{
    s->displaced[s->displaced_next] = (struct displaced){number, by};
    s->displaced_next = (s->displaced_next + 1) % DISPLACED_MAX;
}

/* The holder loses its name to the session that comes next. A process that says HELLO again has
 * thrown its old socket away; another process must hear that it is over. */
static void displace(struct sessions *s, struct session *holder, enum name_verdict verdict,
                     pid_t by)
{
    if (verdict == NAME_TAKEN) {
        log_info(s->log, "bus: %s: process %d takes over from process %d", holder->name, (int)by,
                 (int)holder->claim.pid);
        remember_displaced(s, holder->number, s->last_number + 1);
        answer_fenced(s->link, s->log, holder->route, s->last_number + 1);
    }
    close_session(s, holder,
                  verdict == NAME_TAKEN ? "its name was taken over" : "it says HELLO again");
}

static void welcome(struct sessions *s, struct session *session, const Masques__Bus__Hello *hello)
{
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    Masques__Bus__Welcome said = MASQUES__BUS__WELCOME__INIT;
    s->events->welcome(s->ctx, session, &said);
    said.session = session->number;
    frame.body_case = MASQUES__BUS__FRAME__BODY_WELCOME;
    frame.welcome = &said;
    int err = sessions_send(s, session, &frame, NULL, 0);
    if (err == GW_OK)
        s->events->opened(s->ctx, session, hello);
    else
        mark_over(s, session, gw_strerror(err));
}

static void hello_came(struct sessions *s, const struct link_message *message)
{
    const Masques__Bus__Hello *hello = message->frame->hello;
    const char *fault = hello_fault(hello);
    if (fault) {
        say_odd(s, hello->name, fault);
        return;
    }
    struct name_claim claim = {message->pid ? message->pid : (pid_t)hello->pid, hello->attempt,
                               hello->replace};
    struct session *holder = by_name(s, hello->name);
    pid_t expected = names_expected(&s->names, hello->name);
    enum name_verdict verdict = name_judge(&claim, holder ? &holder->claim : NULL, expected);
    if (verdict == NAME_LATE)
        return;
    if (verdict == NAME_IN_USE) {
        answer_name_in_use(s->link, s->log, message->route, hello->name,
                           holder ? holder->claim.pid : expected);
        return;
    }
    if (holder)
        displace(s, holder, verdict, claim.pid);
    struct session *session = session_add(s, message, &claim);
    if (!session) {
        say_odd(s, hello->name, s->count >= SESSIONS_MAX ? "too many sessions" : "no memory");
        return;
    }
    int err = s->events->admit(s->ctx, session, hello);
    if (err != GW_OK) {
        say_odd(s, hello->name, gw_strerror(err));
        s->count--; /* it was added last */
        free(session);
        return;
    }
    log_debug(s->log, "bus: session %" PRIu64 " of %s, process %d", session->number, session->name,
              (int)claim.pid);
    welcome(s, session, hello);
}

/* ---- messages ---- */

/* A message of a session that is not, or is another's. */
static void stranger(struct sessions *s, const struct link_message *message)
{
    uint64_t number = message->frame->session;
    for (size_t i = 0; number && i < DISPLACED_MAX; i++) {
        if (s->displaced[i].number != number)
            continue;
        answer_fenced(s->link, s->log, message->route, s->displaced[i].by);
        return;
    }
    answer_reset(s->link, s->log, message->route);
}

static void session_message(struct sessions *s, const struct link_message *message)
{
    struct session *session = by_number(s, message->frame->session);
    if (!session || session->route != message->route) {
        stranger(s, message);
        return;
    }
    if (session->over)
        return;
    session->heard_ms = loop_now_ms(s->loop);
    session->left = message->frame->body_case == MASQUES__BUS__FRAME__BODY_BYE;
    if (session->left)
        close_session(s, session, "BYE");
    else
        s->events->message(s->ctx, session, message);
}

/* Keeps the message until the end of the turn. False: no memory. */
static bool keep(struct sessions *s, struct link_message *message)
{
    if (s->kept_count == s->kept_cap) {
        size_t cap = s->kept_cap ? s->kept_cap * 2 : 64;
        struct link_message **kept = realloc(s->kept, cap * sizeof(struct link_message *));
        if (!kept)
            return false;
        s->kept = kept;
        s->kept_cap = cap;
    }
    s->kept[s->kept_count++] = message;
    return true;
}

static void message_came(void *ctx, struct link_message *message)
{
    struct sessions *s = ctx;
    if (!keep(s, message)) {
        /* Unheard, its session cannot go on: the peer would wait for ever. */
        answer_reset(s->link, s->log, message->route);
        link_message_free(&message);
        return;
    }
    if (message->frame->body_case == MASQUES__BUS__FRAME__BODY_HELLO)
        hello_came(s, message);
    else
        session_message(s, message);
}

struct link_message *sessions_take(struct sessions *s, const struct link_message *message)
{
    size_t i = s->kept_count;
    while (i-- > 0 && s->kept[i] != message)
        ;
    struct link_message *mine = s->kept[i];
    s->kept[i] = NULL;
    return mine;
}

void sessions_end_of_turn(struct sessions *s)
{
    for (size_t i = 0; i < s->kept_count; i++)
        link_message_free(&s->kept[i]);
    s->kept_count = 0;
    close_those_over(s);
}

bool sessions_unfinished(const struct sessions *s)
{
    return s->kept_count > 0;
}

/* ---- heartbeats ---- */

static void say_heartbeat(struct sessions *s, struct session *session)
{
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    Masques__Bus__Heartbeat beat = MASQUES__BUS__HEARTBEAT__INIT;
    beat.sequence = s->beats;
    s->events->fill_heartbeat(s->ctx, session, &beat);
    frame.body_case = MASQUES__BUS__FRAME__BODY_HEARTBEAT;
    frame.heartbeat = &beat;
    int err = sessions_send(s, session, &frame, NULL, 0);
    if (err != GW_OK)
        log_debug(s->log, "bus: no heartbeat to %s: %s", session->name, gw_strerror(err));
}

static void tick(void *ctx)
{
    struct sessions *s = ctx;
    uint64_t now = loop_now_ms(s->loop);
    /* A tick that came late says that we slept: what the peers said meanwhile is still unread. */
    bool slept = now - s->ticked_ms > s->beat_ms + s->beat_ms / 2;
    s->ticked_ms = now;
    s->beats++;
    loop_timer_set(s->beat, s->beat_ms);
    link_check(s->link);
    for (size_t i = 0; i < s->count; i++) {
        struct session *session = s->list[i];
        if (slept)
            session->heard_ms = now;
        if (now - session->heard_ms >= s->silence_ms)
            mark_over(s, session, "it is silent");
        else
            say_heartbeat(s, session);
    }
    s->events->tick(s->ctx);
}

void sessions_expect(struct sessions *s, const char *name, pid_t pid, uint32_t spawn)
{
    names_give(&s->names, name, pid, spawn);
}

/* ---- life ---- */

struct sessions *sessions_new(struct loop *loop, struct link_context *context,
                              const struct sessions_options *options,
                              const struct sessions_events *events, void *ctx,
                              const struct log *log, const char **why)
{
    struct sessions *s = calloc(1, sizeof *s);
    *why = gw_strerror(GW_ERR_NOMEM);
    if (!s)
        return NULL;
    s->loop = loop;
    s->events = events;
    s->ctx = ctx;
    s->log = log;
    s->last_number = options->first_session;
    s->beat_ms = options->beat_ms ? options->beat_ms : SESSIONS_BEAT_MS;
    s->silence_ms = options->silence_ms ? options->silence_ms : SESSIONS_SILENCE_MS;
    s->ticked_ms = loop_now_ms(loop);
    s->beat = loop_timer_new(loop, tick, s);
    if (!s->beat)
        goto fail;
    s->link = link_bind(loop, context, options->endpoint, message_came, s, log, why);
    if (!s->link)
        goto fail;
    loop_timer_set(s->beat, s->beat_ms);
    return s;

fail:
    sessions_free(&s);
    return NULL;
}

void sessions_free(struct sessions **at)
{
    struct sessions *s = *at;
    *at = NULL;
    if (!s)
        return;
    for (size_t i = 0; i < s->kept_count; i++)
        link_message_free(&s->kept[i]);
    for (size_t i = 0; i < s->count; i++)
        free(s->list[i]);
    link_close(&s->link);
    loop_timer_free(&s->beat);
    free(s->kept);
    free(s->list);
    names_fini(&s->names);
    free(s);
}

/* ---- what is seen ---- */

size_t sessions_count(const struct sessions *s)
{
    return s->count;
}

struct session *sessions_at(const struct sessions *s, size_t i)
{
    return i < s->count ? s->list[i] : NULL;
}

uint64_t sessions_missed_edges(const struct sessions *s)
{
    return link_missed_edges(s->link);
}

const char *session_name(const struct session *session)
{
    return session->name;
}

Masques__Bus__PeerKind session_kind(const struct session *session)
{
    return session->kind;
}

uint64_t session_number(const struct session *session)
{
    return session->number;
}

pid_t session_pid(const struct session *session)
{
    return session->claim.pid;
}

bool session_left(const struct session *session)
{
    return session->left;
}

bool session_is_over(const struct session *session)
{
    return session->over != NULL;
}

void session_set_owner(struct session *session, void *owner)
{
    session->owner = owner;
}

void *session_owner(const struct session *session)
{
    return session->owner;
}
