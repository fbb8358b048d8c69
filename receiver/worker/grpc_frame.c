// SPDX-License-Identifier: Apache-2.0
#include "receiver/worker/grpc_frame.h"

#define FLAG_COMPRESSED 1u

void grpc_frame_init(struct grpc_frame *f, uint32_t max_bytes, bool coded)
{
    *f = (struct grpc_frame){.max_bytes = max_bytes, .coded = coded};
}

static int fail(struct grpc_frame *f, enum otlp_cause cause, const char *why)
{
    f->cause = cause;
    f->why = why;
    return cause == OTLP_TOO_LARGE_WIRE ? GW_ERR_TOO_LARGE : GW_ERR_MALFORMED;
}

static int on_prefix(struct grpc_frame *f)
{
    const uint8_t *p = f->prefix;
    f->length = (uint32_t)p[1] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 8 | p[4];
    f->compressed = p[0] == FLAG_COMPRESSED;
    if (p[0] > FLAG_COMPRESSED)
        return fail(f, OTLP_BAD_GRPC_FRAME, "the message's flag byte is neither 0 nor 1");
    if (f->compressed && !f->coded)
        return fail(f, OTLP_BAD_GRPC_FRAME,
                    "the message is flagged as compressed, but grpc-encoding names no coding");
    if (f->length > f->max_bytes)
        return fail(f, OTLP_TOO_LARGE_WIRE, "grpc: received message larger than max");
    return GW_OK;
}

static size_t take_prefix(struct grpc_frame *f, struct slice in)
{
    size_t n = 0;
    while (n < in.len && f->have < GRPC_PREFIX_BYTES)
        f->prefix[f->have++] = in.data[n++];
    return n;
}

static size_t take_message(struct grpc_frame *f, struct slice in)
{
    size_t left = f->length - f->got;
    size_t n = in.len < left ? in.len : left;
    if (n)
        memcpy(f->room + f->got, in.data, n);
    f->got += (uint32_t)n;
    return n;
}

int64_t grpc_frame_feed(struct grpc_frame *f, struct slice in)
{
    size_t used = 0;
    if (f->cause)
        return fail(f, f->cause, f->why);
    if (!grpc_frame_begun(f)) {
        used = take_prefix(f, in);
        int err = grpc_frame_begun(f) ? on_prefix(f) : GW_OK;
        if (err)
            return err;
    }
    if (!grpc_frame_begun(f) || grpc_frame_wants_room(f))
        return (int64_t)used;
    used += take_message(f, slice_make(in.data + used, in.len - used));
    if (used < in.len)
        return fail(f, OTLP_NOT_UNARY, "a unary call has one message; more bytes follow it");
    return (int64_t)used;
}

void grpc_frame_give_room(struct grpc_frame *f, uint8_t *room)
{
    f->room = room;
}

int grpc_frame_end(struct grpc_frame *f)
{
    if (f->cause)
        return fail(f, f->cause, f->why);
    if (f->have == 0)
        return fail(f, OTLP_NOT_UNARY, "a unary call has one message; none came");
    if (!grpc_frame_begun(f) || f->got < f->length)
        return fail(f, OTLP_BAD_GRPC_FRAME, "the stream ends inside its message");
    return GW_OK;
}

void grpc_frame_explain(const struct grpc_frame *f, struct buf *out)
{
    buf_text(out, f->why ? f->why : "");
    if (f->cause == OTLP_TOO_LARGE_WIRE)
        buf_printf(out, " (%u vs. %u)", (unsigned)f->length, (unsigned)f->max_bytes);
}

void grpc_frame_prefix(uint8_t out[GRPC_PREFIX_BYTES], uint32_t length)
{
    out[0] = 0;
    out[1] = (uint8_t)(length >> 24);
    out[2] = (uint8_t)(length >> 16);
    out[3] = (uint8_t)(length >> 8);
    out[4] = (uint8_t)length;
}

/* How long one unit is: `times` ms, or a `parts`-th of a ms. */
static const struct unit {
    char name;
    uint32_t times;
    uint32_t parts;
} units[] = {
    {'H', 3600000, 1}, {'M', 60000, 1}, {'S', 1000, 1},
    {'m', 1, 1},       {'u', 1, 1000},  {'n', 1, 1000000},
};

int grpc_timeout_parse(struct slice text, uint64_t *ms)
{
    if (text.len < 2 || text.len > 9)
        return GW_ERR_MALFORMED;
    uint64_t value = 0;
    for (size_t i = 0; i < text.len - 1; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return GW_ERR_MALFORMED;
        value = value * 10 + (uint64_t)(text.data[i] - '0');
    }
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (units[i].name != (char)text.data[text.len - 1])
            continue;
        *ms = (value * units[i].times + units[i].parts - 1) / units[i].parts;
        return GW_OK;
    }
    return GW_ERR_MALFORMED;
}

void grpc_message_encode(struct buf *out, struct slice text)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (c >= 0x20 && c <= 0x7e && c != '%') {
            buf_byte(out, c);
        } else {
            const char escaped[3] = {'%', digits[c >> 4], digits[c & 15]};
            buf_append(out, escaped, sizeof escaped);
        }
    }
}

void grpc_details_encode(struct buf *out, struct slice status)
{
    buf_base64(out, status, false);
}
