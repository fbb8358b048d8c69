// SPDX-License-Identifier: Apache-2.0
/* A delivery as what will be written: a row of messages, each of them of one batch (with group_by: of those resources
 * of a batch that go to one file), and the bytes of each file, its messages one behind the other. The same delivery
 * and options always give the same row; a note can speak of messages by their numbers. */
#ifndef MASQUES_EXPORTERS_FILE_LOAD_H
#define MASQUES_EXPORTERS_FILE_LOAD_H

#include "exporters/common/delivery.h"
#include "exporters/file/encoding.h"

struct load_message {
    uint32_t file;
    bool written;
    size_t at; /* in the file's bytes */
    size_t len;
};

struct load_file {
    char *path;         /* owned */
    const char *refuse; /* not NULL: no such file can be, its messages are rejected; static */
    struct buf bytes;
    uint32_t last; /* its message of the batch that is being read */
};

/* Records that no file will have. */
struct load_reject {
    uint64_t first;
    uint64_t count;
    const char *reason; /* static */
    struct buf bytes;   /* their request */
};

struct load {
    struct load_message *messages;
    size_t count;
    size_t capacity;
    struct load_file *files;
    size_t file_count;
    size_t file_capacity;
    uint32_t *index; /* hash of paths: file + 1 */
    size_t index_size;
    struct load_reject *rejects;
    size_t reject_count;
};

/* How loads are made; all borrowed. */
struct load_rules {
    const struct file_options *options;
    struct encoding *encoding;
};

/* Fills `load`, which is zeroed or was freed, with all batches of the delivery, from its first one. Files that were
 * refused before stay so when `refused` (NULL: none) has their paths. 0; otherwise as delivery_next() or
 * encoding_append(), and the load is empty. */
int load_read(struct load *load, const struct load_rules *rules, struct delivery *delivery,
              const struct load *refused) GW_MUST_CHECK;
void load_free(struct load *load);

/* The first message that is not written; load->count: all are. */
size_t load_first_unwritten(const struct load *load);

#endif
