// SPDX-License-Identifier: Apache-2.0
/* Deliveries against servers of the test's own: what is sent, in which order, under which tokens; and what is not sent. */
#include "exporters/clickhouse/work.h"

#include "exporters/clickhouse/block.h"
#include "exporters/clickhouse/note.h"
#include "shared/config/exporter_options.h"
#include "tests/support/suite.h"
#include "tests/unit/exporters/clickhouse/fake_delivery.h"
#include "tests/unit/exporters/clickhouse/fake_server.h"
#include "tests/unit/exporters/console/wire_writer.h"

#define SERVERS 2u
#define INSERTS_MAX 400u
#define DAY_NS UINT64_C(86400000000000)
#define T0 (UINT64_C(20000) * DAY_NS)

struct world;

struct insert {
    unsigned server;
    char token[256];
    uint64_t rows;
    bool empty; /* a block without rows */
};

/* The answer to an INSERT, as fake_answer_fn. */
typedef bool (*answer_fn)(struct world *w, const struct insert *insert, struct buf *out);

struct server {
    struct world *world;
    unsigned index;
    struct fake_server http;
    const char *engine; /* the answer to what is asked of it */
    bool missing;       /* the table */
    bool down;
    unsigned created, described;
};

struct world {
    struct loop *loop;
    struct log log;
    struct server servers[SERVERS];
    struct clickhouse_options options;
    struct client_rules client_rules;
    struct hosts hosts;
    struct client *client;
    struct catalog *catalog;
    struct work_rules rules;
    struct delivery delivery;
    struct work *work;
    unsigned confirmed; /* notes */
    bool hold_notes;
    answer_fn answer;
    struct insert inserts[INSERTS_MAX];
    unsigned count;
    unsigned failures;
    bool ended;
};

/* ---- the servers ---- */

static bool take(struct world *w, const struct insert *insert, struct buf *out)
{
    (void)w;
    fake_reply(out, 200, 0, insert->rows, "");
    return true;
}

static void describe(struct buf *out, enum table_kind kind)
{
    struct buf text = buf_make(1 << 16);
    for (size_t i = 0; i < block_column_count(kind); i++)
        buf_printf(&text, "%s\t%s\t\t\t\t\t\n", block_column_name(kind, i), block_column_type(kind, i));
    buf_byte(&text, '\0');
    fake_reply(out, 200, 0, 0, (const char *)text.data);
    buf_free(&text);
}

static enum table_kind kind_in(const char *text)
{
    static const char *const names[TABLE_KINDS] = {"otel_logs", "otel_traces", "otel_metrics_gauge", "otel_metrics_sum",
                                                   "otel_metrics_histogram", "otel_metrics_exponential_histogram",
                                                   "otel_metrics_summary"};
    for (size_t i = 0; i < TABLE_KINDS; i++)
        if (strstr(text, names[i]))
            return (enum table_kind)i;
    ck_abort_msg("no table in %s", text);
    return TABLE_LOGS;
}

static bool on_insert(struct server *s, const struct fake_request *r, struct buf *out)
{
    struct world *w = s->world;
    const char *token = strstr(r->target, "insert_deduplication_token=");
    struct insert insert = {.server = s->index, .empty = !token};
    size_t at = 1;
    for (unsigned shift = 0; at < r->body.len; shift += 7) { /* of the one block */
        insert.rows |= (uint64_t)(r->body.data[at] & 0x7f) << shift;
        if (!(r->body.data[at++] & 0x80))
            break;
    }
    if (token)
        sscanf(token + 27, "%255[^&]", insert.token);
    ck_assert(insert.empty == (insert.rows == 0));
    /* Nothing is sent before the journal has its note. */
    ck_assert(insert.empty || (w->confirmed == w->delivery.notes && w->delivery.notes > 0));
    ck_assert_uint_lt(w->count, INSERTS_MAX);
    w->inserts[w->count++] = insert;
    return w->answer(w, &insert, out);
}

static bool on_request(void *ctx, const struct fake_request *r, struct buf *out)
{
    struct server *s = ctx;
    char text[4096];
    if (s->down)
        return false;
    if (strstr(r->target, "query=INSERT"))
        return on_insert(s, r, out);
    snprintf(text, sizeof text, "%.*s", (int)r->body.len, (const char *)r->body.data);
    if (strstr(text, "DESCRIBE") == text) {
        s->described++;
        if (s->missing)
            fake_reply(out, 404, 60, 0, "Code: 60. no such table");
        else
            describe(out, kind_in(text));
    } else if (strstr(text, "SELECT engine")) {
        fake_reply(out, 200, 0, 0, s->engine);
    } else if (strstr(text, "SELECT version()")) {
        fake_reply(out, 200, 0, 0, "26.7.2.1\n");
    } else if (strstr(text, "CREATE TABLE")) {
        s->created++;
        s->missing = false;
        fake_reply(out, 200, 0, 0, "");
    } else {
        ck_abort_msg("asked: %s", text);
    }
    return true;
}

/* ---- the world ---- */

/* The journal: confirms notes, as the router does. */
static bool confirm(void *ctx)
{
    struct world *w = ctx;
    if (!w->work || w->hold_notes || w->confirmed == w->delivery.notes)
        return false;
    w->confirmed = w->delivery.notes;
    work_progressed(w->work);
    return true;
}

static void on_worked(void *ctx, enum table_kind kind)
{
    (void)ctx;
    (void)kind;
}

static void on_failed(void *ctx, enum table_kind kind, const struct answer *answer)
{
    struct world *w = ctx;
    (void)kind;
    (void)answer;
    w->failures++;
}

static void on_ended(void *ctx, struct work *work)
{
    struct world *w = ctx;
    ck_assert_ptr_eq(work, w->work);
    work_free(&w->work);
    w->ended = true;
    loop_stop(w->loop);
}

static void build(struct world *w, const char *endpoint)
{
    struct buf why = buf_make(256);
    ck_assert_int_eq(hosts_read(&w->hosts, endpoint, &why), 0);
    w->client_rules = (struct client_rules){.username = "", .password = "", .ca_file = "", .cert_file = "",
                                            .key_file = "", .timeout_ms = 120000};
    w->client = client_new(w->loop, &w->client_rules);
    w->catalog = catalog_new(w->loop, w->client, &w->hosts, &w->options, &w->log);
    w->rules = (struct work_rules){.loop = w->loop, .log = &w->log, .options = &w->options, .client = w->client,
                                   .hosts = &w->hosts, .catalog = w->catalog, .worked = on_worked,
                                   .failed = on_failed, .ended = on_ended, .ctx = w};
    buf_free(&why);
}

static struct world *world_new(size_t servers, Masques__Bus__Signal signal)
{
    struct world *w = calloc(1, sizeof *w);
    const struct option_set *set = &exporter_kind_find(slice_of("clickhouse"))->options;
    char endpoint[200] = "http://";
    w->log = (struct log){.who = "test", .level = LOG_LEVEL_ERROR, .fd = STDERR_FILENO};
    w->loop = loop_new();
    w->answer = take;
    options_default(set->rows, set->count, &w->options);
    w->options.compress = CLICKHOUSE_PLAIN;
    for (unsigned i = 0; i < servers; i++) {
        struct server *s = &w->servers[i];
        *s = (struct server){.world = w, .index = i, .engine = "MergeTree\tMergeTree\t100\t100\tenable\t\n"};
        fake_server_start(&s->http, w->loop, on_request, s);
        snprintf(endpoint + strlen(endpoint), sizeof endpoint - strlen(endpoint), "%s127.0.0.1:%u", i ? "," : "",
                 s->http.port);
    }
    build(w, endpoint);
    fake_delivery_init(&w->delivery, signal);
    ck_assert_int_eq(loop_add_chore(w->loop, confirm, w), 0);
    return w;
}

static void world_free(struct world *w)
{
    work_free(&w->work);
    catalog_free(&w->catalog);
    client_free(&w->client);
    for (unsigned i = 0; i < SERVERS; i++)
        if (w->servers[i].world)
            fake_server_stop(&w->servers[i].http);
    fake_delivery_fini(&w->delivery);
    loop_free(&w->loop);
    free(w);
}

/* One attempt, to its verdict. */
static void attempt(struct world *w)
{
    fake_delivery_again(&w->delivery);
    w->confirmed = w->delivery.notes;
    w->ended = false;
    w->work = work_new(&w->rules, &w->delivery);
    work_begin(w->work);
    if (!w->ended)
        loop_run(w->loop);
    ck_assert_uint_eq(w->delivery.verdicts, 1);
}

static void check_done(struct world *w)
{
    ck_assert_msg(w->delivery.outcome == MASQUES__BUS__OUTCOME__DONE, "%s", w->delivery.error);
}

static void check_retry(struct world *w, bool degraded)
{
    ck_assert_int_eq(w->delivery.outcome, MASQUES__BUS__OUTCOME__RETRY);
    ck_assert_msg(w->delivery.degraded == degraded, "%s", w->delivery.error);
}

/* A batch of log records with these times; their bodies are b0, b1, ... */
static void add_logs(struct delivery *d, const uint64_t *times, size_t count)
{
    struct buf records = ww_new(), resource_logs = ww_new();
    for (size_t i = 0; i < count; i++) {
        char body[32];
        snprintf(body, sizeof body, "b%zu", i);
        struct buf record = ww_new(), value = ww_new();
        ww_fixed64(&record, 1, times[i]);
        ww_text(&value, 1, body);
        ww_message(&record, 5, &value);
        ww_message(&records, 2, &record);
    }
    ww_message(&resource_logs, 2, &records);
    ww_message(fake_batch(d), 1, &resource_logs);
}

static void add_records(struct delivery *d, size_t count)
{
    uint64_t *times = calloc(count, sizeof *times);
    for (size_t i = 0; i < count; i++)
        times[i] = T0 + i;
    add_logs(d, times, count);
    free(times);
}

static void add_metrics(struct delivery *d)
{
    struct buf scope = ww_new(), resource = ww_new();
    for (int kind = 0; kind < 2; kind++) {
        struct buf metric = ww_new(), data = ww_new(), point = ww_new();
        ww_fixed64(&point, 3, T0);
        ww_double(&point, 4, 1.5);
        ww_message(&data, 1, &point);
        ww_text(&metric, 1, "m");
        ww_message(&metric, kind ? 7 : 5, &data);
        ww_message(&scope, 2, &metric);
    }
    ww_message(&resource, 2, &scope);
    ww_message(fake_batch(d), 1, &resource);
}

#define TOKEN(range) "30313233343536373839616263646566/1/logs/1-1/ch/default.otel_logs/20000/" range "/1"

static const char *decoded(const char *token)
{
    static char text[256];
    size_t n = 0;
    for (; *token; token++) {
        unsigned byte = 0;
        if (*token == '%' && sscanf(token + 1, "%2X", &byte) == 1)
            token += 2;
        text[n++] = byte ? (char)byte : *token;
    }
    text[n] = '\0';
    return text;
}

static void check_token(const struct world *w, unsigned index, const char *token)
{
    ck_assert_uint_lt(index, w->count);
    ck_assert_str_eq(decoded(w->inserts[index].token), token);
}

/* ---- the tests ---- */

START_TEST(batches_become_one_insert)
{
    struct world *w = world_new(1, MASQUES__BUS__SIGNAL__LOGS);
    add_records(&w->delivery, 3);
    add_records(&w->delivery, 4);
    attempt(w);
    check_done(w);
    ck_assert_uint_eq(w->count, 1);
    ck_assert_uint_eq(w->inserts[0].rows, 7);
    check_token(w, 0, TOKEN("0-6"));
    ck_assert_uint_eq(w->servers[0].described, 1);
    attempt(w);
    ck_assert_uint_eq(w->servers[0].described, 1); /* it is known */
    check_token(w, 1, TOKEN("0-6"));
    world_free(w);
}
END_TEST

START_TEST(nothing_to_write_is_done)
{
    struct world *w = world_new(1, MASQUES__BUS__SIGNAL__LOGS);
    attempt(w);
    check_done(w);
    ck_assert_uint_eq(w->count, 0);
    world_free(w);
}
END_TEST

static bool stop_later(void *ctx)
{
    loop_stop(((struct world *)ctx)->loop);
    return false;
}

static void nothing(void *ctx)
{
    loop_stop(((struct world *)ctx)->loop);
}

START_TEST(nothing_is_sent_before_the_note_is_in_the_journal)
{
    struct world *w = world_new(1, MASQUES__BUS__SIGNAL__LOGS);
    struct loop_timer *timer = loop_timer_new(w->loop, nothing, w);
    add_records(&w->delivery, 3);
    w->hold_notes = true;
    w->work = work_new(&w->rules, &w->delivery);
    work_begin(w->work);
    ck_assert_int_eq(loop_add_chore(w->loop, stop_later, w), 0);
    while (w->delivery.notes == 0)
        loop_run(w->loop);
    loop_remove_chore(w->loop, stop_later, w);
    loop_timer_set(timer, 300);
    loop_run(w->loop);
    ck_assert_uint_eq(w->delivery.notes, 1);
    ck_assert_uint_eq(w->count, 0);
    struct note note;
    ck_assert_int_eq(note_read(buf_slice(&w->delivery.note), &note), 0);
    ck_assert(note.open && note.place == w->hosts.items[0].id && note.limits.rows == 100000);
    note_fini(&note);
    w->hold_notes = false;
    loop_run(w->loop);
    check_done(w);
    ck_assert_uint_eq(w->count, 1);
    loop_timer_free(&timer);
    world_free(w);
}
END_TEST

static bool busy(struct world *w, const struct insert *insert, struct buf *out)
{
    (void)w;
    (void)insert;
    fake_reply(out, 500, 252, 0, "Code: 252. Too many parts");
    return true;
}

static bool first_then_busy(struct world *w, const struct insert *insert, struct buf *out)
{
    return w->count == 1 ? take(w, insert, out) : busy(w, insert, out);
}

START_TEST(a_partial_success_is_not_written_again)
{
    struct world *w = world_new(1, MASQUES__BUS__SIGNAL__METRICS);
    add_metrics(&w->delivery);
    w->answer = first_then_busy;
    attempt(w);
    check_retry(w, false);
    ck_assert_str_eq(w->delivery.error, "Code: 252. Too many parts");
    ck_assert_uint_gt(w->delivery.after_ms, 0);
    ck_assert_uint_eq(w->count, 2);
    w->answer = take;
    attempt(w);
    check_done(w);
    ck_assert_uint_eq(w->count, 3);
    ck_assert_str_ne(w->inserts[0].token, w->inserts[1].token);
    ck_assert_str_eq(w->inserts[1].token, w->inserts[2].token);
    world_free(w);
}
END_TEST

START_TEST(days_are_inserts_of_their_own)
{
    struct world *w = world_new(1, MASQUES__BUS__SIGNAL__LOGS);
    add_logs(&w->delivery, (uint64_t[]){T0, T0 + DAY_NS, T0, 0}, 4); /* the last: when it was received */
    attempt(w);
    check_done(w);
    ck_assert_uint_eq(w->count, 3);
    check_token(w, 0, TOKEN("0-2"));
    ck_assert_uint_eq(w->inserts[0].rows, 2);
    check_token(w, 1, "30313233343536373839616263646566/1/logs/1-1/ch/default.otel_logs/20001/1-1/1");
    check_token(w, 2, "30313233343536373839616263646566/1/logs/1-1/ch/default.otel_logs/20775/3-3/1");
    world_free(w);
}
END_TEST

START_TEST(what_was_planned_stays_whatever_the_configuration_says)
{
    struct world *w = world_new(1, MASQUES__BUS__SIGNAL__LOGS);
    add_records(&w->delivery, 10);
    w->options.insert_rows = 4;
    w->answer = first_then_busy;
    attempt(w);
    check_retry(w, false);
    check_token(w, 0, TOKEN("0-3"));
    check_token(w, 1, TOKEN("4-7"));
    w->options.insert_rows = 100;
    w->answer = take;
    attempt(w);
    check_done(w);
    ck_assert_uint_eq(w->count, 4);
    check_token(w, 2, TOKEN("4-7"));
    check_token(w, 3, TOKEN("8-9"));
    world_free(w);
}
END_TEST

START_TEST(a_newer_plan_is_left_alone)
{
    static const uint8_t newer[] = {1, 99, 4};
    struct world *w = world_new(1, MASQUES__BUS__SIGNAL__LOGS);
    add_records(&w->delivery, 10);
    buf_append(&w->delivery.note, newer, sizeof newer);
    attempt(w);
    check_retry(w, true);
    ck_assert_uint_eq(w->count, 0);
    ck_assert_uint_eq(w->delivery.note.len, sizeof newer);
    world_free(w);
}
END_TEST

/* ---- rows that are refused ---- */

/* Refuses whatever has row 5 or 11 of the one part. */
static bool refuse_two(struct world *w, const struct insert *insert, struct buf *out)
{
    unsigned first = 0, rows = 20;
    sscanf(decoded(insert->token), "%*[^:]:%u+%u", &first, &rows);
    if (!insert->empty && ((first <= 5 && first + rows > 5) || (first <= 11 && first + rows > 11)))
        fake_reply(out, 400, 6, 0, "Code: 6. Cannot parse");
    else
        return take(w, insert, out);
    return true;
}

START_TEST(a_bad_row_costs_itself)
{
    struct world *w = world_new(1, MASQUES__BUS__SIGNAL__LOGS);
    add_records(&w->delivery, 12);
    add_records(&w->delivery, 8);
    w->answer = refuse_two;
    attempt(w);
    check_done(w);
    ck_assert_uint_eq(w->delivery.reject_count, 2);
    ck_assert_uint_eq(w->delivery.rejects[0].first, 5);
    ck_assert_uint_eq(w->delivery.rejects[0].count, 1);
    ck_assert_uint_eq(w->delivery.rejects[1].first, 11);
    ck_assert_str_eq(w->delivery.reasons[0], "Code: 6. Cannot parse");
    struct slice bytes = buf_slice(&w->delivery.reject_bytes[1]);
    ck_assert_ptr_nonnull(memmem(bytes.data, bytes.len, "b11", 3));
    ck_assert_ptr_null(memmem(bytes.data, bytes.len, "b10", 3));
    uint64_t taken = 0;
    for (unsigned i = 0; i < w->count; i++) {
        struct buf out = buf_make(4096);
        refuse_two(w, &w->inserts[i], &out);
        if (memmem(out.data, out.len, "200", 3))
            taken += w->inserts[i].rows;
        buf_free(&out);
    }
    ck_assert_uint_eq(taken, 18);
    world_free(w);
}
END_TEST

/* No row has room for its attributes: that is known here, and costs that record alone. */
START_TEST(a_row_that_is_too_large_costs_itself)
{
    struct world *w = world_new(1, MASQUES__BUS__SIGNAL__LOGS);
    add_records(&w->delivery, 5);
    struct buf record = ww_new(), scope = ww_new(), resource = ww_new();
    ww_fixed64(&record, 1, T0);
    for (size_t i = 0; i <= ATTRIBUTES_MAX; i++)
        ww_bytes(&record, 6, (struct slice){0});
    ww_message(&scope, 2, &record);
    ww_message(&resource, 2, &scope);
    ww_message(fake_batch(&w->delivery), 1, &resource);
    add_records(&w->delivery, 2);
    attempt(w);
    check_done(w);
    ck_assert_uint_eq(w->delivery.reject_count, 1);
    ck_assert_uint_eq(w->delivery.rejects[0].first, 5);
    ck_assert_uint_eq(w->delivery.rejects[0].count, 1);
    ck_assert_msg(strstr(w->delivery.reasons[0], "more than 524288"), "%s", w->delivery.reasons[0]);
    uint64_t taken = 0;
    for (unsigned i = 0; i < w->count; i++)
        taken += w->inserts[i].rows;
    ck_assert_uint_eq(taken, 7);
    world_free(w);
}
END_TEST

/* Breaks off at every INSERT in turn: the same records are rejected, the same tokens are taken. */
START_TEST(a_division_goes_on_where_it_was)
{
    struct world *whole = world_new(1, MASQUES__BUS__SIGNAL__LOGS);
    add_records(&whole->delivery, 20);
    whole->answer = refuse_two;
    attempt(whole);
    for (unsigned stop = 1; stop < whole->count; stop++) {
        struct world *w = world_new(1, MASQUES__BUS__SIGNAL__LOGS);
        add_records(&w->delivery, 20);
        w->answer = refuse_two;
        fake_delivery_again(&w->delivery);
        w->work = work_new(&w->rules, &w->delivery);
        work_begin(w->work);
        ck_assert_int_eq(loop_add_chore(w->loop, stop_later, w), 0);
        while (w->count < stop)
            loop_run(w->loop);
        loop_remove_chore(w->loop, stop_later, w);
        work_free(&w->work); /* as if it died */
        ck_assert(!w->ended);
        attempt(w);
        check_done(w);
        ck_assert_uint_eq(w->delivery.reject_count, 2);
        ck_assert_uint_eq(w->delivery.rejects[0].first, 5);
        ck_assert_uint_eq(w->delivery.rejects[1].first, 11);
        for (unsigned i = 0; i < w->count; i++) { /* none that is not among those of the whole */
            bool found = false;
            for (unsigned k = 0; k < whole->count; k++)
                found |= strcmp(w->inserts[i].token, whole->inserts[k].token) == 0;
            ck_assert_msg(found, "%s", w->inserts[i].token);
        }
        world_free(w);
    }
    world_free(whole);
}
END_TEST

static bool refuse_all(struct world *w, const struct insert *insert, struct buf *out)
{
    (void)w;
    (void)insert;
    fake_reply(out, 400, 53, 0, "Code: 53. Type mismatch");
    return true;
}

START_TEST(columns_that_are_refused_are_no_rows_fault)
{
    struct world *w = world_new(1, MASQUES__BUS__SIGNAL__LOGS);
    add_records(&w->delivery, 20);
    w->answer = refuse_all; /* the empty block as well */
    attempt(w);
    check_retry(w, true);
    ck_assert_uint_eq(w->count, 2);
    ck_assert(w->inserts[1].empty);
    ck_assert_ptr_nonnull(strstr(w->delivery.error, "Type mismatch"));
    w->answer = take;
    attempt(w);
    check_done(w);
    check_token(w, 2, TOKEN("0-19"));
    world_free(w);
}
END_TEST

/* ---- too much at once, and open tokens ---- */

static bool large(struct world *w, const struct insert *insert, struct buf *out)
{
    if (insert->rows <= 2)
        return take(w, insert, out);
    fake_reply(out, 500, 241, 0, "Code: 241. memory");
    return true;
}

START_TEST(what_is_too_large_is_halved)
{
    struct world *w = world_new(1, MASQUES__BUS__SIGNAL__LOGS);
    add_records(&w->delivery, 8);
    w->answer = large;
    attempt(w);
    check_done(w);
    check_token(w, 0, TOKEN("0-7"));
    check_token(w, 1, TOKEN("0-7:0+4"));
    check_token(w, 2, TOKEN("0-7:0+2"));
    check_token(w, 3, TOKEN("0-7:2+2"));
    check_token(w, 4, TOKEN("0-7:4+4"));
    ck_assert_uint_eq(w->delivery.reject_count, 0);
    world_free(w);
}
END_TEST

static bool hang_up(struct world *w, const struct insert *insert, struct buf *out)
{
    (void)w;
    (void)insert;
    (void)out;
    return false;
}

static void check_never_divided(struct world *w)
{
    w->answer = large;
    attempt(w);
    check_retry(w, false);
    attempt(w);
    check_retry(w, false);
    w->answer = take;
    attempt(w);
    check_done(w);
    for (unsigned i = 0; i < w->count; i++)
        check_token(w, i, TOKEN("0-7"));
}

START_TEST(an_open_token_is_never_divided)
{
    struct world *w = world_new(1, MASQUES__BUS__SIGNAL__LOGS);
    add_records(&w->delivery, 8);
    w->answer = hang_up;
    attempt(w);
    check_retry(w, false);
    check_never_divided(w);
    world_free(w);
}
END_TEST

START_TEST(nor_one_that_another_process_may_have_sent)
{
    struct world *w = world_new(1, MASQUES__BUS__SIGNAL__LOGS);
    add_records(&w->delivery, 8);
    w->work = work_new(&w->rules, &w->delivery);
    work_begin(w->work);
    ck_assert_int_eq(loop_add_chore(w->loop, stop_later, w), 0);
    while (w->delivery.notes == 0 || w->confirmed == 0)
        loop_run(w->loop);
    loop_remove_chore(w->loop, stop_later, w);
    work_free(&w->work); /* it dies, with the note in the journal */
    check_never_divided(w);
    world_free(w);
}
END_TEST

START_TEST(a_definite_answer_is_noted_as_one)
{
    struct world *w = world_new(1, MASQUES__BUS__SIGNAL__LOGS);
    add_records(&w->delivery, 8);
    w->answer = busy;
    attempt(w);
    check_retry(w, false);
    w->answer = large;
    attempt(w);
    check_done(w); /* it could be divided */
    check_token(w, 2, TOKEN("0-7:0+4"));
    world_free(w);
}
END_TEST

/* ---- several servers ---- */

START_TEST(a_server_that_is_down_is_passed_over)
{
    struct world *w = world_new(2, MASQUES__BUS__SIGNAL__LOGS);
    add_records(&w->delivery, 8);
    w->servers[0].down = true;
    attempt(w);
    check_done(w);
    ck_assert_uint_eq(w->count, 1);
    ck_assert_uint_eq(w->inserts[0].server, 1);
    world_free(w);
}
END_TEST

START_TEST(a_definite_answer_lets_another_server_try)
{
    struct world *w = world_new(2, MASQUES__BUS__SIGNAL__LOGS);
    add_records(&w->delivery, 8);
    w->answer = first_then_busy;
    attempt(w);
    check_done(w);
    w->count = 0;
    w->answer = busy;
    buf_clear(&w->delivery.note);
    attempt(w);
    check_retry(w, false);
    ck_assert_uint_eq(w->count, 2);
    ck_assert_uint_ne(w->inserts[0].server, w->inserts[1].server);
    world_free(w);
}
END_TEST

START_TEST(an_open_token_stays_with_its_server)
{
    struct world *w = world_new(2, MASQUES__BUS__SIGNAL__LOGS);
    add_records(&w->delivery, 8);
    w->answer = hang_up;
    attempt(w);
    check_retry(w, false);
    w->servers[0].down = true;
    w->answer = take;
    attempt(w);
    check_retry(w, false);
    attempt(w);
    check_retry(w, false);
    w->servers[0].down = false;
    attempt(w);
    check_done(w);
    for (unsigned i = 0; i < w->count; i++)
        ck_assert_uint_eq(w->inserts[i].server, 0);
    world_free(w);
}
END_TEST

START_TEST(replicas_know_each_others_tokens)
{
    static const char replicated[] = "ReplicatedMergeTree\tx\t100\t100\tenable\t/keeper/path\n";
    struct world *w = world_new(2, MASQUES__BUS__SIGNAL__LOGS);
    add_records(&w->delivery, 8);
    w->servers[0].engine = w->servers[1].engine = replicated;
    w->answer = hang_up;
    attempt(w);
    check_retry(w, false);
    w->servers[0].down = true;
    w->answer = take;
    unsigned before = w->count;
    attempt(w);
    check_done(w);
    ck_assert_uint_eq(w->inserts[before].server, 1);
    check_token(w, before, TOKEN("0-7"));
    world_free(w);
}
END_TEST

START_TEST(a_server_that_is_not_configured_any_more_is_not_waited_for)
{
    struct world *w = world_new(1, MASQUES__BUS__SIGNAL__LOGS);
    add_records(&w->delivery, 8);
    w->answer = hang_up;
    attempt(w);
    check_retry(w, false);
    w->hosts.items[0].id ^= 2; /* another one */
    catalog_free(&w->catalog);
    w->catalog = catalog_new(w->loop, w->client, &w->hosts, &w->options, &w->log);
    w->rules.catalog = w->catalog;
    w->answer = take;
    attempt(w);
    check_done(w);
    world_free(w);
}
END_TEST

/* ---- tables ---- */

START_TEST(a_missing_table_is_created)
{
    struct world *w = world_new(1, MASQUES__BUS__SIGNAL__LOGS);
    add_records(&w->delivery, 8);
    w->servers[0].missing = true;
    attempt(w);
    check_done(w);
    ck_assert_uint_eq(w->servers[0].created, 1);
    world_free(w);
}
END_TEST

START_TEST(unless_that_is_not_wanted)
{
    struct world *w = world_new(1, MASQUES__BUS__SIGNAL__LOGS);
    add_records(&w->delivery, 8);
    w->servers[0].missing = true;
    w->options.create_schema = false;
    attempt(w);
    check_retry(w, true);
    ck_assert_str_eq(w->delivery.error, "Code: 60. no such table");
    ck_assert_uint_eq(w->servers[0].created, 0);
    world_free(w);
}
END_TEST

static bool gone_once(struct world *w, const struct insert *insert, struct buf *out)
{
    if (w->count != 1)
        return take(w, insert, out);
    w->servers[0].missing = true;
    fake_reply(out, 404, 60, 0, "Code: 60. gone");
    return true;
}

START_TEST(a_table_that_goes_is_made_again)
{
    struct world *w = world_new(1, MASQUES__BUS__SIGNAL__LOGS);
    add_records(&w->delivery, 8);
    w->answer = gone_once;
    attempt(w);
    check_done(w);
    ck_assert_uint_eq(w->servers[0].created, 1);
    check_token(w, 1, TOKEN("0-7"));
    world_free(w);
}
END_TEST

static bool denied(struct world *w, const struct insert *insert, struct buf *out)
{
    (void)w;
    (void)insert;
    fake_reply(out, 403, 497, 0, "Code: 497. Not enough privileges");
    return true;
}

START_TEST(what_an_operator_must_mend_is_said_so)
{
    struct world *w = world_new(1, MASQUES__BUS__SIGNAL__LOGS);
    add_records(&w->delivery, 8);
    w->answer = denied;
    attempt(w);
    check_retry(w, true);
    ck_assert_str_eq(w->delivery.error, "Code: 497. Not enough privileges");
    ck_assert_uint_ge(w->delivery.after_ms, ANSWER_HOLD_MS);
    ck_assert_uint_eq(w->failures, 1);
    world_free(w);
}
END_TEST

START_TEST(a_work_can_be_freed_at_any_time)
{
    for (unsigned turns = 0; turns < 40; turns++) {
        struct world *w = world_new(1, MASQUES__BUS__SIGNAL__LOGS);
        add_records(&w->delivery, 3);
        w->work = work_new(&w->rules, &w->delivery);
        work_begin(w->work);
        ck_assert_int_eq(loop_add_chore(w->loop, stop_later, w), 0);
        for (unsigned i = 0; i < turns && !w->ended; i++)
            loop_run(w->loop);
        world_free(w);
    }
}
END_TEST

SUITE_MAIN("work", batches_become_one_insert, nothing_to_write_is_done,
           nothing_is_sent_before_the_note_is_in_the_journal, a_partial_success_is_not_written_again,
           days_are_inserts_of_their_own, what_was_planned_stays_whatever_the_configuration_says,
           a_newer_plan_is_left_alone, a_bad_row_costs_itself, a_row_that_is_too_large_costs_itself,
           a_division_goes_on_where_it_was, columns_that_are_refused_are_no_rows_fault, what_is_too_large_is_halved,
           an_open_token_is_never_divided, nor_one_that_another_process_may_have_sent,
           a_definite_answer_is_noted_as_one, a_server_that_is_down_is_passed_over,
           a_definite_answer_lets_another_server_try, an_open_token_stays_with_its_server,
           replicas_know_each_others_tokens, a_server_that_is_not_configured_any_more_is_not_waited_for,
           a_missing_table_is_created, unless_that_is_not_wanted, a_table_that_goes_is_made_again,
           what_an_operator_must_mend_is_said_so, a_work_can_be_freed_at_any_time)
