// SPDX-License-Identifier: Apache-2.0
/* What health says, byte by byte, of families that stand still: nothing is started here. */
#include "receiver/master/health.h"

#include "tests/support/suite.h"
#include "tests/unit/receiver/master/standing.h"

static const char *say(struct scene *s, bool available, const struct health_times *times)
{
    buf_clear(&s->text);
    health_body(&s->text, s->family, available, times);
    buf_byte(&s->text, '\0');
    ck_assert(buf_ok(&s->text));
    return (const char *)s->text.data;
}

#define NO_COUNTS                                                                                    \
    "\"accepted\":{\"logs\":0,\"metrics\":0,\"traces\":0},"                                          \
    "\"delivered\":{\"logs\":0,\"metrics\":0,\"traces\":0},"                                         \
    "\"refused\":{\"logs\":0,\"metrics\":0,\"traces\":0},"                                           \
    "\"rejected\":{\"logs\":0,\"metrics\":0,\"traces\":0},"                                          \
    "\"lost\":{\"logs\":0,\"metrics\":0,\"traces\":0},\"numbers\":{}}"
#define NO_QUEUE "\"queue\":{\"records\":0,\"bytes\":0,\"oldestMs\":0},"
#define NOTHING_KEPT                                                                                                 \
    "\"sourcesForgotten\":{\"services\":0,\"sessions\":0,\"records\":0},"                                            \
    "\"store\":{\"state\":\"unknown\",\"error\":\"\",\"bytes\":0,\"maxBytes\":0,\"quarantined\":0},"                \
    "\"deadLetters\":{\"letters\":0,\"bytes\":0,\"dropped\":0,\"replayed\":0,\"damaged\":0},"
#define NOBODY_HEARD                                                                                                 \
    "\"sources\":[],\"eventSequenceGaps\":0," NOTHING_KEPT "\"configuration\":{\"reloaded\":null,\"error\":\"\"}}"
#define NOT_STARTED(name, kind, type, owner, queues)                                                                \
    "{\"name\":\"" name "\",\"kind\":\"" kind "\",\"type\":\"" type "\"," owner "\"pid\":0,\"state\":\"waiting\"," \
    "\"restarts\":0,\"lastHeartbeat\":null,\"lastError\":\"\"," NO_QUEUE queues NO_COUNTS

START_TEST(before_anything_has_started)
{
    struct scene s;
    struct health_times times = {.now_ns = 5 * S_NS};
    scene_open(&s);
    ck_assert_str_eq(say(&s, false, &times),
                     "{\"status\":\"Server not available\",\"upSince\":\"0001-01-01T00:00:00Z\",\"uptime\":\"\","
                     "\"children\":[" NOT_STARTED("router", "router", "router", "", "") ","
                     NOT_STARTED("debug/a", "exporter", "debug", "\"owner\":\"configured\",", "\"queues\":{},") ","
                     NOT_STARTED("worker/1", "worker", "worker", "", "") "]," NOBODY_HEARD);
    scene_close(&s);
}
END_TEST

static void fill_router(struct member *m)
{
    Masques__Control__Beat b = MASQUES__CONTROL__BEAT__INIT;
    Masques__Control__Queue queues[4], *list[4];
    static const struct {
        const char *exporter, *state;
        uint32_t signal;
        uint64_t records, bytes, oldest_ms, delivered, rejected, lost;
        const char *error;
    } rows[] = {
        {"debug/a", "running", 1, 10, 1000, 70, 5, 1, 2, "slow"},
        {"debug/a", "running", 3, 20, 2000, 50, 6, 0, 0, ""},
        {"tail", "catching \"up\"", 2, 1, 9, 8, 7, 0, 3, "no \"room\""},
        {"tail", "catching \"up\"", 99, 1, 1, 1, 1000, 1000, 1000, ""}, /* a signal of a newer router */
    };
    for (size_t i = 0; i < 4; i++) {
        masques__control__queue__init(&queues[i]);
        queues[i].exporter = (char *)rows[i].exporter;
        queues[i].state = (char *)rows[i].state;
        queues[i].signal = rows[i].signal;
        queues[i].records = rows[i].records;
        queues[i].bytes = rows[i].bytes;
        queues[i].oldest_ms = rows[i].oldest_ms;
        queues[i].delivered = rows[i].delivered;
        queues[i].rejected = rows[i].rejected;
        queues[i].lost = rows[i].lost;
        queues[i].error = (char *)rows[i].error;
        queues[i].owner = (char *)(i < 2 ? "configured" : "attached");
        queues[i].pid = i < 2 ? 101 : 555;
        list[i] = &queues[i];
    }
    Masques__Control__Number loss = MASQUES__CONTROL__NUMBER__INIT, *losses[] = {&loss};
    loss.name = (char *)"gave up";
    loss.value = 2;
    queues[0].losses = losses;
    queues[0].n_losses = 1;
    Masques__Control__Seen seen[2], *heard[] = {&seen[0], &seen[1]};
    for (unsigned i = 0; i < 2; i++) {
        masques__control__seen__init(&seen[i]);
        seen[i].service = (char *)(i ? "the \"other\"" : "claude-code");
        seen[i].signal = i + 1;
        seen[i].records = 70 + i;
        seen[i].last_ns = 1763856000 * S_NS + i;
    }
    seen[0].sessions = 3;
    seen[0].lost_before_us = 9;
    static const struct {
        const char *name;
        uint64_t value;
    } told[] = {{"store_bytes", 5}, {"store_max_bytes", 6}, {"store_quarantined", 7},
                {"dead_letters", 8}, {"dead_letters_bytes", 9}, {"dead_letters_dropped", 10},
                {"dead_letters_replayed", 11}, {"dead_letters_damaged", 12}, {"seen_services_forgotten", 13},
                {"seen_sessions_forgotten", 14}, {"seen_forgotten", 15}};
    Masques__Control__Number numbers[11], *number_list[11];
    for (size_t i = 0; i < 11; i++) {
        masques__control__number__init(&numbers[i]);
        numbers[i].name = (char *)told[i].name;
        numbers[i].value = told[i].value;
        number_list[i] = &numbers[i];
    }
    b.numbers = number_list;
    b.n_numbers = 11;
    b.store = (char *)"full";
    b.error = (char *)"no \"space\"";
    b.seen = heard;
    b.n_seen = 2;
    b.sequence_gaps = 11;
    b.state = (char *)"running";
    b.accepting = true;
    b.queues = list;
    b.n_queues = 4;
    beat(m, &b);
    m->state = MEMBER_RUNNING;
    m->pid = 100;
    m->heard_ns = 1763856000 * S_NS + 120000000; /* 2025-11-23T00:00:00.12Z */
}

static void fill_worker(struct member *m)
{
    Masques__Control__Beat b = MASQUES__CONTROL__BEAT__INIT;
    Masques__Control__Number number = MASQUES__CONTROL__NUMBER__INIT, *numbers[] = {&number};
    uint64_t accepted[] = {1, 2, 3}, refused[] = {4};
    number.name = (char *)"connections";
    number.value = 12;
    b.state = (char *)"waiting for the router";
    b.accepted = accepted;
    b.n_accepted = 3;
    b.refused = refused;
    b.n_refused = 1; /* fewer than there are signals */
    b.numbers = numbers;
    b.n_numbers = 1;
    beat(m, &b);
    m->state = MEMBER_RUNNING;
    m->pid = 102;
    m->restarts = 3;
    m->heard_ns = 1763856000 * S_NS;
    snprintf(m->error, sizeof m->error, "it said \"no\"\n");
}

START_TEST(a_family_at_work)
{
    struct scene s;
    struct health_times times = {.up_since_ns = 1763856000 * S_NS + 5000, .up_for_ns = 3661 * S_NS + 500000000,
                                 .now_ns = 1763859661 * S_NS, .reloaded_ns = 1763856010 * S_NS,
                                 .reload_error = "line 3: \"x\""};
    scene_open(&s);
    fill_router(child(&s, 0));
    fill_worker(child(&s, 2));
    child(&s, 1)->state = MEMBER_DRAINING;
    child(&s, 1)->pid = 101;
    ck_assert_str_eq(
        say(&s, true, &times),
        "{\"status\":\"Server available\",\"upSince\":\"2025-11-23T00:00:00.000005Z\",\"uptime\":\"1h1m1.5s\","
        "\"children\":["
        "{\"name\":\"router\",\"kind\":\"router\",\"type\":\"router\",\"pid\":100,\"state\":\"running\",\"restarts\":0,"
        "\"lastHeartbeat\":\"2025-11-23T00:00:00.12Z\",\"lastError\":\"\","
        "\"queue\":{\"records\":32,\"bytes\":3010,\"oldestMs\":70},"
        "\"accepted\":{\"logs\":0,\"metrics\":0,\"traces\":0},\"delivered\":{\"logs\":0,\"metrics\":0,\"traces\":0},"
        "\"refused\":{\"logs\":0,\"metrics\":0,\"traces\":0},\"rejected\":{\"logs\":0,\"metrics\":0,\"traces\":0},"
        "\"lost\":{\"logs\":0,\"metrics\":0,\"traces\":0},\"numbers\":{\"store_bytes\":5,\"store_max_bytes\":6,"
        "\"store_quarantined\":7,\"dead_letters\":8,\"dead_letters_bytes\":9,\"dead_letters_dropped\":10,"
        "\"dead_letters_replayed\":11,\"dead_letters_damaged\":12,\"seen_services_forgotten\":13,"
        "\"seen_sessions_forgotten\":14,\"seen_forgotten\":15}},"
        "{\"name\":\"debug/a\",\"kind\":\"exporter\",\"type\":\"debug\","
        "\"owner\":\"configured\",\"pid\":101,\"state\":\"draining\",\"restarts\":0,"
        "\"lastHeartbeat\":null,\"lastError\":\"slow\","
        "\"queue\":{\"records\":30,\"bytes\":3000,\"oldestMs\":70},"
        "\"queues\":{\"logs\":{\"records\":10,\"bytes\":1000,\"oldestMs\":70,\"delivered\":5,\"rejected\":1,"
        "\"lost\":2,\"losses\":{\"gave up\":2}},"
        "\"traces\":{\"records\":20,\"bytes\":2000,\"oldestMs\":50,\"delivered\":6,\"rejected\":0,"
        "\"lost\":0,\"losses\":{}}},"
        "\"accepted\":{\"logs\":0,\"metrics\":0,\"traces\":0},\"delivered\":{\"logs\":5,\"metrics\":0,\"traces\":6},"
        "\"refused\":{\"logs\":0,\"metrics\":0,\"traces\":0},\"rejected\":{\"logs\":1,\"metrics\":0,\"traces\":0},"
        "\"lost\":{\"logs\":2,\"metrics\":0,\"traces\":0},\"numbers\":{}},"
        "{\"name\":\"worker/1\",\"kind\":\"worker\",\"type\":\"worker\",\"pid\":102,"
        "\"state\":\"waiting for the router\",\"restarts\":3,"
        "\"lastHeartbeat\":\"2025-11-23T00:00:00Z\",\"lastError\":\"it said \\\"no\\\"\\n\","
        "\"queue\":{\"records\":0,\"bytes\":0,\"oldestMs\":0},"
        "\"accepted\":{\"logs\":1,\"metrics\":2,\"traces\":3},\"delivered\":{\"logs\":0,\"metrics\":0,\"traces\":0},"
        "\"refused\":{\"logs\":4,\"metrics\":0,\"traces\":0},\"rejected\":{\"logs\":0,\"metrics\":0,\"traces\":0},"
        "\"lost\":{\"logs\":0,\"metrics\":0,\"traces\":0},\"numbers\":{\"connections\":12}},"
        "{\"name\":\"tail\",\"kind\":\"exporter\",\"type\":\"attached\",\"owner\":\"attached\",\"pid\":555,"
        "\"state\":\"catching \\\"up\\\"\","
        "\"restarts\":0,\"lastHeartbeat\":null,\"lastError\":\"no \\\"room\\\"\","
        "\"queue\":{\"records\":2,\"bytes\":10,\"oldestMs\":8},"
        "\"queues\":{\"metrics\":{\"records\":1,\"bytes\":9,\"oldestMs\":8,\"delivered\":7,\"rejected\":0,"
        "\"lost\":3,\"losses\":{}}},"
        "\"accepted\":{\"logs\":0,\"metrics\":0,\"traces\":0},"
        "\"delivered\":{\"logs\":0,\"metrics\":7,\"traces\":0},\"refused\":{\"logs\":0,\"metrics\":0,\"traces\":0},"
        "\"rejected\":{\"logs\":0,\"metrics\":0,\"traces\":0},"
        "\"lost\":{\"logs\":0,\"metrics\":3,\"traces\":0},\"numbers\":{}}],"
        "\"sources\":[{\"service\":\"the \\\"other\\\"\",\"signal\":\"metrics\",\"records\":71,"
        "\"lastReceived\":\"2025-11-23T00:00:00.000000001Z\",\"sessions\":0,\"lostBeforeUs\":0},"
        "{\"service\":\"claude-code\",\"signal\":\"logs\",\"records\":70,"
        "\"lastReceived\":\"2025-11-23T00:00:00Z\",\"sessions\":3,\"lostBeforeUs\":9}],"
        "\"eventSequenceGaps\":11,\"sourcesForgotten\":{\"services\":13,\"sessions\":14,\"records\":15},"
        "\"store\":{\"state\":\"full\",\"error\":\"no \\\"space\\\"\",\"bytes\":5,\"maxBytes\":6,\"quarantined\":7},"
        "\"deadLetters\":{\"letters\":8,\"bytes\":9,\"dropped\":10,\"replayed\":11,\"damaged\":12},"
        "\"configuration\":{\"reloaded\":\"2025-11-23T00:00:10Z\",\"error\":\"line 3: \\\"x\\\"\"}}");
    scene_close(&s);
}
END_TEST

START_TEST(who_is_not_available_has_no_uptime)
{
    struct scene s;
    struct health_times times = {.up_since_ns = 1763856000 * S_NS, .up_for_ns = S_NS, .now_ns = 1763856001 * S_NS};
    scene_open(&s);
    static const char expected[] =
        "{\"status\":\"Server not available\",\"upSince\":\"0001-01-01T00:00:00Z\",\"uptime\":\"\",\"children\":[";
    ck_assert_msg(strncmp(say(&s, false, &times), expected, strlen(expected)) == 0, "%s", (char *)s.text.data);
    scene_close(&s);
}
END_TEST

SUITE_MAIN("receiver/master/health", before_anything_has_started, a_family_at_work,
           who_is_not_available_has_no_uptime)
