// SPDX-License-Identifier: Apache-2.0
/* The note (PROGRESS) that goes to the router before a part of a delivery is written: enough to find out, after a
 * crash of this process, how much of it is in which file. A delivery is a row of messages, numbered from 0; the same
 * delivery has the same messages (exporters/file/load.h). All numbers are little-endian:
 *
 *   u8 version (1) | u32 count | u32 from | u32 to | u16 files | files x { u64 device, u64 inode, u64 offset } |
 *   bits: message n is written (bit n & 7 of byte n / 8), (count + 7) / 8 bytes
 *
 * Messages from..to-1 that have no bit are to be written, those of each file one behind the other from `offset` on;
 * the files are in the order in which those messages first name them. */
#ifndef MASQUES_EXPORTERS_FILE_NOTE_H
#define MASQUES_EXPORTERS_FILE_NOTE_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/buf.h"

#define NOTE_FILES_MAX 64u
#define NOTE_MESSAGES_MAX 16384u /* 15 + 64 * 24 + 2048 bytes are less than a note may have (4 KiB) */

struct note_file {
    uint64_t device;
    uint64_t inode;
    uint64_t offset;
};

struct note {
    uint32_t count; /* messages; at most NOTE_MESSAGES_MAX */
    uint32_t from;
    uint32_t to;
    uint32_t file_count;
    struct note_file files[NOTE_FILES_MAX];
    uint8_t written[NOTE_MESSAGES_MAX / 8];
};

/* Appends. */
void note_write(const struct note *note, struct buf *out);

/* 0; GW_ERR_MALFORMED: no note, or numbers that make no sense; GW_ERR_UNSUPPORTED: of another version. */
int note_read(struct slice bytes, struct note *note) GW_MUST_CHECK;

static inline bool note_is_written(const struct note *note, uint32_t message)
{
    return note->written[message / 8] >> (message & 7) & 1;
}

static inline void note_set_written(struct note *note, uint32_t message)
{
    note->written[message / 8] |= (uint8_t)(1u << (message & 7));
}

#endif
