// SPDX-License-Identifier: Apache-2.0
#include "bench/load_body.h"

#include <libdeflate.h>
#include <stdio.h>

#include "shared/otlp/json_out.h"

#define BODY_MAX_BYTES (256u * 1024 * 1024)
#define START_NS 1777629600000000000u /* 2026-05-01T10:00:00Z */
#define GZIP_LEVEL 6

struct dice {
    uint64_t state;
};

/* SplitMix64. */
static uint64_t roll(struct dice *d)
{
    uint64_t z = d->state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint64_t between(struct dice *d, uint64_t low, uint64_t high)
{
    return low + roll(d) % (high - low);
}

/* ---- protobuf --------------------------------------------------------------------------------------------------- */

static void varint(struct buf *out, uint64_t v)
{
    for (; v > 0x7f; v >>= 7)
        buf_byte(out, (uint8_t)(v | 0x80));
    buf_byte(out, (uint8_t)v);
}

static void bytes_field(struct buf *out, unsigned field, struct slice bytes)
{
    varint(out, field << 3 | 2);
    varint(out, bytes.len);
    buf_slice_append(out, bytes);
}

static void fixed64_field(struct buf *out, unsigned field, uint64_t v)
{
    varint(out, field << 3 | 1);
    for (int i = 0; i < 8; i++)
        buf_byte(out, (uint8_t)(v >> (8 * i)));
}

static void attribute(struct buf *out, unsigned field, const char *key, struct slice any_value)
{
    uint8_t room[512];
    struct buf kv = {.data = room, .cap = sizeof room, .max = sizeof room};
    bytes_field(&kv, 1, slice_of(key));
    bytes_field(&kv, 2, any_value);
    bytes_field(out, field, buf_slice(&kv));
}

static void text_attribute(struct buf *out, unsigned field, const char *key, const char *text)
{
    uint8_t room[256];
    struct buf value = {.data = room, .cap = sizeof room, .max = sizeof room};
    bytes_field(&value, 1, slice_of(text));
    attribute(out, field, key, buf_slice(&value));
}

static void int_attribute(struct buf *out, unsigned field, const char *key, uint64_t number)
{
    uint8_t room[16];
    struct buf value = {.data = room, .cap = sizeof room, .max = sizeof room};
    varint(&value, 3 << 3 | 0);
    varint(&value, number);
    attribute(out, field, key, buf_slice(&value));
}

/* ---- the record ------------------------------------------------------------------------------------------------- */

static void uuid(struct dice *d, char text[37])
{
    uint64_t a = roll(d);
    uint64_t b = roll(d);
    snprintf(text, 37, "%08x-%04x-4%03x-a%03x-%012llx", (unsigned)(a >> 32),
             (unsigned)(a >> 16) & 0xffff, (unsigned)a & 0xfff, (unsigned)(b >> 52),
             (unsigned long long)b & 0xffffffffffff);
}

static void record_attributes(struct buf *out, struct dice *d, uint64_t ns)
{
    static const char *const terminals[] = {"vscode", "iTerm.app", "tmux", "xterm-256color"};
    static const char *const models[] = {"claude-sonnet-4-5-20250929", "claude-opus-4-1-20250805",
                                         "claude-haiku-4-5-20251001"};
    char text[80];
    struct dice user = {between(d, 0, 40)};
    struct dice session = {between(d, 0, 60) + 1000};
    struct dice organization = {7};
    uint64_t input = between(d, 3, 9000);
    uint64_t output = between(d, 1, 4000);
    uint64_t ms = ns / 1000000 % 86400000;

    snprintf(text, sizeof text, "%016llx%016llx%016llx%016llx", (unsigned long long)roll(&user),
             (unsigned long long)roll(&user), (unsigned long long)roll(&user),
             (unsigned long long)roll(&user));
    text_attribute(out, 6, "user.id", text);
    uuid(&session, text);
    text_attribute(out, 6, "session.id", text);
    uuid(&organization, text);
    text_attribute(out, 6, "organization.id", text);
    uuid(&user, text);
    text_attribute(out, 6, "user.account_uuid", text);
    snprintf(text, sizeof text, "dev%03u@example.com", (unsigned)(user.state % 40));
    text_attribute(out, 6, "user.email", text);
    text_attribute(out, 6, "terminal.type", terminals[roll(d) % 4]);
    text_attribute(out, 6, "event.name", "api_request");
    snprintf(text, sizeof text, "2026-05-01T%02u:%02u:%02u.%03uZ", (unsigned)(ms / 3600000),
             (unsigned)(ms / 60000 % 60), (unsigned)(ms / 1000 % 60), (unsigned)(ms % 1000));
    text_attribute(out, 6, "event.timestamp", text);
    text_attribute(out, 6, "model", models[roll(d) % 3]);
    int_attribute(out, 6, "input_tokens", input);
    int_attribute(out, 6, "output_tokens", output);
    int_attribute(out, 6, "cache_read_tokens", between(d, 0, 160000));
    int_attribute(out, 6, "cache_creation_tokens", between(d, 0, 20000));
    snprintf(text, sizeof text, "%.6f", (double)input * 3e-6 + (double)output * 15e-6);
    text_attribute(out, 6, "cost_usd", text);
    int_attribute(out, 6, "duration_ms", between(d, 400, 60000));
}

static void log_record(struct buf *out, struct dice *d, unsigned index)
{
    struct buf record = buf_make(4096);
    struct buf body = buf_make(64);
    uint64_t ns = START_NS + index * UINT64_C(37000000) + between(d, 0, 1000000);
    fixed64_field(&record, 1, ns);
    bytes_field(&body, 1, slice_of("claude_code.api_request"));
    bytes_field(&record, 5, buf_slice(&body));
    record_attributes(&record, d, ns);
    fixed64_field(&record, 11, ns + 1000);
    bytes_field(out, 2, buf_slice(&record));
    buf_free(&record);
    buf_free(&body);
}

void load_body_logs(struct buf *out, unsigned records, uint64_t seed)
{
    struct dice d = {seed};
    struct buf resource = buf_make(4096);
    struct buf scope = buf_make(256);
    struct buf scope_logs = buf_make(BODY_MAX_BYTES);
    struct buf resource_logs = buf_make(BODY_MAX_BYTES);

    text_attribute(&resource, 1, "host.arch", "amd64");
    text_attribute(&resource, 1, "os.type", "linux");
    text_attribute(&resource, 1, "os.version", "6.8.0");
    text_attribute(&resource, 1, "service.name", "claude-code");
    text_attribute(&resource, 1, "service.version", "2.0.14");
    bytes_field(&scope, 1, slice_of("com.anthropic.claude_code.events"));
    bytes_field(&scope, 2, slice_of("2.0.14"));
    bytes_field(&scope_logs, 1, buf_slice(&scope));
    for (unsigned i = 0; i < records; i++)
        log_record(&scope_logs, &d, i);
    bytes_field(&resource_logs, 1, buf_slice(&resource));
    bytes_field(&resource_logs, 2, buf_slice(&scope_logs));
    bytes_field(out, 1, buf_slice(&resource_logs));

    buf_free(&resource);
    buf_free(&scope);
    buf_free(&scope_logs);
    buf_free(&resource_logs);
}

bool load_body_json(struct buf *body)
{
    struct buf text = buf_make(BODY_MAX_BYTES);
    bool ok = otlp_json_out(OTLP_LOGS, buf_slice(body), &text) == GW_OK;
    buf_free(body);
    *body = text;
    return ok;
}

bool load_body_gzip(struct buf *out, struct slice body)
{
    struct libdeflate_compressor *c = libdeflate_alloc_compressor(GZIP_LEVEL);
    if (!c)
        return false;
    size_t room = libdeflate_gzip_compress_bound(c, body.len);
    uint8_t *at = buf_reserve(out, room);
    if (at)
        out->len += libdeflate_gzip_compress(c, body.data, body.len, at, room);
    libdeflate_free_compressor(c);
    return at != NULL;
}
