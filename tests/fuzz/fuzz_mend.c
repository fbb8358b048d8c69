// SPDX-License-Identifier: Apache-2.0
/* Any bytes mended. The first byte chooses the signal and the limits, the rest is the request.
 * What is not refused must pass the walk with the records that were promised, no longer than
 * before and in no need of more mending; sound requests stay as they are; and no record vanishes
 * uncounted. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "shared/otlp/mend.h"
#include "shared/otlp/wire.h"

#define TEXT_MAX_BYTES (1u << 20)
#define LISTS 3u /* of resources, scopes and records: fields 1, 2 and 2 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool right)
{
    if (!right)
        abort();
}

/* Log records or spans, told by their frames alone. The insides of all but the records must be
 * readable. */
static uint64_t frames(struct slice request)
{
    struct wire lists[LISTS] = {wire_of(request)};
    struct wire_field f;
    uint64_t records = 0;
    for (uint32_t level = 0;;) {
        int got = wire_next(&lists[level], &f);
        require(got >= 0);
        if (got == 0) {
            if (level-- == 0)
                return records;
        } else if (f.number == (level == 0 ? 1 : 2) && f.type == WIRE_BYTES) {
            if (level + 1 == LISTS)
                records++;
            else
                lists[++level] = wire_of(f.bytes);
        }
    }
}

/* A copy in a block of its own, so that every byte read or written outside is seen. */
static uint8_t *copy_of(struct slice bytes)
{
    uint8_t *copy = malloc(bytes.len ? bytes.len : 1);
    require(copy != NULL);
    if (bytes.len)
        memcpy(copy, bytes.data, bytes.len);
    return copy;
}

static void check_words(const struct otlp_mend_result *result, bool expected)
{
    struct buf text = buf_make(TEXT_MAX_BYTES);
    otlp_mend_explain(result, &text);
    require(buf_ok(&text) && (text.len > 0) == expected);
    buf_free(&text);
}

static void check_mended(enum otlp_signal signal, struct slice request, uint8_t *bytes, size_t len,
                         const struct otlp_limits *limits, const struct otlp_mend_result *result)
{
    struct otlp_walk_result walk;
    struct otlp_mend_result again;
    require(len <= request.len);
    require(otlp_walk(signal, slice_make(bytes, len), limits, &walk) == GW_OK);
    require(walk.records == result->records);
    if (signal != OTLP_METRICS)
        require(frames(request) == result->records + result->rejected);
    uint8_t *copy = copy_of(slice_make(bytes, len));
    size_t left = len;
    require(otlp_mend(signal, bytes, &left, limits, &again) == GW_OK);
    require(left == len && (len == 0 || memcmp(copy, bytes, len) == 0));
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    enum otlp_signal signal = (enum otlp_signal)(data[0] % OTLP_SIGNALS + 1);
    struct otlp_limits limits = {
        .max_depth = data[0] & 0x80 ? 8 : 0,
        .max_records = data[0] & 0x40 ? 4 : 0,
    };
    struct slice request = slice_make(data + 1, size - 1);
    struct otlp_walk_result walk;
    struct otlp_mend_result result;
    bool sound = otlp_walk(signal, request, &limits, &walk) == GW_OK;
    uint8_t *bytes = copy_of(request);
    size_t len = request.len;
    int err = otlp_mend(signal, bytes, &len, &limits, &result);
    check_words(&result, !sound);
    if (err == GW_OK) {
        if (sound)
            require(len == request.len && (len == 0 || memcmp(bytes, request.data, len) == 0));
        check_mended(signal, request, bytes, len, &limits, &result);
    } else {
        require(!sound && len == request.len && result.refusal.offset <= len);
    }
    free(bytes);
    return 0;
}
