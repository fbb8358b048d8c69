// SPDX-License-Identifier: Apache-2.0
/* masques-router: started by masques-receiver, with its settings on a descriptor. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "router/router.h"
#include "shared/control/child.h"

struct app {
    struct log log;
    struct loop *loop;
    struct link_context *context;
    struct child *child;
    struct router *router; /* NULL until the store is open */
};

static void on_drain(void *ctx, uint32_t within_ms)
{
    struct app *app = ctx;
    router_drain(app->router, within_ms);
}

static void on_drained(void *ctx)
{
    struct app *app = ctx;
    router_say_left(app->router);
    loop_stop(app->loop);
}

static void on_fill_beat(void *ctx, Masques__Control__Beat *beat)
{
    struct app *app = ctx;
    router_fill_beat(app->router, beat);
}

static void on_expect(void *ctx, const Masques__Control__Expect *expect)
{
    struct app *app = ctx;
    router_expect(app->router, expect);
}

static void on_reconfigure(void *ctx, const Masques__Control__Reconfigure *reconfigure)
{
    struct app *app = ctx;
    router_reconfigure(app->router, reconfigure);
}

static void on_detached(void *ctx, const char *name)
{
    struct app *app = ctx;
    child_detached(app->child, name);
    child_beat(app->child); /* which does not name it any more */
}

static const struct child_events child_events = {
    .drain = on_drain,
    .fill_beat = on_fill_beat,
    .expect = on_expect,
    .reconfigure = on_reconfigure,
};

/* The control channel speaks from the loop only, so that its callbacks always find the router. */
static int run(struct app *app, const Masques__Control__Settings *settings)
{
    char why[768] = "no memory";
    enum router_failure failure = ROUTER_FAILURE_PASSING;
    struct router_options options = {
        .endpoint = settings->bus_endpoint,
        .run = settings->run,
        .settings = settings->router,
        .drained = on_drained,
        .detached = on_detached,
        .ctx = app,
    };
    app->loop = loop_new();
    app->context = app->loop ? link_context_new() : NULL;
    app->child = app->context ? child_new(app->loop, &child_events, app, &app->log) : NULL;
    if (app->child)
        app->router =
            router_new(app->loop, app->context, &options, &app->log, why, sizeof why, &failure);
    if (!app->router) {
        if (app->child && failure == ROUTER_FAILURE_LASTING)
            child_fail(app->child, why); /* logs it, too */
        else
            log_error(&app->log, "cannot start: %s", why);
        return EXIT_FAILURE;
    }
    child_ready(app->child, settings->bus_endpoint);
    loop_run(app->loop);
    return EXIT_SUCCESS;
}

static void tear_down(struct app *app)
{
    router_free(&app->router);
    if (app->child)
        child_free(&app->child);
    if (app->loop)
        loop_free(&app->loop);
    if (app->context)
        link_context_free(&app->context);
}

static int main_spawned(void)
{
    Masques__Control__Settings *settings;
    if (child_begin(&settings) != GW_OK)
        return EXIT_FAILURE;
    struct app app = {
        .log = {settings->name, (enum log_level)settings->log_level, STDERR_FILENO},
    };
    int code = EXIT_FAILURE;
    if (settings->role_case == MASQUES__CONTROL__SETTINGS__ROLE_ROUTER && settings->router)
        code = run(&app, settings);
    else
        log_error(&app.log, "cannot start: the settings are not a router's");
    tear_down(&app);
    masques__control__settings__free_unpacked(settings, NULL);
    return code;
}

int main(int argc, char **argv)
{
    static const char purpose[] =
        "masques-router keeps accepted telemetry until every exporter has it. It is started by "
        "masques-receiver.";
    if (argc == 2 && strcmp(argv[1], "--child") == 0)
        return main_spawned();
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        printf("masques-router %s\n", MASQUES_VERSION);
        return EXIT_SUCCESS;
    }
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        printf("%s\n\n  --help     this text\n  --version  its version\n", purpose);
        return EXIT_SUCCESS;
    }
    fprintf(stderr, "%s\n", purpose);
    return EXIT_FAILURE;
}
