// SPDX-License-Identifier: Apache-2.0
#include "shared/otlp/value.h"

#include "shared/otlp/walk.h"
#include "tests/support/suite.h"
#include "tests/unit/otlp/message.h"

#define BYTES(text) {(const uint8_t *)(text), sizeof(text) - 1}

START_TEST(values_become_text)
{
    static const struct {
        const char *why;
        struct slice any;
        enum otlp_value_kind kind;
        const char *text;
    } cases[] = {
        {"empty", BYTES(""), OTLP_VALUE_EMPTY, ""},
        {"a string as it is", BYTES("\x0a\x03" "a\"b"), OTLP_VALUE_STRING, "a\"b"},
        {"an empty string", BYTES("\x0a\x00"), OTLP_VALUE_STRING, ""},
        {"true", BYTES("\x10\x01"), OTLP_VALUE_BOOL, "true"},
        {"false", BYTES("\x10\x00"), OTLP_VALUE_BOOL, "false"},
        {"an integer", BYTES("\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), OTLP_VALUE_INT, "-1"},
        {"a double", BYTES("\x21\0\0\0\0\0\0\xf8\x3f"), OTLP_VALUE_DOUBLE, "1.5"},
        {"not a number", BYTES("\x21\0\0\0\0\0\0\xf8\x7f"), OTLP_VALUE_DOUBLE, "NaN"},
        {"minus infinity", BYTES("\x21\0\0\0\0\0\0\xf0\xff"), OTLP_VALUE_DOUBLE, "-Infinity"},
        {"bytes", BYTES("\x3a\x02\xff\xfe"), OTLP_VALUE_BYTES, "//4="},
        {"an empty array", BYTES("\x2a\x00"), OTLP_VALUE_ARRAY, "[]"},
        {"an array",
         BYTES("\x2a\x11\x0a\x02\x18\x01\x0a\x03\x0a\x01\"\x0a\x00\x0a\x04\x3a\x02\xff\xfe"),
         OTLP_VALUE_ARRAY, "[1,\"\\\"\",null,\"//4=\"]"},
        {"an empty list", BYTES("\x32\x00"), OTLP_VALUE_KVLIST, "{}"},
        {"a list with an array in it",
         BYTES("\x32\x12\x0a\x07\x0a\x01k\x12\x02\x10\x01\x0a\x07\x0a\x01l\x12\x02\x2a\x00"),
         OTLP_VALUE_KVLIST, "{\"k\":true,\"l\":[]}"},
        {"not a number inside JSON", BYTES("\x2a\x0b\x0a\x09\x21\0\0\0\0\0\0\xf8\x7f"),
         OTLP_VALUE_ARRAY, "[\"NaN\"]"},
        {"the last member", BYTES("\x2a\x04\x0a\x02\x18\x01\x0a\x01s\x18\x05"), OTLP_VALUE_INT,
         "5"},
        {"an array in pieces", BYTES("\x2a\x04\x0a\x02\x18\x01\x2a\x04\x0a\x02\x18\x02"),
         OTLP_VALUE_ARRAY, "[1,2]"},
        {"an array that was begun anew",
         BYTES("\x2a\x04\x0a\x02\x18\x01\x10\x01\x2a\x04\x0a\x02\x18\x02"),
         OTLP_VALUE_ARRAY, "[2]"},
        {"an index of profiles", BYTES("\x40\x01"), OTLP_VALUE_EMPTY, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct otlp_view any = otlp_view_of(cases[i].any);
        struct otlp_value value;
        struct buf text = message();
        otlp_value_read(&any, &value);
        ck_assert_msg(value.kind == cases[i].kind, "%s", cases[i].why);
        otlp_value_text(&value, &text);
        buf_byte(&text, 0);
        ck_assert_msg(strcmp((char *)text.data, cases[i].text) == 0, "%s: %s", cases[i].why,
                      (char *)text.data);
        buf_free(&text);
    }
}
END_TEST

START_TEST(text_of_deep_nesting_ends)
{
    struct buf any = message();
    for (int i = 0; i < 200; i++) { /* deeper than any walk lets pass */
        struct buf array = message();
        struct buf outer = message();
        put_child(&array, 1, &any);
        put_child(&outer, 5, &array);
        any = outer;
    }
    struct otlp_view view = otlp_view_of(buf_slice(&any));
    struct otlp_value value;
    struct buf text = message();
    otlp_value_read(&view, &value);
    otlp_value_text(&value, &text);
    ck_assert(buf_ok(&text));
    ck_assert_uint_eq(text.len, OTLP_DEPTH_MAX / 2 * 2 + 4); /* brackets, and null inside */
    buf_free(&text);
    buf_free(&any);
}
END_TEST

/* A KeyValue {key, list of the pairs} in the text "key list". */
static void put_list(struct buf *m, uint32_t number, const char *key, struct buf *pairs)
{
    struct buf any = message();
    struct buf attribute = message();
    put_child(&any, 6, pairs);
    put_text(&attribute, 1, key);
    put_child(&attribute, 2, &any);
    put_child(m, number, &attribute);
}

START_TEST(lists_are_sorted_where_it_is_asked_for)
{
    struct buf inner = message(), list = message(), array = message(), any = message();
    put_attribute(&inner, 1, "z", "1");
    put_attribute(&inner, 1, "\xc3\xa9", "2");
    put_attribute(&inner, 1, "", "3");
    put_attribute(&inner, 1, "ab", "4");
    put_attribute(&inner, 1, "a", "5");
    put_attribute(&inner, 1, "Z", "6");
    put_int_attribute(&list, 1, "k", 1);
    put_list(&list, 1, "list", &inner);
    put_int_attribute(&list, 1, "k", 2); /* doubled keys as they came */
    put_int_attribute(&list, 1, "a", 3);
    PUT_RAW(&list, 1, "\x12\x02\x18\x07\x0a\x01" "b"); /* the value in front of the key */
    put_child(&any, 6, &list);
    put_child(&array, 1, &any);
    put_child(&any, 5, &array); /* [{...}] */

    struct otlp_view view = otlp_view_of(buf_slice(&any));
    struct otlp_value value;
    struct buf room = buf_make(4096), text = message(), plain = message();
    otlp_value_read(&view, &value);
    for (int i = 0; i < 2; i++) { /* the room may be used again */
        buf_clear(&text);
        otlp_value_text_sorted(&value, &room, &text);
        ck_assert(slice_is(buf_slice(&text), "[{\"a\":3,\"b\":7,\"k\":1,\"k\":2,\"list\":{\"\":\"3\",\"Z\":\"6\","
                                             "\"a\":\"5\",\"ab\":\"4\",\"z\":\"1\",\"\xc3\xa9\":\"2\"}}]"));
    }
    otlp_value_text(&value, &plain);
    ck_assert(slice_is(buf_slice(&plain), "[{\"k\":1,\"list\":{\"z\":\"1\",\"\xc3\xa9\":\"2\",\"\":\"3\",\"ab\":\"4\","
                                          "\"a\":\"5\",\"Z\":\"6\"},\"k\":2,\"a\":3,\"b\":7}]"));
    struct buf small = buf_make(64);
    buf_clear(&text);
    otlp_value_text_sorted(&value, &small, &text);
    ck_assert(!buf_ok(&text));
    buf_free(&any);
    buf_free(&room);
    buf_free(&small);
    buf_free(&text);
    buf_free(&plain);
}
END_TEST

/* What is read in a few steps is what the long way finds. */
START_TEST(plain_attributes_are_read_alike)
{
    static const struct {
        struct slice attribute;
        bool plain;
    } cases[] = {
        {BYTES("\x0a\x01k\x12\x03\x0a\x01v"), true},
        {BYTES("\x0a\x00\x12\x02\x0a\x00"), true},
        {BYTES("\x0a\x01k\x12\x00"), true},
        {BYTES("\x0a\x01k\x12\x02\x10\x01"), true},
        {BYTES("\x0a\x01k\x12\x03\x10\x80\x01"), true},
        {BYTES("\x0a\x01k\x12\x03\x18\xff\x01"), true},
        {BYTES("\x0a\x01k\x12\x09\x21\0\0\0\0\0\0\xf8\x3f"), true},
        {BYTES("\x0a\x01k\x12\x04\x18\x01\x10\x01"), false}, /* two members */
        {BYTES("\x0a\x01k\x12\x04\x0a\x00\x18\x01"), false},
        {BYTES("\x0a\x01k\x12\x03\x3a\x01v"), false}, /* bytes */
        {BYTES("\x0a\x01k\x12\x02\x2a\x00"), false},  /* an array */
        {BYTES("\x0a\x01k\x12\x02\x40\x01"), false},  /* unknown */
        {BYTES("\x0a\x01k"), false},
        {BYTES("\x12\x02\x18\x01\x0a\x01k"), false},
        {BYTES("\x0a\x01k\x12\x02\x18\x01\x0a\x01l"), false},
        {BYTES("\x0a\x81\x00k\x12\x02\x18\x01"), false},   /* a length longer than it need be */
        {BYTES("\x0a\x01k\x12\x82\x00\x18\x01"), false},
        {BYTES("\x0a\x01k\x12\x04\x0a\x81\x00v"), false},
        {BYTES(""), false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct otlp_view whole = otlp_view_of(cases[i].attribute);
        struct otlp_value quick, slow;
        struct slice key;
        struct buf a = message(), b = message();
        ck_assert_msg(otlp_attribute_plain(cases[i].attribute, &key, &quick) == cases[i].plain, "case %zu", i);
        otlp_attribute_read(cases[i].attribute, &key, &quick);
        otlp_value_in(&whole, OTLP_KEY_VALUE, 2, &slow);
        ck_assert(slice_eq(key, otlp_view_bytes(&whole, 1)));
        ck_assert_int_eq(quick.kind, slow.kind);
        otlp_value_text(&quick, &a);
        otlp_value_text(&slow, &b);
        ck_assert(slice_eq(buf_slice(&a), buf_slice(&b)));
        buf_free(&a);
        buf_free(&b);
    }
}
END_TEST

START_TEST(attributes_are_found_by_name)
{
    struct buf record = message();
    put_attribute(&record, 6, "user.id", "u");
    put_attribute(&record, 7, "session.id", "in another field");
    put_attribute(&record, 6, "session.id", "s");
    put_attribute(&record, 6, "session.id", "later");
    PUT_RAW(&record, 6, "\x12\x02\x18\x07\x0a\x08reversed");
    PUT_RAW(&record, 6, "\x0a\x03" "two\x0a\x04" "keys\x12\x02\x18\x08");
    struct otlp_view view = otlp_view_of(buf_slice(&record));
    struct otlp_value value;
    ck_assert(otlp_attribute_find(&view, 6, "session.id", &value));
    ck_assert(slice_is(value.is.bytes, "s"));
    ck_assert(otlp_attribute_find(&view, 6, "reversed", &value));
    ck_assert_int_eq(value.is.integer, 7);
    ck_assert(otlp_attribute_find(&view, 6, "keys", &value));
    ck_assert_int_eq(value.is.integer, 8);
    ck_assert(!otlp_attribute_find(&view, 6, "two", &value));
    ck_assert(!otlp_attribute_find(&view, 6, "session", &value));
    ck_assert_int_eq(value.kind, OTLP_VALUE_EMPTY);
    buf_free(&record);
}
END_TEST

START_TEST(attributes_come_in_order)
{
    struct buf record = message();
    put_attribute(&record, 6, "a", "1");
    put_text(&record, 3, "between");
    put_int_attribute(&record, 6, "b", 2);
    put_slice(&record, 6, slice_make(NULL, 0));
    struct otlp_view view = otlp_view_of(buf_slice(&record));
    struct otlp_cursor c = otlp_cursor_of(&view);
    struct slice key;
    struct otlp_value value;
    ck_assert(otlp_attribute_next(&c, 6, &key, &value));
    ck_assert(slice_is(key, "a") && value.kind == OTLP_VALUE_STRING);
    ck_assert(otlp_attribute_next(&c, 6, &key, &value));
    ck_assert(slice_is(key, "b") && value.kind == OTLP_VALUE_INT && value.is.integer == 2);
    ck_assert(otlp_attribute_next(&c, 6, &key, &value));
    ck_assert(key.len == 0 && value.kind == OTLP_VALUE_EMPTY);
    ck_assert(!otlp_attribute_next(&c, 6, &key, &value));
    buf_free(&record);
}
END_TEST

START_TEST(a_body_is_read_by_its_field)
{
    struct buf record = message();
    struct otlp_value value;
    struct otlp_view view = otlp_view_of(buf_slice(&record));
    ck_assert(!otlp_value_in(&view, OTLP_LOG_RECORD, 5, &value));
    ck_assert_int_eq(value.kind, OTLP_VALUE_EMPTY);
    PUT_RAW(&record, 5, "\x0a\x04text");
    view = otlp_view_of(buf_slice(&record));
    ck_assert(otlp_value_in(&view, OTLP_LOG_RECORD, 5, &value));
    ck_assert(slice_is(value.is.bytes, "text"));
    buf_free(&record);
}
END_TEST

static void expect_attribute(const struct otlp_view *view, uint32_t number, const char *key,
                             const char *text)
{
    struct otlp_value value;
    ck_assert_msg(otlp_attribute_find(view, number, key, &value), "%s", key);
    ck_assert(slice_is(value.is.bytes, text));
}

/* Two batches, one behind the other: what stands around a record is found wherever it stands on
 * the wire. */
START_TEST(records_come_with_what_stands_around_them)
{
    struct buf scope_logs = message();
    struct buf scope = message();
    struct buf record = message();
    struct buf resource_logs = message();
    struct buf resource = message();
    struct buf batch = message();
    put_text(&record, 3, "one");
    put_child(&scope_logs, 2, &record);
    put_text(&scope_logs, 3, "scope url");
    record = message();
    put_text(&record, 3, "two");
    put_child(&scope_logs, 2, &record);
    put_text(&scope, 1, "scope");
    put_child(&scope_logs, 1, &scope); /* behind the records */
    put_child(&resource_logs, 2, &scope_logs);
    scope_logs = message();
    record = message();
    put_text(&record, 3, "three");
    put_child(&scope_logs, 2, &record);
    put_child(&resource_logs, 2, &scope_logs);
    put_attribute(&resource, 1, "service.name", "one service");
    put_child(&resource_logs, 1, &resource);
    resource = message();
    put_attribute(&resource, 1, "os.type", "in pieces");
    put_child(&resource_logs, 1, &resource);
    put_text(&resource_logs, 3, "resource url");
    put_child(&batch, 1, &resource_logs);
    put_slice(&batch, 1, slice_make(NULL, 0)); /* a resource without records */
    record = message();
    put_text(&record, 3, "four");
    struct buf other = request_of(&record);
    buf_slice_append(&batch, buf_slice(&other));

    struct otlp_reader r;
    otlp_reader_init(&r, OTLP_LOGS, buf_slice(&batch));
    static const struct {
        const char *text;
        uint32_t resource;
        uint32_t scope;
    } wanted[] = {{"one", 0, 0}, {"two", 0, 0}, {"three", 0, 1}, {"four", 2, 2}};
    for (size_t i = 0; i < 4; i++) {
        ck_assert(otlp_reader_next(&r));
        ck_assert(slice_is(otlp_view_bytes(&r.now.record, 3), wanted[i].text));
        ck_assert_uint_eq(r.now.index, i);
        ck_assert_uint_eq(r.now.resource_index, wanted[i].resource);
        ck_assert_uint_eq(r.now.scope_index, wanted[i].scope);
        ck_assert_int_eq(r.now.record_message, OTLP_LOG_RECORD);
        ck_assert(slice_is(r.now.scope_schema_url, i < 2 ? "scope url" : ""));
        ck_assert(slice_is(otlp_view_bytes(&r.now.scope, 1), i < 2 ? "scope" : ""));
        ck_assert(slice_is(r.now.resource_schema_url, i < 3 ? "resource url" : ""));
        if (i < 3) {
            expect_attribute(&r.now.resource, 1, "service.name", "one service");
            expect_attribute(&r.now.resource, 1, "os.type", "in pieces");
        }
    }
    ck_assert(!otlp_reader_next(&r));
    buf_free(&other);
    buf_free(&batch);
}
END_TEST

START_TEST(points_come_with_their_metric)
{
    static const struct {
        uint32_t member;
        enum otlp_message data;
        enum otlp_message point;
    } kinds[] = {
        {5, OTLP_GAUGE, OTLP_NUMBER_POINT},
        {7, OTLP_SUM, OTLP_NUMBER_POINT},
        {9, OTLP_HISTOGRAM, OTLP_HISTOGRAM_POINT},
        {10, OTLP_EXPONENTIAL_HISTOGRAM, OTLP_EXPONENTIAL_HISTOGRAM_POINT},
        {11, OTLP_SUMMARY, OTLP_SUMMARY_POINT},
    };
    struct buf scope = message();
    for (size_t i = 0; i < 5; i++) {
        struct buf metric = message();
        struct buf data = message();
        PUT_RAW(&metric, kinds[i].member == 5 ? 7 : 5, "\x0a\x00\x0a\x00"); /* replaced */
        PUT_RAW(&data, 1, "\x19" "12345678");
        put_number(&data, 2, 1);
        put_child(&metric, kinds[i].member, &data);
        PUT_RAW(&metric, kinds[i].member, "\x0a\x00"); /* a second piece */
        put_text(&metric, 1, "name");
        put_child(&scope, 2, &metric);
    }
    PUT_RAW(&scope, 2, "\x0a\x01x"); /* a metric without data */
    struct buf resource = message();
    struct buf batch = message();
    put_child(&resource, 2, &scope);
    put_child(&batch, 1, &resource);
    struct otlp_walk_result result;
    struct otlp_reader r;
    ck_assert_int_eq(otlp_walk(OTLP_METRICS, buf_slice(&batch), NULL, &result), GW_OK);
    ck_assert_uint_eq(result.records, 10);
    otlp_reader_init(&r, OTLP_METRICS, buf_slice(&batch));
    for (uint32_t i = 0; i < 10; i++) {
        ck_assert(otlp_reader_next(&r));
        ck_assert_uint_eq(r.now.metric_index, i / 2);
        ck_assert_int_eq(r.now.data_message, kinds[i / 2].data);
        ck_assert_int_eq(r.now.record_message, kinds[i / 2].point);
        ck_assert(slice_is(otlp_view_bytes(&r.now.metric, 1), "name"));
        ck_assert_uint_eq(otlp_view_number(&r.now.data, 2), 1);
        ck_assert_uint_eq(r.now.bytes.len, i % 2 ? 0 : 9);
    }
    ck_assert(!otlp_reader_next(&r));
    buf_free(&batch);
}
END_TEST

START_TEST(spans_are_read)
{
    struct buf span = message();
    put_text(&span, 5, "GET");
    struct buf batch = request_of(&span);
    struct otlp_reader r;
    otlp_reader_init(&r, OTLP_TRACES, buf_slice(&batch));
    ck_assert(otlp_reader_next(&r));
    ck_assert_int_eq(r.now.record_message, OTLP_SPAN);
    ck_assert(slice_is(otlp_view_bytes(&r.now.record, 5), "GET"));
    ck_assert(!otlp_reader_next(&r));
    ck_assert(!otlp_reader_next(&r));
    buf_free(&batch);
}
END_TEST

SUITE_MAIN("otlp/value", values_become_text, text_of_deep_nesting_ends, lists_are_sorted_where_it_is_asked_for,
           plain_attributes_are_read_alike,
           attributes_are_found_by_name, attributes_come_in_order, a_body_is_read_by_its_field,
           records_come_with_what_stands_around_them, points_come_with_their_metric, spans_are_read)
