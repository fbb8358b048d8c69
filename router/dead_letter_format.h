// SPDX-License-Identifier: Apache-2.0
/* The bytes of a dead letter: "dead-letters/<number, 16 hex digits>.dead" in the store's directory. Records that a
 * destination refused for good, with the reason and where they came from. All numbers little-endian. Pure functions
 * between bytes and structs; docs/spool-format.md has the rules.
 *
 *   0  8 "masq-ded"
 *   8  2 version
 *  10  2 oldest reader
 *  12  4 length of the header with its texts, a multiple of 8
 *  16 16 store UUID
 *  32  8 number, as in the file's name
 *  40  8 generation    \
 *  48  8 first          } of the delivery that the records were part of; its exporter and signal below
 *  56  8 last          /
 *  64  8 index of the first of the records in that delivery
 *  72  8 records
 *  80  8 time of the rejection, ns since the Unix epoch
 *  88  8 payload length; 0: the exporter did not give the bytes
 *  96  8 payload checksum, XXH3-64
 * 104  1 signal
 * 105  1 0
 * 106  2 length of the exporter's name
 * 108  2 length of the reason
 * 110  2 0
 * 112  8 checksum: XXH3-64 of what follows up to the header's end, seeded with XXH3-64 of what is before
 * 120    exporter's name | reason | zeros up to a multiple of 8
 *        payload: a valid request of the signal, up to the end of the file
 */
#ifndef MASQUES_ROUTER_DEAD_LETTER_FORMAT_H
#define MASQUES_ROUTER_DEAD_LETTER_FORMAT_H

#include <stdint.h>

#include "shared/base/err.h"
#include "shared/base/slice.h"

#define DEAD_LETTER_VERSION 1u
#define DEAD_LETTER_OLDEST_READER 1u /* a program must know at least this version to read what we write */

#define DEAD_LETTER_UUID_BYTES 16u
#define DEAD_LETTER_FIXED_BYTES 120u
#define DEAD_LETTER_NAME_MAX_BYTES 128u    /* of the exporter's name */
#define DEAD_LETTER_REASON_MAX_BYTES 1024u /* longer ones are cut */
#define DEAD_LETTER_HEADER_MAX_BYTES                                                               \
    (DEAD_LETTER_FIXED_BYTES + DEAD_LETTER_NAME_MAX_BYTES + DEAD_LETTER_REASON_MAX_BYTES)
#define DEAD_LETTER_ALIGN 8u

struct dead_letter {
    uint64_t number;
    uint8_t store[DEAD_LETTER_UUID_BYTES];
    uint64_t generation, first, last; /* of the delivery */
    uint64_t index;                   /* of the first record in it */
    uint64_t records;
    uint64_t rejected_ns; /* wall clock */
    uint64_t payload_bytes;
    uint64_t payload_checksum;
    unsigned signal;
    struct slice exporter; /* not empty; text without NUL */
    struct slice reason;   /* cut at DEAD_LETTER_REASON_MAX_BYTES, between characters */
};

/* XXH3-64 of a payload. */
uint64_t dead_letter_checksum(struct slice payload);

/* What a letter says of the reason: at most DEAD_LETTER_REASON_MAX_BYTES, cut between characters, since what is said to
 * others must stay text. Points into `reason`. */
struct slice dead_letter_reason(struct slice reason);

/* Writes the header into `out` (DEAD_LETTER_HEADER_MAX_BYTES of room) and returns its length. The exporter's name has
 * at most DEAD_LETTER_NAME_MAX_BYTES. */
size_t dead_letter_put(const struct dead_letter *letter, uint8_t *out);

/* Reads the header at the front of `bytes`; the texts point into it. Returns its length, behind which the payload
 * lies; GW_ERR_INCOMPLETE: DEAD_LETTER_HEADER_MAX_BYTES always suffice; GW_ERR_UNSUPPORTED: of a newer version;
 * GW_ERR_MALFORMED, GW_ERR_CORRUPT. */
int dead_letter_get(struct slice bytes, struct dead_letter *out) GW_MUST_CHECK;

/* A whole file: also that the payload is all there and right. 0 with *payload pointing into `file`; errors as
 * dead_letter_get(). */
int dead_letter_get_whole(struct slice file, struct dead_letter *out,
                          struct slice *payload) GW_MUST_CHECK;

#endif
