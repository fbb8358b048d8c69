// SPDX-License-Identifier: Apache-2.0
/* native_dump SIGNAL DIRECTORY FILE...: what the ClickHouse exporter would insert of requests in protobuf, all in one go.
 * The rows of each table that gets some are written to DIRECTORY/TABLE, as blocks of at most 8192. For tests that have
 * the engine read it back. Records without a time are received at 1795000000 s. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exporters/clickhouse/block.h"
#include "shared/otlp/walk.h"

#define FILE_MAX_BYTES (64u << 20)
#define TABLE_MAX_BYTES ((size_t)4 << 30)
#define BLOCK_ROWS 8192u
#define RECEIVED_NS UINT64_C(1795000000000000000)

struct table {
    struct block *block;
    struct buf out;
};

static int fail(const char *what)
{
    fprintf(stderr, "native_dump: %s\n", what);
    return EXIT_FAILURE;
}

static bool find_signal(const char *name, enum otlp_signal *signal)
{
    for (*signal = OTLP_LOGS; *signal <= OTLP_TRACES; ++*signal)
        if (strcmp(name, otlp_signal_name(*signal)) == 0)
            return true;
    return false;
}

static bool read_file(const char *path, struct buf *out)
{
    FILE *f = fopen(path, "rbe");
    uint8_t *at = buf_reserve(out, FILE_MAX_BYTES);
    if (!f || !at)
        return false;
    out->len = fread(at, 1, FILE_MAX_BYTES, f);
    bool ok = !ferror(f) && out->len < FILE_MAX_BYTES;
    fclose(f);
    return ok;
}

static bool add_request(enum otlp_signal signal, struct slice request, struct table *tables)
{
    struct otlp_walk_result result;
    struct otlp_reader reader;
    if (otlp_walk(signal, request, NULL, &result) != GW_OK)
        return false;
    for (size_t i = 0; i < TABLE_KINDS; i++)
        block_new_batch(tables[i].block);
    otlp_reader_init(&reader, signal, request);
    while (otlp_reader_next(&reader)) {
        struct table *t = &tables[row_table(&reader.now)];
        if (block_add(t->block, &reader.now, RECEIVED_NS) != 0)
            return false;
        if (block_rows(t->block) == BLOCK_ROWS && block_write(t->block, &t->out) != 0)
            return false;
    }
    return true;
}

static bool write_table(const char *directory, enum table_kind kind, struct table *t)
{
    static const char *const names[TABLE_KINDS] = {
        [TABLE_LOGS] = "otel_logs",
        [TABLE_TRACES] = "otel_traces",
        [TABLE_GAUGE] = "otel_metrics_gauge",
        [TABLE_SUM] = "otel_metrics_sum",
        [TABLE_HISTOGRAM] = "otel_metrics_histogram",
        [TABLE_EXPONENTIAL_HISTOGRAM] = "otel_metrics_exponential_histogram",
        [TABLE_SUMMARY] = "otel_metrics_summary",
    };
    char path[4096];
    if (block_write(t->block, &t->out) != 0)
        return false;
    if (!t->out.len)
        return true;
    snprintf(path, sizeof path, "%s/%s", directory, names[kind]);
    FILE *f = fopen(path, "wbe");
    bool ok = f && fwrite(t->out.data, 1, t->out.len, f) == t->out.len;
    return f && fclose(f) == 0 && ok;
}

int main(int argc, char **argv)
{
    struct table tables[TABLE_KINDS];
    struct buf request = buf_make(FILE_MAX_BYTES);
    enum otlp_signal signal;
    if (argc < 4 || !find_signal(argv[1], &signal))
        return fail("usage: native_dump logs|metrics|traces DIRECTORY FILE...");
    for (size_t i = 0; i < TABLE_KINDS; i++) {
        tables[i].block = block_new((enum table_kind)i, UINT64_MAX);
        tables[i].out = buf_make(TABLE_MAX_BYTES);
        if (!tables[i].block)
            return fail("no memory");
    }
    for (int i = 3; i < argc; i++) {
        buf_clear(&request);
        if (!read_file(argv[i], &request) || !add_request(signal, buf_slice(&request), tables))
            return fail(argv[i]);
    }
    for (size_t i = 0; i < TABLE_KINDS; i++) {
        if (!write_table(argv[2], (enum table_kind)i, &tables[i]))
            return fail(argv[2]);
        block_free(&tables[i].block);
        buf_free(&tables[i].out);
    }
    buf_free(&request);
    return EXIT_SUCCESS;
}
