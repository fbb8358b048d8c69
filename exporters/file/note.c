// SPDX-License-Identifier: Apache-2.0
#include "exporters/file/note.h"

#include <string.h>

#define VERSION 1u
#define HEAD_BYTES 15u
#define FILE_BYTES 24u

static void put(struct buf *out, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        buf_byte(out, (uint8_t)(value >> (8 * i)));
}

/* The number of `bytes` bytes at `*at`, which moves behind it. */
static uint64_t take(const uint8_t **at, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value |= (uint64_t)(*at)[i] << (8 * i);
    *at += bytes;
    return value;
}

void note_write(const struct note *note, struct buf *out)
{
    put(out, VERSION, 1);
    put(out, note->count, 4);
    put(out, note->from, 4);
    put(out, note->to, 4);
    put(out, note->file_count, 2);
    for (uint32_t i = 0; i < note->file_count; i++) {
        put(out, note->files[i].device, 8);
        put(out, note->files[i].inode, 8);
        put(out, note->files[i].offset, 8);
    }
    buf_append(out, note->written, (note->count + 7) / 8);
}

int note_read(struct slice bytes, struct note *note)
{
    const uint8_t *at = bytes.data;
    *note = (struct note){.count = 0};
    if (bytes.len < 1)
        return GW_ERR_MALFORMED;
    if (take(&at, 1) != VERSION)
        return GW_ERR_UNSUPPORTED;
    if (bytes.len < HEAD_BYTES)
        return GW_ERR_MALFORMED;
    note->count = (uint32_t)take(&at, 4);
    note->from = (uint32_t)take(&at, 4);
    note->to = (uint32_t)take(&at, 4);
    note->file_count = (uint32_t)take(&at, 2);
    if (note->count > NOTE_MESSAGES_MAX || note->from > note->to || note->to > note->count ||
        note->file_count > NOTE_FILES_MAX ||
        bytes.len != HEAD_BYTES + note->file_count * FILE_BYTES + (note->count + 7) / 8)
        return GW_ERR_MALFORMED;
    for (uint32_t i = 0; i < note->file_count; i++) {
        note->files[i].device = take(&at, 8);
        note->files[i].inode = take(&at, 8);
        note->files[i].offset = take(&at, 8);
    }
    if (note->count)
        memcpy(note->written, at, (note->count + 7) / 8);
    return 0;
}
