// SPDX-License-Identifier: Apache-2.0
/* What otlp_json_in() refuses, and what it bears: limits, sizes, any bytes. */
#include "shared/otlp/json_in.h"

#include <string.h>

#include "tests/unit/otlp/json_case.h"

/* ---- refused --------------------------------------------------------------------------------- */

START_TEST(broken_json_is_refused_with_place_and_reason)
{
    static const struct {
        const char *text;
        size_t offset;
        const char *path;
        const char *why; /* part of it */
    } cases[] = {
        {"", 0, "", "no JSON"},
        {" \n", 2, "", "no JSON"},
        {"\xef\xbb\xbf{}", 0, "", "byte order mark"},
        {"[]", 0, "", "not a JSON object"},
        {"null", 0, "", "not a JSON object"},
        {"{} x", 3, "", "behind the request"},
        {"{}{}", 2, "", "behind the request"},
        {"{", 1, "", "ends too early"},
        {"{\"a\":1", 6, "", "ends too early"},
        {"{\"a\":1,}", 7, "", "key"},
        {"{\"a\" 1}", 5, "", "colon"},
        {"{a:1}", 1, "", "key"},
        {"{'a':1}", 1, "", "key"},
        {"{,}", 1, "", "key"},
        {"{\"a\":}", 5, "", "no value"},
        {"{\"a\":NaN}", 5, "", "no value"},
        {"{\"a\":01}", 5, "", "not a number"},
        {"{\"a\":1.}", 5, "", "not a number"},
        {"{\"a\":.5}", 5, "", "no value"},
        {"{\"a\":-}", 5, "", "not a number"},
        {"{\"a\":1e}", 5, "", "not a number"},
        {"{\"a\":1x}", 6, "", "comma or }"},
        {"{\"a\":[1 2]}", 8, "", "comma or ]"},
        {"{\"a\":[1,]}", 8, "", "no value"},
        {"{\"a\":[1}", 7, "", "comma or ]"},
        {"{\"a\":{\"b\":1]}", 11, "", "comma or }"},
        {"{\"a\":nul}", 8, "", "null, true or false"},
        {"{\"a\":trve}", 7, "", "null, true or false"},
        {"{\"a\":\"b", 7, "", "ends inside a string"},
        {"{\"a\":\"b\\", 7, "", "escape"},
        {"{\"a\":\"b\\x\"}", 7, "", "escape"},
        {"{\"a\":\"\\u12g4\"}", 6, "", "escape"},
        {"{\"a\":\"b\nc\"}", 7, "", "control character"},
        {"{\"a\":1} // no", 8, "", "behind the request"},
        {"{\"resourceLogs\":[{\"scopeLogs\":[{\"scope\":{}},{,", 45,
         "resourceLogs[0].scopeLogs[1]", "key"},
        {"{\"resourceLogs\":[{},{\"scopeLogs\":[{}{}]}]}", 36,
         "resourceLogs[1].scopeLogs[0]", "comma or ]"},
        {"{\"resourceLogs\":[{\"resource\":{\"attributes\":[{},"
         "{\"key\":\"a\",\"value\":{\"intValue\":-}}]}}]}",
         78, "resourceLogs[0].resource.attributes[1].value.intValue", "not a number"},
        {"{\"resourceLogs\":[{\"schemaUrl\":\"a\",\"x\":[{]}]}]}", 40, "resourceLogs[0]", "key"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf out = message();
        struct buf words = message();
        struct otlp_json_result result;
        buf_text(&out, "before");
        int err = read_text(OTLP_LOGS, slice_of(cases[i].text), &out, &result);
        ck_assert_msg(err == GW_ERR_MALFORMED, "%s", cases[i].text);
        ck_assert_int_eq(result.fault, OTLP_JSON_FAULT_SYNTAX);
        ck_assert_msg(strstr(result.at.why, cases[i].why), "%s: %s", cases[i].text, result.at.why);
        ck_assert_msg(result.at.offset == cases[i].offset, "%s: %zu", cases[i].text,
                      result.at.offset);
        ck_assert_str_eq(result.at.path, cases[i].path);
        ck_assert_uint_eq(out.len, strlen("before"));
        otlp_json_explain(&result, &words);
        buf_byte(&words, '\0');
        ck_assert_ptr_nonnull(strstr((char *)words.data, result.at.why));
        ck_assert_ptr_nonnull(strstr((char *)words.data, " at byte "));
        buf_free(&out);
        buf_free(&words);
    }
}
END_TEST

START_TEST(words_for_the_sender_name_place_and_reason)
{
    struct otlp_json_result result;
    struct buf out = message();
    struct buf words = message();
    ck_assert_int_eq(read_text(OTLP_LOGS, slice_of("{\"resourceLogs\":[{}"), &out, &result),
                     GW_ERR_MALFORMED);
    otlp_json_explain(&result, &words);
    otlp_json_explain_mended(&result, &words);
    ck_assert(slice_is(buf_slice(&words), "resourceLogs[0]: the text ends too early at byte 19"));
    buf_clear(&words);
    ck_assert_int_eq(read_text(OTLP_LOGS, slice_of("{\"resourceLogs\":[{\"scopeLogs\":1}]}"), &out,
                               &result), GW_OK);
    otlp_json_explain(&result, &words);
    otlp_json_explain_mended(&result, &words);
    ck_assert(slice_is(buf_slice(&words),
                       "1 value was mended, at resourceLogs[0].scopeLogs: not a list, at byte 30"));
    buf_clear(&words);
    ck_assert_int_eq(read_text(OTLP_LOGS, slice_of("{\"resourceLogs\":1,\"resourceLogs\":2}"), &out,
                               &result), GW_OK);
    otlp_json_explain_mended(&result, &words);
    ck_assert(slice_is(buf_slice(&words), "3 values were mended, the first at resourceLogs: "
                                          "not a list, at byte 16"));
    buf_clear(&words);
    ck_assert_int_eq(read_text(OTLP_LOGS, slice_of("{}"), &out, &result), GW_OK);
    otlp_json_explain(&result, &words);
    otlp_json_explain_mended(&result, &words);
    ck_assert_uint_eq(words.len, 0);
    buf_free(&out);
    buf_free(&words);
}
END_TEST

START_TEST(a_signal_that_does_not_exist_is_refused)
{
    struct otlp_json_result result;
    struct buf out = message();
    ck_assert_int_eq(otlp_json_in((enum otlp_signal)4, slice_of("{}"), NULL, &out, &result),
                     GW_ERR_INVALID);
    buf_free(&out);
}
END_TEST

/* ---- limits ---------------------------------------------------------------------------------- */

/* A log record whose body nests `lists` lists in each other: request, resource, scope and record
 * and body are 5 messages, each list 2 more. */
static struct buf nested(uint32_t lists)
{
    struct buf in = message();
    buf_text(&in, LOGS_IN "{\"body\":{");
    for (uint32_t i = 0; i < lists; i++)
        buf_text(&in, "\"arrayValue\":{\"values\":[{");
    for (uint32_t i = 0; i < lists; i++)
        buf_text(&in, "}]}");
    buf_text(&in, "}}" END);
    return in;
}

START_TEST(depth_is_that_of_messages_and_the_same_as_in_protobuf)
{
    struct otlp_json_limits limits = {.max_depth = 15};
    struct otlp_json_result result;
    struct otlp_walk_result walked;
    struct buf in = nested(5);
    struct buf out = message();
    ck_assert_int_eq(otlp_json_in(OTLP_LOGS, buf_slice(&in), &limits, &out, &result), GW_OK);
    ck_assert_int_eq(otlp_walk(OTLP_LOGS, buf_slice(&out), &(struct otlp_limits){.max_depth = 15},
                               &walked), GW_OK);
    ck_assert_int_eq(otlp_walk(OTLP_LOGS, buf_slice(&out), &(struct otlp_limits){.max_depth = 14},
                               &walked), GW_ERR_TOO_LARGE);
    limits.max_depth = 14;
    buf_clear(&out);
    ck_assert_int_eq(otlp_json_in(OTLP_LOGS, buf_slice(&in), &limits, &out, &result),
                     GW_ERR_TOO_LARGE);
    ck_assert_int_eq(result.fault, OTLP_JSON_FAULT_DEPTH);
    ck_assert_uint_eq(result.limit, 14);
    ck_assert_str_eq(result.at.path, "resourceLogs[0].scopeLogs[0].logRecords[0].body.arrayValue."
                                     "values[0].arrayValue.values[0]...arrayValue.values[0]");
    ck_assert_uint_eq(out.len, 0);
    buf_free(&in);
    buf_free(&out);
}
END_TEST

START_TEST(messages_nest_as_deeply_as_any_reader_takes)
{
    struct otlp_json_limits limits = {.max_depth = OTLP_DEPTH_MAX + 100};
    struct otlp_json_result result;
    struct buf out = message();
    struct buf json = message();
    struct buf words = message();
    struct buf in = nested((OTLP_DEPTH_MAX - 5) / 2);
    read_good(OTLP_LOGS, buf_slice(&in), &out, &result, &json);
    buf_free(&in);
    in = nested((OTLP_DEPTH_MAX - 5) / 2 + 1);
    buf_clear(&out);
    ck_assert_int_eq(otlp_json_in(OTLP_LOGS, buf_slice(&in), &limits, &out, &result),
                     GW_ERR_TOO_LARGE);
    ck_assert_uint_eq(result.limit, OTLP_DEPTH_MAX);
    otlp_json_explain(&result, &words);
    buf_byte(&words, '\0');
    ck_assert_ptr_nonnull(strstr((char *)words.data, "nested too deeply (limit 100) at byte "));
    buf_free(&words);
    buf_free(&in);
    buf_free(&out);
    buf_free(&json);
}
END_TEST

START_TEST(what_is_passed_over_may_nest_but_not_without_end)
{
    struct otlp_json_result result;
    struct buf out = message();
    for (uint32_t depth = 255; depth <= 257; depth++) {
        struct buf in = message();
        buf_text(&in, "{\"x\":");
        for (uint32_t i = 0; i < depth; i++)
            buf_text(&in, i % 2 ? "[" : "{\"a\":");
        buf_byte(&in, '1');
        for (uint32_t i = depth; i-- > 0;)
            buf_byte(&in, i % 2 ? ']' : '}');
        buf_byte(&in, '}');
        int err = read_text(OTLP_LOGS, buf_slice(&in), &out, &result);
        ck_assert_int_eq(err, depth <= 256 ? GW_OK : GW_ERR_TOO_LARGE);
        ck_assert_int_eq(result.fault, depth <= 256 ? OTLP_JSON_FAULT_NONE : OTLP_JSON_FAULT_DEPTH);
        buf_free(&in);
    }
    buf_free(&out);
}
END_TEST

START_TEST(records_are_limited)
{
    static const char text[] = LOGS_IN "{},{},{}" END;
    struct otlp_json_limits limits = {.max_records = 3};
    struct otlp_json_result result;
    struct buf out = message();
    ck_assert_int_eq(otlp_json_in(OTLP_LOGS, slice_of(text), &limits, &out, &result), GW_OK);
    ck_assert_uint_eq(result.records, 3);
    limits.max_records = 2;
    ck_assert_int_eq(otlp_json_in(OTLP_LOGS, slice_of(text), &limits, &out, &result),
                     GW_ERR_TOO_LARGE);
    ck_assert_int_eq(result.fault, OTLP_JSON_FAULT_RECORDS);
    ck_assert_uint_eq(result.limit, 2);
    ck_assert_str_eq(result.at.path, "resourceLogs[0].scopeLogs[0].logRecords[2]");
    buf_free(&out);
}
END_TEST

START_TEST(protobuf_larger_than_the_limit_is_refused)
{
    static const char text[] = LOGS_IN "{\"severityText\":\"0123456789\"}" END;
    struct otlp_json_result result;
    struct buf out = message();
    ck_assert_int_eq(otlp_json_in(OTLP_LOGS, slice_of(text), NULL, &out, &result), GW_OK);
    size_t size = out.len;
    /* A few bytes of room are wanted for lengths while a field is written. */
    struct otlp_json_limits limits = {.max_out_bytes = size + 32};
    buf_clear(&out);
    buf_text(&out, "before");
    ck_assert_int_eq(otlp_json_in(OTLP_LOGS, slice_of(text), &limits, &out, &result), GW_OK);
    ck_assert_uint_eq(out.len, strlen("before") + size);
    for (limits.max_out_bytes = 1; limits.max_out_bytes < size; limits.max_out_bytes++) {
        buf_clear(&out);
        ck_assert_int_eq(otlp_json_in(OTLP_LOGS, slice_of(text), &limits, &out, &result),
                         GW_ERR_TOO_LARGE);
        ck_assert_int_eq(result.fault, OTLP_JSON_FAULT_SIZE);
        ck_assert_uint_eq(result.limit, limits.max_out_bytes);
        ck_assert_uint_eq(out.len, 0);
    }
    buf_free(&out);
}
END_TEST

START_TEST(a_full_buffer_is_no_fault_of_the_request)
{
    static const char text[] = LOGS_IN "{\"severityText\":\"0123456789\"}" END;
    struct otlp_json_result result;
    struct buf out = buf_make(8);
    ck_assert_int_eq(otlp_json_in(OTLP_LOGS, slice_of(text), NULL, &out, &result), GW_ERR_NOMEM);
    ck_assert_int_eq(result.fault, OTLP_JSON_FAULT_NONE);
    buf_free(&out);
}
END_TEST

/* ---- any size, any bytes --------------------------------------------------------------------- */

START_TEST(long_values_and_many_records_keep_their_bytes)
{
    static const size_t sizes[] = {0, 1, 100, 113, 114, 120, 125, 126, 127, 128, 129, 255, 16000,
                                   16370, 16383, 16384, 16500, 200000, 2200000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct buf in = message();
        struct buf want = message();
        buf_text(&in, LOGS_IN);
        buf_text(&want, LOGS_OUT);
        for (int k = 0; k < 3; k++) {
            struct buf *both[] = {&in, &want};
            for (int b = 0; b < 2; b++) {
                buf_text(both[b], k ? ",{\"body\":{\"arrayValue\":{\"values\":[{\"stringValue\":\""
                                    : "{\"body\":{\"arrayValue\":{\"values\":[{\"stringValue\":\"");
                for (size_t n = 0; n < sizes[i]; n++)
                    buf_byte(both[b], (uint8_t)('a' + n % 26));
                buf_text(both[b], "\"},{\"boolValue\":true}]}},\"eventName\":\"e\"}");
            }
        }
        buf_text(&in, END);
        buf_text(&want, END);
        struct buf out = message();
        struct buf json = message();
        struct otlp_json_result result;
        read_good(OTLP_LOGS, buf_slice(&in), &out, &result, &json);
        ck_assert_msg(slice_eq(buf_slice(&json), buf_slice(&want)), "%zu", sizes[i]);
        buf_free(&in);
        buf_free(&want);
        buf_free(&out);
        buf_free(&json);
    }
}
END_TEST

START_TEST(tiny_nodes_by_the_million_take_little_memory)
{
    static const struct {
        const char *open;
        const char *node;
        const char *close;
    } cases[] = {
        {"{\"resourceLogs\":[", "{}", "]}"},
        {"{\"resourceLogs\":[{\"resource\":{\"attributes\":[", "{}", "]}}]}"},
        {"{\"resourceLogs\":[", "[]", "]}"},
        {"{\"x\":[", "\"\"", "]}"},
        {"{\"resourceLogs\":[{\"resource\":{\"entityRefs\":[{\"idKeys\":[", "\"\"", "]}]}}]}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf in = message();
        struct buf out = message();
        struct otlp_json_result result;
        struct otlp_walk_result walked;
        buf_text(&in, cases[i].open);
        for (int n = 0; n < 1000000; n++) {
            if (n)
                buf_byte(&in, ',');
            buf_text(&in, cases[i].node);
        }
        buf_text(&in, cases[i].close);
        ck_assert_int_eq(read_text(OTLP_LOGS, buf_slice(&in), &out, &result), GW_OK);
        ck_assert_int_eq(otlp_walk(OTLP_LOGS, buf_slice(&out), NULL, &walked), GW_OK);
        ck_assert_uint_le(out.len, in.len);
        ck_assert_uint_le(out.cap, 2 * in.len);
        buf_free(&in);
        buf_free(&out);
    }
}
END_TEST

/* A JSON request that uses much: of a captured one. */
static struct buf captured(size_t i)
{
    struct buf bytes = load_fixture(&fixtures[i]);
    struct buf json = buf_make(JSON_MAX_BYTES);
    ck_assert_uint_gt(bytes.len, 0);
    ck_assert_int_eq(otlp_json_out(fixtures[i].signal, buf_slice(&bytes), &json), GW_OK);
    buf_free(&bytes);
    return json;
}

START_TEST(captured_requests_come_back_as_they_were)
{
    for (size_t i = 0; i < FIXTURES; i++) {
        struct buf in = captured(i);
        struct buf out = message();
        struct buf json = buf_make(JSON_MAX_BYTES);
        struct otlp_json_result result;
        read_good(fixtures[i].signal, buf_slice(&in), &out, &result, &json);
        ck_assert_uint_eq(result.records, fixtures[i].records);
        ck_assert_uint_eq(result.mended, 0);
        ck_assert_msg(slice_eq(buf_slice(&json), buf_slice(&in)), "%s", fixtures[i].name);
        buf_free(&in);
        buf_free(&out);
        buf_free(&json);
    }
}
END_TEST

START_TEST(a_request_cut_anywhere_is_refused)
{
    for (size_t i = 0; i < FIXTURES; i += 5) {
        struct buf in = captured(i);
        struct buf out = message();
        struct otlp_json_result result;
        size_t step = in.len / 2000 + 1;
        for (size_t cut = 0; cut < in.len; cut += step) {
            ck_assert_int_eq(read_text(fixtures[i].signal, slice_make(in.data, cut), &out, &result),
                             GW_ERR_MALFORMED);
            /* An escape or a number that is cut off is at fault where it begins. */
            ck_assert_uint_le(result.at.offset, cut);
        }
        buf_free(&in);
        buf_free(&out);
    }
}
END_TEST

START_TEST(whatever_byte_is_wrong_the_walk_accepts_what_comes_out)
{
    static const uint8_t wrong[] = {'"', '\\', '{', '}', '[', ']', ',', ':', '0', 'e', 0x80, 0};
    for (size_t i = 0; i < FIXTURES; i += 5) {
        struct buf in = captured(i);
        struct buf out = message();
        struct otlp_json_result result;
        struct otlp_walk_result walked;
        size_t step = in.len / 1500 + 1;
        for (size_t at = 0; at < in.len; at += step) {
            uint8_t good = in.data[at];
            in.data[at] = at % 3 ? wrong[at % sizeof wrong] : (uint8_t)(good ^ 1u << at % 8);
            buf_clear(&out);
            int err = read_text(fixtures[i].signal, buf_slice(&in), &out, &result);
            ck_assert(err == GW_OK || err == GW_ERR_MALFORMED);
            if (err == GW_OK)
                ck_assert_int_eq(otlp_walk(fixtures[i].signal, buf_slice(&out), NULL, &walked),
                                 GW_OK);
            in.data[at] = good;
        }
        buf_free(&in);
        buf_free(&out);
    }
}
END_TEST

SUITE_MAIN("json_limits", broken_json_is_refused_with_place_and_reason,
           words_for_the_sender_name_place_and_reason, a_signal_that_does_not_exist_is_refused,
           depth_is_that_of_messages_and_the_same_as_in_protobuf,
           messages_nest_as_deeply_as_any_reader_takes,
           what_is_passed_over_may_nest_but_not_without_end, records_are_limited,
           protobuf_larger_than_the_limit_is_refused, a_full_buffer_is_no_fault_of_the_request,
           long_values_and_many_records_keep_their_bytes,
           tiny_nodes_by_the_million_take_little_memory, captured_requests_come_back_as_they_were,
           a_request_cut_anywhere_is_refused,
           whatever_byte_is_wrong_the_walk_accepts_what_comes_out)
