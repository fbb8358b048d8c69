// SPDX-License-Identifier: Apache-2.0
#include "exporters/clickhouse/excerpt.h"

#include "shared/otlp/walk.h"
#include "tests/support/suite.h"
#include "tests/unit/exporters/console/wire_writer.h"

static struct buf sub(uint32_t number, const char *text)
{
    struct buf b = ww_new();
    ww_text(&b, number, text);
    return b;
}

/* resource "r", scope "s", both with a schema URL, and whatever is in `records`, which is taken. */
static struct buf request_of(struct buf *records)
{
    struct buf request = ww_new(), entry = ww_new(), scopes = ww_new();
    struct buf value = sub(1, "r"), key_value = sub(1, "k"), resource = ww_new(), scope = sub(1, "s");
    ww_message(&key_value, 2, &value);
    ww_message(&resource, 1, &key_value);
    ww_message(&entry, 1, &resource);
    ww_message(&scopes, 1, &scope);
    buf_slice_append(&scopes, buf_slice(records));
    ww_text(&scopes, 3, "scope url");
    ww_message(&entry, 2, &scopes);
    ww_text(&entry, 3, "resource url");
    ww_message(&request, 1, &entry);
    buf_free(records);
    return request;
}

static struct buf logs(void)
{
    struct buf records = ww_new();
    for (char c = 'a'; c <= 'c'; c++) {
        char text[2] = {c, '\0'};
        struct buf record = ww_new(), body = sub(1, text);
        ww_fixed64(&record, 1, 5);
        ww_message(&record, 5, &body);
        ww_message(&records, 2, &record);
    }
    return request_of(&records);
}

/* Two sums, each with two points. */
static struct buf metrics(void)
{
    struct buf records = ww_new();
    for (int m = 0; m < 2; m++) {
        struct buf metric = sub(1, m ? "second" : "first"), data = ww_new();
        for (uint64_t p = 0; p < 2; p++) {
            struct buf point = ww_new();
            ww_fixed64(&point, 6, 10 * (uint64_t)m + p);
            ww_message(&data, 1, &point);
        }
        ww_varint(&data, 2, 2);
        ww_varint(&data, 3, 1);
        ww_message(&metric, 7, &data);
        ww_message(&records, 2, &metric);
    }
    return request_of(&records);
}

/* Takes each record out of the request by itself: valid, one record, as it was. */
static void check(enum otlp_signal signal, struct buf *request, size_t count)
{
    struct otlp_reader r, alone;
    struct otlp_walk_result walk;
    struct buf all = buf_make(1u << 24);
    size_t records = 0;
    otlp_reader_init(&r, signal, buf_slice(request));
    while (otlp_reader_next(&r)) {
        struct buf out = buf_make(1u << 24);
        ck_assert_int_eq(excerpt_append(signal, &r.now, &out), 0);
        ck_assert_int_eq(otlp_walk(signal, buf_slice(&out), NULL, &walk), 0);
        ck_assert_uint_eq(walk.records, 1);
        otlp_reader_init(&alone, signal, buf_slice(&out));
        ck_assert(otlp_reader_next(&alone));
        ck_assert(slice_eq(alone.now.bytes, r.now.bytes));
        ck_assert(slice_eq(alone.now.resource.holder, r.now.resource.holder));
        ck_assert(slice_eq(alone.now.scope.holder, r.now.scope.holder));
        ck_assert(slice_is(alone.now.resource_schema_url, "resource url"));
        ck_assert(slice_is(alone.now.scope_schema_url, "scope url"));
        ck_assert_int_eq(alone.now.data_message, r.now.data_message);
        if (signal == OTLP_METRICS) {
            ck_assert(slice_eq(otlp_view_bytes(&alone.now.metric, 1), otlp_view_bytes(&r.now.metric, 1)));
            ck_assert_uint_eq(otlp_view_number(&alone.now.data, 2), 2);
            ck_assert_uint_eq(otlp_view_number(&alone.now.data, 3), 1);
        }
        ck_assert_int_eq(excerpt_append(signal, &r.now, &all), 0);
        buf_free(&out);
        records++;
    }
    ck_assert_uint_eq(records, count);
    ck_assert_int_eq(otlp_walk(signal, buf_slice(&all), NULL, &walk), 0);
    ck_assert_uint_eq(walk.records, count);
    buf_free(&all);
    buf_free(request);
}

START_TEST(a_log_record_by_itself)
{
    struct buf request = logs();
    check(OTLP_LOGS, &request, 3);
}
END_TEST

START_TEST(a_data_point_by_itself)
{
    struct buf request = metrics();
    check(OTLP_METRICS, &request, 4);
}
END_TEST

START_TEST(no_room_is_an_error)
{
    struct buf request = logs(), out = buf_make(20);
    struct otlp_reader r;
    otlp_reader_init(&r, OTLP_LOGS, buf_slice(&request));
    ck_assert(otlp_reader_next(&r));
    ck_assert_int_lt(excerpt_append(OTLP_LOGS, &r.now, &out), 0);
    buf_free(&request);
    buf_free(&out);
}
END_TEST

SUITE_MAIN("excerpt", a_log_record_by_itself, a_data_point_by_itself, no_room_is_an_error)
