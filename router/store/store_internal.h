// SPDX-License-Identifier: Apache-2.0
/* The store's own insides, shared by its files only:
 *   store.c      opening, closing
 *   registry.c   consumers
 *   write.c      batches that wait: which goes where
 *   flight.c     batches written, until they are stored or refused
 *   commit.c     what is done when, and by which thread
 *   groups.c     deliveries formed and handed out
 *   answers.c    what becomes of them
 *   read.c       batches read back, what is seen
 *   space.c      segments made, rolled, given back
 *   full.c       who gives way when there is no space left
 *   walk.c       going over the batches of a log
 *   apply.c      journal entries
 *   recover.c    what was there before */
#ifndef MASQUES_ROUTER_STORE_INTERNAL_H
#define MASQUES_ROUTER_STORE_INTERNAL_H

#include <xxhash.h>

#include "router/store/chain.h"
#include "router/store/consumer.h"
#include "router/store/ids.h"
#include "router/store/journal.h"
#include "router/store/store.h"
#include "router/store/syncer.h"

#define STORE_TROUBLE_BYTES 192u
/* A consumer's entry stands in the journal so many times, one behind the other: without it nobody needs what waits for
 * the consumer, and damage to one entry would cost all of that. Read twice it says the same. */
#define STORE_REGISTRATION_COPIES 2u

/* A batch that waits for a flight, or is in one. */
struct queued_batch {
    struct store_batch batch; /* its sources lie in `head` */
    uint8_t *head;            /* owned: SEGMENT_ALIGN zeros, record header, sources */
    uint64_t file_bytes;      /* > 0: begins a new segment of that size */
    int err;
    bool again;     /* its sync failed once */
    bool forgotten; /* its incarnation is heard no more */
    uint64_t sequence;
};

struct batch_list {
    struct queued_batch *items;
    uint32_t count, cap;
};

/* Where the next batch of a signal would go if everything queued were written. */
struct write_plan {
    bool begun;
    uint64_t offset, file_bytes;
    uint64_t entries;
};

struct write_queue {
    struct batch_list list;
    struct write_plan plans[STORE_SIGNALS];
    uint64_t planned_bytes[STORE_SIGNALS]; /* of new segments */
    struct ids ids;         /* of the batches here and in flight */
};

/* The batches of one signal in a flight: all in one segment, with one write. */
struct flight_run {
    struct segment *segment; /* NULL: none of this signal */
    struct segment_file file;
    uint32_t records;
    struct position at; /* behind the last */
    uint64_t bytes;
    uint64_t pad; /* bytes that the last block lacks to the boundary */
    bool fresh;   /* the segment was made for this flight */
    bool written;
    int err, error; /* enum gw_err, errno */
};

struct flight {
    bool up;
    struct batch_list list;
    struct flight_run runs[STORE_SIGNALS];
    const struct dir *dir;
    struct iovec *pieces;
    size_t piece_count, pieces_cap;
};

/* Files that were changed and not synced, where nothing waits for that: a descriptor each, of their
 * own. */
struct unsynced_file {
    int fd;
    unsigned signal; /* 0: the journal */
    uint64_t number; /* of the segment */
    int err;
};

struct unsynced {
    struct unsynced_file *files;
    uint32_t count, cap;
    bool names[STORE_SIGNALS]; /* the directory, too */
    bool journal;
};

enum job_kind {
    JOB_NONE,
    JOB_FLIGHT,  /* batches */
    JOB_JOURNAL, /* entries, or a new journal */
    JOB_SYNC,    /* what the interval's end finds unsynced */
};

/* What the thread has in hand. */
struct store_job {
    enum job_kind kind;
    const struct dir *dir;
    struct flight *flight;
    struct journal_job journal;
    struct unsynced unsynced;
};

struct store {
    struct dir dir;
    struct pool pool;
    struct journal journal;
    struct ids ids; /* of the stored batches */
    struct chain chains[STORE_SIGNALS];
    struct store_consumer **consumers;
    uint32_t consumer_count, consumer_cap, next_consumer_id;
    uint64_t generation;
    uint64_t max_bytes, max_batch;
    uint64_t segment_bytes;
    uint64_t now_ns; /* at opening */
    const struct log *log;
    store_retired_fn on_retired;
    void *ctx;
    enum store_sync sync;
    struct syncer *syncer; /* NULL: everything is done by the caller's thread */
    struct store_job job;
    enum job_kind last_job;
    struct write_queue write;
    struct flight flight;
    struct unsynced unsynced;
    bool sync_wanted;                 /* the interval is over */
    uint64_t sync_round;              /* of the interval */
    uint64_t releasing[STORE_SIGNALS]; /* where cursors are, as the journal job has them */
    uint64_t released[STORE_SIGNALS];  /* and as the journal has them: segments before may go */
    int journal_err;                  /* of the last journal job */
    char trouble[STORE_TROUBLE_BYTES]; /* of batches; empty: nothing since it worked */
    char journal_trouble[STORE_TROUBLE_BYTES];
    struct store_extent *extents; /* of the last store_group_extents() */
    size_t extents_cap;
    XXH3_state_t *digest;
    uint64_t quarantined;
    uint64_t tick; /* clock of segment use */
};

static inline struct chain *store_chain(struct store *store, unsigned signal)
{
    return &store->chains[signal - 1];
}

static inline bool store_is_signal(unsigned signal)
{
    return signal >= 1 && signal <= STORE_SIGNALS;
}

/* ---- apply.c ---- */

/* What the entry says becomes so in memory. GW_ERR_INVALID or GW_ERR_NOT_FOUND: it contradicts what
 * is there; GW_ERR_NOMEM. With `live` groups that are retired are told to on_retired. */
int store_apply(struct store *store, const struct journal_entry *entry, bool live) GW_MUST_CHECK;
/* Queues the entry and makes it so. On error neither has happened. */
int store_queue_and_apply(struct store *store, const struct journal_entry *entry) GW_MUST_CHECK;
/* Writes the entry, then makes it so. */
int store_write_and_apply(struct store *store, const struct journal_entry *entry) GW_MUST_CHECK;
/* journal_apply_fn for reading; ctx is the store. */
int store_apply_read(void *ctx, const struct journal_entry *entry) GW_MUST_CHECK;
/* journal_snapshot_fn: everything in memory as entries; ctx is the store. */
int store_snapshot(void *ctx, struct buf *out) GW_MUST_CHECK;
struct store_consumer *store_consumer_by_id(struct store *store, uint32_t id);
/* Takes it out of the list and frees it. */
void store_consumer_remove(struct store *store, struct store_consumer *consumer);

/* ---- write.c ---- */

/* Plans anew what is queued, after something failed. */
void write_replan(struct store *store);
void batch_list_fini(struct batch_list *list);

/* ---- flight.c ---- */

/* Writes what is queued, for each signal as much as goes into one segment; the rest stays queued.
 * None may be up. */
void flight_begin(struct store *store);
/* Makes it safe, as the policy says. Touches nothing but the flight: any thread may do it. */
void flight_run(struct flight *flight);
/* Settles every batch; those whose sync failed for the first time are queued again instead. */
void flight_end(struct store *store, store_settled_fn settled, void *ctx);
/* Batches of that signal are in flight. */
bool flight_has(const struct store *store, unsigned signal);

/* ---- commit.c ---- */

/* Writes what is queued for the journal now, in this thread, synced as the policy says. GW_ERR_IO,
 * GW_ERR_FULL, GW_ERR_NOMEM: it stays queued. */
int store_flush(struct store *store) GW_MUST_CHECK;
/* Waits for the journal job in hand, and draws its conclusions: the queue is as it is then. */
void store_land_journal(struct store *store);
/* Begins a new journal, synced in any case. */
int store_rewrite(struct store *store) GW_MUST_CHECK;
/* The segment's file has changed, and nothing waits for its sync. `names`: its directory, too. */
void store_note_unsynced(struct store *store, struct segment *segment, bool names);
/* "cannot sync logs/0000000000000001.seg: Input/output error"; signal 0: the journal's file of that
 * number. */
void store_say_trouble(char trouble[STORE_TROUBLE_BYTES], const char *what, unsigned signal,
                       uint64_t number, int error);
void unsynced_fini(struct unsynced *unsynced);
/* Waits for the job in hand; from then on everything is done by the caller's thread. */
void store_stop_thread(struct store *store);
/* Syncs what the interval would, here and now. */
void store_sync_all(struct store *store);

/* ---- recover.c ---- */

/* Reads journal and segments into an empty store, then changes what must be changed. */
int store_recover(struct store *store, struct store_report *report) GW_MUST_CHECK;

/* ---- space.c ---- */

/* Bytes that header and snapshot of a new segment take at most. */
uint64_t space_header_bytes(const struct store *store);
/* Seals the newest segment of a signal and begins another, which is not published yet: *file says
 * how. */
int space_roll(struct store *store, unsigned signal, uint64_t file_bytes,
               struct segment_file *file) GW_MUST_CHECK;
/* The newest segment could not be published: takes it away. */
void space_take_back(struct store *store, unsigned signal, uint64_t free_number);
/* As segment_seal(), with the books kept. */
int space_seal(struct store *store, struct segment *segment);
/* How far all consumers are, by signal (sequence numbers). */
void space_lowest(const struct store *store, uint64_t lowest[STORE_SIGNALS]);
/* Gives back what all consumers are done with, as the journal has it (store->released). */
void space_release(struct store *store);
/* Batches are on their way into the newest segment, or are planned to go there. */
bool space_in_use(const struct store *store, unsigned signal);
/* The oldest segment has another behind it that carries the accepted ids, too. */
bool space_has_heir(const struct store *store, unsigned signal);
/* A segment that is only a header takes over from the newest one, which can then be given back.
 * Synced at once: it is rare. */
int space_turn_over(struct store *store, unsigned signal) GW_MUST_CHECK;
/* Gives the oldest segment back, which somebody must have decided. */
void space_free_oldest(struct store *store, unsigned signal);
/* Of all segments, without the free ones. */
uint64_t space_used(const struct store *store);
/* Loads a segment's index, and unloads one that was not used for long when there are many. */
int space_load(struct store *store, struct segment *segment) GW_MUST_CHECK;

/* ---- full.c ---- */

/* Room for a file of `bytes` more of that signal, pulling it from lossy consumers if need be, and
 * then from durable ones over their share. GW_ERR_FULL, GW_ERR_IO, … */
int space_make(struct store *store, unsigned signal, uint64_t bytes) GW_MUST_CHECK;

/* ---- answers.c ---- */

/* An entry about the group that begins at `first` (0: about none). */
struct journal_entry store_entry(const struct store_consumer *consumer, unsigned signal,
                                 enum journal_type type, uint64_t first);
void store_show_group(const struct group *group, struct store_group *out);

#endif
