// SPDX-License-Identifier: Apache-2.0
/* The options of the ClickHouse exporter. Keys and meanings are those of the collector's clickhouseexporter where it
 * has them; docs/configuration.md, exporters::clickhouse, has each of them. */
#ifndef MASQUES_CONFIG_CLICKHOUSE_OPTIONS_H
#define MASQUES_CONFIG_CLICKHOUSE_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/buf.h"

#define CLICKHOUSE_ENDPOINT_BYTES 1025 /* all with their NULs */
#define CLICKHOUSE_NAME_BYTES 193      /* of databases, tables, clusters, engines */
#define CLICKHOUSE_SECRET_BYTES 2049
#define CLICKHOUSE_PATH_BYTES 1025
#define CLICKHOUSE_PARAMS_BYTES 1025
#define CLICKHOUSE_PAIRS_BYTES 4097

enum clickhouse_compress {
    CLICKHOUSE_PLAIN = 0,
    CLICKHOUSE_ZSTD = 1,
    CLICKHOUSE_LZ4 = 2, /* the frame format */
    CLICKHOUSE_GZIP = 3,
};

struct clickhouse_options {
    char endpoint[CLICKHOUSE_ENDPOINT_BYTES]; /* shared/config/clickhouse_hosts.h reads it */
    char username[CLICKHOUSE_SECRET_BYTES];   /* clickhouse_credentials() gives all four their meaning */
    char password[CLICKHOUSE_SECRET_BYTES];
    char username_file[CLICKHOUSE_PATH_BYTES];
    char password_file[CLICKHOUSE_PATH_BYTES];
    char database[CLICKHOUSE_NAME_BYTES];
    char logs_table[CLICKHOUSE_NAME_BYTES];
    char traces_table[CLICKHOUSE_NAME_BYTES];
    char gauge_table[CLICKHOUSE_NAME_BYTES];
    char sum_table[CLICKHOUSE_NAME_BYTES];
    char summary_table[CLICKHOUSE_NAME_BYTES];
    char histogram_table[CLICKHOUSE_NAME_BYTES];
    char exponential_histogram_table[CLICKHOUSE_NAME_BYTES];
    bool create_schema;
    uint64_t ttl_ns; /* whole seconds; 0: rows stay */
    char engine_name[CLICKHOUSE_NAME_BYTES];
    char engine_params[CLICKHOUSE_PARAMS_BYTES];
    char cluster[CLICKHOUSE_NAME_BYTES]; /* "": no ON CLUSTER */
    bool timestamp_time;   /* otel_logs gets the column TimestampTime of older versions */
    uint32_t dedup_window; /* tokens that a created table remembers; 0: the setting is not written */
    uint32_t compress;     /* enum clickhouse_compress */
    uint64_t timeout_ns;   /* of one request */
    uint32_t insert_rows;  /* of one INSERT, at most */
    char connection_params[CLICKHOUSE_PAIRS_BYTES]; /* name=value&name=value (shared/config/pairs.h): may be put
                                                       into a URL as it is */
    char ca_file[CLICKHOUSE_PATH_BYTES]; /* "": the system's certificates */
    char cert_file[CLICKHOUSE_PATH_BYTES];
    char key_file[CLICKHOUSE_PATH_BYTES];
    bool insecure_skip_verify;
    bool async_insert; /* without effect: inserts are never asynchronous */
    bool json;         /* without effect: the columns are what the tables have */
};

/* exporter_kind.check: what the options demand of each other. 0; GW_ERR_INVALID with a sentence appended to `why`, in
 * which no secret is repeated. */
int clickhouse_options_check(const void *options, struct buf *why) GW_MUST_CHECK;

/* User and password (appended), from the options or from the files that they name: the first line. To be asked again
 * when the server refuses them, since a file may have changed. Both empty: none are to be sent; the user `default` where
 * there is a password only. 0; GW_ERR_IO: a file cannot be read, with a sentence appended to `why`; GW_ERR_NOMEM. */
int clickhouse_credentials(const struct clickhouse_options *options, struct buf *user, struct buf *password,
                           struct buf *why) GW_MUST_CHECK;

#endif
