// SPDX-License-Identifier: Apache-2.0
#include "exporters/file/load.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "exporters/file/group.h"
#include "exporters/file/target.h"

#define FILE_MAX_BYTES (2048u * 1024 * 1024ul) /* of a delivery's text for one file */
#define REJECT_MAX_BYTES (256u * 1024 * 1024)
#define NO_MESSAGE UINT32_MAX
#define INDEX_LEAST 16u

/* What a resource's value comes to. */
struct place {
    bool has_file;
    uint32_t file;
    const char *reject; /* not NULL: no file */
};

/* The requests of one batch, a file each, while it is read. */
struct sorting {
    struct load *load;
    const struct load_rules *rules;
    const struct load *refused;
    enum otlp_signal signal;
    uint64_t first; /* index of the batch's first record in the delivery */
    struct buf *parts; /* by file: the entries of this batch; `count` of them */
    size_t count;
    uint32_t *order; /* files in the order in which the batch names them */
    size_t named;
    struct buf path;
};

/* Makes room for one more of `*items`. 0; GW_ERR_NOMEM. */
static int grow(void **items, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return 0;
    size_t more = *capacity ? *capacity * 2 : 16;
    void *larger = realloc(*items, more * size);
    if (!larger)
        return GW_ERR_NOMEM;
    *items = larger;
    *capacity = more;
    return 0;
}

/* ---- files by path ---- */

static uint32_t *index_slot(const struct load *load, const char *path)
{
    size_t at = XXH3_64bits(path, strlen(path)) & (load->index_size - 1);
    while (load->index[at] && strcmp(load->files[load->index[at] - 1].path, path) != 0)
        at = (at + 1) & (load->index_size - 1);
    return &load->index[at];
}

static int index_grow(struct load *load)
{
    if (load->file_count * 2 < load->index_size)
        return 0;
    size_t size = load->index_size ? load->index_size * 2 : INDEX_LEAST;
    uint32_t *index = calloc(size, sizeof *index);
    if (!index)
        return GW_ERR_NOMEM;
    free(load->index);
    load->index = index;
    load->index_size = size;
    for (size_t i = 0; i < load->file_count; i++)
        *index_slot(load, load->files[i].path) = (uint32_t)i + 1;
    return 0;
}

/* Why files of that path were refused before, or NULL. */
static const char *refusal(const struct load *refused, const char *path)
{
    if (!refused || refused->index_size == 0)
        return NULL;
    uint32_t found = *index_slot(refused, path);
    return found ? refused->files[found - 1].refuse : NULL;
}

/* The file of that path, made where it is not there yet. 0; GW_ERR_NOMEM. */
static int file_of(struct load *load, const char *path, const struct load *refused, uint32_t *file)
{
    int rc = index_grow(load);
    if (rc == 0)
        rc = grow((void **)&load->files, load->file_count, &load->file_capacity, sizeof *load->files);
    if (rc < 0)
        return rc;
    uint32_t *slot = index_slot(load, path);
    if (*slot == 0) {
        char *copy = strdup(path);
        if (!copy)
            return GW_ERR_NOMEM;
        load->files[load->file_count] = (struct load_file){.path = copy,
                                                           .refuse = refusal(refused, path),
                                                           .bytes = buf_make(FILE_MAX_BYTES),
                                                           .last = NO_MESSAGE};
        *slot = (uint32_t)++load->file_count;
    }
    *file = *slot - 1;
    return 0;
}

/* ---- messages ---- */

/* One more message: `request`, or none of it where the file is refused. */
static int add_message(struct load *load, const struct load_rules *rules, enum otlp_signal signal,
                       uint32_t file, struct slice request)
{
    struct load_file *f = &load->files[file];
    int rc = grow((void **)&load->messages, load->count, &load->capacity, sizeof *load->messages);
    struct load_message m = {.file = file, .at = f->bytes.len, .written = f->refuse != NULL};
    if (rc == 0 && !f->refuse)
        rc = encoding_append(rules->encoding, signal, request, &f->bytes);
    if (rc < 0)
        return rc;
    m.len = f->bytes.len - m.at;
    load->messages[load->count++] = m;
    return 0;
}

/* Adds the records of an entry to what is rejected; those that follow each other become one. */
static int add_reject(struct load *load, uint64_t first, uint64_t count, const char *reason,
                      struct slice bytes)
{
    struct load_reject *last = load->reject_count ? &load->rejects[load->reject_count - 1] : NULL;
    if (count == 0)
        return 0;
    if (!last || last->reason != reason || last->first + last->count != first) {
        struct load_reject *more = realloc(load->rejects, (load->reject_count + 1) * sizeof *more);
        if (!more)
            return GW_ERR_NOMEM;
        load->rejects = more;
        last = &more[load->reject_count++];
        *last = (struct load_reject){.first = first, .reason = reason,
                                     .bytes = buf_make(REJECT_MAX_BYTES)};
    }
    last->count += count;
    buf_slice_append(&last->bytes, bytes);
    return buf_ok(&last->bytes) ? 0 : GW_ERR_NOMEM;
}

/* ---- a batch by groups ---- */

static int place_of(struct sorting *s, const struct group_entry *entry, struct place *place)
{
    *place = (struct place){.has_file = false};
    if (!entry->found) {
        place->reject = "the resource does not have group_by's attribute as a text";
        return 0;
    }
    buf_clear(&s->path);
    int rc = target_path(s->rules->options->path, entry->value, &s->path);
    if (rc == GW_ERR_NOMEM)
        return rc;
    if (rc < 0) {
        place->reject = rc == GW_ERR_TOO_LARGE ? "the value of group_by's attribute makes too long a path"
                                               : "the value of group_by's attribute names no file";
        return 0;
    }
    rc = file_of(s->load, (const char *)s->path.data, s->refused, &place->file);
    if (rc == 0) {
        place->has_file = true;
        place->reject = s->load->files[place->file].refuse;
    }
    return rc;
}

/* Room for the parts of every file known. */
static int parts_grow(struct sorting *s)
{
    size_t wanted = s->load->file_capacity;
    if (s->count >= wanted)
        return 0;
    struct buf *parts = realloc(s->parts, wanted * sizeof *parts);
    if (!parts)
        return GW_ERR_NOMEM;
    s->parts = parts;
    for (; s->count < wanted; s->count++)
        parts[s->count] = buf_make(FILE_MAX_BYTES);
    uint32_t *order = realloc(s->order, wanted * sizeof *order);
    if (!order)
        return GW_ERR_NOMEM;
    s->order = order;
    return 0;
}

static int sort_entry(struct sorting *s, struct group *g, const struct group_entry *entry)
{
    struct place place;
    int rc = place_of(s, entry, &place);
    if (rc < 0)
        return rc;
    if (place.reject) {
        uint64_t first, count;
        group_records(g, entry, &first, &count);
        rc = add_reject(s->load, s->first + first, count, place.reject, entry->bytes);
        if (rc < 0 || !place.has_file)
            return rc;
    }
    /* Even where the file is refused the message is counted: the numbers of the others must not depend on it. */
    rc = parts_grow(s);
    if (rc < 0)
        return rc;
    struct load_file *file = &s->load->files[place.file];
    if (file->last == NO_MESSAGE) {
        file->last = (uint32_t)s->named;
        s->order[s->named++] = place.file;
    }
    buf_slice_append(&s->parts[place.file], entry->bytes);
    return buf_ok(&s->parts[place.file]) ? 0 : GW_ERR_NOMEM;
}

static int sort_batch(struct sorting *s, struct slice batch)
{
    struct group g;
    struct group_entry entry;
    int rc = 0;
    s->named = 0;
    group_init(&g, s->signal, batch, s->rules->options->resource_attribute);
    while (rc == 0 && group_next(&g, &entry))
        rc = sort_entry(s, &g, &entry);
    for (size_t i = 0; i < s->named; i++) {
        uint32_t file = s->order[i];
        if (rc == 0)
            rc = add_message(s->load, s->rules, s->signal, file, buf_slice(&s->parts[file]));
        buf_clear(&s->parts[file]);
        s->load->files[file].last = NO_MESSAGE;
    }
    return rc;
}

static uint64_t records_of(enum otlp_signal signal, const struct reader_batch *batch)
{
    struct otlp_reader reader;
    uint64_t records = 0;
    if (batch->records)
        return batch->records;
    otlp_reader_init(&reader, signal, batch->bytes);
    while (otlp_reader_next(&reader))
        records++;
    return records;
}

static void sorting_free(struct sorting *s)
{
    for (size_t i = 0; i < s->count; i++)
        buf_free(&s->parts[i]);
    free(s->parts);
    free(s->order);
    buf_free(&s->path);
}

/* ---- deliveries ---- */

static int read_batches(struct load *load, const struct load_rules *rules, struct delivery *delivery,
                        const struct load *refused)
{
    struct sorting s = {.load = load, .rules = rules, .refused = refused,
                        .signal = (enum otlp_signal)delivery_id(delivery)->signal,
                        .path = buf_make(TARGET_PATH_BYTES)};
    struct reader_batch batch;
    bool grouped = rules->options->group_by;
    uint32_t file;
    int rc = otlp_signal_known((int)s.signal) ? 0 : GW_ERR_INVALID;
    if (rc == 0 && !grouped)
        rc = file_of(load, rules->options->path, NULL, &file);
    delivery_rewind(delivery);
    while (rc == 0 && (rc = delivery_next(delivery, &batch)) == 1) {
        rc = 0;
        if (batch.bytes.len == 0)
            continue;
        rc = grouped ? sort_batch(&s, batch.bytes)
                     : add_message(load, rules, s.signal, file, batch.bytes);
        if (grouped)
            s.first += records_of(s.signal, &batch);
    }
    sorting_free(&s);
    return rc;
}

int load_read(struct load *load, const struct load_rules *rules, struct delivery *delivery,
              const struct load *refused)
{
    *load = (struct load){.count = 0};
    int rc = read_batches(load, rules, delivery, refused);
    if (rc < 0)
        load_free(load);
    return rc;
}

void load_free(struct load *load)
{
    for (size_t i = 0; i < load->file_count; i++) {
        free(load->files[i].path);
        buf_free(&load->files[i].bytes);
    }
    for (size_t i = 0; i < load->reject_count; i++)
        buf_free(&load->rejects[i].bytes);
    free(load->messages);
    free(load->files);
    free(load->index);
    free(load->rejects);
    *load = (struct load){.count = 0};
}

size_t load_first_unwritten(const struct load *load)
{
    size_t at = 0;
    while (at < load->count && load->messages[at].written)
        at++;
    return at;
}
