// SPDX-License-Identifier: Apache-2.0
/* The three signals of OTLP, numbered as Signal in proto/masques/bus.proto. */
#ifndef MASQUES_OTLP_SIGNAL_H
#define MASQUES_OTLP_SIGNAL_H

#include <stdbool.h>

enum otlp_signal {
    OTLP_LOGS = 1,
    OTLP_METRICS = 2,
    OTLP_TRACES = 3,
};

#define OTLP_SIGNALS 3u

/* True for the three numbers above: for values that come from outside. */
static inline bool otlp_signal_known(int number)
{
    return number >= OTLP_LOGS && number <= OTLP_TRACES;
}

/* "logs", "metrics", "traces": the words of configuration, paths and counters. "?" for anything
 * else. */
static inline const char *otlp_signal_name(enum otlp_signal signal)
{
    switch (signal) {
    case OTLP_LOGS:
        return "logs";
    case OTLP_METRICS:
        return "metrics";
    case OTLP_TRACES:
        return "traces";
    }
    return "?";
}

/* What one record of the signal is called, in the plural: what partial_success counts (OTLP
 * specification, "Partial Success"). "?" for anything else. */
static inline const char *otlp_signal_records(enum otlp_signal signal)
{
    switch (signal) {
    case OTLP_LOGS:
        return "log records";
    case OTLP_METRICS:
        return "data points";
    case OTLP_TRACES:
        return "spans";
    }
    return "?";
}

#endif
