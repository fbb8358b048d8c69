// SPDX-License-Identifier: Apache-2.0
#include "shared/otlp/schema.h"

#include <ctype.h>
#include <string.h>

#include "shared/otlp/view.h"
#include "tests/support/suite.h"

#define EACH_FIELD(m, n)                                                                           \
    for (int m = 1; m < OTLP_MESSAGES; m++)                                                        \
        for (uint32_t n = 0; n <= otlp_schemas[m].highest; n++)

static int wire_of_kind(int kind)
{
    static const int wire[] = {
        [OTLP_STRING] = WIRE_BYTES,    [OTLP_BYTES] = WIRE_BYTES,      [OTLP_TRACE_ID] = WIRE_BYTES,
        [OTLP_SPAN_ID] = WIRE_BYTES,   [OTLP_BOOL] = WIRE_VARINT,      [OTLP_ENUM] = WIRE_VARINT,
        [OTLP_UINT32] = WIRE_VARINT,   [OTLP_SINT32] = WIRE_VARINT,    [OTLP_INT64] = WIRE_VARINT,
        [OTLP_UINT64] = WIRE_VARINT,   [OTLP_FIXED32] = WIRE_FIXED32,
            [OTLP_FIXED64] = WIRE_FIXED64,
        [OTLP_SFIXED64] = WIRE_FIXED64, [OTLP_DOUBLE] = WIRE_FIXED64,  [OTLP_MESSAGE] = WIRE_BYTES,
    };
    return wire[kind];
}

START_TEST(every_kind_has_its_wire_type)
{
    EACH_FIELD(m, n)
    {
        const struct otlp_field *field = &otlp_schemas[m].fields[n];
        if (field->kind == OTLP_UNKNOWN)
            continue;
        ck_assert_int_lt(field->kind, OTLP_KINDS);
        ck_assert_msg(field->wire == wire_of_kind(field->kind), "%s.%s", otlp_schemas[m].name,
                      field->name);
        ck_assert_msg((field->kind == OTLP_MESSAGE) == (field->child != OTLP_NO_MESSAGE), "%s.%s",
                      otlp_schemas[m].name, field->name);
    }
}
END_TEST

START_TEST(every_field_is_written_once)
{
    for (int m = 1; m < OTLP_MESSAGES; m++) {
        const struct otlp_schema *schema = &otlp_schemas[m];
        uint32_t listed = 0;
        uint32_t known = 0;
        ck_assert_uint_le(schema->highest, OTLP_NUMBER_MAX);
        for (uint32_t i = 0; i < schema->count; i++) {
            ck_assert_msg(!(listed & 1u << schema->order[i]), "%s: %u twice", schema->name,
                          schema->order[i]);
            listed |= 1u << schema->order[i];
        }
        for (uint32_t n = 0; n <= schema->highest; n++)
            known |= schema->fields[n].kind != OTLP_UNKNOWN ? 1u << n : 0;
        ck_assert_msg(listed == known, "%s", schema->name);
    }
}
END_TEST

START_TEST(json_names_are_the_proto_names_in_camel_case)
{
    EACH_FIELD(m, n)
    {
        const struct otlp_field *field = otlp_schema_field((enum otlp_message)m, n);
        if (!field)
            continue;
        char wanted[64] = ",\"";
        size_t at = 2;
        for (const char *p = field->name; *p; p++) {
            if (*p == '_')
                wanted[at++] = (char)toupper(*++p);
            else
                wanted[at++] = *p;
        }
        memcpy(wanted + at, "\":", 3);
        ck_assert_str_eq(field->key, wanted);
        ck_assert_uint_eq(field->key_len, strlen(field->key));
        size_t len;
        const char *json = otlp_schema_json_name(field, &len);
        ck_assert_uint_eq(len, at - 2);
        ck_assert_mem_eq(json, wanted + 2, len);
    }
}
END_TEST

START_TEST(every_message_is_reached_from_a_request)
{
    bool reached[OTLP_MESSAGES] = {[OTLP_LOGS_REQUEST] = true, [OTLP_METRICS_REQUEST] = true,
                                   [OTLP_TRACES_REQUEST] = true};
    for (int round = 0; round < OTLP_MESSAGES; round++)
        EACH_FIELD(m, n)
        {
            if (reached[m])
                reached[otlp_schemas[m].fields[n].child] = true;
        }
    for (int m = 1; m < OTLP_MESSAGES; m++)
        ck_assert_msg(reached[m], "%s", otlp_schemas[m].name);
}
END_TEST

START_TEST(records_are_log_records_spans_and_the_data_points)
{
    for (int m = 1; m < OTLP_MESSAGES; m++) {
        const char *name = otlp_schemas[m].name;
        bool wanted = strcmp(name, "LogRecord") == 0 || strcmp(name, "Span") == 0 || strstr(name,
                "DataPoint");
        if (strchr(name, '.')) /* parts of a data point */
            wanted = false;
        ck_assert_msg(otlp_schemas[m].record == wanted, "%s", name);
    }
}
END_TEST

START_TEST(requests_are_found_by_signal)
{
    ck_assert_int_eq(otlp_schema_request(OTLP_LOGS), OTLP_LOGS_REQUEST);
    ck_assert_int_eq(otlp_schema_request(OTLP_METRICS), OTLP_METRICS_REQUEST);
    ck_assert_int_eq(otlp_schema_request(OTLP_TRACES), OTLP_TRACES_REQUEST);
    ck_assert_int_eq(otlp_schema_request((enum otlp_signal)0), OTLP_NO_MESSAGE);
}
END_TEST

START_TEST(unknown_numbers_have_no_field)
{
    ck_assert_ptr_null(otlp_schema_field(OTLP_LOG_RECORD, 0));
    ck_assert_ptr_null(otlp_schema_field(OTLP_LOG_RECORD, 4));
    ck_assert_ptr_null(otlp_schema_field(OTLP_LOG_RECORD, 13));
    ck_assert_ptr_null(otlp_schema_field(OTLP_LOG_RECORD, UINT32_MAX));
    ck_assert_ptr_null(otlp_schema_field(OTLP_NO_MESSAGE, 1));
    ck_assert_str_eq(otlp_schema_field(OTLP_LOG_RECORD, 12)->name, "event_name");
}
END_TEST

/* What an absent message is written as: {}. */
START_TEST(a_message_that_is_always_written_needs_nothing_inside)
{
    EACH_FIELD(m, n)
    {
        const struct otlp_field *field = &otlp_schemas[m].fields[n];
        if (!(field->flags & OTLP_ALWAYS))
            continue;
        for (uint32_t i = 0; i <= otlp_schemas[field->child].highest; i++)
            ck_assert_msg(!(otlp_schemas[field->child].fields[i].flags & OTLP_ALWAYS), "%s.%s",
                          otlp_schemas[m].name, field->name);
    }
}
END_TEST

/* What view.h relies on. */
START_TEST(singular_messages_nest_at_most_two_deep)
{
    /* By message: the longest chain of singular submessages that ends in it. */
    uint32_t chain[OTLP_MESSAGES] = {0};
    for (int round = 0; round < OTLP_MESSAGES; round++)
        EACH_FIELD(m, n)
        {
            const struct otlp_field *field = &otlp_schemas[m].fields[n];
            if (field->kind == OTLP_MESSAGE && !(field->flags & OTLP_REPEATED) &&
                chain[field->child] < chain[m] + 1)
                chain[field->child] = chain[m] + 1;
        }
    for (int m = 1; m < OTLP_MESSAGES; m++)
        ck_assert_msg(chain[m] <= OTLP_VIEW_LEVELS, "%s", otlp_schemas[m].name);
}
END_TEST

SUITE_MAIN("otlp/schema", every_kind_has_its_wire_type, every_field_is_written_once,
           json_names_are_the_proto_names_in_camel_case, every_message_is_reached_from_a_request,
           records_are_log_records_spans_and_the_data_points, requests_are_found_by_signal,
           unknown_numbers_have_no_field, a_message_that_is_always_written_needs_nothing_inside,
           singular_messages_nest_at_most_two_deep)
