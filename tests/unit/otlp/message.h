// SPDX-License-Identifier: Apache-2.0
/* Building protobuf messages by hand, inside out, and loading captured requests: for the tests
 * of this room. */
#ifndef MASQUES_TESTS_OTLP_MESSAGE_H
#define MASQUES_TESTS_OTLP_MESSAGE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/buf.h"
#include "shared/otlp/signal.h"
#include "shared/otlp/wire.h"

#define MESSAGE_MAX_BYTES (16u << 20)

static inline struct buf message(void)
{
    return buf_make(MESSAGE_MAX_BYTES);
}

static inline void put_varint(struct buf *m, uint64_t value)
{
    for (; value > 0x7f; value >>= 7)
        buf_byte(m, (uint8_t)(value | 0x80));
    buf_byte(m, (uint8_t)value);
}

static inline void put_number(struct buf *m, uint32_t number, uint64_t value)
{
    put_varint(m, (uint64_t)number << 3 | WIRE_VARINT);
    put_varint(m, value);
}

static inline void put_fixed64(struct buf *m, uint32_t number, uint64_t value)
{
    put_varint(m, (uint64_t)number << 3 | WIRE_FIXED64);
    for (int i = 0; i < 8; i++)
        buf_byte(m, (uint8_t)(value >> 8 * i));
}

static inline void put_fixed32(struct buf *m, uint32_t number, uint32_t value)
{
    put_varint(m, (uint64_t)number << 3 | WIRE_FIXED32);
    for (int i = 0; i < 4; i++)
        buf_byte(m, (uint8_t)(value >> 8 * i));
}

static inline void put_double(struct buf *m, uint32_t number, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_fixed64(m, number, bits);
}

static inline void put_slice(struct buf *m, uint32_t number, struct slice bytes)
{
    put_varint(m, (uint64_t)number << 3 | WIRE_BYTES);
    put_varint(m, bytes.len);
    buf_slice_append(m, bytes);
}

static inline void put_text(struct buf *m, uint32_t number, const char *text)
{
    put_slice(m, number, slice_of(text));
}

/* The bytes of a literal, zeros and all, in field `number`. */
#define PUT_RAW(m, number, literal)                                                            \
    put_slice((m), (number), slice_make(literal, sizeof(literal) - 1))

/* Puts `child` into `m` and frees it. */
static inline void put_child(struct buf *m, uint32_t number, struct buf *child)
{
    put_slice(m, number, buf_slice(child));
    buf_free(child);
}

/* KeyValue{key, string_value} in field `number` of `m`. */
static inline void put_attribute(struct buf *m, uint32_t number, const char *key, const char *text)
{
    struct buf any = message();
    struct buf attribute = message();
    put_text(&any, 1, text);
    put_text(&attribute, 1, key);
    put_child(&attribute, 2, &any);
    put_child(m, number, &attribute);
}

static inline void put_int_attribute(struct buf *m, uint32_t number, const char *key, int64_t value)
{
    struct buf any = message();
    struct buf attribute = message();
    put_number(&any, 3, (uint64_t)value);
    put_text(&attribute, 1, key);
    put_child(&attribute, 2, &any);
    put_child(m, number, &attribute);
}

/* Makes of `record` a request of one resource and scope, with the record in field 2 of the
 * scope; frees it. Good for logs and traces. */
static inline struct buf request_of(struct buf *record)
{
    struct buf scope = message();
    struct buf resource = message();
    struct buf request = message();
    put_child(&scope, 2, record);
    put_child(&resource, 2, &scope);
    put_child(&request, 1, &resource);
    return request;
}

/* A metrics request with the metric body given; frees it. */
static inline struct buf metrics_request_of(struct buf *metric)
{
    return request_of(metric);
}

/* A copy in a block of exactly its size, so that sanitizers see every byte read outside. */
static inline uint8_t *exact_copy(struct slice bytes)
{
    uint8_t *copy = malloc(bytes.len ? bytes.len : 1);
    if (copy && bytes.len)
        memcpy(copy, bytes.data, bytes.len);
    return copy;
}

struct fixture {
    const char *name; /* of the file, without .bin */
    enum otlp_signal signal;
    uint64_t records; /* as Google's protobuf for Python counts them */
};

static const struct fixture fixtures[] = {
    {"claude-code-2.1.197.tool.logs.grpc.001", OTLP_LOGS, 7},
    {"claude-code-2.1.197.tool.logs.http-protobuf.001", OTLP_LOGS, 7},
    {"claude-code-2.1.197.tool.metrics.grpc.001", OTLP_METRICS, 7},
    {"claude-code-2.1.197.tool.metrics.http-protobuf.001", OTLP_METRICS, 7},
    {"claude-code-2.1.197.tool.traces.grpc.001", OTLP_TRACES, 6},
    {"claude-code-2.1.197.tool.traces.http-protobuf.001", OTLP_TRACES, 6},
    {"claude-code.hello.logs.grpc.001", OTLP_LOGS, 7},
    {"claude-code.hello.logs.http-protobuf.001", OTLP_LOGS, 7},
    {"claude-code.hello.metrics.grpc.001", OTLP_METRICS, 7},
    {"claude-code.hello.metrics.http-protobuf.001", OTLP_METRICS, 7},
    {"claude-code.hello.traces.grpc.001", OTLP_TRACES, 2},
    {"claude-code.hello.traces.http-protobuf.001", OTLP_TRACES, 2},
    {"claude-code.options-grpc.logs.grpc-gzip.001", OTLP_LOGS, 7},
    {"claude-code.options-grpc.metrics.grpc-gzip.001", OTLP_METRICS, 7},
    {"claude-code.options-grpc.traces.grpc-gzip.001", OTLP_TRACES, 2},
    {"claude-code.tool.logs.grpc.001", OTLP_LOGS, 11},
    {"claude-code.tool.logs.http-protobuf.001", OTLP_LOGS, 11},
    {"claude-code.tool.metrics.grpc.001", OTLP_METRICS, 7},
    {"claude-code.tool.metrics.http-protobuf.001", OTLP_METRICS, 7},
    {"claude-code.tool.traces.grpc.001", OTLP_TRACES, 6},
    {"claude-code.tool.traces.http-protobuf.001", OTLP_TRACES, 6},
    {"claude-code.tools3.logs.grpc.001", OTLP_LOGS, 15},
    {"claude-code.tools3.logs.http-protobuf.001", OTLP_LOGS, 15},
    {"claude-code.tools3.metrics.grpc.001", OTLP_METRICS, 10},
    {"claude-code.tools3.metrics.http-protobuf.001", OTLP_METRICS, 10},
    {"claude-code.tools3.traces.grpc.001", OTLP_TRACES, 12},
    {"claude-code.tools3.traces.http-protobuf.001", OTLP_TRACES, 12},
    {"otel-js-delta.metrics.grpc.001", OTLP_METRICS, 16},
    {"otel-js-delta.metrics.grpc.002", OTLP_METRICS, 3},
    {"otel-js-delta.metrics.http-protobuf.001", OTLP_METRICS, 16},
    {"otel-js-delta.metrics.http-protobuf.002", OTLP_METRICS, 3},
    {"otel-js.logs.grpc-gzip.001", OTLP_LOGS, 10},
    {"otel-js.logs.grpc.001", OTLP_LOGS, 10},
    {"otel-js.logs.http-protobuf.001", OTLP_LOGS, 10},
    {"otel-js.metrics.grpc-gzip.001", OTLP_METRICS, 16},
    {"otel-js.metrics.grpc-gzip.002", OTLP_METRICS, 16},
    {"otel-js.metrics.grpc.001", OTLP_METRICS, 16},
    {"otel-js.metrics.grpc.002", OTLP_METRICS, 16},
    {"otel-js.metrics.http-protobuf.001", OTLP_METRICS, 16},
    {"otel-js.metrics.http-protobuf.002", OTLP_METRICS, 16},
    {"otel-js.traces.grpc-gzip.001", OTLP_TRACES, 5},
    {"otel-js.traces.grpc.001", OTLP_TRACES, 5},
    {"otel-js.traces.http-protobuf.001", OTLP_TRACES, 5},
};

#define FIXTURES (sizeof fixtures / sizeof fixtures[0])

/* The bytes of a captured request; empty: it cannot be read. The caller frees. */
static inline struct buf load_fixture(const struct fixture *fixture)
{
    const char *folder = getenv("MASQUES_FIXTURES");
    char path[4096];
    uint8_t piece[4096];
    size_t n;
    struct buf bytes = message();
    snprintf(path, sizeof path, "%s/%s.bin", folder ? folder : "tests/fixtures", fixture->name);
    FILE *file = fopen(path, "rb");
    if (!file)
        return bytes;
    while ((n = fread(piece, 1, sizeof piece, file)) > 0)
        buf_append(&bytes, piece, n);
    fclose(file);
    return bytes;
}

#endif
