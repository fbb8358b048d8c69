// SPDX-License-Identifier: Apache-2.0
/* The journal: entries are queued in memory and written with one write. Two files take turns: when
 * the live one has grown past its bound, a snapshot of everything is written into the other, and
 * its header last of all; from then on that one is live. A death between any two writes leaves one
 * file whole. Both are preallocated and stay, so that writing down that space may be freed never
 * needs space. Which entry means what is the caller's business.
 *
 * Writing goes in three parts: journal_begin() puts a job together, journal_run() does what may
 * take long and touches nothing but the job, so that another thread can do it, and journal_end()
 * draws the conclusions. Meanwhile entries can be queued; they go with the next job. */
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

/* Entries in the order in which they were added, and how many they are. */
struct journal_entries {
    struct buf bytes;
    uint64_t count;
};

/* What is being written. Embedded; its fields are the journal's own business, but for err. */
struct journal_job {
    const struct dir *dir;
    bool rewrite;
    unsigned index; /* of the file */
    struct journal_file file;
    uint64_t offset;
    struct buf snapshot; /* with rewrite */
    struct slice bytes;  /* to be written at offset: entries, or the snapshot */
    bool unclear;        /* the error came so late that nobody knows which file is live */
    int err, error;      /* enum gw_err, errno */
};

/* Embedded. */
struct journal {
    const struct dir *dir;
    struct journal_file files[JOURNAL_FILES];
    unsigned live;
    bool broken;    /* nothing more goes into the live file; a rewrite mends it */
    bool refused;   /* the last write into the live file failed: the next job is a rewrite */
    uint64_t key;   /* of the live file */
    uint64_t tail;  /* where the next entry goes */
    uint64_t bound; /* of the tail */
    struct journal_entries queue;
    struct journal_entries flying; /* of the job */
    uint64_t safe;                 /* entries that are written, since the journal was opened */
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

/* A place in the queue, and back to it. Holds as long as no job began or ended. */
struct journal_mark {
    size_t bytes;
    uint64_t count;
};
struct journal_mark journal_mark(const struct journal *journal);
void journal_undo(struct journal *journal, struct journal_mark mark);

/* Everything that was added is written. */
static inline bool journal_clean(const struct journal *journal)
{
    return journal->queue.count == 0 && journal->flying.count == 0;
}

/* How many entries were added since the journal was opened; journal->safe of them, the oldest, are
 * written (and synced, where the policy says so). */
static inline uint64_t journal_added(const struct journal *journal)
{
    return journal->safe + journal->flying.count + journal->queue.count;
}

/* True: time for a rewrite. */
bool journal_full(const struct journal *journal);

/* Preallocates both files, so that a later rewrite needs no space. */
int journal_reserve(struct journal *journal) GW_MUST_CHECK;

/* Appends entries that say everything (journal_entry_put), and returns 0 or an error. */
typedef int (*journal_snapshot_fn)(void *ctx, struct buf *out);

/* Puts the next job together; none may be under way. With `rewrite` it begins the other file with a
 * snapshot, which must contain what the queue says. GW_ERR_NOMEM, or the snapshot's error: nothing
 * has changed. */
int journal_begin(struct journal *journal, bool rewrite, journal_snapshot_fn snapshot, void *ctx,
                  struct journal_job *job) GW_MUST_CHECK;

/* Writes, and syncs as the policy says; a rewrite is synced whatever the policy, since a file whose
 * header outlives its entries would be the end of the store. */
void journal_run(struct journal_job *job);

/* Returns the job's outcome. On error its entries are the queue's first again; the live file is as
 * it was unless a sync of it failed, or nobody can tell any more which file is live: then nothing
 * goes into it until a rewrite has succeeded. */
int journal_end(struct journal *journal, struct journal_job *job) GW_MUST_CHECK;

#endif
