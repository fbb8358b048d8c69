// SPDX-License-Identifier: Apache-2.0
/* The store: owns every accepted batch until all its consumers are done with it
 * (docs/spool-format.md draws the files). Per signal one append-only log of batches with rising
 * sequence numbers, cut into segment files; one journal is the truth about everything else:
 * consumers, cursors, groups, progress notes, losses, generations.
 *
 * A turn of the router: store_append() for every batch that came in, store_group_done() and
 * store_group_progress() for every verdict and note, then ONE store_commit(): it writes the batches
 * and the journal entries and tells what became of each batch. Only then are clients and exporters
 * answered. Then store_group_next() for whoever has credit, and store_start().
 *
 * With `background` nothing of this waits for the device: a thread of the store's own syncs, one job
 * at a time, and the batches that come meanwhile go together with the next job. store_commit() then
 * tells of the job that is over; store_wake_fd() says when to call it. What waits for the device in
 * the caller's thread is rare: registering and unregistering a consumer, writing down a loss before
 * its space is freed or its delivery withdrawn, a segment larger than others given back, opening and
 * closing.
 *
 * All functions are the caller's thread's. Batches are never looked into. Wall-clock times are
 * stored and shown, never ordered by. */
#ifndef MASQUES_ROUTER_STORE_STORE_H
#define MASQUES_ROUTER_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "router/store/io.h"
#include "shared/base/err.h"
#include "shared/base/log.h"
#include "shared/base/slice.h"

#define STORE_SIGNALS                                                                              \
    3u /* signal numbers are those of masques.bus.Signal: 1 logs, 2 metrics, 3 traces */
#define STORE_UUID_BYTES 16u
#define STORE_INCARNATION_BYTES 16u
#define STORE_NAME_MAX_BYTES 128u         /* of a consumer's name or type, without the NUL */
#define STORE_NOTE_MAX_BYTES 4096u        /* of a progress note */
#define STORE_SOURCES_MAX_BYTES 65536u    /* of a batch's source digests */
#define STORE_GROUPS_MAX 64u              /* groups between a cursor and the highest batch sent */
#define STORE_SENT_MAX_BYTES (256u << 20) /* and their bytes */
#define STORE_GROUP_BATCHES_MAX 4096u     /* batches in one group */

struct store;
struct store_consumer; /* a handle lives until store_consumer_unregister() or store_close() */

enum store_sync {
    STORE_SYNC_NONE = 0,   /* survives the death of any process (tmpfs, or by choice) */
    STORE_SYNC_ALWAYS = 1, /* survives the power cut: fdatasync before anything counts as stored */
    STORE_SYNC_INTERVAL = 2, /* a power cut takes what was stored since the last store_want_sync() */
};

/* As masques.bus.Mode. */
enum store_mode {
    STORE_LIVE = 1,    /* never holds the store; unregistered by the caller when it leaves */
    STORE_DURABLE = 2, /* its backlog holds the store */
    STORE_LOSSY = 3, /* keeps its cursor, never holds the store: what is gone is counted as lost */
};

/* As masques.bus.Start. Evaluated once, at registration. */
enum store_start {
    STORE_WHERE_LEFT_OFF = 0, /* for a consumer that is new: as oldest */
    STORE_NOW = 1,
    STORE_OLDEST = 2,
};

/* Why records were lost to a consumer. Numbers stand in the journal: only ever added. */
enum store_loss {
    STORE_LOSS_SPACE = 1,   /* the store needed the space, and the consumer may not hold it */
    STORE_LOSS_CORRUPT = 2, /* the bytes do not have their checksum any more */
    STORE_LOSS_MISSING =
        3, /* the journal knows them, the segments do not (power cut without sync) */
    STORE_LOSS_UNSUBSCRIBED = 4, /* the consumer gave the signal up */
    STORE_LOSS_SHARE = 5,        /* over its share of a full store */
    STORE_LOSS_GAVE_UP = 6,      /* its retries ended */
    STORE_LOSS_END,              /* not a reason: how many numbers there are */
};

/* "space", "corrupt", … Static text, never NULL. */
const char *store_loss_name(enum store_loss reason);

/* A group that was pending and can no longer be produced, or was skipped: its id is retired. Called
 * from inside store functions after the loss is in the journal; must not call the store. What is
 * left of the group comes back from store_group_next() under a new id. */
typedef void (*store_retired_fn)(void *ctx, struct store_consumer *consumer, unsigned signal,
                                 uint64_t first, uint64_t last);

struct store_options {
    const char *directory;  /* created with mode 0700 when it is not there (its parent must be) */
    uint64_t max_bytes;     /* of all segment files, the free ones too */
    uint32_t segment_bytes; /* 0: from max_bytes, 1 to 16 MiB */
    uint32_t max_batch_bytes; /* of a payload; lowered to what max_bytes can hold; 0: 64 MiB */
    enum store_sync sync;
    bool background; /* syncing is a thread's work; has no effect with STORE_SYNC_NONE */
    uint64_t now_ns;             /* wall clock, for display */
    const struct log *log;       /* borrowed for the life of the store */
    const struct io_hook *hook;  /* NULL outside of tests; borrowed for the life of the store */
    store_retired_fn on_retired; /* may be NULL */
    void *ctx;
};

/* What opening found and did. */
struct store_report {
    bool created;             /* there was no store */
    uint64_t generation;      /* of this run */
    uint64_t batches;         /* in the logs, all signals */
    uint64_t torn_bytes;      /* cut behind the last valid trailers */
    uint64_t quarantined;     /* batches whose bytes do not have their checksum */
    uint64_t journal_damaged; /* journal entries that could not be read */
    uint64_t groups;          /* journaled groups that will be handed out again */
    char error[640];          /* on failure: what, where, why and what to do, for people */
};

/* Opens or creates the store, recovers it and raises the generation. The store is owned by the
 * caller. GW_ERR_EXISTS: another process has it (error names its pid); GW_ERR_UNSUPPORTED: written
 * by a newer version, nothing was changed; GW_ERR_CORRUPT: there are segments but no journal that
 * can be read, nothing was changed; GW_ERR_INVALID: the limits make no sense; GW_ERR_IO (errno),
 * GW_ERR_NOMEM. */
int store_open(const struct store_options *options, struct store **out,
               struct store_report *report) GW_MUST_CHECK;

/* Writes queued journal entries if it can, forgets queued batches, frees; *store becomes NULL.
 * Everything stays on its directory for the next store_open(). */
void store_close(struct store **store);

/* STORE_UUID_BYTES bytes, borrowed for the life of the store. */
const uint8_t *store_uuid(const struct store *store);
uint64_t store_generation(const struct store *store);
/* Payload bytes of the largest batch that can ever be stored. */
uint64_t store_max_batch(const struct store *store);
/* Bit n set: some consumer takes signal n. */
uint32_t store_wanted(const struct store *store);
/* The store's directory, for handing to those who read extents; borrowed. */
int store_directory_fd(const struct store *store);

/* ---- writing ------------------------------------------------------------ */

struct store_batch {
    unsigned signal;
    uint8_t incarnation[STORE_INCARNATION_BYTES]; /* with number: the batch's id */
    uint64_t number;                              /* >= 1 */
    uint64_t lowest_open; /* the lowest number of that incarnation without a verdict, <= number */
    uint32_t stream;
    uint32_t records;     /* >= 1 */
    uint64_t received_ns; /* wall clock */
    struct slice sources; /* opaque; at most STORE_SOURCES_MAX_BYTES */
    struct slice payload; /* not empty */
    void *token;          /* the caller's, handed back by store_commit() */
};

/* Queues a batch for the next commit. sources are copied; the payload is borrowed until the batch is
 * settled. GW_ERR_EXISTS: a batch of this id is stored already: answer "stored". GW_ERR_AGAIN: the
 * id is queued, or being written: it has the outcome of that one. GW_ERR_FULL: no room, and
 * nobody has to give way (store_consumer_set_share()); each signal that somebody takes has a part of
 * max_bytes for itself, which the others cannot fill. GW_ERR_TOO_LARGE: payload over
 * store_max_batch() or sources over their limit: never. GW_ERR_INVALID: a number below the lowest
 * open one, no record, no payload, no such signal, or more ids without verdict than any worker has.
 * GW_ERR_NOMEM. GW_ERR_IO: room had to be made and the journal could not be written. */
int store_append(struct store *store, const struct store_batch *batch) GW_MUST_CHECK;

/* What became of a queued batch: err 0 and its sequence number, or GW_ERR_FULL (no space on the
 * device), GW_ERR_IO, GW_ERR_NOMEM: it is not stored and may be appended again. A batch whose sync
 * failed was written once more, elsewhere, before it is given up. Must not call the store. */
typedef void (*store_settled_fn)(void *ctx, void *token, int err, uint64_t sequence);

/* Without `background`: writes what is queued, one write a segment, then the journal entries in one
 * write, settles every queued batch and gives consumed segments back. Returns the journal's outcome:
 * 0, or GW_ERR_IO / GW_ERR_FULL: entries stay queued for the next commit, and verdicts, notes and
 * registrations since the last good commit must not be confirmed yet (store_is_written()).
 * With `background`: settles what is stored by now, and returns the outcome of the last write of the
 * journal; STORE_SYNC_INTERVAL needs no sync for that and settles every queued batch. Without
 * anything to do it costs nothing. */
int store_commit(struct store *store, store_settled_fn settled, void *ctx);

/* With `background`: gives the thread its next job, if it has none: the batches that are queued, or
 * the journal's entries. `journal_due`: these need not wait any longer for batches to come first; a
 * batch that comes while they are written waits for them. */
void store_start(struct store *store, bool journal_due);
/* Entries wait for store_start(). */
bool store_journal_waits(const struct store *store);
/* Some batches are not settled. */
bool store_batches_wait(const struct store *store);
/* STORE_SYNC_INTERVAL: the interval is over; what was written so far is synced by the next job. */
void store_want_sync(struct store *store);
/* An eventfd, readable when a job is over, which the caller reads before store_commit(); -1: there is
 * no thread. Borrowed. */
int store_wake_fd(const struct store *store);

/* Stands for everything that the journal was told so far: consumers, groups, verdicts, notes. */
uint64_t store_ticket(const struct store *store);
/* All of that is in the journal, as safe as the policy says. */
bool store_is_written(const struct store *store, uint64_t ticket);

/* What failed last in writing batches: what, which file, why ("cannot sync logs/…seg: Input/output
 * error"); empty when writing has succeeded since. Borrowed until the next call. */
const char *store_trouble(const struct store *store);
/* The same of the journal. As long as it says something no verdict can be confirmed, and nothing that
 * is new is sent; what was queued for it is tried again with every job. */
const char *store_journal_trouble(const struct store *store);

/* No batch of this worker will be republished: its ids are dropped. */
void store_forget_incarnation(struct store *store,
                              const uint8_t incarnation[STORE_INCARNATION_BYTES]);

/* ---- consumers ------------------------------------------------------------ */

/* Finds or creates the consumer `name` and brings type, mode and signals (bit n = signal n) up to
 * date; `start` counts only for signals that it did not have. Signals that it no longer names are
 * given up, what was pending there counted as lost. Written before it returns. GW_ERR_INVALID: name
 * empty or too long, no signal or an unknown one, no such mode; GW_ERR_IO / GW_ERR_FULL: not
 * registered (an existing one is as before); GW_ERR_NOMEM. Queued batches count as coming after
 * "now". */
int store_consumer_register(struct store *store, const char *name, const char *type,
                            uint32_t signals, enum store_mode mode, enum store_start start,
                            struct store_consumer **out) GW_MUST_CHECK;

/* How a durable consumer behaves when the store is full. It is current while no more than
 * `max_lag_bytes` of payload (0: half of max_bytes) wait for it. When there is no room for new data,
 * those that are not current lose their oldest (STORE_LOSS_SHARE), as long as another durable one is
 * current; one with `refuse_when_full` loses nothing: new data is refused rather. Not journaled: to
 * be said at every start. */
void store_consumer_set_share(struct store *store, struct store_consumer *consumer,
                              uint64_t max_lag_bytes, bool refuse_when_full);

/* Removes it with its cursors and counters. Takes the handle also on error (the entry is written
 * with the next commit then). */
int store_consumer_unregister(struct store *store, struct store_consumer *consumer);

/* By name; NULL: none. */
struct store_consumer *store_consumer_find(struct store *store, const char *name);
/* The i-th, in order of registration; NULL behind the last. */
struct store_consumer *store_consumer_at(struct store *store, size_t i);

const char *store_consumer_name(const struct store_consumer *consumer);
const char *store_consumer_type(const struct store_consumer *consumer);
enum store_mode store_consumer_mode(const struct store_consumer *consumer);
uint32_t store_consumer_signals(const struct store_consumer *consumer);

/* Its session ended: every group that it had been handed waits to be handed out again. */
void store_consumer_reset(struct store *store, struct store_consumer *consumer);

/* ---- groups ------------------------------------------------------------ */

struct store_wishes {
    uint32_t max_records; /* 0: no limit */
    uint64_t max_bytes;   /* 0: no limit */
    bool linger_over;     /* form a group although it could still grow */
};

/* One delivery. Its id is (store UUID, generation, consumer's name, signal, first, last). */
struct store_group {
    uint64_t generation;
    uint64_t first, last; /* sequence numbers, inclusive */
    uint64_t records;
    uint64_t bytes; /* of payload */
    uint64_t
        digest; /* XXH3-64 over the payload checksums (8 bytes each, little-endian), in order */
    uint32_t batches;
    uint32_t attempt;  /* 1 for the first; survives crashes */
    bool maybe_twice;  /* rest of a retired group: some of it may have been delivered */
    struct slice note; /* last progress note; borrowed until the next call with this consumer */
    uint64_t ticket;   /* of store_group_next(): not to be sent before store_is_written() */
};

/* The consumer's next delivery: first the groups that were journaled and wait (after a crash, a
 * reset or a release), oldest first; then a new one: whole batches of one generation up to the
 * wishes, at least one. The group may be sent when its ticket is in the journal, which it is when
 * this returns unless the thread syncs always. GW_ERR_NOT_FOUND:
 * nothing to deliver; GW_ERR_AGAIN: something, but less than the wishes and linger_over is false;
 * GW_ERR_FULL: STORE_GROUPS_MAX or STORE_SENT_MAX_BYTES reached; GW_ERR_IO; GW_ERR_NOMEM. */
int store_group_next(struct store *store, struct store_consumer *consumer, unsigned signal,
                     const struct store_wishes *wishes, struct store_group *out) GW_MUST_CHECK;

/* The pending group that begins at `first`. GW_ERR_NOT_FOUND: none, or it is done. */
int store_group_find(struct store *store, struct store_consumer *consumer, unsigned signal,
                     uint64_t first, struct store_group *out) GW_MUST_CHECK;

/* The consumer says that it still works on a group that waits (HELLO): not handed out until
 * released or reset. GW_ERR_NOT_FOUND: no such pending group, or another one (last differs). */
int store_group_hold(struct store *store, struct store_consumer *consumer, unsigned signal,
                     uint64_t first, uint64_t last) GW_MUST_CHECK;

/* To be handed out again (RETRY, when its wait is over). GW_ERR_NOT_FOUND. */
int store_group_release(struct store *store, struct store_consumer *consumer, unsigned signal,
                        uint64_t first);

/* Delivered, `rejected` of its records excepted (at most all of them count). In the journal with
 * the next good commit. GW_ERR_NOT_FOUND: no such pending group; GW_ERR_NOMEM: unchanged. */
int store_group_done(struct store *store, struct store_consumer *consumer, unsigned signal,
                     uint64_t first, uint64_t rejected) GW_MUST_CHECK;

/* Given up: all its records count as lost. Journal and errors as store_group_done(). */
int store_group_lost(struct store *store, struct store_consumer *consumer, unsigned signal,
                     uint64_t first, enum store_loss reason) GW_MUST_CHECK;

/* Copies the note, which replaces the one before. Journal and errors as store_group_done();
 * GW_ERR_TOO_LARGE. */
int store_group_progress(struct store *store, struct store_consumer *consumer, unsigned signal,
                         uint64_t first, struct slice note) GW_MUST_CHECK;

/* Everything pending below sequence `before` counts as lost; groups cut by it are retired, their
 * rest comes under new ids. Written before it returns. `*records`: how many were lost. GW_ERR_IO /
 * _FULL / _NOMEM: unchanged. */
int store_skip(struct store *store, struct store_consumer *consumer, unsigned signal,
               uint64_t before, enum store_loss reason, uint64_t *records) GW_MUST_CHECK;

/* ---- reading ------------------------------------------------------------ */

/* Where a payload lies: in the file "<logs|metrics|traces>/<segment, 16 hex digits>.seg". */
struct store_extent {
    uint64_t sequence;
    uint64_t segment;
    uint64_t seed; /* of the checksum */
    uint64_t offset;
    uint64_t checksum; /* XXH3-64 of the payload with the seed */
    uint64_t received_ns;
    uint32_t length;
    uint32_t records;
    uint32_t stream;
};

/* The batches of a pending group, in order. *out is borrowed until the next call of this function.
 * GW_ERR_NOT_FOUND: no such pending group; GW_ERR_CORRUPT: not all of it can be produced any more
 * (store_group_next() sorts it out after store_group_release()); GW_ERR_IO; GW_ERR_NOMEM. */
int store_group_extents(struct store *store, struct store_consumer *consumer, unsigned signal,
                        uint64_t first, const struct store_extent **out,
                        size_t *count) GW_MUST_CHECK;

/* Reads the payload of one batch into `into` (extent->length bytes) and verifies it.
 * GW_ERR_CORRUPT: the bytes do not have their checksum; they are not to be used, the batch is
 * quarantined; GW_ERR_NOT_FOUND: the segment is gone; GW_ERR_IO. */
int store_read(struct store *store, unsigned signal, const struct store_extent *extent,
               uint8_t *into) GW_MUST_CHECK;

/* An exporter found that the extent at `sequence` has another checksum: reads it here, and
 * quarantines the batch when that is so. 0: the bytes are right; otherwise as store_read(). */
int store_verify(struct store *store, unsigned signal, uint64_t sequence) GW_MUST_CHECK;

/* ---- what is seen ------------------------------------------------------------ */

/* Records unless said otherwise. stored = delivered + rejected + lost + pending holds always, after
 * any crash. */
struct store_counts {
    uint64_t stored; /* since the registration */
    uint64_t delivered;
    uint64_t rejected;
    uint64_t lost;
    uint64_t lost_by[STORE_LOSS_END]; /* index: enum store_loss; their sum is lost */
    uint64_t pending;
    uint64_t pending_batches;
    uint64_t pending_bytes;
    uint64_t oldest_ns;                /* receive time of the oldest pending batch; 0: none */
    uint64_t cursor;                   /* everything below this sequence number is answered or lost */
    uint64_t open_from;                /* sequence of the first batch in no group yet */
    uint64_t open_records, open_bytes; /* in no group yet */
    uint32_t groups;                   /* pending */
};

/* GW_ERR_NOT_FOUND: it does not take the signal. */
int store_consumer_counts(struct store *store, const struct store_consumer *consumer,
                          unsigned signal, struct store_counts *out);

struct store_stats {
    uint64_t bytes; /* of all segment files, the free ones too */
    uint64_t max_bytes;
    uint32_t segments;   /* with batches */
    uint32_t free_files; /* waiting to be used again */
    uint64_t quarantined;
    uint64_t journal_bytes;
    uint64_t next_sequence[STORE_SIGNALS]; /* index: signal - 1 */
    uint64_t records[STORE_SIGNALS];       /* ever stored */
};
void store_stats(const struct store *store, struct store_stats *out);

#endif
