// SPDX-License-Identifier: Apache-2.0
/* One child of the master: started, heard, found dead or hung, started again. What it does is its own affair. */
#ifndef MASQUES_MASTER_MEMBER_H
#define MASQUES_MASTER_MEMBER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <masques/control.pb-c.h>

#include "receiver/master/spawn.h"
#include "receiver/master/totals.h"
#include "shared/base/backoff.h"
#include "shared/base/log.h"
#include "shared/base/loop.h"

#define MEMBER_NAME_BYTES 160
#define MEMBER_ERROR_BYTES 256

enum member_kind {
    MEMBER_ROUTER,
    MEMBER_EXPORTER,
    MEMBER_WORKER,
};

/* waiting -> starting -> running -> (draining) -> ended, and from starting, running back to waiting when it dies. */
enum member_state {
    MEMBER_WAITING,  /* not running; its timer will start it */
    MEMBER_STARTING, /* a process, not ready yet */
    MEMBER_RUNNING,
    MEMBER_DRAINING, /* asked to finish */
    MEMBER_ENDED,    /* not running and not to be started */
    MEMBER_CLOSED,   /* ended by itself for good (its destination is gone) */
};

struct member;

struct member_events {
    /* A process was started: m->pid, m->spawn. */
    void (*started)(void *ctx, struct member *m);
    /* It said that it is ready. */
    void (*ready)(void *ctx, struct member *m);
    /* Its process is gone, or could not be started, and m->state says what comes now. */
    void (*gone)(void *ctx, struct member *m);
    /* It said why it gives up: a restart would not help. */
    void (*gave_up)(void *ctx, struct member *m, const char *why);
    /* The router: that registration is no more. May be NULL. */
    void (*detached)(void *ctx, struct member *m, const char *name);
    /* Fill in its settings; what the pointers point at is borrowed until the next call. 0, or why it cannot be. */
    int (*fill_settings)(void *ctx, struct member *m, Masques__Control__Settings *settings,
                         struct spawn_request *request);
};

/* Read by health; written by member.c alone. */
struct member {
    char name[MEMBER_NAME_BYTES]; /* "router", "worker/1", "debug/verbose" */
    enum member_kind kind;
    const char *type; /* exporters: of the configuration; else the kind's name */
    const void *about; /* the owner's: what fill_settings needs */
    const Masques__Control__Attached *attached; /* the owner's: as masquesctl asked for it; NULL: not so */
    char program[512];

    enum member_state state;
    bool returns; /* once it has drained it is started again */
    bool leaves;  /* once it has ended nobody needs to know it any more */
    uint64_t drained_by_ms; /* monotonic; draining alone: by then; 0: with all others */
    pid_t pid; /* 0: none */
    uint32_t spawn;    /* tries to start it so far */
    uint32_t restarts; /* all but the first of them */
    uint64_t started_ms;
    uint64_t heard_ms; /* monotonic; when it was started or heard */
    uint64_t beat_ms;  /* monotonic; of the last beat, whichever process sent it; 0: never */
    uint64_t heard_ns; /* wall clock; 0: never */
    struct {
        uint64_t heard_ms; /* the silence that this is about began then; another than above: it is over */
        uint64_t at_ms, cpu_ms; /* looked at then, and what CPU time it had used by then */
        bool told;
    } busy;
    char error[MEMBER_ERROR_BYTES]; /* the last one, also of a former process */
    bool explained; /* why this process ends is known: it said so, or we kill it */
    uint32_t beats; /* of this process */
    Masques__Control__Beat *beat; /* the last one; NULL: none. Kept beyond the process's end, until the next one's */
    struct totals past;           /* what the processes before the one that sent it had counted */

    struct loop *loop;
    const struct log *log;
    const struct member_events *events;
    void *ctx;
    int control; /* -1: none */
    struct event *readable;
    struct loop_timer *restart;
    struct backoff backoff;
};

/* Returns owned, state MEMBER_WAITING, nothing started; NULL: no memory. `program` is copied, the rest borrowed. */
struct member *member_new(struct loop *loop, enum member_kind kind, const char *name,
                          const char *type, const char *program, const struct member_events *events,
                          void *ctx, const struct log *log);
/* Kills the process if there is one, without waiting for it. */
void member_free(struct member **m);

/* Starts the process; where that fails, another try is set up, as when it dies. */
void member_start(struct member *m);
/* Asks it to finish within so many ms and not to come back: on the control channel, or, when that is full because the
 * child does not read, by SIGTERM. */
void member_drain(struct member *m, uint32_t within_ms);
/* The same, and then it is started again at once, with what fill_settings says by then. One that does not live is
 * started now. */
void member_renew(struct member *m, uint32_t within_ms);
/* SIGKILL; it comes back unless it was draining. `why` goes to the log and into its error. */
void member_kill(struct member *m, const char *why);
/* SIGKILL, and it does not come back. */
void member_end(struct member *m);

/* To be told of its exit: `status` as of waitpid(2). */
void member_exited(struct member *m, int status);

/* Sends a packet down, never waits. False: the child is gone or deaf. */
bool member_tell(struct member *m, const Masques__Control__Down *down);

/* True while there is a process. */
static inline bool member_lives(const struct member *m)
{
    return m->pid > 0;
}

const char *member_kind_name(enum member_kind kind);   /* "router", "exporter", "worker" */
const char *member_state_name(enum member_state state); /* "running", … */

#endif
