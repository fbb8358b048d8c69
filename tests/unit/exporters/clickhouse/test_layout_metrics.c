// SPDX-License-Identifier: Apache-2.0
/* What data points become, column by column. */
#include <math.h>

#include "tests/support/suite.h"
#include "tests/unit/exporters/clickhouse/block_text.h"

enum { GAUGE = 5, SUM = 7, HISTOGRAM = 9, EXPONENTIAL_HISTOGRAM = 10, SUMMARY = 11 }; /* in Metric */

/* A point in a metric of the kind, with everything around it. `temporality` goes into what holds the points. */
static struct buf request_with(uint32_t kind, struct buf *point, uint64_t temporality, bool monotonic)
{
    struct buf data = message(), metric = message(), scope_metrics = message(), scope = message();
    struct buf resource_metrics = message(), resource = message(), request = message();
    put_child(&data, 1, point);
    if (temporality)
        put_number(&data, 2, temporality);
    if (monotonic)
        put_number(&data, 3, 1);
    put_text(&metric, 1, "tokens");
    put_text(&metric, 2, "used up");
    put_text(&metric, 3, "{token}");
    put_child(&metric, kind, &data);
    put_text(&scope, 1, "lib");
    put_text(&scope, 2, "1.2");
    put_attribute(&scope, 3, "s", "t");
    put_number(&scope, 4, 3);
    put_child(&scope_metrics, 1, &scope);
    put_child(&scope_metrics, 2, &metric);
    put_text(&scope_metrics, 3, "http://scope");
    put_attribute(&resource, 1, "service.name", "svc");
    put_child(&resource_metrics, 1, &resource);
    put_child(&resource_metrics, 2, &scope_metrics);
    put_text(&resource_metrics, 3, "http://resource");
    put_child(&request, 1, &resource_metrics);
    return request;
}

static void put_packed_doubles(struct buf *m, uint32_t number, const double *numbers, size_t count)
{
    struct buf packed = message();
    for (size_t i = 0; i < count; i++) {
        uint64_t bits;
        memcpy(&bits, &numbers[i], sizeof bits);
        for (int b = 0; b < 8; b++)
            buf_byte(&packed, (uint8_t)(bits >> 8 * b));
    }
    put_child(m, number, &packed);
}

/* An exemplar with ids, and one without anything. */
static void put_exemplars(struct buf *point, uint32_t number)
{
    struct buf exemplar = message();
    put_fixed64(&exemplar, 2, 2000000000);
    put_fixed64(&exemplar, 6, (uint64_t)-3);
    PUT_RAW(&exemplar, 4, "\xa0\xb1\xc2\xd3\xe4\xf5\6\7");
    PUT_RAW(&exemplar, 5, "\1\2\3\4\5\6\7\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\xff");
    put_attribute(&exemplar, 7, "y", "2");
    put_attribute(&exemplar, 7, "x", "1");
    put_child(point, number, &exemplar);
    put_child(point, number, &exemplar);
}

static void expect_exemplars(const struct buf *text)
{
    expect_line(text, "Exemplars.FilteredAttributes: [{x=1,y=2},{}]");
    expect_line(text, "Exemplars.TimeUnix: [2000000000,0]");
    expect_line(text, "Exemplars.Value: [-3,0]");
    expect_line(text, "Exemplars.SpanId: ['a0b1c2d3e4f50607','0000000000000000']");
    expect_line(text, "Exemplars.TraceId: ['0102030405060708090a0b0c0d0e0fff','00000000000000000000000000000000']");
}

static void expect_head(const struct buf *text)
{
    expect_line(text, "ResourceAttributes: {service.name=svc}");
    expect_line(text, "ResourceSchemaUrl: 'http://resource'");
    expect_line(text, "ScopeName: 'lib'");
    expect_line(text, "ScopeVersion: '1.2'");
    expect_line(text, "ScopeAttributes: {s=t}");
    expect_line(text, "ScopeDroppedAttrCount: 3");
    expect_line(text, "ScopeSchemaUrl: 'http://scope'");
    expect_line(text, "ServiceName: 'svc'");
    expect_line(text, "MetricName: 'tokens'");
    expect_line(text, "MetricDescription: 'used up'");
    expect_line(text, "MetricUnit: '{token}'");
    expect_line(text, "Attributes: {a=1,b=2}");
    expect_line(text, "StartTimeUnix: 1000");
    expect_line(text, "TimeUnix: 2000");
    expect_line(text, "Flags: 1");
}

static struct buf point_with_head(uint32_t attributes, uint32_t flags)
{
    struct buf point = message();
    put_attribute(&point, attributes, "b", "2");
    put_attribute(&point, attributes, "a", "1");
    put_fixed64(&point, 2, 1000);
    put_fixed64(&point, 3, 2000);
    put_number(&point, flags, 1);
    return point;
}

START_TEST(gauges)
{
    struct buf point = point_with_head(7, 8);
    put_double(&point, 4, 1.5);
    put_exemplars(&point, 5);
    struct buf request = request_with(GAUGE, &point, 0, false);
    struct buf text = text_of_request(TABLE_GAUGE, OTLP_METRICS, &request);
    expect_head(&text);
    expect_exemplars(&text);
    expect_line(&text, "Value: 1.5");
    buf_free(&text);
}
END_TEST

START_TEST(sums)
{
    struct buf point = point_with_head(7, 8);
    put_fixed64(&point, 6, 42);
    put_exemplars(&point, 5);
    struct buf request = request_with(SUM, &point, 2, true);
    struct buf text = text_of_request(TABLE_SUM, OTLP_METRICS, &request);
    expect_head(&text);
    expect_exemplars(&text);
    expect_line(&text, "Value: 42");
    expect_line(&text, "AggregationTemporality: 2");
    expect_line(&text, "IsMonotonic: 1");
    buf_free(&text);
}
END_TEST

START_TEST(numbers_become_doubles)
{
    static const struct {
        uint32_t field;
        uint64_t bits;
        const char *line;
    } cases[] = {
        {6, (uint64_t)INT64_MIN, "Value: -9.2233720368547758e+18"},
        {6, (UINT64_C(1) << 53) + 1, "Value: 9007199254740992"},
        {4, UINT64_C(0x8000000000000000), "Value: -0"},
        {4, UINT64_C(0x7ff0000000000000), "Value: inf"},
        {4, UINT64_C(0x7ff8000000000000), "Value: nan"},
        {1, 0, "Value: 0"}, /* no value at all */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf point = message();
        put_fixed64(&point, cases[i].field, cases[i].bits);
        struct buf request = request_with(SUM, &point, 0, false);
        struct buf text = text_of_request(TABLE_SUM, OTLP_METRICS, &request);
        expect_line(&text, cases[i].line);
        expect_line(&text, "AggregationTemporality: 0");
        expect_line(&text, "IsMonotonic: 0");
        expect_line(&text, "TimeUnix: 1795000000000000001");
        expect_line(&text, "StartTimeUnix: 0");
        expect_line(&text, "Exemplars.Value: []");
        buf_free(&text);
    }
}
END_TEST

START_TEST(histograms)
{
    static const double bounds[] = {0.5, 10, INFINITY};
    struct buf point = point_with_head(9, 10);
    put_fixed64(&point, 4, 6);
    put_double(&point, 5, 33.25);
    put_fixed64(&point, 6, 1); /* not packed */
    put_fixed64(&point, 6, 2);
    PUT_RAW(&point, 6, "\3\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x80");
    put_packed_doubles(&point, 7, bounds, 3);
    put_exemplars(&point, 8);
    put_double(&point, 11, -1);
    put_double(&point, 12, 20);
    struct buf request = request_with(HISTOGRAM, &point, 1, false);
    struct buf text = text_of_request(TABLE_HISTOGRAM, OTLP_METRICS, &request);
    expect_head(&text);
    expect_exemplars(&text);
    expect_line(&text, "Count: 6");
    expect_line(&text, "Sum: 33.25");
    expect_line(&text, "BucketCounts: [1,2,3,9223372036854775808]");
    expect_line(&text, "ExplicitBounds: [0.5,10,inf]");
    expect_line(&text, "Min: -1");
    expect_line(&text, "Max: 20");
    expect_line(&text, "AggregationTemporality: 1");
    buf_free(&text);
}
END_TEST

START_TEST(exponential_histograms)
{
    struct buf point = point_with_head(1, 10), buckets = message();
    put_fixed64(&point, 4, 6);
    put_double(&point, 5, 33.25);
    put_number(&point, 6, 5); /* zigzag: -3 */
    put_fixed64(&point, 7, 4);
    put_number(&buckets, 1, UINT32_MAX); /* the least there is */
    PUT_RAW(&buckets, 2, "\1\x80\1");
    put_child(&point, 8, &buckets);
    put_number(&buckets, 2, 7);
    put_child(&point, 9, &buckets);
    put_number(&buckets, 1, 4);
    put_child(&point, 9, &buckets); /* in two pieces */
    put_exemplars(&point, 11);
    put_double(&point, 12, -1);
    put_double(&point, 13, 20);
    put_double(&point, 14, 0.25);
    struct buf request = request_with(EXPONENTIAL_HISTOGRAM, &point, 1, false);
    struct buf text = text_of_request(TABLE_EXPONENTIAL_HISTOGRAM, OTLP_METRICS, &request);
    expect_head(&text);
    expect_exemplars(&text);
    static const char *const lines[] = {
        "Count: 6",
        "Sum: 33.25",
        "Scale: -3",
        "ZeroCount: 4",
        "PositiveOffset: -2147483648",
        "PositiveBucketCounts: [1,128]",
        "NegativeOffset: 2",
        "NegativeBucketCounts: [7]",
        "Min: -1",
        "Max: 20",
        "AggregationTemporality: 1",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        expect_line(&text, lines[i]);
    buf_free(&text);
}
END_TEST

START_TEST(summaries)
{
    struct buf point = point_with_head(7, 8), quantile = message();
    put_fixed64(&point, 4, 6);
    put_double(&point, 5, 33.25);
    put_double(&quantile, 1, 0.5);
    put_double(&quantile, 2, 7);
    put_child(&point, 6, &quantile);
    put_child(&point, 6, &quantile);
    struct buf request = request_with(SUMMARY, &point, 0, false);
    struct buf text = text_of_request(TABLE_SUMMARY, OTLP_METRICS, &request);
    expect_head(&text);
    expect_line(&text, "Count: 6");
    expect_line(&text, "Sum: 33.25");
    expect_line(&text, "ValueAtQuantiles.Quantile: [0.5,0]");
    expect_line(&text, "ValueAtQuantiles.Value: [7,0]");
    buf_free(&text);
}
END_TEST

/* Metrics of one table one after the other, with points of their own. */
START_TEST(points_stay_with_their_metrics)
{
    struct buf scope = message(), resource = message(), request = message();
    for (unsigned i = 0; i < 3; i++) {
        struct buf metric = message(), data = message();
        char name[8];
        snprintf(name, sizeof name, "m%u", i);
        put_text(&metric, 1, name);
        for (unsigned n = 0; n <= i; n++) {
            struct buf point = message();
            put_double(&point, 4, i);
            put_child(&data, 1, &point);
        }
        put_number(&data, 2, i);
        put_child(&metric, SUM, &data);
        put_child(&scope, 2, &metric);
    }
    put_child(&resource, 2, &scope);
    put_child(&request, 1, &resource);
    struct buf text = text_of_request(TABLE_SUM, OTLP_METRICS, &request);
    expect_line(&text, "MetricName: 'm0' 'm1' 'm1' 'm2' 'm2' 'm2'");
    expect_line(&text, "AggregationTemporality: 0 1 1 2 2 2");
    expect_line(&text, "Value: 0 1 1 2 2 2");
    buf_free(&text);
}
END_TEST

SUITE_MAIN("layout_metrics", gauges, sums, numbers_become_doubles, histograms, exponential_histograms, summaries,
           points_stay_with_their_metrics)
