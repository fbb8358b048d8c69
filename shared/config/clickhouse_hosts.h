// SPDX-License-Identifier: Apache-2.0
/* The endpoint of the ClickHouse exporter as a list of servers: http://HOST[:PORT][,HOST[:PORT]]... or https://.
 * Databases, users and settings have options of their own and are not taken from it. */
#ifndef MASQUES_CONFIG_CLICKHOUSE_HOSTS_H
#define MASQUES_CONFIG_CLICKHOUSE_HOSTS_H

#include "shared/base/buf.h"
#include "shared/config/endpoint.h"

#define CLICKHOUSE_HOSTS_MAX 16u
#define CLICKHOUSE_HTTP_PORT 8123u /* where none is written */
#define CLICKHOUSE_HTTPS_PORT 8443u

struct clickhouse_hosts {
    bool tls;
    size_t count; /* >= 1 */
    struct endpoint items[CLICKHOUSE_HOSTS_MAX]; /* no host or port is empty; localhost stays what it is */
};

/* Reads all of `text` (borrowed). 0; GW_ERR_INVALID with a sentence appended to `why`, which says what to write
 * instead and never repeats what may be a password. */
int clickhouse_hosts_parse(struct slice text, struct clickhouse_hosts *out,
                           struct buf *why) GW_MUST_CHECK;

/* Appends the server's address without anything behind it: "https://[::1]:8443". */
void clickhouse_hosts_url(const struct clickhouse_hosts *hosts, size_t index, struct buf *out);

#endif
