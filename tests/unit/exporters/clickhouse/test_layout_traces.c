// SPDX-License-Identifier: Apache-2.0
/* What spans become, column by column. */
#include "tests/support/suite.h"
#include "tests/unit/exporters/clickhouse/block_text.h"

#define TRACE_ID "\1\2\3\4\5\6\7\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\xff"
#define SPAN_ID "\xa0\xb1\xc2\xd3\xe4\xf5\6\7"

static void put_event(struct buf *span, uint64_t time, const char *name, const char *key)
{
    struct buf event = message();
    put_fixed64(&event, 1, time);
    put_text(&event, 2, name);
    if (key)
        put_attribute(&event, 3, key, "v");
    put_child(span, 11, &event);
}

static struct buf span_with_everything(void)
{
    struct buf span = message(), link = message(), status = message();
    PUT_RAW(&span, 1, TRACE_ID);
    PUT_RAW(&span, 2, SPAN_ID);
    put_text(&span, 3, "a=b");
    PUT_RAW(&span, 4, "\0\0\0\0\0\0\0\2");
    put_text(&span, 5, "GET /");
    put_number(&span, 6, 3);
    put_fixed64(&span, 7, 1000);
    put_fixed64(&span, 8, 1700);
    put_event(&span, 1001, "one", "k");
    put_attribute(&span, 9, "z", "1");
    put_attribute(&span, 9, "a", "2");
    put_event(&span, UINT64_MAX, "two", NULL);
    PUT_RAW(&link, 1, TRACE_ID);
    PUT_RAW(&link, 2, SPAN_ID);
    put_text(&link, 3, "c=d");
    put_attribute(&link, 4, "l", "m");
    put_child(&span, 13, &link);
    put_child(&span, 13, &link); /* empty by now */
    put_text(&status, 2, "boom");
    put_number(&status, 3, 2);
    put_child(&span, 15, &status);
    return span;
}

START_TEST(every_column_is_filled)
{
    struct buf span = span_with_everything();
    struct buf request = request_of(&span);
    struct buf text = text_of_request(TABLE_TRACES, OTLP_TRACES, &request);
    static const char *const lines[] = {
        "Timestamp: 1000",
        "TraceId: '0102030405060708090a0b0c0d0e0fff'",
        "SpanId: 'a0b1c2d3e4f50607'",
        "ParentSpanId: '0000000000000002'",
        "TraceState: 'a=b'",
        "SpanName: 'GET /'",
        "SpanKind: 'Client'",
        "ServiceName: ''",
        "ResourceAttributes: {}",
        "ScopeName: ''",
        "ScopeVersion: ''",
        "SpanAttributes: {a=2,z=1}",
        "Duration: 700",
        "StatusCode: 'Error'",
        "StatusMessage: 'boom'",
        "Events.Timestamp: [1001,4294967295000000000]",
        "Events.Name: ['one','two']",
        "Events.Attributes: [{k=v},{}]",
        "Links.TraceId: ['0102030405060708090a0b0c0d0e0fff','']",
        "Links.SpanId: ['a0b1c2d3e4f50607','']",
        "Links.TraceState: ['c=d','']",
        "Links.Attributes: [{l=m},{}]",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        expect_line(&text, lines[i]);
    buf_free(&text);
}
END_TEST

START_TEST(an_empty_span_has_defaults)
{
    struct buf span = message();
    struct buf request = request_of(&span);
    struct buf text = text_of_request(TABLE_TRACES, OTLP_TRACES, &request);
    expect_line(&text, "Timestamp: 1795000000000000001");
    expect_line(&text, "SpanKind: 'Unspecified'");
    expect_line(&text, "StatusCode: 'Unset'");
    expect_line(&text, "StatusMessage: ''");
    expect_line(&text, "Duration: 0");
    expect_line(&text, "Events.Timestamp: []");
    expect_line(&text, "Links.Attributes: []");
    buf_free(&text);
}
END_TEST

START_TEST(kinds_and_codes_have_names)
{
    static const struct {
        uint64_t kind, code;
        const char *kind_line, *code_line;
    } cases[] = {
        {0, 0, "SpanKind: 'Unspecified'", "StatusCode: 'Unset'"},
        {1, 1, "SpanKind: 'Internal'", "StatusCode: 'Ok'"},
        {2, 2, "SpanKind: 'Server'", "StatusCode: 'Error'"},
        {3, 3, "SpanKind: 'Client'", "StatusCode: ''"},
        {4, UINT64_MAX, "SpanKind: 'Producer'", "StatusCode: ''"},
        {5, (UINT64_C(1) << 32) + 1, "SpanKind: 'Consumer'", "StatusCode: 'Ok'"},
        {6, 0, "SpanKind: ''", "StatusCode: 'Unset'"},
        {(UINT64_C(1) << 32) + 2, 0, "SpanKind: 'Server'", "StatusCode: 'Unset'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf span = message(), status = message();
        put_number(&span, 6, cases[i].kind);
        put_number(&status, 3, cases[i].code);
        put_child(&span, 15, &status);
        struct buf request = request_of(&span);
        struct buf text = text_of_request(TABLE_TRACES, OTLP_TRACES, &request);
        expect_line(&text, cases[i].kind_line);
        expect_line(&text, cases[i].code_line);
        buf_free(&text);
    }
}
END_TEST

START_TEST(durations_are_never_negative)
{
    static const struct {
        uint64_t start, end;
        const char *line;
    } cases[] = {
        {5, 5, "Duration: 0"},
        {5, 4, "Duration: 0"},
        {5, 0, "Duration: 0"},
        {0, UINT64_MAX, "Duration: 18446744073709551615"},
        {1, UINT64_MAX, "Duration: 18446744073709551614"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf span = message();
        put_fixed64(&span, 8, cases[i].end);
        put_fixed64(&span, 7, cases[i].start);
        struct buf request = request_of(&span);
        struct buf text = text_of_request(TABLE_TRACES, OTLP_TRACES, &request);
        expect_line(&text, cases[i].line);
        buf_free(&text);
    }
}
END_TEST

/* Lists of neighbouring spans stay apart. */
START_TEST(events_stay_with_their_spans)
{
    struct buf scope = message(), resource = message(), request = message();
    for (unsigned i = 0; i < 4; i++) {
        struct buf span = message();
        char name[8];
        for (unsigned n = 0; n < i; n++) {
            snprintf(name, sizeof name, "%u-%u", i, n);
            put_event(&span, i, name, n ? "k" : NULL);
        }
        put_child(&scope, 2, &span);
    }
    put_child(&resource, 2, &scope);
    put_child(&request, 1, &resource);
    struct buf text = text_of_request(TABLE_TRACES, OTLP_TRACES, &request);
    expect_line(&text, "Events.Name: [] ['1-0'] ['2-0','2-1'] ['3-0','3-1','3-2']");
    expect_line(&text, "Events.Timestamp: [] [1] [2,2] [3,3,3]");
    expect_line(&text, "Events.Attributes: [] [{}] [{},{k=v}] [{},{k=v},{k=v}]");
    buf_free(&text);
}
END_TEST

SUITE_MAIN("layout_traces", every_column_is_filled, an_empty_span_has_defaults, kinds_and_codes_have_names,
           durations_are_never_negative, events_stay_with_their_spans)
