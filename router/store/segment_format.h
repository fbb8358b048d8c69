// SPDX-License-Identifier: Apache-2.0
/* The bytes of a segment file: "<logs|metrics|traces>/<number, 16 hex digits>.seg". All numbers
 * little-endian, all blocks on 8-byte boundaries. Pure functions between bytes and structs;
 * docs/spool-format.md has the rules.
 *
 *   +--------------------------------------------------------------+ 0
 *   | header (128)                                                 |
 *   | header again (128): one flipped bit must not cost a segment  |
 *   | snapshot of the accepted batch ids, padded to 8              |
 *   +--------------------------------------------------------------+ header_bytes
 *   | record header (112) | source digests | payload | pad to 8    |  \
 *   | record header (112) | source digests | payload | pad to 8    |   } one commit, one write
 *   | trailer (56): "all of this commit was written"               |  /
 *   | record …                                                     |
 *   | trailer                                                      |
 *   |   … room, and whatever the file held when it was last used … |  only while it is written
 *   +--------------------------------------------------------------+ index_offset
 *   | index: one entry (40) for each batch                         |  sealed segments only
 *   | footer (96)                                                  |
 *   +--------------------------------------------------------------+ end of file
 *
 * header                          record header                     trailer
 *   0  8 "masq-seg"                 0  4 "mREC"                        0  4 "mEND"
 *   8  2 version                    4  2 length of this header, 112    4  2 length, 56
 *  10  2 oldest reader              6  2 flags, 0                      6  2 flags, 0
 *  12  4 header_bytes               8  4 payload length                8  8 offset of first record
 *  16 16 store UUID                12  4 source digests length        16  8 next sequence
 *  32  8 segment number            16  8 sequence                     24  8 records before it
 *  40  8 generation                24 16 worker's incarnation         32  8 payload bytes before it
 *  48  8 first sequence            40  8 batch number                 40  4 records in this commit
 *  56  8 records before it         48  8 lowest open number           44  4 0
 *  64  8 payload bytes before it   56  8 receive time, ns             48  8 checksum
 *  72  8 seed, random              64  8 records before it
 *  80  8 time of creation, ns      72  8 payload bytes before it     index entry
 *  88  4 snapshot length           80  4 records in it                 0  8 payload offset
 *  92  1 signal                    84  4 stream                        8  8 payload checksum
 *  93  3 0                         88  8 payload checksum             16  8 receive time, ns
 *  96  8 snapshot checksum         96  8 0                            24  4 payload length
 * 104 16 0                        104  8 checksum                     28  4 records
 * 120  8 checksum                                                     32  4 stream
 *                                                                     36  4 flags: 1 quarantined
 * footer
 *   0  8 "masq-ftr"    24  8 first sequence       48  8 next sequence         72  8 index checksum
 *   8  8 segment       32  8 records before it    56  8 records before it     80  4 entries
 *  16  8 index_offset  40  8 bytes before it      64  8 bytes before it       84  4 0
 *                                                                            88  8 checksum
 *
 * Checksums are XXH3-64. The payload's has the segment's seed alone, so that a reader needs nothing
 * else. Those of record header, trailer, index and footer have a key made of seed, store, signal
 * and segment number, and of the block's own offset: nothing inside a payload and nothing left in a
 * recycled file can pass for a block. */
#ifndef MASQUES_ROUTER_STORE_SEGMENT_FORMAT_H
#define MASQUES_ROUTER_STORE_SEGMENT_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "router/store/position.h"
#include "shared/base/err.h"
#include "shared/base/slice.h"

#define SEGMENT_VERSION 1u
#define SEGMENT_OLDEST_READER                                                                      \
    1u /* a program must know at least this version to read what we write */

#define SEGMENT_HEADER_BYTES 128u
#define SEGMENT_SNAPSHOT_OFFSET (2 * SEGMENT_HEADER_BYTES)
#define SEGMENT_RECORD_BYTES 112u
#define SEGMENT_TRAILER_BYTES 56u
#define SEGMENT_ENTRY_BYTES 40u
#define SEGMENT_FOOTER_BYTES 96u
#define SEGMENT_ALIGN 8u
#define SEGMENT_RECORD_MAGIC 0x4345526du  /* "mREC" */
#define SEGMENT_TRAILER_MAGIC 0x444e456du /* "mEND" */

struct segment_header {
    uint8_t uuid[16];
    uint64_t number;
    uint64_t generation;
    struct position base; /* of its first batch */
    uint64_t seed;
    uint64_t created_ns;
    uint64_t snapshot_checksum;
    uint32_t snapshot_bytes;
    uint32_t header_bytes; /* both headers and the padded snapshot */
    uint8_t signal;
};

struct segment_record {
    struct position at;
    uint8_t incarnation[16];
    uint64_t number;
    uint64_t lowest_open;
    uint64_t received_ns;
    uint64_t payload_checksum;
    uint32_t payload_bytes;
    uint32_t sources_bytes;
    uint32_t records;
    uint32_t stream;
};

struct segment_trailer {
    uint64_t start;       /* offset of the commit's first record */
    struct position next; /* of the first batch of the next commit */
    uint32_t count;
};

struct segment_footer {
    uint64_t number;
    uint64_t index_offset;
    struct position base, next;
    uint64_t index_checksum;
    uint32_t count; /* index entries = next.sequence - base.sequence */
};

/* One batch in the index, in the file and in memory. */
struct segment_entry {
    uint64_t offset; /* of the payload */
    uint64_t checksum;
    uint64_t received_ns;
    uint32_t length; /* of the payload */
    uint32_t records;
    uint32_t stream;
    uint32_t flags;
};

/* In segment_entry.flags: its bytes are damaged, it can not be delivered. */
#define SEGMENT_QUARANTINED 1u
/* And: it belongs to a run of batches that are not in the file at all. How many records each had is
 * not known, but where the run ends is: offset has the records before that place, checksum the bytes
 * and received_ns the sequence number (struct position); length and records are 0. */
#define SEGMENT_GAP 2u

static inline struct segment_entry segment_gap(struct position end)
{
    return (struct segment_entry){.offset = end.records,
                                  .checksum = end.bytes,
                                  .received_ns = end.sequence,
                                  .flags = SEGMENT_QUARANTINED | SEGMENT_GAP};
}

/* Behind the batch of that entry, which begins at `at`; of a gap: behind the whole of it. */
static inline struct position segment_entry_end(const struct segment_entry *entry,
                                                struct position at)
{
    if (entry->flags & SEGMENT_GAP)
        return (struct position){entry->received_ns, entry->offset, entry->checksum};
    return position_after(at, entry->records, entry->length);
}

static inline uint64_t segment_align(uint64_t n)
{
    return (n + SEGMENT_ALIGN - 1) & ~(uint64_t)(SEGMENT_ALIGN - 1);
}

/* Bytes that a record takes in the file, from its header to where the next block stands. */
static inline uint64_t segment_record_size(uint64_t sources, uint64_t payload)
{
    return segment_align(SEGMENT_RECORD_BYTES + sources + payload);
}

/* The key of a segment's block checksums. */
uint64_t segment_key(const struct segment_header *header);

/* Writes SEGMENT_HEADER_BYTES. */
void segment_header_put(const struct segment_header *header, uint8_t *at);
/* GW_ERR_UNSUPPORTED: of a newer version that we cannot read; GW_ERR_CORRUPT: no header of ours. */
int segment_header_get(const uint8_t *at, struct segment_header *out) GW_MUST_CHECK;

uint64_t segment_payload_checksum(uint64_t seed, struct slice payload);

/* Writes SEGMENT_RECORD_BYTES for a record that will stand at `offset`; the checksum covers header
 * and sources. */
void segment_record_put(const struct segment_record *record, struct slice sources, uint64_t key,
                        uint64_t offset, uint8_t *at);
/* Reads the record at `offset` of a file of which `bytes` from there on are at hand; sources and
 * payload lie in them. GW_ERR_CORRUPT: no valid record header stands there. The payload is not
 * looked at. */
int segment_record_get(struct slice bytes, uint64_t key, uint64_t offset,
                       struct segment_record *out) GW_MUST_CHECK;

void segment_trailer_put(const struct segment_trailer *trailer, uint64_t key, uint64_t offset,
                         uint8_t *at);
int segment_trailer_get(struct slice bytes, uint64_t key, uint64_t offset,
                        struct segment_trailer *out) GW_MUST_CHECK;

void segment_entry_put(const struct segment_entry *entry, uint8_t *at);
void segment_entry_get(const uint8_t *at, struct segment_entry *out);

/* Over `index_bytes` of entries that stand at `offset`. */
uint64_t segment_index_checksum(struct slice index_bytes, uint64_t key, uint64_t offset);
/* The footer stands at `offset`. */
void segment_footer_put(const struct segment_footer *footer, uint64_t key, uint64_t offset,
                        uint8_t *at);
int segment_footer_get(const uint8_t *at, uint64_t key, uint64_t offset,
                       struct segment_footer *out) GW_MUST_CHECK;

#endif
