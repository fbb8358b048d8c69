// SPDX-License-Identifier: Apache-2.0
/* What masquesctl reads from the health endpoint: an answer of HTTP, whose length does not depend on what follows, and
 * the JSON in it (or, where it is no answer, the bytes themselves) as a table. */
#include <stdlib.h>
#include <string.h>

#include "ctl/health_view.h"
#include "ctl/http_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int right)
{
    if (!right)
        abort();
}

/* The whole answer, and nothing less, is one. */
static void check_length(const uint8_t *data, size_t used, const struct http_answer *answer)
{
    struct http_answer again;
    require(http_answer_parse(slice_make(data, used), &again) == (int64_t)used);
    require(again.status == answer->status && again.body.len == answer->body.len);
    require(http_answer_parse(slice_make(data, used - 1), &again) == GW_ERR_INCOMPLETE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_answer answer;
    struct slice json = slice_make(data, size);
    int64_t used = http_answer_parse(json, &answer);
    if (used >= 0) {
        require((size_t)used <= size && answer.body.len <= (size_t)used);
        require(answer.body.data + answer.body.len == data + used);
        check_length(data, (size_t)used, &answer);
        json = answer.body;
    }
    struct buf text = buf_make(1u << 24);
    if (health_view(json, &text) == GW_OK) /* nothing but text reaches the terminal */
        for (size_t i = 0; i < text.len; i++)
            require(text.data[i] >= ' ' || text.data[i] == '\n');
    buf_free(&text);
    return 0;
}
