// SPDX-License-Identifier: Apache-2.0
/* What came of it: counts, and latencies in a histogram of bounded size (error below 7%). */
#ifndef MASQUES_BENCH_LOAD_RESULT_H
#define MASQUES_BENCH_LOAD_RESULT_H

#include <stdint.h>
#include <stdio.h>

#define LOAD_BUCKETS (64 * 16)

struct load_result {
    uint64_t ok;
    uint64_t refused; /* for now, with the time after which to try again */
    uint64_t failed;  /* answered with another error */
    uint64_t broken;  /* connections lost */
    uint64_t max_ns;
    uint64_t buckets[LOAD_BUCKETS];
    char error[160];  /* the first one */
};

void load_result_answer(struct load_result *r, uint64_t latency_ns);
void load_result_failure(struct load_result *r, const char *what);
/* Nanoseconds below which the share `p` (0..1) of the answers came. */
uint64_t load_result_quantile(const struct load_result *r, double p);
/* One line of JSON. */
void load_result_print(const struct load_result *r, unsigned records, double seconds, FILE *out);

#endif
