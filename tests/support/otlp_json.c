// SPDX-License-Identifier: Apache-2.0
/* otlp_json SIGNAL [count]: reads a protobuf request of that signal from stdin, walks it, and
 * writes it to stdout as one line of OTLP JSON, or with `count` the number of its records.
 * otlp_json SIGNAL read: the other way round, from OTLP JSON to protobuf; the number of its
 * records and of what was mended, and which came first, on stderr. With `time`, how fast it is
 * read instead. A request that is refused: the reason on stderr, exit 1. For tests that hold our
 * reading of OTLP against an independent one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "shared/base/buf.h"
#include "shared/otlp/json_in.h"
#include "shared/otlp/json_out.h"
#include "shared/otlp/walk.h"

#define INPUT_MAX_BYTES (64u << 20)
#define OUTPUT_MAX_BYTES (1u << 30)

static enum otlp_signal signal_of(const char *name)
{
    for (int signal = OTLP_LOGS; signal <= OTLP_TRACES; signal++)
        if (strcmp(name, otlp_signal_name(signal)) == 0)
            return signal;
    fprintf(stderr, "otlp_json: no signal \"%s\"\n", name);
    exit(2);
}

static void read_all(struct buf *in)
{
    uint8_t piece[65536];
    size_t n;
    while ((n = fread(piece, 1, sizeof piece, stdin)) > 0)
        buf_append(in, piece, n);
    if (!buf_ok(in) || ferror(stdin)) {
        fprintf(stderr, "otlp_json: cannot read the request\n");
        exit(2);
    }
}

static int refused(struct buf *why)
{
    fprintf(stderr, "%.*s\n", (int)why->len, (const char *)why->data);
    return EXIT_FAILURE;
}

static int write_json(enum otlp_signal signal, struct slice in, bool count, struct buf *out)
{
    struct otlp_walk_result result;
    if (otlp_walk(signal, in, NULL, &result) != GW_OK) {
        otlp_walk_explain(&result, out);
        return refused(out);
    }
    if (count) {
        printf("%llu\n", (unsigned long long)result.records);
        return EXIT_SUCCESS;
    }
    if (otlp_json_out(signal, in, out) != GW_OK) {
        fprintf(stderr, "otlp_json: cannot write the JSON\n");
        return EXIT_FAILURE;
    }
    buf_byte(out, '\n');
    fwrite(out->data, 1, out->len, stdout);
    return EXIT_SUCCESS;
}

static int read_json(enum otlp_signal signal, struct slice in, struct buf *out)
{
    struct otlp_json_result result;
    struct buf words = buf_make(INPUT_MAX_BYTES);
    int status = EXIT_SUCCESS;
    if (otlp_json_in(signal, in, NULL, out, &result) != GW_OK) {
        otlp_json_explain(&result, &words);
        status = refused(&words);
    } else {
        otlp_json_explain_mended(&result, &words);
        fprintf(stderr, "%llu %llu %.*s\n", (unsigned long long)result.records,
                (unsigned long long)result.mended, (int)words.len, (const char *)words.data);
        fwrite(out->data, 1, out->len, stdout);
    }
    buf_free(&words);
    return status;
}

/* Reads the request over and over for about a second of CPU. */
static int time_reading(enum otlp_signal signal, struct slice in, struct buf *out)
{
    struct otlp_json_result result;
    clock_t start = clock();
    clock_t spent = 0;
    uint64_t records = 0;
    uint64_t rounds = 0;
    while (spent < CLOCKS_PER_SEC) {
        buf_clear(out);
        if (otlp_json_in(signal, in, NULL, out, &result) != GW_OK)
            return EXIT_FAILURE;
        records += result.records;
        rounds++;
        spent = clock() - start;
    }
    double seconds = (double)spent / CLOCKS_PER_SEC;
    printf("%.0f records/s, %.1f MB/s, %zu bytes of JSON, %zu of protobuf\n",
           (double)records / seconds, (double)rounds * (double)in.len / seconds / 1e6, in.len,
           out->len);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: otlp_json logs|metrics|traces [count|read|time]\n");
        return 2;
    }
    enum otlp_signal signal = signal_of(argv[1]);
    const char *mode = argc > 2 ? argv[2] : "";
    struct buf in = buf_make(INPUT_MAX_BYTES);
    struct buf out = buf_make(OUTPUT_MAX_BYTES);
    read_all(&in);
    int status;
    if (strcmp(mode, "read") == 0)
        status = read_json(signal, buf_slice(&in), &out);
    else if (strcmp(mode, "time") == 0)
        status = time_reading(signal, buf_slice(&in), &out);
    else
        status = write_json(signal, buf_slice(&in), strcmp(mode, "count") == 0, &out);
    buf_free(&in);
    buf_free(&out);
    return status;
}
