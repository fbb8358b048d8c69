// SPDX-License-Identifier: Apache-2.0
/* masques-encode [--records N] [--block ROWS] [--rounds N] [SIGNAL FILE...]: how many rows a second of CPU time makes into ClickHouse
 * blocks, from walked requests in memory: the standard record, N to a request (100), or the requests in the files, over
 * and over for about three seconds, or that many times. Each request is copied first, as one is that is read from the store; nothing is
 * compressed or sent. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/load_body.h"
#include "exporters/clickhouse/block.h"
#include "shared/otlp/walk.h"

#define REQUESTS_MAX 512u
#define REQUEST_MAX_BYTES (64u << 20)
#define STANDARD_RECORDS 20000u /* that are made, at least: more than caches hold */
#define BLOCK_MAX_BYTES ((size_t)1 << 30)
#define SECONDS 3

struct bench {
    enum otlp_signal signal;
    struct buf requests[REQUESTS_MAX];
    size_t count;
    unsigned records, block_rows, rounds;
    struct block *blocks[TABLE_KINDS];
    struct buf request, out;
    uint64_t rows, read, written; /* rows, and bytes */
};

static int fail(const char *what)
{
    fprintf(stderr, "masques-encode: %s\n", what);
    return EXIT_FAILURE;
}

static bool write_block(struct bench *b, size_t table)
{
    buf_clear(&b->out);
    int rc = block_write(b->blocks[table], &b->out);
    b->written += b->out.len;
    return rc == GW_OK;
}

static bool encode(struct bench *b, struct slice stored)
{
    struct otlp_reader reader;
    buf_clear(&b->request);
    buf_slice_append(&b->request, stored);
    struct slice request = buf_slice(&b->request);
    for (size_t i = 0; i < TABLE_KINDS; i++)
        block_new_batch(b->blocks[i]);
    otlp_reader_init(&reader, b->signal, request);
    while (otlp_reader_next(&reader)) {
        enum table_kind table = row_table(&reader.now);
        if (block_add(b->blocks[table], &reader.now, 1) != 0)
            return false;
        if (block_rows(b->blocks[table]) >= b->block_rows && !write_block(b, table))
            return false;
        b->rows++;
    }
    b->read += request.len;
    return true;
}

static bool make_requests(struct bench *b)
{
    b->signal = OTLP_LOGS;
    for (; b->count < REQUESTS_MAX && b->count * b->records < STANDARD_RECORDS; b->count++) {
        b->requests[b->count] = buf_make(REQUEST_MAX_BYTES);
        load_body_logs(&b->requests[b->count], b->records, b->count);
    }
    return b->count > 0;
}

static bool read_requests(struct bench *b, const char *signal, char **files, int count)
{
    for (b->signal = OTLP_LOGS; strcmp(signal, otlp_signal_name(b->signal)) != 0; b->signal++)
        if (b->signal == OTLP_TRACES)
            return false;
    for (int i = 0; i < count && b->count < REQUESTS_MAX; i++) {
        struct buf *request = &b->requests[b->count++];
        struct otlp_walk_result result;
        *request = buf_make(REQUEST_MAX_BYTES);
        FILE *f = fopen(files[i], "rbe");
        uint8_t *at = buf_reserve(request, REQUEST_MAX_BYTES);
        if (!f || !at)
            return false;
        request->len = fread(at, 1, REQUEST_MAX_BYTES, f);
        fclose(f);
        if (otlp_walk(b->signal, buf_slice(request), NULL, &result) != GW_OK)
            return false;
    }
    return b->count > 0;
}

static bool run(struct bench *b)
{
    clock_t start = clock();
    clock_t spent = 0;
    for (size_t i = 0; b->rounds ? i < b->rounds * b->count : spent < SECONDS * CLOCKS_PER_SEC; i++) {
        if (!encode(b, buf_slice(&b->requests[i % b->count])))
            return false;
        if (i % b->count == b->count - 1)
            spent = clock() - start;
    }
    double seconds = (double)spent / CLOCKS_PER_SEC;
    printf("%.0f rows/s of CPU, %.0f ns a row, %.0f MB/s of OTLP, %.0f MB/s of Native, %.0f bytes a row\n",
           (double)b->rows / seconds, seconds * 1e9 / (double)b->rows, (double)b->read / seconds / 1e6,
           (double)b->written / seconds / 1e6, (double)b->written / (double)b->rows);
    return true;
}

static bool read_flags(struct bench *b, int argc, char **argv, int *at)
{
    for (; *at + 1 < argc && strncmp(argv[*at], "--", 2) == 0; *at += 2) {
        const char *name = argv[*at] + 2;
        unsigned *value = strcmp(name, "block") == 0     ? &b->block_rows
                          : strcmp(name, "rounds") == 0  ? &b->rounds
                          : strcmp(name, "records") == 0 ? &b->records
                                                         : NULL;
        if (!value || (*value = (unsigned)strtoul(argv[*at + 1], NULL, 10)) == 0)
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    static struct bench b = {.records = 100, .block_rows = 2048};
    int at = 1;
    if (!read_flags(&b, argc, argv, &at))
        return fail("usage: masques-encode [--records N] [--block ROWS] [--rounds N] [logs|metrics|traces FILE...]");
    b.out = buf_make(BLOCK_MAX_BYTES);
    b.request = buf_make(REQUEST_MAX_BYTES);
    for (size_t i = 0; i < TABLE_KINDS; i++)
        if (!(b.blocks[i] = block_new((enum table_kind)i, UINT64_MAX)))
            return fail("no memory");
    if (at < argc ? !read_requests(&b, argv[at], argv + at + 1, argc - at - 1) : !make_requests(&b))
        return fail("no requests");
    return run(&b) ? EXIT_SUCCESS : fail("no memory");
}
