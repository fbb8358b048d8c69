// SPDX-License-Identifier: Apache-2.0
#include "shared/config/pairs.h"

static bool is_alphanumeric(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool pairs_is_name(struct slice name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!is_alphanumeric(name.data[i]) && name.data[i] != '_' && name.data[i] != '.')
            return false;
    return name.len > 0 && name.len <= PAIRS_NAME_BYTES_MAX;
}

bool pairs_is_value(struct slice value)
{
    for (size_t i = 0; i < value.len; i++)
        if (value.data[i] < 0x20 || value.data[i] == 0x7f)
            return false;
    return true;
}

void pairs_add(struct buf *pairs, struct slice name, struct slice value)
{
    if (pairs->len)
        buf_byte(pairs, '&');
    buf_slice_append(pairs, name);
    buf_byte(pairs, '=');
    for (size_t i = 0; i < value.len; i++) {
        uint8_t c = value.data[i];
        if (is_alphanumeric(c) || c == '-' || c == '.' || c == '_' || c == '~')
            buf_byte(pairs, c);
        else
            buf_printf(pairs, "%%%02X", c);
    }
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int decode(struct slice text, struct buf *value)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] != '%') {
            buf_byte(value, text.data[i]);
            continue;
        }
        int high = text.len - i > 2 ? hex_digit(text.data[i + 1]) : -1;
        int low = text.len - i > 2 ? hex_digit(text.data[i + 2]) : -1;
        if (high < 0 || low < 0)
            return GW_ERR_MALFORMED;
        buf_byte(value, (uint8_t)(high << 4 | low));
        i += 2;
    }
    return buf_ok(value) ? 0 : GW_ERR_NOMEM;
}

/* The bytes of `text` before its first `c`; all of them where there is none. */
static size_t length_before(struct slice text, char c)
{
    const uint8_t *at = text.len ? memchr(text.data, c, text.len) : NULL;
    return at ? (size_t)(at - text.data) : text.len;
}

int pairs_next(struct slice *rest, struct slice *name, struct buf *value)
{
    if (rest->len == 0)
        return 0;
    struct slice pair = slice_make(rest->data, length_before(*rest, '&'));
    size_t taken = pair.len < rest->len ? pair.len + 1 : pair.len;
    size_t equals = length_before(pair, '=');
    if (equals == pair.len || (taken > pair.len && taken == rest->len))
        return GW_ERR_MALFORMED;
    *rest = slice_make(rest->data + taken, rest->len - taken);
    *name = slice_make(pair.data, equals);
    buf_clear(value);
    int rc = decode(slice_make(pair.data + equals + 1, pair.len - equals - 1), value);
    return rc < 0 ? rc : 1;
}

bool pairs_has(struct slice text, struct slice wanted)
{
    struct slice name;
    struct buf value = buf_make(text.len + 1);
    bool found = false;
    while (!found && pairs_next(&text, &name, &value) > 0)
        found = slice_eq(name, wanted);
    buf_free(&value);
    return found;
}

int pairs_canonical(struct slice text, struct buf *out)
{
    struct slice rest = text, name;
    struct buf value = buf_make(text.len + 1);
    struct buf pairs = buf_make(3 * text.len + 1);
    int rc;
    while ((rc = pairs_next(&rest, &name, &value)) > 0) {
        if (!pairs_is_name(name) || !pairs_is_value(buf_slice(&value)) ||
            pairs_has(buf_slice(&pairs), name)) {
            rc = GW_ERR_MALFORMED;
            break;
        }
        pairs_add(&pairs, name, buf_slice(&value));
    }
    if (rc == 0 && !buf_ok(&pairs))
        rc = GW_ERR_NOMEM;
    if (rc == 0)
        buf_slice_append(out, buf_slice(&pairs));
    buf_free(&pairs);
    buf_free(&value);
    return rc;
}
