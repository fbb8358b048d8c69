// SPDX-License-Identifier: Apache-2.0
#include "receiver/master/subscription.h"

#include <stdio.h>

#include "tests/support/suite.h"

struct filled {
    struct config *config;
    Masques__Control__Subscription subscription;
    Masques__Control__Retry retry;
    Masques__Control__ExporterSettings wishes;
};

static const char *no_environment(void *context, const char *name)
{
    (void)context, (void)name;
    return NULL;
}

/* What becomes of an exporter TYPE with these keys, by a pipeline with these processors. */
static struct filled fill(const char *type, const char *keys, const char *batch)
{
    struct filled f = {0};
    struct config_error err;
    char text[2000];
    snprintf(text, sizeof text,
             "receivers: {otlp: {protocols: {grpc: }}}\nexporters: {%s/x: {%s}}\n"
             "processors: {batch: {%s}}\nservice: {pipelines: {logs: {receivers: [otlp], "
             "processors: [%s], exporters: [%s/x]}}}\n",
             type, keys, batch ? batch : "", batch ? "batch" : "", type);
    ck_assert_msg(config_from_text("f", slice_of(text), no_environment, NULL, &f.config, &err) == GW_OK, "%s",
                  err.text);
    subscription_fill(&f.config->exporters[0], &f.subscription, &f.retry);
    masques__control__exporter_settings__init(&f.wishes);
    subscription_wishes(&f.config->exporters[0].delivery, &f.wishes);
    return f;
}

START_TEST(without_a_word_in_the_file_the_router_never_gives_up_and_the_exporter_wishes)
{
    struct filled f = fill("nop", "", NULL);
    ck_assert_str_eq(f.subscription.name, "nop/x");
    ck_assert_str_eq(f.subscription.type, "nop");
    ck_assert_uint_eq(f.subscription.signals, 1u << CONFIG_LOGS);
    ck_assert_uint_eq(f.subscription.max_lag_bytes, 0);
    ck_assert(!f.subscription.refuse_when_full);
    ck_assert_ptr_nonnull(f.subscription.retry);
    ck_assert(!f.retry.disabled);
    ck_assert_uint_eq(f.retry.initial_ms, 5000);
    ck_assert_uint_eq(f.retry.max_ms, 30000);
    ck_assert_uint_eq(f.retry.max_elapsed_ms, 0);
    ck_assert_uint_eq(f.retry.multiplier_permille, 1500);
    ck_assert_uint_eq(f.retry.jitter_permille, 500);
    ck_assert_uint_eq(f.wishes.in_flight, 0);
    ck_assert_uint_eq(f.wishes.max_records, 0);
    ck_assert_uint_eq(f.wishes.max_bytes, 0);
    ck_assert_uint_eq(f.wishes.linger_ms, 0);
    config_free(&f.config);
}
END_TEST

START_TEST(lossy_is_who_the_kind_says_is_lossy)
{
    struct filled f = fill("debug", "", NULL);
    ck_assert(f.subscription.lossy);
    config_free(&f.config);
    f = fill("nop", "", NULL);
    ck_assert_int_eq(f.subscription.lossy, f.config->exporters[0].kind->lossy);
    config_free(&f.config);
}
END_TEST

START_TEST(the_share_of_the_store_is_in_bytes_or_the_routers)
{
    static const struct {
        const char *keys;
        uint64_t lag;
        bool refuses;
    } cases[] = {
        {"sending_queue: {sizer: bytes, queue_size: 7000000000}", 7000000000, false},
        {"sending_queue: {sizer: bytes, queue_size: 1, block_on_overflow: true}", 1, true},
        {"sending_queue: {sizer: bytes}", 0, false},
        {"sending_queue: {sizer: items, queue_size: 100}", 0, false},
        {"sending_queue: {queue_size: 100, block_on_overflow: true}", 0, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct filled f = fill("nop", cases[i].keys, NULL);
        ck_assert_msg(f.subscription.max_lag_bytes == cases[i].lag, "%s", cases[i].keys);
        ck_assert_msg(f.subscription.refuse_when_full == cases[i].refuses, "%s", cases[i].keys);
        config_free(&f.config);
    }
}
END_TEST

START_TEST(retries_are_the_files)
{
    struct filled f = fill("nop",
                           "retry_on_failure: {initial_interval: 100ms, max_interval: 2s, max_elapsed_time: 1h, "
                           "multiplier: 3, randomization_factor: 0.25}",
                           NULL);
    ck_assert(!f.retry.disabled);
    ck_assert_uint_eq(f.retry.initial_ms, 100);
    ck_assert_uint_eq(f.retry.max_ms, 2000);
    ck_assert_uint_eq(f.retry.max_elapsed_ms, 3600000);
    ck_assert_uint_eq(f.retry.multiplier_permille, 3000);
    ck_assert_uint_eq(f.retry.jitter_permille, 250);
    config_free(&f.config);
    f = fill("nop", "retry_on_failure: {enabled: false}", NULL);
    ck_assert(f.retry.disabled);
    config_free(&f.config);
    f = fill("nop", "retry_on_failure: {initial_interval: 1us, max_interval: 1us, max_elapsed_time: 1us}", NULL);
    ck_assert_uint_eq(f.retry.max_elapsed_ms, 1); /* 0 would be for ever */
    config_free(&f.config);
}
END_TEST

START_TEST(deliveries_are_formed_as_queue_or_processor_say)
{
    static const struct {
        const char *keys;
        const char *batch; /* NULL: no processor */
        uint32_t in_flight, records;
        uint64_t bytes;
        uint32_t linger_ms;
    } cases[] = {
        {"sending_queue: {num_consumers: 5}", NULL, 5, 0, 0, 0},
        {"sending_queue: {num_consumers: 100}", NULL, 32, 0, 0, 0},
        {"sending_queue: {batch: }", NULL, 0, 8192, 0, 200},
        {"sending_queue: {batch: {min_size: 10, max_size: 20, flush_timeout: 3s}}", NULL, 0, 20, 0, 3000},
        {"sending_queue: {batch: {sizer: bytes, min_size: 10, max_size: 20000}}", NULL, 0, 0, 20000, 200},
        {"sending_queue: {batch: {flush_timeout: 0s, min_size: 10}}", NULL, 0, 0, 0, 1},
        {"", "", 0, 8192, 0, 200},
        {"", "timeout: 1s, send_batch_size: 50", 0, 50, 0, 1000},
        {"", "timeout: 1s, send_batch_size: 50, send_batch_max_size: 60", 0, 60, 0, 1000},
        {"sending_queue: {batch: {min_size: 7}}", "timeout: 1s", 0, 7, 0, 200},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct filled f = fill("nop", cases[i].keys, cases[i].batch);
        ck_assert_msg(f.wishes.in_flight == cases[i].in_flight, "%zu", i);
        ck_assert_msg(f.wishes.max_records == cases[i].records, "%zu", i);
        ck_assert_msg(f.wishes.max_bytes == cases[i].bytes, "%zu", i);
        ck_assert_msg(f.wishes.linger_ms == cases[i].linger_ms, "%zu", i);
        config_free(&f.config);
    }
}
END_TEST

SUITE_MAIN("receiver/master/subscription",
           without_a_word_in_the_file_the_router_never_gives_up_and_the_exporter_wishes,
           lossy_is_who_the_kind_says_is_lossy, the_share_of_the_store_is_in_bytes_or_the_routers,
           retries_are_the_files, deliveries_are_formed_as_queue_or_processor_say)
