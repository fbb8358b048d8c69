// SPDX-License-Identifier: Apache-2.0
#include "receiver/worker/limits.h"

#include "receiver/worker/rate.h"
#include "tests/support/suite.h"

START_TEST(what_the_settings_leave_out_has_its_default)
{
    Masques__Control__WorkerSettings settings = MASQUES__CONTROL__WORKER_SETTINGS__INIT;
    struct limits limits;
    limits_from_settings(&limits, &settings);
    ck_assert_uint_eq(limits.grpc_max_bytes, 64u << 20);
    ck_assert_uint_eq(limits.http_max_bytes, 64u << 20);
    ck_assert_uint_eq(limits.ledger_bytes, 256u << 20);
    ck_assert_uint_eq(limits.max_connections, 4096);
    ck_assert_uint_eq(limits.connections_per_address, 256);
    ck_assert_uint_eq(limits.max_streams, 100);
    ck_assert_uint_eq(limits.max_headers_bytes, 8192);
    ck_assert_uint_eq(limits.headers_timeout_ms, 10000);
    ck_assert_uint_eq(limits.body_timeout_ms, 30000);
    ck_assert_uint_eq(limits.body_bytes_per_s, 65536);
    ck_assert_uint_eq(limits.idle_timeout_ms, 300000);
    ck_assert_uint_eq(limits.write_timeout_ms, 30000);
    ck_assert_uint_eq(limits.inflate_ratio, 200);
    ck_assert_uint_eq(limits.discard_bytes, 1 << 20);
    ck_assert_uint_eq(limits.discard_ms, 2000);
}
END_TEST

START_TEST(settings_win_over_defaults)
{
    Masques__Control__WorkerSettings settings = MASQUES__CONTROL__WORKER_SETTINGS__INIT;
    struct limits limits;
    settings.http_max_bytes = 1000;
    settings.grpc_max_bytes = 2000;
    settings.ledger_bytes = 9000;
    settings.max_streams = 3;
    settings.max_depth = 7;
    settings.inflate_ratio = 11;
    settings.discard_bytes = 12;
    settings.discard_timeout_ms = 13;
    limits_from_settings(&limits, &settings);
    ck_assert_uint_eq(limits.http_max_bytes, 1000);
    ck_assert_uint_eq(limits.grpc_max_bytes, 2000);
    ck_assert_uint_eq(limits.ledger_bytes, 9000);
    ck_assert_uint_eq(limits.max_streams, 3);
    ck_assert_uint_eq(limits.max_depth, 7);
    ck_assert_uint_eq(limits.inflate_ratio, 11);
    ck_assert_uint_eq(limits.discard_bytes, 12);
    ck_assert_uint_eq(limits.discard_ms, 13);
}
END_TEST

START_TEST(the_ledger_holds_two_of_the_largest_bodies)
{
    Masques__Control__WorkerSettings settings = MASQUES__CONTROL__WORKER_SETTINGS__INIT;
    struct limits limits;
    settings.http_max_bytes = 1000;
    settings.grpc_max_bytes = 5000;
    settings.ledger_bytes = 6000;
    limits_from_settings(&limits, &settings);
    ck_assert_uint_eq(limits.ledger_bytes, 10000);
}
END_TEST

START_TEST(a_grpc_message_is_never_longer_than_its_prefix_can_say)
{
    Masques__Control__WorkerSettings settings = MASQUES__CONTROL__WORKER_SETTINGS__INIT;
    struct limits limits;
    settings.grpc_max_bytes = 1ull << 40;
    limits_from_settings(&limits, &settings);
    ck_assert_uint_eq(limits.grpc_max_bytes, UINT32_MAX);
}
END_TEST

START_TEST(a_larger_body_has_more_time)
{
    struct limits limits = {.body_timeout_ms = 30000, .body_bytes_per_s = 65536};
    ck_assert_uint_eq(limits_body_deadline_ms(&limits, 500, 0), 30500);
    ck_assert_uint_eq(limits_body_deadline_ms(&limits, 500, 65536), 31500);
    ck_assert_uint_eq(limits_body_deadline_ms(&limits, 500, 64u << 20), 500 + 30000 + 1024000);
}
END_TEST

START_TEST(a_bucket_gives_its_burst_and_then_its_rate)
{
    struct rate rate = rate_make(3, 10, 1000);
    for (int i = 0; i < 3; i++)
        ck_assert(rate_take(&rate, 1000));
    ck_assert(!rate_take(&rate, 1000));
    ck_assert(!rate_take(&rate, 1099));
    ck_assert(rate_take(&rate, 1100)); /* ten a second */
    ck_assert(!rate_take(&rate, 1100));
    for (int i = 0; i < 3; i++) /* never more than the burst comes back */
        ck_assert(rate_take(&rate, 1000000));
    ck_assert(!rate_take(&rate, 1000000));
}
END_TEST

SUITE_MAIN("receiver/worker/limits", what_the_settings_leave_out_has_its_default,
           settings_win_over_defaults, the_ledger_holds_two_of_the_largest_bodies,
           a_grpc_message_is_never_longer_than_its_prefix_can_say, a_larger_body_has_more_time,
           a_bucket_gives_its_burst_and_then_its_rate)
