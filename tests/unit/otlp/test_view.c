// SPDX-License-Identifier: Apache-2.0
#include "shared/otlp/view.h"

#include "tests/support/suite.h"
#include "tests/unit/otlp/message.h"

START_TEST(an_absent_message_is_empty)
{
    struct buf record = message();
    put_text(&record, 3, "x");
    struct otlp_view view = otlp_view_of(buf_slice(&record));
    struct otlp_view body;
    struct wire_field f;
    ck_assert(!otlp_view_child(&view, OTLP_LOG_RECORD, 5, &body));
    struct otlp_cursor c = otlp_cursor_of(&body);
    ck_assert_int_eq(otlp_cursor_next(&c, &f), 0);
    buf_free(&record);
}
END_TEST

START_TEST(one_occurrence_is_read_where_it_stands)
{
    struct buf record = message();
    PUT_RAW(&record, 5, "\x18\x07");
    struct otlp_view view = otlp_view_of(buf_slice(&record));
    struct otlp_view body;
    ck_assert(otlp_view_child(&view, OTLP_LOG_RECORD, 5, &body));
    ck_assert_uint_eq(body.levels, 0);
    ck_assert_uint_eq(otlp_view_number(&body, 3), 7);
    buf_free(&record);
}
END_TEST

START_TEST(pieces_are_read_in_their_order)
{
    struct buf record = message();
    PUT_RAW(&record, 5, "\x08\x01");
    put_text(&record, 3, "between");
    put_text(&record, 5, "");
    PUT_RAW(&record, 5, "\x10\x02\x18\x03");
    struct otlp_view view = otlp_view_of(buf_slice(&record));
    struct otlp_view body;
    struct wire_field f;
    ck_assert(otlp_view_child(&view, OTLP_LOG_RECORD, 5, &body));
    struct otlp_cursor c = otlp_cursor_of(&body);
    for (uint32_t i = 1; i <= 3; i++) {
        ck_assert_int_eq(otlp_cursor_next(&c, &f), 1);
        ck_assert_uint_eq(f.number, i);
        ck_assert_uint_eq(f.value, i);
        struct wire_field again;
        ck_assert(otlp_view_field_at(&body, c.tag, &again));
        ck_assert_uint_eq(again.value, i);
    }
    ck_assert_int_eq(otlp_cursor_next(&c, &f), 0);
    buf_free(&record);
}
END_TEST

/* KeyValue with its value in pieces, and in them the array in pieces. */
START_TEST(pieces_of_pieces_are_read)
{
    struct buf attribute = message();
    PUT_RAW(&attribute, 2, "\x2a\x02\x0a\x00"); /* array, one item: replaced by the string */
    PUT_RAW(&attribute, 2, "\x0a\x01s\x2a\x04\x0a\x02\x18\x01"); /* string, then array with 1 */
    PUT_RAW(&attribute, 2, "\x2a\x04\x0a\x02\x18\x02");          /* and 2 */
    struct otlp_view view = otlp_view_of(buf_slice(&attribute));
    struct otlp_view any;
    struct otlp_view array;
    struct wire_field f;
    ck_assert(otlp_view_child(&view, OTLP_KEY_VALUE, 2, &any));
    ck_assert(!otlp_view_child(&any, OTLP_ANY_VALUE, 6, &array));
    ck_assert(otlp_view_child(&any, OTLP_ANY_VALUE, 5, &array));
    struct otlp_cursor c = otlp_cursor_of(&array);
    for (uint64_t i = 1; i <= 2; i++) {
        ck_assert_int_eq(otlp_cursor_next(&c, &f), 1);
        struct otlp_view item = otlp_view_of(f.bytes);
        ck_assert_uint_eq(otlp_view_number(&item, 3), i);
    }
    ck_assert_int_eq(otlp_cursor_next(&c, &f), 0);
    buf_free(&attribute);
}
END_TEST

START_TEST(a_replaced_member_of_a_oneof_is_absent)
{
    struct otlp_view any = otlp_view_of(slice_of("\x2a\x02\x0a\x01\x0a\x01s"));
    struct otlp_view array;
    ck_assert(!otlp_view_child(&any, OTLP_ANY_VALUE, 5, &array));
}
END_TEST

START_TEST(the_last_scalar_wins)
{
    struct buf record = message();
    put_text(&record, 3, "first");
    put_number(&record, 2, 1);
    put_text(&record, 3, "last");
    put_number(&record, 2, 2);
    struct otlp_view view = otlp_view_of(buf_slice(&record));
    ck_assert(slice_is(otlp_view_bytes(&view, 3), "last"));
    ck_assert_uint_eq(otlp_view_number(&view, 2), 2);
    ck_assert_uint_eq(otlp_view_bytes(&view, 12).len, 0);
    ck_assert_uint_eq(otlp_view_number(&view, 7), 0);
    ck_assert_uint_eq(otlp_view_number(&view, 3), 0); /* not a number */
    ck_assert_uint_eq(otlp_view_bytes(&view, 2).len, 0);
    buf_free(&record);
}
END_TEST

START_TEST(bytes_that_were_never_walked_end_in_an_error)
{
    struct otlp_view view = otlp_view_of(slice_of("\x12\x7f"));
    struct otlp_cursor c = otlp_cursor_of(&view);
    struct wire_field f;
    ck_assert_int_eq(otlp_cursor_next(&c, &f), GW_ERR_MALFORMED);
    ck_assert(!otlp_view_field_at(&view, view.holder.data, &f));
}
END_TEST

SUITE_MAIN("otlp/view", an_absent_message_is_empty, one_occurrence_is_read_where_it_stands,
           pieces_are_read_in_their_order, pieces_of_pieces_are_read,
           a_replaced_member_of_a_oneof_is_absent, the_last_scalar_wins,
           bytes_that_were_never_walked_end_in_an_error)
