// SPDX-License-Identifier: Apache-2.0
/* masques-load: sends standard logs to an OTLP endpoint on loopback and prints one line of JSON with what came of it. */
#include "bench/load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/load_body.h"
#include "shared/base/clock.h"

#define PACE_MS 2u
#define BODY_MAX_BYTES (256u * 1024 * 1024)

static const char usage[] =
    "usage: masques-load --grpc|--http 127.0.0.1:PORT [options]\n"
    "  --connections N   (8)\n"
    "  --streams N       requests in flight a connection, gRPC (1)\n"
    "  --records N       records a request (100)\n"
    "  --gzip            compress the bodies\n"
    "  --json            send JSON (with --http)\n"
    "  --seconds N       for so long (10)\n"
    "  --requests N      or so many requests in all\n"
    "  --rate N          requests a second in all (0: as fast as the answers come)\n"
    "  --idle            hold the connections for the time; with --requests N, after so many in all\n"
    "Only loopback addresses are accepted.\n";

/* ---- what the connections ask ------------------------------------------------------------------------------------ */

bool load_take(struct load *load)
{
    const struct load_plan *p = &load->plan;
    if (load->stopping || (p->requests && load->started >= p->requests))
        return false;
    if (p->rate > 0) {
        double due = (double)(clock_mono_ns() - load->begun_ns) / 1e9 * p->rate;
        if ((double)load->started >= due)
            return false;
    }
    load->started++;
    return true;
}

const struct buf *load_body(const struct load *load, uint64_t n)
{
    return &load->bodies[n % LOAD_BODIES];
}

static bool all_answered(const struct load *load)
{
    return load->result.ok + load->result.failed + load->result.refused >= load->started;
}

void load_idle(struct load *load)
{
    bool enough = load->stopping || (!load->plan.idle && load->plan.requests &&
                                     load->started >= load->plan.requests);
    if (load->open == 0 || (enough && all_answered(load)))
        loop_stop(load->loop);
}

int load_connect(const struct load *load)
{
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&load->plan.address, sizeof load->plan.address) != 0) {
        fprintf(stderr, "masques-load: cannot connect to %s: %s\n", load->plan.authority, strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

/* ---- run --------------------------------------------------------------------------------------------------------- */

static bool make_bodies(struct load *load)
{
    for (unsigned i = 0; i < LOAD_BODIES; i++) {
        struct buf plain = buf_make(BODY_MAX_BYTES);
        struct buf packed = buf_make(BODY_MAX_BYTES);
        load_body_logs(&plain, load->plan.records, i + 1);
        if (load->plan.json && !load_body_json(&plain))
            return false;
        struct slice body = buf_slice(&plain);
        if (load->plan.gzip && load_body_gzip(&packed, body))
            body = buf_slice(&packed);
        load->bodies[i] = buf_make(BODY_MAX_BYTES);
        if (load->plan.grpc) {
            uint8_t prefix[5] = {load->plan.gzip, (uint8_t)(body.len >> 24), (uint8_t)(body.len >> 16),
                                 (uint8_t)(body.len >> 8), (uint8_t)body.len};
            buf_append(&load->bodies[i], prefix, sizeof prefix);
        }
        buf_slice_append(&load->bodies[i], body);
        bool ok = buf_ok(&plain) && buf_ok(&packed) && buf_ok(&load->bodies[i]);
        buf_free(&plain);
        buf_free(&packed);
        if (!ok)
            return false;
    }
    return true;
}

static void time_over(void *ctx)
{
    struct load *load = ctx;
    load->stopping = true;
    load_idle(load);
}

static void give_up(void *ctx)
{
    struct load *load = ctx;
    load_result_failure(&load->result, "no answer within 30 s after the end");
    loop_stop(load->loop);
}

struct pace {
    struct load *load;
    struct load_connection **connections;
    struct loop_timer *timer;
};

static void pace_due(void *ctx)
{
    struct pace *pace = ctx;
    const struct load_plan *p = &pace->load->plan;
    loop_timer_set(pace->timer, PACE_MS);
    for (unsigned i = 0; i < p->connections; i++)
        (p->grpc ? load_grpc_fill : load_http_fill)(pace->connections[i]);
}

static int drive(struct load *load, struct load_connection **connections)
{
    const struct load_plan *p = &load->plan;
    struct pace pace = {load, connections, NULL};
    struct loop_timer *end = loop_timer_new(load->loop, time_over, load);
    struct loop_timer *limit = loop_timer_new(load->loop, give_up, load);
    pace.timer = loop_timer_new(load->loop, pace_due, &pace);
    if (!end || !limit || !pace.timer)
        return EXIT_FAILURE;
    if (p->seconds) {
        loop_timer_set(end, (uint64_t)p->seconds * 1000);
        loop_timer_set(limit, (uint64_t)p->seconds * 1000 + 30000);
    }
    load->begun_ns = clock_mono_ns();
    if (!p->idle && p->rate > 0)
        loop_timer_set(pace.timer, 0);
    bool fill = !p->idle || p->requests;
    for (unsigned i = 0; fill && p->rate <= 0 && i < p->connections; i++)
        (p->grpc ? load_grpc_fill : load_http_fill)(connections[i]);
    loop_run(load->loop);
    load_result_print(&load->result, p->records, (double)(clock_mono_ns() - load->begun_ns) / 1e9, stdout);
    loop_timer_free(&end);
    loop_timer_free(&limit);
    loop_timer_free(&pace.timer);
    return load->result.failed || load->result.refused || load->result.broken ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int run(struct load *load)
{
    const struct load_plan *p = &load->plan;
    load->loop = loop_new();
    struct load_connection **connections = calloc(p->connections, sizeof *connections);
    int code = EXIT_FAILURE;
    bool ok = load->loop && connections && make_bodies(load);
    for (unsigned i = 0; ok && i < p->connections; i++) {
        connections[i] = (p->grpc ? load_grpc_open : load_http_open)(load);
        ok = connections[i] != NULL;
    }
    if (ok)
        code = drive(load, connections);
    for (unsigned i = 0; connections && i < p->connections; i++)
        if (connections[i])
            (p->grpc ? load_grpc_close : load_http_close)(connections[i]);
    for (unsigned i = 0; i < LOAD_BODIES; i++)
        buf_free(&load->bodies[i]);
    free(connections);
    loop_free(&load->loop);
    return code;
}

/* ---- command line ------------------------------------------------------------------------------------------------ */

static bool parse_address(struct load_plan *p, const char *text)
{
    char host[32];
    unsigned port;
    if (sscanf(text, "%31[0-9.]:%u", host, &port) != 2 || port == 0 || port > 65535 ||
        inet_pton(AF_INET, host, &p->address.sin_addr) != 1 || strncmp(host, "127.", 4) != 0)
        return false;
    p->address.sin_family = AF_INET;
    p->address.sin_port = htons((uint16_t)port);
    snprintf(p->authority, sizeof p->authority, "%s:%u", host, port);
    return true;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"grpc", required_argument, NULL, 'g'},    {"http", required_argument, NULL, 'h'},
        {"connections", required_argument, NULL, 'c'}, {"streams", required_argument, NULL, 's'},
        {"records", required_argument, NULL, 'r'}, {"gzip", no_argument, NULL, 'z'},
        {"json", no_argument, NULL, 'j'},
        {"seconds", required_argument, NULL, 't'}, {"requests", required_argument, NULL, 'n'},
        {"rate", required_argument, NULL, 'p'},    {"idle", no_argument, NULL, 'i'},
        {"help", no_argument, NULL, '?'},          {0},
    };
    struct load *load = calloc(1, sizeof *load);
    if (!load)
        return EXIT_FAILURE;
    struct load_plan *p = &load->plan;
    *p = (struct load_plan){.connections = 8, .streams = 1, .records = 100, .seconds = 10};
    bool ok = true;
    int letter;
    while ((letter = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (letter) {
        case 'g':
        case 'h':
            p->grpc = letter == 'g';
            ok = ok && parse_address(p, optarg);
            break;
        case 'c': p->connections = (unsigned)strtoul(optarg, NULL, 10); break;
        case 's': p->streams = (unsigned)strtoul(optarg, NULL, 10); break;
        case 'r': p->records = (unsigned)strtoul(optarg, NULL, 10); break;
        case 'z': p->gzip = true; break;
        case 'j': p->json = true; break;
        case 't': p->seconds = (unsigned)strtoul(optarg, NULL, 10); break;
        case 'n': p->requests = strtoull(optarg, NULL, 10); p->seconds = 0; break;
        case 'p': p->rate = strtod(optarg, NULL); break;
        case 'i': p->idle = true; break;
        default: ok = false; break;
        }
    }
    if (!ok || !p->authority[0] || optind != argc || p->connections == 0 || p->streams == 0 ||
        (p->json && p->grpc)) {
        fputs(usage, stderr);
        free(load);
        return EXIT_FAILURE;
    }
    int code = run(load);
    free(load);
    return code;
}
