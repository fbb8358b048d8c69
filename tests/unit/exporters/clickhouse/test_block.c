// SPDX-License-Identifier: Apache-2.0
#include "exporters/clickhouse/block.h"

#include "tests/support/suite.h"
#include "tests/unit/exporters/clickhouse/block_text.h"

/* ResourceLogs of a service with `logs` scopes of one log each, bodies "<name><n>". */
static void put_resource(struct buf *request, const char *service, const char *name, unsigned logs)
{
    struct buf resource_logs = message(), resource = message();
    put_attribute(&resource, 1, "service.name", service);
    put_child(&resource_logs, 1, &resource);
    for (unsigned i = 0; i < logs; i++) {
        struct buf scope_logs = message(), scope = message(), record = message(), body = message();
        char text[32];
        snprintf(text, sizeof text, "%s%u", name, i);
        put_text(&body, 1, text);
        put_fixed64(&record, 1, 1000 + i);
        put_child(&record, 5, &body);
        put_text(&scope, 1, i < 2 ? "early" : "late");
        put_child(&scope_logs, 1, &scope);
        put_child(&scope_logs, 2, &record);
        put_child(&resource_logs, 2, &scope_logs);
    }
    put_child(request, 1, &resource_logs);
}

START_TEST(tables_have_the_columns_of_the_collector)
{
    static const struct {
        enum table_kind table;
        size_t count;
        const char *columns;
    } cases[] = {
        {TABLE_LOGS, 16,
         "Timestamp,TraceId,SpanId,TraceFlags,SeverityText,SeverityNumber,ServiceName,Body,ResourceSchemaUrl,"
         "ResourceAttributes,ScopeSchemaUrl,ScopeName,ScopeVersion,ScopeAttributes,LogAttributes,EventName,"},
        {TABLE_TRACES, 22,
         "Timestamp,TraceId,SpanId,ParentSpanId,TraceState,SpanName,SpanKind,ServiceName,ResourceAttributes,ScopeName,"
         "ScopeVersion,SpanAttributes,Duration,StatusCode,StatusMessage,Events.Timestamp,Events.Name,Events.Attributes,"
         "Links.TraceId,Links.SpanId,Links.TraceState,Links.Attributes,"},
        {TABLE_GAUGE, 21,
         "ResourceAttributes,ResourceSchemaUrl,ScopeName,ScopeVersion,ScopeAttributes,ScopeDroppedAttrCount,"
         "ScopeSchemaUrl,ServiceName,MetricName,MetricDescription,MetricUnit,Attributes,StartTimeUnix,TimeUnix,Flags,"
         "Value,Exemplars.FilteredAttributes,Exemplars.TimeUnix,Exemplars.Value,Exemplars.SpanId,Exemplars.TraceId,"},
        {TABLE_SUM, 23, NULL},
        {TABLE_HISTOGRAM, 27, NULL},
        {TABLE_EXPONENTIAL_HISTOGRAM, 31, NULL},
        {TABLE_SUMMARY, 19, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf names = message();
        ck_assert_uint_eq(block_column_count(cases[i].table), cases[i].count);
        for (size_t c = 0; c < cases[i].count; c++)
            buf_printf(&names, "%s,", block_column_name(cases[i].table, c));
        ck_assert(!cases[i].columns || slice_is(buf_slice(&names), cases[i].columns));
        buf_free(&names);
    }
}
END_TEST

START_TEST(a_block_is_these_bytes)
{
    struct buf request = message(), out = message();
    struct block *block = block_new(TABLE_LOGS, 1u << 0 | 1u << 6 | 1u << 7); /* Timestamp, ServiceName, Body */
    static const char golden[] = "\3\2"
                                 "\x09Timestamp\x0d" "DateTime64(9)"
                                 "\xe8\3\0\0\0\0\0\0" "\xe9\3\0\0\0\0\0\0"
                                 "\x0bServiceName\x16LowCardinality(String)"
                                 "\1\0\0\0\0\0\0\0" "\0\6\0\0\0\0\0\0" "\2\0\0\0\0\0\0\0" "\0\1s"
                                 "\2\0\0\0\0\0\0\0" "\1\1"
                                 "\4Body\6String" "\2x0\2x1";
    put_resource(&request, "s", "x", 2);
    ck_assert_uint_eq(add_request(block, TABLE_LOGS, OTLP_LOGS, buf_slice(&request)), 2);
    ck_assert_int_eq(block_write(block, &out), 0);
    ck_assert_uint_eq(out.len, sizeof golden - 1);
    ck_assert_mem_eq(out.data, golden, out.len);
    block_free(&block);
    buf_free(&request);
    buf_free(&out);
}
END_TEST

START_TEST(what_stands_around_a_record_is_its_own)
{
    struct buf request = message();
    put_resource(&request, "one", "a", 3);
    put_resource(&request, "two", "b", 1);
    put_resource(&request, "one", "c", 1);
    struct buf text = text_of_request(TABLE_LOGS, OTLP_LOGS, &request);
    expect_line(&text, "Body: 'a0' 'a1' 'a2' 'b0' 'c0'");
    expect_line(&text, "ServiceName: 'one' 'one' 'one' 'two' 'one'");
    expect_line(&text, "ResourceAttributes: {service.name=one} {service.name=one} {service.name=one} {service.name=two} "
                       "{service.name=one}");
    expect_line(&text, "ScopeName: 'early' 'early' 'late' 'early' 'early'");
    buf_free(&text);
}
END_TEST

/* Batches that stand in the same memory one after the other, the second of another service. */
START_TEST(batches_are_told_apart)
{
    struct block *block = block_new(TABLE_LOGS, ALL_COLUMNS);
    static const char *const services[] = {"one", "one", "two", "two", "one"};
    uint8_t room[512];
    for (size_t i = 0; i < 5; i++) {
        struct buf request = message();
        put_resource(&request, services[i], "x", 2);
        ck_assert_uint_le(request.len, sizeof room);
        memcpy(room, request.data, request.len);
        add_request(block, TABLE_LOGS, OTLP_LOGS, slice_make(room, request.len));
        memset(room, 0, sizeof room);
        buf_free(&request);
    }
    struct buf text = text_of(block, TABLE_LOGS, ALL_COLUMNS, 10);
    expect_line(&text, "ServiceName: 'one' 'one' 'one' 'one' 'two' 'two' 'two' 'two' 'one' 'one'");
    buf_free(&text);
    block_free(&block);
}
END_TEST

/* The schema URL belongs to the resource, though it stands outside of it. */
START_TEST(equal_resources_of_another_schema_differ)
{
    struct block *block = block_new(TABLE_LOGS, ALL_COLUMNS);
    static const char *const urls[] = {"u", "v", "", "v", "v"};
    for (size_t i = 0; i < 5; i++) {
        struct buf record = message(), scope = message(), resource = message(), request = message();
        put_fixed64(&record, 1, 5);
        put_child(&scope, 2, &record);
        put_text(&scope, 3, urls[4 - i]);
        put_child(&resource, 2, &scope);
        put_text(&resource, 3, urls[i]);
        put_child(&request, 1, &resource);
        add_request(block, TABLE_LOGS, OTLP_LOGS, buf_slice(&request));
        buf_free(&request);
    }
    struct buf text = text_of(block, TABLE_LOGS, ALL_COLUMNS, 5);
    expect_line(&text, "ResourceSchemaUrl: 'u' 'v' '' 'v' 'v'");
    expect_line(&text, "ScopeSchemaUrl: 'v' 'v' '' 'v' 'u'");
    buf_free(&text);
    block_free(&block);
}
END_TEST

START_TEST(columns_may_be_left_out)
{
    struct buf request = message();
    put_resource(&request, "s", "x", 3);
    for (size_t i = 0; i < block_column_count(TABLE_LOGS); i++) {
        const uint64_t masks[] = {UINT64_C(1) << i, ALL_COLUMNS ^ UINT64_C(1) << i};
        for (size_t m = 0; m < 2; m++) {
            struct block *block = block_new(TABLE_LOGS, masks[m]);
            add_request(block, TABLE_LOGS, OTLP_LOGS, buf_slice(&request));
            struct buf text = text_of(block, TABLE_LOGS, masks[m], 3);
            buf_free(&text);
            block_free(&block);
        }
    }
    buf_free(&request);
}
END_TEST

/* What was in it before, written or thrown away, leaves no trace. */
START_TEST(a_block_can_be_used_again)
{
    struct block *block = block_new(TABLE_LOGS, ALL_COLUMNS), *fresh = block_new(TABLE_LOGS, ALL_COLUMNS);
    struct buf request = message(), longer = message(), expected = message(), out = message();
    put_resource(&request, "t", "y", 3);
    put_resource(&longer, "s", "x", 3);
    put_resource(&longer, "t", "y", 3);
    add_request(fresh, TABLE_LOGS, OTLP_LOGS, buf_slice(&request));
    ck_assert_int_eq(block_write(fresh, &expected), 0);
    for (int i = 0; i < 3; i++) {
        add_request(block, TABLE_LOGS, OTLP_LOGS, buf_slice(&longer));
        if (i)
            ck_assert_int_eq(block_write(block, &out), 0);
        block_clear(block);
        ck_assert_uint_eq(block_rows(block), 0);
        buf_clear(&out);
        ck_assert_int_eq(block_write(block, &out), 0);
        ck_assert_uint_eq(out.len, 0);
        add_request(block, TABLE_LOGS, OTLP_LOGS, buf_slice(&request));
        ck_assert_int_eq(block_write(block, &out), 0);
        ck_assert_uint_eq(out.len, expected.len);
        ck_assert_mem_eq(out.data, expected.data, out.len);
    }
    block_free(&block);
    block_free(&fresh);
    buf_free(&request);
    buf_free(&longer);
    buf_free(&expected);
    buf_free(&out);
}
END_TEST

START_TEST(a_block_that_does_not_fit_fails_its_buffer)
{
    struct block *block = block_new(TABLE_LOGS, ALL_COLUMNS);
    struct buf request = message(), out = buf_make(300);
    put_resource(&request, "s", "x", 3);
    add_request(block, TABLE_LOGS, OTLP_LOGS, buf_slice(&request));
    ck_assert_int_eq(block_write(block, &out), GW_ERR_TOO_LARGE);
    ck_assert(!buf_ok(&out));
    block_free(&block);
    ck_assert_ptr_null(block);
    block_free(&block);
    buf_free(&request);
    buf_free(&out);
}
END_TEST

/* A batch of one record, of which `field` comes `count` times, empty. */
static struct buf record_of(uint32_t field, size_t count)
{
    struct buf record = message(), scope = message(), resource = message(), request = message();
    for (size_t i = 0; i < count; i++)
        put_slice(&record, field, (struct slice){0});
    put_child(&scope, 2, &record);
    put_child(&resource, 2, &scope);
    put_child(&request, 1, &resource);
    ck_assert(buf_ok(&request));
    return request;
}

static int add_record_of(struct block *block, enum otlp_signal signal, uint32_t field, size_t count)
{
    struct buf request = record_of(field, count);
    struct otlp_reader reader;
    block_new_batch(block);
    otlp_reader_init(&reader, signal, buf_slice(&request));
    ck_assert(otlp_reader_next(&reader));
    int rc = block_add(block, &reader.now, RECEIVED_NS);
    buf_free(&request);
    return rc;
}

/* What a few bytes of OTLP can become is bounded, and what is beyond it is told from having no memory. */
START_TEST(what_no_row_has_room_for_is_said)
{
    enum { LOG_ATTRIBUTES = 6, SPAN_ATTRIBUTES = 9, SPAN_EVENTS = 11, SPAN_LINKS = 13 };
    static const struct {
        enum table_kind table;
        enum otlp_signal signal;
        uint32_t field;
        size_t most;
    } cases[] = {
        {TABLE_LOGS, OTLP_LOGS, LOG_ATTRIBUTES, ATTRIBUTES_MAX},
        {TABLE_TRACES, OTLP_TRACES, SPAN_ATTRIBUTES, ATTRIBUTES_MAX},
        {TABLE_TRACES, OTLP_TRACES, SPAN_EVENTS, BLOCK_ITEMS_MAX},
        {TABLE_TRACES, OTLP_TRACES, SPAN_LINKS, BLOCK_ITEMS_MAX},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct block *block = block_new(cases[i].table, ALL_COLUMNS);
        struct buf out = buf_make((size_t)1 << 30);
        ck_assert_int_eq(add_record_of(block, cases[i].signal, cases[i].field, cases[i].most + 1), GW_ERR_TOO_LARGE);
        ck_assert_int_eq(block_write(block, &out), GW_ERR_TOO_LARGE);
        block_clear(block);
        buf_clear(&out);
        ck_assert_int_eq(add_record_of(block, cases[i].signal, cases[i].field, cases[i].most), 0);
        ck_assert_int_eq(block_write(block, &out), 0);
        block_free(&block);
        buf_free(&out);
    }
}
END_TEST

START_TEST(captured_requests_become_blocks)
{
    uint64_t rows = 0, records = 0;
    for (size_t i = 0; i < FIXTURES; i++) {
        struct buf request = load_fixture(&fixtures[i]);
        ck_assert_msg(request.len > 0, "%s", fixtures[i].name);
        for (enum table_kind table = 0; table < TABLE_KINDS; table++) {
            struct block *block = block_new(table, ALL_COLUMNS);
            uint32_t found = add_request(block, table, fixtures[i].signal, buf_slice(&request));
            struct buf text = text_of(block, table, ALL_COLUMNS, found);
            rows += found;
            buf_free(&text);
            block_free(&block);
        }
        records += fixtures[i].records;
        buf_free(&request);
    }
    ck_assert_uint_eq(rows, records);
}
END_TEST

SUITE_MAIN("block", tables_have_the_columns_of_the_collector, a_block_is_these_bytes,
           what_stands_around_a_record_is_its_own, batches_are_told_apart, equal_resources_of_another_schema_differ,
           columns_may_be_left_out, a_block_can_be_used_again, a_block_that_does_not_fit_fails_its_buffer,
           what_no_row_has_room_for_is_said, captured_requests_become_blocks)
