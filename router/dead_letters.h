// SPDX-License-Identifier: Apache-2.0
/* The dead letters of a store: records that a destination refused for good, one file a letter
 * (router/dead_letter_files.h), within a quota. What is kept here was counted as
 * rejected by the journal and is nobody's backlog: it holds no segment, and no cursor waits for it.
 *
 * A letter is whole on its medium before the journal counts its delivery as done. When the router dies in between, the
 * delivery comes again and its verdict replaces the letters of the last time.
 *
 * Syncs inline: rejections are rare. */
#ifndef MASQUES_ROUTER_DEAD_LETTERS_H
#define MASQUES_ROUTER_DEAD_LETTERS_H

#include <stdbool.h>
#include <stddef.h>

#include "router/dead_letter_format.h"
#include "router/store/io.h"
#include "shared/base/blob.h"
#include "shared/base/log.h"

/* What a letter counts for at least: blocks of the file system, and the memory that it takes here. */
#define DEAD_LETTERS_BLOCK_BYTES 4096u

/* A delivery of letter n has first = last = n with this bit: no batch ever has such a sequence number. */
#define DEAD_LETTER_SEQUENCE_BIT (UINT64_C(1) << 63)

/* A letter that is kept. Texts are NUL-terminated. */
struct dead_letters_entry {
    struct dead_letter letter;
    uint64_t file_bytes; /* as it counts */
    uint64_t round;      /* of the verdict that wrote it; 0: an earlier run of the router */
    bool asked;          /* dead_letters_ask() */
    uint32_t attempts;   /* of that, since the router's start */
    uint8_t *note;       /* owned; last PROGRESS of that, as long as the router runs */
    size_t note_len;
};

struct dead_letters_stats {
    uint64_t letters, bytes;
    uint64_t dropped;  /* rejections that were not kept: over the quota, or the device answered with errors */
    uint64_t replayed; /* letters that their exporter took after all */
    uint64_t damaged;  /* files that cannot be read; they stay where they are */
};

struct dead_letters_options {
    int store_fd;        /* the store's directory */
    const uint8_t *uuid; /* of the store */
    uint64_t generation; /* of this run, below 2^31: numbers begin with it, so none is given twice */
    uint64_t quota_bytes; /* 0: rejections are only counted */
    bool synced;          /* the store survives a power cut: so do these */
    const struct io_hook *hook; /* NULL outside of tests */
    const struct log *log;
};

struct dead_letters;

/* Reads what is there; the directory comes into being with the first letter. Everything is borrowed for its life.
 * Returns owned; NULL: no memory. What cannot be read is said in the log and left alone. */
struct dead_letters *dead_letters_open(const struct dead_letters_options *options);
void dead_letters_free(struct dead_letters **letters);

/* ---- writing ---- */

/* The verdict on one delivery begins: the next dead_letters_keep() are its rejections. */
void dead_letters_begin(struct dead_letters *letters);
/* Keeps one rejection; everything of `letter` is copied but number, store and the payload's length and checksum, which
 * are filled in here. It takes the place of one of the same delivery and index that an earlier verdict left. `beyond`:
 * the quota does not count. 0; GW_ERR_FULL: over the quota, or no space on the device; GW_ERR_IO; GW_ERR_NOMEM: not
 * kept, said in the log now and then, and counted. */
int dead_letters_keep(struct dead_letters *letters, const struct dead_letter *letter,
                      struct slice payload, bool beyond) GW_MUST_CHECK;
/* The verdict is through: what an earlier one left of that delivery (exporter, signal, generation, first and last of
 * `id`) is removed; all of it is synced. 0; GW_ERR_IO. */
int dead_letters_end(struct dead_letters *letters, const struct dead_letter *id) GW_MUST_CHECK;

/* Removes what this verdict has kept of that delivery. 0; GW_ERR_IO: some of it is still there. */
int dead_letters_undo(struct dead_letters *letters, const struct dead_letter *id) GW_MUST_CHECK;

/* Removes the file. 0; GW_ERR_NOT_FOUND; GW_ERR_IO: it is there. Lasting after dead_letters_sync(). */
int dead_letters_remove(struct dead_letters *letters, uint64_t number) GW_MUST_CHECK;
int dead_letters_sync(struct dead_letters *letters) GW_MUST_CHECK;

/* ---- reading ---- */

size_t dead_letters_count(const struct dead_letters *letters);
/* The i-th, by rising number; valid until a letter is kept or removed. NULL behind the last. */
struct dead_letters_entry *dead_letters_at(const struct dead_letters *letters, size_t i);
struct dead_letters_entry *dead_letters_find(const struct dead_letters *letters, uint64_t number);
/* The payload as it was given: a blob held once by the caller. GW_ERR_NOT_FOUND, GW_ERR_CORRUPT, GW_ERR_IO,
 * GW_ERR_NOMEM. */
int dead_letters_read(const struct dead_letters *letters, uint64_t number,
                      struct blob **payload) GW_MUST_CHECK;

/* The letter is to be handed to its exporter again, or not; forgotten when the router ends. */
void dead_letters_ask(struct dead_letters *letters, struct dead_letters_entry *entry, bool asked);
/* How many are. */
size_t dead_letters_asked(const struct dead_letters *letters);

/* Counts a letter that was delivered. */
void dead_letters_replayed(struct dead_letters *letters);
struct dead_letters_stats dead_letters_stats(const struct dead_letters *letters);

#endif
