// SPDX-License-Identifier: Apache-2.0
#include "router/store/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "router/store/store_internal.h"

#define SEGMENT_MIN_BYTES (1u << 20)
#define SEGMENT_MAX_BYTES (16u << 20)
#define SEGMENT_SHARE 32u /* of max_bytes, when nothing is said */
#define SEGMENT_LEAST_BYTES 4096u
#define MAX_BATCH_BYTES (64u << 20)

const char *store_loss_name(enum store_loss reason)
{
    static const char *const names[STORE_LOSS_END] = {
        [STORE_LOSS_SPACE] = "space",     [STORE_LOSS_CORRUPT] = "corrupt",
        [STORE_LOSS_MISSING] = "missing", [STORE_LOSS_UNSUBSCRIBED] = "unsubscribed",
        [STORE_LOSS_SHARE] = "share",     [STORE_LOSS_GAVE_UP] = "gave up",
    };
    return reason > 0 && reason < STORE_LOSS_END ? names[reason] : "unknown";
}

/* ---- opening and closing ---- */

static uint64_t clamp(uint64_t v, uint64_t low, uint64_t high)
{
    return v < low ? low : v > high ? high : v;
}

static int set_limits(struct store *store, const struct store_options *o,
                      struct store_report *report)
{
    store->max_bytes = o->max_bytes;
    store->segment_bytes = o->segment_bytes ? o->segment_bytes
                                            : clamp(o->max_bytes / SEGMENT_SHARE, SEGMENT_MIN_BYTES,
                                                    SEGMENT_MAX_BYTES);
    store->max_batch = o->max_batch_bytes ? o->max_batch_bytes : MAX_BATCH_BYTES;
    if (store->max_batch > o->max_bytes / 2)
        store->max_batch = o->max_bytes / 2;
    if (store->segment_bytes >= SEGMENT_LEAST_BYTES && store->segment_bytes <= store->max_bytes / 2)
        return 0;
    snprintf(
        report->error, sizeof report->error,
        "a store of %llu bytes cannot have segments of %llu bytes: at least %u, at most half of it",
        (unsigned long long)store->max_bytes, (unsigned long long)store->segment_bytes,
        SEGMENT_LEAST_BYTES);
    return GW_ERR_INVALID;
}

static struct store *make(const struct store_options *o)
{
    struct store *store = calloc(1, sizeof *store);
    if (!store)
        return NULL;
    store->digest = XXH3_createState();
    if (!store->digest) {
        free(store);
        return NULL;
    }
    for (unsigned i = 0; i < STORE_SIGNALS; i++) {
        store->chains[i].signal = i + 1;
        store->chains[i].next_number = 1;
        store->chains[i].next.sequence = 1;
    }
    for (unsigned i = 0; i < JOURNAL_FILES; i++)
        store->journal.files[i].fd = -1;
    store->next_consumer_id = 1;
    store->now_ns = o->now_ns;
    store->log = o->log;
    store->on_retired = o->on_retired;
    store->ctx = o->ctx;
    store->sync = o->sync;
    store->sync_round = 1;
    return store;
}

static void destroy(struct store *store)
{
    for (uint32_t i = 0; i < store->consumer_count; i++)
        consumer_free(&store->consumers[i]);
    free(store->consumers);
    for (unsigned i = 0; i < STORE_SIGNALS; i++)
        chain_fini(&store->chains[i]);
    ids_fini(&store->ids);
    ids_fini(&store->write.ids);
    batch_list_fini(&store->write.list);
    batch_list_fini(&store->flight.list);
    free(store->flight.pieces);
    unsynced_fini(&store->unsynced);
    unsynced_fini(&store->job.unsynced);
    free(store->extents);
    XXH3_freeState(store->digest);
    journal_close(&store->journal);
    free(store);
}

static void explain_open(const struct store_options *o, int err, long pid,
                         struct store_report *report)
{
    if (err == GW_ERR_EXISTS)
        snprintf(report->error, sizeof report->error,
                 "the store %s is in use by the process %ld: a store has one router. End that one "
                 "first, or give this one a directory of its own",
                 o->directory, pid);
    else
        snprintf(report->error, sizeof report->error, "cannot open the store %s: %s", o->directory,
                 err == GW_ERR_IO || err == GW_ERR_FULL ? strerror(errno) : gw_strerror(err));
}

/* Which store it was that could not be recovered. */
static void name_store(const struct store_options *o, struct store_report *report)
{
    char what[sizeof report->error];
    memcpy(what, report->error, sizeof what);
    snprintf(report->error, sizeof report->error, "the store %.200s: %.400s", o->directory, what);
}

int store_open(const struct store_options *options, struct store **out, struct store_report *report)
{
    *report = (struct store_report){0};
    *out = NULL;
    struct store *store = make(options);
    if (!store)
        return GW_ERR_NOMEM;
    int err = set_limits(store, options, report);
    if (err) {
        destroy(store);
        return err;
    }
    long pid;
    err = dir_open(&store->dir, options->directory, options->hook,
                   options->sync == STORE_SYNC_ALWAYS, &pid);
    if (err) {
        explain_open(options, err, pid, report);
        destroy(store);
        return err;
    }
    err = store_recover(store, report);
    if (err)
        name_store(options, report);
    if (!err && options->background && options->sync != STORE_SYNC_NONE) {
        store->syncer = syncer_new();
        if (!store->syncer) {
            snprintf(report->error, sizeof report->error, "cannot start a thread: %s",
                     strerror(errno));
            err = GW_ERR_NOMEM;
        }
    }
    if (err) {
        dir_close(&store->dir);
        destroy(store);
        return err;
    }
    *out = store;
    return 0;
}

void store_close(struct store **store)
{
    struct store *s = *store;
    *store = NULL;
    if (!s)
        return;
    store_stop_thread(s);
    if (store_flush(s) != 0)
        log_error(s->log, "store: the last journal entries could not be written");
    store_sync_all(s);
    dir_close(&s->dir);
    destroy(s);
}

const uint8_t *store_uuid(const struct store *store)
{
    return store->dir.uuid;
}

uint64_t store_generation(const struct store *store)
{
    return store->generation;
}

uint64_t store_max_batch(const struct store *store)
{
    return store->max_batch;
}

uint32_t store_wanted(const struct store *store)
{
    uint32_t signals = 0;
    for (uint32_t i = 0; i < store->consumer_count; i++)
        signals |= store->consumers[i]->signals;
    return signals;
}

int store_directory_fd(const struct store *store)
{
    return store->dir.root;
}
