// SPDX-License-Identifier: Apache-2.0
/* The bytes of the journal: "journal.0" and "journal.1". All numbers little-endian, entries on
 * 8-byte boundaries.
 *
 *   +-----------------------------------------------+ 0
 *   | header (64), header again (64)                |
 *   +-----------------------------------------------+ 128
 *   | entries: the snapshot this file began with    |
 *   | entries added since                           |
 *   | … room …                                      |
 *   +-----------------------------------------------+
 *
 * header                             entry
 *   0  8 "masq-jnl"                    0  4 length of the body
 *   8  2 version                       4  2 type
 *  10  2 oldest reader                 6  2 0
 *  12  4 0                             8  8 checksum
 *  16 16 store UUID                   16  … body, padded to 8
 *  32  8 number of this journal
 *  40  8 seed, random
 *  48  8 0
 *  56  8 checksum
 *
 * bodies (p = position: 8 sequence, 8 records, 8 bytes; t = 2 length and that many bytes)
 *   GENERATION 8 generation, 8 wall clock ns
 *   CONSUMER   4 consumer, 4 mode, 4 signals, 4 signals whose cursor follows, t name, t type,
 *              for each of those: p start, p at, 8 delivered, 8 rejected, 4 reasons,
 *              for each of these: 8 lost
 *   GONE       4 consumer
 *   GROUP      4 consumer, 4 signal, p start, p next, 8 generation, 8 digest, 4 attempts, 1 done,
 *              1 maybe twice
 *   DONE       4 consumer, 4 signal, 8 first, 8 rejected
 *   LOST       4 consumer, 4 signal, 8 first, 4 reason
 *   NOTE       4 consumer, 4 signal, 8 first, the note
 *   ATTEMPT    4 consumer, 4 signal, 8 first, 4 attempts
 *   LOSS       4 consumer, 4 signal, 4 reason, p before, 8 digest of the rest
 *   REPLACE    4 consumer, 4 signal, 4 reason, 8 first, 4 pieces,
 *              for each: p next, 8 digest, 1 lost
 *
 * Checksums are XXH3-64; an entry's covers length, type and body, its key is made of the journal's
 * seed, the store and the entry's offset: what an earlier use of the file left behind can not pass
 * for an entry. A reader ignores bytes behind what it knows of a body; types it does not know are
 * counted as damage. */
#ifndef MASQUES_ROUTER_STORE_JOURNAL_FORMAT_H
#define MASQUES_ROUTER_STORE_JOURNAL_FORMAT_H

#include "router/store/consumer.h"
#include "shared/base/buf.h"

#define JOURNAL_VERSION 1u
#define JOURNAL_OLDEST_READER 1u
#define JOURNAL_HEADER_BYTES 64u
#define JOURNAL_ENTRIES_OFFSET (2 * JOURNAL_HEADER_BYTES)
#define JOURNAL_ENTRY_HEAD_BYTES 16u

struct journal_header {
    uint8_t uuid[16];
    uint64_t number; /* rises with each journal that is begun */
    uint64_t seed;
};

enum journal_type {
    JOURNAL_GENERATION = 1,
    JOURNAL_CONSUMER = 2,
    JOURNAL_GONE = 3,
    JOURNAL_GROUP = 4,
    JOURNAL_DONE = 5,
    JOURNAL_LOST = 6,
    JOURNAL_NOTE = 7,
    JOURNAL_ATTEMPT = 8,
    JOURNAL_LOSS = 9,
    JOURNAL_REPLACE = 10,
};

#define JOURNAL_PIECES_MAX STORE_GROUP_BATCHES_MAX

/* One entry; which fields count follows from the type. Pointers are borrowed. */
struct journal_entry {
    enum journal_type type;
    uint32_t consumer;
    unsigned signal;
    uint64_t first;
    enum store_loss reason;
    union {
        struct {
            uint64_t number, now_ns;
        } generation;
        struct {
            enum store_mode mode;
            uint32_t signals;
            uint32_t begun; /* bit n: the cursor of signal n follows, and begins anew */
            struct slice name, type;
            struct cursor cursors[STORE_SIGNALS]; /* without groups */
        } who;
        struct group group;
        uint64_t rejected;
        struct slice note;
        uint32_t attempts;
        struct {
            struct position before;
            uint64_t digest;
        } loss;
        struct {
            const struct group_piece *pieces; /* to be written */
            struct slice raw;                 /* as read: for journal_piece_get() */
            uint32_t count;
        } replace;
    };
};

uint64_t journal_key(const struct journal_header *header);

/* Writes JOURNAL_HEADER_BYTES. */
void journal_header_put(const struct journal_header *header, uint8_t *at);
/* GW_ERR_UNSUPPORTED: newer than we can read; GW_ERR_CORRUPT: no header of ours. */
int journal_header_get(const uint8_t *at, struct journal_header *out) GW_MUST_CHECK;

/* Appends the entry, all but its checksum, which needs to know its place. GW_ERR_NOMEM: nothing was
 * appended. */
int journal_entry_put(struct buf *out, const struct journal_entry *entry) GW_MUST_CHECK;

/* Gives their checksums to entries that will stand at `offset` of the file; may be done again for
 * another place. */
void journal_entries_seal(struct buf *entries, uint64_t key, uint64_t offset);

/* The entry at `offset`, of whose file `bytes` from there on are at hand. Returns the bytes it
 * takes; GW_ERR_CORRUPT: there is none; GW_ERR_MALFORMED: there is one, of *size bytes, that says
 * nothing we understand. */
int64_t journal_entry_get(struct slice bytes, uint64_t key, uint64_t offset,
                          struct journal_entry *out, uint64_t *size) GW_MUST_CHECK;

/* Piece i of a REPLACE entry that was read. */
void journal_piece_get(const struct journal_entry *entry, uint32_t i, struct group_piece *out);

#endif
