// SPDX-License-Identifier: Apache-2.0
/* Work that would hold up the loop for too long, done by one thread beside it: bodies that take tens of milliseconds,
 * and giving back memory that takes almost as long. Jobs run one after the other, in order; their results come back
 * on the loop. The thread is started with the first job. */
#ifndef MASQUES_WORKER_JOBS_H
#define MASQUES_WORKER_JOBS_H

#include <stdbool.h>
#include <stdint.h>

#include "receiver/worker/ledger.h"
#include "shared/base/blob.h"
#include "shared/base/loop.h"

#define JOBS_DROP_BYTES (1u << 20) /* smaller blobs are freed on the spot */

struct jobs;

/* Embedded in what it works on, which must stay until done(). run() may touch nothing that the loop touches too. */
struct job {
    struct job *next;
    /* On the thread. */
    void (*run)(struct job *job);
    /* On the loop, exactly once; `ran` is false when jobs_free() came before the job's turn. */
    void (*done)(struct job *job, bool ran);
};

/* Starts no thread yet. Returns owned; NULL: no memory. */
struct jobs *jobs_new(struct loop *loop);
/* Lets the job that runs finish, calls done() for all, ends the thread. NULL inside is fine. */
void jobs_free(struct jobs **jobs);

/* False: the thread cannot be started (errno); the job was not taken. To be called on the loop. */
bool jobs_put(struct jobs *jobs, struct job *job);

/* One holder of the blob less, where that costs the loop nothing, ahead of the work that waits; then `charge` bytes
 * are given back to the ledger. NULL is fine for jobs and blob. */
void jobs_give_back(struct jobs *jobs, struct blob *blob, struct ledger *ledger, uint64_t charge);

/* Jobs that were put and are not done. */
uint32_t jobs_open(const struct jobs *jobs);

#endif
