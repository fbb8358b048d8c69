// SPDX-License-Identifier: Apache-2.0
#include "exporters/clickhouse/hosts.h"

#include <stdio.h>
#include <xxhash.h>

#define AVOID_FIRST_MS 1000u
#define AVOID_MAX_MS 30000u

int hosts_read(struct hosts *hosts, const char *endpoint, struct buf *why)
{
    struct clickhouse_hosts list;
    int rc = clickhouse_hosts_parse(slice_of(endpoint), &list, why);
    if (rc < 0)
        return rc;
    *hosts = (struct hosts){.count = list.count};
    for (size_t i = 0; i < list.count; i++) {
        struct buf url = buf_make(HOSTS_URL_BYTES - 1);
        struct host *h = &hosts->items[i];
        clickhouse_hosts_url(&list, i, &url);
        snprintf(h->url, sizeof h->url, "%.*s", (int)url.len, (const char *)url.data);
        h->id = XXH3_64bits(url.data, url.len) | 1;
        h->backoff = (struct backoff){AVOID_FIRST_MS, AVOID_MAX_MS, AVOID_MAX_MS, AVOID_FIRST_MS};
        buf_free(&url);
    }
    return 0;
}

size_t hosts_pick(const struct hosts *hosts, uint32_t tried, uint64_t now_ms)
{
    size_t best = HOSTS_NONE;
    for (size_t i = 0; i < hosts->count; i++) {
        const struct host *h = &hosts->items[i];
        if (tried >> i & 1)
            continue;
        if (h->avoid_until_ms <= now_ms)
            return i;
        if (best == HOSTS_NONE || h->avoid_until_ms < hosts->items[best].avoid_until_ms)
            best = i;
    }
    return best;
}

void hosts_failed(struct hosts *hosts, size_t host, uint64_t now_ms)
{
    struct host *h = &hosts->items[host];
    if (h->avoid_until_ms > now_ms)
        return;
    h->avoid_until_ms = now_ms + backoff_after_failure(&h->backoff, 0);
}

void hosts_worked(struct hosts *hosts, size_t host)
{
    struct host *h = &hosts->items[host];
    h->avoid_until_ms = 0;
    h->backoff.next_ms = AVOID_FIRST_MS;
}
