// SPDX-License-Identifier: Apache-2.0
/* masques-receiver-worker: one of the processes that take telemetry from clients. Started by masques-receiver. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "receiver/worker/worker.h"
#include "shared/control/child.h"

/* Bodies of some ten KiB come and go all the time: memory that is given back to the kernel after each of them comes
 * back as page faults, which cost more than the copy into it. */
#define KEEP_TOP_BYTES (4 << 20)

struct process {
    struct worker *worker;
    struct child *child;
};

static void drain(void *ctx, uint32_t within_ms)
{
    struct process *p = ctx;
    worker_drain(p->worker, within_ms);
}

static void fill_beat(void *ctx, Masques__Control__Beat *beat)
{
    struct process *p = ctx;
    worker_fill_beat(p->worker, beat);
}

static void router_up(void *ctx)
{
    struct process *p = ctx;
    worker_router_up(p->worker);
}

static void changed(void *ctx)
{
    struct process *p = ctx;
    child_beat(p->child);
}

static const struct child_events child_events = {
    .drain = drain,
    .fill_beat = fill_beat,
    .router_up = router_up,
};

static int run(const Masques__Control__Settings *settings, struct log *log)
{
    struct process p = {0};
    int code = EXIT_FAILURE;
    struct loop *loop = loop_new();
    struct link_context *context = link_context_new();
    if (loop && context)
        p.worker = worker_new(loop, context, settings, log);
    if (p.worker)
        p.child = child_new(loop, &child_events, &p, log);
    if (!p.child) {
        log_error(log, "cannot start: no memory");
    } else if (worker_start(p.worker) != GW_OK) {
        child_fail(p.child, "the listening sockets cannot be used");
    } else {
        worker_on_change(p.worker, changed, &p);
        child_ready(p.child, "");
        loop_run(loop);
        code = EXIT_SUCCESS;
    }
    if (p.worker)
        worker_on_change(p.worker, NULL, NULL);
    child_free(&p.child);
    worker_free(&p.worker);
    loop_free(&loop);
    link_context_free(&context);
    return code;
}

static int run_child(void)
{
    Masques__Control__Settings *settings = NULL;
    if (child_begin(&settings) != GW_OK)
        return EXIT_FAILURE;
    struct log log = {settings->name, (enum log_level)settings->log_level, STDERR_FILENO};
    int code = EXIT_FAILURE;
    mallopt(M_TRIM_THRESHOLD, KEEP_TOP_BYTES);
    mallopt(M_MMAP_THRESHOLD, KEEP_TOP_BYTES);
    if (settings->role_case == MASQUES__CONTROL__SETTINGS__ROLE_WORKER)
        code = run(settings, &log);
    else
        log_error(&log, "these are not the settings of a worker");
    masques__control__settings__free_unpacked(settings, NULL);
    return code;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--child") == 0)
        return run_child();
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        puts("masques-receiver-worker " MASQUES_VERSION);
        return EXIT_SUCCESS;
    }
    bool asked = argc == 2 && strcmp(argv[1], "--help") == 0;
    fputs("masques-receiver-worker is started by masques-receiver: see masques-receiver --help\n",
          asked ? stdout : stderr);
    return asked ? EXIT_SUCCESS : EXIT_FAILURE;
}
