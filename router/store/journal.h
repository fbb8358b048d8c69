// SPDX-License-Identifier: Apache-2.0
/* The journal: entries are queued in memory and written with one write. Two files take turns: when
 * the live one has grown past its bound, a snapshot of everything is written into the other, and
 * its header last of all; from then on that one is live. A death between any two writes leaves one
 * file whole. Both are preallocated and stay, so that writing down that space may be freed never
 * needs space. Which entry means what is the caller's business. */
#ifndef MASQUES_ROUTER_STORE_JOURNAL_H
#define MASQUES_ROUTER_STORE_JOURNAL_H

#include "router/store/dir.h"
#include "router/store/journal_format.h"

#define JOURNAL_FILES 2u
#define JOURNAL_ROOM_BYTES (256u << 10) /* preallocated, each */
#define JOURNAL_SNAPSHOT_FACTOR                                                                    \
    4u /* a new file is begun at the larger of the room and this many snapshots */

struct journal_file {
    int fd;
    uint64_t bytes; /* of the file */
    bool valid;
    bool failed; /* a sync of it failed: it is made anew before it is used again */
    struct journal_header header;
};

/* Embedded. */
struct journal {
    const struct dir *dir;
    struct journal_file files[JOURNAL_FILES];
    unsigned live;
    bool broken;    /* nothing more goes into the live file; journal_rewrite() mends it */
    uint64_t key;   /* of the live file */
    uint64_t tail;  /* where the next entry goes */
    uint64_t bound; /* of the tail */
    struct buf queue;
};

/* Opens both files, creating them where they are not there, and chooses the live one: that with the
 * highest number. *found: there is one. GW_ERR_UNSUPPORTED: of a newer version, nothing was
 * changed. dir->uuid is set from it. */
int journal_open(struct journal *journal, struct dir *dir, bool *found) GW_MUST_CHECK;
void journal_close(struct journal *journal);

typedef int (*journal_apply_fn)(void *ctx, const struct journal_entry *entry);

/* Shows every entry of the live file to `apply`, in order. *damaged counts places that cannot be
 * read and entries that `apply` calls GW_ERR_INVALID or GW_ERR_NOT_FOUND; other errors of it end
 * the reading and are returned. */
int journal_read(struct journal *journal, journal_apply_fn apply, void *ctx,
                 uint64_t *damaged) GW_MUST_CHECK;

/* Queues an entry. GW_ERR_NOMEM: nothing was queued. */
int journal_add(struct journal *journal, const struct journal_entry *entry) GW_MUST_CHECK;

/* A place in the queue, and back to it. */
size_t journal_mark(const struct journal *journal);
void journal_undo(struct journal *journal, size_t mark);

static inline bool journal_clean(const struct journal *journal)
{
    return journal->queue.len == 0;
}

/* Writes the queue, syncs as the policy says. On error everything stays queued. */
int journal_flush(struct journal *journal) GW_MUST_CHECK;

/* True: time for journal_rewrite(). */
bool journal_full(const struct journal *journal);

/* Preallocates both files, so that a later journal_rewrite() needs no space. */
int journal_reserve(struct journal *journal) GW_MUST_CHECK;

/* Puts all entries of the snapshot, and returns 0 or an error. */
typedef int (*journal_snapshot_fn)(void *ctx, struct journal *journal);

/* Begins the other file with a snapshot, which must contain what the queue says: the queue is
 * dropped. `always_sync` syncs whatever the policy. On error the queue is as it was, and the live
 * file too unless the error came so late that nobody can tell which file is live: then nothing more
 * is written until this succeeds. */
int journal_rewrite(struct journal *journal, journal_snapshot_fn snapshot, void *ctx,
                    bool always_sync) GW_MUST_CHECK;

#endif
