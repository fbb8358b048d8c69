// SPDX-License-Identifier: Apache-2.0
#include "receiver/worker/tickets.h"

#include <stdlib.h>

#define RING_FIRST_SIZE 256u

void tickets_init(struct tickets *t)
{
    *t = (struct tickets){.next_number = 1};
}

void tickets_fini(struct tickets *t)
{
    while (t->first)
        tickets_remove(t, t->first);
    free(t->ring);
    t->ring = NULL;
    t->ring_size = 0;
}

static ProtobufCBinaryData bytes_of(struct slice s)
{
    return (ProtobufCBinaryData){s.len, (uint8_t *)(uintptr_t)s.data}; /* packed, never written to */
}

/* `room`, behind the ticket: the array of pointers that protobuf-c wants, then what they point at. */
static void copy_sources(struct uplink_ticket *ticket, const struct sources *from, void *room)
{
    Masques__Bus__Source **list = room;
    Masques__Bus__Source *to = (Masques__Bus__Source *)(void *)(list + from->used);
    for (uint32_t i = 0; i < from->used; i++, to++) {
        const struct source *source = &from->list[i];
        masques__bus__source__init(to);
        to->service = bytes_of(source->service);
        to->session = bytes_of(source->session);
        to->numbered = source->numbered;
        to->lowest = source->lowest;
        to->highest = source->highest;
        to->count = source->count;
        list[i] = to;
    }
    masques__bus__sources__init(&ticket->sources);
    ticket->sources.n_sources = from->used;
    ticket->sources.sources = list;
    ticket->sources.more = from->more;
    ticket->batch.sources = &ticket->sources;
}

struct uplink_ticket *tickets_add(struct tickets *t, const struct uplink_batch *batch)
{
    size_t each = sizeof(Masques__Bus__Source) + sizeof(Masques__Bus__Source *);
    size_t extra = batch->sources ? batch->sources->used * each : 0;
    struct uplink_ticket *ticket = malloc(sizeof *ticket + extra);
    if (!ticket)
        return NULL;
    *ticket = (struct uplink_ticket){.payload = blob_hold(batch->payload),
                                     .charge = batch->charge,
                                     .prev = t->last};
    masques__bus__batch__init(&ticket->batch);
    ticket->batch.signal = (Masques__Bus__Signal)batch->signal;
    ticket->batch.stream = batch->stream;
    ticket->batch.records = batch->records;
    ticket->batch.received_ns = batch->received_ns;
    if (batch->sources)
        copy_sources(ticket, batch->sources, ticket + 1);

    if (t->last)
        t->last->next = ticket;
    else
        t->first = ticket;
    t->last = ticket;
    if (!t->unsent)
        t->unsent = ticket;
    t->count++;
    return ticket;
}

void tickets_remove(struct tickets *t, struct uplink_ticket *ticket)
{
    if (t->unsent == ticket)
        t->unsent = ticket->next;
    if (ticket->prev)
        ticket->prev->next = ticket->next;
    else
        t->first = ticket->next;
    if (ticket->next)
        ticket->next->prev = ticket->prev;
    else
        t->last = ticket->prev;
    if (ticket->number)
        t->ring[ticket->number & (t->ring_size - 1)] = NULL;
    t->count--;
    blob_drop(ticket->payload);
    free(ticket);
}

uint64_t tickets_lowest_open(const struct tickets *t)
{
    return t->first && t->first->number ? t->first->number : t->next_number;
}

/* Twice the room; the numbers find their places again. */
static int grow_ring(struct tickets *t)
{
    size_t size = t->ring_size ? t->ring_size * 2 : RING_FIRST_SIZE;
    struct uplink_ticket **ring = calloc(size, sizeof *ring);
    if (!ring)
        return GW_ERR_NOMEM;
    for (struct uplink_ticket *k = t->first; k && k->number; k = k->next)
        ring[k->number & (size - 1)] = k;
    free(t->ring);
    t->ring = ring;
    t->ring_size = size;
    return GW_OK;
}

int tickets_number(struct tickets *t, struct uplink_ticket *ticket)
{
    if (ticket->number)
        return GW_OK;
    while (t->next_number - tickets_lowest_open(t) >= t->ring_size)
        if (grow_ring(t) != GW_OK)
            return GW_ERR_NOMEM;
    ticket->number = t->next_number++;
    ticket->batch.number = ticket->number;
    t->ring[ticket->number & (t->ring_size - 1)] = ticket;
    return GW_OK;
}

void tickets_mark_sent(struct tickets *t, struct uplink_ticket *ticket)
{
    ticket->sent = true;
    t->unsent = ticket->next;
}

struct uplink_ticket *tickets_find(const struct tickets *t, uint64_t number)
{
    if (number == 0 || t->ring_size == 0)
        return NULL;
    struct uplink_ticket *ticket = t->ring[number & (t->ring_size - 1)];
    return ticket && ticket->number == number ? ticket : NULL;
}

void tickets_rewind(struct tickets *t)
{
    for (struct uplink_ticket *k = t->first; k && k->sent; k = k->next) {
        k->sent = false;
        k->again = true;
    }
    t->unsent = t->first;
}
