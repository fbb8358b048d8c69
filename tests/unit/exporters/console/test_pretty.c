// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "exporters/console/pretty.h"
#include "tests/support/suite.h"
#include "tests/unit/exporters/console/wire_writer.h"

#define NOON 1795348800123000000u /* 2026-11-22 12:00:00.123 UTC */
#define CLAUDE "com.anthropic.claude_code.events"
#define SESSION "2026fb6a-8280-4aca-bf7b-3063bb1f59a4"

static struct buf out;

/* The lines of the request, which is freed. */
static const char *lines_of(enum otlp_signal signal, struct buf *request)
{
    setenv("TZ", "UTC", 1);
    tzset();
    out = buf_make(1u << 24);
    ck_assert_int_eq(pretty_batch(signal, buf_slice(request), NOON + 1000000, false, NULL, &out), 0);
    buf_byte(&out, '\0');
    buf_free(request);
    return (const char *)out.data;
}

static void check(enum otlp_signal signal, struct buf *request, const char *why, const char *expected)
{
    const char *lines = lines_of(signal, request);
    ck_assert_msg(strcmp(lines, expected) == 0, "%s:\ngot      %s\nexpected %s", why, lines, expected);
    buf_free(&out);
}

/* ---- logs ---- */

static void log_severity(struct buf *r)
{
    ww_varint(r, 2, 14);
    ww_text(r, 3, "warning!");
    struct buf body = ww_new();
    ww_text(&body, 1, "payment declined");
    ww_message(r, 5, &body);
    ww_int(r, 6, "code", 402);
    ww_bool(r, 6, "retry", false);
}

static void log_ids(struct buf *r)
{
    struct buf body = ww_new();
    ww_text(&body, 1, "x");
    ww_message(r, 5, &body);
    ww_bytes(r, 9, slice_make("\xaa\xbb\xcc\xdd\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10", 16));
    ww_bytes(r, 10, slice_make("\x01\x02\x03\x04\x05\x06\x07\x08", 8));
}

static void log_event(struct buf *r)
{
    ww_text(r, 12, "com.example.event");
    struct buf body = ww_new();
    ww_varint(&body, 3, 42);
    ww_message(r, 5, &body);
}

static void log_text_severity(struct buf *r)
{
    ww_text(r, 3, "notice");
    struct buf body = ww_new();
    ww_text(&body, 1, "a\x1b[2Jb");
    ww_message(r, 5, &body);
}

static void log_values(struct buf *r)
{
    struct buf any = ww_new();
    ww_number(r, 6, "d", 2.5);
    ww_attribute(r, 6, "none", &any);
    ww_bytes(&any, 7, slice_make("\0\1\2\xff", 4));
    ww_attribute(r, 6, "bytes", &any);
    struct buf list = ww_new();
    struct buf item = ww_new();
    ww_varint(&item, 3, 1);
    ww_message(&list, 1, &item);
    ww_text(&item, 1, "b");
    ww_message(&list, 1, &item);
    ww_message(&any, 5, &list);
    ww_attribute(r, 6, "array", &any);
    ww_int(&list, 1, "k", -1);
    ww_message(&any, 6, &list);
    ww_attribute(r, 6, "map", &any);
}

static void log_long(struct buf *r)
{
    char text[400];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    ww_string(r, 6, "long", text);
    ww_string(r, 6, "after", "never seen");
}

START_TEST(logs_show_severity_source_body_and_attributes)
{
    char cut[400];
    snprintf(cut, sizeof cut, "12:00:00.123  log     checkout      long=%.*s…\n", 234,
             "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
             "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
             "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
    const struct {
        const char *why;
        void (*fill)(struct buf *record);
        const char *expected;
    } cases[] = {
        {"severity number names it", log_severity,
         "12:00:00.123  WARN    checkout      payment declined  code=402 retry=false\n"},
        {"severity text where the number is missing; control bytes escaped", log_text_severity,
         "12:00:00.123  notice  checkout      a\\x1b[2Jb\n"},
        {"ids, short", log_ids,
         "12:00:00.123  log     checkout      x  trace aabbccdd  span 01020304\n"},
        {"an event has its name", log_event,
         "12:00:00.123  event   checkout      com.example.event         42\n"},
        {"every kind of value", log_values,
         "12:00:00.123  log     checkout      d=2.5 none= bytes=base64:AAEC/w== array=[1,\"b\"] "
         "map={\"k\":-1}\n"},
        {"attributes end at their columns", log_long, cut},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf record = ww_new();
        ww_fixed64(&record, 1, NOON);
        cases[i].fill(&record);
        struct buf request = ww_request("checkout", "lib", &record);
        check(OTLP_LOGS, &request, cases[i].why, cases[i].expected);
    }
}
END_TEST

START_TEST(a_record_without_time_has_that_of_observation_or_receipt)
{
    struct buf record = ww_new();
    ww_fixed64(&record, 11, NOON + 5000000);
    struct buf request = ww_request(NULL, NULL, &record);
    check(OTLP_LOGS, &request, "observed", "12:00:00.128  log     -\n");
    ww_varint(&record, 2, 9);
    request = ww_request(NULL, NULL, &record);
    check(OTLP_LOGS, &request, "received", "12:00:00.124  INFO    -\n");
}
END_TEST

/* ---- Claude Code ---- */

static void claude_request(struct buf *r)
{
    ww_string(r, 6, "model", "claude-opus-5-5");
    ww_int(r, 6, "input_tokens", 123);
    ww_string(r, 6, "output_tokens", "37"); /* older versions spell numbers */
    ww_int(r, 6, "cache_read_tokens", 789);
    ww_int(r, 6, "cache_creation_tokens", 0);
    ww_number(r, 6, "cost_usd", 0.0036698);
    ww_string(r, 6, "duration_ms", "1234");
    ww_int(r, 6, "ttft_ms", 56);
    ww_string(r, 6, "query_source", "main");
    ww_string(r, 6, "effort", "medium");
}

static void claude_error(struct buf *r)
{
    ww_string(r, 6, "model", "claude-opus-5-5");
    ww_string(r, 6, "error", "Overloaded");
    ww_int(r, 6, "status_code", 529);
    ww_int(r, 6, "attempt", 3);
}

static void claude_prompt(struct buf *r)
{
    ww_string(r, 6, "prompt_length", "25");
    ww_string(r, 6, "prompt", "<REDACTED>");
}

static void claude_open_prompt(struct buf *r)
{
    ww_string(r, 6, "prompt_length", "7");
    ww_string(r, 6, "prompt", "fix it\n");
}

static void claude_result(struct buf *r)
{
    ww_string(r, 6, "tool_name", "Read");
    ww_string(r, 6, "success", "false");
    ww_string(r, 6, "duration_ms", "14");
    ww_string(r, 6, "error_type", "ENOENT");
    ww_string(r, 6, "tool_result_size_bytes", "2048");
}

static void claude_decision(struct buf *r)
{
    ww_string(r, 6, "tool_name", "Bash");
    ww_string(r, 6, "decision", "reject");
    ww_string(r, 6, "source", "user_temporary");
}

static void claude_unlisted(struct buf *r)
{
    ww_string(r, 6, "user.email", "a@example.com");
    ww_string(r, 6, "hook_name", "PreToolUse");
    ww_string(r, 6, "num_success", "1");
}

START_TEST(events_of_claude_code_show_what_a_person_wants)
{
    static const struct {
        const char *event;
        void (*fill)(struct buf *record);
        const char *expected;
    } cases[] = {
        {"api_request", claude_request,
         "12:00:00.123  event   2026fb6a      api_request               claude-opus-5-5  in 123  out 37"
         "  cache-read 789  $0.0037  1.2s  ttft 56ms  main\n"},
        {"api_error", claude_error,
         "12:00:00.123  event   2026fb6a      api_error                 claude-opus-5-5  status 529"
         "  Overloaded  attempt 3\n"},
        {"user_prompt", claude_prompt,
         "12:00:00.123  event   2026fb6a      user_prompt               length 25\n"},
        {"user_prompt", claude_open_prompt,
         "12:00:00.123  event   2026fb6a      user_prompt               length 7  \"fix it\\n\"\n"},
        {"tool_result", claude_result,
         "12:00:00.123  event   2026fb6a      tool_result               Read  failed  14ms  ENOENT"
         "  out 2.0KiB\n"},
        {"tool_decision", claude_decision,
         "12:00:00.123  event   2026fb6a      tool_decision             Bash  reject"
         "  by user_temporary\n"},
        {"hook_execution_complete", claude_unlisted,
         "12:00:00.123  event   2026fb6a      hook_execution_complete   hook_name=PreToolUse"
         " num_success=1\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char body[64];
        struct buf record = ww_new(), any = ww_new();
        ww_fixed64(&record, 1, NOON);
        snprintf(body, sizeof body, "claude_code.%s", cases[i].event);
        ww_text(&any, 1, body);
        ww_message(&record, 5, &any);
        ww_string(&record, 6, "session.id", SESSION);
        ww_string(&record, 6, "event.name", cases[i].event);
        cases[i].fill(&record);
        struct buf request = ww_request("claude-code", CLAUDE, &record);
        check(OTLP_LOGS, &request, cases[i].event, cases[i].expected);
    }
}
END_TEST

/* ---- metrics ---- */

/* A metric whose data (field `kind`) has one point; temporality 0: none. */
static struct buf metric_request(const char *scope, const char *name, const char *unit, uint32_t kind,
                                 uint32_t temporality, bool monotonic, struct buf *point)
{
    struct buf data = ww_new(), metric = ww_new();
    ww_message(&data, 1, point);
    if (temporality)
        ww_varint(&data, 2, temporality);
    if (monotonic)
        ww_varint(&data, 3, 1);
    ww_text(&metric, 1, name);
    ww_text(&metric, 3, unit);
    ww_message(&metric, kind, &data);
    return ww_request("checkout", scope, &metric);
}

static void point_double(struct buf *p)
{
    ww_double(p, 4, 21.5);
    ww_string(p, 7, "room", "a");
}

static void point_int(struct buf *p)
{
    ww_fixed64(p, 6, (uint64_t)-5);
    struct buf exemplar = ww_new();
    ww_fixed64(&exemplar, 2, NOON);
    ww_message(p, 5, &exemplar);
}

static void point_zero(struct buf *p)
{
    ww_fixed64(p, 6, 0);
}

static void point_stale(struct buf *p)
{
    ww_varint(p, 8, 1);
}

static void packed_fixed(struct buf *p, uint32_t number, const uint64_t *values, size_t n)
{
    struct buf run = ww_new();
    for (size_t i = 0; i < n; i++)
        for (unsigned k = 0; k < 8; k++)
            buf_byte(&run, (uint8_t)(values[i] >> (8 * k)));
    ww_message(p, number, &run);
}

static void point_histogram(struct buf *p)
{
    const uint64_t counts[] = {1, 2, 0, 3};
    ww_fixed64(p, 4, 6);
    ww_double(p, 5, 1043);
    packed_fixed(p, 6, counts, 4);
    ww_double(p, 7, 1); /* not packed */
    ww_double(p, 7, 2.5);
    ww_double(p, 7, 10);
    ww_double(p, 11, 0);
    ww_double(p, 12, 1000);
    ww_string(p, 9, "m", "GET");
}

static void point_no_buckets(struct buf *p)
{
    const uint64_t counts[] = {6};
    ww_fixed64(p, 4, 6);
    packed_fixed(p, 6, counts, 1);
}

static void point_exponential(struct buf *p)
{
    struct buf buckets = ww_new(), run = ww_new();
    ww_fixed64(p, 4, 7);
    ww_double(p, 5, 1.5);
    ww_varint(p, 6, 5); /* scale -3 */
    ww_fixed64(p, 7, 2);
    ww_varint(&buckets, 1, 3); /* offset -2 */
    ww_raw(&run, 1);
    ww_raw(&run, 0);
    ww_raw(&run, 300);
    ww_message(&buckets, 2, &run);
    ww_message(p, 8, &buckets);
    ww_message(p, 9, &buckets); /* nothing in it */
}

static void point_summary(struct buf *p)
{
    ww_fixed64(p, 4, 4);
    ww_double(p, 5, 10);
    for (int i = 0; i < 2; i++) {
        struct buf q = ww_new();
        ww_double(&q, 1, i ? 0.99 : 0.5);
        ww_double(&q, 2, i ? 3 : 1.25);
        ww_message(p, 6, &q);
    }
}

START_TEST(every_kind_of_metric_shows_its_numbers_and_what_they_mean)
{
    static const struct {
        const char *why;
        uint32_t kind;
        uint32_t temporality;
        bool monotonic;
        const char *unit;
        void (*fill)(struct buf *point);
        const char *expected;
    } cases[] = {
        {"gauge", 5, 0, false, "Cel", point_double, "21.5 Cel  gauge  room=a"},
        {"delta sum with exemplar", 7, 1, false, "1", point_int, "-5  sum delta  exemplars 1"},
        {"cumulative counter", 7, 2, true, "By", point_zero, "0 By  sum cumulative monotonic"},
        {"no recorded value", 5, 0, false, "", point_stale, "no value  gauge"},
        {"histogram", 9, 2, false, "ms", point_histogram,
         "count 6  sum 1043 ms  min 0  max 1000  ≤1:1 ≤2.5:2 >10:3  histogram cumulative  m=GET"},
        {"histogram of one bucket", 9, 1, false, "", point_no_buckets,
         "count 6  all:6  histogram delta"},
        {"exponential histogram", 10, 1, false, "s", point_exponential,
         "count 7  sum 1.5 s  scale -3  zero 2  positive@-2[1 0 300]  exponential histogram delta"},
        {"summary", 11, 0, false, "", point_summary,
         "count 4  sum 10  q0.5=1.25 q0.99=3  summary"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char expected[256];
        struct buf point = ww_new();
        ww_fixed64(&point, 3, NOON);
        cases[i].fill(&point);
        struct buf request = metric_request("meter", "the.metric", cases[i].unit, cases[i].kind,
                                            cases[i].temporality, cases[i].monotonic, &point);
        snprintf(expected, sizeof expected,
                 "12:00:00.123  metric  checkout      the.metric                %s\n",
                 cases[i].expected);
        check(OTLP_METRICS, &request, cases[i].why, expected);
    }
}
END_TEST

START_TEST(metrics_of_claude_code_read_as_what_was_added)
{
    static const struct {
        const char *why;
        const char *name;
        const char *unit;
        uint32_t temporality;
        const char *expected;
    } cases[] = {
        {"delta", "claude_code.token.usage", "tokens", 1,
         "token.usage               +0.0073 tokens  input  claude-opus-5-5\n"},
        {"cumulative", "claude_code.token.usage", "tokens", 2,
         "token.usage               0.0073 tokens total  input  claude-opus-5-5\n"},
        {"money", "claude_code.cost.usage", "USD", 1,
         "cost.usage                +$0.0073  claude-opus-5-5\n"},
        {"unlisted", "claude_code.new.thing", "", 1,
         "new.thing                 +0.0073  sum delta monotonic  type=input model=claude-opus-5-5\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char expected[256];
        struct buf point = ww_new();
        ww_fixed64(&point, 3, NOON);
        ww_double(&point, 4, 0.0073);
        ww_string(&point, 7, "session.id", SESSION);
        ww_string(&point, 7, "type", "input");
        ww_string(&point, 7, "model", "claude-opus-5-5");
        struct buf request = metric_request("com.anthropic.claude_code", cases[i].name, cases[i].unit, 7,
                                            cases[i].temporality, true, &point);
        snprintf(expected, sizeof expected, "12:00:00.123  metric  2026fb6a      %s",
                 cases[i].expected);
        check(OTLP_METRICS, &request, cases[i].why, expected);
    }
}
END_TEST

/* ---- spans ---- */

START_TEST(spans_show_duration_status_ids_events_and_links)
{
    struct buf span = ww_new(), status = ww_new(), event = ww_new(), link = ww_new();
    ww_bytes(&span, 1, slice_make("\xaa\xbb\xcc\xdd\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10", 16));
    ww_bytes(&span, 2, slice_make("\x01\x02\x03\x04\x05\x06\x07\x08", 8));
    ww_bytes(&span, 4, slice_make("\x11\x12\x13\x14\x15\x16\x17\x18", 8));
    ww_text(&span, 5, "GET /");
    ww_varint(&span, 6, 2);
    ww_fixed64(&span, 7, NOON);
    ww_fixed64(&span, 8, NOON + 1500000000u);
    ww_string(&span, 9, "http.route", "/");
    ww_fixed64(&event, 1, NOON + 20000000u);
    ww_text(&event, 2, "exception");
    ww_string(&event, 3, "type", "E");
    ww_message(&span, 11, &event);
    ww_bytes(&link, 1, slice_make("\x21\x22\x23\x24\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10", 16));
    ww_bytes(&link, 2, slice_make("\x31\x32\x33\x34\x05\x06\x07\x08", 8));
    ww_int(&link, 4, "n", 1);
    ww_message(&span, 13, &link);
    ww_text(&status, 2, "boom");
    ww_varint(&status, 3, 2);
    ww_message(&span, 15, &status);
    struct buf request = ww_request("checkout", "lib", &span);
    check(OTLP_TRACES, &request, "span",
          "12:00:00.123  span    checkout      GET /                     1.5s  server  error: boom"
          "  trace aabbccdd  span 01020304  parent 11121314  http.route=/\n"
          "              event   +20ms         exception                 type=E\n"
          "              link                  trace 21222324  span 31323334  n=1\n");
}
END_TEST

START_TEST(spans_of_claude_code_show_what_a_person_wants)
{
    struct buf span = ww_new();
    ww_text(&span, 5, "claude_code.llm_request");
    ww_varint(&span, 6, 1);
    ww_fixed64(&span, 7, NOON);
    ww_fixed64(&span, 8, NOON + 109000000u);
    ww_string(&span, 9, "session.id", SESSION);
    ww_string(&span, 9, "model", "claude-opus-5-5");
    ww_int(&span, 9, "input_tokens", 123);
    ww_int(&span, 9, "attempt", 1);
    ww_bool(&span, 9, "success", true);
    struct buf request = ww_request("claude-code", "com.anthropic.claude_code.tracing", &span);
    check(OTLP_TRACES, &request, "llm_request",
          "12:00:00.123  span    2026fb6a      llm_request               109ms  claude-opus-5-5"
          "  in 123  ok\n");
}
END_TEST

/* ---- captured bytes ---- */

static struct buf fixture(const char *name)
{
    char path[512];
    const char *folder = getenv("MASQUES_FIXTURES");
    snprintf(path, sizeof path, "%s/%s", folder ? folder : "tests/fixtures", name);
    FILE *f = fopen(path, "rb");
    ck_assert_msg(f != NULL, "%s", path);
    struct buf bytes = ww_new();
    uint8_t piece[4096];
    size_t n;
    while ((n = fread(piece, 1, sizeof piece, f)) > 0)
        buf_append(&bytes, piece, n);
    fclose(f);
    return bytes;
}

static const char *fixture_lines(enum otlp_signal signal, const char *name)
{
    struct buf bytes = fixture(name);
    return lines_of(signal, &bytes);
}

START_TEST(captured_events_of_claude_code_have_their_golden_lines)
{
    ck_assert_str_eq(
        fixture_lines(OTLP_LOGS, "claude-code.tools3.logs.grpc.001.bin"),
        "20:42:55.359  event   140bfb0a      managed_settings_resolved  startup  sources []\n"
        "20:42:55.421  event   140bfb0a      plugin_loaded             cc-plugin-agents-md  from builtin  default-bundle\n"
        "20:42:55.422  event   140bfb0a      plugin_loaded             cc-plugin-privacy  from builtin  default-bundle\n"
        "20:42:55.422  event   140bfb0a      plugin_loaded             cc-plugin-plugin-authoring  from builtin  default-bundle\n"
        "20:42:55.580  event   140bfb0a      user_prompt               length 6\n"
        "20:42:55.766  event   140bfb0a      tool_decision             Bash  accept  by config\n"
        "20:42:55.804  event   140bfb0a      api_request               claude-opus-5-5  in 123  out 37  cache-read 789  cache-write 456  $0.0037  113ms  ttft 32ms  sdk\n"
        "20:42:55.804  event   140bfb0a      assistant_response        claude-opus-5-5  length 12\n"
        "20:42:55.838  event   140bfb0a      tool_result               Bash  ok  69ms  in 50B  out 5B\n"
        "20:42:55.890  event   140bfb0a      tool_decision             Write  accept  by config\n"
        "20:42:55.933  event   140bfb0a      tool_result               Write  ok  38ms  in 91B  out 145B\n"
        "20:42:55.957  event   140bfb0a      tool_decision             Read  accept  by config\n"
        "20:42:55.981  event   140bfb0a      tool_result               Read  failed  14ms  TelemetrySafeError  in 37B\n"
        "20:42:56.092  event   140bfb0a      api_request               claude-opus-5-5  in 123  out 37  cache-read 789  cache-write 456  $0.0037  25ms  ttft 16ms  sdk\n"
        "20:42:56.092  event   140bfb0a      assistant_response        claude-opus-5-5  length 54\n");
    buf_free(&out);
}
END_TEST

START_TEST(captured_metrics_of_claude_code_have_their_golden_lines)
{
    ck_assert_str_eq(
        fixture_lines(OTLP_METRICS, "claude-code.tool.metrics.grpc.001.bin"),
        "20:42:51.120  metric  44bb7e90      session.count             +1  fresh\n"
        "20:42:51.120  metric  44bb7e90      cost.usage                +$0.0073  claude-opus-5-5  main\n"
        "20:42:51.120  metric  44bb7e90      token.usage               +246 tokens  input  claude-opus-5-5  main\n"
        "20:42:51.120  metric  44bb7e90      token.usage               +74 tokens  output  claude-opus-5-5  main\n"
        "20:42:51.120  metric  44bb7e90      token.usage               +1578 tokens  cacheRead  claude-opus-5-5  main\n"
        "20:42:51.120  metric  44bb7e90      token.usage               +912 tokens  cacheCreation  claude-opus-5-5  main\n"
        "20:42:51.120  metric  44bb7e90      active_time.total         +0.391 s  cli\n");
    buf_free(&out);
}
END_TEST

START_TEST(captured_spans_of_claude_code_have_their_golden_lines)
{
    ck_assert_str_eq(
        fixture_lines(OTLP_TRACES, "claude-code.tool.traces.grpc.001.bin"),
        "20:42:50.972  span    44bb7e90      tool.blocked_on_user      27ms  accept  by config  trace 98807dd6  span 01ec6514  parent 1bba3293\n"
        "20:42:50.909  span    44bb7e90      llm_request               108ms  claude-opus-5-5  in 123  out 37  cache-read 789  cache-write 456  ttft 30ms  ok  tool_use  trace 98807dd6  span a13586ba  parent e269f0e1\n"
        "              event   +13ms         gen_ai.request.attempt    attempt=1\n"
        "20:42:51.000  span    44bb7e90      tool.execution            43ms  ok  trace 98807dd6  span b4db8bdc  parent 1bba3293\n"
        "20:42:50.972  span    44bb7e90      tool                      71ms  Bash  echo  trace 98807dd6  span 1bba3293  parent e269f0e1\n"
        "20:42:51.069  span    44bb7e90      llm_request               30ms  claude-opus-5-5  in 123  out 37  cache-read 789  cache-write 456  ttft 22ms  ok  end_turn  trace 98807dd6  span 9569d1f6  parent e269f0e1\n"
        "              event   +2.61ms       gen_ai.request.attempt    attempt=1\n"
        "20:42:50.721  span    44bb7e90      interaction               391ms  length 6  trace 98807dd6  span e269f0e1\n");
    buf_free(&out);
}
END_TEST

static const char *matching(const char *text, bool color, const char *fixture_name)
{
    static char lines[8192];
    struct match m;
    struct buf request = fixture(fixture_name), shown = buf_make(1u << 20);
    setenv("TZ", "UTC", 1);
    tzset();
    match_init(&m, text);
    enum otlp_signal signal = strstr(fixture_name, "logs") ? OTLP_LOGS : OTLP_TRACES;
    ck_assert_int_eq(pretty_batch(signal, buf_slice(&request), 0, color, &m, &shown), 0);
    ck_assert_uint_lt(shown.len, sizeof lines);
    if (shown.len)
        memcpy(lines, shown.data, shown.len);
    lines[shown.len] = '\0';
    buf_free(&shown);
    buf_free(&request);
    return lines;
}

static unsigned count_of(const char *in, const char *word)
{
    unsigned n = 0;
    for (; (in = strstr(in, word)); in++)
        n++;
    return n;
}

START_TEST(only_records_that_match_are_shown_with_all_their_lines)
{
    static const char logs[] = "claude-code.tool.logs.grpc.001.bin", traces[] = "claude-code.tool.traces.grpc.001.bin";
    unsigned all = count_of(matching("", false, logs), "\n");
    ck_assert_uint_eq(count_of(matching("TOOL_result", false, logs), "\n"),
                      count_of(matching("", false, logs), "tool_result"));
    ck_assert_uint_gt(all, count_of(matching("tool_result", false, logs), "\n"));
    ck_assert_str_eq(matching("there is no such text", false, logs), "");
    /* A span with its event, which is the line that matches. */
    ck_assert_str_eq(matching("+2.61ms", false, traces),
                     "20:42:51.069  span    44bb7e90      llm_request               30ms  claude-opus-5-5  in 123  out 37  "
                     "cache-read 789  cache-write 456  ttft 22ms  ok  end_turn  trace 98807dd6  span 9569d1f6  parent e269f0e1\n"
                     "              event   +2.61ms       gen_ai.request.attempt    attempt=1\n");
    /* Colours stand within "in 123". */
    ck_assert_uint_eq(count_of(matching("in 123  out 37", true, traces), "\n"),
                      count_of(matching("in 123  out 37", false, traces), "\n"));
    ck_assert_uint_gt(count_of(matching("in 123  out 37", false, traces), "\n"), 0);
    /* Texts that a line has no room for: of the record, and of its resource. */
    ck_assert_uint_eq(count_of(matching("session.id", false, logs), "\n"), all);
    ck_assert_uint_eq(count_of(matching("service.version", false, logs), "\n"), all);
}
END_TEST

START_TEST(a_full_buffer_is_an_error)
{
    struct buf record = ww_new();
    log_severity(&record);
    struct buf request = ww_request("checkout", "lib", &record);
    struct buf small = buf_make(16);
    ck_assert_int_eq(pretty_batch(OTLP_LOGS, buf_slice(&request), 0, false, NULL, &small), GW_ERR_NOMEM);
    buf_free(&small);
    buf_free(&request);
}
END_TEST

SUITE_MAIN("exporters/console/pretty", logs_show_severity_source_body_and_attributes,
           a_record_without_time_has_that_of_observation_or_receipt,
           events_of_claude_code_show_what_a_person_wants,
           every_kind_of_metric_shows_its_numbers_and_what_they_mean,
           metrics_of_claude_code_read_as_what_was_added,
           spans_show_duration_status_ids_events_and_links,
           spans_of_claude_code_show_what_a_person_wants,
           captured_events_of_claude_code_have_their_golden_lines,
           captured_metrics_of_claude_code_have_their_golden_lines,
           captured_spans_of_claude_code_have_their_golden_lines,
           only_records_that_match_are_shown_with_all_their_lines, a_full_buffer_is_an_error)
