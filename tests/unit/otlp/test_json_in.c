// SPDX-License-Identifier: Apache-2.0
/* What is taken, and what becomes of it: looked at through otlp_json_out(), after the walk has
 * accepted it; where presence matters, at the bytes themselves. */
#include "shared/otlp/json_in.h"

#include <string.h>

#include "tests/unit/otlp/json_case.h"

/* ---- means the same as ----------------------------------------------------------------------- */

/* What is put around the text of a case, and around what it should become. */
struct frame {
    enum otlp_signal signal;
    const char *in[2];
    const char *out[2];
};

enum frame_name { LOG, VALUE, SPAN, METRIC, POINT, HISTOGRAM, BUCKETS };

#define SPANS_IN "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":["
#define SPANS_OUT "{\"resourceSpans\":[{\"resource\":{},\"scopeSpans\":[{\"scope\":{},\"spans\":["
#define METRICS_IN "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":["
#define METRICS_OUT                                                                                \
    "{\"resourceMetrics\":[{\"resource\":{},\"scopeMetrics\":[{\"scope\":{},\"metrics\":["
#define POINTS(kind) "{\"" kind "\":{\"dataPoints\":["
#define POINTS_END "]}}" END

static const struct frame frames[] = {
    [LOG] = {OTLP_LOGS, {LOGS_IN, END}, {LOGS_OUT, END}},
    [VALUE] = {OTLP_LOGS,
               {LOGS_IN "{\"attributes\":[{\"key\":\"k\",\"value\":", "}]}" END},
               {LOGS_OUT "{\"body\":{},\"attributes\":[{\"key\":\"k\",\"value\":", "}]}" END}},
    [SPAN] = {OTLP_TRACES, {SPANS_IN, END}, {SPANS_OUT, END}},
    [METRIC] = {OTLP_METRICS, {METRICS_IN, END}, {METRICS_OUT, END}},
    [POINT] = {OTLP_METRICS,
               {METRICS_IN POINTS("gauge"), POINTS_END},
               {METRICS_OUT POINTS("gauge"), POINTS_END}},
    [HISTOGRAM] = {OTLP_METRICS,
                   {METRICS_IN POINTS("histogram"), POINTS_END},
                   {METRICS_OUT POINTS("histogram"), POINTS_END}},
    [BUCKETS] = {OTLP_METRICS,
                 {METRICS_IN POINTS("exponentialHistogram") "{\"positive\":", "}" POINTS_END},
                 {METRICS_OUT POINTS("exponentialHistogram") "{\"positive\":",
                  ",\"negative\":{}}" POINTS_END}},
};

struct means {
    enum frame_name frame;
    const char *in;
    const char *out;
    uint64_t mended;
    const char *why;
};

static struct buf around(const char *const frame[2], const char *text)
{
    struct buf all = message();
    buf_text(&all, frame[0]);
    buf_text(&all, text);
    buf_text(&all, frame[1]);
    return all;
}

static void check_means(const struct means *c)
{
    const struct frame *frame = &frames[c->frame];
    struct buf in = around(frame->in, c->in);
    struct buf want = around(frame->out, c->out);
    struct buf out = message();
    struct buf json = buf_make(JSON_MAX_BYTES);
    struct otlp_json_result result;
    read_good(frame->signal, buf_slice(&in), &out, &result, &json);
    buf_byte(&json, '\0');
    buf_byte(&want, '\0');
    ck_assert_msg(strcmp((char *)json.data, (char *)want.data) == 0, "%s: %s\n%s\n%s", c->why,
                  c->in, (char *)json.data, (char *)want.data);
    ck_assert_msg(result.mended == c->mended, "%s: %s: mended %llu", c->why, c->in,
                  (unsigned long long)result.mended);
    ck_assert((result.first_mended.why != NULL) == (c->mended > 0));
    buf_free(&in);
    buf_free(&want);
    buf_free(&out);
    buf_free(&json);
}

#define CHECK_MEANS(cases)                                                                         \
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)                                    \
    check_means(&cases[i])

START_TEST(values_are_read_in_every_form)
{
    static const struct means cases[] = {
        {VALUE, "{\"stringValue\":\"a\"}", "{\"stringValue\":\"a\"}", 0, "a string"},
        {VALUE, "{\"string_value\":\"a\"}", "{\"stringValue\":\"a\"}", 0, "snake case"},
        {VALUE, "{\"str\\u0069ngValue\":\"a\"}", "{\"stringValue\":\"a\"}", 0, "an escaped key"},
        {VALUE, " {\n\"stringValue\" :\t\"a\"\r} ", "{\"stringValue\":\"a\"}", 0, "white space"},
        {VALUE, "{\"stringValue\":\"\"}", "{\"stringValue\":\"\"}", 0, "an empty string is there"},
        {VALUE, "{\"boolValue\":true}", "{\"boolValue\":true}", 0, "a truth"},
        {VALUE, "{\"boolValue\":false}", "{\"boolValue\":false}", 0, "false is there"},
        {VALUE, "{\"intValue\":0}", "{\"intValue\":\"0\"}", 0, "zero is there"},
        {VALUE, "{\"intValue\":42}", "{\"intValue\":\"42\"}", 0, "a number for 64 bits"},
        {VALUE, "{\"intValue\":\"42\"}", "{\"intValue\":\"42\"}", 0, "in quotes"},
        {VALUE, "{\"intValue\":-0}", "{\"intValue\":\"0\"}", 0, "an integer has no -0"},
        {VALUE, "{\"intValue\":1e3}", "{\"intValue\":\"1000\"}", 0, "an exponent"},
        {VALUE, "{\"intValue\":\"1.5E+1\"}", "{\"intValue\":\"15\"}", 0, "both, in quotes"},
        {VALUE, "{\"intValue\":-9223372036854775808}", "{\"intValue\":\"-9223372036854775808\"}",
         0, "the smallest"},
        {VALUE, "{\"intValue\":9223372036854775807}", "{\"intValue\":\"9223372036854775807\"}", 0,
         "the largest"},
        {VALUE, "{\"doubleValue\":0}", "{\"doubleValue\":0}", 0, "zero is there"},
        {VALUE, "{\"doubleValue\":-0.0}", "{\"doubleValue\":-0}", 0, "a double has one"},
        {VALUE, "{\"doubleValue\":0.1}", "{\"doubleValue\":0.1}", 0, "a fraction"},
        {VALUE, "{\"doubleValue\":\"2.5e-3\"}", "{\"doubleValue\":0.0025}", 0, "in quotes"},
        {VALUE, "{\"doubleValue\":\"NaN\"}", "{\"doubleValue\":\"NaN\"}", 0, "no number"},
        {VALUE, "{\"doubleValue\":\"Infinity\"}", "{\"doubleValue\":\"Infinity\"}", 0, "endless"},
        {VALUE, "{\"doubleValue\":\"-Infinity\"}", "{\"doubleValue\":\"-Infinity\"}", 0, "less"},
        {VALUE, "{\"doubleValue\":\"-inf\"}", "{\"doubleValue\":\"-Infinity\"}", 0, "as C has it"},
        {VALUE, "{\"doubleValue\":\"+INF\"}", "{\"doubleValue\":\"Infinity\"}", 0, "as Go has it"},
        {VALUE, "{\"bytesValue\":\"AQIDBA==\"}", "{\"bytesValue\":\"AQIDBA==\"}", 0, "padded"},
        {VALUE, "{\"bytesValue\":\"AQIDBA\"}", "{\"bytesValue\":\"AQIDBA==\"}", 0, "not padded"},
        {VALUE, "{\"bytesValue\":\"-_8\"}", "{\"bytesValue\":\"+/8=\"}", 0, "safe for URLs"},
        {VALUE, "{\"bytesValue\":\"+\\/8=\"}", "{\"bytesValue\":\"+/8=\"}", 0, "as PHP escapes"},
        {VALUE,
         "{\"bytesValue\":\"\\/\\/\\/\\/\\/\\/\\/\\/\\/\\/\\/\\/\\/\\/\\/\\/\"}",
         "{\"bytesValue\":\"////////////////\"}", 0, "more of them than bytes"},
        {VALUE, "{\"bytesValue\":\"\"}", "{\"bytesValue\":\"\"}", 0, "no bytes are there"},
        {VALUE, "{\"arrayValue\":{\"values\":[{\"intValue\":1},{}]}}",
         "{\"arrayValue\":{\"values\":[{\"intValue\":\"1\"},{}]}}", 0,
         "a list with an empty value"},
        {VALUE, "{\"arrayValue\":{\"values\":[]}}", "{\"arrayValue\":{}}", 0, "an empty list"},
        {VALUE, "{\"kvlistValue\":{\"values\":[{\"key\":\"a\",\"value\":{\"boolValue\":true}}]}}",
         "{\"kvlistValue\":{\"values\":[{\"key\":\"a\",\"value\":{\"boolValue\":true}}]}}", 0,
         "a map"},
        {VALUE, "{}", "{}", 0, "an empty value"},
        {VALUE, "null", "{}", 0, "no value"},
        {VALUE, "{\"stringValue\":null}", "{}", 0, "null is absent"},
        {VALUE, "{\"stringValue\":\"a\",\"intValue\":null}", "{\"stringValue\":\"a\"}", 0,
         "an absent member does not count"},
        {VALUE, "{\"new\":[{\"a\":[1,\"]\",null]}],\"intValue\":1}", "{\"intValue\":\"1\"}", 0,
         "unknown keys at any depth"},
        {VALUE, "{\"string_value_strindex\":5}", "{}", 0, "of profiles only"},
    };
    CHECK_MEANS(cases);
}
END_TEST

START_TEST(values_that_are_damaged_cost_no_record)
{
    static const struct means cases[] = {
        {VALUE, "{\"doubleValue\":{}}", "{}", 1, "an object for a number"},
        {VALUE, "{\"doubleValue\":[1]}", "{}", 1, "a list for a number"},
        {VALUE, "{\"doubleValue\":\"x\"}", "{}", 1, "a word for a number"},
        {VALUE, "{\"doubleValue\":\"nanx\"}", "{}", 1, "nearly a name"},
        {VALUE, "{\"doubleValue\":\"in\"}", "{}", 1, "less than a name"},
        {VALUE, "{\"doubleValue\":\"\"}", "{}", 1, "nothing for a number"},
        {VALUE, "{\"doubleValue\":\"1 \"}", "{}", 1, "more than a number"},
        {VALUE, "{\"doubleValue\":true}", "{}", 1, "a truth for a number"},
        {VALUE, "{\"doubleValue\":1e400}", "{\"doubleValue\":\"Infinity\"}", 1, "beyond doubles"},
        {VALUE, "{\"doubleValue\":\"-1e400\"}", "{\"doubleValue\":\"-Infinity\"}", 1, "below them"},
        {VALUE, "{\"doubleValue\":1e-400}", "{\"doubleValue\":0}", 0, "the nearest double"},
        {VALUE, "{\"intValue\":1.7976931348623157e+308}",
         "{\"doubleValue\":1.7976931348623157e+308}", 1,
         "JavaScript: a large double is an integer"},
        {VALUE, "{\"intValue\":9223372036854775808}", "{\"doubleValue\":9223372036854776000}", 1,
         "one more than the largest"},
        {VALUE, "{\"intValue\":\"-9223372036854775809\"}",
         "{\"doubleValue\":-9223372036854776000}", 1, "one less than the smallest"},
        {VALUE, "{\"intValue\":1e400}", "{\"doubleValue\":\"Infinity\"}", 1, "beyond all"},
        {VALUE, "{\"intValue\":1.5}", "{\"doubleValue\":1.5}", 1, "a fraction"},
        {VALUE, "{\"intValue\":\"NaN\"}", "{}", 1, "no integer is NaN"},
        {VALUE, "{\"intValue\":{}}", "{}", 1, "an object for an integer"},
        {VALUE, "{\"boolValue\":\"true\"}", "{}", 1, "a word for a truth"},
        {VALUE, "{\"boolValue\":1}", "{}", 1, "a number for a truth"},
        {VALUE, "{\"stringValue\":5}", "{}", 1, "a number for a string"},
        {VALUE, "{\"stringValue\":{\"stringValue\":\"a\"}}", "{}", 1, "an object for a string"},
        {VALUE, "{\"bytesValue\":\"A\"}", "{}", 1, "half a byte"},
        {VALUE, "{\"bytesValue\":\"AQ=\"}", "{}", 1, "half the padding"},
        {VALUE, "{\"bytesValue\":\"A*==\"}", "{}", 1, "outside the alphabet"},
        {VALUE, "{\"bytesValue\":[1,2]}", "{}", 1, "a list for bytes"},
        {VALUE, "{\"stringValue\":\"a\",\"bytesValue\":\"A\"}", "{\"stringValue\":\"a\"}", 1,
         "a bad member does not take the good one's place"},
        {VALUE, "{\"arrayValue\":[]}", "{}", 1, "a list for a message"},
        {VALUE, "{\"arrayValue\":{\"values\":{}}}", "{\"arrayValue\":{}}", 1,
         "a message for a list"},
        {VALUE, "{\"arrayValue\":{\"values\":[null,5,{\"intValue\":1}]}}",
         "{\"arrayValue\":{\"values\":[{},{},{\"intValue\":\"1\"}]}}", 1,
         "values keep their places"},
        {VALUE, "\"a\"", "{}", 1, "a string for a value"},
        {VALUE, "[{\"intValue\":1}]", "{}", 1, "a list for a value"},
        {LOG, "{\"body\":\"text\"}", "{\"body\":{}}", 1, "text for a body"},
        {LOG, "{\"attributes\":{\"a\":1}}", "{\"body\":{}}", 1, "a map for a list"},
        {LOG, "{\"attributes\":[5,null,{\"key\":\"a\"}]}",
         "{\"body\":{},\"attributes\":[{\"key\":\"a\",\"value\":{}}]}", 2, "items that are none"},
        {LOG, "5,{\"severityNumber\":9}", "{\"severityNumber\":9,\"body\":{}}", 1,
         "a record that is none"},
    };
    CHECK_MEANS(cases);
}
END_TEST

START_TEST(strings_are_unescaped_and_mended)
{
    static const struct means cases[] = {
        {VALUE, "{\"stringValue\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"}",
         "{\"stringValue\":\"\\\"\\\\/\\u0008\\u000c\\n\\r\\t\"}", 0, "every escape"},
        {VALUE, "{\"stringValue\":\"a\\u0000b\"}", "{\"stringValue\":\"a\\u0000b\"}", 0, "zero"},
        {VALUE, "{\"stringValue\":\"\\u00e9\\u20AC\"}",
         "{\"stringValue\":\"\xc3\xa9\xe2\x82\xac\"}", 0, "two and three bytes"},
        {VALUE, "{\"stringValue\":\"\\ud83d\\ude80\"}", "{\"stringValue\":\"\xf0\x9f\x9a\x80\"}",
         0, "a pair of surrogates"},
        {VALUE, "{\"stringValue\":\"\\ud83dx\"}", "{\"stringValue\":\"\xef\xbf\xbdx\"}", 1,
         "a high one alone"},
        {VALUE, "{\"stringValue\":\"\\ude80\\ud83d\"}",
         "{\"stringValue\":\"\xef\xbf\xbd\xef\xbf\xbd\"}", 1, "the wrong way round"},
        {VALUE, "{\"stringValue\":\"\\ud83d\\ud83d\\ude80\"}",
         "{\"stringValue\":\"\xef\xbf\xbd\xf0\x9f\x9a\x80\"}", 1, "one alone before a pair"},
        {VALUE, "{\"stringValue\":\"\\ud83d\\n\"}", "{\"stringValue\":\"\xef\xbf\xbd\\n\"}", 1,
         "another escape behind it"},
        {VALUE, "{\"stringValue\":\"\xc3\xa9\xe2\x82\xac\"}",
         "{\"stringValue\":\"\xc3\xa9\xe2\x82\xac\"}", 0, "UTF-8 as it is"},
        {VALUE, "{\"stringValue\":\"a\xff\xc3z\"}", "{\"stringValue\":\"a??z\"}", 1,
         "bytes that are none"},
        {VALUE, "{\"stringValue\":\"\xed\xa0\x80\"}", "{\"stringValue\":\"???\"}", 1,
         "a surrogate in UTF-8"},
        {VALUE, "{\"stringValue\":\"a\xc3\\u00a9\"}", "{\"stringValue\":\"a?\xc2\xa9\"}", 1,
         "half a character before an escape"},
        {LOG, "{\"severityText\":\"\\u0041\"}", "{\"severityText\":\"A\",\"body\":{}}", 0,
         "anywhere"},
        {LOG, "{\"severityText\":5}", "{\"body\":{}}", 1, "a number for a string"},
    };
    CHECK_MEANS(cases);
}
END_TEST

START_TEST(fields_of_records_are_read_in_every_form)
{
    static const struct means cases[] = {
        {LOG, "{\"timeUnixNano\":\"1795380083432000000\"}",
         "{\"timeUnixNano\":\"1795380083432000000\",\"body\":{}}", 0, "a string"},
        {LOG, "{\"time_unix_nano\":1795380083432000000}",
         "{\"timeUnixNano\":\"1795380083432000000\",\"body\":{}}", 0, "a number"},
        {LOG, "{\"timeUnixNano\":1.795380083432e18}",
         "{\"timeUnixNano\":\"1795380083432000000\",\"body\":{}}", 0, "an exponent"},
        {LOG, "{\"timeUnixNano\":18446744073709551615}",
         "{\"timeUnixNano\":\"18446744073709551615\",\"body\":{}}", 0, "the last nanosecond"},
        {LOG, "{\"timeUnixNano\":18446744073709551616}",
         "{\"timeUnixNano\":\"18446744073709551615\",\"body\":{}}", 1, "one more is clamped"},
        {LOG, "{\"timeUnixNano\":-1}", "{\"body\":{}}", 1, "clamped at zero"},
        {LOG, "{\"timeUnixNano\":12.75}", "{\"timeUnixNano\":\"12\",\"body\":{}}", 1, "a fraction"},
        {LOG, "{\"timeUnixNano\":\"soon\"}", "{\"body\":{}}", 1, "a word"},
        {LOG, "{\"timeUnixNano\":\"0\"}", "{\"body\":{}}", 0, "zero is absent"},
        {LOG, "{\"severityNumber\":9}", "{\"severityNumber\":9,\"body\":{}}", 0, "a number"},
        {LOG, "{\"severityNumber\":\"SEVERITY_NUMBER_INFO\"}",
         "{\"severityNumber\":9,\"body\":{}}", 0, "a name"},
        {LOG, "{\"severityNumber\":\"9\"}", "{\"severityNumber\":9,\"body\":{}}", 0, "in quotes"},
        {LOG, "{\"severityNumber\":\"INFO\"}", "{\"body\":{}}", 1, "no name of it"},
        {LOG, "{\"severityNumber\":-3}", "{\"severityNumber\":-3,\"body\":{}}", 0, "any number"},
        {LOG, "{\"severityNumber\":2147483648}", "{\"severityNumber\":2147483647,\"body\":{}}", 1,
         "clamped to 32 bits"},
        {LOG, "{\"flags\":4294967296}", "{\"body\":{},\"flags\":4294967295}", 1, "clamped"},
        {LOG, "{\"droppedAttributesCount\":\"7\"}", "{\"body\":{},\"droppedAttributesCount\":7}",
         0, "32 bits in quotes"},
        {LOG, "{\"traceId\":\"5B8EFFF798038103D269B633813FC60C\",\"spanId\":\"eee19B7ec3c1b173\"}",
         "{\"body\":{},\"traceId\":\"5b8efff798038103d269b633813fc60c\","
         "\"spanId\":\"eee19b7ec3c1b173\"}", 0, "hex of any case"},
        {LOG, "{\"traceId\":\"\",\"spanId\":\"\"}", "{\"body\":{}}", 0, "no id"},
        {LOG, "{\"spanId\":\"eee19b7ec3c1b17\"}", "{\"body\":{}}", 1, "a digit too few"},
        {LOG, "{\"spanId\":\"eee19b7ec3c1b17g\"}", "{\"body\":{}}", 1, "no digit"},
        {LOG, "{\"traceId\":\"eee19b7ec3c1b173\"}", "{\"body\":{}}", 1, "the other's length"},
        {LOG, "{\"traceId\":\"W47/95gDgQPSabYzgT/GDA==\"}", "{\"body\":{}}", 1, "base64"},
        {LOG, "{\"traceId\":17}", "{\"body\":{}}", 1, "a number"},
        {SPAN, "{\"kind\":\"SPAN_KIND_SERVER\",\"status\":{\"code\":\"STATUS_CODE_ERROR\"}}",
         "{\"kind\":2,\"status\":{\"code\":2}}", 0, "names of other enums"},
        {SPAN, "{\"parentSpanId\":\"0102030405060708\",\"status\":null,\"links\":null}",
         "{\"parentSpanId\":\"0102030405060708\",\"status\":{}}", 0, "null is absent anywhere"},
        {SPAN, "{\"status\":\"ok\",\"events\":[{\"name\":\"e\"}],\"name\":\"n\"}",
         "{\"name\":\"n\",\"events\":[{\"name\":\"e\"}],\"status\":{}}", 1, "a word for a message"},
        {METRIC, "{\"name\":\"m\",\"sum\":{\"aggregationTemporality\":"
                 "\"AGGREGATION_TEMPORALITY_DELTA\",\"isMonotonic\":true}}",
         "{\"name\":\"m\",\"sum\":{\"aggregationTemporality\":1,\"isMonotonic\":true}}", 0,
         "a metric"},
        {METRIC, "{\"sum\":{\"isMonotonic\":1}}", "{\"sum\":{}}", 1, "a number for a truth"},
        {POINT, "{\"asDouble\":null}", "{}", 0, "JavaScript: NaN has no JSON"},
        {POINT, "{\"asDouble\":0}", "{\"asDouble\":0}", 0, "zero is there"},
        {POINT, "{\"asInt\":7}", "{\"asInt\":\"7\"}", 0, "a number for 64 bits"},
        {POINT, "{\"asInt\":1e30}", "{\"asDouble\":1e+30}", 1, "too large becomes a double"},
        {POINT, "{\"asInt\":0.5,\"flags\":1}", "{\"asDouble\":0.5,\"flags\":1}", 1, "a fraction"},
        {POINT, "{\"exemplars\":[{\"asInt\":\"1e99\"}]}", "{\"exemplars\":[{\"asDouble\":1e+99}]}",
         1, "in an exemplar"},
        {HISTOGRAM, "{\"count\":3,\"sum\":0,\"bucketCounts\":[1,\"2\",0],"
                    "\"explicitBounds\":[0.5,\"1\"]}",
         "{\"count\":\"3\",\"sum\":0,\"bucketCounts\":[\"1\",\"2\",\"0\"],"
         "\"explicitBounds\":[0.5,1]}", 0, "numbers in lists"},
        {HISTOGRAM, "{\"sum\":null,\"min\":1,\"bucketCounts\":[],\"explicitBounds\":null}",
         "{\"min\":1}", 0, "optional ones absent"},
        {HISTOGRAM, "{\"bucketCounts\":[1,null,[2],{},\"x\",-4,5]}",
         "{\"bucketCounts\":[\"1\",\"0\",\"0\",\"0\",\"0\",\"0\",\"5\"]}", 5,
         "what is no number is a zero in its place"},
        {HISTOGRAM, "{\"bucketCounts\":7}", "{}", 1, "a number for a list"},
        {BUCKETS, "{\"offset\":-3,\"bucketCounts\":[\"300\",1]}",
         "{\"offset\":-3,\"bucketCounts\":[\"300\",\"1\"]}", 0, "zigzag and varints"},
        {BUCKETS, "{\"offset\":-2147483649}", "{\"offset\":-2147483648}", 1, "clamped"},
    };
    CHECK_MEANS(cases);
}
END_TEST

START_TEST(of_what_is_given_twice_the_last_counts)
{
    static const struct means cases[] = {
        {LOG, "{\"severityText\":\"a\",\"severityText\":\"b\"}",
         "{\"severityText\":\"b\",\"body\":{}}", 1, "a string"},
        {LOG, "{\"severityText\":\"a\",\"severity_text\":\"b\"}",
         "{\"severityText\":\"b\",\"body\":{}}", 1, "in both spellings"},
        {LOG, "{\"severityText\":\"a\",\"severityText\":null}", "{\"body\":{}}", 1, "then null"},
        {LOG, "{\"severityText\":\"a\",\"severityText\":\"\"}", "{\"body\":{}}", 1, "then empty"},
        {LOG, "{\"body\":{\"stringValue\":\"a\"},\"severityNumber\":1,\"body\":{}}",
         "{\"severityNumber\":1,\"body\":{}}", 1, "a message is not merged"},
        {LOG, "{\"attributes\":[{\"key\":\"a\"},{\"key\":\"b\"}],\"flags\":1,\"eventName\":\"e\","
              "\"attributes\":[{\"key\":\"c\"}],\"flags\":2}",
         "{\"body\":{},\"attributes\":[{\"key\":\"c\",\"value\":{}}],\"flags\":2,"
         "\"eventName\":\"e\"}", 2, "a list is not joined"},
        {LOG, "{\"flags\":1,\"body\":{\"intValue\":1},\"attributes\":[{\"key\":\"a\"}],"
              "\"eventName\":\"e\",\"body\":null,\"flags\":null,\"attributes\":[]}",
         "{\"body\":{},\"eventName\":\"e\"}", 3, "what stands between stays"},
        {VALUE, "{\"stringValue\":\"a\",\"intValue\":1}", "{\"intValue\":\"1\"}", 1, "a oneof"},
        {VALUE, "{\"intValue\":1,\"arrayValue\":{\"values\":[{}]},\"stringValue\":\"a\"}",
         "{\"stringValue\":\"a\"}", 2, "a oneof with messages"},
        {VALUE, "{\"doubleValue\":1,\"intValue\":1e300}", "{\"doubleValue\":1e+300}", 2,
         "a member that becomes the one before"},
        {VALUE, "{\"arrayValue\":{\"values\":[{\"intValue\":1}]},\"arrayValue\":{\"values\":[{}]}}",
         "{\"arrayValue\":{\"values\":[{}]}}", 1, "the same member"},
        {METRIC, "{\"gauge\":{\"dataPoints\":[{},{}]},\"sum\":{\"dataPoints\":[{\"flags\":1}]}}",
         "{\"sum\":{\"dataPoints\":[{\"flags\":1}]}}", 1, "points of a former kind do not count"},
        {METRIC, "{\"gauge\":{\"dataPoints\":[{},{}]},\"sum\":null}",
         "{\"gauge\":{\"dataPoints\":[{},{}]}}", 0, "null does not take its place"},
        {HISTOGRAM, "{\"sum\":1,\"bucketCounts\":[1,2],\"sum\":null,\"bucketCounts\":[3]}",
         "{\"bucketCounts\":[\"3\"]}", 2, "numbers in lists"},
    };
    CHECK_MEANS(cases);
}
END_TEST

START_TEST(records_of_lists_given_twice_are_not_counted)
{
    static const char text[] =
        "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{},{},{}]},{\"logRecords\":[{}]}],"
        "\"resource\":{},\"schemaUrl\":\"u\",\"scopeLogs\":[{\"logRecords\":[{},{}],"
        "\"scope\":{\"name\":\"s\"},\"logRecords\":[{\"flags\":1}]}],\"schemaUrl\":\"v\"}]}";
    static const char want[] =
        "{\"resourceLogs\":[{\"resource\":{},\"scopeLogs\":[{\"scope\":{\"name\":\"s\"},"
        "\"logRecords\":[{\"body\":{},\"flags\":1}]}],\"schemaUrl\":\"v\"}]}";
    struct otlp_json_result result;
    struct buf out = message();
    struct buf json = message();
    read_good(OTLP_LOGS, slice_of(text), &out, &result, &json);
    ck_assert_uint_eq(result.records, 1);
    ck_assert_uint_eq(result.mended, 3);
    ck_assert_uint_eq(json.len, strlen(want));
    ck_assert_mem_eq(json.data, want, json.len);
    buf_free(&out);
    buf_free(&json);
}
END_TEST

START_TEST(presence_survives)
{
    static const struct {
        const char *in;
        const char *wire;
        size_t len;
        const char *why;
    } cases[] = {
        {"{\"logRecords\":[{\"body\":{}}]}", "\x12\x02\x2a\x00", 4, "an empty body is there"},
        {"{\"logRecords\":[{\"body\":null}]}", "\x12\x00", 2, "no body"},
        {"{\"logRecords\":[{\"body\":5}]}", "\x12\x02\x2a\x00", 4, "a bad one becomes empty"},
        {"{\"logRecords\":[{\"body\":5,\"body\":null}]}", "\x12\x00", 2, "nor if it comes first"},
        {"{\"scope\":{}}", "\x0a\x00", 2, "an empty scope"},
        {"{\"scope\":5}", "", 0, "a bad message of another kind is absent"},
        {"{\"schemaUrl\":\"\"}", "", 0, "an empty string is not written"},
        {"{\"logRecords\":[]}", "", 0, "no list"},
        {"{\"logRecords\":[{\"flags\":0}]}", "\x12\x00", 2, "a zero is not written"},
        {"{\"logRecords\":[{\"attributes\":[{\"value\":null}]}]}", "\x12\x02\x32\x00", 4,
         "no value"},
        {"{\"logRecords\":[{\"attributes\":[{\"key\":\"\",\"value\":{\"intValue\":0}}]}]}",
         "\x12\x06\x32\x04\x12\x02\x18\x00", 8, "members of a oneof are written"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        static const char *const frame[2] = {"{\"resourceLogs\":[{\"scopeLogs\":[", "]}]}"};
        struct buf in = around(frame, cases[i].in);
        struct buf out = message();
        struct otlp_json_result result;
        ck_assert_int_eq(read_text(OTLP_LOGS, buf_slice(&in), &out, &result), GW_OK);
        /* Behind the tags and lengths of request, resource and scope: */
        ck_assert_msg(out.len == 4 + cases[i].len &&
                          memcmp(out.data + 4, cases[i].wire, cases[i].len) == 0,
                      "%s", cases[i].why);
        buf_free(&in);
        buf_free(&out);
    }
}
END_TEST

SUITE_MAIN("json_in", values_are_read_in_every_form, values_that_are_damaged_cost_no_record,
           strings_are_unescaped_and_mended, fields_of_records_are_read_in_every_form,
           of_what_is_given_twice_the_last_counts, records_of_lists_given_twice_are_not_counted,
           presence_survives)
