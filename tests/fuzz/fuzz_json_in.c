// SPDX-License-Identifier: Apache-2.0
/* Any bytes as OTLP/JSON. The first byte chooses the signal and the limits. What is taken must pass
 * the walk with the same number of records, and come back the same when it is written as JSON and
 * read again; what is refused must say where and why. */
#include <stdint.h>
#include <stdlib.h>

#include "shared/otlp/json_in.h"
#include "shared/otlp/json_out.h"
#include "shared/otlp/walk.h"

#define OUT_MAX_BYTES (64u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool right)
{
    if (!right)
        abort();
}

static void check_refused(int err, const struct otlp_json_result *result, const struct buf *out,
                          size_t size)
{
    struct buf words = buf_make(OUT_MAX_BYTES);
    otlp_json_explain(result, &words);
    require(words.len > 0 && result->at.why && result->at.offset <= size && out->len == 0);
    require((err == GW_ERR_MALFORMED) == (result->fault == OTLP_JSON_FAULT_SYNTAX));
    require(err == GW_ERR_MALFORMED || err == GW_ERR_TOO_LARGE);
    buf_free(&words);
}

static void check_taken(enum otlp_signal signal, struct slice request, uint64_t records)
{
    struct otlp_walk_result walked;
    struct otlp_json_result result;
    struct buf json = buf_make(OUT_MAX_BYTES);
    struct buf again = buf_make(OUT_MAX_BYTES);
    struct buf json_again = buf_make(OUT_MAX_BYTES);
    require(otlp_walk(signal, request, NULL, &walked) == GW_OK && walked.records == records);
    require(otlp_json_out(signal, request, &json) == GW_OK);
    require(otlp_json_in(signal, buf_slice(&json), NULL, &again, &result) == GW_OK);
    require(result.mended == 0 && result.records == records);
    require(otlp_json_out(signal, buf_slice(&again), &json_again) == GW_OK);
    require(slice_eq(buf_slice(&json), buf_slice(&json_again)));
    buf_free(&json);
    buf_free(&again);
    buf_free(&json_again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    enum otlp_signal signal = (enum otlp_signal)(data[0] % OTLP_SIGNALS + 1);
    struct otlp_json_limits limits = {
        .max_depth = data[0] & 0x80 ? 8 : 0,
        .max_records = data[0] & 0x40 ? 4 : 0,
        .max_out_bytes = data[0] & 0x20 ? 0 : 256,
    };
    struct otlp_json_result result;
    struct buf out = buf_make(OUT_MAX_BYTES);
    struct slice text = slice_make(data + 1, size - 1);
    int err = otlp_json_in(signal, text, &limits, &out, &result);
    require((result.mended > 0) == (result.first_mended.why != NULL));
    if (err != GW_OK)
        check_refused(err, &result, &out, text.len);
    else
        check_taken(signal, buf_slice(&out), result.records);
    buf_free(&out);
    return 0;
}
