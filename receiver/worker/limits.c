// SPDX-License-Identifier: Apache-2.0
#include "receiver/worker/limits.h"

#include "receiver/worker/inflate.h"
#include "shared/base/clock.h"

#define BODY_BYTES (64ull << 20)
#define LEDGER_BYTES (256ull << 20)

static uint64_t or_default(uint64_t value, uint64_t fallback)
{
    return value ? value : fallback;
}

static uint32_t or_default32(uint32_t value, uint32_t fallback)
{
    return value ? value : fallback;
}

void limits_from_settings(struct limits *l, const Masques__Control__WorkerSettings *s)
{
    *l = (struct limits){
        .grpc_max_bytes = or_default(s->grpc_max_bytes, BODY_BYTES),
        .http_max_bytes = or_default(s->http_max_bytes, BODY_BYTES),
        .ledger_bytes = or_default(s->ledger_bytes, LEDGER_BYTES),
        .max_connections = or_default32(s->max_connections, 4096),
        .connections_per_address = or_default32(s->connections_per_address, 256),
        .max_streams = or_default32(s->max_streams, 100),
        .max_headers_bytes = or_default32(s->max_headers_bytes, 8192),
        .headers_timeout_ms = or_default32(s->headers_timeout_ms, 10000),
        .body_timeout_ms = or_default32(s->body_timeout_ms, 30000),
        .body_bytes_per_s = or_default32(s->body_bytes_per_s, 64 << 10),
        .idle_timeout_ms = or_default32(s->idle_timeout_ms, 300000),
        .write_timeout_ms = or_default32(s->write_timeout_ms, 30000),
        .max_depth = s->max_depth,
        .max_records = s->max_records,
        .inflate_ratio = or_default32(s->inflate_ratio, INFLATE_RATIO),
        .discard_bytes = or_default32(s->discard_bytes, 1 << 20),
        .discard_ms = or_default32(s->discard_timeout_ms, 2000),
    };
    if (l->grpc_max_bytes > UINT32_MAX)
        l->grpc_max_bytes = UINT32_MAX;
    uint64_t largest =
        l->grpc_max_bytes > l->http_max_bytes ? l->grpc_max_bytes : l->http_max_bytes;
    if (l->ledger_bytes < 2 * largest)
        l->ledger_bytes = 2 * largest;
}

uint64_t limits_body_deadline_ms(const struct limits *l, uint64_t began_ms, uint64_t bytes)
{
    return began_ms + l->body_timeout_ms + bytes * CLOCK_MS_PER_S / l->body_bytes_per_s;
}
