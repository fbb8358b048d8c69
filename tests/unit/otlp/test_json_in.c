// SPDX-License-Identifier: Apache-2.0
/* What the reader makes of JSON is looked at through otlp_json_out(), after the walk has accepted
 * it; where presence matters, at the bytes themselves. */
#include "shared/otlp/json_in.h"

#include <string.h>

#include "shared/otlp/json_out.h"
#include "shared/otlp/walk.h"
#include "tests/support/suite.h"
#include "tests/unit/otlp/message.h"

#define JSON_MAX_BYTES (64u << 20)

/* ---- means the same as ----------------------------------------------------------------------- */

/* What is put around the text of a case, and around what it should become. */
struct frame {
    enum otlp_signal signal;
    const char *in[2];
    const char *out[2];
};

enum frame_name { LOG, VALUE, SPAN, METRIC, POINT, HISTOGRAM, BUCKETS };

#define LOGS_IN "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":["
#define LOGS_OUT "{\"resourceLogs\":[{\"resource\":{},\"scopeLogs\":[{\"scope\":{},\"logRecords\":["
#define SPANS_IN "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":["
#define SPANS_OUT "{\"resourceSpans\":[{\"resource\":{},\"scopeSpans\":[{\"scope\":{},\"spans\":["
#define METRICS_IN "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":["
#define METRICS_OUT                                                                                \
    "{\"resourceMetrics\":[{\"resource\":{},\"scopeMetrics\":[{\"scope\":{},\"metrics\":["
#define END "]}]}]}"
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

static int read_text(enum otlp_signal signal, struct slice text, struct buf *out,
                     struct otlp_json_result *result)
{
    uint8_t *copy = exact_copy(text);
    int err = otlp_json_in(signal, slice_make(copy, text.len), NULL, out, result);
    free(copy);
    return err;
}

/* Reads `text` into `out`, which the walk must accept, and writes it to `json`. */
static void read_good(enum otlp_signal signal, struct slice text, struct buf *out,
                      struct otlp_json_result *result, struct buf *json)
{
    struct otlp_walk_result walked;
    struct buf words = message();
    int err = read_text(signal, text, out, result);
    otlp_json_explain(result, &words);
    buf_byte(&words, '\0');
    ck_assert_msg(err == GW_OK, "%.*s\n%s", (int)text.len, (const char *)text.data,
                  (const char *)words.data);
    ck_assert_int_eq(otlp_walk(signal, buf_slice(out), NULL, &walked), GW_OK);
    ck_assert_uint_eq(walked.records, result->records);
    ck_assert_int_eq(otlp_json_out(signal, buf_slice(out), json), GW_OK);
    buf_free(&words);
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
        {VALUE, "{\"bytesValue\":\"\\/\\/\\/\\/\\/\\/\\/\\/\\/\\/\\/\\/\\/\\/\\/\\/\"}",
         "{\"bytesValue\":\"////////////////\"}", 0, "more of them than bytes"},
        {VALUE, "{\"bytesValue\":\"\"}", "{\"bytesValue\":\"\"}", 0, "no bytes are there"},
        {VALUE, "{\"arrayValue\":{\"values\":[{\"intValue\":1},{}]}}",
         "{\"arrayValue\":{\"values\":[{\"intValue\":\"1\"},{}]}}", 0, "a list with an empty value"},
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
         "{\"doubleValue\":1.7976931348623157e+308}", 1, "JavaScript: a large double is an integer"},
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
        {VALUE, "{\"arrayValue\":{\"values\":{}}}", "{\"arrayValue\":{}}", 1, "a message for a list"},
        {VALUE, "{\"arrayValue\":{\"values\":[null,5,{\"intValue\":1}]}}",
         "{\"arrayValue\":{\"values\":[{},{},{\"intValue\":\"1\"}]}}", 1, "values keep their places"},
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
        {HISTOGRAM, "{\"count\":3,\"sum\":0,\"bucketCounts\":[1,\"2\",0],\"explicitBounds\":[0.5,\"1\"]}",
         "{\"count\":\"3\",\"sum\":0,\"bucketCounts\":[\"1\",\"2\",\"0\"],\"explicitBounds\":[0.5,1]}",
         0, "numbers in lists"},
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

/* ---- refused --------------------------------------------------------------------------------- */

START_TEST(broken_json_is_refused_with_place_and_reason)
{
    static const struct {
        const char *text;
        size_t offset;
        const char *path;
        const char *why; /* part of it */
    } cases[] = {
        {"", 0, "", "no JSON"},
        {" \n", 2, "", "no JSON"},
        {"\xef\xbb\xbf{}", 0, "", "byte order mark"},
        {"[]", 0, "", "not a JSON object"},
        {"null", 0, "", "not a JSON object"},
        {"{} x", 3, "", "behind the request"},
        {"{}{}", 2, "", "behind the request"},
        {"{", 1, "", "ends too early"},
        {"{\"a\":1", 6, "", "ends too early"},
        {"{\"a\":1,}", 7, "", "key"},
        {"{\"a\" 1}", 5, "", "colon"},
        {"{a:1}", 1, "", "key"},
        {"{'a':1}", 1, "", "key"},
        {"{,}", 1, "", "key"},
        {"{\"a\":}", 5, "", "no value"},
        {"{\"a\":NaN}", 5, "", "no value"},
        {"{\"a\":01}", 5, "", "not a number"},
        {"{\"a\":1.}", 5, "", "not a number"},
        {"{\"a\":.5}", 5, "", "no value"},
        {"{\"a\":-}", 5, "", "not a number"},
        {"{\"a\":1e}", 5, "", "not a number"},
        {"{\"a\":1x}", 6, "", "comma or }"},
        {"{\"a\":[1 2]}", 8, "", "comma or ]"},
        {"{\"a\":[1,]}", 8, "", "no value"},
        {"{\"a\":[1}", 7, "", "comma or ]"},
        {"{\"a\":{\"b\":1]}", 11, "", "comma or }"},
        {"{\"a\":nul}", 8, "", "null, true or false"},
        {"{\"a\":trve}", 7, "", "null, true or false"},
        {"{\"a\":\"b", 7, "", "ends inside a string"},
        {"{\"a\":\"b\\", 7, "", "escape"},
        {"{\"a\":\"b\\x\"}", 7, "", "escape"},
        {"{\"a\":\"\\u12g4\"}", 6, "", "escape"},
        {"{\"a\":\"b\nc\"}", 7, "", "control character"},
        {"{\"a\":1} // no", 8, "", "behind the request"},
        {"{\"resourceLogs\":[{\"schemaUrl\":\"a\",\"scopeLogs\":[{},{,", 51,
         "resourceLogs[0].scopeLogs[1]", "key"},
        {"{\"resourceLogs\":[{},{\"scopeLogs\":[{}{}]}]}", 36,
         "resourceLogs[1].scopeLogs[0]", "comma or ]"},
        {"{\"resourceLogs\":[{\"resource\":{\"attributes\":[{},{\"key\":\"a\",\"value\":{\"intValue\":-}}]}}]}",
         78, "resourceLogs[0].resource.attributes[1].value.intValue", "not a number"},
        {"{\"resourceLogs\":[{\"schemaUrl\":\"a\",\"x\":[{]}]}]}", 40, "resourceLogs[0]", "key"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf out = message();
        struct buf words = message();
        struct otlp_json_result result;
        buf_text(&out, "before");
        int err = read_text(OTLP_LOGS, slice_of(cases[i].text), &out, &result);
        ck_assert_msg(err == GW_ERR_MALFORMED, "%s", cases[i].text);
        ck_assert_int_eq(result.fault, OTLP_JSON_FAULT_SYNTAX);
        ck_assert_msg(strstr(result.at.why, cases[i].why), "%s: %s", cases[i].text, result.at.why);
        ck_assert_msg(result.at.offset == cases[i].offset, "%s: %zu", cases[i].text,
                      result.at.offset);
        ck_assert_str_eq(result.at.path, cases[i].path);
        ck_assert_uint_eq(out.len, strlen("before"));
        otlp_json_explain(&result, &words);
        buf_byte(&words, '\0');
        ck_assert_ptr_nonnull(strstr((char *)words.data, result.at.why));
        ck_assert_ptr_nonnull(strstr((char *)words.data, " at byte "));
        buf_free(&out);
        buf_free(&words);
    }
}
END_TEST

START_TEST(words_for_the_sender_name_place_and_reason)
{
    struct otlp_json_result result;
    struct buf out = message();
    struct buf words = message();
    ck_assert_int_eq(read_text(OTLP_LOGS, slice_of("{\"resourceLogs\":[{}"), &out, &result),
                     GW_ERR_MALFORMED);
    otlp_json_explain(&result, &words);
    otlp_json_explain_mended(&result, &words);
    ck_assert(slice_is(buf_slice(&words), "resourceLogs[0]: the text ends too early at byte 19"));
    buf_clear(&words);
    ck_assert_int_eq(read_text(OTLP_LOGS, slice_of("{\"resourceLogs\":[{\"scopeLogs\":1}]}"), &out,
                               &result), GW_OK);
    otlp_json_explain(&result, &words);
    otlp_json_explain_mended(&result, &words);
    ck_assert(slice_is(buf_slice(&words),
                       "1 value was mended, at resourceLogs[0].scopeLogs: not a list, at byte 30"));
    buf_clear(&words);
    ck_assert_int_eq(read_text(OTLP_LOGS, slice_of("{\"resourceLogs\":1,\"resourceLogs\":2}"), &out,
                               &result), GW_OK);
    otlp_json_explain_mended(&result, &words);
    ck_assert(slice_is(buf_slice(&words), "3 values were mended, the first at resourceLogs: "
                                          "not a list, at byte 16"));
    buf_clear(&words);
    ck_assert_int_eq(read_text(OTLP_LOGS, slice_of("{}"), &out, &result), GW_OK);
    otlp_json_explain(&result, &words);
    otlp_json_explain_mended(&result, &words);
    ck_assert_uint_eq(words.len, 0);
    buf_free(&out);
    buf_free(&words);
}
END_TEST

START_TEST(a_signal_that_does_not_exist_is_refused)
{
    struct otlp_json_result result;
    struct buf out = message();
    ck_assert_int_eq(otlp_json_in((enum otlp_signal)4, slice_of("{}"), NULL, &out, &result),
                     GW_ERR_INVALID);
    buf_free(&out);
}
END_TEST

/* ---- limits ---------------------------------------------------------------------------------- */

/* A log record whose body nests `lists` lists in each other: request, resource, scope and record
 * and body are 5 messages, each list 2 more. */
static struct buf nested(uint32_t lists)
{
    struct buf in = message();
    buf_text(&in, LOGS_IN "{\"body\":{");
    for (uint32_t i = 0; i < lists; i++)
        buf_text(&in, "\"arrayValue\":{\"values\":[{");
    for (uint32_t i = 0; i < lists; i++)
        buf_text(&in, "}]}");
    buf_text(&in, "}}" END);
    return in;
}

START_TEST(depth_is_that_of_messages_and_the_same_as_in_protobuf)
{
    struct otlp_json_limits limits = {.max_depth = 15};
    struct otlp_json_result result;
    struct otlp_walk_result walked;
    struct buf in = nested(5);
    struct buf out = message();
    ck_assert_int_eq(otlp_json_in(OTLP_LOGS, buf_slice(&in), &limits, &out, &result), GW_OK);
    ck_assert_int_eq(otlp_walk(OTLP_LOGS, buf_slice(&out), &(struct otlp_limits){.max_depth = 15},
                               &walked), GW_OK);
    ck_assert_int_eq(otlp_walk(OTLP_LOGS, buf_slice(&out), &(struct otlp_limits){.max_depth = 14},
                               &walked), GW_ERR_TOO_LARGE);
    limits.max_depth = 14;
    buf_clear(&out);
    ck_assert_int_eq(otlp_json_in(OTLP_LOGS, buf_slice(&in), &limits, &out, &result),
                     GW_ERR_TOO_LARGE);
    ck_assert_int_eq(result.fault, OTLP_JSON_FAULT_DEPTH);
    ck_assert_uint_eq(result.limit, 14);
    ck_assert_str_eq(result.at.path, "resourceLogs[0].scopeLogs[0].logRecords[0].body.arrayValue."
                                     "values[0].arrayValue.values[0]...arrayValue.values[0]");
    ck_assert_uint_eq(out.len, 0);
    buf_free(&in);
    buf_free(&out);
}
END_TEST

START_TEST(messages_nest_as_deeply_as_any_reader_takes)
{
    struct otlp_json_limits limits = {.max_depth = OTLP_DEPTH_MAX + 100};
    struct otlp_json_result result;
    struct buf out = message();
    struct buf json = message();
    struct buf words = message();
    struct buf in = nested((OTLP_DEPTH_MAX - 5) / 2);
    read_good(OTLP_LOGS, buf_slice(&in), &out, &result, &json);
    buf_free(&in);
    in = nested((OTLP_DEPTH_MAX - 5) / 2 + 1);
    buf_clear(&out);
    ck_assert_int_eq(otlp_json_in(OTLP_LOGS, buf_slice(&in), &limits, &out, &result),
                     GW_ERR_TOO_LARGE);
    ck_assert_uint_eq(result.limit, OTLP_DEPTH_MAX);
    otlp_json_explain(&result, &words);
    buf_byte(&words, '\0');
    ck_assert_ptr_nonnull(strstr((char *)words.data, "nested too deeply (limit 100) at byte "));
    buf_free(&words);
    buf_free(&in);
    buf_free(&out);
    buf_free(&json);
}
END_TEST

START_TEST(what_is_passed_over_may_nest_but_not_without_end)
{
    struct otlp_json_result result;
    struct buf out = message();
    for (uint32_t depth = 255; depth <= 257; depth++) {
        struct buf in = message();
        buf_text(&in, "{\"x\":");
        for (uint32_t i = 0; i < depth; i++)
            buf_text(&in, i % 2 ? "[" : "{\"a\":");
        buf_byte(&in, '1');
        for (uint32_t i = depth; i-- > 0;)
            buf_byte(&in, i % 2 ? ']' : '}');
        buf_byte(&in, '}');
        int err = read_text(OTLP_LOGS, buf_slice(&in), &out, &result);
        ck_assert_int_eq(err, depth <= 256 ? GW_OK : GW_ERR_TOO_LARGE);
        ck_assert_int_eq(result.fault, depth <= 256 ? OTLP_JSON_FAULT_NONE : OTLP_JSON_FAULT_DEPTH);
        buf_free(&in);
    }
    buf_free(&out);
}
END_TEST

START_TEST(records_are_limited)
{
    static const char text[] = LOGS_IN "{},{},{}" END;
    struct otlp_json_limits limits = {.max_records = 3};
    struct otlp_json_result result;
    struct buf out = message();
    ck_assert_int_eq(otlp_json_in(OTLP_LOGS, slice_of(text), &limits, &out, &result), GW_OK);
    ck_assert_uint_eq(result.records, 3);
    limits.max_records = 2;
    ck_assert_int_eq(otlp_json_in(OTLP_LOGS, slice_of(text), &limits, &out, &result),
                     GW_ERR_TOO_LARGE);
    ck_assert_int_eq(result.fault, OTLP_JSON_FAULT_RECORDS);
    ck_assert_uint_eq(result.limit, 2);
    ck_assert_str_eq(result.at.path, "resourceLogs[0].scopeLogs[0].logRecords[2]");
    buf_free(&out);
}
END_TEST

START_TEST(protobuf_larger_than_the_limit_is_refused)
{
    static const char text[] = LOGS_IN "{\"severityText\":\"0123456789\"}" END;
    struct otlp_json_result result;
    struct buf out = message();
    ck_assert_int_eq(otlp_json_in(OTLP_LOGS, slice_of(text), NULL, &out, &result), GW_OK);
    size_t size = out.len;
    /* A few bytes of room are wanted for lengths while a field is written. */
    struct otlp_json_limits limits = {.max_out_bytes = size + 32};
    buf_clear(&out);
    buf_text(&out, "before");
    ck_assert_int_eq(otlp_json_in(OTLP_LOGS, slice_of(text), &limits, &out, &result), GW_OK);
    ck_assert_uint_eq(out.len, strlen("before") + size);
    for (limits.max_out_bytes = 1; limits.max_out_bytes < size; limits.max_out_bytes++) {
        buf_clear(&out);
        ck_assert_int_eq(otlp_json_in(OTLP_LOGS, slice_of(text), &limits, &out, &result),
                         GW_ERR_TOO_LARGE);
        ck_assert_int_eq(result.fault, OTLP_JSON_FAULT_SIZE);
        ck_assert_uint_eq(result.limit, limits.max_out_bytes);
        ck_assert_uint_eq(out.len, 0);
    }
    buf_free(&out);
}
END_TEST

START_TEST(a_full_buffer_is_no_fault_of_the_request)
{
    static const char text[] = LOGS_IN "{\"severityText\":\"0123456789\"}" END;
    struct otlp_json_result result;
    struct buf out = buf_make(8);
    ck_assert_int_eq(otlp_json_in(OTLP_LOGS, slice_of(text), NULL, &out, &result), GW_ERR_NOMEM);
    ck_assert_int_eq(result.fault, OTLP_JSON_FAULT_NONE);
    buf_free(&out);
}
END_TEST

/* ---- any size, any bytes --------------------------------------------------------------------- */

START_TEST(long_values_and_many_records_keep_their_bytes)
{
    static const size_t sizes[] = {0, 1, 100, 113, 114, 120, 125, 126, 127, 128, 129, 255, 16000,
                                   16370, 16383, 16384, 16500, 200000, 2200000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct buf in = message();
        struct buf want = message();
        buf_text(&in, LOGS_IN);
        buf_text(&want, LOGS_OUT);
        for (int k = 0; k < 3; k++) {
            struct buf *both[] = {&in, &want};
            for (int b = 0; b < 2; b++) {
                buf_text(both[b], k ? ",{\"body\":{\"arrayValue\":{\"values\":[{\"stringValue\":\""
                                    : "{\"body\":{\"arrayValue\":{\"values\":[{\"stringValue\":\"");
                for (size_t n = 0; n < sizes[i]; n++)
                    buf_byte(both[b], (uint8_t)('a' + n % 26));
                buf_text(both[b], "\"},{\"boolValue\":true}]}},\"eventName\":\"e\"}");
            }
        }
        buf_text(&in, END);
        buf_text(&want, END);
        struct buf out = message();
        struct buf json = message();
        struct otlp_json_result result;
        read_good(OTLP_LOGS, buf_slice(&in), &out, &result, &json);
        ck_assert_msg(slice_eq(buf_slice(&json), buf_slice(&want)), "%zu", sizes[i]);
        buf_free(&in);
        buf_free(&want);
        buf_free(&out);
        buf_free(&json);
    }
}
END_TEST

START_TEST(tiny_nodes_by_the_million_take_little_memory)
{
    static const struct {
        const char *open;
        const char *node;
        const char *close;
    } cases[] = {
        {"{\"resourceLogs\":[", "{}", "]}"},
        {"{\"resourceLogs\":[{\"resource\":{\"attributes\":[", "{}", "]}}]}"},
        {"{\"resourceLogs\":[", "[]", "]}"},
        {"{\"x\":[", "\"\"", "]}"},
        {"{\"resourceLogs\":[{\"resource\":{\"entityRefs\":[{\"idKeys\":[", "\"\"", "]}]}}]}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf in = message();
        struct buf out = message();
        struct otlp_json_result result;
        struct otlp_walk_result walked;
        buf_text(&in, cases[i].open);
        for (int n = 0; n < 1000000; n++) {
            if (n)
                buf_byte(&in, ',');
            buf_text(&in, cases[i].node);
        }
        buf_text(&in, cases[i].close);
        ck_assert_int_eq(read_text(OTLP_LOGS, buf_slice(&in), &out, &result), GW_OK);
        ck_assert_int_eq(otlp_walk(OTLP_LOGS, buf_slice(&out), NULL, &walked), GW_OK);
        ck_assert_uint_le(out.len, in.len);
        ck_assert_uint_le(out.cap, 2 * in.len);
        buf_free(&in);
        buf_free(&out);
    }
}
END_TEST

/* A JSON request that uses much: of a captured one. */
static struct buf captured(size_t i)
{
    struct buf bytes = load_fixture(&fixtures[i]);
    struct buf json = buf_make(JSON_MAX_BYTES);
    ck_assert_uint_gt(bytes.len, 0);
    ck_assert_int_eq(otlp_json_out(fixtures[i].signal, buf_slice(&bytes), &json), GW_OK);
    buf_free(&bytes);
    return json;
}

START_TEST(captured_requests_come_back_as_they_were)
{
    for (size_t i = 0; i < FIXTURES; i++) {
        struct buf in = captured(i);
        struct buf out = message();
        struct buf json = buf_make(JSON_MAX_BYTES);
        struct otlp_json_result result;
        read_good(fixtures[i].signal, buf_slice(&in), &out, &result, &json);
        ck_assert_uint_eq(result.records, fixtures[i].records);
        ck_assert_uint_eq(result.mended, 0);
        ck_assert_msg(slice_eq(buf_slice(&json), buf_slice(&in)), "%s", fixtures[i].name);
        buf_free(&in);
        buf_free(&out);
        buf_free(&json);
    }
}
END_TEST

START_TEST(a_request_cut_anywhere_is_refused)
{
    for (size_t i = 0; i < FIXTURES; i += 5) {
        struct buf in = captured(i);
        struct buf out = message();
        struct otlp_json_result result;
        size_t step = in.len / 2000 + 1;
        for (size_t cut = 0; cut < in.len; cut += step) {
            ck_assert_int_eq(read_text(fixtures[i].signal, slice_make(in.data, cut), &out, &result),
                             GW_ERR_MALFORMED);
            /* An escape or a number that is cut off is at fault where it begins. */
            ck_assert_uint_le(result.at.offset, cut);
        }
        buf_free(&in);
        buf_free(&out);
    }
}
END_TEST

START_TEST(whatever_byte_is_wrong_the_walk_accepts_what_comes_out)
{
    static const uint8_t wrong[] = {'"', '\\', '{', '}', '[', ']', ',', ':', '0', 'e', 0x80, 0};
    for (size_t i = 0; i < FIXTURES; i += 5) {
        struct buf in = captured(i);
        struct buf out = message();
        struct otlp_json_result result;
        struct otlp_walk_result walked;
        size_t step = in.len / 1500 + 1;
        for (size_t at = 0; at < in.len; at += step) {
            uint8_t good = in.data[at];
            in.data[at] = at % 3 ? wrong[at % sizeof wrong] : (uint8_t)(good ^ 1u << at % 8);
            buf_clear(&out);
            int err = read_text(fixtures[i].signal, buf_slice(&in), &out, &result);
            ck_assert(err == GW_OK || err == GW_ERR_MALFORMED);
            if (err == GW_OK)
                ck_assert_int_eq(otlp_walk(fixtures[i].signal, buf_slice(&out), NULL, &walked),
                                 GW_OK);
            in.data[at] = good;
        }
        buf_free(&in);
        buf_free(&out);
    }
}
END_TEST

SUITE_MAIN("json_in", values_are_read_in_every_form, values_that_are_damaged_cost_no_record,
           strings_are_unescaped_and_mended, fields_of_records_are_read_in_every_form,
           of_what_is_given_twice_the_last_counts, records_of_lists_given_twice_are_not_counted,
           presence_survives, broken_json_is_refused_with_place_and_reason,
           words_for_the_sender_name_place_and_reason, a_signal_that_does_not_exist_is_refused,
           depth_is_that_of_messages_and_the_same_as_in_protobuf,
           messages_nest_as_deeply_as_any_reader_takes,
           what_is_passed_over_may_nest_but_not_without_end, records_are_limited,
           protobuf_larger_than_the_limit_is_refused, a_full_buffer_is_no_fault_of_the_request,
           long_values_and_many_records_keep_their_bytes,
           tiny_nodes_by_the_million_take_little_memory, captured_requests_come_back_as_they_were,
           a_request_cut_anywhere_is_refused,
           whatever_byte_is_wrong_the_walk_accepts_what_comes_out)
