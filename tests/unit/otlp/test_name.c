// SPDX-License-Identifier: Apache-2.0
#include "shared/otlp/name.h"

#include <string.h>

#include "tests/support/suite.h"

START_TEST(every_field_is_found_under_both_its_names_and_no_other)
{
    for (int m = 1; m < OTLP_MESSAGES; m++) {
        enum otlp_message message = (enum otlp_message)m;
        for (uint32_t n = 1; n <= otlp_schemas[m].highest; n++) {
            const struct otlp_field *field = otlp_schema_field(message, n);
            if (!field)
                continue;
            size_t len;
            const char *json = otlp_schema_json_name(field, &len);
            ck_assert_uint_eq(field->name_len, strlen(field->name));
            ck_assert_uint_eq(otlp_name_field(message, slice_make(json, len)), n);
            ck_assert_uint_eq(otlp_name_field(message, slice_of(field->name)), n);
            ck_assert_uint_ne(otlp_name_field(message, slice_make(json, len - 1)), n);
            ck_assert_uint_ne(otlp_name_field(message, slice_make(json, len + 1)), n);
        }
        ck_assert_uint_eq(otlp_name_field(message, slice_of("")), 0);
        ck_assert_uint_eq(otlp_name_field(message, slice_make(NULL, 0)), 0);
        ck_assert_uint_eq(otlp_name_field(message, slice_of("keyStrindex")), 0);
    }
}
END_TEST

START_TEST(enums_have_the_names_of_the_proto_files)
{
    static const struct {
        enum otlp_enum names;
        const char *name;
        int32_t number;
    } cases[] = {
        {OTLP_SEVERITY_NUMBER, "SEVERITY_NUMBER_UNSPECIFIED", 0},
        {OTLP_SEVERITY_NUMBER, "SEVERITY_NUMBER_TRACE", 1},
        {OTLP_SEVERITY_NUMBER, "SEVERITY_NUMBER_DEBUG2", 6},
        {OTLP_SEVERITY_NUMBER, "SEVERITY_NUMBER_INFO", 9},
        {OTLP_SEVERITY_NUMBER, "SEVERITY_NUMBER_WARN4", 16},
        {OTLP_SEVERITY_NUMBER, "SEVERITY_NUMBER_ERROR", 17},
        {OTLP_SEVERITY_NUMBER, "SEVERITY_NUMBER_FATAL4", 24},
        {OTLP_SEVERITY_NUMBER, "SEVERITY_NUMBER_FATAL5", -1},
        {OTLP_SEVERITY_NUMBER, "INFO", -1},
        {OTLP_SEVERITY_NUMBER, "severity_number_info", -1},
        {OTLP_SEVERITY_NUMBER, "", -1},
        {OTLP_SPAN_KIND, "SPAN_KIND_UNSPECIFIED", 0},
        {OTLP_SPAN_KIND, "SPAN_KIND_CONSUMER", 5},
        {OTLP_SPAN_KIND, "SPAN_KIND_", -1},
        {OTLP_STATUS_CODE, "STATUS_CODE_UNSET", 0},
        {OTLP_STATUS_CODE, "STATUS_CODE_ERROR", 2},
        {OTLP_STATUS_CODE, "STATUS_CODE_DELTA", -1},
        {OTLP_TEMPORALITY, "AGGREGATION_TEMPORALITY_DELTA", 1},
        {OTLP_TEMPORALITY, "AGGREGATION_TEMPORALITY_CUMULATIVE", 2},
        {OTLP_NO_ENUM, "UNSPECIFIED", -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        ck_assert_msg(otlp_name_enum(cases[i].names, slice_of(cases[i].name)) == cases[i].number,
                      "%s", cases[i].name);
}
END_TEST

START_TEST(every_enum_field_has_names_and_no_other_field_has)
{
    for (int m = 1; m < OTLP_MESSAGES; m++)
        for (uint32_t n = 1; n <= otlp_schemas[m].highest; n++)
            ck_assert_int_eq(otlp_schemas[m].fields[n].kind == OTLP_ENUM,
                             otlp_schemas[m].fields[n].names != OTLP_NO_ENUM);
}
END_TEST

SUITE_MAIN("name", every_field_is_found_under_both_its_names_and_no_other,
           enums_have_the_names_of_the_proto_files,
           every_enum_field_has_names_and_no_other_field_has)
