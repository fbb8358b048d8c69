// SPDX-License-Identifier: Apache-2.0
#include "shared/otlp/signal.h"

#include "tests/support/suite.h"

START_TEST(numbers_are_those_of_the_bus)
{
    ck_assert_int_eq(OTLP_LOGS, 1);
    ck_assert_int_eq(OTLP_METRICS, 2);
    ck_assert_int_eq(OTLP_TRACES, 3);
}
END_TEST

START_TEST(only_the_three_are_known)
{
    ck_assert(!otlp_signal_known(0));
    ck_assert(otlp_signal_known(1) && otlp_signal_known(2) && otlp_signal_known(3));
    ck_assert(!otlp_signal_known(4));
    ck_assert(!otlp_signal_known(-1));
}
END_TEST

START_TEST(each_has_its_words)
{
    ck_assert_str_eq(otlp_signal_name(OTLP_LOGS), "logs");
    ck_assert_str_eq(otlp_signal_name(OTLP_METRICS), "metrics");
    ck_assert_str_eq(otlp_signal_name(OTLP_TRACES), "traces");
    ck_assert_str_eq(otlp_signal_records(OTLP_LOGS), "log records");
    ck_assert_str_eq(otlp_signal_records(OTLP_METRICS), "data points");
    ck_assert_str_eq(otlp_signal_records(OTLP_TRACES), "spans");
    ck_assert_str_eq(otlp_signal_name((enum otlp_signal)9), "?");
    ck_assert_str_eq(otlp_signal_records((enum otlp_signal)9), "?");
}
END_TEST

SUITE_MAIN("otlp/signal", numbers_are_those_of_the_bus, only_the_three_are_known,
           each_has_its_words)
