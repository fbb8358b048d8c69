// SPDX-License-Identifier: Apache-2.0
#include "shared/otlp/wire.h"

#include "tests/support/suite.h"

#define BYTES(text) {(const uint8_t *)(text), sizeof(text) - 1}

START_TEST(varints_are_read_or_refused)
{
    static const struct {
        const char *why;
        struct slice bytes;
        int err;
        uint64_t value;
        size_t used;
    } cases[] = {
        {"one byte", BYTES("\x05"), GW_OK, 5, 1},
        {"the largest of one byte", BYTES("\x7f\x01"), GW_OK, 127, 1},
        {"two bytes", BYTES("\xac\x02"), GW_OK, 300, 2},
        {"padded with zeros", BYTES("\x81\x80\x00"), GW_OK, 1, 3},
        {"ten bytes, all bits", BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), GW_OK,
         UINT64_MAX, 10},
        {"65 bits", BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), GW_ERR_MALFORMED, 0, 0},
        {"eleven bytes", BYTES("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00"), GW_ERR_MALFORMED,
         0, 0},
        {"cut off", BYTES("\x80"), GW_ERR_MALFORMED, 0, 0},
        {"nothing", BYTES(""), GW_ERR_MALFORMED, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct wire w = wire_of(cases[i].bytes);
        uint64_t value = 0;
        ck_assert_msg(wire_varint(&w, &value) == cases[i].err, "%s", cases[i].why);
        ck_assert_msg(value == cases[i].value, "%s", cases[i].why);
        ck_assert_msg((size_t)(w.at - cases[i].bytes.data) == cases[i].used, "%s", cases[i].why);
    }
}
END_TEST

START_TEST(tags_are_read_or_refused)
{
    static const struct {
        const char *why;
        struct slice bytes;
        int err;
        uint32_t number;
        uint32_t type;
    } cases[] = {
        {"field 1, varint", BYTES("\x08"), GW_OK, 1, WIRE_VARINT},
        {"field 16, bytes", BYTES("\x82\x01"), GW_OK, 16, WIRE_BYTES},
        {"the highest field", BYTES("\xfd\xff\xff\xff\x0f"), GW_OK, WIRE_NUMBER_MAX, WIRE_FIXED32},
        {"over the highest field", BYTES("\x80\x80\x80\x80\x10"), GW_ERR_MALFORMED, 0, 0},
        {"field 0", BYTES("\x02"), GW_ERR_MALFORMED, 0, 0},
        {"start of a group", BYTES("\x0b"), GW_ERR_MALFORMED, 0, 0},
        {"end of a group", BYTES("\x0c"), GW_ERR_MALFORMED, 0, 0},
        {"wire type 6", BYTES("\x0e"), GW_ERR_MALFORMED, 0, 0},
        {"wire type 7", BYTES("\x0f"), GW_ERR_MALFORMED, 0, 0},
        {"cut off", BYTES("\x80"), GW_ERR_MALFORMED, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct wire w = wire_of(cases[i].bytes);
        uint32_t number = 0;
        uint32_t type = 0;
        ck_assert_msg(wire_tag(&w, &number, &type) == cases[i].err, "%s", cases[i].why);
        if (cases[i].err == GW_OK) {
            ck_assert_msg(number == cases[i].number && type == cases[i].type, "%s", cases[i].why);
            ck_assert_msg(w.at == w.end, "%s", cases[i].why);
        } else {
            ck_assert_msg(w.at == cases[i].bytes.data, "%s", cases[i].why);
        }
    }
}
END_TEST

START_TEST(fields_come_one_after_the_other)
{
    const struct slice bytes = BYTES("\x08\x96\x01" "\x12\x02hi"
                                     "\x1d\x01\x02\x03\x04" "\x21\x08\x07\x06\x05\x04\x03\x02\x01");
    struct wire w = wire_of(bytes);
    struct wire_field f;
    ck_assert_int_eq(wire_next(&w, &f), 1);
    ck_assert(f.number == 1 && f.type == WIRE_VARINT && f.value == 150);
    ck_assert_int_eq(wire_next(&w, &f), 1);
    ck_assert(f.number == 2 && f.type == WIRE_BYTES && slice_is(f.bytes, "hi"));
    ck_assert_int_eq(wire_next(&w, &f), 1);
    ck_assert(f.number == 3 && f.type == WIRE_FIXED32 && f.value == 0x04030201);
    ck_assert_int_eq(wire_next(&w, &f), 1);
    ck_assert(f.number == 4 && f.type == WIRE_FIXED64 && f.value == 0x0102030405060708u);
    ck_assert_int_eq(wire_next(&w, &f), 0);
}
END_TEST

START_TEST(values_end_inside_the_message)
{
    static const struct {
        const char *why;
        struct slice bytes;
    } cases[] = {
        {"length one past the end", BYTES("\x0a\x03hi")},
        {"the largest length", BYTES("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")},
        {"fixed32 of three bytes", BYTES("\x0d\x01\x02\x03")},
        {"fixed64 of seven bytes", BYTES("\x09\x01\x02\x03\x04\x05\x06\x07")},
        {"no value", BYTES("\x08")},
        {"no length", BYTES("\x0a")},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct wire w = wire_of(cases[i].bytes);
        struct wire_field f;
        ck_assert_msg(wire_next(&w, &f) == GW_ERR_MALFORMED, "%s", cases[i].why);
    }
}
END_TEST

START_TEST(an_empty_message_has_no_fields)
{
    struct wire w = wire_of(slice_make(NULL, 0));
    struct wire_field f;
    ck_assert_int_eq(wire_next(&w, &f), 0);
}
END_TEST

START_TEST(zigzag_alternates_signs)
{
    ck_assert_int_eq(wire_zigzag(0), 0);
    ck_assert_int_eq(wire_zigzag(1), -1);
    ck_assert_int_eq(wire_zigzag(2), 1);
    ck_assert_int_eq(wire_zigzag(UINT64_MAX), INT64_MIN);
}
END_TEST

SUITE_MAIN("otlp/wire", varints_are_read_or_refused, tags_are_read_or_refused,
           fields_come_one_after_the_other, values_end_inside_the_message,
           an_empty_message_has_no_fields, zigzag_alternates_signs)
