// SPDX-License-Identifier: Apache-2.0
/* What /metrics says of families that stand still. The format as a whole is looked at by the integration test. */
#include "receiver/master/metrics.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/support/suite.h"
#include "tests/unit/receiver/master/standing.h"

static const struct metrics_gateway gateway = {
    .receiver = "otlp/\"x\"", .available = true, .uptime_s = 1.5, .usage = {.cpu_s = 0.25, .rss_bytes = 4096}};

static const char *say(struct scene *s)
{
    buf_clear(&s->text);
    metrics_text(&s->text, s->family, &gateway);
    buf_byte(&s->text, '\0');
    ck_assert(buf_ok(&s->text));
    return (const char *)s->text.data;
}

/* The line stands there, and once. */
static void ck_line(const char *text, const char *line)
{
    char whole[512];
    snprintf(whole, sizeof whole, "\n%s\n", line);
    const char *at = strstr(text, whole);
    ck_assert_msg(at != NULL, "no line: %s\n%s", line, text);
    ck_assert_msg(strstr(at + 1, whole) == NULL, "twice: %s", line);
}

static void ck_none(const char *text, const char *piece)
{
    ck_assert_msg(strstr(text, piece) == NULL, "there is: %s", piece);
}

struct numbers {
    Masques__Control__Number rows[16], *list[16];
    size_t count;
};

static void add_number(struct numbers *n, const char *name, uint64_t value)
{
    masques__control__number__init(&n->rows[n->count]);
    n->rows[n->count].name = (char *)(uintptr_t)name;
    n->rows[n->count].value = value;
    n->list[n->count] = &n->rows[n->count];
    n->count++;
}

static void worker_beats(struct member *m, struct numbers *n)
{
    Masques__Control__Beat b = MASQUES__CONTROL__BEAT__INIT;
    b.numbers = n->list;
    b.n_numbers = n->count;
    if (m->beat)
        masques__control__beat__free_unpacked(m->beat, NULL);
    beat(m, &b);
    m->state = MEMBER_RUNNING;
    m->pid = 102;
}

START_TEST(before_anything_has_started)
{
    struct scene s;
    scene_open(&s);
    const char *text = say(&s);
    ck_line(text, "otelcol_receiver_accepted_spans{receiver=\"otlp/\\\"x\\\"\",transport=\"http\"} 0");
    ck_line(text, "otelcol_process_uptime 1.5");
    ck_line(text, "otelcol_process_cpu_seconds 0.25");
    ck_line(text, "otelcol_process_memory_rss 4096");
    ck_line(text, "masques_accepting 1");
    ck_line(text, "masques_child_up{child=\"debug/a\",kind=\"exporter\"} 0");
    ck_line(text, "masques_child_state{child=\"debug/a\",kind=\"exporter\",state=\"waiting\"} 1");
    ck_line(text, "masques_event_sequence_gaps 0");
    ck_none(text, "masques_store_bytes"); /* nobody has told of it */
    ck_none(text, "masques_connections{");
    scene_close(&s);
}
END_TEST

START_TEST(workers_are_counted_together_also_those_that_are_gone)
{
    struct scene s;
    struct numbers n = {.count = 0};
    scene_open(&s);
    struct member *m = child(&s, 2);
    add_number(&n, "accepted_logs_grpc", 7);
    add_number(&n, "failed_traces_http", 2);
    add_number(&n, "refused_too_large", 3);
    add_number(&n, "refused_logs_http", 4);
    add_number(&n, "refused_a\"b", 1); /* whatever a newer worker says */
    add_number(&n, "mended_metrics", 5);
    add_number(&n, "connections", 12);
    worker_beats(m, &n);
    totals_add(&m->past, m->beat); /* another process has taken its name over */
    n.count = 0;
    add_number(&n, "accepted_logs_grpc", 1);
    add_number(&n, "refused_store_full", 1);
    add_number(&n, "connections", 1);
    worker_beats(m, &n);
    const char *text = say(&s);
    ck_line(text, "otelcol_receiver_accepted_log_records{receiver=\"otlp/\\\"x\\\"\",transport=\"grpc\"} 8");
    ck_line(text, "otelcol_receiver_failed_spans{receiver=\"otlp/\\\"x\\\"\",transport=\"http\"} 2");
    ck_line(text, "otelcol_receiver_refused_log_records{receiver=\"otlp/\\\"x\\\"\",transport=\"http\"} 4");
    ck_line(text, "masques_mended_values_total{signal=\"metrics\"} 5");
    ck_line(text, "masques_refused_requests_total{reason=\"a\\\"b\"} 1\n"
                  "masques_refused_requests_total{reason=\"store_full\"} 1\n"
                  "masques_refused_requests_total{reason=\"too_large\"} 3"); /* in the order of the alphabet */
    ck_none(text, "reason=\"logs_http\"");
    ck_line(text, "masques_connections{worker=\"worker/1\"} 1"); /* a gauge is of now */
    m->pid = 0;
    ck_none(say(&s), "masques_connections{");
    scene_close(&s);
}
END_TEST

static void router_beats(struct member *m)
{
    Masques__Control__Beat b = MASQUES__CONTROL__BEAT__INIT;
    Masques__Control__Queue queues[4], *list[4];
    Masques__Control__Number losses[2], *loss_list[] = {&losses[0], &losses[1]};
    Masques__Control__Seen seen = MASQUES__CONTROL__SEEN__INIT, *heard[] = {&seen};
    struct numbers n = {.count = 0};
    uint64_t accepted[] = {10, 20, 30}, refused[] = {1, 2, 3};
    static const struct {
        const char *exporter;
        uint32_t signal;
    } rows[] = {{"debug/a", 1}, {"tail", 3}, {"tail", 3}, {"tail", 99}}; /* the last two are no sense */
    for (unsigned i = 0; i < 4; i++) {
        masques__control__queue__init(&queues[i]);
        queues[i].exporter = (char *)(uintptr_t)rows[i].exporter;
        queues[i].signal = rows[i].signal;
        queues[i].state = (char *)"running";
        queues[i].owner = (char *)(i ? "attached" : "configured");
        queues[i].records = 5;
        queues[i].bytes = 100;
        queues[i].oldest_ms = 1250;
        queues[i].delivered = 40;
        queues[i].rejected = 3;
        queues[i].lost = i ? 0 : 9;
        list[i] = &queues[i];
    }
    for (unsigned i = 0; i < 2; i++)
        masques__control__number__init(&losses[i]);
    losses[0].name = (char *)"gave up";
    losses[0].value = 2;
    losses[1].name = (char *)"space";
    losses[1].value = 7;
    queues[0].losses = loss_list;
    queues[0].n_losses = 2;
    seen.service = (char *)"claude\n\"code\"";
    seen.signal = 1;
    seen.records = 6;
    seen.last_ns = 1763856000 * S_NS + S_NS / 2;
    seen.lost_before_us = 4;
    add_number(&n, "store_bytes", 1234);
    add_number(&n, "store_max_bytes", 9999);
    add_number(&n, "batches", 17);
    add_number(&n, "dead_letters_dropped", 6);
    add_number(&n, "seen_services_forgotten", 21);
    b.store = (char *)"failing";
    add_number(&n, "novelty", 8); /* of a newer router */
    add_number(&n, "not a name", 8);
    b.queues = list;
    b.n_queues = 4;
    b.accepted = accepted;
    b.n_accepted = 3;
    b.refused = refused;
    b.n_refused = 3;
    b.seen = heard;
    b.n_seen = 1;
    b.sequence_gaps = 4;
    b.numbers = n.list;
    b.n_numbers = n.count;
    beat(m, &b);
    m->state = MEMBER_RUNNING;
    m->pid = 100;
    m->heard_ns = 1763856000 * S_NS;
    m->restarts = 2;
}

START_TEST(what_the_router_tells)
{
    struct scene s;
    scene_open(&s);
    router_beats(child(&s, 0));
    const char *text = say(&s);
    ck_line(text, "otelcol_exporter_sent_log_records{exporter=\"debug/a\"} 40");
    ck_line(text, "otelcol_exporter_sent_spans{exporter=\"tail\"} 40");
    ck_line(text, "otelcol_exporter_send_failed_log_records{exporter=\"debug/a\"} 5"); /* rejected and given up */
    ck_line(text, "otelcol_exporter_enqueue_failed_log_records{exporter=\"debug/a\"} 7");
    ck_line(text, "otelcol_exporter_queue_size{exporter=\"tail\",data_type=\"traces\"} 100");
    ck_line(text, "otelcol_exporter_queue_capacity{exporter=\"tail\",data_type=\"traces\"} 9999");
    ck_line(text, "masques_exporter_state{exporter=\"tail\",state=\"running\",owner=\"attached\"} 1");
    ck_line(text, "masques_queue_records{exporter=\"debug/a\",signal=\"logs\"} 5");
    ck_line(text, "masques_queue_oldest_seconds{exporter=\"debug/a\",signal=\"logs\"} 1.25");
    ck_line(text, "masques_exporter_rejected_records_total{exporter=\"tail\",signal=\"traces\"} 3");
    ck_line(text, "masques_exporter_lost_records_total{exporter=\"debug/a\",signal=\"logs\",reason=\"gave up\"} 2");
    ck_line(text, "masques_router_stored_records_total{signal=\"metrics\"} 20");
    ck_line(text, "masques_router_refused_records_total{signal=\"traces\"} 3");
    ck_line(text, "masques_store_bytes 1234");
    ck_line(text, "masques_batches_stored_total 17");
    ck_line(text, "masques_store_state{state=\"failing\"} 1");
    ck_line(text, "masques_store_state{state=\"ok\"} 0");
    ck_line(text, "masques_dead_letters_dropped_total 6");
    ck_line(text, "masques_seen_services_forgotten_total 21");
    ck_line(text, "# TYPE masques_router_novelty untyped");
    ck_line(text, "masques_router_novelty 8");
    ck_none(text, "not a name");
    ck_line(text, "masques_source_records_total{service=\"claude\\n\\\"code\\\"\",signal=\"logs\"} 6");
    ck_line(text, "masques_source_last_received_seconds{service=\"claude\\n\\\"code\\\"\",signal=\"logs\"} 1763856000.5");
    ck_line(text, "masques_source_lost_before_us{service=\"claude\\n\\\"code\\\"\",signal=\"logs\"} 4");
    ck_line(text, "masques_event_sequence_gaps 4");
    ck_line(text, "masques_child_restarts_total{child=\"router\",kind=\"router\"} 2");
    ck_line(text, "masques_child_last_heartbeat_seconds{child=\"router\",kind=\"router\"} 1763856000");
    scene_close(&s);
}
END_TEST

/* A child of ours that has worked and ended still counts. */
START_TEST(usage_counts_the_living_and_the_dead)
{
    struct scene s;
    scene_open(&s);
    int ready[2];
    char byte;
    ck_assert_int_eq(pipe(ready), 0);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        while (clock() < CLOCKS_PER_SEC / 20) /* of its own CPU time: several ticks */
            continue;
        if (write(ready[1], "x", 1) == 1)
            pause();
        _exit(0);
    }
    ck_assert_int_eq((int)read(ready[0], &byte, 1), 1);
    struct usage without = usage_of(s.family);
    child(&s, 1)->pid = pid;
    struct usage living = usage_of(s.family);
    ck_assert(living.cpu_s > without.cpu_s);
    ck_assert_uint_gt(without.rss_bytes, 0);
    ck_assert_uint_gt(living.rss_bytes, without.rss_bytes);
    kill(pid, SIGKILL);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    child(&s, 1)->pid = 0;
    struct usage dead = usage_of(s.family);
    ck_assert(dead.cpu_s >= living.cpu_s); /* what /proc says is cut to whole ticks */
    ck_assert_uint_lt(dead.rss_bytes, living.rss_bytes);
    scene_close(&s);
}
END_TEST

SUITE_MAIN("receiver/master/metrics", before_anything_has_started,
           workers_are_counted_together_also_those_that_are_gone, what_the_router_tells,
           usage_counts_the_living_and_the_dead)
