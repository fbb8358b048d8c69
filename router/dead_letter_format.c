// SPDX-License-Identifier: Apache-2.0
#include "router/dead_letter_format.h"

#include <stdbool.h>
#include <xxhash.h>

#include "router/store/le.h"

#define CHECKSUM_OFFSET 112u

static const uint8_t magic[8] = {'m', 'a', 's', 'q', '-', 'd', 'e', 'd'};

uint64_t dead_letter_checksum(struct slice payload)
{
    return XXH3_64bits(payload.data, payload.len);
}

static uint64_t header_checksum(const uint8_t *header, size_t len)
{
    uint64_t seed = XXH3_64bits(header, CHECKSUM_OFFSET);
    return XXH3_64bits_withSeed(header + DEAD_LETTER_FIXED_BYTES, len - DEAD_LETTER_FIXED_BYTES,
                                seed);
}

struct slice dead_letter_reason(struct slice reason)
{
    if (reason.len <= DEAD_LETTER_REASON_MAX_BYTES)
        return reason;
    size_t len = DEAD_LETTER_REASON_MAX_BYTES;
    while (len > DEAD_LETTER_REASON_MAX_BYTES - 4 && (reason.data[len] & 0xC0) == 0x80)
        len--;
    return slice_make(reason.data, len);
}

static size_t header_len(size_t name, size_t reason)
{
    size_t len = DEAD_LETTER_FIXED_BYTES + name + reason;
    return (len + DEAD_LETTER_ALIGN - 1) / DEAD_LETTER_ALIGN * DEAD_LETTER_ALIGN;
}

size_t dead_letter_put(const struct dead_letter *l, uint8_t *out)
{
    size_t reason = dead_letter_reason(l->reason).len;
    size_t len = header_len(l->exporter.len, reason);
    memset(out, 0, len);
    memcpy(out, magic, sizeof magic);
    le_put_u16(out + 8, DEAD_LETTER_VERSION);
    le_put_u16(out + 10, DEAD_LETTER_OLDEST_READER);
    le_put_u32(out + 12, (uint32_t)len);
    memcpy(out + 16, l->store, sizeof l->store);
    le_put_u64(out + 32, l->number);
    le_put_u64(out + 40, l->generation);
    le_put_u64(out + 48, l->first);
    le_put_u64(out + 56, l->last);
    le_put_u64(out + 64, l->index);
    le_put_u64(out + 72, l->records);
    le_put_u64(out + 80, l->rejected_ns);
    le_put_u64(out + 88, l->payload_bytes);
    le_put_u64(out + 96, l->payload_checksum);
    out[104] = (uint8_t)l->signal;
    le_put_u16(out + 106, (uint16_t)l->exporter.len);
    le_put_u16(out + 108, (uint16_t)reason);
    memcpy(out + DEAD_LETTER_FIXED_BYTES, l->exporter.data, l->exporter.len);
    if (reason)
        memcpy(out + DEAD_LETTER_FIXED_BYTES + l->exporter.len, l->reason.data, reason);
    le_put_u64(out + CHECKSUM_OFFSET, header_checksum(out, len));
    return len;
}

static bool no_nul(struct slice text)
{
    return text.len == 0 || !memchr(text.data, 0, text.len);
}

/* The lengths fit each other; *len: of the header. */
static int lengths(const uint8_t *at, struct dead_letter *out, size_t *len)
{
    size_t name = le_get_u16(at + 106);
    size_t reason = le_get_u16(at + 108);
    *len = le_get_u32(at + 12);
    if (name == 0 || name > DEAD_LETTER_NAME_MAX_BYTES || reason > DEAD_LETTER_REASON_MAX_BYTES ||
        *len != header_len(name, reason))
        return GW_ERR_MALFORMED;
    out->exporter = slice_make(at + DEAD_LETTER_FIXED_BYTES, name);
    out->reason = slice_make(at + DEAD_LETTER_FIXED_BYTES + name, reason);
    return GW_OK;
}

int dead_letter_get(struct slice bytes, struct dead_letter *out)
{
    const uint8_t *at = bytes.data;
    size_t len;
    *out = (struct dead_letter){0};
    if (bytes.len < DEAD_LETTER_FIXED_BYTES)
        return GW_ERR_INCOMPLETE;
    if (memcmp(at, magic, sizeof magic) != 0)
        return GW_ERR_MALFORMED;
    if (le_get_u16(at + 10) > DEAD_LETTER_VERSION)
        return GW_ERR_UNSUPPORTED;
    if (lengths(at, out, &len) != GW_OK)
        return GW_ERR_MALFORMED;
    if (bytes.len < len)
        return GW_ERR_INCOMPLETE;
    if (header_checksum(at, len) != le_get_u64(at + CHECKSUM_OFFSET))
        return GW_ERR_CORRUPT;
    memcpy(out->store, at + 16, sizeof out->store);
    out->number = le_get_u64(at + 32);
    out->generation = le_get_u64(at + 40);
    out->first = le_get_u64(at + 48);
    out->last = le_get_u64(at + 56);
    out->index = le_get_u64(at + 64);
    out->records = le_get_u64(at + 72);
    out->rejected_ns = le_get_u64(at + 80);
    out->payload_bytes = le_get_u64(at + 88);
    out->payload_checksum = le_get_u64(at + 96);
    out->signal = at[104];
    if (out->signal < 1 || out->signal > 3 || !no_nul(out->exporter) || !no_nul(out->reason))
        return GW_ERR_MALFORMED;
    return (int)len;
}

int dead_letter_get_whole(struct slice file, struct dead_letter *out, struct slice *payload)
{
    int len = dead_letter_get(file, out);
    if (len < 0)
        return len;
    *payload = slice_make(file.data + len, file.len - (size_t)len);
    if (payload->len < out->payload_bytes)
        return GW_ERR_INCOMPLETE;
    if (payload->len > out->payload_bytes)
        return GW_ERR_MALFORMED;
    return dead_letter_checksum(*payload) == out->payload_checksum ? GW_OK : GW_ERR_CORRUPT;
}
