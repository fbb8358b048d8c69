// SPDX-License-Identifier: Apache-2.0
#include "shared/otlp/mend.h"

#include "shared/otlp/json_out.h"
#include "shared/otlp/value.h"
#include "tests/support/suite.h"
#include "tests/unit/otlp/message.h"

#define BYTES(text) {(const uint8_t *)(text), sizeof(text) - 1}
#define RECORDS_MAX 64u

/* Where in the request of request_with() some bytes are put, behind all that is sound. */
enum place { REQUEST, RESOURCE_X, RESOURCE, SCOPE_X, SCOPE, METRIC, DATA, RECORD };

static void put_extra(struct buf *m, enum place here, enum place place, struct slice bytes)
{
    if (here == place)
        buf_slice_append(m, bytes);
}

/* Two sound records or points "A" and "B" behind each other, `bytes` at `place`; a RECORD is A. */
static struct buf request_with(enum otlp_signal signal, enum place place, struct slice bytes)
{
    static const uint32_t names[] = {[OTLP_LOGS] = 3, [OTLP_TRACES] = 5};
    struct buf request = message();
    struct buf resource_x = message();
    struct buf resource = message();
    struct buf scope_x = message();
    struct buf scope = message();
    struct buf metric = message();
    struct buf data = message();
    put_attribute(&resource, 1, "r", "1");
    put_extra(&resource, RESOURCE, place, bytes);
    put_text(&scope, 1, "s");
    put_extra(&scope, SCOPE, place, bytes);
    put_child(&scope_x, 1, &scope);
    put_text(&metric, 1, "m");
    for (uint64_t i = 0; i < 2; i++) {
        struct buf record = message();
        if (signal == OTLP_METRICS)
            put_fixed64(&record, 6, 10 + i);
        else
            put_text(&record, names[signal], i ? "B" : "A");
        if (i == 0)
            put_extra(&record, RECORD, place, bytes);
        put_child(signal == OTLP_METRICS ? &data : &scope_x, signal == OTLP_METRICS ? 1 : 2,
                  &record);
    }
    put_extra(&data, DATA, place, bytes);
    put_child(&metric, 5, &data);
    put_extra(&metric, METRIC, place, bytes);
    if (signal == OTLP_METRICS)
        put_child(&scope_x, 2, &metric);
    put_extra(&scope_x, SCOPE_X, place, bytes);
    put_child(&resource_x, 1, &resource);
    put_child(&resource_x, 2, &scope_x);
    put_extra(&resource_x, RESOURCE_X, place, bytes);
    put_child(&request, 1, &resource_x);
    put_extra(&request, REQUEST, place, bytes);
    buf_free(&metric);
    buf_free(&data);
    return request;
}

/* What mend made of a request, in bytes of exactly its length. */
struct mended {
    uint8_t *bytes;
    size_t len;
    int err;
    struct otlp_mend_result result;
};

/* Mends a copy and checks what must always hold. */
static struct mended mend(enum otlp_signal signal, struct slice request,
                          const struct otlp_limits *limits)
{
    struct mended m = {.bytes = exact_copy(request), .len = request.len};
    struct otlp_walk_result before;
    struct otlp_walk_result after;
    int sound = otlp_walk(signal, request, limits, &before);
    m.err = otlp_mend(signal, m.bytes, &m.len, limits, &m.result);
    const struct otlp_mend_result *r = &m.result;
    ck_assert_uint_le(m.len, request.len);
    if (m.err != GW_OK) {
        ck_assert_uint_eq(m.len, request.len);
        ck_assert_int_ne(r->refusal.fault, OTLP_FAULT_NONE);
        ck_assert(r->refusal.why && r->refusal.offset <= request.len);
        ck_assert_int_ne(sound, GW_OK);
        return m;
    }
    ck_assert_int_eq(r->refusal.fault, OTLP_FAULT_NONE);
    ck_assert_int_eq(otlp_walk(signal, slice_make(m.bytes, m.len), limits, &after), GW_OK);
    ck_assert_uint_eq(after.records, r->records);
    if (sound == GW_OK) {
        ck_assert(m.len == request.len && memcmp(m.bytes, request.data, m.len) == 0);
        ck_assert_uint_eq(r->records, before.records);
    }
    ck_assert_int_eq(sound == GW_OK, r->rejected + r->strings + r->parts == 0);
    ck_assert_int_eq(r->first_rejected.fault != OTLP_FAULT_NONE || !r->rejected, true);
    ck_assert_int_eq(r->first_string.fault == OTLP_FAULT_UTF8 || !r->strings, true);
    ck_assert_int_eq(r->first_part.fault != OTLP_FAULT_NONE || !r->parts, true);
    return m;
}

static struct buf json_of(enum otlp_signal signal, const struct mended *m)
{
    struct buf json = message();
    ck_assert_int_eq(otlp_json_out(signal, slice_make(m->bytes, m->len), &json), GW_OK);
    buf_byte(&json, 0);
    return json;
}

static struct buf words_of(const struct mended *m)
{
    struct buf text = message();
    otlp_mend_explain(&m->result, &text);
    buf_byte(&text, 0);
    return text;
}

#define ATTRIBUTES(list) "\"attributes\":[" list "]"
#define R1 "{\"key\":\"r\",\"value\":{\"stringValue\":\"1\"}}"
#define LOGS_IN(resource, scope, records)                                                         \
    "{\"resourceLogs\":[{\"resource\":{" resource "},\"scopeLogs\":[{\"scope\":{" scope           \
    "},\"logRecords\":[" records "]}]}]}"
#define LOGS(records) LOGS_IN(ATTRIBUTES(R1), "\"name\":\"s\"", records)
#define LOG(name, more) "{\"severityText\":\"" name "\",\"body\":{}" more "}"
#define BOTH_LOGS LOG("A", "") "," LOG("B", "")
#define SPANS(spans)                                                                              \
    "{\"resourceSpans\":[{\"resource\":{" ATTRIBUTES(R1) "},\"scopeSpans\":[{\"scope\":{"         \
    "\"name\":\"s\"},\"spans\":[" spans "]}]}]}"
#define SPAN(name, more) "{\"name\":\"" name "\"" more ",\"status\":{}}"
#define METRICS(metrics)                                                                          \
    "{\"resourceMetrics\":[{\"resource\":{" ATTRIBUTES(R1) "},\"scopeMetrics\":[{\"scope\":{"     \
    "\"name\":\"s\"}" metrics "}]}]}"
#define METRIC_OF(more, points)                                                                   \
    ",\"metrics\":[{\"name\":\"m\"" more ",\"gauge\":{\"dataPoints\":[" points "]}"
#define POINT(value, more) "{" more "\"asInt\":\"" value "\"}"

START_TEST(each_damage_has_its_cure)
{
    static const struct {
        const char *why;
        enum otlp_signal signal;
        enum place place;
        struct slice bytes;
        uint64_t rejected;
        uint64_t strings;
        uint64_t parts;
        const char *json;
    } cases[] = {
        {"nothing", OTLP_LOGS, RECORD, BYTES(""), 0, 0, 0, LOGS(BOTH_LOGS)},
        {"every bad byte of a string, and no other", OTLP_LOGS, RECORD,
         BYTES("\x62\x0b" "a\xff\xc3\xa9\xc3z\xed\xa0\x80\xe2\x82"), 0, 1, 0,
         LOGS(LOG("A", ",\"eventName\":\"a?\u00e9?z?????\"") "," LOG("B", ""))},
        {"a string that ends too early", OTLP_LOGS, RECORD, BYTES("\x62\x03x\xe2\x82"), 0, 1, 0,
         LOGS(LOG("A", ",\"eventName\":\"x??\"") "," LOG("B", ""))},
        {"strings everywhere", OTLP_LOGS, RECORD,
         BYTES("\x32\x0a\x0a\x02k\xff\x12\x04\x0a\x02\xfev\x62\x01\x80"), 0, 3, 0,
         LOGS(LOG("A", "," ATTRIBUTES("{\"key\":\"k?\",\"value\":{\"stringValue\":\"?v\"}}")
                  ",\"eventName\":\"?\"") "," LOG("B", ""))},
        {"a string of the scope", OTLP_LOGS, SCOPE, BYTES("\x12\x01\xff"), 0, 1, 0,
         LOGS_IN(ATTRIBUTES(R1), "\"name\":\"s\",\"version\":\"?\"", BOTH_LOGS)},
        {"a value whose length runs past it", OTLP_LOGS, RECORD,
         BYTES("\x32\x08\x0a\x01k\x12\x03\x0a\x05x"), 0, 0, 1,
         LOGS(LOG("A", "," ATTRIBUTES("{\"key\":\"k\",\"value\":{}}")) "," LOG("B", ""))},
        {"a value with the wrong wire type inside", OTLP_LOGS, RECORD,
         BYTES("\x32\x07\x0a\x01k\x12\x02\x08\x05"), 0, 0, 1,
         LOGS(LOG("A", "," ATTRIBUTES("{\"key\":\"k\",\"value\":{}}")) "," LOG("B", ""))},
        {"a value that is a varint itself", OTLP_LOGS, RECORD,
         BYTES("\x32\x05\x0a\x01k\x10\x07"), 0, 0, 1,
         LOGS(LOG("A", "," ATTRIBUTES("{\"key\":\"k\",\"value\":{}}")) "," LOG("B", ""))},
        {"a value longer than its attribute", OTLP_LOGS, RECORD,
         BYTES("\x32\x07\x0a\x01k\x12\x63\x0a\x01"), 0, 0, 1,
         LOGS(LOG("A", "," ATTRIBUTES("{\"key\":\"k\",\"value\":{}}")) "," LOG("B", ""))},
        {"a value longer than its attribute, with the key behind it", OTLP_LOGS, RECORD,
         BYTES("\x32\x07\x12\x63\x0a\x01k\x0a\x01"), 1, 0, 0, LOGS(LOG("B", ""))},
        {"a value longer than its attribute, behind something else than a key", OTLP_LOGS, RECORD,
         BYTES("\x32\x06\x18\x01\x12\x63\x0a\x01"), 1, 0, 0, LOGS(LOG("B", ""))},
        {"two values of one attribute, after a gap", OTLP_LOGS, RECORD,
         BYTES("\x32\x0d\x0a\x03" "low\x12\x06\x0a\x01x\x08\x05\x05"
               "\x32\x0f\x0a\x03key\x12\x04\x0a\x00\x08\x05\x12\x70xx"), 0, 0, 3,
         LOGS(LOG("A", "," ATTRIBUTES("{\"key\":\"low\",\"value\":{}},"
                                      "{\"key\":\"key\",\"value\":{}}")) "," LOG("B", ""))},
        {"two values of one attribute, the key between", OTLP_LOGS, RECORD,
         BYTES("\x32\x0d\x12\x04\x0a\x00\x08\x05\x0a\x01k\x12\x70xx"), 0, 0, 2,
         LOGS(LOG("A", "," ATTRIBUTES("{\"key\":\"k\",\"value\":{}}")) "," LOG("B", ""))},
        {"a value longer than its attribute, and a key that was mended", OTLP_LOGS, RECORD,
         BYTES("\x32\x05\x0a\x01\xff\x12\x63"), 0, 1, 1,
         LOGS(LOG("A", "," ATTRIBUTES("{\"key\":\"?\",\"value\":{}}")) "," LOG("B", ""))},
        {"an attribute behind its key", OTLP_LOGS, RECORD, BYTES("\x32\x05\x0a\x01k\x08\x01"),
         1, 0, 0, LOGS(LOG("B", ""))},
        {"a value inside a list: its neighbours stay", OTLP_LOGS, RECORD,
         BYTES("\x32\x1b\x0a\x01k\x12\x16\x32\x14"
               "\x0a\x07\x0a\x01" "a\x12\x02\x10\x01"
               "\x0a\x09\x0a\x01" "b\x12\x04\x2a\x02\x0a\x09"),
         0, 0, 1,
         LOGS(LOG("A", "," ATTRIBUTES("{\"key\":\"k\",\"value\":{\"kvlistValue\":{\"values\":["
                                      "{\"key\":\"a\",\"value\":{\"boolValue\":true}},"
                                      "{\"key\":\"b\",\"value\":{}}]}}}")) "," LOG("B", ""))},
        {"an attribute inside a list: the whole list", OTLP_LOGS, RECORD,
         BYTES("\x32\x0b\x0a\x01k\x12\x06\x32\x04\x0a\x02\x08\x01"), 0, 0, 1,
         LOGS(LOG("A", "," ATTRIBUTES("{\"key\":\"k\",\"value\":{}}")) "," LOG("B", ""))},
        {"two values of one record, and a sound one between", OTLP_LOGS, RECORD,
         BYTES("\x32\x07\x0a\x01k\x12\x02\x08\x05" "\x32\x07\x0a\x01l\x12\x02\x10\x01"
               "\x32\x07\x0a\x01m\x12\x02\x08\x05"),
         0, 0, 2,
         LOGS(LOG("A", "," ATTRIBUTES("{\"key\":\"k\",\"value\":{}},"
                                      "{\"key\":\"l\",\"value\":{\"boolValue\":true}},"
                                      "{\"key\":\"m\",\"value\":{}}")) "," LOG("B", ""))},
        {"a record's attribute", OTLP_LOGS, RECORD, BYTES("\x32\x02\x08\x01"), 1, 0, 0,
         LOGS(LOG("B", ""))},
        {"a record's body", OTLP_LOGS, RECORD, BYTES("\x2a\x02\x08\x01"), 1, 0, 0,
         LOGS(LOG("B", ""))},
        {"a value inside a record's body", OTLP_LOGS, RECORD,
         BYTES("\x2a\x0b\x32\x09\x0a\x07\x0a\x01k\x12\x02\x08\x01"), 0, 0, 1,
         LOGS("{\"severityText\":\"A\",\"body\":{\"kvlistValue\":{\"values\":["
              "{\"key\":\"k\",\"value\":{}}]}}}," LOG("B", ""))},
        {"a record that ends too early", OTLP_LOGS, RECORD, BYTES("\x0a"), 1, 0, 0,
         LOGS(LOG("B", ""))},
        {"what was mended in a record that is left out does not count", OTLP_LOGS, RECORD,
         BYTES("\x62\x01\xff" "\x32\x07\x0a\x01k\x12\x02\x08\x05" "\x80"), 1, 0, 0,
         LOGS(LOG("B", ""))},
        {"what was mended before a record that is left out does", OTLP_LOGS, SCOPE_X,
         BYTES("\x12\x03\x1a\x01\xff" "\x12\x01\x80"), 1, 1, 0,
         LOGS(BOTH_LOGS "," LOG("?", ""))},
        {"a record left out of a scope before a sound one", OTLP_LOGS, SCOPE_X,
         BYTES("\x12\x01\x80" "\x12\x03\x1a\x01" "C"), 1, 0, 0,
         LOGS(BOTH_LOGS "," LOG("C", ""))},
        {"an attribute's value of the resource", OTLP_LOGS, RESOURCE,
         BYTES("\x0a\x07\x0a\x01k\x12\x02\x08\x05"), 0, 0, 1,
         LOGS_IN(ATTRIBUTES(R1 ",{\"key\":\"k\",\"value\":{}}"), "\"name\":\"s\"", BOTH_LOGS)},
        {"an attribute of the resource", OTLP_LOGS, RESOURCE, BYTES("\x0a\x02\x08\x01"), 0, 0, 1,
         LOGS(BOTH_LOGS)},
        {"an entity of the resource", OTLP_LOGS, RESOURCE, BYTES("\x1a\x02\x08\x01"), 0, 0, 1,
         LOGS(BOTH_LOGS)},
        {"the resource itself", OTLP_LOGS, RESOURCE, BYTES("\x10"), 0, 0, 1,
         LOGS_IN("", "\"name\":\"s\"", BOTH_LOGS)},
        {"what was mended in a resource that is emptied does not count", OTLP_LOGS, RESOURCE,
         BYTES("\x0a\x07\x0a\x01k\x12\x02\x08\x05" "\x10"), 0, 0, 1,
         LOGS_IN("", "\"name\":\"s\"", BOTH_LOGS)},
        {"an attribute of the scope", OTLP_LOGS, SCOPE, BYTES("\x1a\x01\x80"), 0, 0, 1,
         LOGS(BOTH_LOGS)},
        {"the scope itself", OTLP_LOGS, SCOPE, BYTES("\x0a\x7f"), 0, 0, 1,
         LOGS_IN(ATTRIBUTES(R1), "", BOTH_LOGS)},
        {"an event's attribute value", OTLP_TRACES, RECORD,
         BYTES("\x5a\x09\x1a\x07\x0a\x01k\x12\x02\x08\x05"), 0, 0, 1,
         SPANS(SPAN("A", ",\"events\":[{" ATTRIBUTES("{\"key\":\"k\",\"value\":{}}") "}]") ","
               SPAN("B", ""))},
        {"an event", OTLP_TRACES, RECORD, BYTES("\x5a\x02\x08\x01"), 1, 0, 0,
         SPANS(SPAN("B", ""))},
        {"a status message", OTLP_TRACES, RECORD, BYTES("\x7a\x03\x12\x01\xff"), 0, 1, 0,
         SPANS("{\"name\":\"A\",\"status\":{\"message\":\"?\"}}," SPAN("B", ""))},
        {"a span's time", OTLP_TRACES, RECORD, BYTES("\x38\x01"), 1, 0, 0,
         SPANS(SPAN("B", ""))},
        {"a point's attribute value", OTLP_METRICS, RECORD,
         BYTES("\x3a\x07\x0a\x01k\x12\x02\x08\x05"), 0, 0, 1,
         METRICS(METRIC_OF("", POINT("10", ATTRIBUTES("{\"key\":\"k\",\"value\":{}}") ",") ","
                           POINT("11", "")) "}]")},
        {"a point", OTLP_METRICS, RECORD, BYTES("\x10\x01"), 1, 0, 0,
         METRICS(METRIC_OF("", POINT("11", "")) "}]")},
        {"a point's exemplar", OTLP_METRICS, RECORD, BYTES("\x2a\x01\x80"), 1, 0, 0,
         METRICS(METRIC_OF("", POINT("11", "")) "}]")},
        {"a metric's metadata", OTLP_METRICS, METRIC, BYTES("\x62\x01\x80"), 0, 0, 1,
         METRICS(METRIC_OF("", POINT("10", "") "," POINT("11", "")) "}]")},
        {"a metric's unit is no string", OTLP_METRICS, METRIC, BYTES("\x18\x01"), 2, 0, 0,
         METRICS("")},
        {"a metric's unit is not UTF-8", OTLP_METRICS, METRIC, BYTES("\x1a\x01\xff"), 0, 1, 0,
         METRICS(METRIC_OF(",\"unit\":\"?\"", POINT("10", "") "," POINT("11", "")) "}]")},
        {"a gauge ends inside of a point", OTLP_METRICS, DATA, BYTES("\x0a\x10\x31"), 3, 0, 0,
         METRICS("")},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf request = request_with(cases[i].signal, cases[i].place, cases[i].bytes);
        struct mended m = mend(cases[i].signal, buf_slice(&request), NULL);
        const struct otlp_mend_result *r = &m.result;
        ck_assert_msg(m.err == GW_OK, "%s: %s", cases[i].why, r->refusal.why);
        ck_assert_msg(r->rejected == cases[i].rejected && r->strings == cases[i].strings &&
                          r->parts == cases[i].parts,
                      "%s: %u rejected, %u strings, %u parts", cases[i].why,
                      (unsigned)r->rejected, (unsigned)r->strings, (unsigned)r->parts);
        struct buf json = json_of(cases[i].signal, &m);
        ck_assert_msg(strcmp((const char *)json.data, cases[i].json) == 0, "%s: %s\nnot %s",
                      cases[i].why, json.data, cases[i].json);
        buf_free(&json);
        buf_free(&request);
        free(m.bytes);
    }
}
END_TEST

START_TEST(damage_to_what_holds_records_is_refused)
{
    static const struct {
        const char *why;
        enum otlp_signal signal;
        enum place place;
        struct slice bytes;
        enum otlp_fault fault;
        size_t at; /* behind the start of `bytes` */
        const char *says;
    } cases[] = {
        {"no field in the request", OTLP_LOGS, REQUEST, BYTES("\x80"), OTLP_FAULT_TAG, 0,
         "request: no field starts here at byte 31"},
        {"a resource's group past the end", OTLP_LOGS, REQUEST, BYTES("\x0a\x05\x0a"),
         OTLP_FAULT_LENGTH, 1, "resource_logs: length 5 runs past the end at byte 32"},
        {"a group of scopes as a number", OTLP_TRACES, RESOURCE_X, BYTES("\x10\x01"),
         OTLP_FAULT_WIRE_TYPE, 0, NULL},
        {"a resource past the end", OTLP_LOGS, RESOURCE_X, BYTES("\x0a\x05\x0a"),
         OTLP_FAULT_LENGTH, 1, NULL},
        {"a scope past the end", OTLP_LOGS, SCOPE_X, BYTES("\x0a\x05\x0a"), OTLP_FAULT_LENGTH, 1,
         NULL},
        {"a record past the end", OTLP_LOGS, SCOPE_X, BYTES("\x12\x05\x0a"), OTLP_FAULT_LENGTH, 1,
         NULL},
        {"a metric past the end", OTLP_METRICS, SCOPE_X, BYTES("\x12\x05\x0a"), OTLP_FAULT_LENGTH,
         1, NULL},
        {"no field in the scope's group", OTLP_METRICS, SCOPE_X, BYTES("\x03"), OTLP_FAULT_TAG, 0,
         NULL},
        {"behind damage that was mended", OTLP_LOGS, SCOPE_X, BYTES("\x12\x02\x08\x01\x1a\x04"),
         OTLP_FAULT_LENGTH, 5, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf request = request_with(cases[i].signal, cases[i].place, cases[i].bytes);
        struct mended m = mend(cases[i].signal, buf_slice(&request), NULL);
        ck_assert_msg(m.err == GW_ERR_MALFORMED, "%s: %d", cases[i].why, m.err);
        ck_assert_msg(m.result.refusal.fault == cases[i].fault, "%s: fault %d", cases[i].why,
                      m.result.refusal.fault);
        size_t start = request.len - cases[i].bytes.len; /* nothing comes behind */
        ck_assert_msg(m.result.refusal.offset == start + cases[i].at, "%s: offset %zu",
                      cases[i].why, m.result.refusal.offset);
        struct buf words = words_of(&m);
        if (cases[i].says)
            ck_assert_str_eq((const char *)words.data, cases[i].says);
        ck_assert_uint_gt(words.len, 1);
        buf_free(&words);
        buf_free(&request);
        free(m.bytes);
    }
}
END_TEST

START_TEST(lengths_keep_their_bytes)
{
    /* A length of two bytes (200) becomes 5, padded; that of one byte inside of it shrinks too. */
    struct buf record = message();
    struct buf scope = message();
    struct buf resource = message();
    struct buf request = message();
    uint8_t junk[190];
    memset(junk, 0x80, sizeof junk);
    buf_append(&record, junk, sizeof junk);
    PUT_RAW(&scope, 2, "\x1a\x01x");
    put_child(&scope, 2, &record);
    put_child(&resource, 2, &scope);
    put_child(&request, 1, &resource);
    ck_assert(memcmp(request.data, "\x0a\xc9\x01\x12\xc6\x01\x12\x03\x1a\x01x", 11) == 0);

    struct mended m = mend(OTLP_LOGS, buf_slice(&request), NULL);
    ck_assert_int_eq(m.err, GW_OK);
    ck_assert_uint_eq(m.result.rejected, 1);
    ck_assert_uint_eq(m.len, 11);
    ck_assert(memcmp(m.bytes, "\x0a\x88\x00\x12\x85\x00\x12\x03\x1a\x01x", 11) == 0);
    free(m.bytes);
    buf_free(&request);
}
END_TEST

START_TEST(lengths_of_ten_bytes_shrink_too)
{
    static const uint8_t bytes[] = "\x0a\x90\x80\x80\x80\x80\x80\x80\x80\x80\x00"
                                   "\x12\x87\x80\x80\x80\x80\x80\x80\x00"
                                   "\x12\x01\x80"
                                   "\x12\x02\x18"
                                   "\x01";
    struct mended m = mend(OTLP_LOGS, slice_make(bytes, sizeof bytes - 1), NULL);
    ck_assert_int_eq(m.err, GW_OK);
    ck_assert_uint_eq(m.result.rejected, 2);
    ck_assert_uint_eq(m.len, 20);
    ck_assert(memcmp(m.bytes, "\x0a\x89\x80\x80\x80\x80\x80\x80\x80\x80\x00"
                              "\x12\x80\x80\x80\x80\x80\x80\x80\x00",
                     20) == 0);
    free(m.bytes);
}
END_TEST

START_TEST(a_bad_value_leaves_an_empty_one)
{
    static const uint8_t bytes[] = "\x0a\x10\x12\x0e\x12\x0c\x32\x0a\x0a\x01k"
                                   "\x12\x83\x80\x00\x0a\x05x";
    static const uint8_t wanted[] = "\x0a\x0d\x12\x0b\x12\x09\x32\x07\x0a\x01k\x12\x80\x80\x00";
    struct mended m = mend(OTLP_LOGS, slice_make(bytes, sizeof bytes - 1), NULL);
    ck_assert_int_eq(m.err, GW_OK);
    ck_assert_uint_eq(m.len, sizeof wanted - 1);
    ck_assert(memcmp(m.bytes, wanted, m.len) == 0);
    free(m.bytes);
}
END_TEST

START_TEST(points_of_a_metric_that_is_left_out_are_counted)
{
    /* Metrics by hand; a sound one with one point stands before and behind. */
    static const struct {
        const char *why;
        struct slice metric;
        uint64_t records;
        uint64_t rejected;
        uint64_t parts;
    } cases[] = {
        {"no point at all", BYTES("\x08\x01"), 2, 1, 0},
        {"points behind the fault", BYTES("\x08\x01\x2a\x04\x0a\x00\x0a\x00"), 2, 2, 0},
        {"points before and behind", BYTES("\x2a\x02\x0a\x00\x18\x01\x2a\x04\x0a\x00\x0a\x00"), 2,
         3, 0},
        {"a fault in the data, points behind", BYTES("\x2a\x06\x0a\x00\x08\x01\x0a\x00"), 2, 2, 0},
        {"the data cannot be read on, but the metric can",
         BYTES("\x2a\x01\x80\x2a\x04\x0a\x00\x0a\x00"), 2, 2, 0},
        {"another member replaces them", BYTES("\x2a\x04\x0a\x00\x0a\x00\x18\x01\x3a\x02\x0a\x00"),
         2, 1, 0},
        {"the same member goes on", BYTES("\x2a\x02\x0a\x00\x08\x01\x2a\x02\x0a\x00"), 2, 2, 0},
        {"points left out before count once", BYTES("\x2a\x05\x0a\x01\x80\x0a\x00\x18\x01"), 2, 2,
         0},
        {"nothing can be told behind a broken tag", BYTES("\x2a\x02\x0a\x00\x2b\x2a\x02\x0a\x00"),
         2, 1, 0},
        {"a point that does not count is left out",
         BYTES("\x2a\x03\x0a\x01\x80\x3a\x02\x0a\x00"), 3, 0, 1},
        {"a point that does not count, then one that does",
         BYTES("\x2a\x03\x0a\x01\x80\x3a\x05\x0a\x00\x0a\x01\x80"), 3, 1, 1},
        {"a point that does not count in a metric that is left out",
         BYTES("\x2a\x03\x0a\x01\x80\x3a\x02\x0a\x00\x08\x01"), 2, 1, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf scope = message();
        struct buf resource = message();
        struct buf request = message();
        PUT_RAW(&scope, 2, "\x2a\x02\x0a\x00");
        put_slice(&scope, 2, cases[i].metric);
        PUT_RAW(&scope, 2, "\x2a\x02\x0a\x00");
        put_child(&resource, 2, &scope);
        put_child(&request, 1, &resource);
        struct mended m = mend(OTLP_METRICS, buf_slice(&request), NULL);
        ck_assert_msg(m.err == GW_OK, "%s", cases[i].why);
        ck_assert_msg(m.result.records == cases[i].records &&
                          m.result.rejected == cases[i].rejected &&
                          m.result.parts == cases[i].parts,
                      "%s: %u records, %u rejected, %u parts", cases[i].why,
                      (unsigned)m.result.records, (unsigned)m.result.rejected,
                      (unsigned)m.result.parts);
        free(m.bytes);
        buf_free(&request);
    }
}
END_TEST

/* An attribute whose value nests `lists` arrays. */
static struct buf deep_record(uint32_t lists)
{
    struct buf any = message();
    struct buf attribute = message();
    struct buf record = message();
    for (uint32_t i = 0; i < lists; i++) {
        struct buf array = message();
        struct buf outer = message();
        put_child(&array, 1, &any);
        put_child(&outer, 5, &array);
        any = outer;
    }
    put_text(&attribute, 1, "k");
    put_child(&attribute, 2, &any);
    put_child(&record, 6, &attribute);
    return record;
}

START_TEST(values_that_nest_too_deeply_become_empty)
{
    /* Request, resource, scope, record, attribute, value: 6; each array is two more. */
    static const struct {
        const char *why;
        uint32_t max_depth;
        uint32_t lists;
        int err;
        uint64_t rejected;
        uint64_t parts;
    } cases[] = {
        {"the default limit, just reached", 0, 47, GW_OK, 0, 0},
        {"one over it", 0, 48, GW_OK, 0, 1},
        {"far over it", 0, 400, GW_OK, 0, 1},
        {"a limit inside of the value", 7, 1, GW_OK, 0, 1},
        {"no value is allowed", 5, 0, GW_OK, 0, 1},
        {"no attribute is allowed", 4, 0, GW_OK, 1, 0},
        {"no record is allowed", 3, 0, GW_ERR_TOO_LARGE, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct otlp_limits limits = {.max_depth = cases[i].max_depth};
        struct buf record = deep_record(cases[i].lists);
        struct buf request = request_of(&record);
        struct mended m = mend(OTLP_LOGS, buf_slice(&request), &limits);
        ck_assert_msg(m.err == cases[i].err, "%s: %d", cases[i].why, m.err);
        ck_assert_msg(m.result.rejected == cases[i].rejected && m.result.parts == cases[i].parts,
                      "%s: %u rejected, %u parts", cases[i].why, (unsigned)m.result.rejected,
                      (unsigned)m.result.parts);
        if (m.err != GW_OK)
            ck_assert_int_eq(m.result.refusal.fault, OTLP_FAULT_DEPTH);
        free(m.bytes);
        buf_free(&request);
    }
}
END_TEST

START_TEST(records_left_out_count_against_the_limit)
{
    struct buf request = request_with(OTLP_LOGS, SCOPE_X, (struct slice)BYTES("\x12\x01\x80"));
    struct otlp_limits limits = {.max_records = 3};
    struct mended m = mend(OTLP_LOGS, buf_slice(&request), &limits);
    ck_assert_int_eq(m.err, GW_OK);
    ck_assert_uint_eq(m.result.records, 2);
    ck_assert_uint_eq(m.result.rejected, 1);
    free(m.bytes);
    buf_free(&request);

    request = request_with(OTLP_LOGS, SCOPE_X, (struct slice)BYTES("\x12\x01\x80\x12\x00"));
    m = mend(OTLP_LOGS, buf_slice(&request), &limits);
    ck_assert_int_eq(m.err, GW_ERR_TOO_LARGE);
    ck_assert_int_eq(m.result.refusal.fault, OTLP_FAULT_RECORDS);
    ck_assert_uint_eq(m.result.refusal.length, 3);
    free(m.bytes);
    buf_free(&request);

    request = request_with(OTLP_METRICS, DATA, (struct slice)BYTES("\x0a\x00\x0a\x00"));
    m = mend(OTLP_METRICS, buf_slice(&request), &limits);
    ck_assert_int_eq(m.err, GW_ERR_TOO_LARGE);
    ck_assert_int_eq(m.result.refusal.fault, OTLP_FAULT_RECORDS);
    free(m.bytes);
    buf_free(&request);
}
END_TEST

START_TEST(what_happened_is_told_with_places_in_the_request_as_it_came)
{
    static const struct {
        struct slice bytes;
        const char *says;
    } cases[] = {
        {BYTES(""), ""},
        {BYTES("\x12\x03\x32\xac\x02"),
         "1 log record left out: resource_logs.scope_logs.log_records.attributes: length 300 runs "
         "past the end at byte 34"},
        {BYTES("\x12\x03\x32\xac\x02\x12\x01\x80"),
         "2 log records left out, first resource_logs.scope_logs.log_records.attributes: length "
         "300 runs past the end at byte 34"},
        {BYTES("\x12\x09\x32\x07\x0a\x01k\x12\x02\x08\x05"),
         "1 damaged part emptied or left out: "
         "resource_logs.scope_logs.log_records.attributes.value.string_value: wrong wire type at "
         "byte 40"},
        {BYTES("\x12\x04\x1a\x01\xff\x80" /* left out: tells nothing of its string */
               "\x12\x09\x32\x07\x0a\x01k\x12\x02\x08\x05"
               "\x12\x04\x1a\x02x\xff\x12\x03\x1a\x01\xff"),
         "1 log record left out: resource_logs.scope_logs.log_records: no field starts here at "
         "byte 36; "
         "1 damaged part emptied or left out: "
         "resource_logs.scope_logs.log_records.attributes.value.string_value: wrong wire type at "
         "byte 46; "
         "2 strings with invalid UTF-8 mended, first "
         "resource_logs.scope_logs.log_records.severity_text: a string is not UTF-8 at byte 53"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf request = request_with(OTLP_LOGS, SCOPE_X, cases[i].bytes);
        struct mended m = mend(OTLP_LOGS, buf_slice(&request), NULL);
        struct buf words = words_of(&m);
        ck_assert_int_eq(m.err, GW_OK);
        ck_assert_str_eq((const char *)words.data, cases[i].says);
        ck_assert_uint_eq(m.result.first_rejected.record.len, 0);
        buf_free(&words);
        free(m.bytes);
        buf_free(&request);
    }
}
END_TEST

START_TEST(an_empty_request_and_an_unknown_signal)
{
    struct otlp_mend_result result;
    size_t len = 0;
    uint8_t byte = 0x80;
    ck_assert_int_eq(otlp_mend(OTLP_LOGS, NULL, &len, NULL, &result), GW_OK);
    ck_assert_uint_eq(len, 0);
    ck_assert_uint_eq(result.records, 0);
    len = 1;
    ck_assert_int_eq(otlp_mend((enum otlp_signal)9, &byte, &len, NULL, &result), GW_ERR_INVALID);
    ck_assert_uint_eq(len, 1);
    ck_assert_uint_eq(result.rejected + result.strings + result.parts + result.records, 0);
}
END_TEST

START_TEST(captured_requests_stay_as_they_are)
{
    for (size_t i = 0; i < FIXTURES; i++) {
        struct buf request = load_fixture(&fixtures[i]);
        ck_assert_msg(request.len > 0, "%s", fixtures[i].name);
        struct mended m = mend(fixtures[i].signal, buf_slice(&request), NULL);
        ck_assert_int_eq(m.err, GW_OK);
        ck_assert_uint_eq(m.result.records, fixtures[i].records);
        free(m.bytes);
        buf_free(&request);
    }
}
END_TEST

/* ---- any byte changed ------------------------------------------------------------------------ */

static size_t records_of(enum otlp_signal signal, struct slice request, struct slice *records)
{
    struct otlp_reader reader;
    size_t n = 0;
    otlp_reader_init(&reader, signal, request);
    while (otlp_reader_next(&reader)) {
        ck_assert_uint_lt(n, RECORDS_MAX);
        records[n++] = reader.now.bytes;
    }
    return n;
}

/* The record that `at` is inside of; RECORDS_MAX: none. */
static size_t record_at(const struct slice *records, size_t n, const uint8_t *at)
{
    for (size_t i = 0; i < n; i++)
        if (at >= records[i].data && at < records[i].data + records[i].len)
            return i;
    return RECORDS_MAX;
}

/* All records but `hit` are there, in their order and unchanged. */
static void check_others(enum otlp_signal signal, const struct mended *m,
                         const struct slice *records, size_t n, size_t hit)
{
    struct slice left[RECORDS_MAX];
    size_t found = records_of(signal, slice_make(m->bytes, m->len), left);
    size_t lost = m->result.rejected;
    ck_assert_uint_le(lost, 1);
    ck_assert_uint_eq(found, n - lost);
    for (size_t i = 0; i < n; i++)
        if (i != hit)
            ck_assert(slice_eq(records[i], left[i > hit ? i - lost : i]));
}

START_TEST(one_changed_byte_of_a_record_costs_no_other_record)
{
    static const uint8_t flips[] = {0xff, 0x80, 0x01, 0x02, 0x07, 0x40};
    static const size_t chosen[] = {1, 3, 5, 26, 27, 33, 38, 42};
    for (size_t c = 0; c < sizeof chosen / sizeof chosen[0]; c++) {
        const struct fixture *fixture = &fixtures[chosen[c]];
        struct buf request = load_fixture(fixture);
        struct slice records[RECORDS_MAX];
        size_t n = records_of(fixture->signal, buf_slice(&request), records);
        ck_assert_uint_eq(n, fixture->records);
        for (size_t at = 0; at < request.len; at += SUITE_STRIDE) {
            for (size_t i = 0; i < sizeof flips; i++) {
                size_t hit = record_at(records, n, request.data + at);
                request.data[at] ^= flips[i];
                struct mended m = mend(fixture->signal, buf_slice(&request), NULL);
                request.data[at] ^= flips[i];
                if (hit != RECORDS_MAX) {
                    ck_assert_msg(m.err == GW_OK, "%s: byte %zu", fixture->name, at);
                    check_others(fixture->signal, &m, records, n, hit);
                }
                free(m.bytes);
            }
        }
        buf_free(&request);
    }
}
END_TEST

START_TEST(requests_cut_anywhere_do_no_harm)
{
    for (size_t i = 0; i < FIXTURES; i += 6) {
        struct buf request = load_fixture(&fixtures[i]);
        for (size_t len = 0; len < request.len; len++)
            free(mend(fixtures[i].signal, slice_make(request.data, len), NULL).bytes);
        buf_free(&request);
    }
}
END_TEST

START_TEST(requests_with_many_changed_bytes_do_no_harm)
{
    uint32_t random = 1;
    for (size_t i = 0; i < FIXTURES; i += 3) {
        struct buf request = load_fixture(&fixtures[i]);
        for (int round = 0; round < 400; round++) {
            struct buf copy = message();
            buf_slice_append(&copy, buf_slice(&request));
            for (int k = 0; k < 1 + round / 20; k++) {
                random = random * 1664525u + 1013904223u;
                copy.data[(random >> 8) % copy.len] = (uint8_t)(random >> 3);
            }
            free(mend(fixtures[i].signal, buf_slice(&copy), NULL).bytes);
            buf_free(&copy);
        }
        buf_free(&request);
    }
}
END_TEST

SUITE_MAIN("otlp/mend", each_damage_has_its_cure, damage_to_what_holds_records_is_refused,
           lengths_keep_their_bytes, lengths_of_ten_bytes_shrink_too,
           a_bad_value_leaves_an_empty_one, points_of_a_metric_that_is_left_out_are_counted,
           values_that_nest_too_deeply_become_empty, records_left_out_count_against_the_limit,
           what_happened_is_told_with_places_in_the_request_as_it_came,
           an_empty_request_and_an_unknown_signal, captured_requests_stay_as_they_are,
           one_changed_byte_of_a_record_costs_no_other_record, requests_cut_anywhere_do_no_harm,
           requests_with_many_changed_bytes_do_no_harm)
