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
    /* After family_drain() or family_end(): no child is left. */
    void (*ended)(void *ctx);
};

/* What the family is made from; borrowed for its life. */
struct family_parts {
    const struct config *config;
    const struct runtime_dir *runtime;
    const struct listener *listeners; /* of the workers */
    size_t listener_count;
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

/* Kills all of them. */
void family_end(struct family *family);

/* The i-th child (router, exporters, workers), borrowed; NULL behind the last. */
const struct member *family_at(const struct family *family, size_t i);

/* True when telemetry can be accepted: a worker runs, and a router said within the last 2 s that it has room. */
bool family_accepts(const struct family *family);

/* The ZeroMQ endpoint of the router; borrowed. */
const char *family_bus(const struct family *family);

#endif
