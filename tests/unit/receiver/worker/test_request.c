// SPDX-License-Identifier: Apache-2.0
#include "receiver/worker/request.h"

#include <pthread.h>
#include <zlib.h>

#include "tests/unit/receiver/worker/bus_stage.h"

/* One log record with a body: resource_logs{scope_logs{log_records{body{"hi"}}}}. */
static const uint8_t one_record[] = {0x0a, 0x0a, 0x12, 0x08, 0x12, 0x06,
                                     0x2a, 0x04, 0x0a, 0x02, 'h',  'i'};
#define LEDGER_BYTES 100000u
#define ONE slice_make(one_record, sizeof one_record)

struct bench {
    struct stage stage;
    struct intake intake;
    enum otlp_codec codec;
    unsigned answers;
    struct request_answer last;
    char said[200]; /* the last answer's message */
};

static void on_answer(void *ctx, const struct request_answer *answer)
{
    struct bench *b = ctx;
    b->answers++;
    b->last = *answer;
    snprintf(b->said, sizeof b->said, "%.*s", (int)answer->message.len,
             answer->message.len ? (const char *)answer->message.data : "");
    b->stage.done_count = b->answers;
}

static void bench_open(struct bench *b)
{
    *b = (struct bench){0};
    stage_open(&b->stage);
    b->intake.loop = b->stage.loop;
    b->intake.log = &b->stage.log;
    b->intake.limits = (struct limits){.max_depth = 20, .max_records = 3, .inflate_ratio = 200};
    ck_assert_int_eq(refinery_init(&b->intake.refinery), GW_OK);
    b->intake.jobs = jobs_new(b->stage.loop);
    b->intake.scratch = buf_make(INTAKE_SCRATCH_BYTES);
    /* The stage's ledger is the uplink's: a request charges the same one. */
    uplink_free(&b->stage.uplink);
    ledger_init(&b->intake.ledger, LEDGER_BYTES);
    b->stage.uplink = b->intake.uplink =
        uplink_new(&(struct uplink_setup){.loop = b->stage.loop,
                                          .context = b->stage.context,
                                          .endpoint = b->stage.endpoint,
                                          .name = "worker/1",
                                          .ledger = &b->intake.ledger,
                                          .log = &b->stage.log});
    ck_assert_ptr_nonnull(b->intake.uplink);
}

static void bench_close(struct bench *b)
{
    jobs_free(&b->intake.jobs);
    stage_close(&b->stage);
    refinery_fini(&b->intake.refinery);
    buf_free(&b->intake.scratch);
    ck_assert_uint_eq(b->intake.ledger.used_bytes, 0); /* every charge has found its way back */
}

static void begin(struct bench *b, struct request *r, enum endpoint_coding coding, uint64_t max)
{
    struct endpoint endpoint = {.signal = OTLP_LOGS, .codec = b->codec, .coding = coding};
    request_init(r, &b->intake, &endpoint, max, on_answer, b);
}

/* Admits, fills and submits a body of known length. */
static bool send_body(struct bench *b, struct request *r, struct slice body,
                      enum endpoint_coding coding, struct request_answer *answer)
{
    begin(b, r, coding, 50000);
    ck_assert_int_eq(request_admit(r, body.len), OTLP_ACCEPTED);
    if (body.len) {
        memcpy(r->body->data, body.data, body.len);
        r->body->len = body.len;
    }
    return request_submit(r, loop_now_ms(b->stage.loop) + 100000, answer);
}

START_TEST(a_stored_batch_is_accepted_and_counted)
{
    struct bench b;
    struct request r;
    struct request_answer answer;
    bench_open(&b);
    stage_until(&b.stage, stage_is_up);
    ck_assert(send_body(&b, &r, ONE, ENDPOINT_IDENTITY, &answer));
    stage_until_seen(&b.stage, 1);
    ck_assert_uint_eq(b.stage.seen[0].len, sizeof one_record);
    ck_assert_uint_eq(b.stage.seen[0].records, 1);
    ck_assert_uint_eq(b.answers, 0); /* not before it is stored */
    ck_assert_uint_eq(b.intake.ledger.used_bytes, sizeof one_record);
    stage_store(&b.stage, 1);
    stage_until_done(&b.stage, 1);
    ck_assert_int_eq(b.last.cause, OTLP_ACCEPTED);
    ck_assert_uint_eq(b.intake.counters.accepted[OTLP_LOGS - 1], 1);
    ck_assert_uint_eq(b.intake.counters.requests[OTLP_LOGS - 1], 1);
    request_fini(&r);
    bench_close(&b);
}
END_TEST

START_TEST(a_refused_batch_is_refused_with_the_routers_time)
{
    struct bench b;
    struct request r;
    struct request_answer answer;
    bench_open(&b);
    stage_until(&b.stage, stage_is_up);
    ck_assert(send_body(&b, &r, ONE, ENDPOINT_IDENTITY, &answer));
    stage_until_seen(&b.stage, 1);
    stage_settle(&b.stage, (const uint64_t[]){1}, 1, MASQUES__BUS__REASON__STORE_FULL, 1700);
    stage_until_done(&b.stage, 1);
    ck_assert_int_eq(b.last.cause, OTLP_STORE_FULL);
    ck_assert_uint_eq(b.last.after_ms, 1700);
    ck_assert_uint_eq(b.intake.counters.refused[OTLP_LOGS - 1], 1);
    ck_assert_uint_eq(b.intake.counters.refusals[OTLP_STORE_FULL], 1);
    ck_assert_uint_eq(b.intake.counters.accepted[OTLP_LOGS - 1], 0);
    request_fini(&r);
    bench_close(&b);
}
END_TEST

static const struct {
    const char *bytes;
    size_t len;
    const char *why;
} empty[] = {
    {"", 0, "no bytes at all"},
    {"\x0a\x00", 2, "an empty resource_logs"},
    {"\x0a\x02\x12\x00", 4, "an empty scope_logs"},
};

START_TEST(requests_without_records_succeed_and_go_nowhere)
{
    struct bench b;
    bench_open(&b);
    stage_until(&b.stage, stage_is_up);
    for (unsigned i = 0; i < sizeof empty / sizeof empty[0]; i++) {
        struct request r;
        struct request_answer answer;
        bool waits = send_body(&b, &r, slice_make(empty[i].bytes, empty[i].len),
                               ENDPOINT_IDENTITY, &answer);
        ck_assert_msg(!waits && answer.cause == OTLP_ACCEPTED, "%s", empty[i].why);
        request_fini(&r);
    }
    ck_assert_uint_eq(b.intake.counters.empty_requests, 3);
    ck_assert_uint_eq(uplink_counters(b.intake.uplink)->open, 0);
    bench_close(&b);
}
END_TEST

/* Deeper than the limit of 20 messages, each the array_value of the one around it; lengths from the inside out. */
static size_t deep_body(uint8_t *to)
{
    uint8_t bytes[400];
    size_t len = 0;
    for (int i = 0; i < 12; i++) { /* AnyValue{array_value{values{...}}}: two messages a turn */
        uint8_t next[400];
        size_t n = 0;
        next[n++] = 0x2a;
        next[n++] = (uint8_t)(len + 2);
        next[n++] = 0x0a;
        next[n++] = (uint8_t)len;
        memcpy(next + n, bytes, len);
        len += n;
        memcpy(bytes, next, len);
    }
    static const uint8_t around[] = {0x2a, 0x12, 0x12, 0x0a}; /* body, log_records, scope_logs, resource_logs */
    for (size_t i = 0; i < sizeof around; i++) {
        memmove(bytes + 2, bytes, len);
        bytes[0] = around[i];
        bytes[1] = (uint8_t)len;
        len += 2;
    }
    memcpy(to, bytes, len);
    return len;
}

START_TEST(what_is_no_otlp_is_refused_with_what_and_where)
{
    struct bench b;
    struct request r;
    struct request_answer answer;
    uint8_t deep[400];
    bench_open(&b);
    ck_assert(!send_body(&b, &r, slice_of("\x0a\x50zz"), ENDPOINT_IDENTITY, &answer));
    ck_assert_int_eq(answer.cause, OTLP_MALFORMED_PROTOBUF);
    buf_byte(&b.intake.scratch, 0);
    ck_assert_ptr_nonnull(strstr((const char *)answer.message.data, "resource_logs"));
    ck_assert_uint_eq(b.intake.ledger.used_bytes, 0); /* given back with the answer */
    request_fini(&r);

    ck_assert(!send_body(&b, &r, slice_make(deep, deep_body(deep)), ENDPOINT_IDENTITY, &answer));
    ck_assert_int_eq(answer.cause, OTLP_TOO_DEEP);
    request_fini(&r);

    static const uint8_t four[] = {0x0a, 0x0a, 0x12, 0x08, 0x12, 0, 0x12, 0, 0x12, 0, 0x12, 0};
    ck_assert(!send_body(&b, &r, slice_make(four, sizeof four), ENDPOINT_IDENTITY, &answer));
    ck_assert_int_eq(answer.cause, OTLP_TOO_MANY_RECORDS);
    request_fini(&r);
    bench_close(&b);
}
END_TEST

START_TEST(a_body_over_the_limit_is_refused_before_anything_is_kept)
{
    struct bench b;
    struct request r;
    bench_open(&b);
    begin(&b, &r, ENDPOINT_IDENTITY, 1000);
    ck_assert_int_eq(request_admit(&r, 1001), OTLP_TOO_LARGE_WIRE);
    ck_assert_uint_eq(b.intake.ledger.used_bytes, 0);
    ck_assert_int_eq(request_admit(&r, 1000), OTLP_ACCEPTED);
    request_fini(&r);
    bench_close(&b);
}
END_TEST

START_TEST(a_full_ledger_refuses_the_last_to_ask)
{
    struct bench b;
    struct request first, second;
    bench_open(&b);
    begin(&b, &first, ENDPOINT_IDENTITY, 80000);
    begin(&b, &second, ENDPOINT_IDENTITY, 80000);
    ck_assert_int_eq(request_admit(&first, 80000), OTLP_ACCEPTED);
    ck_assert_int_eq(request_admit(&second, LEDGER_BYTES - 80000 + 1), OTLP_OVERLOADED);
    ck_assert_uint_eq(b.intake.ledger.used_bytes, 80000);
    request_fini(&second);
    request_fini(&first);
    ck_assert_uint_eq(b.intake.ledger.used_bytes, 0);
    bench_close(&b);
}
END_TEST

START_TEST(a_body_of_unknown_size_grows_up_to_the_limit)
{
    struct bench b;
    struct request r;
    uint8_t piece[7000];
    memset(piece, 'p', sizeof piece);
    bench_open(&b);
    begin(&b, &r, ENDPOINT_IDENTITY, 50000);
    for (unsigned i = 1; i <= 7; i++) {
        ck_assert_int_eq(request_append(&r, slice_make(piece, sizeof piece)), OTLP_ACCEPTED);
        ck_assert_uint_eq(r.body->len, i * sizeof piece);
        ck_assert_uint_ge(b.intake.ledger.used_bytes, r.body->cap); /* all memory is charged */
    }
    ck_assert_int_eq(r.body->data[48999], 'p');
    ck_assert_int_eq(request_append(&r, slice_make(piece, 1001)), OTLP_TOO_LARGE_WIRE);
    ck_assert_int_eq(request_append(&r, slice_make(piece, 1000)), OTLP_ACCEPTED);
    request_fini(&r);
    bench_close(&b);
}
END_TEST

/* gzip of `n` times one_record. */
static size_t gzip(uint8_t *to, size_t room, unsigned n)
{
    z_stream z = {0};
    ck_assert_int_eq(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_out = to;
    z.avail_out = (uInt)room;
    for (unsigned i = 0; i < n; i++) {
        z.next_in = (Bytef *)(uintptr_t)one_record;
        z.avail_in = sizeof one_record;
        ck_assert_int_eq(deflate(&z, Z_NO_FLUSH), Z_OK);
    }
    ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return z.total_out;
}

static bool count_grants(void *ctx, size_t bytes)
{
    *(size_t *)ctx += bytes;
    return true;
}

/* What the ledger is charged for the inflated body alone. */
static size_t inflated_charge(struct bench *b, struct slice body)
{
    size_t granted = 0;
    struct inflate_limits limits = {.max_bytes = 50000, .ratio = 200, .grant = count_grants, .ctx = &granted};
    struct blob *out = NULL;
    const char *why;
    ck_assert_int_eq(inflate_gzip(b->intake.refinery.inflate, body, &limits, &out, &why), GW_OK);
    blob_drop(out);
    return granted;
}

START_TEST(a_gzip_body_is_published_inflated)
{
    struct bench b;
    struct request r;
    struct request_answer answer;
    uint8_t body[2000];
    bench_open(&b);
    stage_until(&b.stage, stage_is_up);
    size_t len = gzip(body, sizeof body, 3);
    ck_assert(send_body(&b, &r, slice_make(body, len), ENDPOINT_GZIP, &answer));
    stage_until_seen(&b.stage, 1);
    ck_assert_uint_eq(b.stage.seen[0].len, 3 * sizeof one_record);
    ck_assert_uint_eq(b.stage.seen[0].records, 3);
    ck_assert_uint_eq(b.intake.ledger.used_bytes, inflated_charge(&b, slice_make(body, len)));
    stage_store(&b.stage, 1);
    stage_until_done(&b.stage, 1);
    ck_assert_int_eq(b.last.cause, OTLP_ACCEPTED);
    request_fini(&r);
    bench_close(&b);
}
END_TEST

START_TEST(a_gzip_body_that_does_not_inflate_well_is_refused)
{
    struct bench b;
    struct request r;
    struct request_answer answer;
    uint8_t body[2000];
    bench_open(&b);
    ck_assert(!send_body(&b, &r, slice_of("no gzip"), ENDPOINT_GZIP, &answer));
    ck_assert_int_eq(answer.cause, OTLP_CORRUPT_GZIP);
    request_fini(&r);
    ck_assert(!send_body(&b, &r, slice_make(NULL, 0), ENDPOINT_GZIP, &answer));
    ck_assert_int_eq(answer.cause, OTLP_CORRUPT_GZIP);
    request_fini(&r);
    size_t len = gzip(body, sizeof body, 5000); /* 60,000 bytes; 50,000 are allowed */
    ck_assert(!send_body(&b, &r, slice_make(body, len), ENDPOINT_GZIP, &answer));
    ck_assert_int_eq(answer.cause, OTLP_TOO_LARGE_INFLATED);
    ck_assert_uint_eq(b.intake.ledger.used_bytes, 0);
    request_fini(&r);
    bench_close(&b);
}
END_TEST

START_TEST(a_client_that_goes_takes_an_unsent_batch_with_it)
{
    struct bench b;
    struct request r;
    struct request_answer answer;
    bench_open(&b); /* no session yet */
    ck_assert(send_body(&b, &r, ONE, ENDPOINT_IDENTITY, &answer));
    ck_assert_uint_eq(b.intake.ledger.used_bytes, sizeof one_record);
    request_fini(&r);
    request_fini(&r);
    ck_assert_uint_eq(b.intake.ledger.used_bytes, 0);
    ck_assert_uint_eq(b.intake.counters.cancelled, 1);
    ck_assert_uint_eq(uplink_counters(b.intake.uplink)->open, 0);
    ck_assert_uint_eq(b.answers, 0);
    bench_close(&b);
}
END_TEST

START_TEST(a_sent_batch_of_a_gone_client_stays_charged_until_its_verdict)
{
    struct bench b;
    struct request r;
    struct request_answer answer;
    bench_open(&b);
    stage_until(&b.stage, stage_is_up);
    ck_assert(send_body(&b, &r, ONE, ENDPOINT_IDENTITY, &answer));
    stage_until_seen(&b.stage, 1);
    request_fini(&r);
    ck_assert_uint_eq(b.intake.ledger.used_bytes, sizeof one_record);
    ck_assert(send_body(&b, &r, ONE, ENDPOINT_IDENTITY, &answer));
    stage_until_seen(&b.stage, 2);
    stage_settle(&b.stage, (const uint64_t[]){1, 2}, 2, -1, 0);
    stage_until_done(&b.stage, 1);
    ck_assert_uint_eq(b.answers, 1);
    ck_assert_uint_eq(uplink_counters(b.intake.uplink)->stored_after_error, 1);
    request_fini(&r);
    bench_close(&b);
}
END_TEST

START_TEST(a_router_that_stays_away_is_said_to_be)
{
    struct bench b;
    struct request r;
    struct request_answer answer;
    bench_open(&b);
    b.stage.credit = STAGE_SILENT;
    begin(&b, &r, ENDPOINT_IDENTITY, 1000);
    ck_assert_int_eq(request_append(&r, ONE), OTLP_ACCEPTED);
    ck_assert(request_submit(&r, loop_now_ms(b.stage.loop) + 20, &answer));
    stage_until_done(&b.stage, 1);
    ck_assert_int_eq(b.last.cause, OTLP_ROUTER_AWAY);
    request_fini(&r);
    bench_close(&b);
}
END_TEST

START_TEST(json_is_published_as_protobuf)
{
    static const char text[] =
        "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"body\":{\"stringValue\":\"hi\"}}]}]}]}";
    struct bench b;
    struct request r;
    struct request_answer answer;
    bench_open(&b);
    b.codec = OTLP_JSON;
    stage_until(&b.stage, stage_is_up);
    ck_assert(send_body(&b, &r, slice_of(text), ENDPOINT_IDENTITY, &answer));
    stage_until_seen(&b.stage, 1);
    ck_assert_uint_eq(b.stage.seen[0].records, 1);
    ck_assert_uint_eq(b.stage.seen[0].first_byte, 0x0a);
    ck_assert_uint_eq(b.intake.ledger.used_bytes, b.stage.seen[0].len);
    stage_store(&b.stage, 1);
    stage_until_done(&b.stage, 1);
    ck_assert_int_eq(b.last.cause, OTLP_ACCEPTED);
    ck_assert_uint_eq(b.last.message.len, 0);
    request_fini(&r);

    ck_assert(!send_body(&b, &r, slice_of("{\"resourceLogs\":[{]}"), ENDPOINT_IDENTITY, &answer));
    ck_assert_int_eq(answer.cause, OTLP_MALFORMED_JSON);
    ck_assert_uint_gt(answer.message.len, 0);
    request_fini(&r);
    ck_assert(!send_body(&b, &r, slice_make(NULL, 0), ENDPOINT_IDENTITY, &answer));
    ck_assert_int_eq(answer.cause, OTLP_MALFORMED_JSON);
    request_fini(&r);
    ck_assert(!send_body(&b, &r, slice_of("{}"), ENDPOINT_IDENTITY, &answer));
    ck_assert_int_eq(answer.cause, OTLP_ACCEPTED);
    request_fini(&r);
    bench_close(&b);
}
END_TEST

/* Two records: one of them good, or also bad. */
static const uint8_t one_of_two[] = {0x0a, 0x0e, 0x12, 0x0c, 0x12, 0x06, 0x2a, 0x04,
                                     0x0a, 0x02, 'h',  'i',  0x12, 0x02, 0x2a, 0x50};
static const uint8_t none_of_two[] = {0x0a, 0x0a, 0x12, 0x08, 0x12, 0x02,
                                      0x2a, 0x50, 0x12, 0x02, 0x2a, 0x50};

START_TEST(a_malformed_record_is_left_out_and_the_client_told_when_the_rest_is_stored)
{
    struct bench b;
    struct request r;
    struct request_answer answer;
    bench_open(&b);
    stage_until(&b.stage, stage_is_up);
    ck_assert(send_body(&b, &r, slice_make(one_of_two, sizeof one_of_two), ENDPOINT_IDENTITY,
                        &answer));
    stage_until_seen(&b.stage, 1);
    ck_assert_uint_eq(b.stage.seen[0].records, 1);
    ck_assert_uint_eq(b.intake.counters.rejected[OTLP_LOGS - 1], 0); /* it is not stored yet */
    stage_store(&b.stage, 1);
    stage_until_done(&b.stage, 1);
    ck_assert_int_eq(b.last.cause, OTLP_ACCEPTED);
    ck_assert_uint_eq(b.last.rejected, 1);
    ck_assert_ptr_nonnull(strstr(b.said, "log_records"));
    ck_assert_uint_eq(b.intake.counters.rejected[OTLP_LOGS - 1], 1);
    ck_assert_uint_eq(b.intake.counters.accepted[OTLP_LOGS - 1], 1);
    request_fini(&r);

    ck_assert(!send_body(&b, &r, slice_make(none_of_two, sizeof none_of_two), ENDPOINT_IDENTITY,
                         &answer));
    ck_assert_int_eq(answer.cause, OTLP_ACCEPTED); /* nothing is left, and trying again is no use */
    ck_assert_uint_eq(answer.rejected, 2);
    ck_assert_uint_eq(b.intake.counters.rejected[OTLP_LOGS - 1], 3);
    ck_assert_uint_eq(b.intake.counters.empty_requests, 0);
    request_fini(&r);
    bench_close(&b);
}
END_TEST

START_TEST(a_mended_string_is_a_warning_and_a_refused_batch_warns_of_nothing)
{
    static const uint8_t bad_utf8[] = {0x0a, 0x0a, 0x12, 0x08, 0x12, 0x06,
                                       0x2a, 0x04, 0x0a, 0x02, 'h',  0xff};
    struct bench b;
    struct request r;
    struct request_answer answer;
    bench_open(&b);
    stage_until(&b.stage, stage_is_up);
    ck_assert(send_body(&b, &r, slice_make(bad_utf8, sizeof bad_utf8), ENDPOINT_IDENTITY, &answer));
    stage_until_seen(&b.stage, 1);
    stage_store(&b.stage, 1);
    stage_until_done(&b.stage, 1);
    ck_assert_uint_eq(b.last.rejected, 0);
    ck_assert_ptr_nonnull(strstr(b.said, "UTF-8"));
    ck_assert_uint_eq(b.intake.counters.mended[OTLP_LOGS - 1], 1);
    request_fini(&r);

    ck_assert(send_body(&b, &r, slice_make(bad_utf8, sizeof bad_utf8), ENDPOINT_IDENTITY, &answer));
    stage_until_seen(&b.stage, 2);
    stage_settle(&b.stage, (const uint64_t[]){2}, 1, MASQUES__BUS__REASON__STORE_FULL, 0);
    stage_until_done(&b.stage, 2);
    ck_assert_int_eq(b.last.cause, OTLP_STORE_FULL);
    ck_assert_uint_eq(b.last.message.len, 0);
    ck_assert_uint_eq(b.intake.counters.mended[OTLP_LOGS - 1], 1); /* it will come again */
    request_fini(&r);
    bench_close(&b);
}
END_TEST

/* ---- bodies for the other thread ---- */

#define LARGE_BYTES ((2u << 20) + 5)

/* One record with a body of so many bytes: resource_logs{scope_logs{log_records{body{"xxx…"}}}}, with lengths of four
 * bytes. */
static struct buf large_body(void)
{
    static const uint8_t tags[] = {0x0a, 0x12, 0x12, 0x2a, 0x0a};
    struct buf body = buf_make(2 * LARGE_BYTES);
    for (size_t i = 0; i < sizeof tags; i++) {
        size_t len = LARGE_BYTES + (sizeof tags - 1 - i) * 5;
        buf_byte(&body, tags[i]);
        for (int k = 0; k < 4; k++)
            buf_byte(&body, (uint8_t)(((len >> (7 * k)) & 0x7f) | (k < 3 ? 0x80 : 0)));
    }
    uint8_t *at = buf_reserve(&body, LARGE_BYTES);
    memset(at, 'x', LARGE_BYTES);
    body.len += LARGE_BYTES;
    return body;
}

static void pack(struct buf *to, struct slice body)
{
    z_stream z = {0};
    ck_assert_int_eq(deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (Bytef *)(uintptr_t)body.data;
    z.avail_in = (uInt)body.len;
    z.next_out = buf_reserve(to, body.len);
    z.avail_out = (uInt)body.len;
    ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    to->len = z.total_out;
    deflateEnd(&z);
}

static void bench_open_large(struct bench *b)
{
    bench_open(b);
    b->intake.ledger.cap_bytes = 64u << 20;
    b->intake.limits.inflate_ratio = 2000; /* so many equal letters are no bomb here */
}

static bool send_large(struct bench *b, struct request *r, struct slice body,
                       enum endpoint_coding coding, struct request_answer *answer)
{
    begin(b, r, coding, 4 * LARGE_BYTES);
    ck_assert_int_eq(request_append(r, body), OTLP_ACCEPTED);
    return request_submit(r, loop_now_ms(b->stage.loop) + 100000, answer);
}

START_TEST(a_large_body_is_refined_beside_the_loop)
{
    struct bench b;
    struct request r;
    struct request_answer answer;
    struct buf body = large_body();
    struct buf packed = buf_make(body.len);
    bench_open_large(&b);
    stage_until(&b.stage, stage_is_up);
    ck_assert(send_large(&b, &r, buf_slice(&body), ENDPOINT_IDENTITY, &answer));
    ck_assert_uint_eq(jobs_open(b.intake.jobs), 1);
    ck_assert_ptr_null(r.ticket); /* nothing was published yet */
    stage_until_seen(&b.stage, 1);
    ck_assert_uint_eq(b.stage.seen[0].len, body.len);
    ck_assert_uint_eq(b.stage.seen[0].records, 1);
    stage_store(&b.stage, 1);
    stage_until_done(&b.stage, 1);
    ck_assert_int_eq(b.last.cause, OTLP_ACCEPTED);
    request_fini(&r);

    pack(&packed, buf_slice(&body));
    ck_assert_uint_lt(packed.len, REFINE_LOOP_BYTES); /* it is large by what it says it becomes */
    ck_assert(send_large(&b, &r, buf_slice(&packed), ENDPOINT_GZIP, &answer));
    ck_assert_uint_eq(jobs_open(b.intake.jobs), 1);
    stage_until_seen(&b.stage, 2);
    ck_assert_uint_eq(b.stage.seen[1].len, body.len);
    stage_store(&b.stage, 2);
    stage_until_done(&b.stage, 2);
    request_fini(&r);

    memset(packed.data + packed.len - 4, 0, 4); /* it lies about that, and is damaged thereby */
    ck_assert(send_large(&b, &r, buf_slice(&packed), ENDPOINT_GZIP, &answer));
    stage_until_done(&b.stage, 3);
    ck_assert_int_eq(b.last.cause, OTLP_CORRUPT_GZIP);
    request_fini(&r);
    ck_assert_uint_eq(b.intake.counters.large_requests, 3);
    buf_free(&body);
    buf_free(&packed);
    bench_close(&b);
}
END_TEST

START_TEST(a_large_body_that_is_refused_is_answered_with_the_reason)
{
    struct bench b;
    struct request r;
    struct request_answer answer;
    struct buf body = large_body();
    bench_open_large(&b);
    body.data[0] = 0x0b; /* a group */
    ck_assert(send_large(&b, &r, buf_slice(&body), ENDPOINT_IDENTITY, &answer));
    stage_until_done(&b.stage, 1);
    ck_assert_int_eq(b.last.cause, OTLP_MALFORMED_PROTOBUF);
    ck_assert_str_ne(b.said, "");
    ck_assert_uint_eq(b.intake.counters.refusals[OTLP_MALFORMED_PROTOBUF], 1);
    request_fini(&r);
    buf_free(&body);
    bench_close(&b);
}
END_TEST

static bool no_jobs(const struct stage *s)
{
    return jobs_open(s->user) == 0;
}

START_TEST(the_result_for_a_client_that_has_gone_is_dropped)
{
    struct bench b;
    struct request first, second;
    struct request_answer answer;
    struct buf body = large_body();
    bench_open_large(&b);
    b.stage.user = b.intake.jobs;
    stage_until(&b.stage, stage_is_up);
    ck_assert(send_large(&b, &first, buf_slice(&body), ENDPOINT_IDENTITY, &answer));
    ck_assert(send_large(&b, &second, buf_slice(&body), ENDPOINT_IDENTITY, &answer));
    request_fini(&first);
    request_fini(&second);
    ck_assert_uint_gt(b.intake.ledger.used_bytes, LARGE_BYTES); /* as long as the memory is there */
    stage_until(&b.stage, no_jobs);
    ck_assert_uint_eq(b.intake.ledger.used_bytes, 0);
    ck_assert_uint_eq(b.answers, 0);
    ck_assert_uint_eq(b.stage.seen_count, 0);
    ck_assert_uint_eq(b.intake.counters.cancelled, 2);
    buf_free(&body);
    bench_close(&b);
}
END_TEST

/* A job that runs until it is let go. */
struct gate {
    struct job job;
    pthread_mutex_t closed;
};

static void wait_at_gate(struct job *job)
{
    struct gate *gate = (struct gate *)job;
    pthread_mutex_lock(&gate->closed);
    pthread_mutex_unlock(&gate->closed);
}

static void gate_done(struct job *job, bool ran)
{
    (void)job;
    ck_assert(ran);
}

START_TEST(work_for_a_client_that_has_gone_is_not_begun)
{
    struct bench b;
    struct request r;
    struct request_answer answer;
    struct gate gate = {.job = {.run = wait_at_gate, .done = gate_done}};
    struct buf body = large_body();
    struct buf packed = buf_make(body.len);
    bench_open_large(&b);
    b.stage.user = b.intake.jobs;
    pack(&packed, buf_slice(&body));
    pthread_mutex_init(&gate.closed, NULL);
    pthread_mutex_lock(&gate.closed);
    ck_assert(jobs_put(b.intake.jobs, &gate.job));
    ck_assert(send_large(&b, &r, buf_slice(&packed), ENDPOINT_GZIP, &answer));
    request_fini(&r);
    pthread_mutex_unlock(&gate.closed);
    stage_until(&b.stage, no_jobs);
    ck_assert_uint_lt(b.intake.ledger.peak_bytes, LARGE_BYTES); /* it was not inflated */
    pthread_mutex_destroy(&gate.closed);
    buf_free(&body);
    buf_free(&packed);
    bench_close(&b);
}
END_TEST

START_TEST(a_large_body_whose_time_is_over_is_not_published)
{
    struct bench b;
    struct request r;
    struct request_answer answer;
    struct buf body = large_body();
    bench_open_large(&b);
    stage_until(&b.stage, stage_is_up);
    begin(&b, &r, ENDPOINT_IDENTITY, 4 * LARGE_BYTES);
    ck_assert_int_eq(request_append(&r, buf_slice(&body)), OTLP_ACCEPTED);
    ck_assert(request_submit(&r, loop_now_ms(b.stage.loop), &answer));
    stage_until_done(&b.stage, 1);
    ck_assert_int_eq(b.last.cause, OTLP_OVERLOADED);
    ck_assert_uint_eq(b.stage.seen_count, 0);
    request_fini(&r);
    buf_free(&body);
    bench_close(&b);
}
END_TEST

START_TEST(the_end_of_the_worker_waits_for_the_job_that_runs)
{
    struct bench b;
    struct request r;
    struct request_answer answer;
    struct buf body = large_body();
    bench_open_large(&b);
    ck_assert(send_large(&b, &r, buf_slice(&body), ENDPOINT_IDENTITY, &answer));
    request_fini(&r);
    bench_close(&b); /* which looks at the ledger */
    buf_free(&body);
}
END_TEST

SUITE_MAIN("receiver/worker/request", a_stored_batch_is_accepted_and_counted,
           a_refused_batch_is_refused_with_the_routers_time,
           requests_without_records_succeed_and_go_nowhere,
           what_is_no_otlp_is_refused_with_what_and_where,
           a_body_over_the_limit_is_refused_before_anything_is_kept,
           a_full_ledger_refuses_the_last_to_ask, a_body_of_unknown_size_grows_up_to_the_limit,
           a_gzip_body_is_published_inflated, a_gzip_body_that_does_not_inflate_well_is_refused,
           a_client_that_goes_takes_an_unsent_batch_with_it,
           a_sent_batch_of_a_gone_client_stays_charged_until_its_verdict,
           a_router_that_stays_away_is_said_to_be,
           json_is_published_as_protobuf,
           a_malformed_record_is_left_out_and_the_client_told_when_the_rest_is_stored,
           a_mended_string_is_a_warning_and_a_refused_batch_warns_of_nothing,
           a_large_body_is_refined_beside_the_loop,
           a_large_body_that_is_refused_is_answered_with_the_reason,
           the_result_for_a_client_that_has_gone_is_dropped,
           work_for_a_client_that_has_gone_is_not_begun,
           a_large_body_whose_time_is_over_is_not_published,
           the_end_of_the_worker_waits_for_the_job_that_runs)
