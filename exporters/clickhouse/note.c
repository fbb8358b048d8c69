// SPDX-License-Identifier: Apache-2.0
#include "exporters/clickhouse/note.h"

#include <stdlib.h>
#include <string.h>

#include "exporters/clickhouse/native.h"
#include "shared/base/utf8.h"

#define VERSION 1u
#define RANGE_ROOM 21u /* bytes that one more range takes at most */

void note_fini(struct note *note)
{
    free(note->ranges);
    *note = (struct note){.parts_done = 0};
}

/* ---- writing ---- */

void note_write(const struct note *n, struct buf *out)
{
    const uint64_t head[] = {VERSION, n->limits.version, n->limits.rows, n->limits.bytes,
                             n->parts_done, n->position, n->span, n->open};
    for (size_t i = 0; i < sizeof head / sizeof head[0]; i++)
        native_varuint(out, head[i]);
    native_u64(out, n->place);
    native_varuint(out, n->reason_count);
    for (uint32_t i = 0; i < n->reason_count; i++)
        (void)!native_string(out, slice_of(n->reasons[i]));
    native_varuint(out, n->range_count);
    struct note_range before = {.part = 0};
    for (size_t i = 0; i < n->range_count; i++) {
        const struct note_range *r = &n->ranges[i];
        uint32_t from = r->part == before.part ? before.first + before.count : 0;
        native_varuint(out, r->part - before.part);
        native_varuint(out, r->first - from);
        native_varuint(out, r->count);
        native_varuint(out, r->reason);
        before = *r;
    }
}

/* ---- rejections ---- */

/* Would the note, with `more` bytes, still be short enough? */
static bool has_room(const struct note *note, size_t more)
{
    struct buf text = buf_make(NOTE_MAX_BYTES);
    note_write(note, &text);
    bool ok = buf_ok(&text) && text.len + more <= NOTE_MAX_BYTES;
    buf_free(&text);
    return ok;
}

static uint32_t reason_of(struct note *note, const char *words)
{
    char cut[NOTE_REASON_BYTES] = "";
    strncpy(cut, words, sizeof cut - 1);
    cut[utf8_valid_prefix(slice_of(cut))] = '\0';
    for (uint32_t i = 0; i < note->reason_count; i++)
        if (strcmp(note->reasons[i], cut) == 0)
            return i;
    if (note->reason_count == NOTE_REASONS_MAX)
        return NOTE_REASONS_MAX - 1;
    memcpy(note->reasons[note->reason_count], cut, sizeof cut);
    return note->reason_count++;
}

static int range_add(struct note *note, const struct note_range *range)
{
    if (note->range_count == note->range_cap) {
        size_t cap = note->range_cap ? 2 * note->range_cap : 16;
        struct note_range *more = realloc(note->ranges, cap * sizeof *more);
        if (!more)
            return GW_ERR_NOMEM;
        note->ranges = more;
        note->range_cap = cap;
    }
    note->ranges[note->range_count++] = *range;
    return 0;
}

int note_reject(struct note *note, uint32_t part, uint32_t first, uint32_t count, const char *reason,
                size_t reserve)
{
    if (!has_room(note, RANGE_ROOM + NOTE_REASON_BYTES + reserve))
        return GW_ERR_FULL;
    struct note_range range = {part, first, count, reason_of(note, reason)};
    struct note_range *last = note->range_count ? &note->ranges[note->range_count - 1] : NULL;
    if (last && last->part == part && last->first + last->count == first && last->reason == range.reason) {
        last->count += count;
        return 0;
    }
    return range_add(note, &range);
}

/* ---- reading ---- */

/* What is left to read; a fault is sticky. */
struct source {
    const uint8_t *at, *end;
    bool failed;
};

static uint64_t take(struct source *s, uint64_t max)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (s->failed || s->at == s->end)
            break;
        uint8_t byte = *s->at++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            s->failed |= value > max;
            return s->failed ? 0 : value;
        }
    }
    s->failed = true;
    return 0;
}

static uint64_t take_place(struct source *s)
{
    uint64_t value = 0;
    s->failed |= s->end - s->at < 8;
    for (unsigned i = 0; i < 8 && !s->failed; i++)
        value |= (uint64_t)*s->at++ << (8 * i);
    return value;
}

static void take_reasons(struct source *s, struct note *note)
{
    note->reason_count = (uint32_t)take(s, NOTE_REASONS_MAX);
    for (uint32_t i = 0; i < note->reason_count; i++) {
        size_t len = (size_t)take(s, NOTE_REASON_BYTES - 1);
        s->failed |= (size_t)(s->end - s->at) < len;
        if (s->failed)
            return;
        memcpy(note->reasons[i], s->at, len);
        s->at += len;
    }
}

static int take_ranges(struct source *s, struct note *note)
{
    size_t count = (size_t)take(s, NOTE_RANGES_MAX);
    struct note_range before = {.part = 0};
    for (size_t i = 0; i < count && !s->failed; i++) {
        struct note_range r = {.part = before.part + (uint32_t)take(s, UINT32_MAX - before.part)};
        uint32_t from = r.part == before.part ? before.first + before.count : 0;
        r.first = from + (uint32_t)take(s, UINT32_MAX - from);
        r.count = (uint32_t)take(s, UINT32_MAX - r.first);
        r.reason = (uint32_t)take(s, note->reason_count ? note->reason_count - 1 : 0);
        s->failed |= r.count == 0 || note->reason_count == 0;
        if (!s->failed && range_add(note, &r) < 0)
            return GW_ERR_NOMEM;
        before = r;
    }
    return 0;
}

static int read_rest(struct source *s, struct note *note)
{
    note->limits.rows = (uint32_t)take(s, UINT32_MAX);
    note->limits.bytes = take(s, UINT64_MAX);
    note->parts_done = (uint32_t)take(s, UINT32_MAX);
    note->position = (uint32_t)take(s, UINT32_MAX);
    note->span = (uint32_t)take(s, UINT32_MAX);
    note->open = take(s, 1) != 0;
    note->place = take_place(s);
    take_reasons(s, note);
    int rc = take_ranges(s, note);
    if (rc == 0 && (s->failed || s->at != s->end || note->limits.rows == 0))
        rc = GW_ERR_MALFORMED;
    return rc;
}

int note_read(struct slice bytes, struct note *note)
{
    *note = (struct note){.parts_done = 0};
    if (bytes.len == 0)
        return GW_ERR_MALFORMED;
    struct source s = {bytes.data, bytes.data + bytes.len, false};
    uint64_t version = take(&s, UINT32_MAX);
    note->limits.version = (uint32_t)take(&s, UINT32_MAX);
    int rc = s.failed                                                     ? GW_ERR_MALFORMED
             : version != VERSION || !plan_knows(note->limits.version) ? GW_ERR_UNSUPPORTED
                                                                          : read_rest(&s, note);
    if (rc < 0)
        note_fini(note);
    return rc;
}
