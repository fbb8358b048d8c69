// SPDX-License-Identifier: Apache-2.0
/* otlp_json SIGNAL [count]: reads a protobuf request of that signal from stdin, walks it, and
 * writes it to stdout as one line of OTLP JSON, or with `count` the number of its records. A
 * request that the walk refuses: the reason on stderr, exit 1. For tests that hold our reading
 * of OTLP against an independent one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/buf.h"
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

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: otlp_json logs|metrics|traces [count]\n");
        return 2;
    }
    enum otlp_signal signal = signal_of(argv[1]);
    struct buf in = buf_make(INPUT_MAX_BYTES);
    struct buf out = buf_make(OUTPUT_MAX_BYTES);
    struct otlp_walk_result result;
    read_all(&in);
    int status = EXIT_SUCCESS;
    if (otlp_walk(signal, buf_slice(&in), NULL, &result) != GW_OK) {
        otlp_walk_explain(&result, &out);
        fprintf(stderr, "%.*s\n", (int)out.len, (const char *)out.data);
        status = EXIT_FAILURE;
    } else if (argc > 2) {
        printf("%llu\n", (unsigned long long)result.records);
    } else if (otlp_json_out(signal, buf_slice(&in), &out) != GW_OK) {
        fprintf(stderr, "otlp_json: cannot write the JSON\n");
        status = EXIT_FAILURE;
    } else {
        buf_byte(&out, '\n');
        fwrite(out.data, 1, out.len, stdout);
    }
    buf_free(&in);
    buf_free(&out);
    return status;
}
