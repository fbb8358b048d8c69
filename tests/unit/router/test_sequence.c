// SPDX-License-Identifier: Apache-2.0
/* Which numbers of a session are told as lost: single cases, and processes that die, resume, run side by
 * side, are repeated and overtake themselves, by chance. */
#include "router/sequence.h"

#include <string.h>

#include "tests/support/suite.h"

#define LATER (2 * (uint64_t)SEQUENCE_GRACE_MS)
#define BATCHES_MAX 64

struct digest {
    int64_t low, high;
    uint64_t records; /* 0: as many as there are numbers */
    uint64_t at_ms;
};

static void add(struct sequence *q, const struct digest *d)
{
    uint64_t records = d->records ? d->records : (uint64_t)(d->high - d->low) + 1;
    sequence_add(q, d->low, d->high, records, d->at_ms);
}

/* ---- single cases ---- */

#define REPEAT_OVER ((uint64_t)SEQUENCE_REPEAT_MS + 1)

static const struct {
    const char *why;
    uint64_t lost;
    struct digest digests[10]; /* up to the first without low and high */
} cases[] = {
    {"nothing is missing", 0, {{0, 4, 0, 0}, {5, 9, 0, 0}, {10, 10, 0, 0}}},
    {"a batch never came", 5, {{0, 4, 0, 0}, {10, 14, 0, 0}}},
    {"two never came", 8, {{0, 4, 0, 0}, {10, 14, 0, 0}, {18, 20, 0, 0}}},
    {"they came in another order", 0, {{0, 4, 0, 0}, {10, 14, 0, 0}, {5, 9, 0, 0}}},
    {"the first came last", 0, {{5, 9, 0, 0}, {10, 14, 0, 0}, {0, 4, 0, 0}}},
    {"from the last to the first", 0,
     {{40, 49, 0, 0}, {30, 39, 0, 0}, {20, 29, 0, 0}, {10, 19, 0, 0}, {0, 9, 0, 0}}},
    {"we began to listen later", 0, {{500, 504, 0, 0}, {505, 505, 0, 0}}},
    {"the client sent a batch twice", 0, {{0, 4, 0, 0}, {5, 9, 0, 0}, {5, 9, 0, 0}, {10, 11, 0, 0}}},
    {"the first batch twice", 0, {{0, 4, 0, 0}, {0, 4, 0, 0}, {5, 9, 0, 0}}},
    {"twice, and one never came", 3, {{0, 4, 0, 0}, {0, 4, 0, 0}, {8, 9, 0, 0}, {8, 9, 0, 0}}},
    {"the session is resumed, its process begins at 0 again", 0,
     {{0, 9, 0, 0}, {10, 19, 0, 0}, {0, 4, 0, 1}, {5, 9, 0, 1}, {10, 30, 0, 1}}},
    {"resumed, and a batch of the new process never came", 5,
     {{0, 2, 0, 0}, {0, 4, 0, 1}, {10, 14, 0, 1}}},
    {"resumed with the same first batch, much later", 6,
     {{0, 2, 0, 0}, {0, 2, 0, REPEAT_OVER}, {9, 12, 0, REPEAT_OVER}}},
    {"resumed where the gateway knows only a later part: no gap between the two", 0,
     {{90, 99, 0, 0}, {0, 9, 0, 1}, {10, 19, 0, 1}}},
    {"two processes of one session, side by side", 0,
     {{0, 9, 0, 0}, {10, 99, 0, 0}, {0, 4, 0, 0}, {100, 109, 0, 0}, {5, 9, 0, 0}, {110, 119, 0, 0}}},
    {"what the new process lost is not what the old one had", 10,
     {{0, 9, 0, 0}, {0, 4, 0, 0}, {15, 19, 0, 0}, {10, 12, 0, 0}, {13, 13, 0, 0}, {14, 14, 0, 0}, {30, 34, 0, 0}}},
    {"fewer records than numbers: only their number is known", 3, {{0, 9, 7, 0}}},
    {"the same, sent twice", 3, {{0, 9, 7, 0}, {0, 9, 7, 0}}},
    {"the same, and the rest comes after all", 0, {{0, 9, 7, 0}, {3, 5, 0, 0}}},
    {"the same, and some of the rest", 1, {{0, 9, 7, 0}, {3, 4, 0, 0}}},
    {"more records than numbers: some have none", 0, {{0, 9, 30, 0}, {10, 12, 9, 0}}},
    {"what is missing may be what was there", 0, {{0, 9, 0, 0}, {5, 14, 6, 0}}},
    {"as much as was there, and one more", 1, {{0, 9, 0, 0}, {5, 14, 4, 0}}},
    {"another process, far away", 0, {{0, 9, 0, 0}, {10 + (int64_t)SEQUENCE_JUMP_MAX + 10, 200000, 0, 0}}},
    {"no such numbers", 0, {{-5, 5, 0, 0}, {0, INT64_MAX, 0, 0}, {9, 3, 1, 0}, {0, 3000000000, 2, 0}}},
};

static bool is_end(const struct digest *d)
{
    return d->low == 0 && d->high == 0;
}

START_TEST(cases_are_told_as_they_are)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sequence q = {0};
        uint64_t last = 0;
        for (const struct digest *d = cases[i].digests; d < cases[i].digests + 10 && !is_end(d); d++) {
            add(&q, d);
            last = d->at_ms;
        }
        uint64_t lost = sequence_lost(&q, last + LATER);
        ck_assert_msg(lost == cases[i].lost, "%s: %llu, not %llu", cases[i].why,
                      (unsigned long long)lost, (unsigned long long)cases[i].lost);
    }
}
END_TEST

START_TEST(gap_counts_after_a_while_and_is_taken_back)
{
    struct sequence q = {0};
    add(&q, &(struct digest){0, 4, 0, 1000});
    add(&q, &(struct digest){10, 14, 0, 2000});
    ck_assert_uint_eq(sequence_lost(&q, 2000), 0);
    ck_assert_uint_eq(sequence_lost(&q, 2000 + SEQUENCE_GRACE_MS - 1), 0);
    ck_assert_uint_eq(sequence_lost(&q, 2000 + SEQUENCE_GRACE_MS), 5);
    add(&q, &(struct digest){7, 8, 0, 90000}); /* divides it: what is left is as old as it was */
    ck_assert_uint_eq(sequence_lost(&q, 90000), 3);
    add(&q, &(struct digest){5, 6, 0, 90000});
    add(&q, &(struct digest){9, 9, 0, 90000});
    ck_assert_uint_eq(sequence_lost(&q, UINT32_MAX), 0);
}
END_TEST

START_TEST(gap_counts_at_once_when_the_session_has_gone_on_for_long)
{
    struct sequence q = {0};
    add(&q, &(struct digest){0, 4, 0, 0});
    add(&q, &(struct digest){6, 6 + SEQUENCE_SLACK - 1, 0, 0});
    ck_assert_uint_eq(sequence_lost(&q, 0), 0);
    add(&q, &(struct digest){6 + SEQUENCE_SLACK, 6 + SEQUENCE_SLACK, 0, 0});
    ck_assert_uint_eq(sequence_lost(&q, 0), 1);
}
END_TEST

START_TEST(more_gaps_than_there_is_room_for_lose_nothing)
{
    struct sequence q = {0};
    const int64_t gaps = 10 * SEQUENCE_SPANS;
    for (int64_t i = 0; i <= gaps; i++)
        add(&q, &(struct digest){i * 3, i * 3, 0, 0}); /* two of three are missing */
    ck_assert_uint_eq(sequence_lost(&q, LATER), 2 * (uint64_t)gaps);
    add(&q, &(struct digest){1, 2, 0, 0}); /* into what is known by number only */
    ck_assert_uint_eq(sequence_lost(&q, LATER), 2 * (uint64_t)gaps - 2);
}
END_TEST

START_TEST(tracks_that_make_room_keep_their_losses)
{
    struct sequence q = {0};
    for (uint64_t i = 0; i < 3 * SEQUENCE_TRACKS; i++) {
        uint64_t at = i * REPEAT_OVER;
        int64_t end = 10 * (int64_t)i;
        add(&q, &(struct digest){0, end + 4, 0, at});
        add(&q, &(struct digest){end + 8, end + 9, 0, at});
    }
    ck_assert_uint_eq(sequence_lost(&q, 3 * SEQUENCE_TRACKS * REPEAT_OVER), 3 * 3 * SEQUENCE_TRACKS);
}
END_TEST

/* ---- by chance ---- */

static uint32_t next(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static uint32_t below(uint32_t *state, uint32_t limit)
{
    return next(state) % limit;
}

struct truth {
    uint64_t lost; /* between the first and the last batch that came */
    uint64_t head; /* before the first: can be told only where another process was before */
};

/* The batches of a process that begins at 0: how many there are. `lost_of_8`: how many of eight never
 * come; what is lost is added to *truth. */
static size_t process(uint32_t *chance, struct digest *out, unsigned lost_of_8, uint64_t at_ms,
                      struct truth *truth)
{
    size_t count = 1 + below(chance, 20), made = 0;
    int64_t number = 0, end = -1;
    for (size_t i = 0; i < count; i++) {
        int64_t size = 1 + (int64_t)below(chance, 12);
        if (below(chance, 8) >= lost_of_8) {
            *(made ? &truth->lost : &truth->head) += (uint64_t)(number - end - 1);
            end = number + size - 1;
            out[made++] = (struct digest){number, end, 0, at_ms};
        }
        number += size;
    }
    return made;
}

/* Every one within `reach` places of where it was. */
static void shuffle(uint32_t *chance, struct digest *list, size_t count, uint32_t reach)
{
    for (size_t i = 0; i + 1 < count; i++) {
        size_t room = count - i < reach ? count - i : reach;
        size_t k = i + below(chance, (uint32_t)room);
        struct digest d = list[k];
        list[k] = list[i];
        list[i] = d;
    }
}

static uint64_t tell(struct sequence *q, uint32_t *chance, const struct digest *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        add(q, &list[i]);
        if (below(chance, 4) == 0)
            add(q, &list[below(chance, (uint32_t)i + 1)]); /* sent again */
    }
    return sequence_lost(q, list[count - 1].at_ms + LATER);
}

START_TEST(a_process_that_loses_nothing_has_lost_nothing_in_any_order)
{
    for (uint32_t seed = 1; seed <= 20000; seed++) {
        uint32_t chance = seed * 2654435761u;
        struct sequence q = {0};
        struct digest list[BATCHES_MAX];
        struct truth truth = {0};
        size_t count = process(&chance, list, 0, 0, &truth);
        shuffle(&chance, list, count, seed % 2 ? BATCHES_MAX : 3);
        uint64_t told = tell(&q, &chance, list, count);
        ck_assert_msg(told == 0, "seed %u: %llu", seed, (unsigned long long)told);
    }
}
END_TEST

START_TEST(a_process_in_order_has_lost_exactly_what_it_lost)
{
    uint64_t sum = 0;
    for (uint32_t seed = 1; seed <= 20000; seed++) {
        uint32_t chance = seed * 2654435761u;
        struct sequence q = {0};
        struct digest list[BATCHES_MAX];
        struct truth truth = {0};
        size_t count = process(&chance, list, 2, 0, &truth);
        if (count == 0)
            continue;
        uint64_t told = tell(&q, &chance, list, count);
        ck_assert_msg(told == truth.lost, "seed %u: %llu, not %llu", seed, (unsigned long long)told,
                      (unsigned long long)truth.lost);
        sum += truth.lost;
    }
    ck_assert_uint_gt(sum, 0);
}
END_TEST

START_TEST(in_no_order_is_more_told_than_was_lost)
{
    uint64_t sum = 0, told_sum = 0;
    for (uint32_t seed = 1; seed <= 20000; seed++) {
        uint32_t chance = seed * 2654435761u;
        struct sequence q = {0};
        struct digest list[BATCHES_MAX];
        struct truth truth = {0};
        size_t count = process(&chance, list, 2, 0, &truth);
        if (count == 0)
            continue;
        shuffle(&chance, list, count, seed % 2 ? BATCHES_MAX : 3);
        uint64_t told = tell(&q, &chance, list, count);
        ck_assert_msg(told <= truth.lost, "seed %u: %llu, but only %llu", seed, (unsigned long long)told,
                      (unsigned long long)truth.lost);
        sum += truth.lost;
        told_sum += told;
    }
    ck_assert_uint_gt(told_sum * 10, sum * 5); /* and most of it is */
}
END_TEST

/* Processes that take a session up one after the other, each beginning at 0; they lose batches, or their
 * batches overtake each other. */
START_TEST(resuming_never_makes_losses)
{
    uint64_t sum = 0, told_sum = 0;
    for (uint32_t seed = 1; seed <= 20000; seed++) {
        uint32_t chance = seed * 2654435761u;
        struct sequence q = {0};
        struct truth truth = {0};
        uint64_t told = 0;
        unsigned losing = seed % 2 ? 2 : 0;
        for (uint64_t i = 0; i < 3; i++) {
            struct digest list[BATCHES_MAX];
            size_t count = process(&chance, list, losing, i * 3600000, &truth);
            if (count == 0)
                continue;
            shuffle(&chance, list, count, losing ? 1 : 3);
            told = tell(&q, &chance, list, count);
        }
        ck_assert_msg(told <= truth.lost + truth.head, "seed %u: %llu, but only %llu", seed, (unsigned long long)told,
                      (unsigned long long)(truth.lost + truth.head));
        sum += truth.lost;
        told_sum += told;
    }
    ck_assert_uint_gt(told_sum * 10, sum * 3);
}
END_TEST

/* Two processes of one session at the same time: their batches come as they like. */
START_TEST(side_by_side_nothing_is_lost_that_was_not)
{
    for (uint32_t seed = 1; seed <= 20000; seed++) {
        uint32_t chance = seed * 2654435761u;
        struct sequence q = {0};
        struct digest both[2][BATCHES_MAX], list[2 * BATCHES_MAX];
        size_t counts[2], at[2] = {0, 0}, made = 0;
        struct truth truth = {0};
        for (size_t i = 0; i < 2; i++)
            counts[i] = process(&chance, both[i], 0, 0, &truth);
        while (made < counts[0] + counts[1]) {
            size_t i = below(&chance, 2);
            i = at[i] < counts[i] ? i : 1 - i;
            list[made++] = both[i][at[i]++];
        }
        uint64_t told = tell(&q, &chance, list, made);
        ck_assert_msg(told == 0, "seed %u: %llu", seed, (unsigned long long)told);
    }
}
END_TEST

SUITE_MAIN("router/sequence", cases_are_told_as_they_are, gap_counts_after_a_while_and_is_taken_back,
           gap_counts_at_once_when_the_session_has_gone_on_for_long,
           more_gaps_than_there_is_room_for_lose_nothing, tracks_that_make_room_keep_their_losses,
           a_process_that_loses_nothing_has_lost_nothing_in_any_order,
           a_process_in_order_has_lost_exactly_what_it_lost, in_no_order_is_more_told_than_was_lost,
           resuming_never_makes_losses, side_by_side_nothing_is_lost_that_was_not)
