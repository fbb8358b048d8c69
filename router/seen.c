// SPDX-License-Identifier: Apache-2.0
#include "router/seen.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "router/sequence.h"
#include "shared/base/utf8.h"

#define NAME_MAX_BYTES (SEEN_NAME_BYTES - 1)
#define ROW_BUCKETS (2 * SEEN_ROWS)
#define SESSION_BUCKETS (2 * SEEN_SESSIONS)
#define LOGS ((unsigned)MASQUES__BUS__SIGNAL__LOGS) /* only they are numbered */

/* A name as the digest has it: any bytes. */
struct name {
    uint8_t len;
    uint8_t bytes[NAME_MAX_BYTES];
};

/* A place in one of the two tables: in the chain of its bucket, and in the order of being heard. */
struct link_in {
    uint16_t next;         /* of the bucket */
    uint16_t older, newer; /* END: none */
    uint16_t bucket;
};
#define END UINT16_MAX

struct row {
    struct link_in in;
    struct name service;
    uint8_t signal;
    uint64_t records;
    uint64_t last_ns;
    uint64_t past_lost; /* of sessions that made room */
};

struct numbered {
    struct link_in in;
    struct name session;
    struct sequence sequence;
};

/* Which places are taken, and by whom they can be found. */
struct table {
    uint16_t used, size;
    uint16_t oldest, newest;
    uint16_t *buckets;
    uint16_t bucket_count;
    char *places; /* of `stride` bytes, link_in first */
    size_t stride;
};

struct seen {
    struct table row_table, session_table;
    struct row rows[SEEN_ROWS];
    struct numbered sessions[SEEN_SESSIONS];
    uint16_t session_row[SEEN_SESSIONS]; /* apart from them: it is searched */
    uint16_t row_buckets[ROW_BUCKETS];
    uint16_t session_buckets[SESSION_BUCKETS];
    uint64_t records, forgotten;
    uint64_t past_lost; /* of rows that made room */
    uint64_t rows_forgotten, sessions_forgotten;
};

/* ---- tables ---- */

static struct link_in *place(const struct table *t, uint16_t i)
{
    return (struct link_in *)(void *)(t->places + i * t->stride);
}

static void table_init(struct table *t, void *places, size_t stride, uint16_t size,
                       uint16_t *buckets, uint16_t bucket_count)
{
    *t = (struct table){0, size, END, END, buckets, bucket_count, places, stride};
    for (uint16_t i = 0; i < bucket_count; i++)
        buckets[i] = END;
}

static void leave_order(struct table *t, uint16_t i)
{
    struct link_in *in = place(t, i);
    *(in->older == END ? &t->oldest : &place(t, in->older)->newer) = in->newer;
    *(in->newer == END ? &t->newest : &place(t, in->newer)->older) = in->older;
}

static void become_newest(struct table *t, uint16_t i)
{
    struct link_in *in = place(t, i);
    in->newer = END;
    in->older = t->newest;
    *(t->newest == END ? &t->oldest : &place(t, t->newest)->newer) = i;
    t->newest = i;
}

static void was_heard(struct table *t, uint16_t i)
{
    if (t->newest == i)
        return;
    leave_order(t, i);
    become_newest(t, i);
}

static void leave_bucket(struct table *t, uint16_t i)
{
    const struct link_in *in = place(t, i);
    uint16_t *at = &t->buckets[in->bucket];
    while (*at != i)
        at = &place(t, *at)->next;
    *at = in->next;
}

/* A place that nobody has, or the oldest one, which its owner has let go. */
static uint16_t take_place(struct table *t, uint64_t hash)
{
    uint16_t i = t->used < t->size ? t->used++ : t->oldest;
    struct link_in *in = place(t, i);
    if (i == t->oldest) {
        leave_order(t, i);
        leave_bucket(t, i);
    }
    in->bucket = (uint16_t)(hash % t->bucket_count);
    in->next = t->buckets[in->bucket];
    t->buckets[in->bucket] = i;
    become_newest(t, i);
    return i;
}

/* ---- names ---- */

static size_t cut(const ProtobufCBinaryData *name)
{
    return name->len < NAME_MAX_BYTES ? name->len : NAME_MAX_BYTES;
}

static bool has_name(const struct name *name, const ProtobufCBinaryData *text)
{
    return name->len == cut(text) && (name->len == 0 || memcmp(name->bytes, text->data, name->len) == 0);
}

static void set_name(struct name *name, const ProtobufCBinaryData *text)
{
    name->len = (uint8_t)cut(text);
    if (name->len)
        memcpy(name->bytes, text->data, name->len);
}

static uint64_t hash_of(const ProtobufCBinaryData *text, uint64_t seed)
{
    return XXH3_64bits_withSeed(text->len ? text->data : (const uint8_t *)"", cut(text), seed);
}

/* What is no UTF-8, also because the name was cut, becomes '?'. */
static void print_name(const struct name *name, char out[SEEN_NAME_BYTES])
{
    for (size_t i = 0; i < name->len;) {
        size_t n = utf8_sequence(slice_make(name->bytes + i, name->len - i));
        if (n && name->bytes[i])
            memcpy(out + i, name->bytes + i, n);
        else
            out[i] = '?';
        i += n ? n : 1;
    }
    out[name->len] = '\0';
}

/* ---- sessions ---- */

/* What the session has lost is its row's from now on. */
static void let_session_go(struct seen *s, uint16_t i, uint64_t now_ms)
{
    struct numbered *n = &s->sessions[i];
    if (n->sequence.turn > 0)
        s->sessions_forgotten++;
    s->rows[s->session_row[i]].past_lost += sequence_lost(&n->sequence, now_ms);
    memset(&n->sequence, 0, sizeof n->sequence);
}

static struct numbered *session_of(struct seen *s, uint16_t row, const ProtobufCBinaryData *name,
                                   uint64_t now_ms)
{
    struct table *t = &s->session_table;
    uint64_t hash = hash_of(name, row);
    uint16_t i = t->buckets[hash % t->bucket_count];
    while (i != END && !(s->session_row[i] == row && has_name(&s->sessions[i].session, name)))
        i = s->sessions[i].in.next;
    if (i != END) {
        was_heard(t, i);
        return &s->sessions[i];
    }
    if (t->used == t->size)
        let_session_go(s, t->oldest, now_ms);
    i = take_place(t, hash);
    s->session_row[i] = row;
    set_name(&s->sessions[i].session, name);
    return &s->sessions[i];
}

/* ---- rows ---- */

/* The oldest row makes room, and its sessions are forgotten with it: they keep their places, empty,
 * as if the row that comes had heard of them. */
static void let_row_go(struct seen *s, uint16_t i, uint64_t now_ms)
{
    struct row *row = &s->rows[i];
    for (uint16_t k = 0; k < s->session_table.used; k++)
        if (s->session_row[k] == i)
            let_session_go(s, k, now_ms);
    s->past_lost += row->past_lost;
    s->forgotten += row->records;
    s->rows_forgotten++;
    row->records = row->last_ns = row->past_lost = 0;
}

static uint16_t row_of(struct seen *s, unsigned signal, const ProtobufCBinaryData *service,
                       uint64_t now_ms)
{
    struct table *t = &s->row_table;
    uint64_t hash = hash_of(service, signal);
    uint16_t i = t->buckets[hash % t->bucket_count];
    while (i != END && !(s->rows[i].signal == signal && has_name(&s->rows[i].service, service)))
        i = s->rows[i].in.next;
    if (i != END) {
        was_heard(t, i);
        return i;
    }
    if (t->used == t->size)
        let_row_go(s, t->oldest, now_ms);
    i = take_place(t, hash);
    s->rows[i].signal = (uint8_t)signal;
    set_name(&s->rows[i].service, service);
    return i;
}

/* ---- batches ---- */

static void note(struct seen *s, unsigned signal, const Masques__Bus__Source *source,
                 uint64_t received_ns, uint64_t now_ms)
{
    uint16_t i = row_of(s, signal, &source->service, now_ms);
    struct row *row = &s->rows[i];
    row->records += source->count;
    s->records += source->count;
    if (received_ns > row->last_ns)
        row->last_ns = received_ns;
    if (!source->numbered || signal != LOGS)
        return;
    struct numbered *n = session_of(s, i, &source->session, now_ms);
    sequence_add(&n->sequence, source->lowest, source->highest, source->count, now_ms);
}

void seen_batch(struct seen *s, unsigned signal, const Masques__Bus__Sources *sources,
                uint64_t received_ns, uint64_t now_ms)
{
    if (!sources)
        return;
    for (size_t i = 0; i < sources->n_sources; i++)
        note(s, signal, sources->sources[i], received_ns, now_ms);
    s->records += sources->more;
    s->forgotten += sources->more;
}

/* ---- what is told ---- */

size_t seen_rows(const struct seen *s, uint64_t now_ms, struct seen_row *rows, size_t max)
{
    uint16_t where[SEEN_ROWS]; /* index in `rows` of a row; END: it found no room */
    size_t made = 0;
    memset(where, 0xff, sizeof where);
    for (uint16_t i = s->row_table.newest; i != END && made < max; i = s->rows[i].in.older) {
        const struct row *row = &s->rows[i];
        rows[made] = (struct seen_row){.signal = row->signal,
                                       .records = row->records,
                                       .last_ns = row->last_ns,
                                       .lost = row->past_lost};
        print_name(&row->service, rows[made].service);
        where[i] = (uint16_t)made++;
    }
    for (uint16_t i = 0; i < s->session_table.used; i++) {
        const struct sequence *sequence = &s->sessions[i].sequence;
        uint16_t at = where[s->session_row[i]];
        if (at == END || sequence->turn == 0)
            continue;
        rows[at].sessions++;
        rows[at].lost += sequence_lost(sequence, now_ms);
    }
    return made;
}

struct seen_totals seen_totals(const struct seen *s, uint64_t now_ms)
{
    struct seen_totals totals = {.lost = s->past_lost,
                                 .records = s->records,
                                 .forgotten = s->forgotten,
                                 .rows_forgotten = s->rows_forgotten,
                                 .sessions_forgotten = s->sessions_forgotten};
    for (uint16_t i = 0; i < s->row_table.used; i++)
        totals.lost += s->rows[i].past_lost;
    for (uint16_t i = 0; i < s->session_table.used; i++)
        totals.lost += sequence_lost(&s->sessions[i].sequence, now_ms);
    return totals;
}

/* ---- life ---- */

struct seen *seen_new(void)
{
    struct seen *s = calloc(1, sizeof *s); /* pages that nobody has touched cost nothing */
    if (!s)
        return NULL;
    table_init(&s->row_table, s->rows, sizeof s->rows[0], SEEN_ROWS, s->row_buckets, ROW_BUCKETS);
    table_init(&s->session_table, s->sessions, sizeof s->sessions[0], SEEN_SESSIONS,
               s->session_buckets, SESSION_BUCKETS);
    return s;
}

void seen_free(struct seen **seen)
{
    free(*seen);
    *seen = NULL;
}
