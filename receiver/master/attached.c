// SPDX-License-Identifier: Apache-2.0
#include "receiver/master/attached.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <masques/bus.pb-c.h>

#include "receiver/master/attach_check.h"

#define FILE_BYTES_MAX (16u << 20) /* of packets of at most 128 KiB, 64 can be there */
#define READ_BYTES 65536u
#define DIRECTORY_BYTES 1024
#define PATH_BYTES (DIRECTORY_BYTES + 32)

struct attached {
    char directory[DIRECTORY_BYTES];
    struct attached_entry *entries[CONFIG_EXPORTERS_MAX];
    size_t count;
    Masques__Control__Attached *unknown[ATTACHED_UNKNOWN_MAX]; /* cannot be started; for the file */
    size_t unknown_count;
};

struct attached *attached_new(const char *directory)
{
    struct attached *list = calloc(1, sizeof *list);
    if (list)
        snprintf(list->directory, sizeof list->directory, "%s", directory);
    return list;
}

static void entry_free(struct attached_entry *entry)
{
    if (entry->wanted)
        masques__control__attached__free_unpacked(entry->wanted, NULL);
    free(entry);
}

void attached_free(struct attached **at)
{
    struct attached *list = *at;
    *at = NULL;
    if (!list)
        return;
    for (size_t i = 0; i < list->count; i++)
        entry_free(list->entries[i]);
    for (size_t i = 0; i < list->unknown_count; i++)
        masques__control__attached__free_unpacked(list->unknown[i], NULL);
    free(list);
}

/* ---- the list --------------------------------------------------------------------------------------------------- */

const struct attached_entry *attached_at(const struct attached *list, size_t i)
{
    return i < list->count ? list->entries[i] : NULL;
}

static size_t place_of(const struct attached *list, const char *name)
{
    size_t i = 0;
    while (i < list->count && strcmp(list->entries[i]->exporter.id, name) != 0)
        i++;
    return i;
}

const struct attached_entry *attached_find(const struct attached *list, const char *name)
{
    return attached_at(list, place_of(list, name));
}

static bool unknown_remove(struct attached *list, const char *name)
{
    size_t i = 0;
    while (i < list->unknown_count && strcmp(list->unknown[i]->name, name) != 0)
        i++;
    if (i == list->unknown_count)
        return false;
    masques__control__attached__free_unpacked(list->unknown[i], NULL);
    list->unknown[i] = list->unknown[--list->unknown_count];
    return true;
}

static Masques__Control__Attached *copy_of(const Masques__Control__Attached *wanted)
{
    size_t len = masques__control__attached__get_packed_size(wanted);
    uint8_t *bytes = malloc(len ? len : 1);
    if (!bytes)
        return NULL;
    masques__control__attached__pack(wanted, bytes);
    Masques__Control__Attached *copy = masques__control__attached__unpack(NULL, len, bytes);
    free(bytes);
    return copy;
}

const struct attached_entry *attached_add(struct attached *list, const Masques__Control__Attached *wanted,
                                          char why[512])
{
    struct attached_entry *entry = NULL;
    if (list->count == CONFIG_EXPORTERS_MAX) {
        snprintf(why, 512, "there are %u exporters attached, which is the limit", CONFIG_EXPORTERS_MAX);
        return NULL;
    }
    entry = calloc(1, sizeof *entry);
    snprintf(why, 512, "no memory");
    if (!entry)
        return NULL;
    if (attach_check(wanted, &entry->exporter, why) != GW_OK || !(entry->wanted = copy_of(wanted))) {
        entry_free(entry);
        return NULL;
    }
    unknown_remove(list, entry->exporter.id); /* the new wish replaces it */
    list->entries[list->count++] = entry;
    return entry;
}

void attached_settle(struct attached *list, const char *name)
{
    size_t at = place_of(list, name);
    if (at < list->count && list->entries[at]->wanted->mode >= MASQUES__BUS__MODE__DURABLE)
        list->entries[at]->wanted->start = MASQUES__BUS__START__REGISTERED;
}

bool attached_remove(struct attached *list, const char *name)
{
    size_t at = place_of(list, name);
    if (at == list->count)
        return unknown_remove(list, name);
    entry_free(list->entries[at]);
    list->count--;
    memmove(&list->entries[at], &list->entries[at + 1], (list->count - at) * sizeof list->entries[0]);
    return true;
}

/* ---- the file --------------------------------------------------------------------------------------------------- */

static void path_of(const struct attached *list, const char *suffix, char path[PATH_BYTES])
{
    snprintf(path, PATH_BYTES, "%s/attached%s", list->directory, suffix);
}

/* 0, or errno. */
static int read_whole(const char *path, struct buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    ssize_t n = -1;
    uint8_t *at;
    while ((at = buf_reserve(out, READ_BYTES)) && (n = read(fd, at, READ_BYTES)) > 0)
        out->len += (size_t)n;
    int err = !at ? EFBIG : n < 0 ? errno : 0;
    close(fd);
    return err;
}

static void move_aside(const struct attached *list, const char *path, const char *why, const struct log *log)
{
    char aside[PATH_BYTES];
    path_of(list, ".damaged", aside);
    bool moved = rename(path, aside) == 0;
    log_error(log, "%s cannot be read back (%s): the exporters that masquesctl attached are not started%s%s", path,
              why, moved ? "; it is kept as " : "", moved ? aside : "");
}

/* For the file, where another version finds it. */
static void keep_unknown(struct attached *list, const Masques__Control__Attached *wanted, const char *why,
                         const struct log *log)
{
    Masques__Control__Attached *copy = list->unknown_count < ATTACHED_UNKNOWN_MAX ? copy_of(wanted) : NULL;
    if (copy)
        list->unknown[list->unknown_count++] = copy;
    log_error(log, "an exporter that masquesctl attached is not started%s: %s", copy ? "" : ", and forgotten", why);
}

static void take_over(struct attached *list, const Masques__Control__AttachedList *from, const struct log *log)
{
    char why[512];
    for (size_t i = 0; i < from->n_attached; i++) {
        const Masques__Control__Attached *wanted = from->attached[i];
        if (!attached_find(list, wanted->name) && !attached_add(list, wanted, why))
            keep_unknown(list, wanted, why, log);
    }
}

int attached_read(struct attached *list, const struct log *log, char why[512])
{
    char path[PATH_BYTES];
    struct buf bytes = buf_make(FILE_BYTES_MAX);
    path_of(list, "", path);
    int err = read_whole(path, &bytes);
    bool there = err == 0 || err == EFBIG;
    Masques__Control__AttachedList *from =
        err ? NULL : masques__control__attached_list__unpack(NULL, bytes.len, bytes.data);
    if (from)
        take_over(list, from, log);
    else if (there)
        move_aside(list, path, err ? strerror(err) : "no such list", log);
    if (from)
        masques__control__attached_list__free_unpacked(from, NULL);
    buf_free(&bytes);
    if (there || err == ENOENT)
        return GW_OK;
    snprintf(why, 512, "cannot read %.300s, which has the exporters that masquesctl attached: %s", path, strerror(err));
    return err == ENOMEM ? GW_ERR_NOMEM : GW_ERR_IO;
}

/* Durable under its name: the file's bytes, then its name. 0, or errno. */
static int write_synced(const char *directory, const char *temporary, const char *path, struct slice bytes)
{
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno;
    ssize_t n = write(fd, bytes.data, bytes.len);
    int err = n == (ssize_t)bytes.len ? 0 : n < 0 ? errno : ENOSPC;
    if (err == 0 && fsync(fd) != 0)
        err = errno;
    if (close(fd) != 0 && err == 0)
        err = errno;
    if (err == 0 && rename(temporary, path) != 0)
        err = errno;
    if (err != 0) {
        unlink(temporary);
        return err;
    }
    fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0)
        err = errno;
    if (fd >= 0)
        close(fd);
    return err;
}

int attached_write(const struct attached *list, char why[512])
{
    Masques__Control__AttachedList whole = MASQUES__CONTROL__ATTACHED_LIST__INIT;
    Masques__Control__Attached *wanted[CONFIG_EXPORTERS_MAX + ATTACHED_UNKNOWN_MAX];
    char path[PATH_BYTES];
    char temporary[PATH_BYTES];
    for (size_t i = 0; i < list->count; i++)
        wanted[i] = list->entries[i]->wanted;
    for (size_t i = 0; i < list->unknown_count; i++)
        wanted[list->count + i] = list->unknown[i];
    whole.n_attached = list->count + list->unknown_count;
    whole.attached = wanted;
    size_t len = masques__control__attached_list__get_packed_size(&whole);
    uint8_t *bytes = malloc(len ? len : 1);
    if (!bytes) {
        snprintf(why, 512, "no memory");
        return GW_ERR_NOMEM;
    }
    masques__control__attached_list__pack(&whole, bytes);
    path_of(list, "", path);
    path_of(list, ".new", temporary);
    int err = write_synced(list->directory, temporary, path, slice_make(bytes, len));
    free(bytes);
    if (err == 0)
        return GW_OK;
    snprintf(why, 512, "cannot write %.300s: %s", path, strerror(err));
    return GW_ERR_IO;
}
