// SPDX-License-Identifier: Apache-2.0
#include "receiver/worker/otlp_status.h"

#include <google/rpc/status.pb-c.h>
#include <stdio.h>

#include "tests/support/suite.h"

/* The numbers that clients see, cause by cause: written down here a second time, from the specifications. */
static const struct {
    enum otlp_cause cause;
    unsigned grpc, http;
    bool retry;
    const char *why;
} rows[] = {
    {OTLP_ACCEPTED, 0, 200, false, "success"},
    {OTLP_MALFORMED_PROTOBUF, 3, 400, false, "bad data must not be retried"},
    {OTLP_MALFORMED_JSON, 3, 400, false, "bad data"},
    {OTLP_TOO_LARGE_WIRE, 8, 413, false, "over the limit: RESOURCE_EXHAUSTED without RetryInfo"},
    {OTLP_TOO_LARGE_INFLATED, 8, 413, false, "the limit holds after decompression too"},
    {OTLP_TOO_DEEP, 3, 400, false, "bad data"},
    {OTLP_TOO_MANY_RECORDS, 8, 413, false, "a limit"},
    {OTLP_CORRUPT_GZIP, 13, 400, false, "gRPC: INTERNAL for a coding that does not decode"},
    {OTLP_RATIO_GUARD, 8, 413, false, "a limit"},
    {OTLP_UNSUPPORTED_CODING, 12, 415, false, "gRPC: UNIMPLEMENTED; RFC 9110: 415"},
    {OTLP_UNKNOWN_PATH, 12, 404, false, "unknown service or method"},
    {OTLP_UNWANTED_SIGNAL, 12, 404, false, "as if it were not there"},
    {OTLP_WRONG_METHOD, 13, 405, false, "grpc-go: 405 + 13"},
    {OTLP_UNSUPPORTED_MEDIA_TYPE, 3, 415, false, "grpc-go: 415 + 3"},
    {OTLP_BAD_REQUEST, 3, 400, false, "malformed HTTP"},
    {OTLP_BAD_GRPC_TIMEOUT, 13, 400, false, "grpc-go: 400 + 13"},
    {OTLP_LENGTH_REQUIRED, 3, 411, false, "a POST without length"},
    {OTLP_BODY_TIMEOUT, 4, 408, false, "slow body"},
    {OTLP_HEADERS_TOO_LARGE, 8, 431, false, "headers"},
    {OTLP_BAD_GRPC_FRAME, 13, 400, false, "gRPC: INTERNAL"},
    {OTLP_NOT_UNARY, 12, 400, false, "gRPC statuscodes: UNIMPLEMENTED"},
    {OTLP_ROUTER_AWAY, 14, 503, true, "temporary"},
    {OTLP_STORE_FULL, 14, 503, true, "temporary"},
    {OTLP_STORE_BROKEN, 14, 503, true, "temporary"},
    {OTLP_STORE_TOO_LARGE, 8, 413, false, "will never fit"},
    {OTLP_OVERLOADED, 14, 503, true, "temporary"},
    {OTLP_STOPPING, 14, 503, true, "temporary"},
    {OTLP_DEADLINE, 4, 503, true, "the batch may be tried again"},
    {OTLP_INTERNAL, 13, 500, false, "our mistake"},
};

START_TEST(every_cause_has_its_numbers)
{
    ck_assert_uint_eq(sizeof rows / sizeof rows[0], OTLP_CAUSES);
    for (size_t i = 0; i < OTLP_CAUSES; i++) {
        const struct otlp_status *s = otlp_status_of(rows[i].cause);
        ck_assert_msg(s->grpc == rows[i].grpc, "%s: %s", s->name, rows[i].why);
        ck_assert_msg(s->http == rows[i].http, "%s: %s", s->name, rows[i].why);
        ck_assert_msg((s->retry_after_ms > 0) == rows[i].retry, "%s: %s", s->name, rows[i].why);
        ck_assert_msg(s->name && s->message, "row %zu", i);
        for (size_t k = 0; k < i; k++)
            ck_assert_str_ne(s->name, otlp_status_of(rows[k].cause)->name);
    }
}
END_TEST

START_TEST(an_unknown_cause_is_internal)
{
    ck_assert_ptr_eq(otlp_status_of(OTLP_CAUSES), otlp_status_of(OTLP_INTERNAL));
    ck_assert_ptr_eq(otlp_status_of((enum otlp_cause)-1), otlp_status_of(OTLP_INTERNAL));
}
END_TEST

START_TEST(waits_are_held_to_what_clients_honour)
{
    static const struct {
        enum otlp_cause cause;
        uint32_t after_ms, ms, s;
    } cases[] = {
        {OTLP_ROUTER_AWAY, 0, 1000, 1},      {OTLP_STORE_FULL, 0, 2000, 2},
        {OTLP_STORE_FULL, 1, 1000, 1},       {OTLP_STORE_FULL, 1001, 1001, 2},
        {OTLP_STORE_FULL, 60000, 3000, 3},   {OTLP_STORE_BROKEN, 0, 3000, 3},
        {OTLP_TOO_LARGE_WIRE, 5000, 0, 0},   {OTLP_MALFORMED_PROTOBUF, 0, 0, 0},
        {OTLP_STORE_FULL, UINT32_MAX, 3000, 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ck_assert_uint_eq(otlp_status_retry_ms(cases[i].cause, cases[i].after_ms), cases[i].ms);
        ck_assert_uint_eq(otlp_status_retry_after_s(cases[i].cause, cases[i].after_ms), cases[i].s);
    }
}
END_TEST

static Google__Rpc__Status *unpack(const struct buf *b)
{
    ck_assert(buf_ok(b));
    Google__Rpc__Status *s = google__rpc__status__unpack(NULL, b->len, b->data);
    ck_assert_ptr_nonnull(s);
    return s;
}

START_TEST(a_final_refusal_in_protobuf_has_code_and_message_only)
{
    struct buf out = buf_make(4096);
    otlp_status_render(&out, OTLP_PROTOBUF, OTLP_MALFORMED_PROTOBUF, slice_of("at byte 7"), 1000);
    Google__Rpc__Status *s = unpack(&out);
    ck_assert_int_eq(s->code, 3);
    ck_assert_str_eq(s->message, "at byte 7");
    ck_assert_uint_eq(s->n_details, 0);
    google__rpc__status__free_unpacked(s, NULL);
    buf_free(&out);
}
END_TEST

START_TEST(a_temporary_refusal_in_protobuf_carries_retry_info)
{
    struct buf out = buf_make(4096);
    buf_text(&out, "");
    otlp_status_render(&out, OTLP_PROTOBUF, OTLP_STORE_FULL, slice_of(""), 1500);
    Google__Rpc__Status *s = unpack(&out);
    ck_assert_int_eq(s->code, 14);
    ck_assert_str_eq(s->message, otlp_status_of(OTLP_STORE_FULL)->message);
    ck_assert_uint_eq(s->n_details, 1);
    ck_assert_str_eq(s->details[0]->type_url, "type.googleapis.com/google.rpc.RetryInfo");
    Google__Rpc__RetryInfo *retry = google__rpc__retry_info__unpack(
        NULL, s->details[0]->value.len, s->details[0]->value.data);
    ck_assert_ptr_nonnull(retry);
    ck_assert_int_eq(retry->retry_delay->seconds, 1);
    ck_assert_int_eq(retry->retry_delay->nanos, 500000000);
    google__rpc__retry_info__free_unpacked(retry, NULL);
    google__rpc__status__free_unpacked(s, NULL);
    buf_free(&out);
}
END_TEST

START_TEST(refusals_in_json_are_what_proto3_json_has)
{
    static const struct {
        enum otlp_cause cause;
        const char *message;
        uint32_t after_ms;
        const char *json;
    } cases[] = {
        {OTLP_MALFORMED_PROTOBUF, "a \"b\"\n", 0, "{\"code\":3,\"message\":\"a \\\"b\\\"\\n\"}"},
        {OTLP_ROUTER_AWAY, "x", 0,
         "{\"code\":14,\"message\":\"x\",\"details\":[{\"@type\":\"type.googleapis.com/"
         "google.rpc.RetryInfo\",\"retryDelay\":\"1s\"}]}"},
        {OTLP_ROUTER_AWAY, "x", 1050,
         "{\"code\":14,\"message\":\"x\",\"details\":[{\"@type\":\"type.googleapis.com/"
         "google.rpc.RetryInfo\",\"retryDelay\":\"1.050s\"}]}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf out = buf_make(4096);
        otlp_status_render(&out, OTLP_JSON, cases[i].cause, slice_of(cases[i].message),
                           cases[i].after_ms);
        ck_assert_msg(slice_is(buf_slice(&out), cases[i].json), "%.*s", (int)out.len,
                      (const char *)out.data);
        buf_free(&out);
    }
}
END_TEST

START_TEST(bytes_of_the_peer_become_a_valid_string)
{
    struct buf out = buf_make(4096);
    otlp_status_render(&out, OTLP_PROTOBUF, OTLP_UNKNOWN_PATH,
                       slice_make("a\0b\xff\xc3\xa9\xe2\x82", 8), 0);
    Google__Rpc__Status *s = unpack(&out);
    ck_assert_str_eq(s->message, "a?b?\xc3\xa9??");
    google__rpc__status__free_unpacked(s, NULL);
    buf_free(&out);
}
END_TEST

START_TEST(long_messages_are_cut_between_characters)
{
    char text[OTLP_STATUS_MESSAGE_BYTES + 3];
    memset(text, 'a', sizeof text);
    memcpy(text + OTLP_STATUS_MESSAGE_BYTES - 1, "\xc3\xa9", 2);
    struct buf out = buf_make(4096);
    otlp_status_render(&out, OTLP_PROTOBUF, OTLP_UNKNOWN_PATH, slice_make(text, sizeof text), 0);
    Google__Rpc__Status *s = unpack(&out);
    ck_assert_uint_eq(strlen(s->message), OTLP_STATUS_MESSAGE_BYTES - 1);
    google__rpc__status__free_unpacked(s, NULL);
    buf_free(&out);
}
END_TEST

START_TEST(answers_are_appended_behind_what_is_there)
{
    struct buf out = buf_make(4096);
    buf_text(&out, "head");
    otlp_status_render(&out, OTLP_PROTOBUF, OTLP_INTERNAL, slice_of("m"), 0);
    static const uint8_t want[] = {'h', 'e', 'a', 'd', 0x08, 13, 0x12, 1, 'm'};
    ck_assert(slice_eq(buf_slice(&out), slice_make(want, sizeof want)));
    buf_free(&out);
}
END_TEST

START_TEST(a_buffer_without_room_is_the_callers_to_see)
{
    struct buf out = buf_make(3);
    otlp_status_render(&out, OTLP_PROTOBUF, OTLP_INTERNAL, slice_of("m"), 0);
    ck_assert(!buf_ok(&out));
    buf_free(&out);
}
END_TEST

START_TEST(full_success_leaves_partial_success_unset)
{
    struct buf out = buf_make(4096);
    otlp_response_success(&out, OTLP_PROTOBUF);
    ck_assert_uint_eq(out.len, 0);
    otlp_response_partial(&out, OTLP_PROTOBUF, OTLP_LOGS, 0, slice_of(""));
    ck_assert_uint_eq(out.len, 0);
    otlp_response_success(&out, OTLP_JSON);
    ck_assert(slice_is(buf_slice(&out), "{}"));
    buf_free(&out);
}
END_TEST

START_TEST(partial_success_in_protobuf_has_count_and_message)
{
    static const struct {
        uint64_t rejected;
        const char *message;
        uint8_t bytes[12];
        size_t len;
        const char *why;
    } cases[] = {
        {300, "no", {0x0a, 7, 0x08, 0xac, 0x02, 0x12, 2, 'n', 'o'}, 9, "both"},
        {0, "no", {0x0a, 4, 0x12, 2, 'n', 'o'}, 6, "a warning: zero is left out"},
        {1, "", {0x0a, 2, 0x08, 1}, 4, "a count alone"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf out = buf_make(4096);
        otlp_response_partial(&out, OTLP_PROTOBUF, OTLP_TRACES, cases[i].rejected,
                              slice_of(cases[i].message));
        ck_assert_msg(slice_eq(buf_slice(&out), slice_make(cases[i].bytes, cases[i].len)), "%s",
                      cases[i].why);
        buf_free(&out);
    }
}
END_TEST

START_TEST(partial_success_in_json_names_the_records_of_the_signal)
{
    static const struct {
        enum otlp_signal signal;
        uint64_t rejected;
        const char *message, *json;
    } cases[] = {
        {OTLP_LOGS, 3, "no",
         "{\"partialSuccess\":{\"rejectedLogRecords\":\"3\",\"errorMessage\":\"no\"}}"},
        {OTLP_METRICS, 1, "", "{\"partialSuccess\":{\"rejectedDataPoints\":\"1\"}}"},
        {OTLP_TRACES, 2, "", "{\"partialSuccess\":{\"rejectedSpans\":\"2\"}}"},
        {OTLP_TRACES, 0, "w", "{\"partialSuccess\":{\"errorMessage\":\"w\"}}"},
        {OTLP_TRACES, 0, "", "{}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf out = buf_make(4096);
        otlp_response_partial(&out, OTLP_JSON, cases[i].signal, cases[i].rejected,
                              slice_of(cases[i].message));
        ck_assert_msg(slice_is(buf_slice(&out), cases[i].json), "%.*s", (int)out.len,
                      (const char *)out.data);
        buf_free(&out);
    }
}
END_TEST

START_TEST(answers_have_the_content_type_of_their_codec)
{
    ck_assert_str_eq(otlp_codec_content_type(OTLP_PROTOBUF), "application/x-protobuf");
    ck_assert_str_eq(otlp_codec_content_type(OTLP_JSON), "application/json");
}
END_TEST

SUITE_MAIN("otlp_status", every_cause_has_its_numbers, an_unknown_cause_is_internal,
           waits_are_held_to_what_clients_honour,
           a_final_refusal_in_protobuf_has_code_and_message_only,
           a_temporary_refusal_in_protobuf_carries_retry_info,
           refusals_in_json_are_what_proto3_json_has, bytes_of_the_peer_become_a_valid_string,
           long_messages_are_cut_between_characters, answers_are_appended_behind_what_is_there,
           a_buffer_without_room_is_the_callers_to_see, full_success_leaves_partial_success_unset,
           partial_success_in_protobuf_has_count_and_message,
           partial_success_in_json_names_the_records_of_the_signal,
           answers_have_the_content_type_of_their_codec)
