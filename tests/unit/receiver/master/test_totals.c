// SPDX-License-Identifier: Apache-2.0
#include "receiver/master/totals.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/suite.h"

/* A beat with what the tests ask for. */
struct told {
    Masques__Control__Beat beat;
    Masques__Control__Number numbers[400], *number_list[400];
    Masques__Control__Seen seen[400], *seen_list[400];
    uint64_t accepted[3], lost[1];
    char names[400][24];
};

static void tell_number(struct told *t, const char *name, uint64_t value)
{
    size_t i = t->beat.n_numbers++;
    masques__control__number__init(&t->numbers[i]);
    snprintf(t->names[i], sizeof t->names[i], "%s", name);
    t->numbers[i].name = t->names[i];
    t->numbers[i].value = value;
    t->number_list[i] = &t->numbers[i];
}

static void tell_seen(struct told *t, const char *service, uint32_t signal, uint64_t records, uint64_t last_ns)
{
    size_t i = t->beat.n_seen++;
    masques__control__seen__init(&t->seen[i]);
    t->seen[i].service = (char *)(uintptr_t)service;
    t->seen[i].signal = signal;
    t->seen[i].records = records;
    t->seen[i].last_ns = last_ns;
    t->seen[i].sessions = records;
    t->seen[i].lost_before_us = records * 10;
    t->seen_list[i] = &t->seen[i];
}

static void tell(struct told *t)
{
    memset(t, 0, sizeof *t);
    masques__control__beat__init(&t->beat);
    t->beat.numbers = t->number_list;
    t->beat.seen = t->seen_list;
    t->beat.accepted = t->accepted;
    t->beat.n_accepted = 3;
    t->beat.lost = t->lost;
    t->beat.n_lost = 1;
}

START_TEST(counts_of_former_processes_are_kept)
{
    static struct told a, b;
    struct totals past = {0};
    ck_assert_uint_eq(totals_count(&past, NULL, TOTALS_ACCEPTED, 3), 0);
    totals_add(&past, NULL); /* it died before its first beat */
    tell(&a);
    a.accepted[2] = 7;
    a.lost[0] = 2;
    a.beat.sequence_gaps = 5;
    tell_number(&a, "mended_logs", 3);
    totals_add(&past, &a.beat);
    totals_add(&past, &a.beat);
    tell(&b);
    b.accepted[2] = 1;
    b.beat.sequence_gaps = 1;
    tell_number(&b, "mended_logs", 10);
    tell_number(&b, "timeouts", 4);
    ck_assert_uint_eq(totals_count(&past, &b.beat, TOTALS_ACCEPTED, 3), 15);
    ck_assert_uint_eq(totals_count(&past, &b.beat, TOTALS_LOST, 1), 4);
    ck_assert_uint_eq(totals_count(&past, &b.beat, TOTALS_LOST, 2), 0); /* a shorter list */
    ck_assert_uint_eq(totals_count(&past, NULL, TOTALS_ACCEPTED, 3), 14);
    ck_assert_uint_eq(totals_number(&past, &b.beat, "mended_logs"), 16);
    ck_assert_uint_eq(totals_number(&past, &b.beat, "timeouts"), 4);
    ck_assert_uint_eq(totals_number(&past, &b.beat, "nothing"), 0);
    ck_assert_uint_eq(totals_gaps(&past, &b.beat), 11);
    totals_fini(&past);
}
END_TEST

START_TEST(names_are_bounded)
{
    static struct told t;
    struct totals past = {0};
    char name[24];
    for (unsigned i = 0; i < 400; i++) {
        tell(&t);
        snprintf(name, sizeof name, "n%u", i);
        tell_number(&t, name, 1);
        tell_number(&t, "n0", 1);
        totals_add(&past, &t.beat);
    }
    ck_assert_uint_eq(past.number_count, TOTALS_NUMBERS_MAX);
    ck_assert_uint_eq(totals_number(&past, NULL, "n0"), 401);
    totals_fini(&past);
}
END_TEST

START_TEST(sources_survive_the_router_and_the_latest_comes_first)
{
    static struct told a, b;
    struct totals past = {0};
    struct totals_seen list[4];
    tell(&a);
    tell_seen(&a, "both", 1, 3, 100);
    tell_seen(&a, "old", 1, 4, 300);
    tell_seen(&a, "both", 2, 5, 400);
    totals_add(&past, &a.beat);
    tell(&b);
    tell_seen(&b, "both", 1, 10, 500);
    tell_seen(&b, "new", 1, 1, 200);
    tell_seen(&b, "new", 1, 1, 199); /* names that differed before they were mended */
    ck_assert_uint_eq(totals_sources(&past, &b.beat, list, 4), 4);
    ck_assert_str_eq(list[0].service, "both");
    ck_assert_uint_eq(list[0].records, 13);
    ck_assert_uint_eq(list[0].lost_before_us, 130);
    ck_assert_uint_eq(list[0].sessions, 10);
    ck_assert_uint_eq(list[1].signal, 2);
    ck_assert_uint_eq(list[1].sessions, 0); /* nobody remembers them any more */
    ck_assert_str_eq(list[2].service, "old");
    ck_assert_str_eq(list[3].service, "new");
    ck_assert_uint_eq(list[3].records, 2);
    ck_assert_uint_eq(totals_sources(&past, NULL, list, 4), 3);
    totals_fini(&past);
}
END_TEST

/* More than there is room for: of those of the past the ones heard longest ago go. What is heard now is always told. */
START_TEST(sources_are_bounded)
{
    static struct told t;
    static char services[2 * TOTALS_SEEN_MAX][8];
    static struct totals_seen list[TOTALS_SEEN_MAX];
    struct totals past = {0};
    for (uint32_t i = 0; i < 2 * TOTALS_SEEN_MAX; i++) {
        tell(&t);
        snprintf(services[i], sizeof services[i], "%u", i);
        tell_seen(&t, services[i], 1, 1, i + 1);
        totals_add(&past, &t.beat);
    }
    ck_assert_uint_eq(totals_sources(&past, NULL, list, TOTALS_SEEN_MAX), TOTALS_SEEN_MAX);
    ck_assert_str_eq(list[0].service, services[2 * TOTALS_SEEN_MAX - 1]);
    ck_assert_str_eq(list[TOTALS_SEEN_MAX - 1].service, services[TOTALS_SEEN_MAX]);
    tell(&t);
    tell_seen(&t, "now", 3, 1, 9999);
    ck_assert_uint_eq(totals_sources(&past, &t.beat, list, 8), 8);
    ck_assert_str_eq(list[0].service, "now");
    ck_assert_str_eq(list[1].service, services[2 * TOTALS_SEEN_MAX - 1]);
    totals_fini(&past);
}
END_TEST

SUITE_MAIN("receiver/master/totals", counts_of_former_processes_are_kept, names_are_bounded,
           sources_survive_the_router_and_the_latest_comes_first, sources_are_bounded)
