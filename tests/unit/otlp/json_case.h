// SPDX-License-Identifier: Apache-2.0
/* Reading JSON in tests. */
#ifndef MASQUES_TESTS_OTLP_JSON_CASE_H
#define MASQUES_TESTS_OTLP_JSON_CASE_H

#include "shared/otlp/json_in.h"
#include "shared/otlp/json_out.h"
#include "shared/otlp/walk.h"
#include "tests/support/suite.h"
#include "tests/unit/otlp/message.h"

#define JSON_MAX_BYTES (64u << 20)

/* Around log records, as they are read and as they are written. */
#define LOGS_IN "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":["
#define LOGS_OUT "{\"resourceLogs\":[{\"resource\":{},\"scopeLogs\":[{\"scope\":{},\"logRecords\":["
#define END "]}]}]}"

/* Reads from a block that is exactly as long as the text, for sanitizers. */
static inline int read_text(enum otlp_signal signal, struct slice text, struct buf *out,
                            struct otlp_json_result *result)
{
    uint8_t *copy = exact_copy(text);
    int err = otlp_json_in(signal, slice_make(copy, text.len), NULL, out, result);
    free(copy);
    return err;
}

/* Reads `text` into `out`, which the walk must accept, and writes it to `json`. */
static inline void read_good(enum otlp_signal signal, struct slice text, struct buf *out,
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

#endif
