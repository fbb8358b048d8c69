// SPDX-License-Identifier: Apache-2.0
/* masques-receiver, the master: reads the configuration, opens the sockets, starts and watches the children, answers
 * health. Touches no byte of telemetry. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "receiver/master/arguments.h"
#include "receiver/master/family.h"
#include "receiver/master/greeting.h"
#include "receiver/master/health.h"
#include "receiver/master/health_server.h"
#include "receiver/master/ready_file.h"
#include "receiver/master/standard_files.h"
#include "shared/base/clock.h"

enum { GRPC, HTTP, HEALTH, LISTENERS };

struct gateway {
    struct arguments arguments;
    struct config *config;
    struct log log;
    struct runtime_dir runtime;
    struct listener listeners[LISTENERS]; /* those that are open, without gaps */
    size_t listener_count;
    size_t otlp_count; /* the first of them: what the workers inherit */
    struct loop *loop;
    struct family_parts parts; /* the family borrows them */
    struct family *family;
    struct health_server *health;
    uint64_t up_since_ns; /* wall clock; 0: not yet */
    uint64_t up_since_mono_ns;
    bool ending;
    int exit_code;
};

static int fail(const char *sentence)
{
    fprintf(stderr, "masques-receiver: %s\n", sentence);
    return EXIT_FAILURE;
}

/* ---- what the family tells -------------------------------------------------------------------------------------- */

static void family_is_ready(void *ctx)
{
    struct gateway *g = ctx;
    g->up_since_ns = clock_wall_ns();
    g->up_since_mono_ns = clock_mono_ns();
    greeting_print(stderr, g->listeners, g->listener_count);
    const char *file = g->arguments.ready_file;
    if (file && ready_file_write(file, g->listeners, g->listener_count, family_bus(g->family)) != GW_OK)
        log_error(&g->log, "cannot write the ready file %s: %s", file, strerror(errno));
}

static void family_failed(void *ctx, const char *why)
{
    struct gateway *g = ctx;
    if (g->ending)
        return;
    g->ending = true;
    g->exit_code = fail(why);
    family_end(g->family);
}

static void family_ended(void *ctx)
{
    struct gateway *g = ctx;
    loop_stop(g->loop);
}

static const struct family_events family_events = {
    .ready = family_is_ready, .failed = family_failed, .ended = family_ended};

static bool health_says(void *ctx, struct buf *body)
{
    struct gateway *g = ctx;
    bool available = family_accepts(g->family) && !g->ending;
    struct health_times times = {.up_since_ns = g->up_since_ns, .now_ns = clock_wall_ns()};
    if (g->up_since_ns)
        times.up_for_ns = clock_mono_ns() - g->up_since_mono_ns;
    health_body(body, g->family, available, &times);
    return available;
}

/* ---- signals ---------------------------------------------------------------------------------------------------- */

static void asked_to_end(void *ctx, int signum)
{
    struct gateway *g = ctx;
    if (g->ending) {
        log_warn(&g->log, "asked a second time: ending at once");
        g->exit_code = EXIT_FAILURE;
        family_end(g->family);
        return;
    }
    g->ending = true;
    log_info(&g->log, "%s: finishing what is in flight", strsignal(signum));
    family_drain(g->family, g->config->masques.grace_ns / CLOCK_NS_PER_MS);
}

static bool on_terminal(void)
{
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

/* A daemon's operator means something else with it than a terminal that goes away. */
static void nothing_to_reload(void *ctx, int signum)
{
    struct gateway *g = ctx;
    (void)signum;
    log_warn(&g->log, "SIGHUP: the configuration is read at start only; nothing has changed");
}

/* Whether SIGHUP comes from a terminal is asked now: when it comes the terminal is gone. nohup(1) has it ignored. */
static int watch_hangup(struct gateway *g)
{
    struct sigaction before;
    if (sigaction(SIGHUP, NULL, &before) == 0 && before.sa_handler == SIG_IGN)
        return GW_OK;
    return loop_on_signal(g->loop, SIGHUP, on_terminal() ? asked_to_end : nothing_to_reload, g);
}

static int watch_signals(struct gateway *g)
{
    int err = loop_on_signal(g->loop, SIGTERM, asked_to_end, g);
    if (err == GW_OK)
        err = loop_on_signal(g->loop, SIGINT, asked_to_end, g);
    return err == GW_OK ? watch_hangup(g) : err;
}

/* ---- start and end ---------------------------------------------------------------------------------------------- */

static int read_config(struct gateway *g)
{
    struct config_error err;
    if (!g->arguments.config) {
        g->config = config_default();
        return g->config ? GW_OK : GW_ERR_NOMEM;
    }
    int code = config_load(g->arguments.config, &g->config, &err);
    if (code != GW_OK)
        fail(err.text);
    return code;
}

static int open_listener(struct gateway *g, bool enabled, const char *protocol,
                         const struct endpoint *endpoint, char why[512])
{
    if (!enabled)
        return GW_OK;
    int err = listener_open(&g->listeners[g->listener_count], protocol, endpoint, why);
    if (err == GW_OK)
        g->listener_count++;
    return err;
}

static int open_listeners(struct gateway *g, char why[512])
{
    const struct config *c = g->config;
    int err = open_listener(g, c->otlp.grpc.enabled, "grpc", &c->otlp.grpc.endpoint, why);
    if (err == GW_OK)
        err = open_listener(g, c->otlp.http.enabled, "http", &c->otlp.http.endpoint, why);
    g->otlp_count = g->listener_count;
    if (err == GW_OK)
        err = open_listener(g, c->health.enabled, "health", &c->health.endpoint, why);
    return err;
}

static int bring_up(struct gateway *g, char why[512])
{
    snprintf(why, 512, "no memory");
    g->loop = loop_new();
    if (!g->loop || watch_signals(g) != GW_OK)
        return GW_ERR_NOMEM;
    g->parts = (struct family_parts){
        .config = g->config,
        .runtime = &g->runtime,
        .listeners = g->listeners,
        .listener_count = g->otlp_count,
        .log = &g->log,
    };
    g->family = family_new(g->loop, &g->parts, &family_events, g, why);
    if (!g->family)
        return GW_ERR_INVALID;
    if (g->config->health.enabled) {
        g->health = health_server_new(g->loop, g->listeners[g->listener_count - 1].fd,
                                      g->config->health.path, HEALTH_SERVER_REQUEST_MS,
                                      health_says, g);
        if (!g->health)
            return GW_ERR_NOMEM;
    }
    return GW_OK;
}

static void tear_down(struct gateway *g)
{
    health_server_free(&g->health);
    family_free(&g->family);
    loop_free(&g->loop);
    for (size_t i = 0; i < g->listener_count; i++)
        listener_close(&g->listeners[i]);
    runtime_dir_close(&g->runtime);
    config_free(&g->config);
}

static int run(struct gateway *g)
{
    char why[512] = "the standard descriptors cannot be put in order";
    const char *ready_file = g->arguments.ready_file;
    if (standard_files_prepare() != GW_OK)
        return fail(why);
    g->log = (struct log){"receiver", (enum log_level)g->config->masques.log_level, STDERR_FILENO};
    for (size_t i = 0; i < g->config->warning_count; i++)
        log_warn(&g->log, "%s", g->config->warnings[i]);
    if (runtime_dir_open(&g->runtime, g->config->masques.runtime_directory, why) != GW_OK ||
        open_listeners(g, why) != GW_OK ||
        (ready_file && ready_file_clear(ready_file, why) != GW_OK) || bring_up(g, why) != GW_OK)
        return fail(why);
    if (!g->runtime.store_on_tmpfs && !g->config->masques.store.directory[0])
        log_warn(&g->log, "the store's directory %s is not on tmpfs: writing it costs the disk",
                 g->runtime.store);
    family_start(g->family);
    loop_run(g->loop);
    return g->exit_code;
}

static int print_config(const struct config *config)
{
    struct buf text = buf_make(1024 * 1024);
    config_print(config, &text);
    size_t written = fwrite(text.data, 1, text.len, stdout);
    int code = buf_ok(&text) && written == text.len && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
    buf_free(&text);
    return code;
}

static int act(struct gateway *g)
{
    switch (g->arguments.action) {
    case ARGUMENTS_HELP:
        arguments_help(stdout);
        return EXIT_SUCCESS;
    case ARGUMENTS_VERSION:
        puts("masques-receiver " MASQUES_VERSION);
        return EXIT_SUCCESS;
    default:
        break;
    }
    if (read_config(g) != GW_OK)
        return EXIT_FAILURE;
    if (g->arguments.action == ARGUMENTS_VALIDATE)
        return EXIT_SUCCESS;
    if (g->arguments.action == ARGUMENTS_PRINT_CONFIG)
        return print_config(g->config);
    return run(g);
}

int main(int argc, char **argv)
{
    struct gateway g = {.runtime.lock = -1};
    char why[256];
    if (arguments_parse(argc, argv, &g.arguments, why) != GW_OK)
        return fail(why);
    int code = act(&g);
    tear_down(&g);
    return code;
}
