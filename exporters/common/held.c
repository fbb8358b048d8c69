// SPDX-License-Identifier: Apache-2.0
#include "exporters/common/held.h"

#include <stdlib.h>
#include <string.h>

const Masques__Bus__DeliveryId *held_id(const struct held_entry *e)
{
    return e->delivery ? delivery_id(e->delivery) : e->verdict->id;
}

struct held_entry *held_find(struct held *h, const Masques__Bus__DeliveryId *id)
{
    for (size_t i = 0; i < h->count; i++)
        if (delivery_id_eq(held_id(&h->list[i]), id))
            return &h->list[i];
    return NULL;
}

struct held_entry *held_of_delivery(struct held *h, const struct delivery *d)
{
    for (size_t i = 0; i < h->count; i++)
        if (h->list[i].delivery == d)
            return &h->list[i];
    return NULL;
}

struct held_entry *held_add(struct held *h)
{
    if (h->count == h->cap) {
        size_t cap = h->cap ? h->cap * 2 : 8;
        struct held_entry *entries = realloc(h->list, cap * sizeof *entries);
        if (!entries)
            return NULL;
        h->list = entries;
        h->cap = cap;
    }
    h->list[h->count] = (struct held_entry){0};
    return &h->list[h->count++];
}

void held_forget_verdict(struct held_entry *e)
{
    masques__bus__delivery_verdict__free_unpacked(e->verdict, NULL);
    e->verdict = NULL;
    blob_drop(e->rejected);
    e->rejected = NULL;
    free(e->rejected_len);
    e->rejected_len = NULL;
    e->settled = false;
}

void held_forget_note(struct held_entry *e)
{
    free(e->note);
    e->note = NULL;
    e->note_len = 0;
    e->notes_out = 0;
}

int held_keep_note(struct held_entry *e, struct slice note)
{
    uint8_t *copy = malloc(note.len + 1);
    if (!copy)
        return GW_ERR_NOMEM;
    if (note.len)
        memcpy(copy, note.data, note.len);
    free(e->note);
    e->note = copy;
    e->note_len = note.len;
    e->notes_out++;
    return GW_OK;
}

void held_remove(struct held *h, struct held_entry *e)
{
    delivery_free(&e->delivery);
    held_forget_verdict(e);
    held_forget_note(e);
    *e = h->list[--h->count];
}

/* ---- verdicts ---- */

/* What was rejected, as it is said: each of them, or, when they are too many for a message, those of a reason together.
 * All zero is empty. */
struct said {
    Masques__Bus__Rejected *list;
    Masques__Bus__Rejected **pointers;
    size_t *len;  /* bytes of each */
    size_t count;
    size_t *into; /* for each of the verdict's, which of them it belongs to */
};

static void said_free(struct said *s)
{
    free(s->list);
    free(s->pointers);
    free(s->len);
    free(s->into);
}

static const char *reason_of(const struct delivery_reject *r)
{
    return r->reason ? r->reason : "";
}

/* Where the rejection goes: with those of its reason, and of its kind: with bytes, or without. `near` is a good guess. */
static size_t place_of(const struct said *s, const struct delivery_reject *r, size_t near)
{
    bool given = r->bytes.len > 0, any = false;
    size_t last = 0;
    for (size_t i = 0; i <= s->count; i++) {
        size_t k = i ? i - 1 : near;
        if (k >= s->count || (s->len[k] > 0) != given)
            continue;
        if (strcmp(s->list[k].reason, reason_of(r)) == 0)
            return k;
        any = true;
        last = k;
    }
    /* One place is kept for the other kind. */
    return any && s->count + 1 >= HELD_REJECTIONS_MAX ? last : s->count;
}

static int said_make(struct said *s, const struct delivery_verdict *v)
{
    size_t n = v->rejected_count, room = n < HELD_REJECTIONS_MAX ? n : HELD_REJECTIONS_MAX;
    *s = (struct said){.list = calloc(room + 1, sizeof *s->list),
                       .pointers = calloc(room + 1, sizeof(void *)),
                       .len = calloc(room + 1, sizeof *s->len),
                       .into = calloc(n + 1, sizeof *s->into)};
    if (!s->list || !s->pointers || !s->len || !s->into)
        return GW_ERR_NOMEM;
    for (size_t i = 0, k = 0; i < n; i++) {
        const struct delivery_reject *r = &v->rejected[i];
        k = n <= HELD_REJECTIONS_MAX ? i : place_of(s, r, k);
        if (k == s->count) {
            masques__bus__rejected__init(&s->list[k]);
            s->list[k].first = r->first;
            s->list[k].reason = (char *)reason_of(r);
            s->pointers[k] = &s->list[k];
            s->count++;
        }
        s->list[k].count += r->count;
        s->len[k] += r->bytes.len;
        s->into[i] = k;
    }
    return GW_OK;
}

/* The verdict as a message of its own, which lives without the delivery. */
static Masques__Bus__DeliveryVerdict *verdict_copy(const struct delivery *d,
                                                   const struct delivery_verdict *v, const struct said *s)
{
    Masques__Bus__DeliveryVerdict said = MASQUES__BUS__DELIVERY_VERDICT__INIT;
    Masques__Bus__DeliveryVerdict *copy = NULL;
    said.id = (Masques__Bus__DeliveryId *)delivery_id(d);
    said.outcome = v->outcome;
    said.after_ms = v->after_ms;
    said.health = v->degraded ? MASQUES__BUS__HEALTH__HEALTH_DEGRADED
                              : MASQUES__BUS__HEALTH__HEALTH_OK;
    if (v->error)
        said.error = (char *)v->error;
    said.n_rejected = s->count;
    said.rejected = s->pointers;
    size_t len = masques__bus__delivery_verdict__get_packed_size(&said);
    uint8_t *packed = malloc(len ? len : 1);
    if (packed) {
        masques__bus__delivery_verdict__pack(&said, packed);
        copy = masques__bus__delivery_verdict__unpack(NULL, len, packed);
        free(packed);
    }
    return copy;
}

/* The rejected records' bytes, if there are any, in the order in which they are said. Takes the lengths. 0; GW_ERR_NOMEM. */
static int rejected_copy(struct held_entry *e, const struct delivery_verdict *v, struct said *s)
{
    size_t total = 0;
    for (size_t k = 0; k < s->count; k++)
        total += s->len[k];
    if (total == 0)
        return 0;
    e->rejected = blob_new(total);
    size_t *at = calloc(s->count, sizeof *at);
    if (!e->rejected || !at) {
        free(at);
        return GW_ERR_NOMEM;
    }
    for (size_t k = 1; k < s->count; k++)
        at[k] = at[k - 1] + s->len[k - 1];
    for (size_t i = 0; i < v->rejected_count; i++) {
        struct slice bytes = v->rejected[i].bytes;
        if (bytes.len)
            memcpy(e->rejected->data + at[s->into[i]], bytes.data, bytes.len);
        at[s->into[i]] += bytes.len;
    }
    free(at);
    e->rejected->len = total;
    e->rejected_len = s->len;
    s->len = NULL;
    return 0;
}

int held_keep_verdict(struct held_entry *e, const struct delivery_verdict *v)
{
    struct said s;
    int rc = said_make(&s, v);
    if (rc == GW_OK)
        e->verdict = verdict_copy(e->delivery, v, &s);
    if (rc == GW_OK)
        rc = e->verdict ? rejected_copy(e, v, &s) : GW_ERR_NOMEM;
    said_free(&s);
    if (rc == GW_OK)
        delivery_free(&e->delivery);
    return rc;
}

void held_fini(struct held *h)
{
    while (h->count)
        held_remove(h, &h->list[h->count - 1]);
    free(h->list);
    *h = (struct held){0};
}
