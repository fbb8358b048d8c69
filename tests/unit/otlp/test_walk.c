// SPDX-License-Identifier: Apache-2.0
#include "shared/otlp/walk.h"

#include "shared/otlp/json_out.h"
#include "shared/otlp/sources.h"
#include "shared/otlp/value.h"
#include "tests/support/suite.h"
#include "tests/unit/otlp/message.h"

#define BYTES(text) {(const uint8_t *)(text), sizeof(text) - 1}

static struct buf text_of(const struct otlp_walk_result *result)
{
    struct buf text = message();
    otlp_walk_explain(result, &text);
    buf_byte(&text, 0);
    return text;
}

/* How deep inside of a logs request some bytes are put. */
enum place { REQUEST, RESOURCE_LOGS, SCOPE_LOGS, RECORD, ATTRIBUTE, VALUE };

static struct buf request_around(struct slice bytes, enum place place)
{
    static const uint32_t numbers[] = {[RESOURCE_LOGS] = 1, [SCOPE_LOGS] = 2, [RECORD] = 2,
                                       [ATTRIBUTE] = 6,
                                       [VALUE] = 2};
    struct buf inner = message();
    buf_slice_append(&inner, bytes);
    for (int i = place; i > REQUEST; i--) {
        struct buf outer = message();
        put_child(&outer, numbers[i], &inner);
        inner = outer;
    }
    return inner;
}

START_TEST(single_faults_are_found_where_they_are)
{
    static const struct {
        const char *why;
        enum place place;
        struct slice bytes;
        enum otlp_fault fault;
        size_t at; /* offset in `bytes` */
        const char *says;
    } cases[] = {
        {"a tag that never ends", RECORD, BYTES("\x80"), OTLP_FAULT_TAG, 0,
         "resource_logs.scope_logs.log_records: no field starts here at byte 6"},
        {"field number 0", RECORD, BYTES("\x02"), OTLP_FAULT_TAG, 0, NULL},
        {"a field number over 2^29-1", REQUEST, BYTES("\x80\x80\x80\x80\x10"), OTLP_FAULT_TAG, 0,
         "request: no field starts here at byte 0"},
        {"a group begins", SCOPE_LOGS, BYTES("\x2b"), OTLP_FAULT_TAG, 0, NULL},
        {"a group ends", SCOPE_LOGS, BYTES("\x2c"), OTLP_FAULT_TAG, 0, NULL},
        {"wire type 6", RECORD, BYTES("\x4e"), OTLP_FAULT_TAG, 0, NULL},
        {"wire type 7", RECORD, BYTES("\x4f"), OTLP_FAULT_TAG, 0, NULL},
        {"a varint of eleven bytes", RECORD,
         BYTES("\x10\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00"),
         OTLP_FAULT_NUMBER, 1, NULL},
        {"a varint that is cut off", RECORD, BYTES("\x10\xff"), OTLP_FAULT_NUMBER, 1,
         "resource_logs.scope_logs.log_records.severity_number: a number is cut off or too long "
         "at byte 7"},
        {"a fixed64 that is cut off", RECORD, BYTES("\x09\x01\x02\x03"), OTLP_FAULT_NUMBER, 1,
         NULL},
        {"a fixed32 that is cut off", RECORD, BYTES("\x45\x01"), OTLP_FAULT_NUMBER, 1, NULL},
        {"a length past the end", RECORD, BYTES("\x32\xac\x02"), OTLP_FAULT_LENGTH, 1,
         "resource_logs.scope_logs.log_records.attributes: length 300 runs past the end at byte 7"},
        {"a length inside its parent's parent only", VALUE, BYTES("\x0a\x02x"), OTLP_FAULT_LENGTH,
         1, NULL},
        {"the largest length", RECORD, BYTES("\x1a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
         OTLP_FAULT_LENGTH, 1,
         NULL},
        {"an unknown field's length past the end", RECORD, BYTES("\xa2\x06\x05" "abc"),
         OTLP_FAULT_LENGTH, 2,
         "resource_logs.scope_logs.log_records.field 100: length 5 runs past the end at byte 8"},
        {"an unknown field's number is cut off", RECORD, BYTES("\xa5\x06" "abc"),
         OTLP_FAULT_NUMBER, 2, NULL},
        {"a time as a varint", RECORD, BYTES("\x08\x01"), OTLP_FAULT_WIRE_TYPE, 0,
         "resource_logs.scope_logs.log_records.time_unix_nano: wrong wire type at byte 6"},
        {"a time as bytes", RECORD, BYTES("\x0a\x01x"), OTLP_FAULT_WIRE_TYPE, 0, NULL},
        {"flags as fixed64", RECORD, BYTES("\x41\x01\x02\x03\x04\x05\x06\x07\x08"),
         OTLP_FAULT_WIRE_TYPE, 0, NULL},
        {"an attribute as a number", RECORD, BYTES("\x30\x01"), OTLP_FAULT_WIRE_TYPE, 0, NULL},
        {"a string as a number", RECORD, BYTES("\x18\x01"), OTLP_FAULT_WIRE_TYPE, 0, NULL},
        {"an int value as fixed64", VALUE, BYTES("\x19\x01\x02\x03\x04\x05\x06\x07\x08"),
         OTLP_FAULT_WIRE_TYPE, 0,
         NULL},
        {"a double value as fixed32", VALUE, BYTES("\x25\x01\x02\x03\x04"), OTLP_FAULT_WIRE_TYPE,
         0, NULL},
        {"a string value that is not UTF-8", VALUE, BYTES("\x0a\x03" "ab\xff"), OTLP_FAULT_UTF8, 4,
         "resource_logs.scope_logs.log_records.attributes.value.string_value: a string is not "
         "UTF-8 at byte 14"},
        {"a long string with one bad byte", RECORD, BYTES("\x1a\x14" "0123456789abcdefgh\xc3z"),
         OTLP_FAULT_UTF8, 20,
         NULL},
        {"an overlong form", RECORD, BYTES("\x1a\x02\xc0\x80"), OTLP_FAULT_UTF8, 2, NULL},
        {"half a surrogate pair", RECORD, BYTES("\x1a\x03\xed\xa0\x80"), OTLP_FAULT_UTF8, 2, NULL},
        {"a key that is not UTF-8", ATTRIBUTE, BYTES("\x0a\x01\xff\x12\x00"), OTLP_FAULT_UTF8, 2,
         NULL},
        {"a key that is not UTF-8, before a string", ATTRIBUTE,
         BYTES("\x0a\x01\xff\x12\x02\x0a\x00"),
         OTLP_FAULT_UTF8, 2, NULL},
        {"a key that is not UTF-8, before a number", ATTRIBUTE,
         BYTES("\x0a\x01\xff\x12\x02\x18\x01"),
         OTLP_FAULT_UTF8, 2, NULL},
        {"a varint of two values where one is", ATTRIBUTE, BYTES("\x0a\x01k\x12\x03\x18\x01\xff"),
         OTLP_FAULT_TAG, 7,
         NULL},
        {"an int value over 64 bits", ATTRIBUTE,
         BYTES("\x0a\x01k\x12\x0b\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), OTLP_FAULT_NUMBER,
             6, NULL},
        {"a double value that is cut off", ATTRIBUTE, BYTES("\x0a\x01k\x12\x05\x21" "abcd"),
         OTLP_FAULT_NUMBER, 6,
         NULL},
        {"a value that fills more than its attribute", ATTRIBUTE,
         BYTES("\x0a\x01k\x12\x04\x0a\x01v"),
         OTLP_FAULT_LENGTH, 4, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf request = request_around(cases[i].bytes, cases[i].place);
        struct otlp_walk_result result;
        ck_assert_msg(otlp_walk(OTLP_LOGS, buf_slice(&request), NULL, &result) == GW_ERR_MALFORMED,
                      "%s",
                      cases[i].why);
        size_t base = request.len - cases[i].bytes.len;
        ck_assert_msg(result.fault == cases[i].fault, "%s: fault %d", cases[i].why, result.fault);
        ck_assert_msg(result.offset == base + cases[i].at, "%s: offset %zu", cases[i].why,
                      result.offset);
        ck_assert_msg(result.why != NULL, "%s", cases[i].why);
        struct buf text = text_of(&result);
        if (cases[i].says)
            ck_assert_str_eq((const char *)text.data, cases[i].says);
        ck_assert_msg(buf_ok(&text) && text.len > 1, "%s", cases[i].why);
        buf_free(&text);
        buf_free(&request);
    }
}
END_TEST

START_TEST(odd_but_sound_requests_pass)
{
    static const struct {
        const char *why;
        enum place place;
        struct slice bytes;
        uint64_t records;
    } cases[] = {
        {"nothing at all", REQUEST, BYTES(""), 0},
        {"an empty resource", RESOURCE_LOGS, BYTES(""), 0},
        {"an empty record", RECORD, BYTES(""), 1},
        {"an empty attribute", ATTRIBUTE, BYTES(""), 1},
        {"an empty value", VALUE, BYTES(""), 1},
        {"unknown fields of all four types, one of them not UTF-8", RECORD,
         BYTES("\xa0\x06\x01" "\xa1\x06" "12345678" "\xa2\x06\x01\xff" "\xa5\x06" "1234"), 1},
        {"an unknown field of the highest number", RECORD, BYTES("\xf8\xff\xff\xff\x0f\x01"), 1},
        {"a padded length", RECORD, BYTES("\x1a\x82\x80\x80\x00ok"), 1},
        {"a field twice", RECORD, BYTES("\x1a\x01" "a\x1a\x01" "b"), 1},
        {"UTF-8 of all lengths", RECORD, BYTES("\x1a\x0a" "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x9a\x80"),
         1},
        {"bytes that are not UTF-8 where bytes may be", RECORD,
         BYTES("\x4a\x02\xff\xfe" "\x52\x01\x80"), 1},
        {"a bytes value", VALUE, BYTES("\x3a\x02\xff\xfe"), 1},
        {"value before key", ATTRIBUTE, BYTES("\x12\x03\x0a\x01v\x0a\x01k"), 1},
        {"a negative number in ten bytes", VALUE,
         BYTES("\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), 1},
        {"a double", VALUE, BYTES("\x21" "12345678"), 1},
        {"a truth", VALUE, BYTES("\x10\x01"), 1},
        {"a key of non-ASCII letters", ATTRIBUTE, BYTES("\x0a\x02\xc3\xa9\x12\x03\x0a\x01v"), 1},
        {"a value of non-ASCII letters", ATTRIBUTE,
         BYTES("\x0a\x01k\x12\x0a\x0a\x08" "abcdef\xc3\xa9"), 1},
        {"an enum that no list has", RECORD, BYTES("\x10\xe7\x07"), 1},
        {"the index fields of profiles", VALUE, BYTES("\x40\x05"), 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf request = request_around(cases[i].bytes, cases[i].place);
        struct otlp_walk_result result;
        int err = otlp_walk(OTLP_LOGS, buf_slice(&request), NULL, &result);
        struct buf text = text_of(&result);
        ck_assert_msg(err == GW_OK, "%s: %s", cases[i].why, (const char *)text.data);
        ck_assert_msg(text.len == 1, "%s", cases[i].why); /* nothing to explain */
        ck_assert_msg(result.records == cases[i].records, "%s", cases[i].why);
        ck_assert_int_eq(result.fault, OTLP_FAULT_NONE);
        buf_free(&text);
        buf_free(&request);
    }
}
END_TEST

static struct buf histogram_request(uint32_t number, struct slice bytes)
{
    struct buf point = message();
    struct buf histogram = message();
    struct buf metric = message();
    put_slice(&point, number, bytes);
    put_child(&histogram, 1, &point);
    put_child(&metric, 9, &histogram);
    return metrics_request_of(&metric);
}

START_TEST(packed_numbers_fill_their_length)
{
    static const struct {
        const char *why;
        uint32_t number;
        struct slice bytes;
        int err;
    } cases[] = {
        {"no bucket counts", 6, BYTES(""), GW_OK},
        {"two bucket counts", 6, BYTES("0123456789abcdef"), GW_OK},
        {"one and a half bucket counts", 6, BYTES("0123456789ab"), GW_ERR_MALFORMED},
        {"bounds of seven bytes", 7, BYTES("0123456"), GW_ERR_MALFORMED},
        {"a count that is not repeated", 4, BYTES("01234567"), GW_ERR_MALFORMED},
    };
    struct otlp_walk_result result;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf request = histogram_request(cases[i].number, cases[i].bytes);
        ck_assert_msg(otlp_walk(OTLP_METRICS, buf_slice(&request), NULL, &result) == cases[i].err,
                      "%s",
                      cases[i].why);
        buf_free(&request);
    }
    /* Varints: the counts of an exponential histogram, packed and not. */
    static const struct {
        struct slice bytes;
        int err;
    } varints[] = {{BYTES("\x01\xac\x02"), GW_OK}, {BYTES("\x01\xac"), GW_ERR_MALFORMED}};
    for (size_t i = 0; i < 2; i++) {
        struct buf buckets = message();
        struct buf point = message();
        struct buf histogram = message();
        struct buf metric = message();
        put_number(&buckets, 2, 7);
        put_slice(&buckets, 2, varints[i].bytes);
        put_child(&point, 8, &buckets);
        put_child(&histogram, 1, &point);
        put_child(&metric, 10, &histogram);
        struct buf request = metrics_request_of(&metric);
        ck_assert_int_eq(otlp_walk(OTLP_METRICS, buf_slice(&request), NULL, &result),
                         varints[i].err);
        ck_assert_int_eq(result.fault, varints[i].err ? OTLP_FAULT_PACKED : OTLP_FAULT_NONE);
        buf_free(&request);
    }
}
END_TEST

/* A request whose attribute holds arrays in arrays, `depth` messages deep in all: the request,
 * resource, scope, record, attribute and value are six; an array and what is in it are two more. */
static struct buf nested(uint32_t depth)
{
    struct buf any = message();
    if (depth % 2) /* an empty array inside */
        put_slice(&any, 5, slice_make(NULL, 0));
    for (uint32_t i = 6; i + 1 < depth; i += 2) {
        struct buf array = message();
        struct buf outer = message();
        put_child(&array, 1, &any);
        put_child(&outer, 5, &array);
        any = outer;
    }
    struct buf attribute = message();
    struct buf record = message();
    put_child(&attribute, 2, &any);
    put_child(&record, 6, &attribute);
    return request_of(&record);
}

START_TEST(depth_is_counted_in_messages)
{
    static const struct {
        uint32_t depth;
        uint32_t max;
        int err;
    } cases[] = {
        {100, 0, GW_OK}, {101, 0, GW_ERR_TOO_LARGE}, {102, 0, GW_ERR_TOO_LARGE}, {101, 1000,
                                                                                  GW_ERR_TOO_LARGE},
        {20, 20, GW_OK}, {21, 20, GW_ERR_TOO_LARGE}, {6, 6, GW_OK},              {7, 6,
                                                                                  GW_ERR_TOO_LARGE},
        {6, 5, GW_ERR_TOO_LARGE}, {5000, 0, GW_ERR_TOO_LARGE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf request = nested(cases[i].depth);
        struct otlp_limits limits = {.max_depth = cases[i].max};
        struct otlp_walk_result result;
        ck_assert_msg(otlp_walk(OTLP_LOGS, buf_slice(&request), &limits, &result) == cases[i].err,
                      "%u of %u", cases[i].depth, cases[i].max);
        ck_assert_int_eq(result.fault, cases[i].err ? OTLP_FAULT_DEPTH : OTLP_FAULT_NONE);
        buf_free(&request);
    }
}
END_TEST

START_TEST(the_short_way_over_attributes_keeps_the_depth_limit)
{
    struct buf record = message();
    put_attribute(&record, 6, "k", "v"); /* the value is message 6 */
    struct buf request = request_of(&record);
    struct otlp_walk_result result;
    struct otlp_limits limits = {.max_depth = 6};
    ck_assert_int_eq(otlp_walk(OTLP_LOGS, buf_slice(&request), &limits, &result), GW_OK);
    limits.max_depth = 5;
    ck_assert_int_eq(otlp_walk(OTLP_LOGS, buf_slice(&request), &limits, &result), GW_ERR_TOO_LARGE);
    struct buf text = text_of(&result);
    ck_assert_str_eq((const char *)text.data,
                     "resource_logs.scope_logs.log_records.attributes.value: messages are nested "
                     "too deeply "
                     "(limit 5) at byte 11");
    buf_free(&text);
    buf_free(&request);
}
END_TEST

START_TEST(long_paths_are_shortened)
{
    struct buf request = nested(101);
    struct otlp_walk_result result;
    ck_assert_int_eq(otlp_walk(OTLP_LOGS, buf_slice(&request), NULL, &result), GW_ERR_TOO_LARGE);
    struct buf text = text_of(&result);
    ck_assert_uint_lt(text.len, 200);
    ck_assert_ptr_nonnull(strstr((const char *)text.data, "values.array_value...."));
    buf_free(&text);
    buf_free(&request);
}
END_TEST

START_TEST(records_are_limited)
{
    struct buf scope = message();
    for (int i = 0; i < 5; i++)
        put_slice(&scope, 2, slice_make(NULL, 0));
    struct buf resource = message();
    struct buf request = message();
    put_child(&resource, 2, &scope);
    put_child(&request, 1, &resource);
    struct otlp_walk_result result;
    struct otlp_limits limits = {.max_records = 5};
    ck_assert_int_eq(otlp_walk(OTLP_LOGS, buf_slice(&request), &limits, &result), GW_OK);
    ck_assert_uint_eq(result.records, 5);
    limits.max_records = 4;
    ck_assert_int_eq(otlp_walk(OTLP_LOGS, buf_slice(&request), &limits, &result), GW_ERR_TOO_LARGE);
    ck_assert_int_eq(result.fault, OTLP_FAULT_RECORDS);
    ck_assert_uint_eq(result.length, 4);
    ck_assert_uint_eq(result.offset, 12);
    buf_free(&request);
}
END_TEST

START_TEST(the_default_limit_is_a_million_records)
{
    struct buf scope = message();
    for (uint32_t i = 0; i < OTLP_RECORDS_MAX + 1; i++)
        buf_append(&scope, "\x12\x00", 2);
    struct buf resource = message();
    struct buf request = message();
    put_child(&resource, 2, &scope);
    put_child(&request, 1, &resource);
    struct otlp_walk_result result;
    ck_assert_int_eq(otlp_walk(OTLP_TRACES, buf_slice(&request), NULL, &result), GW_ERR_TOO_LARGE);
    ck_assert_uint_eq(result.records, OTLP_RECORDS_MAX);
    buf_free(&request);
}
END_TEST

/* Metric with `count` empty points in the member `number` of its data. */
static void put_points(struct buf *metric, uint32_t number, int count)
{
    struct buf data = message();
    for (int i = 0; i < count; i++)
        put_slice(&data, 1, slice_make(NULL, 0));
    put_child(metric, number, &data);
}

START_TEST(records_of_metrics_are_points_of_the_kind_that_counts)
{
    static const uint32_t kinds[] = {5, 7, 9, 10, 11};
    struct otlp_walk_result result;
    for (size_t i = 0; i < 5; i++) {
        struct buf metric = message();
        put_points(&metric, kinds[i], 3);
        struct buf request = metrics_request_of(&metric);
        ck_assert_int_eq(otlp_walk(OTLP_METRICS, buf_slice(&request), NULL, &result), GW_OK);
        ck_assert_uint_eq(result.records, 3);
        buf_free(&request);
    }
    /* The last member of a oneof wins; the same one again adds. */
    struct buf first = message();
    put_points(&first, 5, 3);
    put_points(&first, 7, 2);
    put_points(&first, 7, 4);
    struct buf second = message();
    put_points(&second, 7, 1);
    struct buf scope = message();
    put_child(&scope, 2, &first);
    put_child(&scope, 2, &second);
    struct buf resource = message();
    struct buf request = message();
    put_child(&resource, 2, &scope);
    put_child(&request, 1, &resource);
    ck_assert_int_eq(otlp_walk(OTLP_METRICS, buf_slice(&request), NULL, &result), GW_OK);
    ck_assert_uint_eq(result.records, 7);
    buf_free(&request);
}
END_TEST

START_TEST(the_record_at_fault_is_named_when_it_can_be_cut_out)
{
    struct buf good = message();
    struct buf bad = message();
    struct buf scope = message();
    put_attribute(&good, 6, "k", "v");
    put_text(&bad, 3, "INFO");
    put_attribute(&bad, 6, "k", "\xff");
    size_t bad_size = bad.len + 2;
    put_child(&scope, 2, &good);
    size_t at = scope.len;
    put_child(&scope, 2, &bad);
    struct buf resource = message();
    struct buf request = message();
    put_child(&resource, 2, &scope);
    put_child(&request, 1, &resource);
    struct otlp_walk_result result;
    ck_assert_int_eq(otlp_walk(OTLP_LOGS, buf_slice(&request), NULL, &result), GW_ERR_MALFORMED);
    ck_assert_ptr_eq(result.record.data, request.data + (request.len - bad_size));
    ck_assert_uint_eq(result.record.len, bad_size);
    ck_assert_uint_gt(at, 0);
    /* Outside of a record there is none. */
    request.data[0] = 0x0b;
    ck_assert_int_eq(otlp_walk(OTLP_LOGS, buf_slice(&request), NULL, &result), GW_ERR_MALFORMED);
    ck_assert_uint_eq(result.record.len, 0);
    buf_free(&request);
}
END_TEST

START_TEST(an_unknown_signal_is_refused)
{
    struct otlp_walk_result result;
    ck_assert_int_eq(otlp_walk((enum otlp_signal)0, slice_make(NULL, 0), NULL, &result),
                     GW_ERR_INVALID);
    ck_assert_int_eq(otlp_walk((enum otlp_signal)4, slice_make(NULL, 0), NULL, &result),
                     GW_ERR_INVALID);
}
END_TEST

START_TEST(captured_requests_pass_with_their_records_counted)
{
    for (size_t i = 0; i < FIXTURES; i++) {
        struct buf request = load_fixture(&fixtures[i]);
        ck_assert_msg(request.len > 0, "%s", fixtures[i].name);
        struct otlp_walk_result result;
        ck_assert_msg(otlp_walk(fixtures[i].signal, buf_slice(&request), NULL, &result) == GW_OK,
                      "%s",
                      fixtures[i].name);
        ck_assert_msg(result.records == fixtures[i].records, "%s", fixtures[i].name);
        buf_free(&request);
    }
}
END_TEST

/* All that may be done with bytes from outside: walk them, and read them if they pass. */
static void survive(enum otlp_signal signal, struct slice bytes)
{
    uint8_t *copy = exact_copy(bytes);
    struct slice request = slice_make(copy, bytes.len);
    struct otlp_walk_result result;
    struct buf text = message();
    if (otlp_walk(signal, request, NULL, &result) != GW_OK) {
        otlp_walk_explain(&result, &text);
        ck_assert(result.offset <= bytes.len && text.len > 0);
    } else {
        struct sources sources;
        struct otlp_reader reader;
        uint64_t records = 0;
        ck_assert_int_eq(otlp_json_out(signal, request, &text), GW_OK);
        sources_collect(signal, request, &sources);
        otlp_reader_init(&reader, signal, request);
        while (otlp_reader_next(&reader))
            records++;
        ck_assert_uint_eq(records, result.records);
    }
    buf_free(&text);
    free(copy);
}

START_TEST(requests_cut_anywhere_do_no_harm)
{
    for (size_t i = 0; i < FIXTURES; i++) {
        struct buf request = load_fixture(&fixtures[i]);
        for (size_t len = 0; len < request.len; len += SUITE_STRIDE)
            survive(fixtures[i].signal, slice_make(request.data, len));
        buf_free(&request);
    }
}
END_TEST

START_TEST(requests_with_any_byte_changed_do_no_harm)
{
    static const uint8_t flips[] = {0x01, 0x80, 0xff};
    for (size_t i = 0; i < FIXTURES; i++) {
        struct buf request = load_fixture(&fixtures[i]);
        for (size_t at = 0; at < request.len; at += SUITE_STRIDE) {
            for (size_t k = 0; k < sizeof flips; k++) {
                request.data[at] ^= flips[k];
                survive(fixtures[i].signal, buf_slice(&request));
                request.data[at] ^= flips[k];
            }
        }
        buf_free(&request);
    }
}
END_TEST

SUITE_MAIN("otlp/walk", single_faults_are_found_where_they_are, odd_but_sound_requests_pass,
           packed_numbers_fill_their_length, depth_is_counted_in_messages,
           the_short_way_over_attributes_keeps_the_depth_limit, long_paths_are_shortened,
           records_are_limited, the_default_limit_is_a_million_records,
           records_of_metrics_are_points_of_the_kind_that_counts,
           the_record_at_fault_is_named_when_it_can_be_cut_out, an_unknown_signal_is_refused,
           captured_requests_pass_with_their_records_counted, requests_cut_anywhere_do_no_harm,
           requests_with_any_byte_changed_do_no_harm)
