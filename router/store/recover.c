// SPDX-License-Identifier: Apache-2.0
/* Finding everything again after the death of a router. First all is read and nothing written, so
 * that a store that we must not touch stays as it is; then the generation is raised in a new
 * journal; then tails are sealed. A death in between leaves what the next recovery reads the same
 * way. Only tails are read whole, so that it takes as long for a large store as for a small one. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "router/store/store_internal.h"
#include "shared/base/entropy.h"

/* The files of one signal: those whose header cannot be read are moved to the front of the list. */
struct found {
    uint64_t *numbers;
    size_t count;
    size_t bad;
};

#define SAY(report, ...) snprintf((report)->error, sizeof(report)->error, __VA_ARGS__)

static int refuse_newer(struct store_report *report, const char *where, const char *name)
{
    SAY(report,
        "%s%s was written by a newer version of masques-router, which this one cannot read: nothing "
        "was changed. Start that version, or give this one a directory of its own",
        where, name);
    return GW_ERR_UNSUPPORTED;
}

static int peek_all(struct store *store, unsigned signal, struct found *found,
                    struct store_report *report)
{
    struct chain *chain = store_chain(store, signal);
    int err = 0;
    size_t i = 0;
    for (; i < found->count && !err; i++) {
        struct segment *s = NULL;
        err = chain_reserve(chain);
        if (!err)
            err = segment_peek(&store->dir, signal, found->numbers[i], &s);
        if (!err)
            chain_push(chain, s);
        if (err == GW_ERR_CORRUPT) {
            chain->next_number = found->numbers[i] + 1;
            found->numbers[found->bad++] = found->numbers[i];
            err = 0;
        }
    }
    if (err == GW_ERR_UNSUPPORTED) {
        char name[DIR_FILE_NAME_BYTES], where[16];
        dir_file_name(found->numbers[i - 1], name);
        snprintf(where, sizeof where, "%s/", dir_signal_name(signal));
        return refuse_newer(report, where, name);
    }
    return err;
}

static int add_id(void *ctx, const struct segment_record *r)
{
    struct store *store = ctx;
    int err = ids_add(&store->ids, r->incarnation, r->number, r->lowest_open);
    return err == GW_ERR_FULL ? 0 : err;
}

/* The ids that the newest segment's header knows of. GW_ERR_CORRUPT: all segments must be read for
 * them. */
static int read_snapshot(struct store *store, struct segment *newest)
{
    struct buf snapshot = buf_make(UINT32_MAX);
    int err = segment_snapshot(newest, &store->dir, &snapshot);
    if (!err)
        err = ids_snapshot_add(&store->ids, buf_slice(&snapshot));
    buf_free(&snapshot);
    return err == GW_ERR_MALFORMED ? GW_ERR_CORRUPT : err == GW_ERR_FULL ? 0 : err;
}

static int place_all(struct store *store, unsigned signal, struct store_report *report)
{
    struct chain *chain = store_chain(store, signal);
    struct segment *newest = chain_newest(chain);
    if (!newest)
        return 0;
    int err = read_snapshot(store, newest);
    bool every = err == GW_ERR_CORRUPT;
    if (err && !every)
        return err;
    uint64_t limit = UINT64_MAX;
    err = 0;
    for (uint32_t i = chain->count; i-- > 0 && !err;) {
        struct segment *s = chain->segments[i];
        struct segment_scan_result result;
        err = segment_place(s, &store->dir, limit, every || s == newest, add_id, store, &result);
        report->torn_bytes += result.torn_bytes;
        report->quarantined += result.quarantined;
        limit = s->info.base.sequence;
        if (s->info.generation > store->generation)
            store->generation = s->info.generation;
        if (s != newest && s->footer)
            segment_unload(s);
    }
    chain->next = newest->next;
    return err;
}

/* A number that the journal has seen is never given again, even if its segment is gone. */
static void pass_journaled(struct store *store)
{
    for (uint32_t i = 0; i < store->consumer_count; i++) {
        for (unsigned k = 0; k < STORE_SIGNALS; k++) {
            const struct cursor *cursor = &store->consumers[i]->cursors[k];
            if (cursor->active && cursor->next.sequence > store->chains[k].next.sequence)
                store->chains[k].next = cursor->next;
        }
    }
}

static int read_journal(struct store *store, bool any_segment, struct store_report *report)
{
    bool found;
    int err = journal_open(&store->journal, &store->dir, &found);
    if (err == GW_ERR_UNSUPPORTED)
        return refuse_newer(report, "the journal", "");
    if (err)
        return err;
    if (found)
        return journal_read(&store->journal, store_apply_read, store, &report->journal_damaged);
    if (any_segment) {
        SAY(report, "there are segments but no journal that can be read: nothing was changed. Put "
                    "journal.0 and journal.1 back, or move the directory away to begin anew");
        return GW_ERR_CORRUPT;
    }
    report->created = true;
    entropy_fill(store->dir.uuid, sizeof store->dir.uuid);
    /* RFC 9562 section 5.4: version 4, variant 10 */
    store->dir.uuid[6] = (uint8_t)((store->dir.uuid[6] & 0x0f) | 0x40);
    store->dir.uuid[8] = (uint8_t)((store->dir.uuid[8] & 0x3f) | 0x80);
    return 0;
}

/* Nothing may be acknowledged or delivered that is not as safe as the policy says. */
static int sync_tails(struct store *store)
{
    const struct io_hook *hook = store->dir.hook;
    int err = 0;
    for (unsigned i = 0; i < STORE_SIGNALS && !err && store->sync != STORE_SYNC_NONE; i++) {
        const struct chain *chain = &store->chains[i];
        for (uint32_t k = 0; k < chain->count && !err; k++) {
            const struct segment *s = chain->segments[k];
            if (s->fd >= 0 && (!s->footer || k + 1 == chain->count))
                err = io_sync(hook, s->fd);
        }
        if (!err)
            err = io_sync(hook, store->dir.signals[i]);
    }
    return err;
}

/* What is cut off is behind the last trailer; what stands before it is never written again. */
static void seal_tails(struct store *store)
{
    for (unsigned i = 0; i < STORE_SIGNALS; i++) {
        struct chain *chain = &store->chains[i];
        for (uint32_t k = 0; k < chain->count; k++) {
            struct segment *s = chain->segments[k];
            if (s->footer)
                continue;
            s->sealed = false;
            if (space_seal(store, s) == 0 && k + 1 < chain->count)
                segment_unload(s);
        }
    }
}

static void quarantine(struct store *store, unsigned signal, const struct found *found)
{
    for (size_t i = 0; i < found->bad; i++) {
        char from[DIR_FILE_NAME_BYTES], to[64];
        dir_file_name(found->numbers[i], from);
        snprintf(to, sizeof to, "%s-%s", dir_signal_name(signal), from);
        log_error(store->log, "store: %s/%s does not begin with its own header: moved to quarantine/%s",
                  dir_signal_name(signal), from, to);
        if (io_rename(store->dir.hook, store->dir.signals[signal - 1], from, store->dir.quarantine,
                      to) != 0)
            log_warn(store->log, "store: cannot move %s/%s", dir_signal_name(signal), from);
    }
}

static void count(struct store *store, struct store_report *report)
{
    report->generation = store->generation;
    store->quarantined = report->quarantined;
    for (unsigned i = 0; i < STORE_SIGNALS; i++) {
        const struct chain *chain = &store->chains[i];
        report->batches += chain->next.sequence - chain_oldest(chain).sequence;
    }
    for (uint32_t i = 0; i < store->consumer_count; i++) {
        for (unsigned k = 0; k < STORE_SIGNALS; k++) {
            const struct cursor *cursor = &store->consumers[i]->cursors[k];
            for (uint32_t g = 0; g < cursor->count; g++)
                report->groups += cursor->groups[g].state != GROUP_DONE;
        }
    }
}

/* The part that only reads. */
static int read_all(struct store *store, struct found *found, struct store_report *report)
{
    int err = 0;
    bool any = false;
    for (unsigned i = 0; i < STORE_SIGNALS && !err; i++) {
        err = dir_list(store->dir.signals[i], &found[i].numbers, &found[i].count);
        any |= found[i].count > 0;
    }
    if (!err)
        err = read_journal(store, any, report);
    for (unsigned signal = 1; signal <= STORE_SIGNALS && !err; signal++)
        err = peek_all(store, signal, &found[signal - 1], report);
    for (unsigned signal = 1; signal <= STORE_SIGNALS && !err; signal++)
        err = place_all(store, signal, report);
    return err;
}

int store_recover(struct store *store, struct store_report *report)
{
    struct found found[STORE_SIGNALS] = {0};
    int err = read_all(store, found, report);
    if (!err) {
        pass_journaled(store);
        store->generation++;
        err = sync_tails(store);
    }
    if (!err)
        err = store_rewrite(store);
    if (!err)
        err = io_sync(store->dir.hook, store->dir.root);
    if (!err)
        err = pool_open(&store->pool, &store->dir, store->segment_bytes);
    if (!err) {
        if (journal_reserve(&store->journal) != 0)
            log_warn(store->log, "store: no room to set aside for the journal");
        for (unsigned signal = 1; signal <= STORE_SIGNALS; signal++)
            quarantine(store, signal, &found[signal - 1]);
        seal_tails(store);
        count(store, report);
        space_lowest(store, store->released);
        space_release(store);
    }
    for (unsigned i = 0; i < STORE_SIGNALS; i++)
        free(found[i].numbers);
    if (err && !report->error[0])
        SAY(report, "cannot be recovered: %s%s%s", gw_strerror(err),
            err == GW_ERR_IO || err == GW_ERR_FULL ? ": " : "",
            err == GW_ERR_IO || err == GW_ERR_FULL ? strerror(errno) : "");
    return err;
}
