// SPDX-License-Identifier: Apache-2.0
/* native_dump SIGNAL DIRECTORY FILE...: what the ClickHouse exporter would insert of requests in protobuf. Each table's
 * rows are appended as blocks to DIRECTORY/TABLE. For the tests, which have the engine read it back. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exporters/clickhouse/block.h"
#include "shared/otlp/walk.h"

#define FILE_MAX_BYTES (64u << 20)
#define RECEIVED_NS UINT64_C(1795000000000000000)

static const char *const tables[TABLE_KINDS] = {
    "otel_logs",          "otel_traces",           "otel_metrics_gauge",
    "otel_metrics_sum",   "otel_metrics_histogram", "otel_metrics_exponential_histogram",
    "otel_metrics_summary",
};

static int fail(const char *what)
{
    fprintf(stderr, "native_dump: %s\n", what);
    return EXIT_FAILURE;
}

static struct slice read_file(const char *path)
{
    uint8_t *bytes = malloc(FILE_MAX_BYTES);
    FILE *f = fopen(path, "rbe");
    size_t len = f && bytes ? fread(bytes, 1, FILE_MAX_BYTES, f) : 0;
    if (f)
        fclose(f);
    return slice_make(bytes, len);
}

static int dump(enum otlp_signal signal, struct slice request, struct block **blocks)
{
    struct otlp_walk_result result;
    const struct otlp_limits limits = {0};
    if (otlp_walk(signal, request, &limits, &result) != GW_OK)
        return GW_ERR_MALFORMED;
    struct otlp_reader reader;
    otlp_reader_init(&reader, signal, request);
    for (size_t i = 0; i < TABLE_KINDS; i++)
        block_new_batch(blocks[i]);
    while (otlp_reader_next(&reader)) {
        int err = block_add(blocks[row_table(&reader.now)], &reader.now, RECEIVED_NS);
        if (err)
            return err;
    }
    return 0;
}

static int write_table(const char *directory, const char *table, struct block *block)
{
    char path[4096];
    struct buf out = buf_make((size_t)1 << 31);
    snprintf(path, sizeof path, "%s/%s", directory, table);
    block_write(block, &out);
    FILE *f = fopen(path, "abe");
    bool ok = f && buf_ok(&out) && fwrite(out.data, 1, out.len, f) == out.len;
    if (f)
        ok &= fclose(f) == 0;
    buf_free(&out);
    return ok ? 0 : GW_ERR_IO;
}

int main(int argc, char **argv)
{
    struct block *blocks[TABLE_KINDS];
    enum otlp_signal signal;
    if (argc < 4 || !otlp_signal_find(argv[1], &signal))
        return fail("usage: native_dump SIGNAL DIRECTORY FILE...");
    for (size_t i = 0; i < TABLE_KINDS; i++)
        if (!(blocks[i] = block_new((enum table_kind)i, UINT64_MAX)))
            return fail("no memory");
    for (int i = 3; i < argc; i++) {
        struct slice request = read_file(argv[i]);
        if (dump(signal, request, blocks) != 0)
            return fail(argv[i]);
        free((void *)(uintptr_t)request.data);
    }
    for (size_t i = 0; i < TABLE_KINDS; i++) {
        if (write_table(argv[2], tables[i], blocks[i]) != 0)
            return fail(tables[i]);
        block_free(&blocks[i]);
    }
    return EXIT_SUCCESS;
}
