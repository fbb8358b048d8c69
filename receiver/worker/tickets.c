// SPDX-License-Identifier: Apache-2.0
#include "receiver/worker/tickets.h"

#include <stdlib.h>
#include <string.h>

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

/* Bytes behind the ticket for a copy of the sources. */
static size_t sources_bytes(const Masques__Bus__Sources *sources)
{
    size_t bytes = 0;
    for (size_t i = 0; i < sources->n_sources; i++) {
        const Masques__Bus__Source *source = sources->sources[i];
        bytes += sizeof source + sizeof *source + source->service.len + source->session.len;
    }
    return bytes;
}

static uint8_t *copy_bytes(ProtobufCBinaryData *bytes, uint8_t *room)
{
    if (bytes->len)
        memcpy(room, bytes->data, bytes->len);
    bytes->data = room;
    return room + bytes->len;
}

/* `room`: aligned for pointers. First the array of pointers, then the sources, then their texts. */
static void copy_sources(struct uplink_ticket *ticket, const Masques__Bus__Sources *from,
                         void *room)
{
    Masques__Bus__Source **list = room;
    Masques__Bus__Source *source = (Masques__Bus__Source *)(void *)(list + from->n_sources);
    uint8_t *text = (uint8_t *)(source + from->n_sources);
    for (size_t i = 0; i < from->n_sources; i++, source++) {
        *source = *from->sources[i];
        text = copy_bytes(&source->service, text);
        text = copy_bytes(&source->session, text);
        list[i] = source;
    }
    ticket->sources = *from;
    ticket->sources.sources = list;
    ticket->batch.sources = &ticket->sources;
}

struct uplink_ticket *tickets_add(struct tickets *t, const struct uplink_batch *batch)
{
    size_t extra = batch->sources ? sources_bytes(batch->sources) : 0;
    struct uplink_ticket *ticket = malloc(sizeof *ticket + extra);
    if (!ticket)
        return NULL;
    *ticket = (struct uplink_ticket){.payload = blob_hold(batch->payload), .prev = t->last};
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

uint64_t tickets_rewind(struct tickets *t)
{
    uint64_t removed = 0;
    for (struct uplink_ticket *k = t->first, *next; k && k->sent; k = next) {
        next = k->next;
        k->sent = false;
        k->again = true;
        if (!k->done) {
            tickets_remove(t, k);
            removed++;
        }
    }
    t->unsent = t->first;
    return removed;
}
