// SPDX-License-Identifier: Apache-2.0
#include "ctl/json.h"

#include "shared/base/json_text.h"

void json_member(struct buf *out, const char *key)
{
    if (out->len && out->data[out->len - 1] != '{')
        buf_byte(out, ',');
    json_text_string(out, slice_of(key));
    buf_byte(out, ':');
}

void json_text(struct buf *out, const char *key, const char *text)
{
    json_member(out, key);
    json_text_string(out, slice_of(text));
}

void json_number(struct buf *out, const char *key, uint64_t value)
{
    json_member(out, key);
    buf_u64(out, value);
}

void json_item(struct buf *out)
{
    if (out->len && out->data[out->len - 1] != '[')
        buf_byte(out, ',');
}
