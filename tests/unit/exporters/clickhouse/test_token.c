// SPDX-License-Identifier: Apache-2.0
/* Tokens are for ever: what is expected here must never be changed. */
#include "exporters/clickhouse/token.h"
#include "tests/support/suite.h"

static const uint8_t store[16] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 1, 2, 3, 4, 5, 6, 7, 8};

static Masques__Bus__DeliveryId id_of(Masques__Bus__Signal signal)
{
    Masques__Bus__DeliveryId id = MASQUES__BUS__DELIVERY_ID__INIT;
    id.store.data = (uint8_t *)(uintptr_t)store;
    id.store.len = sizeof store;
    id.generation = 3;
    id.exporter = (char *)(uintptr_t)"clickhouse/a b";
    id.signal = signal;
    id.first = 17;
    id.last = UINT64_MAX;
    return id;
}

static void check(const Masques__Bus__DeliveryId *id, struct token_range range, const char *expected)
{
    struct buf out = buf_make(4096);
    token_write(id, "otel", "otel_logs", &range, &out);
    buf_byte(&out, '\0');
    ck_assert_str_eq((const char *)out.data, expected);
    buf_free(&out);
}

START_TEST(tokens_are_these)
{
    Masques__Bus__DeliveryId id = id_of(MASQUES__BUS__SIGNAL__LOGS);
    check(&id, (struct token_range){.day = 20780, .first = 0, .last = 8191, .plan_version = 1},
          "0123456789abcdef0102030405060708/3/logs/17-18446744073709551615/clickhouse/a b/otel.otel_logs/20780/0-8191/1");
    check(&id, (struct token_range){.day = 20780, .first = 0, .last = 8191, .position = 4096, .span = 128, .plan_version = 1},
          "0123456789abcdef0102030405060708/3/logs/17-18446744073709551615/clickhouse/a b/otel.otel_logs/20780/0-8191:4096+128/1");
    id = id_of(MASQUES__BUS__SIGNAL__METRICS);
    check(&id, (struct token_range){.plan_version = 2},
          "0123456789abcdef0102030405060708/3/metrics/17-18446744073709551615/clickhouse/a b/otel.otel_logs/0/0-0/2");
}
END_TEST

SUITE_MAIN("token", tokens_are_these)
