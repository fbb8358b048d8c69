// SPDX-License-Identifier: Apache-2.0
#include "router/rejections.h"

#include <string.h>

/* One letter in the making: the rejections that are marked with its number. */
struct heap {
    const char *reason;
    uint64_t index, records;
    size_t bytes;
    bool given; /* with bytes: never mixed with those without, or nobody could tell what is missing */
};

struct sorting {
    const Masques__Bus__DeliveryVerdict *verdict;
    const struct slice *payloads;
    size_t payload_count;
    struct heap heaps[REJECTIONS_LETTERS_MAX];
    size_t count;
};

static uint64_t sum_of(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

uint64_t rejections_records(const Masques__Bus__DeliveryVerdict *verdict)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < verdict->n_rejected; i++)
        sum = sum_of(sum, verdict->rejected[i]->count);
    return sum;
}

static struct slice bytes_of(const struct sorting *s, size_t i)
{
    return i < s->payload_count ? s->payloads[i] : (struct slice){0};
}

/* The heap that the i-th rejection belongs to. NULL: it needs a new one. */
static struct heap *heap_of(struct sorting *s, size_t i)
{
    bool given = bytes_of(s, i).len > 0;
    struct heap *last = NULL;
    for (size_t k = 0; k < s->count; k++) {
        struct heap *heap = &s->heaps[k];
        if (heap->given != given)
            continue;
        if (strcmp(heap->reason, s->verdict->rejected[i]->reason) == 0)
            return heap;
        last = heap;
    }
    /* One place is kept for the other kind. */
    return s->count + 1 >= REJECTIONS_LETTERS_MAX ? last : NULL;
}

static void sort_one(struct sorting *s, size_t i)
{
    const Masques__Bus__Rejected *rejected = s->verdict->rejected[i];
    struct heap *heap = heap_of(s, i);
    if (!heap) {
        heap = &s->heaps[s->count++];
        *heap = (struct heap){.reason = rejected->reason,
                              .index = rejected->first,
                              .given = bytes_of(s, i).len > 0};
    }
    heap->records = sum_of(heap->records, rejected->count);
    heap->bytes += bytes_of(s, i).len;
}

/* The heap's bytes, one behind the other, as they come in the verdict. NULL: no memory. */
static struct blob *gather(struct sorting *s, const struct heap *heap)
{
    struct blob *all = blob_new(heap->bytes);
    for (size_t i = 0; all && i < s->verdict->n_rejected; i++) {
        struct slice bytes = bytes_of(s, i);
        if (bytes.len == 0 || heap_of(s, i) != heap)
            continue;
        memcpy(all->data + all->len, bytes.data, bytes.len);
        all->len += bytes.len;
    }
    return all;
}

static int keep(struct dead_letters *letters, struct sorting *s, const struct heap *heap,
                struct dead_letter *letter, bool beyond)
{
    struct blob *payload = gather(s, heap);
    if (!payload)
        return GW_ERR_NOMEM;
    letter->index = heap->index;
    letter->records = heap->records;
    letter->reason = slice_of(heap->reason);
    int err =
        dead_letters_keep(letters, letter, slice_make(payload->data, payload->len), beyond);
    blob_drop(payload);
    return err;
}

/* What all letters of a delivery have in common. */
static struct dead_letter letter_for(const Masques__Bus__DeliveryId *id, uint64_t now_ns)
{
    return (struct dead_letter){
        .generation = id->generation,
        .first = id->first,
        .last = id->last,
        .signal = (unsigned)id->signal,
        .exporter = slice_of(id->exporter),
        .rejected_ns = now_ns,
    };
}

int rejections_undo(struct dead_letters *letters, const Masques__Bus__DeliveryId *id)
{
    struct dead_letter letter = letter_for(id, 0);
    return dead_letters_undo(letters, &letter);
}

int rejections_keep(struct dead_letters *letters, const Masques__Bus__DeliveryVerdict *verdict,
                    const struct slice *payloads, size_t payload_count, uint64_t now_ns, bool beyond)
{
    struct sorting s = {.verdict = verdict, .payloads = payloads, .payload_count = payload_count};
    struct dead_letter letter = letter_for(verdict->id, now_ns);
    int err = GW_OK;
    for (size_t i = 0; i < verdict->n_rejected; i++)
        sort_one(&s, i);
    dead_letters_begin(letters);
    for (size_t k = 0; k < s.count; k++) {
        int failed = keep(letters, &s, &s.heaps[k], &letter, beyond);
        if (failed != GW_OK)
            err = failed;
    }
    int ended = dead_letters_end(letters, &letter);
    return err == GW_OK ? ended : err;
}
