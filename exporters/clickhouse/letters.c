// SPDX-License-Identifier: Apache-2.0
#include "exporters/clickhouse/letters.h"

#include <stdlib.h>

#include "exporters/clickhouse/excerpt.h"
#include "exporters/clickhouse/rows.h"

#define BYTES_MAX ((size_t)256 << 20)

static int grow(struct letters *l)
{
    if (l->count < l->cap)
        return 0;
    size_t cap = l->cap ? 2 * l->cap : 16;
    struct delivery_reject *list = realloc(l->list, cap * sizeof *list);
    if (list)
        l->list = list;
    size_t *lens = realloc(l->lens, cap * sizeof *lens);
    if (lens)
        l->lens = lens;
    if (!list || !lens)
        return GW_ERR_NOMEM;
    l->cap = cap;
    return 0;
}

/* One record more; those that follow each other for one reason are one rejection. */
static int add(struct letters *l, uint64_t record, const char *reason, enum otlp_signal signal,
               const struct otlp_record *r)
{
    struct delivery_reject *last = l->count ? &l->list[l->count - 1] : NULL;
    size_t before = l->bytes.len;
    int rc = excerpt_append(signal, r, &l->bytes);
    if (rc < 0)
        return rc;
    if (last && last->first + last->count == record && last->reason == reason) {
        last->count++;
        l->lens[l->count - 1] += l->bytes.len - before;
        return 0;
    }
    rc = grow(l);
    if (rc < 0)
        return rc;
    l->list[l->count] = (struct delivery_reject){.first = record, .count = 1, .reason = reason};
    l->lens[l->count++] = l->bytes.len - before;
    return 0;
}

/* The ranges from..to-1 of the note, which are of one part. */
static int read_part(struct letters *l, struct delivery *delivery, const struct cut *cut,
                     const struct note *note, size_t from, size_t to)
{
    struct rows rows;
    int rc = 1;
    rows_init(&rows, delivery, cut, note->ranges[from].part);
    while (from < to && rc > 0) {
        const struct note_range *range = &note->ranges[from];
        rc = rows_next(&rows);
        uint32_t row = rows.row - 1;
        if (rc > 0 && row >= range->first) {
            int added = add(l, rows.record - 1, note->reasons[range->reason], rows.signal, &rows.reader.now);
            rc = added < 0 ? added : rc;
        }
        if (rc > 0 && row + 1 == range->first + range->count)
            from++;
    }
    rows_fini(&rows);
    return rc < 0 ? rc : 0;
}

static int by_record(const void *a, const void *b)
{
    const struct delivery_reject *left = a, *right = b;
    return left->first < right->first ? -1 : left->first > right->first;
}

/* Parts lie over one another: the order of their rows is not that of the records. */
static void set_bytes(struct letters *l)
{
    const uint8_t *at = l->bytes.data;
    for (size_t i = 0; i < l->count; i++) {
        l->list[i].bytes = slice_make(at, l->lens[i]);
        at += l->lens[i];
    }
    if (l->count)
        qsort(l->list, l->count, sizeof l->list[0], by_record);
}

int letters_read(struct letters *l, struct delivery *delivery, const struct cut *cut,
                 const struct note *note)
{
    int rc = 0;
    l->bytes = buf_make(BYTES_MAX);
    for (size_t i = 0; rc == 0 && i < note->range_count;) {
        size_t end = i;
        while (end < note->range_count && note->ranges[end].part == note->ranges[i].part)
            end++;
        if (note->ranges[i].part < cut->count)
            rc = read_part(l, delivery, cut, note, i, end);
        i = end;
    }
    if (rc == 0)
        set_bytes(l);
    return rc;
}

void letters_free(struct letters *l)
{
    free(l->list);
    free(l->lens);
    buf_free(&l->bytes);
    *l = (struct letters){.count = 0};
}
