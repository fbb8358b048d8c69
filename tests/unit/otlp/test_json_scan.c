// SPDX-License-Identifier: Apache-2.0
#include "shared/otlp/json_scan.h"

#include <string.h>

#include "tests/support/suite.h"
#include "tests/unit/otlp/message.h"

START_TEST(values_are_told_by_their_first_byte)
{
    static const struct {
        const char *text;
        enum json_type type;
    } cases[] = {
        {"null", JSON_NULL}, {"\t\r\n true", JSON_TRUE}, {"false", JSON_FALSE}, {"-1", JSON_NUMBER},
        {"0", JSON_NUMBER},  {"9", JSON_NUMBER},         {"\"", JSON_STRING},   {"{", JSON_OBJECT},
        {"[", JSON_ARRAY},   {"", JSON_NO_VALUE},        {"]", JSON_NO_VALUE},
        {"+1", JSON_NO_VALUE},
        {"\v1", JSON_NO_VALUE}, {"\xff", JSON_NO_VALUE}, {"True", JSON_NO_VALUE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct json_scan s = json_scan_of(slice_of(cases[i].text));
        ck_assert_msg(json_scan_type(&s) == cases[i].type, "%s", cases[i].text);
        ck_assert((s.why != NULL) == (cases[i].type == JSON_NO_VALUE));
    }
}
END_TEST

START_TEST(one_value_is_passed_over_to_its_end)
{
    static const char *const cases[] = {
        "1", "\"a\\\"b\"", "null", "true", "false", "{}", "[]", "[[],[{}],{\"a\":[]}]",
        "{\"a\":{\"b\":[1,2,{\"c\":null}]},\"d\":\"}]\"}", " [ 1 , { \"a\" : 2 } ] ",
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf text = message();
        buf_text(&text, cases[i]);
        size_t len = text.len - (cases[i][text.len - 1] == ' ');
        buf_text(&text, ",7");
        struct json_scan s = json_scan_of(buf_slice(&text));
        ck_assert_msg(json_scan_skip(&s) == GW_OK, "%s", cases[i]);
        ck_assert_msg(s.at == text.data + len, "%s", cases[i]);
        buf_free(&text);
    }
}
END_TEST

START_TEST(what_is_broken_is_not_passed_over)
{
    static const struct {
        const char *text;
        size_t at;
    } cases[] = {
        {"", 0},        {"]", 0},        {"[1}", 2},         {"{\"a\":1]", 6}, {"[1,", 3},
        {"[,1]", 1},    {"{\"a\"}", 4},  {"{\"a\":}", 5},    {"{1:2}", 1},     {"[1,,2]", 3},
        {"{\"a\":1,}", 7}, {"[[[", 3},   {"{\"a\":[1,2}", 9}, {"nulL", 3},     {"[\"\\q\"]", 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t *copy = exact_copy(slice_of(cases[i].text));
        struct json_scan s = json_scan_of(slice_make(copy, strlen(cases[i].text)));
        ck_assert_msg(json_scan_skip(&s) == GW_ERR_MALFORMED, "%s", cases[i].text);
        ck_assert_ptr_nonnull(s.why);
        ck_assert_msg((size_t)(s.at - copy) == cases[i].at, "%s: %zu", cases[i].text,
                      (size_t)(s.at - copy));
        free(copy);
    }
}
END_TEST

START_TEST(lists_and_objects_may_be_mixed_to_the_limit)
{
    for (uint32_t depth = JSON_SCAN_NESTING_MAX - 1; depth <= JSON_SCAN_NESTING_MAX + 1; depth++) {
        for (uint32_t pattern = 1; pattern < 8; pattern++) {
            struct buf text = message();
            for (uint32_t i = 0; i < depth; i++)
                buf_text(&text, i % pattern ? "[0," : "{\"a\":1,\"b\":");
            buf_text(&text, "{}");
            for (uint32_t i = depth; i-- > 0;)
                buf_byte(&text, i % pattern ? ']' : '}');
            struct json_scan s = json_scan_of(buf_slice(&text));
            int want = depth < JSON_SCAN_NESTING_MAX ? GW_OK : GW_ERR_TOO_LARGE;
            ck_assert_int_eq(json_scan_skip(&s), want);
            ck_assert(want != GW_OK || s.at == s.end);
            buf_free(&text);
        }
    }
}
END_TEST

SUITE_MAIN("json_scan", values_are_told_by_their_first_byte, one_value_is_passed_over_to_its_end,
           what_is_broken_is_not_passed_over, lists_and_objects_may_be_mixed_to_the_limit)
