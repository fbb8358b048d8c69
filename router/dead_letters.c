// SPDX-License-Identifier: Apache-2.0
#include "router/dead_letters.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "router/dead_letter_files.h"
#include "shared/base/clock.h"

#define GENERATION_SHIFT 32
#define SAY_EVERY_MS 10000u

struct dead_letters {
    struct dead_letters_options options;
    struct dead_letter_files files;
    struct dead_letters_entry **list; /* by rising number */
    size_t count, cap;
    size_t asked;
    uint64_t last_number;
    uint64_t round;
    struct dead_letters_stats stats;
    struct log_gate gate;
};

/* ---- the list ---- */

static void entry_free(struct dead_letters_entry *e)
{
    if (!e)
        return;
    free((void *)(uintptr_t)e->letter.exporter.data);
    free((void *)(uintptr_t)e->letter.reason.data);
    free(e->note);
    free(e);
}

/* The text, with a NUL behind it that it does not count. */
static bool copy_text(struct slice *text)
{
    char *copy = malloc(text->len + 1);
    if (!copy)
        return false;
    if (text->len)
        memcpy(copy, text->data, text->len);
    copy[text->len] = '\0';
    *text = slice_make(copy, text->len);
    return true;
}

static uint64_t counted(uint64_t file_bytes)
{
    uint64_t blocks = file_bytes / DEAD_LETTERS_BLOCK_BYTES + 1;
    return blocks * DEAD_LETTERS_BLOCK_BYTES;
}

static struct dead_letters_entry *entry_new(const struct dead_letter *letter, uint64_t file_bytes)
{
    struct dead_letters_entry *e = calloc(1, sizeof *e);
    if (!e)
        return NULL;
    e->letter = *letter;
    e->letter.reason.data = NULL;
    if (!copy_text(&e->letter.exporter)) {
        free(e);
        return NULL;
    }
    e->letter.reason = letter->reason;
    if (!copy_text(&e->letter.reason)) {
        e->letter.reason.data = NULL;
        entry_free(e);
        return NULL;
    }
    e->file_bytes = counted(file_bytes);
    return e;
}

static bool reserve(struct dead_letters *d)
{
    if (d->count < d->cap)
        return true;
    size_t cap = d->cap ? d->cap * 2 : 16;
    struct dead_letters_entry **list = realloc(d->list, cap * sizeof(void *));
    if (!list)
        return false;
    d->list = list;
    d->cap = cap;
    return true;
}

/* Where the number stands, or would. */
static size_t place_of(const struct dead_letters *d, uint64_t number)
{
    size_t low = 0, high = d->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (d->list[middle]->letter.number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Takes the entry, for which there is room. */
static void insert(struct dead_letters *d, struct dead_letters_entry *e)
{
    size_t at = place_of(d, e->letter.number);
    memmove(d->list + at + 1, d->list + at, (d->count - at) * sizeof(void *));
    d->list[at] = e;
    d->count++;
    d->stats.bytes += e->file_bytes;
}

static void take_out(struct dead_letters *d, size_t at)
{
    d->stats.bytes -= d->list[at]->file_bytes;
    d->asked -= d->list[at]->asked;
    entry_free(d->list[at]);
    d->count--;
    memmove(d->list + at, d->list + at + 1, (d->count - at) * sizeof(void *));
}

static bool same_delivery(const struct dead_letter *a, const struct dead_letter *b)
{
    return a->first == b->first && a->last == b->last && a->generation == b->generation &&
           a->signal == b->signal && slice_eq(a->exporter, b->exporter);
}

/* ---- writing ---- */

void dead_letters_begin(struct dead_letters *d)
{
    d->round++;
}

/* One that an earlier verdict on the same delivery left. */
static struct dead_letters_entry *earlier(struct dead_letters *d, const struct dead_letter *letter)
{
    for (size_t i = 0; i < d->count; i++) {
        struct dead_letters_entry *e = d->list[i];
        if (e->round != d->round && e->letter.index == letter->index &&
            same_delivery(&e->letter, letter))
            return e;
    }
    return NULL;
}

static int write_new(struct dead_letters *d, const struct dead_letter *letter, struct slice payload,
                     bool beyond)
{
    struct dead_letter mine = *letter;
    struct dead_letters_entry *before = earlier(d, letter);
    mine.number = before ? before->letter.number : d->last_number + 1;
    memcpy(mine.store, d->options.uuid, sizeof mine.store);
    mine.payload_bytes = payload.len;
    mine.payload_checksum = dead_letter_checksum(payload);
    mine.reason = dead_letter_reason(letter->reason);
    uint64_t used = d->stats.bytes - (before ? before->file_bytes : 0);
    if (!beyond && used + counted(DEAD_LETTER_HEADER_MAX_BYTES + payload.len) > d->options.quota_bytes)
        return GW_ERR_FULL;
    struct dead_letters_entry *e =
        reserve(d) ? entry_new(&mine, DEAD_LETTER_HEADER_MAX_BYTES + payload.len) : NULL;
    int err = e ? dead_letter_files_write(&d->files, &mine, payload) : GW_ERR_NOMEM;
    if (err != GW_OK) {
        entry_free(e);
        return err;
    }
    e->round = d->round;
    if (before)
        take_out(d, place_of(d, mine.number));
    else
        d->last_number++;
    insert(d, e);
    return GW_OK;
}

int dead_letters_keep(struct dead_letters *d, const struct dead_letter *letter, struct slice payload,
                      bool beyond)
{
    int err = write_new(d, letter, payload, beyond);
    if (err == GW_OK)
        return GW_OK;
    d->stats.dropped++;
    uint64_t passed = log_gate_pass(&d->gate, clock_mono_ms(), SAY_EVERY_MS);
    if (passed)
        log_warn(d->options.log,
                 "a rejection of %.*s is counted, but not kept as a dead letter: %s (%" PRIu64
                 " of %" PRIu64 " bytes are used; %" PRIu64 " such before this one)",
                 (int)letter->exporter.len, (const char *)letter->exporter.data,
                 err == GW_ERR_IO ? strerror(errno) : gw_strerror(err), d->stats.bytes,
                 d->options.quota_bytes,
                 passed - 1);
    return err;
}

int dead_letters_end(struct dead_letters *d, const struct dead_letter *id)
{
    int err = GW_OK;
    for (size_t i = d->count; i-- > 0 && err == GW_OK;)
        if (d->list[i]->round != d->round && same_delivery(&d->list[i]->letter, id))
            err = dead_letters_remove(d, d->list[i]->letter.number);
    return err == GW_OK ? dead_letters_sync(d) : err;
}

int dead_letters_undo(struct dead_letters *d, const struct dead_letter *id)
{
    int err = GW_OK;
    for (size_t i = d->count; i-- > 0;) {
        bool mine = d->list[i]->round == d->round && same_delivery(&d->list[i]->letter, id);
        int removed = mine ? dead_letters_remove(d, d->list[i]->letter.number) : GW_OK;
        if (removed != GW_OK)
            err = removed;
    }
    int synced = dead_letters_sync(d);
    return err == GW_OK ? synced : err;
}

int dead_letters_remove(struct dead_letters *d, uint64_t number)
{
    if (!dead_letters_find(d, number))
        return GW_ERR_NOT_FOUND;
    int err = dead_letter_files_remove(&d->files, number);
    if (err == GW_OK)
        take_out(d, place_of(d, number));
    return err;
}

int dead_letters_sync(struct dead_letters *d)
{
    return dead_letter_files_sync(&d->files);
}

/* ---- reading ---- */

size_t dead_letters_count(const struct dead_letters *d)
{
    return d->count;
}

struct dead_letters_entry *dead_letters_at(const struct dead_letters *d, size_t i)
{
    return i < d->count ? d->list[i] : NULL;
}

struct dead_letters_entry *dead_letters_find(const struct dead_letters *d, uint64_t number)
{
    size_t at = place_of(d, number);
    return at < d->count && d->list[at]->letter.number == number ? d->list[at] : NULL;
}

int dead_letters_read(const struct dead_letters *d, uint64_t number, struct blob **payload)
{
    *payload = NULL;
    if (!dead_letters_find(d, number))
        return GW_ERR_NOT_FOUND;
    return dead_letter_files_payload(&d->files, number, payload);
}

void dead_letters_ask(struct dead_letters *d, struct dead_letters_entry *entry, bool asked)
{
    d->asked -= entry->asked;
    d->asked += asked;
    entry->asked = asked;
}

size_t dead_letters_asked(const struct dead_letters *d)
{
    return d->asked;
}

void dead_letters_replayed(struct dead_letters *d)
{
    d->stats.replayed++;
}

struct dead_letters_stats dead_letters_stats(const struct dead_letters *d)
{
    struct dead_letters_stats stats = d->stats;
    stats.letters = d->count;
    return stats;
}

/* ---- opening ---- */

static int load(void *ctx, uint64_t number)
{
    struct dead_letters *d = ctx;
    uint8_t room[DEAD_LETTER_HEADER_MAX_BYTES];
    struct dead_letter letter;
    uint64_t file_bytes = 0;
    int err = dead_letter_files_header(&d->files, number, room, &letter, &file_bytes);
    bool foreign = err == GW_OK && memcmp(letter.store, d->options.uuid, sizeof letter.store) != 0;
    if (err != GW_OK || foreign) {
        d->stats.damaged++;
        d->stats.bytes += counted(file_bytes);
        log_warn(d->options.log, "dead letter %" PRIu64 " (%016" PRIx64 ".dead) is left alone: %s", number,
                 number, foreign ? "it is another store's" : gw_strerror(err));
        return GW_OK;
    }
    struct dead_letters_entry *e = reserve(d) ? entry_new(&letter, file_bytes) : NULL;
    if (!e)
        return GW_ERR_NOMEM;
    insert(d, e);
    return GW_OK;
}

/* The rejections of a replayed letter that is still here: its verdict never counted, and comes again. */
static void drop_unsettled(struct dead_letters *d)
{
    for (size_t i = d->count; i-- > 0;) {
        const struct dead_letter *letter = &d->list[i]->letter;
        if (letter->first & DEAD_LETTER_SEQUENCE_BIT &&
            dead_letters_find(d, letter->first & ~DEAD_LETTER_SEQUENCE_BIT) &&
            dead_letters_remove(d, letter->number) != GW_OK)
            log_warn(d->options.log, "dead letter %" PRIu64 " cannot be removed: %s",
                     letter->number, strerror(errno));
    }
}

struct dead_letters *dead_letters_open(const struct dead_letters_options *options)
{
    struct dead_letters *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    d->options = *options;
    d->last_number = options->generation << GENERATION_SHIFT;
    if (dead_letter_files_init(&d->files, options->store_fd, options->synced, options->hook) != GW_OK)
        log_warn(options->log, "the dead letters cannot be read: %s", strerror(errno));
    if (dead_letter_files_each(&d->files, load, d) != GW_OK) {
        dead_letters_free(&d);
        return NULL;
    }
    drop_unsettled(d);
    return d;
}

void dead_letters_free(struct dead_letters **at)
{
    struct dead_letters *d = *at;
    *at = NULL;
    if (!d)
        return;
    for (size_t i = 0; i < d->count; i++)
        entry_free(d->list[i]);
    free(d->list);
    dead_letter_files_fini(&d->files);
    free(d);
}
