// SPDX-License-Identifier: Apache-2.0
/* JSON of any bytes that pass the walk, which must be one line of valid UTF-8 with balanced
 * brackets; and of any other bytes, which must do no harm. The first byte chooses the signal. */
#include <stdint.h>
#include <stdlib.h>

#include "shared/base/utf8.h"
#include "shared/otlp/json_out.h"
#include "shared/otlp/walk.h"

#define JSON_MAX_BYTES (64u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Looks at the structure only: strings closed, brackets closed, no control characters. */
static bool is_one_line_of_json(struct slice json)
{
    long open = 0;
    bool in_string = false;
    for (size_t i = 0; i < json.len; i++) {
        uint8_t c = json.data[i];
        if (c < 0x20)
            return false;
        if (in_string) {
            i += c == '\\';
            in_string = c != '"';
        } else {
            in_string = c == '"';
            open += (c == '{' || c == '[') - (c == '}' || c == ']');
        }
    }
    return open == 0 && !in_string && json.len > 0 && utf8_valid_prefix(json) == json.len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    enum otlp_signal signal = (enum otlp_signal)(data[0] % OTLP_SIGNALS + 1);
    struct slice request = slice_make(data + 1, size - 1);
    struct otlp_walk_result result;
    struct buf json = buf_make(JSON_MAX_BYTES);
    int walked = otlp_walk(signal, request, NULL, &result);
    int written = otlp_json_out(signal, request, &json);
    if (walked == GW_OK && written == GW_OK && !is_one_line_of_json(buf_slice(&json)))
        abort();
    if (walked == GW_OK && written != GW_OK && written != GW_ERR_NOMEM)
        abort();
    buf_free(&json);
    return 0;
}
