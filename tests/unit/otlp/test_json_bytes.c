// SPDX-License-Identifier: Apache-2.0
#include "shared/otlp/json_bytes.h"

#include <string.h>

#include "tests/support/suite.h"
#include "tests/unit/otlp/message.h"

START_TEST(hex_of_any_case_is_read)
{
    uint8_t to[3] = {0};
    ck_assert(json_bytes_hex(slice_of("00fFA9"), to));
    ck_assert_mem_eq(to, "\x00\xff\xa9", 3);
    ck_assert(json_bytes_hex(slice_of(""), to));
    ck_assert(!json_bytes_hex(slice_make("0000", 3), to));
    static const char *const bad[] = {"0", "0g", "g0", "0x", " 0", "0:", "/0", "@0", "0G", "0`"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(!json_bytes_hex(slice_of(bad[i]), to), "%s", bad[i]);
}
END_TEST

START_TEST(base64_of_every_length_and_byte_is_read)
{
    uint8_t bytes[256];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7);
    for (size_t len = 0; len <= sizeof bytes; len++) {
        for (int form = 0; form < 4; form++) {
            struct buf text = message();
            buf_base64(&text, slice_make(bytes, len), form & 1);
            for (size_t i = 0; form & 2 && i < text.len; i++)
                text.data[i] = text.data[i] == '+' ? '-' : text.data[i] == '/' ? '_' : text.data[i];
            uint8_t to[JSON_BYTES_BASE64_ROOM(sizeof bytes * 4 / 3 + 4)];
            size_t got = 0;
            ck_assert(json_bytes_base64(buf_slice(&text), to, &got));
            ck_assert_uint_eq(got, len);
            ck_assert_mem_eq(to, bytes, len);
            ck_assert_uint_le(got, JSON_BYTES_BASE64_ROOM(text.len));
            buf_free(&text);
        }
    }
}
END_TEST

START_TEST(base64_may_be_read_in_place)
{
    uint8_t text[] = "..AQIDBAUGBwg";
    size_t len;
    ck_assert(json_bytes_base64(slice_make(text + 2, 11), text + 2, &len));
    ck_assert_uint_eq(len, 8);
    ck_assert_mem_eq(text + 2, "\1\2\3\4\5\6\7\10", 8);
}
END_TEST

START_TEST(what_is_no_base64_is_refused)
{
    static const char *const bad[] = {"A",    "AAAAA", "A===", "AA=",  "AAA==", "AAAA=",
                                      "=",    "====",  "AA A", "AA\n", "A=A=",  "AAA,"};
    uint8_t to[16];
    size_t len;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(!json_bytes_base64(slice_of(bad[i]), to, &len), "%s", bad[i]);
}
END_TEST

SUITE_MAIN("json_bytes", hex_of_any_case_is_read, base64_of_every_length_and_byte_is_read,
           base64_may_be_read_in_place, what_is_no_base64_is_refused)
