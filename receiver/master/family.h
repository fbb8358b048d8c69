// SPDX-License-Identifier: Apache-2.0
/* All children together: which there are, in which order they start and end, who is told of whom, and who is hung. */
#ifndef MASQUES_MASTER_FAMILY_H
#define MASQUES_MASTER_FAMILY_H

#include "receiver/master/listener.h"
#include "receiver/master/member.h"
#include "receiver/master/runtime_dir.h"
#include "shared/config/config.h"

struct family;

struct family_events {
    /* Router and workers are ready for the first time: telemetry is accepted. The exporters are, too, or have been
     * waited for long enough: what is theirs waits in the store. */
    void (*ready)(void *ctx);
    /* It cannot be brought up; `why` is one sentence. Called at most once, before ready(). */
    void (*failed)(void *ctx, const char *why);
    /* After family_drain(), family_hand_over() or family_end(): no child is left. */
    void (*ended)(void *ctx);
    /* The router gave up a registration (masquesctl detached it). May be NULL. */
    void (*detached)(void *ctx, const char *name);
    /* A process that is no member has ended; `status` as of waitpid(2). May be NULL. */
    void (*stranger_ended)(void *ctx, pid_t pid, int status);
};

/* What the family is made from; borrowed for its life. */
struct family_parts {
    const struct config *config;
    const struct runtime_dir *runtime;
    const struct listener *listeners; /* of the workers */
    size_t listener_count;
    uint64_t run; /* which run of the gateway this is, the same over a hand-over; not 0 */
    const char *programs; /* the directory of the children's programs; NULL: where program_find() looks */
    const struct log *log;
};

/* Returns owned, nothing started; NULL with one sentence in `why`. */
struct family *family_new(struct loop *loop, const struct family_parts *parts,
                          const struct family_events *events, void *ctx, char why[512]);
void family_free(struct family **family);

/* Starts router, exporters and workers, at once. */
void family_start(struct family *family);

/* In order: the workers finish their requests, the router delivers what it has, the exporters flush; who falls silent
 * meanwhile, and at the end of the grace period whoever is left, is killed. */
void family_drain(struct family *family, uint64_t grace_ms);

/* As family_drain(), but soon, since another master follows at once in the same process: the workers finish their
 * requests within `workers_ms`, beside them the exporters what they hold within `exporters_ms`, and then the router
 * ends without delivering more: the store keeps it. */
void family_hand_over(struct family *family, uint32_t workers_ms, uint32_t exporters_ms);

/* Kills all of them. */
void family_end(struct family *family);

/* ---- changes while it runs ---- */

/* True between ready() and the beginning of an end: only then may the calls below be made. */
bool family_runs(const struct family *family);

/* Adds an exporter: started at once when the family has been started, otherwise with it. `exporter` and `attached`
 * (NULL: the configuration names it) are borrowed until it is removed or renewed with others. Returns the member,
 * borrowed; NULL with one sentence in `why`. */
struct member *family_add(struct family *family, const struct config_exporter *exporter,
                          const Masques__Control__Attached *attached, char why[512]);
/* An exporter drains within so many ms (5 s later it is killed), and is no member any more once it has ended. */
void family_remove(struct family *family, struct member *m, uint32_t within_ms);
/* An exporter drains likewise and is started again with other settings. */
void family_renew(struct family *family, struct member *m, const struct config_exporter *exporter,
                  const Masques__Control__Attached *attached, uint32_t within_ms);
/* Only what it is started with next time, or is compared with, stands somewhere else now. */
void family_repoint(struct member *m, const struct config_exporter *exporter);
/* 0 when exporters of that kind can be started; GW_ERR_NOT_FOUND with one sentence in `why`. */
int family_has_program(const struct family *family, const struct exporter_kind *kind, char why[512]) GW_MUST_CHECK;
/* True while an exporter drains because of family_remove() or family_renew(). */
bool family_changes(const struct family *family);
/* True when both would be started with the same settings. */
bool family_same_settings(struct family *family, const struct config_exporter *a,
                          const struct config_exporter *b);

/* Tells the router which exporters the configuration (which the caller has changed in its place) names now. */
void family_tell_router(struct family *family);
/* True when the router has carried that out, or was started after it. */
bool family_router_knows(const struct family *family);

/* The child of that name, or NULL; borrowed. */
struct member *family_find(const struct family *family, const char *name);

/* The i-th child (router, exporters, workers), borrowed; NULL behind the last. */
const struct member *family_at(const struct family *family, size_t i);

/* True when telemetry can be accepted: a worker runs, and a router said within the last 2 s that it has room. */
bool family_accepts(const struct family *family);

/* The store's directory; borrowed. */
const char *family_store(const struct family *family);

/* The ZeroMQ endpoint of the router; borrowed. */
const char *family_bus(const struct family *family);

#endif
