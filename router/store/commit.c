// SPDX-License-Identifier: Apache-2.0
/* What is written when, and by which thread. Without syncing, and without a thread, everything is
 * done at once by the caller. With both, the thread has one job at a time: a flight of batches, or
 * the journal's entries. The two need not wait for each other: an entry speaks only of batches that
 * were stored before it was made. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "router/store/store_internal.h"

void store_say_trouble(char trouble[STORE_TROUBLE_BYTES], const char *what, unsigned signal,
                       uint64_t number, int error)
{
    char name[DIR_FILE_NAME_BYTES];
    dir_file_name(number, name);
    if (signal)
        snprintf(trouble, STORE_TROUBLE_BYTES, "%s %s/%s: %s", what, dir_signal_name(signal), name,
                 strerror(error));
    else
        snprintf(trouble, STORE_TROUBLE_BYTES, "%s journal.%u: %s", what, (unsigned)number,
                 strerror(error));
}

/* ---- what the interval syncs ---- */

void unsynced_fini(struct unsynced *u)
{
    for (uint32_t i = 0; i < u->count; i++)
        close(u->files[i].fd);
    free(u->files);
    *u = (struct unsynced){0};
}

static bool add_unsynced(struct unsynced *u, int fd, unsigned signal, uint64_t number)
{
    if (u->count == u->cap) {
        uint32_t cap = u->cap ? u->cap * 2 : 8;
        struct unsynced_file *files = realloc(u->files, cap * sizeof *files);
        if (!files)
            return false;
        u->files = files;
        u->cap = cap;
    }
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (copy < 0)
        return false;
    u->files[u->count++] = (struct unsynced_file){copy, signal, number, 0};
    return true;
}

void store_note_unsynced(struct store *store, struct segment *s, bool names)
{
    if (store->sync != STORE_SYNC_INTERVAL)
        return;
    store->unsynced.names[s->info.signal - 1] |= names;
    if (s->unsynced == store->sync_round)
        return;
    if (add_unsynced(&store->unsynced, s->fd, s->info.signal, s->info.number))
        s->unsynced = store->sync_round;
}

static bool anything_unsynced(const struct unsynced *u)
{
    bool any = u->count > 0 || u->journal;
    for (unsigned k = 0; k < STORE_SIGNALS; k++)
        any |= u->names[k];
    return any;
}

static void begin_sync(struct store *store)
{
    const struct journal *j = &store->journal;
    if (store->unsynced.journal)
        (void)!add_unsynced(&store->unsynced, j->files[j->live].fd, 0, 0);
    store->job.unsynced = store->unsynced;
    store->unsynced = (struct unsynced){0};
    store->sync_round++;
    store->sync_wanted = false;
}

static void run_sync(struct store_job *job)
{
    struct unsynced *u = &job->unsynced;
    for (uint32_t i = 0; i < u->count; i++)
        u->files[i].err = io_sync(job->dir->hook, u->files[i].fd) ? errno : 0;
    for (unsigned k = 0; k < STORE_SIGNALS; k++) {
        /* What a directory lost is found missing: nothing more can be done about it. */
        if (u->names[k])
            (void)!io_sync(job->dir->hook, job->dir->signals[k]);
    }
}

/* A file whose sync failed is never written again. */
static void end_sync(struct store *store)
{
    struct unsynced *u = &store->job.unsynced;
    for (uint32_t i = 0; i < u->count; i++) {
        const struct unsynced_file *f = &u->files[i];
        if (!f->err)
            continue;
        store_say_trouble(store->trouble, "cannot sync", f->signal,
                          f->signal ? f->number : store->journal.live, f->err);
        log_error(store->log, "store: %s: what was stored last may be lost in a power cut",
                  store->trouble);
        struct segment *s = f->signal ? chain_newest(store_chain(store, f->signal)) : NULL;
        if (s && s->info.number == f->number)
            segment_fail(s);
        if (!f->signal) {
            store->journal.files[store->journal.live].failed = true;
            store->journal.broken = true;
        }
        write_replan(store);
    }
    unsynced_fini(u);
}

/* ---- the journal ---- */

static int begin_journal(struct store *store, bool rewrite)
{
    int err =
        journal_begin(&store->journal, rewrite, store_snapshot, store, &store->job.journal);
    if (!err)
        space_lowest(store, store->releasing);
    return err;
}

static int end_journal(struct store *store)
{
    struct journal_job *job = &store->job.journal;
    int err = journal_end(&store->journal, job);
    store->journal_err = err;
    if (!err) {
        memcpy(store->released, store->releasing, sizeof store->released);
        store->unsynced.journal = store->sync == STORE_SYNC_INTERVAL;
        store->journal_trouble[0] = '\0';
        return 0;
    }
    store_say_trouble(store->journal_trouble, "cannot write", 0, job->index, job->error);
    return err;
}

void store_land_journal(struct store *store)
{
    if (store->job.kind != JOB_JOURNAL)
        return;
    syncer_wait(store->syncer);
    store->job.kind = JOB_NONE;
    (void)!end_journal(store);
}

/* Here and now; no journal job is in hand. Another kind of job may be. */
static int journal_now(struct store *store, bool rewrite)
{
    int err = begin_journal(store, rewrite);
    if (err)
        return err;
    journal_run(&store->job.journal);
    return end_journal(store);
}

int store_flush(struct store *store)
{
    store_land_journal(store);
    if (!store->journal.queue.count)
        return 0;
    return store->journal.broken ? GW_ERR_IO : journal_now(store, false);
}

int store_rewrite(struct store *store)
{
    store_land_journal(store);
    return journal_now(store, true);
}

/* The queue into the file, and into a new file when the time has come or the old one cannot be
 * written. */
static int write_journal(struct store *store)
{
    struct journal *j = &store->journal;
    int err = 0;
    for (int tries = 0; tries < 2; tries++) {
        bool rewrite = journal_full(j);
        if (!rewrite && !j->queue.count)
            break;
        err = journal_now(store, rewrite);
    }
    if (!journal_clean(j))
        return err ? err : GW_ERR_IO;
    space_lowest(store, store->released); /* the journal has the cursors as they are */
    return 0;
}

/* ---- jobs ---- */

static void run_job(void *at)
{
    struct store_job *job = at;
    if (job->kind == JOB_FLIGHT)
        flight_run(job->flight);
    else if (job->kind == JOB_JOURNAL)
        journal_run(&job->journal);
    else
        run_sync(job);
}

static void hand_over(struct store *store, enum job_kind kind)
{
    store->job.kind = store->last_job = kind;
    store->job.dir = &store->dir;
    store->job.flight = &store->flight;
    syncer_start(store->syncer, run_job, &store->job);
}

/* Draws the conclusions of the job that is over, if one is. */
static void land(struct store *store, store_settled_fn settled, void *ctx)
{
    enum job_kind kind = store->job.kind;
    if (kind == JOB_NONE || syncer_running(store->syncer))
        return;
    store->job.kind = JOB_NONE;
    if (kind == JOB_FLIGHT)
        flight_end(store, settled, ctx);
    else if (kind == JOB_SYNC)
        end_sync(store);
    else
        (void)!end_journal(store);
}

static bool journal_has_work(const struct store *store)
{
    return store->journal.queue.count || journal_full(&store->journal);
}

/* True: the thread has batches. */
static bool start_flight(struct store *store)
{
    if (store->job.kind != JOB_NONE || !store->write.list.count)
        return false;
    flight_begin(store);
    hand_over(store, JOB_FLIGHT);
    return true;
}

static void start_journal(struct store *store)
{
    if (store->job.kind == JOB_NONE && journal_has_work(store) &&
        begin_journal(store, journal_full(&store->journal)) == 0)
        hand_over(store, JOB_JOURNAL);
}

/* ---- the contract ---- */

static void write_all(struct store *store, store_settled_fn settled, void *ctx)
{
    while (store->write.list.count) {
        flight_begin(store);
        flight_run(&store->flight);
        flight_end(store, settled, ctx);
    }
}

/* Nothing waits for a sync, but a new journal is synced, and that the thread does. */
static int commit_unsynced(struct store *store, store_settled_fn settled, void *ctx)
{
    write_all(store, settled, ctx);
    if (store->job.kind == JOB_JOURNAL)
        return 0; /* the rest goes behind it */
    int err = 0;
    if (store->journal.queue.count && !store->journal.broken)
        err = journal_now(store, false);
    space_release(store);
    return err;
}

int store_commit(struct store *store, store_settled_fn settled, void *ctx)
{
    if (!store->syncer) {
        write_all(store, settled, ctx);
        int err = write_journal(store);
        if (!err)
            space_release(store);
        return err;
    }
    land(store, settled, ctx);
    if (store->sync == STORE_SYNC_INTERVAL)
        return commit_unsynced(store, settled, ctx);
    space_release(store);
    return store->journal_err;
}

void store_start(struct store *store, bool journal_due)
{
    if (!store->syncer || store->job.kind != JOB_NONE)
        return;
    bool journal = journal_due && journal_has_work(store);
    if (store->sync == STORE_SYNC_INTERVAL) {
        if (journal && journal_full(&store->journal))
            start_journal(store);
        else if (store->sync_wanted && anything_unsynced(&store->unsynced)) {
            begin_sync(store);
            hand_over(store, JOB_SYNC);
        }
        return;
    }
    /* Neither keeps the other out for longer than one job. */
    if (journal && store->last_job == JOB_FLIGHT)
        start_journal(store);
    if (!start_flight(store) && journal)
        start_journal(store);
}

void store_stop_thread(struct store *store)
{
    store_land_journal(store);
    syncer_free(&store->syncer);
    if (store->job.kind == JOB_SYNC) /* it has run to its end */
        end_sync(store);
    store->job.kind = JOB_NONE; /* what a flight wrote is found by the next recovery */
}

void store_sync_all(struct store *store)
{
    if (!anything_unsynced(&store->unsynced))
        return;
    begin_sync(store);
    store->job.dir = &store->dir;
    run_sync(&store->job);
    end_sync(store);
}

void store_want_sync(struct store *store)
{
    store->sync_wanted = true;
}

bool store_journal_waits(const struct store *store)
{
    return store->syncer && store->job.kind != JOB_JOURNAL && journal_has_work(store);
}

bool store_batches_wait(const struct store *store)
{
    return store->write.list.count || store->flight.list.count;
}

int store_wake_fd(const struct store *store)
{
    return store->syncer ? syncer_fd(store->syncer) : -1;
}

uint64_t store_ticket(const struct store *store)
{
    return journal_added(&store->journal);
}

bool store_is_written(const struct store *store, uint64_t ticket)
{
    return store->journal.safe >= ticket;
}

const char *store_trouble(const struct store *store)
{
    return store->trouble;
}

const char *store_journal_trouble(const struct store *store)
{
    return store->journal_trouble;
}
