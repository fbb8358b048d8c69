// SPDX-License-Identifier: Apache-2.0
/* What log records become, column by column. */
#include "tests/support/suite.h"
#include "tests/unit/exporters/clickhouse/block_text.h"

#define TRACE_ID "\1\2\3\4\5\6\7\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\xff"
#define SPAN_ID "\xa0\xb1\xc2\xd3\xe4\xf5\6\7"

/* A record with everything, two scopes with nothing, and an empty record. */
static struct buf whole_request(void)
{
    struct buf request = message(), resource_logs = message(), resource = message(), scope_logs = message();
    struct buf scope = message(), record = message(), body = message(), empty = message();
    put_attribute(&resource, 1, "service.name", "svc");
    put_int_attribute(&resource, 1, "pid", -7);
    put_child(&resource_logs, 1, &resource);
    put_text(&scope, 1, "lib");
    put_text(&scope, 2, "1.2");
    put_attribute(&scope, 3, "k", "v");
    put_child(&scope_logs, 1, &scope);
    put_fixed64(&record, 1, 1777629600123456789);
    put_number(&record, 2, 9);
    put_text(&record, 3, "INFO");
    put_text(&body, 1, "hello");
    put_child(&record, 5, &body);
    put_attribute(&record, 6, "z", "last");
    put_attribute(&record, 6, "a", "first");
    put_fixed32(&record, 8, 0x301);
    PUT_RAW(&record, 9, TRACE_ID);
    PUT_RAW(&record, 10, SPAN_ID);
    put_fixed64(&record, 11, 5);
    put_text(&record, 12, "event");
    put_child(&scope_logs, 2, &record);
    put_text(&scope_logs, 3, "http://scope");
    put_child(&resource_logs, 2, &scope_logs);
    put_child(&scope_logs, 2, &empty);
    put_child(&resource_logs, 2, &scope_logs);
    put_text(&resource_logs, 3, "http://resource");
    put_child(&request, 1, &resource_logs);
    return request;
}

START_TEST(every_column_is_filled)
{
    struct buf request = whole_request();
    struct buf text = text_of_request(TABLE_LOGS, OTLP_LOGS, &request);
    static const char *const lines[] = {
        "Timestamp: 1777629600123456789 1795000000000000001",
        "TraceId: '0102030405060708090a0b0c0d0e0fff' ''",
        "SpanId: 'a0b1c2d3e4f50607' ''",
        "TraceFlags: 1 0",
        "SeverityText: 'INFO' ''",
        "SeverityNumber: 9 0",
        "ServiceName: 'svc' 'svc'",
        "Body: 'hello' ''",
        "ResourceSchemaUrl: 'http://resource' 'http://resource'",
        "ResourceAttributes: {pid=-7,service.name=svc} {pid=-7,service.name=svc}",
        "ScopeSchemaUrl: 'http://scope' ''",
        "ScopeName: 'lib' ''",
        "ScopeVersion: '1.2' ''",
        "ScopeAttributes: {k=v} {}",
        "LogAttributes: {a=first,z=last} {}",
        "EventName: 'event' ''",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        expect_line(&text, lines[i]);
    buf_free(&text);
}
END_TEST

START_TEST(times_are_those_of_the_record_or_when_it_was_seen)
{
    static const struct {
        uint64_t time, observed;
        const char *line;
    } cases[] = {
        {5, 6, "Timestamp: 5"},
        {0, 6, "Timestamp: 6"},
        {0, 0, "Timestamp: 1795000000000000001"},
        {UINT64_MAX, 6, "Timestamp: 4294967295000000000"},
        {0, UINT64_MAX, "Timestamp: 4294967295000000000"},
        {4294967295000000000, 6, "Timestamp: 4294967295000000000"},
        {4294967294999999999, 6, "Timestamp: 4294967294999999999"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf record = message();
        put_fixed64(&record, 11, cases[i].observed);
        put_fixed64(&record, 1, cases[i].time);
        struct buf request = request_of(&record);
        struct buf text = text_of_request(TABLE_LOGS, OTLP_LOGS, &request);
        expect_line(&text, cases[i].line);
        buf_free(&text);
    }
}
END_TEST

START_TEST(ids_of_zeros_are_empty)
{
    struct buf record = message();
    PUT_RAW(&record, 9, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    PUT_RAW(&record, 10, "\0\0\0\0\0\0\0\1");
    struct buf request = request_of(&record);
    struct buf text = text_of_request(TABLE_LOGS, OTLP_LOGS, &request);
    expect_line(&text, "TraceId: ''");
    expect_line(&text, "SpanId: '0000000000000001'");
    buf_free(&text);
}
END_TEST

/* Numbers wrap as a cast would have them, and the last of doubled fields counts. */
START_TEST(odd_records_are_read_as_protobuf_has_it)
{
    struct buf record = message(), body = message(), part = message(), list = message();
    put_fixed32(&record, 8, 0xffffff02);
    put_number(&record, 2, 256 + 7);
    put_text(&record, 3, "first");
    put_text(&record, 3, "second");
    put_number(&part, 3, 1); /* a body in two pieces, each with a piece of an array */
    put_child(&list, 1, &part);
    put_child(&body, 5, &list);
    put_child(&record, 5, &body);
    put_text(&part, 1, "two");
    put_child(&list, 1, &part);
    put_child(&body, 5, &list);
    put_child(&record, 5, &body);
    struct buf request = request_of(&record);
    struct buf text = text_of_request(TABLE_LOGS, OTLP_LOGS, &request);
    expect_line(&text, "TraceFlags: 2");
    expect_line(&text, "SeverityNumber: 7");
    expect_line(&text, "SeverityText: 'second'");
    expect_line(&text, "Body: '[1,\"two\"]'");
    buf_free(&text);
}
END_TEST

/* service.name may be no string, or stand twice: the first counts. */
START_TEST(services_have_the_name_of_their_attribute)
{
    struct buf resource = message(), resource_logs = message(), scope = message(), record = message(), request = message();
    put_int_attribute(&resource, 1, "service.name", 5);
    put_attribute(&resource, 1, "service.name", "second");
    put_child(&resource_logs, 1, &resource);
    put_child(&scope, 2, &record);
    put_child(&resource_logs, 2, &scope);
    put_child(&request, 1, &resource_logs);
    struct buf text = text_of_request(TABLE_LOGS, OTLP_LOGS, &request);
    expect_line(&text, "ServiceName: '5'");
    expect_line(&text, "ResourceAttributes: {service.name=5,service.name=second}");
    buf_free(&text);
}
END_TEST

SUITE_MAIN("layout_logs", every_column_is_filled, times_are_those_of_the_record_or_when_it_was_seen,
           ids_of_zeros_are_empty, odd_records_are_read_as_protobuf_has_it, services_have_the_name_of_their_attribute)
