// SPDX-License-Identifier: Apache-2.0
/* The servers that can be written to, in the order of preference, and which of them have failed lately. */
#ifndef MASQUES_EXPORTERS_CLICKHOUSE_HOSTS_H
#define MASQUES_EXPORTERS_CLICKHOUSE_HOSTS_H

#include "shared/base/backoff.h"
#include "shared/config/clickhouse_hosts.h"

#define HOSTS_URL_BYTES 288u
#define HOSTS_NONE SIZE_MAX

struct host {
    char url[HOSTS_URL_BYTES]; /* "https://ch1:8443" */
    uint64_t id;               /* of the url; not 0, the same in every process */
    uint64_t avoid_until_ms;   /* 0: it works */
    struct backoff backoff;
};

struct hosts {
    size_t count;
    struct host items[CLICKHOUSE_HOSTS_MAX];
};

/* Reads a checked endpoint. 0; GW_ERR_INVALID with a sentence in `why`. */
int hosts_read(struct hosts *hosts, const char *endpoint, struct buf *why) GW_MUST_CHECK;

/* The one to try next, of those whose bit in `tried` is not set: the first that works, otherwise the one whose time
 * comes first. HOSTS_NONE: all were tried. */
size_t hosts_pick(const struct hosts *hosts, uint32_t tried, uint64_t now_ms);

/* It did not answer, or could not do what another may do: for a while others are preferred. */
void hosts_failed(struct hosts *hosts, size_t host, uint64_t now_ms);
void hosts_worked(struct hosts *hosts, size_t host);

#endif
