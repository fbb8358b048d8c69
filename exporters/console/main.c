// SPDX-License-Identifier: Apache-2.0
#include <time.h>
#include <unistd.h>

#include "exporters/console/console.h"

/* "console" and "debug" of the configuration are the same, so their options are too. */
static const struct option_set *console_rows(void)
{
    return &exporter_kind_find(slice_of("console"))->options;
}

static void defaults(void *options)
{
    const struct option_set *set = console_rows();
    options_default(set->rows, set->count, options);
}

static int option(void *options, const char *path, const char *text, struct buf *why)
{
    const struct option_set *set = console_rows();
    return options_apply(set->rows, set->count, path, text, options, why);
}

static void on_closed(void *ctx, const char *why)
{
    exporter_closed(ctx, why);
}

static void on_trouble(void *ctx, const char *error)
{
    exporter_trouble(ctx, error, error != NULL);
}

static void *console_open(struct exporter_host *host, const void *options, const char **why)
{
    static const struct console_events events = {.closed = on_closed, .trouble = on_trouble};
    tzset();
    struct console *c = console_new(exporter_loop(host), STDOUT_FILENO, options, &events, host);
    if (!c)
        *why = "no memory for the console's writer";
    return c;
}

static void push(void *exporter, struct delivery *delivery)
{
    console_push(exporter, delivery);
}

static void cancel(void *exporter, struct delivery *delivery)
{
    console_cancel(exporter, delivery);
}

static void console_close(void *exporter)
{
    struct console *c = exporter;
    console_free(&c);
}

int main(int argc, char **argv)
{
    static const struct exporter_ops ops = {
        .type = "console",
        .summary = "prints telemetry on stdout",
        .flags = "  --format FORMAT     pretty: a line a record, for people; json: a line of OTLP JSON a batch\n"
                 "  --color WHEN        auto, always, never\n"
                 "  --match TEXT        only records that contain TEXT (json: batches), in any case\n",
        .wishes = {.in_flight = 1}, /* so that what comes in order is shown in order */
        .mode = MASQUES__BUS__MODE__LOSSY,
        .mode_by_hand = MASQUES__BUS__MODE__LIVE, /* a look at what comes in, which leaves nothing behind */
        .options_bytes = sizeof(struct console_options),
        .defaults = defaults,
        .option = option,
        .open = console_open,
        .push = push,
        .cancel = cancel,
        .close = console_close,
    };
    return exporter_main(argc, argv, &ops);
}
