// SPDX-License-Identifier: Apache-2.0
#include "shared/otlp/json_out.h"

#include <math.h>

#include "shared/otlp/walk.h"
#include "tests/support/suite.h"
#include "tests/unit/otlp/message.h"

/* The JSON of a request, as a string; frees the request. */
static struct buf json_of(enum otlp_signal signal, struct buf *request)
{
    struct buf out = message();
    ck_assert_int_eq(otlp_json_out(signal, buf_slice(request), &out), GW_OK);
    buf_byte(&out, 0);
    buf_free(request);
    return out;
}

/* Of a logs request with this record, the JSON of the record. */
static struct buf record_json(struct buf *record)
{
    static const char before[] = "{\"resourceLogs\":[{\"resource\":{},\"scopeLogs\":[{"
                                 "\"scope\":{},\"logRecords\":[";
    static const char after[] = "]}]}]}";
    struct buf request = request_of(record);
    struct buf out = json_of(OTLP_LOGS, &request);
    ck_assert_msg(strncmp((char *)out.data, before, sizeof before - 1) == 0, "%s",
                  (char *)out.data);
    ck_assert_uint_gt(out.len, sizeof before + sizeof after - 1);
    ck_assert_str_eq((char *)out.data + out.len - sizeof after, after);
    out.data[out.len - sizeof after] = 0;
    buf_drop_front(&out, sizeof before - 1);
    return out;
}

#define EXPECT_RECORD(record, wanted)                                                              \
    do {                                                                                           \
        struct buf json_ = record_json(&(record));                                                 \
        ck_assert_str_eq((char *)json_.data, wanted);                                              \
        buf_free(&json_);                                                                          \
    } while (0)

START_TEST(an_empty_batch_is_an_empty_object)
{
    for (int signal = OTLP_LOGS; signal <= OTLP_TRACES; signal++) {
        struct buf request = message();
        struct buf out = json_of((enum otlp_signal)signal, &request);
        ck_assert_str_eq((char *)out.data, "{}");
        buf_free(&out);
    }
}
END_TEST

START_TEST(a_record_is_written_in_the_collectors_order)
{
    struct buf record = message();
    struct buf body = message();
    put_text(&record, 12, "name");
    put_fixed64(&record, 11, 2);
    put_text(&record, 10, "\x01\x02\x03\x04\x05\x06\x07\xab");
    put_text(&record, 9, "\xff\x02\x03\x04\x05\x06\x07\x08\x01\x02\x03\x04\x05\x06\x07\x08");
    put_fixed32(&record, 8, 1);
    put_number(&record, 7, 4294967295u);
    put_attribute(&record, 6, "k", "v");
    put_int_attribute(&record, 6, "n", -5);
    put_text(&body, 1, "text");
    put_child(&record, 5, &body);
    put_text(&record, 3, "INFO");
    put_number(&record, 2, 9);
    put_fixed64(&record, 1, UINT64_MAX);
    EXPECT_RECORD(record,
                  "{\"timeUnixNano\":\"18446744073709551615\",\"observedTimeUnixNano\":\"2\","
                  "\"severityNumber\":9,"
                  "\"severityText\":\"INFO\",\"body\":{\"stringValue\":\"text\"},"
                  "\"attributes\":[{\"key\":\"k\","
                  "\"value\":{\"stringValue\":\"v\"}},{\"key\":\"n\","
                  "\"value\":{\"intValue\":\"-5\"}}],"
                  "\"droppedAttributesCount\":4294967295,\"flags\":1,"
                  "\"traceId\":\"ff020304050607080102030405060708\","
                  "\"spanId\":\"01020304050607ab\",\"eventName\":\"name\"}");
}
END_TEST

START_TEST(zero_is_left_out)
{
    struct buf record = message();
    put_fixed64(&record, 1, 0);
    put_number(&record, 2, 0);
    put_text(&record, 3, "");
    put_number(&record, 7, 0);
    put_fixed32(&record, 8, 0);
    put_slice(&record, 9, slice_make("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16));
    put_text(&record, 10, "");
    put_text(&record, 12, "");
    EXPECT_RECORD(record, "{\"body\":{}}");
}
END_TEST

START_TEST(values_are_written_by_kind)
{
    static const struct {
        const char *why;
        const char *any;
        size_t len;
        const char *json;
    } cases[] = {
        {"empty", "", 0, "{}"},
        {"an empty string", "\x0a\x00", 2, "{\"stringValue\":\"\"}"},
        {"false", "\x10\x00", 2, "{\"boolValue\":false}"},
        {"true", "\x10\x01", 2, "{\"boolValue\":true}"},
        {"a truth of another number", "\x10\x02", 2, "{\"boolValue\":true}"},
        {"zero", "\x18\x00", 2, "{\"intValue\":\"0\"}"},
        {"the smallest integer", "\x18\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 11,
         "{\"intValue\":\"-9223372036854775808\"}"},
        {"zero as a double", "\x21\0\0\0\0\0\0\0\0", 9, "{\"doubleValue\":0}"},
        {"minus zero", "\x21\0\0\0\0\0\0\0\x80", 9, "{\"doubleValue\":-0}"},
        {"a double", "\x21\0\0\0\0\0\0\xf8\x3f", 9, "{\"doubleValue\":1.5}"},
        {"not a number", "\x21\0\0\0\0\0\0\xf8\x7f", 9, "{\"doubleValue\":\"NaN\"}"},
        {"infinity", "\x21\0\0\0\0\0\0\xf0\xff", 9, "{\"doubleValue\":\"-Infinity\"}"},
        {"an empty array", "\x2a\x00", 2, "{\"arrayValue\":{}}"},
        {"an array", "\x2a\x08\x0a\x02\x18\x01\x0a\x02\x10\x01", 10,
         "{\"arrayValue\":{\"values\":[{\"intValue\":\"1\"},{\"boolValue\":true}]}}"},
        {"an array with an empty value", "\x2a\x02\x0a\x00", 4,
         "{\"arrayValue\":{\"values\":[{}]}}"},
        {"a list", "\x32\x09\x0a\x07\x0a\x01k\x12\x02\x18\x01", 11,
         "{\"kvlistValue\":{\"values\":[{\"key\":\"k\",\"value\":{\"intValue\":\"1\"}}]}}"},
        {"no bytes", "\x3a\x00", 2, "{\"bytesValue\":\"\"}"},
        {"bytes", "\x3a\x04\xff\xfe\xfd\xfc", 6, "{\"bytesValue\":\"//79/A==\"}"},
        {"the last member wins", "\x0a\x01x\x18\x07", 5, "{\"intValue\":\"7\"}"},
        {"the last member wins over an array", "\x2a\x04\x0a\x02\x18\x01\x10\x01", 8,
         "{\"boolValue\":true}"},
        {"arrays in pieces are one", "\x2a\x04\x0a\x02\x18\x01\x2a\x04\x0a\x02\x18\x02", 12,
         "{\"arrayValue\":{\"values\":[{\"intValue\":\"1\"},{\"intValue\":\"2\"}]}}"},
        {"but not across another member",
         "\x2a\x04\x0a\x02\x18\x01\x10\x01\x2a\x04\x0a\x02\x18\x02", 14,
         "{\"arrayValue\":{\"values\":[{\"intValue\":\"2\"}]}}"},
        {"unknown fields have no name", "\x50\x01", 2, "{}"},
        {"an index of profiles is absent", "\x0a\x01x\x40\x05", 5, "{\"stringValue\":\"x\"}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        /* As a body, and as the value of an attribute. */
        struct buf record = message();
        struct buf attribute = message();
        char wanted[512];
        put_slice(&record, 5, slice_make(cases[i].any, cases[i].len));
        put_text(&attribute, 1, "k");
        put_slice(&attribute, 2, slice_make(cases[i].any, cases[i].len));
        put_child(&record, 6, &attribute);
        snprintf(wanted, sizeof wanted,
                 "{\"body\":%s,\"attributes\":[{\"key\":\"k\",\"value\":%s}]}",
                 cases[i].json, cases[i].json);
        struct buf json = record_json(&record);
        ck_assert_msg(strcmp((char *)json.data, wanted) == 0, "%s: %s", cases[i].why,
                      (char *)json.data);
        buf_free(&json);
    }
}
END_TEST

START_TEST(attributes_of_any_shape_are_written)
{
    static const struct {
        const char *why;
        const char *attribute;
        size_t len;
        const char *json;
    } cases[] = {
        {"nothing", "", 0, "{\"value\":{}}"},
        {"no value", "\x0a\x01k", 3, "{\"key\":\"k\",\"value\":{}}"},
        {"no key", "\x12\x02\x18\x01", 4, "{\"value\":{\"intValue\":\"1\"}}"},
        {"an empty key", "\x0a\x00\x12\x02\x18\x01", 6, "{\"value\":{\"intValue\":\"1\"}}"},
        {"value before key", "\x12\x02\x18\x01\x0a\x01k", 7,
         "{\"key\":\"k\",\"value\":{\"intValue\":\"1\"}}"},
        {"two keys", "\x0a\x01" "a\x0a\x01" "b\x12\x02\x18\x01", 10,
         "{\"key\":\"b\",\"value\":{\"intValue\":\"1\"}}"},
        {"a value in pieces", "\x12\x04\x2a\x02\x0a\x00\x0a\x01k\x12\x06\x2a\x04\x0a\x02\x18\x01",
         17,
         "{\"key\":\"k\",\"value\":{\"arrayValue\":{\"values\":[{},{\"intValue\":\"1\"}]}}}"},
        {"a value in pieces, with a change of mind",
         "\x0a\x01k\x12\x04\x2a\x02\x0a\x00\x12\x02\x18\x05", 13,
         "{\"key\":\"k\",\"value\":{\"intValue\":\"5\"}}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf record = message();
        char wanted[512];
        put_slice(&record, 6, slice_make(cases[i].attribute, cases[i].len));
        snprintf(wanted, sizeof wanted, "{\"body\":{},\"attributes\":[%s]}", cases[i].json);
        struct buf json = record_json(&record);
        ck_assert_msg(strcmp((char *)json.data, wanted) == 0, "%s: %s", cases[i].why,
                      (char *)json.data);
        buf_free(&json);
    }
}
END_TEST

START_TEST(strings_are_escaped_whatever_their_length)
{
    for (size_t len = 0; len < 5000; len += len < 40 ? 1 : 977) {
        struct buf text = message();
        struct buf wanted = message();
        struct buf record = message();
        struct buf attribute = message();
        struct buf any = message();
        buf_text(&wanted,
                 "{\"body\":{},\"attributes\":[{\"key\":\"k\",\"value\":{\"stringValue\":\"");
        for (size_t i = 0; i < len; i++) {
            buf_byte(&text, i % 11 == 10 ? '"' : 'x');
            buf_text(&wanted, i % 11 == 10 ? "\\\"" : "x");
        }
        buf_text(&wanted, "\"}}]}");
        buf_byte(&wanted, 0);
        put_slice(&any, 1, buf_slice(&text));
        put_text(&attribute, 1, "k");
        put_child(&attribute, 2, &any);
        put_child(&record, 6, &attribute);
        EXPECT_RECORD(record, (char *)wanted.data);
        buf_free(&wanted);
        buf_free(&text);
    }
}
END_TEST

START_TEST(a_span_shows_its_status_and_flags)
{
    struct buf span = message();
    struct buf link = message();
    struct buf event = message();
    put_fixed32(&span, 16, 257);
    put_text(&span, 5, "GET");
    put_number(&span, 6, 3);
    put_text(&span, 4, "\x01\x01\x01\x01\x01\x01\x01\x01");
    put_text(&link, 3, "a=b");
    put_fixed32(&link, 6, 1);
    put_child(&span, 13, &link);
    put_text(&event, 2, "e");
    put_child(&span, 11, &event);
    struct buf request = request_of(&span);
    struct buf json = json_of(OTLP_TRACES, &request);
    ck_assert_str_eq((char *)json.data,
                     "{\"resourceSpans\":[{\"resource\":{},\"scopeSpans\":[{\"scope\":{},"
                     "\"spans\":[{"
                     "\"parentSpanId\":\"0101010101010101\",\"flags\":257,\"name\":\"GET\","
                     "\"kind\":3,"
                     "\"events\":[{\"name\":\"e\"}],\"links\":[{\"traceState\":\"a=b\","
                     "\"flags\":1}],"
                     "\"status\":{}}]}]}]}");
    buf_free(&json);
}
END_TEST

/* Of a metrics request with one metric of this data, what follows the metric's opening brace. */
static struct buf point_json(uint32_t member, struct buf *point)
{
    static const char before[] =
        "{\"resourceMetrics\":[{\"resource\":{},\"scopeMetrics\":[{\"scope\":{},\"metrics\":[{";
    struct buf data = message();
    struct buf metric = message();
    put_child(&data, 1, point);
    put_child(&metric, member, &data);
    struct buf request = metrics_request_of(&metric);
    struct buf json = json_of(OTLP_METRICS, &request);
    ck_assert_msg(strncmp((char *)json.data, before, sizeof before - 1) == 0, "%s",
                  (char *)json.data);
    buf_drop_front(&json, sizeof before - 1);
    json.data[json.len - sizeof "}]}]}]}"] = 0;
    return json;
}

START_TEST(points_show_what_is_present)
{
    struct buf point = message();
    put_fixed64(&point, 6, 0);
    struct buf json = point_json(5, &point);
    ck_assert_str_eq((char *)json.data, "\"gauge\":{\"dataPoints\":[{\"asInt\":\"0\"}]}");
    buf_free(&json);

    point = message();
    put_double(&point, 5, 0);
    put_double(&point, 11, 0);
    put_double(&point, 12, -1);
    put_fixed64(&point, 6, 3); /* not packed, then packed */
    put_slice(&point, 6, slice_make("\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0", 16));
    put_text(&point, 7, ""); /* packed, but empty */
    json = point_json(9, &point);
    ck_assert_str_eq((char *)json.data,
                     "\"histogram\":{\"dataPoints\":[{\"sum\":0,\"bucketCounts\":[\"3\",\"1\","
                                        "\"2\"],\"min\":0,\"max\":-1}]}");
    buf_free(&json);

    point = message();
    struct buf buckets = message();
    put_number(&buckets, 1, 3); /* zigzag: -2 */
    put_slice(&buckets, 2, slice_make("\x00\xac\x02", 3));
    put_child(&point, 9, &buckets);
    put_number(&point, 6, 4);
    put_double(&point, 14, 0.5);
    json = point_json(10, &point);
    ck_assert_str_eq((char *)json.data,
                     "\"exponentialHistogram\":{\"dataPoints\":[{\"scale\":2,\"positive\":{},"
                     "\"negative\":{"
                     "\"offset\":-2,\"bucketCounts\":[\"0\",\"300\"]},\"zeroThreshold\":0.5}]}");
    buf_free(&json);

    point = message();
    put_double(&point, 5, -0.0);
    struct buf quantile = message();
    put_double(&quantile, 1, 0.5);
    put_double(&quantile, 2, 0);
    put_child(&point, 6, &quantile);
    json = point_json(11, &point);
    ck_assert_str_eq((char *)json.data,
                     "\"summary\":{\"dataPoints\":[{\"quantileValues\":[{\"quantile\":0.5}]}]}");
    buf_free(&json);
}
END_TEST

START_TEST(resources_in_pieces_are_one)
{
    struct buf one = message();
    struct buf two = message();
    struct buf resource_logs = message();
    struct buf request = message();
    put_attribute(&one, 1, "a", "1");
    put_number(&one, 2, 7);
    put_attribute(&two, 1, "b", "2");
    put_child(&resource_logs, 1, &one);
    put_text(&resource_logs, 3, "url");
    put_child(&resource_logs, 1, &two);
    put_child(&request, 1, &resource_logs);
    struct buf json = json_of(OTLP_LOGS, &request);
    ck_assert_str_eq((char *)json.data,
                     "{\"resourceLogs\":[{\"resource\":{\"attributes\":[{\"key\":\"a\","
                     "\"value\":{\"stringValue\":"
                     "\"1\"}},{\"key\":\"b\",\"value\":{\"stringValue\":\"2\"}}],"
                     "\"droppedAttributesCount\":7},"
                     "\"schemaUrl\":\"url\"}]}");
    buf_free(&json);
}
END_TEST

START_TEST(lists_may_be_interrupted)
{
    struct buf record = message();
    put_attribute(&record, 6, "a", "1");
    put_text(&record, 3, "x");
    put_attribute(&record, 6, "b", "2");
    EXPECT_RECORD(record,
                  "{\"severityText\":\"x\",\"body\":{},\"attributes\":[{\"key\":\"a\",\"value\":{"
                          "\"stringValue\":\"1\"}},{\"key\":\"b\","
                          "\"value\":{\"stringValue\":\"2\"}}]}");
}
END_TEST

START_TEST(entity_refs_list_their_keys)
{
    struct buf ref = message();
    struct buf resource = message();
    struct buf resource_logs = message();
    struct buf request = message();
    put_text(&ref, 2, "service");
    put_text(&ref, 3, "service.name");
    put_text(&ref, 3, "");
    put_child(&resource, 3, &ref);
    put_child(&resource_logs, 1, &resource);
    put_child(&request, 1, &resource_logs);
    struct buf json = json_of(OTLP_LOGS, &request);
    ck_assert_str_eq((char *)json.data,
                     "{\"resourceLogs\":[{\"resource\":{\"entityRefs\":[{\"type\":\"service\","
                                        "\"idKeys\":[\"service.name\",\"\"]}]}}]}");
    buf_free(&json);
}
END_TEST

START_TEST(nesting_to_the_limit_is_written)
{
    struct buf any = message();
    for (uint32_t i = 6; i + 1 < OTLP_DEPTH_MAX; i += 2) {
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
    struct buf request = request_of(&record);
    struct otlp_walk_result result;
    ck_assert_int_eq(otlp_walk(OTLP_LOGS, buf_slice(&request), NULL, &result), GW_OK);
    struct buf json = json_of(OTLP_LOGS, &request);
    size_t arrays = 0;
    for (const char *p = (char *)json.data; (p = strstr(p, "arrayValue")); p++)
        arrays++;
    ck_assert_uint_eq(arrays, (OTLP_DEPTH_MAX - 6) / 2);
    buf_free(&json);
}
END_TEST

START_TEST(what_no_walk_lets_pass_does_no_harm)
{
    struct buf any = message();
    for (uint32_t i = 0; i < 300; i++) {
        struct buf array = message();
        struct buf outer = message();
        put_child(&array, 1, &any);
        put_child(&outer, 5, &array);
        any = outer;
    }
    struct buf record = message();
    put_child(&record, 5, &any);
    struct buf request = request_of(&record);
    struct buf out = message();
    ck_assert_int_eq(otlp_json_out(OTLP_LOGS, buf_slice(&request), &out), GW_ERR_TOO_LARGE);
    buf_free(&request);
    ck_assert_int_eq(otlp_json_out(OTLP_LOGS, slice_of("\x0a\x7f"), &out), GW_ERR_MALFORMED);
    ck_assert_int_eq(otlp_json_out(OTLP_LOGS, slice_of("\x08\x01"), &out), GW_ERR_MALFORMED);
    ck_assert_int_eq(otlp_json_out((enum otlp_signal)7, slice_of(""), &out), GW_ERR_INVALID);
    buf_free(&out);
}
END_TEST

START_TEST(a_full_buffer_is_an_error)
{
    struct buf record = message();
    put_attribute(&record, 6, "key", "value");
    put_text(&record, 3, "text");
    struct buf request = request_of(&record);
    struct buf whole = message();
    ck_assert_int_eq(otlp_json_out(OTLP_LOGS, buf_slice(&request), &whole), GW_OK);
    for (size_t max = 0; max < whole.len; max++) {
        struct buf out = buf_make(max);
        ck_assert_int_eq(otlp_json_out(OTLP_LOGS, buf_slice(&request), &out), GW_ERR_NOMEM);
        ck_assert_uint_le(out.len, max);
        buf_free(&out);
    }
    buf_free(&whole);
    buf_free(&request);
}
END_TEST

SUITE_MAIN("otlp/json_out", an_empty_batch_is_an_empty_object,
           a_record_is_written_in_the_collectors_order, zero_is_left_out,
           values_are_written_by_kind, attributes_of_any_shape_are_written,
           strings_are_escaped_whatever_their_length, a_span_shows_its_status_and_flags,
           points_show_what_is_present, resources_in_pieces_are_one, lists_may_be_interrupted,
           entity_refs_list_their_keys, nesting_to_the_limit_is_written,
           what_no_walk_lets_pass_does_no_harm, a_full_buffer_is_an_error)
