// SPDX-License-Identifier: Apache-2.0
#include "router/store/journal_format.h"

#include <string.h>
#include <xxhash.h>

#include "router/store/le.h"

static const uint8_t magic[8] = "masq-jnl";

#define HEADER_SUM_AT 56u
#define PIECE_BYTES 33u
#define BODY_MAX_BYTES (64u + JOURNAL_PIECES_MAX * PIECE_BYTES)
#define OFFSET_MIX 0x9e3779b97f4a7c15u

uint64_t journal_key(const struct journal_header *header)
{
    uint8_t id[24];
    memcpy(id, header->uuid, 16);
    le_put_u64(id + 16, header->number);
    return XXH3_64bits_withSeed(id, sizeof id, header->seed);
}

void journal_header_put(const struct journal_header *header, uint8_t *at)
{
    memset(at, 0, JOURNAL_HEADER_BYTES);
    memcpy(at, magic, 8);
    le_put_u16(at + 8, JOURNAL_VERSION);
    le_put_u16(at + 10, JOURNAL_OLDEST_READER);
    memcpy(at + 16, header->uuid, 16);
    le_put_u64(at + 32, header->number);
    le_put_u64(at + 40, header->seed);
    le_put_u64(at + HEADER_SUM_AT, XXH3_64bits(at, HEADER_SUM_AT));
}

int journal_header_get(const uint8_t *at, struct journal_header *out)
{
    if (memcmp(at, magic, 8) != 0)
        return GW_ERR_CORRUPT;
    if (le_get_u16(at + 8) > JOURNAL_VERSION && le_get_u16(at + 10) > JOURNAL_VERSION)
        return GW_ERR_UNSUPPORTED;
    if (le_get_u64(at + HEADER_SUM_AT) != XXH3_64bits(at, HEADER_SUM_AT))
        return GW_ERR_CORRUPT;
    memcpy(out->uuid, at + 16, 16);
    out->number = le_get_u64(at + 32);
    out->seed = le_get_u64(at + 40);
    return 0;
}

/* ---- writing ---- */

static void put_u16(struct buf *out, uint16_t v)
{
    uint8_t b[2];
    le_put_u16(b, v);
    buf_append(out, b, sizeof b);
}

static void put_u32(struct buf *out, uint32_t v)
{
    uint8_t b[4];
    le_put_u32(b, v);
    buf_append(out, b, sizeof b);
}

static void put_u64(struct buf *out, uint64_t v)
{
    uint8_t b[8];
    le_put_u64(b, v);
    buf_append(out, b, sizeof b);
}

static void put_position(struct buf *out, struct position p)
{
    put_u64(out, p.sequence);
    put_u64(out, p.records);
    put_u64(out, p.bytes);
}

static void put_text(struct buf *out, struct slice s)
{
    put_u16(out, (uint16_t)s.len);
    buf_slice_append(out, s);
}

static void put_who(struct buf *out, const struct journal_entry *e)
{
    put_u32(out, (uint32_t)e->who.mode);
    put_u32(out, e->who.signals);
    put_u32(out, e->who.begun);
    put_text(out, e->who.name);
    put_text(out, e->who.type);
    for (unsigned i = 0; i < STORE_SIGNALS; i++) {
        if (!(e->who.begun >> (i + 1) & 1))
            continue;
        const struct cursor *c = &e->who.cursors[i];
        put_position(out, c->start);
        put_position(out, c->at);
        put_u64(out, c->delivered);
        put_u64(out, c->rejected);
        put_u32(out, STORE_LOSS_END);
        for (unsigned r = 0; r < STORE_LOSS_END; r++)
            put_u64(out, c->lost[r]);
    }
}

static void put_group(struct buf *out, const struct group *g)
{
    put_position(out, g->start);
    put_position(out, g->next);
    put_u64(out, g->generation);
    put_u64(out, g->digest);
    put_u32(out, g->attempts);
    buf_byte(out, g->state == GROUP_DONE);
    buf_byte(out, g->maybe_twice);
}

static void put_pieces(struct buf *out, const struct journal_entry *e)
{
    put_u32(out, e->replace.count);
    for (uint32_t i = 0; i < e->replace.count; i++) {
        put_position(out, e->replace.pieces[i].next);
        put_u64(out, e->replace.pieces[i].digest);
        buf_byte(out, e->replace.pieces[i].lost);
    }
}

static void put_body(struct buf *out, const struct journal_entry *e)
{
    if (e->type == JOURNAL_GENERATION) {
        put_u64(out, e->generation.number);
        put_u64(out, e->generation.now_ns);
        return;
    }
    put_u32(out, e->consumer);
    if (e->type == JOURNAL_GONE)
        return;
    if (e->type == JOURNAL_CONSUMER) {
        put_who(out, e);
        return;
    }
    put_u32(out, e->signal);
    if (e->type == JOURNAL_LOSS || e->type == JOURNAL_REPLACE)
        put_u32(out, (uint32_t)e->reason);
    if (e->type != JOURNAL_GROUP && e->type != JOURNAL_LOSS)
        put_u64(out, e->first);
    switch (e->type) {
    case JOURNAL_GROUP:
        put_group(out, &e->group);
        break;
    case JOURNAL_DONE:
        put_u64(out, e->rejected);
        break;
    case JOURNAL_LOST:
        put_u32(out, (uint32_t)e->reason);
        break;
    case JOURNAL_NOTE:
        buf_slice_append(out, e->note);
        break;
    case JOURNAL_ATTEMPT:
        put_u32(out, e->attempts);
        break;
    case JOURNAL_LOSS:
        put_position(out, e->loss.before);
        put_u64(out, e->loss.digest);
        break;
    case JOURNAL_REPLACE:
        put_pieces(out, e);
        break;
    default:
        break;
    }
}

/* Over length, type and body; the checksum field between them is left out. */
static uint64_t entry_checksum(const uint8_t *at, size_t body, uint64_t key, uint64_t offset)
{
    uint64_t seed = key ^ (offset + 1) * OFFSET_MIX;
    uint64_t sum = XXH3_64bits_withSeed(at, 8, seed);
    return XXH3_64bits_withSeed(at + JOURNAL_ENTRY_HEAD_BYTES, body, sum);
}

int journal_entry_put(struct buf *out, const struct journal_entry *entry)
{
    static const uint8_t zeros[JOURNAL_ENTRY_HEAD_BYTES];
    size_t start = out->len;
    buf_append(out, zeros, sizeof zeros);
    put_body(out, entry);
    size_t body = out->len - start - JOURNAL_ENTRY_HEAD_BYTES;
    buf_append(out, zeros, (8 - body % 8) % 8);
    if (!buf_ok(out)) {
        out->len = start;
        out->failed = false;
        return GW_ERR_NOMEM;
    }
    uint8_t *at = out->data + start;
    le_put_u32(at, (uint32_t)body);
    le_put_u16(at + 4, (uint16_t)entry->type);
    return 0;
}

void journal_entries_seal(struct buf *entries, uint64_t key, uint64_t offset)
{
    for (size_t at = 0; at < entries->len;) {
        uint8_t *entry = entries->data + at;
        size_t body = le_get_u32(entry);
        le_put_u64(entry + 8, entry_checksum(entry, body, key, offset + at));
        at += JOURNAL_ENTRY_HEAD_BYTES + (body + 7) / 8 * 8;
    }
}

/* ---- reading ---- */

/* Takes bytes from the front; once there are too few of them `short_of` stays set and all values
 * are 0. */
struct reader {
    struct slice rest;
    bool short_of;
};

static const uint8_t *take(struct reader *r, size_t n)
{
    static const uint8_t zeros[8];
    if (r->rest.len < n) {
        r->short_of = true;
        r->rest.len = 0;
        return zeros;
    }
    const uint8_t *at = r->rest.data;
    r->rest = slice_make(at + n, r->rest.len - n);
    return at;
}

static uint32_t get_u32(struct reader *r)
{
    return le_get_u32(take(r, 4));
}

static uint64_t get_u64(struct reader *r)
{
    return le_get_u64(take(r, 8));
}

static struct position get_position(struct reader *r)
{
    struct position p;
    p.sequence = get_u64(r);
    p.records = get_u64(r);
    p.bytes = get_u64(r);
    return p;
}

static struct slice get_text(struct reader *r)
{
    size_t len = le_get_u16(take(r, 2));
    if (len > STORE_NAME_MAX_BYTES || len > r->rest.len) {
        r->short_of = true;
        return slice_make(NULL, 0);
    }
    return slice_make(take(r, len), len);
}

static enum store_loss get_reason(struct reader *r)
{
    uint32_t reason = get_u32(r);
    if (reason == 0 || reason >= STORE_LOSS_END)
        r->short_of = true;
    return r->short_of ? STORE_LOSS_CORRUPT : (enum store_loss)reason;
}

static void get_cursor(struct reader *r, struct cursor *c)
{
    c->start = get_position(r);
    c->at = c->next = get_position(r);
    c->delivered = get_u64(r);
    c->rejected = get_u64(r);
    uint32_t reasons = get_u32(r);
    for (uint32_t i = 0; i < reasons && !r->short_of; i++) {
        uint64_t lost = get_u64(r);
        /* A reason of a later version counts as damage: the sum must stay right. */
        c->lost[i < STORE_LOSS_END ? i : STORE_LOSS_CORRUPT] += lost;
    }
    c->active = true;
}

static void get_who(struct reader *r, struct journal_entry *e)
{
    e->who.mode = (enum store_mode)get_u32(r);
    e->who.signals = get_u32(r);
    e->who.begun = get_u32(r);
    e->who.name = get_text(r);
    e->who.type = get_text(r);
    for (unsigned i = 0; i < STORE_SIGNALS; i++) {
        if (e->who.begun >> (i + 1) & 1)
            get_cursor(r, &e->who.cursors[i]);
    }
}

static void get_group(struct reader *r, struct group *g)
{
    g->start = get_position(r);
    g->next = get_position(r);
    g->generation = get_u64(r);
    g->digest = get_u64(r);
    g->attempts = get_u32(r);
    g->state = *take(r, 1) ? GROUP_DONE : GROUP_WAITING;
    g->maybe_twice = *take(r, 1) != 0;
}

static void get_pieces(struct reader *r, struct journal_entry *e)
{
    uint32_t count = get_u32(r);
    if (count > JOURNAL_PIECES_MAX || r->rest.len < (size_t)count * PIECE_BYTES) {
        r->short_of = true;
        return;
    }
    e->replace.count = count;
    e->replace.raw = r->rest;
}

void journal_piece_get(const struct journal_entry *entry, uint32_t i, struct group_piece *out)
{
    struct reader r = {slice_make(entry->replace.raw.data + (size_t)i * PIECE_BYTES, PIECE_BYTES),
                       false};
    out->next = get_position(&r);
    out->digest = get_u64(&r);
    out->lost = *take(&r, 1) != 0;
}

/* False: it says nothing we understand. */
static bool get_body(struct reader *r, struct journal_entry *e)
{
    if (e->type == JOURNAL_GENERATION) {
        e->generation.number = get_u64(r);
        e->generation.now_ns = get_u64(r);
        return !r->short_of;
    }
    e->consumer = get_u32(r);
    if (e->type == JOURNAL_GONE)
        return !r->short_of;
    if (e->type == JOURNAL_CONSUMER) {
        get_who(r, e);
        return !r->short_of;
    }
    e->signal = get_u32(r);
    if (e->type == JOURNAL_LOSS || e->type == JOURNAL_REPLACE)
        e->reason = get_reason(r);
    if (e->type != JOURNAL_GROUP && e->type != JOURNAL_LOSS)
        e->first = get_u64(r);
    switch (e->type) {
    case JOURNAL_GROUP:
        get_group(r, &e->group);
        break;
    case JOURNAL_DONE:
        e->rejected = get_u64(r);
        break;
    case JOURNAL_LOST:
        e->reason = get_reason(r);
        break;
    case JOURNAL_NOTE:
        e->note = r->rest;
        r->short_of |= r->rest.len > STORE_NOTE_MAX_BYTES;
        break;
    case JOURNAL_ATTEMPT:
        e->attempts = get_u32(r);
        break;
    case JOURNAL_LOSS:
        e->loss.before = get_position(r);
        e->loss.digest = get_u64(r);
        break;
    case JOURNAL_REPLACE:
        get_pieces(r, e);
        break;
    default:
        return false;
    }
    return !r->short_of;
}

int64_t journal_entry_get(struct slice bytes, uint64_t key, uint64_t offset,
                          struct journal_entry *out, uint64_t *size)
{
    if (bytes.len < JOURNAL_ENTRY_HEAD_BYTES)
        return GW_ERR_CORRUPT;
    uint64_t body = le_get_u32(bytes.data);
    uint64_t padded = (body + 7) & ~(uint64_t)7;
    if (body == 0 || body > BODY_MAX_BYTES || padded > bytes.len - JOURNAL_ENTRY_HEAD_BYTES)
        return GW_ERR_CORRUPT;
    if (le_get_u64(bytes.data + 8) != entry_checksum(bytes.data, (size_t)body, key, offset))
        return GW_ERR_CORRUPT;
    *size = JOURNAL_ENTRY_HEAD_BYTES + padded;
    memset(out, 0, sizeof *out);
    out->type = (enum journal_type)le_get_u16(bytes.data + 4);
    struct reader r = {slice_make(bytes.data + JOURNAL_ENTRY_HEAD_BYTES, (size_t)body), false};
    return get_body(&r, out) ? (int64_t)*size : GW_ERR_MALFORMED;
}
