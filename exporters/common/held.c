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

/* The verdict as a message of its own, which lives without the delivery. */
static Masques__Bus__DeliveryVerdict *verdict_copy(const struct delivery *d,
                                                   const struct delivery_verdict *v)
{
    Masques__Bus__DeliveryVerdict said = MASQUES__BUS__DELIVERY_VERDICT__INIT;
    size_t n = v->rejected_count;
    Masques__Bus__Rejected *rejected = calloc(n + 1, sizeof *rejected);
    Masques__Bus__Rejected **pointers = calloc(n + 1, sizeof(void *));
    Masques__Bus__DeliveryVerdict *copy = NULL;
    if (!rejected || !pointers)
        goto out;
    for (size_t i = 0; i < n; i++) {
        masques__bus__rejected__init(&rejected[i]);
        rejected[i].first = v->rejected[i].first;
        rejected[i].count = v->rejected[i].count;
        if (v->rejected[i].reason)
            rejected[i].reason = (char *)v->rejected[i].reason;
        pointers[i] = &rejected[i];
    }
    said.id = (Masques__Bus__DeliveryId *)delivery_id(d);
    said.outcome = v->outcome;
    said.after_ms = v->after_ms;
    said.health = v->degraded ? MASQUES__BUS__HEALTH__HEALTH_DEGRADED
                              : MASQUES__BUS__HEALTH__HEALTH_OK;
    if (v->error)
        said.error = (char *)v->error;
    said.n_rejected = n;
    said.rejected = pointers;
    size_t len = masques__bus__delivery_verdict__get_packed_size(&said);
    uint8_t *packed = malloc(len ? len : 1);
    if (packed) {
        masques__bus__delivery_verdict__pack(&said, packed);
        copy = masques__bus__delivery_verdict__unpack(NULL, len, packed);
        free(packed);
    }
out:
    free(rejected);
    free(pointers);
    return copy;
}

/* The rejected records' bytes, if there are any. 0; GW_ERR_NOMEM. */
static int rejected_copy(struct held_entry *e, const struct delivery_verdict *v)
{
    size_t total = 0;
    for (size_t i = 0; i < v->rejected_count; i++)
        total += v->rejected[i].bytes.len;
    if (total == 0)
        return 0;
    e->rejected = blob_new(total);
    e->rejected_len = calloc(v->rejected_count, sizeof *e->rejected_len);
    if (!e->rejected || !e->rejected_len)
        return GW_ERR_NOMEM;
    for (size_t i = 0; i < v->rejected_count; i++) {
        struct slice bytes = v->rejected[i].bytes;
        if (bytes.len)
            memcpy(e->rejected->data + e->rejected->len, bytes.data, bytes.len);
        e->rejected->len += bytes.len;
        e->rejected_len[i] = bytes.len;
    }
    return 0;
}

int held_keep_verdict(struct held_entry *e, const struct delivery_verdict *v)
{
    e->verdict = verdict_copy(e->delivery, v);
    int rc = e->verdict ? rejected_copy(e, v) : GW_ERR_NOMEM;
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
