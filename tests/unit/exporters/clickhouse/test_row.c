// SPDX-License-Identifier: Apache-2.0
#include "exporters/clickhouse/row.h"

#include "tests/support/suite.h"
#include "tests/unit/otlp/message.h"

#define RECEIVED_NS UINT64_C(1795000000000000001)

/* The first record of the request. */
static struct otlp_record first(enum otlp_signal signal, const struct buf *request)
{
    struct otlp_reader reader;
    otlp_reader_init(&reader, signal, buf_slice(request));
    ck_assert(otlp_reader_next(&reader));
    return reader.now;
}

START_TEST(records_know_their_tables)
{
    static const struct {
        uint32_t kind; /* in Metric */
        enum table_kind table;
    } cases[] = {{5, TABLE_GAUGE},
                 {7, TABLE_SUM},
                 {9, TABLE_HISTOGRAM},
                 {10, TABLE_EXPONENTIAL_HISTOGRAM},
                 {11, TABLE_SUMMARY}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf point = message(), data = message(), metric = message();
        put_child(&data, 1, &point);
        put_child(&metric, cases[i].kind, &data);
        struct buf request = request_of(&metric);
        struct otlp_record record = first(OTLP_METRICS, &request);
        ck_assert_int_eq(row_table(&record), cases[i].table);
        buf_free(&request);
    }
    struct buf empty = message();
    struct buf request = request_of(&empty);
    struct otlp_record log = first(OTLP_LOGS, &request), span = first(OTLP_TRACES, &request);
    ck_assert_int_eq(row_table(&log), TABLE_LOGS);
    ck_assert_int_eq(row_table(&span), TABLE_TRACES);
    buf_free(&request);
}
END_TEST

START_TEST(rows_have_the_time_that_the_record_says)
{
    static const uint64_t max = UINT64_C(4294967295000000000);
    static const struct {
        enum otlp_signal signal;
        uint32_t field, other; /* another time of the record */
        uint64_t said, expected;
    } cases[] = {
        {OTLP_LOGS, 1, 11, 5, 5},
        {OTLP_LOGS, 11, 12, 5, 5}, /* when it was observed, if it says no other */
        {OTLP_TRACES, 7, 8, 5, 5},
        {OTLP_LOGS, 1, 11, 0, 99},
        {OTLP_TRACES, 7, 8, 0, RECEIVED_NS},
        {OTLP_LOGS, 1, 11, UINT64_MAX, max},
        {OTLP_TRACES, 7, 8, max, max},
        {OTLP_TRACES, 7, 8, max - 1, max - 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf record = message();
        put_fixed64(&record, cases[i].field, cases[i].said);
        if (cases[i].other != 12)
            put_fixed64(&record, cases[i].other, 99);
        struct buf request = request_of(&record);
        struct otlp_record row = first(cases[i].signal, &request);
        ck_assert_uint_eq(row_time_ns(&row, RECEIVED_NS), cases[i].expected);
        buf_free(&request);
    }
    ck_assert_uint_eq(row_time_of(0, UINT64_MAX), max);
}
END_TEST

START_TEST(days_begin_at_midnight_utc)
{
    ck_assert_uint_eq(row_day(0), 0);
    ck_assert_uint_eq(row_day(UINT64_C(86399999999999)), 0);
    ck_assert_uint_eq(row_day(UINT64_C(86400000000000)), 1);
    ck_assert_uint_eq(row_day(ROW_TIME_MAX_NS), 49710);
}
END_TEST

/* What stands around is written into every row. */
START_TEST(rows_are_as_large_as_all_that_goes_into_them)
{
    struct buf record = message(), scope = message(), scope_logs = message(), resource = message();
    struct buf resource_logs = message(), request = message();
    put_text(&record, 3, "INFO");
    put_text(&scope, 1, "a scope");
    put_attribute(&resource, 1, "service.name", "svc");
    size_t expected = record.len + scope.len + resource.len;
    put_child(&scope_logs, 1, &scope);
    put_child(&scope_logs, 2, &record);
    put_child(&resource_logs, 1, &resource);
    put_child(&resource_logs, 2, &scope_logs);
    put_child(&request, 1, &resource_logs);
    struct otlp_record row = first(OTLP_LOGS, &request);
    ck_assert_uint_eq(row_bytes(&row), expected);
    buf_free(&request);
}
END_TEST

SUITE_MAIN("row", records_know_their_tables, rows_have_the_time_that_the_record_says, days_begin_at_midnight_utc,
           rows_are_as_large_as_all_that_goes_into_them)
