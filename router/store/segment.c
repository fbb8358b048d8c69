// SPDX-License-Identifier: Apache-2.0
#include "router/store/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#define FIRST_ENTRIES 64u

/* Both headers and the snapshot in one piece. Returns owned, NULL: no memory. */
static uint8_t *make_head(const struct segment_header *info, struct slice snapshot)
{
    uint8_t *head = calloc(1, info->header_bytes);
    if (!head)
        return NULL;
    segment_header_put(info, head);
    memcpy(head + SEGMENT_HEADER_BYTES, head, SEGMENT_HEADER_BYTES);
    if (snapshot.len)
        memcpy(head + SEGMENT_SNAPSHOT_OFFSET, snapshot.data, snapshot.len);
    return head;
}

static int write_head(const struct dir *dir, const struct segment *s, struct slice snapshot)
{
    uint8_t *head = make_head(&s->info, snapshot);
    if (!head)
        return GW_ERR_NOMEM;
    int err = io_write(dir->hook, s->fd, head, s->info.header_bytes, 0);
    free(head);
    return err;
}

int segment_publish(const struct dir *dir, struct segment_file *f)
{
    int err = dir_sync_file(dir, f->fd);
    if (err || !f->free_number)
        return err;
    char from[DIR_FILE_NAME_BYTES], to[DIR_FILE_NAME_BYTES];
    dir_file_name(f->free_number, from);
    dir_file_name(f->number, to);
    err = io_rename(dir->hook, dir->free, from, dir->signals[f->signal - 1], to);
    if (err)
        return err;
    f->named = true;
    return dir_sync_names(dir, dir->signals[f->signal - 1]);
}

void segment_discard(struct segment **segment, const struct dir *dir, uint64_t free_number)
{
    struct segment *s = *segment;
    pool_drop(dir, s->fd, free_number);
    s->fd = -1;
    segment_free(segment);
}

int segment_create(const struct dir *dir, struct pool *pool, const struct segment_header *info,
                   struct slice snapshot, uint64_t file_bytes, struct segment **out,
                   uint64_t *free_number)
{
    struct segment *s = calloc(1, sizeof *s);
    if (!s)
        return GW_ERR_NOMEM;
    s->info = *info;
    memcpy(s->info.uuid, dir->uuid, sizeof dir->uuid);
    s->info.snapshot_bytes = (uint32_t)snapshot.len;
    s->info.snapshot_checksum = XXH3_64bits(snapshot.data, snapshot.len);
    s->info.header_bytes = (uint32_t)(SEGMENT_SNAPSHOT_OFFSET + segment_align(snapshot.len));
    s->key = segment_key(&s->info);
    s->next = info->base;
    s->end = s->info.header_bytes;
    s->file_bytes = file_bytes;
    s->loaded = true;
    int err = pool_take(pool, dir, file_bytes, &s->fd, free_number);
    if (err)
        s->fd = -1;
    if (!err) {
        err = write_head(dir, s, snapshot);
        if (err)
            segment_discard(&s, dir, *free_number);
    }
    if (err)
        segment_free(&s);
    *out = s;
    return err;
}

void segment_free(struct segment **segment)
{
    struct segment *s = *segment;
    *segment = NULL;
    if (!s)
        return;
    if (s->fd >= 0) {
        int saved = errno;
        close(s->fd);
        errno = saved;
    }
    free(s->index);
    free(s);
}

int segment_reserve(struct segment *s, uint32_t more)
{
    if (s->cap - s->count >= more)
        return 0;
    uint32_t cap = s->cap ? s->cap : FIRST_ENTRIES;
    while (cap - s->count < more)
        cap *= 2;
    struct segment_entry *index = realloc(s->index, cap * sizeof *index);
    if (!index)
        return GW_ERR_NOMEM;
    s->index = index;
    s->cap = cap;
    return 0;
}

int segment_write(struct segment *s, const struct dir *dir, struct iovec *pieces, size_t count,
                  size_t bytes)
{
    int err = io_writev(dir->hook, s->fd, pieces, count, bytes, s->end);
    if (err)
        s->sealed = true;
    else
        s->flying_bytes = bytes;
    return err;
}

void segment_land(struct segment *s)
{
    for (; s->flying; s->flying--) {
        const struct segment_entry *entry = &s->index[s->count++];
        s->next = position_after(s->next, entry->records, entry->length);
    }
    s->end += s->flying_bytes;
    s->flying_bytes = 0;
}

void segment_fail(struct segment *s)
{
    s->flying = 0;
    s->flying_bytes = 0;
    s->sealed = true;
}

static int write_footer(struct segment *s, const struct dir *dir)
{
    size_t index_bytes = (size_t)s->count * SEGMENT_ENTRY_BYTES;
    uint64_t footer_at = s->end + index_bytes;
    uint64_t bytes = footer_at + SEGMENT_FOOTER_BYTES;
    uint8_t *out = malloc(index_bytes + SEGMENT_FOOTER_BYTES);
    if (!out)
        return GW_ERR_NOMEM;
    for (uint32_t i = 0; i < s->count; i++)
        segment_entry_put(&s->index[i], out + (size_t)i * SEGMENT_ENTRY_BYTES);
    struct segment_footer footer = {.number = s->info.number,
                                    .index_offset = s->end,
                                    .base = s->info.base,
                                    .next = s->next,
                                    .count = s->count};
    footer.index_checksum = segment_index_checksum(slice_make(out, index_bytes), s->key, s->end);
    segment_footer_put(&footer, s->key, footer_at, out + index_bytes);
    int err = io_write(dir->hook, s->fd, out, index_bytes + SEGMENT_FOOTER_BYTES, s->end);
    free(out);
    if (!err && s->file_bytes < bytes)
        s->file_bytes = bytes;
    if (!err)
        err = io_resize(dir->hook, s->fd, s->file_bytes, bytes);
    if (!err)
        s->file_bytes = bytes;
    return err;
}

int segment_seal(struct segment *s, const struct dir *dir)
{
    if (s->sealed)
        return 0;
    s->sealed = true;
    int err = write_footer(s, dir);
    s->footer = !err;
    return err;
}

int segment_open(struct segment *s, const struct dir *dir)
{
    if (s->fd >= 0)
        return 0;
    char name[DIR_FILE_NAME_BYTES];
    dir_file_name(s->info.number, name);
    s->fd = openat(dir->signals[s->info.signal - 1], name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (s->fd >= 0)
        return 0;
    return errno == ENOENT ? GW_ERR_NOT_FOUND : GW_ERR_IO;
}

/* GW_ERR_CORRUPT: the index is damaged; its segment can still be read whole. */
static int read_index(struct segment *s)
{
    uint32_t count = (uint32_t)(s->next.sequence - s->info.base.sequence);
    size_t bytes = (size_t)count * SEGMENT_ENTRY_BYTES;
    uint8_t *in = malloc(bytes + SEGMENT_FOOTER_BYTES);
    s->count = 0;
    int err = in ? segment_reserve(s, count) : GW_ERR_NOMEM;
    if (!err)
        err = io_read(s->fd, in, bytes + SEGMENT_FOOTER_BYTES, s->end);
    struct segment_footer footer;
    if (!err)
        err = segment_footer_get(in + bytes, s->key, s->end + bytes, &footer);
    if (!err &&
        (footer.count != count ||
         footer.index_checksum != segment_index_checksum(slice_make(in, bytes), s->key, s->end)))
        err = GW_ERR_CORRUPT;
    if (!err) {
        for (uint32_t i = 0; i < count; i++)
            segment_entry_get(in + (size_t)i * SEGMENT_ENTRY_BYTES, &s->index[i]);
        s->count = count;
        s->loaded = true;
    }
    free(in);
    return err;
}

int segment_load(struct segment *s, const struct dir *dir)
{
    int err = segment_open(s, dir);
    if (err || s->loaded)
        return err;
    err = s->footer ? read_index(s) : GW_ERR_CORRUPT;
    if (err == GW_ERR_CORRUPT || err == GW_ERR_INCOMPLETE)
        err = segment_reindex(s);
    return err;
}

void segment_unload(struct segment *s)
{
    free(s->index);
    s->index = NULL;
    s->count = s->cap = 0;
    s->loaded = false;
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
}

int segment_read(struct segment *s, const struct dir *dir, const struct segment_entry *entry,
                 uint8_t *into)
{
    int err = segment_open(s, dir);
    if (!err)
        err = io_read(s->fd, into, entry->length, entry->offset);
    if (err)
        return err == GW_ERR_INCOMPLETE ? GW_ERR_CORRUPT : err;
    uint64_t sum = segment_payload_checksum(s->info.seed, slice_make(into, entry->length));
    return sum == entry->checksum ? 0 : GW_ERR_CORRUPT;
}
