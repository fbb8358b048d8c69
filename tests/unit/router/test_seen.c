// SPDX-License-Identifier: Apache-2.0
#include "router/seen.h"

#include <stdio.h>

#include "router/sequence.h"
#include "tests/support/suite.h"

#define LOGS 1u
#define METRICS 2u
#define LATER (2 * (uint64_t)SEQUENCE_GRACE_MS)

struct said {
    const char *service, *session;
    int64_t low, high; /* -1: not numbered */
    uint32_t records;
};

static ProtobufCBinaryData bytes_of(const char *text)
{
    return (ProtobufCBinaryData){.len = strlen(text), .data = (uint8_t *)(uintptr_t)text};
}

static void hear_some(struct seen *seen, unsigned signal, const struct said *said, size_t count, uint32_t more,
                      uint64_t received_ns)
{
    Masques__Bus__Source list[16], *pointers[16];
    Masques__Bus__Sources sources = MASQUES__BUS__SOURCES__INIT;
    for (size_t i = 0; i < count; i++) {
        masques__bus__source__init(&list[i]);
        list[i].service = bytes_of(said[i].service);
        list[i].session = bytes_of(said[i].session);
        list[i].numbered = said[i].low >= 0;
        list[i].lowest = said[i].low;
        list[i].highest = said[i].high;
        list[i].count = said[i].records;
        pointers[i] = &list[i];
    }
    sources.sources = pointers;
    sources.n_sources = count;
    sources.more = more;
    seen_batch(seen, signal, &sources, received_ns, 0);
}

static void hear(struct seen *seen, unsigned signal, const struct said *said, uint64_t received_ns)
{
    hear_some(seen, signal, said, 1, 0, received_ns);
}

static struct seen *made(void)
{
    struct seen *seen = seen_new();
    ck_assert_ptr_nonnull(seen);
    return seen;
}

START_TEST(rows_are_by_service_and_signal_and_the_latest_comes_first)
{
    struct seen *seen = made();
    struct seen_row rows[8];
    hear(seen, LOGS, &(struct said){"a", "s", -1, 0, 5}, 100);
    hear(seen, METRICS, &(struct said){"a", "", -1, 0, 7}, 300);
    hear(seen, LOGS, &(struct said){"b", "s", 0, 8, 9}, 400);
    hear(seen, LOGS, &(struct said){"a", "t", 3, 5, 3}, 200);
    hear(seen, LOGS, &(struct said){"a", "u", 7, 7, 1}, 150); /* the clock went back */
    ck_assert_uint_eq(seen_rows(seen, 0, rows, 8), 3);
    ck_assert_str_eq(rows[0].service, "a");
    ck_assert_uint_eq(rows[0].signal, LOGS);
    ck_assert_uint_eq(rows[0].records, 9);
    ck_assert_uint_eq(rows[0].last_ns, 200);
    ck_assert_uint_eq(rows[0].sessions, 2); /* those that number their events */
    ck_assert_str_eq(rows[1].service, "b");
    ck_assert_uint_eq(rows[1].sessions, 1);
    ck_assert_uint_eq(rows[2].signal, METRICS);
    ck_assert_uint_eq(rows[2].records, 7);
    ck_assert_uint_eq(seen_rows(seen, 0, rows, 1), 1); /* the latest */
    ck_assert_str_eq(rows[0].service, "a");
    ck_assert_uint_eq(seen_totals(seen, 0).records, 25);
    ck_assert_uint_eq(seen_totals(seen, 0).forgotten, 0);
    seen_free(&seen);
}
END_TEST

START_TEST(gaps_are_of_a_session_and_stand_in_its_row)
{
    struct seen *seen = made();
    struct seen_row rows[8];
    hear(seen, LOGS, &(struct said){"a", "s", 0, 4, 5}, 1);
    hear(seen, LOGS, &(struct said){"a", "t", 10, 14, 5}, 1); /* another session: no gap */
    hear(seen, LOGS, &(struct said){"b", "s", 20, 24, 5}, 1); /* another service: no gap */
    hear(seen, LOGS, &(struct said){"a", "s", 8, 9, 2}, 1);
    hear(seen, METRICS, &(struct said){"a", "s", 30, 31, 2}, 1); /* only logs are numbered */
    ck_assert_uint_eq(seen_rows(seen, LATER, rows, 8), 3);
    ck_assert_uint_eq(rows[1].lost, 3);
    ck_assert_str_eq(rows[1].service, "a");
    ck_assert_uint_eq(rows[0].lost + rows[2].lost, 0);
    ck_assert_uint_eq(seen_totals(seen, LATER).lost, 3);
    ck_assert_uint_eq(seen_totals(seen, 0).lost, 0);
    seen_free(&seen);
}
END_TEST

START_TEST(sources_of_one_batch_and_those_without_room)
{
    struct seen *seen = made();
    struct seen_row rows[8];
    const struct said said[] = {{"a", "s", 0, 4, 5}, {"a", "s", 7, 8, 2}, {"b", "", -1, 0, 1}};
    hear_some(seen, LOGS, said, 3, 40, 1);
    seen_batch(seen, LOGS, NULL, 1, 0);
    ck_assert_uint_eq(seen_rows(seen, LATER, rows, 8), 2);
    ck_assert_uint_eq(rows[1].lost, 2);
    ck_assert_uint_eq(seen_totals(seen, 0).records, 48);
    ck_assert_uint_eq(seen_totals(seen, 0).forgotten, 40);
    seen_free(&seen);
}
END_TEST

START_TEST(names_are_mended_for_people)
{
    struct seen *seen = made();
    struct seen_row rows[2];
    char name[200];
    memset(name, 'x', sizeof name);
    memcpy(name, "gr\xc3\xbc\xc3\x9f \xff", 8);
    memcpy(name + 127, "\xc3\xbc", 3); /* cut in the middle */
    hear(seen, LOGS, &(struct said){name, "", -1, 0, 1}, 1);
    ck_assert_uint_eq(seen_rows(seen, 0, rows, 2), 1);
    ck_assert_uint_eq(strlen(rows[0].service), 128);
    ck_assert_int_eq(strncmp(rows[0].service, "gr\xc3\xbc\xc3\x9f ?", 8), 0);
    ck_assert_int_eq(rows[0].service[127], '?');
    seen_free(&seen);
}
END_TEST

/* Far more sessions and services than there is room for, each with a gap of 2. */
START_TEST(what_is_forgotten_stays_in_the_totals)
{
    struct seen *seen = made();
    static struct seen_row rows[SEEN_ROWS + 1];
    char service[16], session[16];
    const uint32_t services = 3 * SEEN_ROWS, sessions = 5;
    for (uint32_t i = 0; i < services * sessions; i++) {
        snprintf(service, sizeof service, "%u", i / sessions);
        snprintf(session, sizeof session, "%u", i % sessions);
        hear(seen, LOGS, &(struct said){service, session, 5, 5, 1}, i);
        hear(seen, LOGS, &(struct said){service, session, 8, 8, 1}, i);
    }
    size_t count = seen_rows(seen, LATER, rows, SEEN_ROWS + 1);
    ck_assert_uint_eq(count, SEEN_ROWS);
    uint64_t lost = 0, remembered = 0;
    for (size_t i = 0; i < count; i++) {
        snprintf(service, sizeof service, "%u", services - 1 - (uint32_t)i);
        ck_assert_str_eq(rows[i].service, service);
        ck_assert_uint_eq(rows[i].records, 2 * sessions);
        remembered += rows[i].sessions;
        lost += rows[i].lost;
    }
    ck_assert_uint_eq(remembered, SEEN_SESSIONS);
    struct seen_totals totals = seen_totals(seen, LATER);
    ck_assert_uint_eq(totals.records, 2 * services * sessions);
    ck_assert_uint_eq(totals.forgotten, 2 * (services - SEEN_ROWS) * sessions);
    ck_assert_uint_ge(totals.lost, lost);
    ck_assert_uint_eq(totals.rows_forgotten, services - SEEN_ROWS);
    ck_assert_uint_eq(totals.sessions_forgotten, services * sessions - SEEN_SESSIONS);
    seen_free(&seen);
}
END_TEST

/* A client that makes up a name for every event. What comes after it is told as if it had never been. */
START_TEST(a_hundred_thousand_names_are_counted_and_forgotten)
{
    enum { NAMES = 100000 };
    struct seen *seen = made();
    static struct seen_row rows[SEEN_ROWS + 1];
    char name[16];
    for (uint32_t i = 0; i < NAMES; i++) {
        snprintf(name, sizeof name, "%u", i);
        hear(seen, LOGS, &(struct said){name, name, 0, 0, 1}, i);
    }
    ck_assert_uint_eq(seen_rows(seen, 0, rows, SEEN_ROWS + 1), SEEN_ROWS);
    struct seen_totals totals = seen_totals(seen, LATER);
    ck_assert_uint_eq(totals.records, NAMES);
    ck_assert_uint_eq(totals.forgotten, NAMES - SEEN_ROWS);
    ck_assert_uint_eq(totals.rows_forgotten, NAMES - SEEN_ROWS);
    ck_assert_uint_eq(totals.sessions_forgotten, NAMES - SEEN_ROWS); /* they go with their row */
    ck_assert_uint_eq(totals.lost, 0);
    hear(seen, LOGS, &(struct said){"honest", "s", 0, 9, 10}, NAMES);
    hear(seen, LOGS, &(struct said){"honest", "s", 15, 15 + SEQUENCE_SLACK, SEQUENCE_SLACK + 1}, NAMES + 1);
    seen_rows(seen, 0, rows, 1);
    ck_assert_str_eq(rows[0].service, "honest");
    ck_assert_uint_eq(rows[0].lost, 5);
    seen_free(&seen);
}
END_TEST

/* A session that made room while its gap was old enough is still counted, in its row and in all. */
START_TEST(losses_of_a_forgotten_session_stay_in_its_row)
{
    struct seen *seen = made();
    struct seen_row rows[4];
    char session[16];
    hear(seen, LOGS, &(struct said){"a", "first", 5, 5, 1}, 1);
    hear(seen, LOGS, &(struct said){"a", "first", 8 + SEQUENCE_SLACK, 8 + 2 * SEQUENCE_SLACK, SEQUENCE_SLACK + 1}, 1);
    uint64_t lost = SEQUENCE_SLACK + 2;
    ck_assert_uint_eq(seen_totals(seen, 0).lost, lost);
    for (uint32_t i = 0; i < 2 * SEEN_SESSIONS; i++) {
        snprintf(session, sizeof session, "%u", i);
        hear(seen, LOGS, &(struct said){"a", session, 0, 0, 1}, 1);
    }
    ck_assert_uint_eq(seen_rows(seen, 0, rows, 4), 1);
    ck_assert_uint_eq(rows[0].sessions, SEEN_SESSIONS);
    ck_assert_uint_eq(rows[0].lost, lost);
    for (uint32_t i = 0; i < SEEN_ROWS; i++) { /* and now the row */
        snprintf(session, sizeof session, "%u", i);
        hear(seen, METRICS, &(struct said){session, "", -1, 0, 1}, 1);
    }
    ck_assert_uint_eq(seen_totals(seen, 0).lost, lost);
    ck_assert_uint_eq(seen_totals(seen, 0).forgotten, 2 * SEEN_SESSIONS + SEQUENCE_SLACK + 2);
    seen_free(&seen);
}
END_TEST

SUITE_MAIN("router/seen", rows_are_by_service_and_signal_and_the_latest_comes_first,
           gaps_are_of_a_session_and_stand_in_its_row, sources_of_one_batch_and_those_without_room,
           names_are_mended_for_people, what_is_forgotten_stays_in_the_totals,
           a_hundred_thousand_names_are_counted_and_forgotten, losses_of_a_forgotten_session_stay_in_its_row)
