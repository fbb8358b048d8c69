// SPDX-License-Identifier: Apache-2.0
#include "receiver/worker/tickets.h"

#include "tests/support/suite.h"

static struct blob *payload;

static struct uplink_ticket *add(struct tickets *t, const struct sources *sources)
{
    if (!payload) {
        payload = blob_new(8);
        payload->len = 8;
    }
    struct uplink_batch batch = {.signal = 3,
                                 .stream = 4,
                                 .records = 5,
                                 .received_ns = 6,
                                 .payload = payload,
                                 .charge = 7,
                                 .sources = sources};
    struct uplink_ticket *ticket = tickets_add(t, &batch);
    ck_assert_ptr_nonnull(ticket);
    return ticket;
}

static struct uplink_ticket *add_sent(struct tickets *t)
{
    struct uplink_ticket *ticket = add(t, NULL);
    ck_assert_int_eq(tickets_number(t, ticket), GW_OK);
    tickets_mark_sent(t, ticket);
    return ticket;
}

START_TEST(a_ticket_describes_its_batch_and_holds_the_payload)
{
    struct tickets t;
    tickets_init(&t);
    struct uplink_ticket *k = add(&t, NULL);
    ck_assert_int_eq(k->batch.signal, 3);
    ck_assert_uint_eq(k->batch.stream, 4);
    ck_assert_uint_eq(k->batch.records, 5);
    ck_assert_uint_eq(k->batch.received_ns, 6);
    ck_assert_uint_eq(k->charge, 7);
    ck_assert_ptr_null(k->batch.sources);
    ck_assert_uint_eq(payload->holders, 2);
    tickets_fini(&t);
    ck_assert_uint_eq(payload->holders, 1);
    blob_drop(payload);
}
END_TEST

START_TEST(sources_are_copied)
{
    struct tickets t;
    tickets_init(&t);
    struct sources sources = {.used = 2, .more = 9};
    sources.list[0] = (struct source){slice_of("claude-code"), slice_of("one"), true, -3, 8, 4};
    sources.list[1] = (struct source){slice_of("other"), slice_make(NULL, 0), false, 0, 0, 1};
    struct uplink_ticket *k = add(&t, &sources);
    memset(&sources, 0xff, sizeof sources);
    const Masques__Bus__Sources *copy = k->batch.sources;
    ck_assert_uint_eq(copy->n_sources, 2);
    ck_assert_uint_eq(copy->more, 9);
    ck_assert_uint_eq(copy->sources[0]->service.len, 11);
    ck_assert_mem_eq(copy->sources[0]->service.data, "claude-code", 11);
    ck_assert_mem_eq(copy->sources[0]->session.data, "one", 3);
    ck_assert(copy->sources[0]->numbered);
    ck_assert_int_eq(copy->sources[0]->lowest, -3);
    ck_assert_int_eq(copy->sources[0]->highest, 8);
    ck_assert_uint_eq(copy->sources[0]->count, 4);
    ck_assert_uint_eq(copy->sources[1]->session.len, 0);
    uint8_t packed[256];
    ck_assert_uint_gt(masques__bus__batch__pack(&k->batch, packed), 20);
    tickets_fini(&t);
    blob_drop(payload);
}
END_TEST

START_TEST(numbers_rise_and_are_found_again)
{
    struct tickets t;
    tickets_init(&t);
    ck_assert_uint_eq(tickets_lowest_open(&t), 1);
    ck_assert_ptr_null(tickets_find(&t, 1));
    struct uplink_ticket *a = add_sent(&t), *b = add_sent(&t);
    ck_assert_uint_eq(a->number, 1);
    ck_assert_uint_eq(b->number, 2);
    ck_assert_uint_eq(b->batch.number, 2);
    ck_assert_ptr_eq(tickets_find(&t, 2), b);
    ck_assert_ptr_null(tickets_find(&t, 3));
    ck_assert_ptr_null(tickets_find(&t, 0));
    ck_assert_ptr_null(tickets_find(&t, 2 + (1u << 20))); /* another number in the same place */
    ck_assert_int_eq(tickets_number(&t, a), GW_OK);
    ck_assert_uint_eq(a->number, 1); /* kept */
    tickets_remove(&t, a);
    ck_assert_ptr_null(tickets_find(&t, 1));
    ck_assert_uint_eq(tickets_lowest_open(&t), 2);
    tickets_fini(&t);
    blob_drop(payload);
}
END_TEST

/* One batch that gets no verdict while thousands pass by. */
START_TEST(a_number_that_stays_open_is_still_found_after_many)
{
    struct tickets t;
    tickets_init(&t);
    struct uplink_ticket *stuck = add_sent(&t);
    for (unsigned i = 2; i <= 5000; i++) {
        struct uplink_ticket *k = add_sent(&t);
        ck_assert_uint_eq(k->number, i);
        ck_assert_ptr_eq(tickets_find(&t, i), k);
        if (i % 7)
            tickets_remove(&t, k);
    }
    ck_assert_ptr_eq(tickets_find(&t, 1), stuck);
    ck_assert_uint_eq(tickets_lowest_open(&t), 1);
    for (unsigned i = 7; i <= 5000; i += 7)
        ck_assert_uint_eq(tickets_find(&t, i)->number, i);
    tickets_remove(&t, stuck);
    ck_assert_uint_eq(tickets_lowest_open(&t), 7);
    tickets_fini(&t);
    blob_drop(payload);
}
END_TEST

START_TEST(a_rewind_makes_all_unsent_in_the_old_order)
{
    struct tickets t;
    tickets_init(&t);
    struct uplink_ticket *a = add_sent(&t), *b = add_sent(&t), *c = add_sent(&t);
    struct uplink_ticket *d = add(&t, NULL);
    ck_assert_ptr_eq(t.unsent, d);
    tickets_remove(&t, b);
    tickets_rewind(&t);
    ck_assert_ptr_eq(t.unsent, a);
    ck_assert_ptr_eq(a->next, c);
    ck_assert_ptr_eq(c->next, d);
    ck_assert(!a->sent && a->again && c->again && !d->again);
    ck_assert_uint_eq(c->number, 3);
    ck_assert_uint_eq(d->number, 0);
    ck_assert_uint_eq(tickets_lowest_open(&t), 1);
    tickets_fini(&t);
    blob_drop(payload);
}
END_TEST

START_TEST(removing_the_first_unsent_moves_on)
{
    struct tickets t;
    tickets_init(&t);
    struct uplink_ticket *a = add(&t, NULL), *b = add(&t, NULL);
    tickets_remove(&t, a);
    ck_assert_ptr_eq(t.unsent, b);
    ck_assert_ptr_eq(t.first, b);
    tickets_remove(&t, b);
    ck_assert_ptr_null(t.unsent);
    ck_assert_ptr_null(t.last);
    ck_assert_uint_eq(t.count, 0);
    ck_assert_ptr_eq(add(&t, NULL), t.unsent);
    tickets_fini(&t);
    blob_drop(payload);
}
END_TEST

SUITE_MAIN("receiver/worker/tickets", a_ticket_describes_its_batch_and_holds_the_payload,
           sources_are_copied, numbers_rise_and_are_found_again,
           a_number_that_stays_open_is_still_found_after_many,
           a_rewind_makes_all_unsent_in_the_old_order, removing_the_first_unsent_moves_on)
