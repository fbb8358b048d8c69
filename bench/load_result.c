// SPDX-License-Identifier: Apache-2.0
#include "bench/load_result.h"

/* 16 buckets between two powers of two. */
static unsigned bucket_of(uint64_t ns)
{
    if (ns < 16)
        return (unsigned)ns;
    unsigned high = 63u - (unsigned)__builtin_clzll(ns);
    return high * 16 + (unsigned)(ns >> (high - 4) & 15);
}

static uint64_t bucket_end(unsigned bucket)
{
    unsigned high = bucket / 16;
    if (high < 4)
        return bucket;
    return (UINT64_C(16) + bucket % 16 + 1) << (high - 4);
}

void load_result_answer(struct load_result *r, uint64_t latency_ns)
{
    r->ok++;
    r->buckets[bucket_of(latency_ns)]++;
    if (latency_ns > r->max_ns)
        r->max_ns = latency_ns;
}

void load_result_failure(struct load_result *r, const char *what)
{
    if (!r->error[0])
        snprintf(r->error, sizeof r->error, "%s", what);
    r->failed++;
}

uint64_t load_result_quantile(const struct load_result *r, double p)
{
    uint64_t below = (uint64_t)((double)r->ok * p);
    uint64_t seen = 0;
    for (unsigned i = 0; i < LOAD_BUCKETS; i++) {
        seen += r->buckets[i];
        if (seen > below)
            return bucket_end(i);
    }
    return r->max_ns;
}

void load_result_print(const struct load_result *r, unsigned records, double seconds, FILE *out)
{
    fprintf(out,
            "{\"requests\":%llu,\"records\":%llu,\"refused\":%llu,\"failed\":%llu,\"broken\":%llu,\"seconds\":%.3f,"
            "\"p50_us\":%.0f,\"p99_us\":%.0f,\"max_us\":%.0f,\"error\":\"%s\"}\n",
            (unsigned long long)r->ok, (unsigned long long)(r->ok * records),
            (unsigned long long)r->refused, (unsigned long long)r->failed,
            (unsigned long long)r->broken, seconds,
            (double)load_result_quantile(r, 0.5) / 1e3, (double)load_result_quantile(r, 0.99) / 1e3,
            (double)r->max_ns / 1e3, r->error);
}
