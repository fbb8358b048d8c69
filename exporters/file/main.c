// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "exporters/file/file.h"

/* What the runtime keeps for us. */
struct program {
    struct file *file;
    struct exporter_host *host;
};

static const struct option_set *file_rows(void)
{
    return &exporter_kind_find(slice_of("file"))->options;
}

static void defaults(void *options)
{
    const struct option_set *set = file_rows();
    options_default(set->rows, set->count, options);
}

static int option(void *options, const char *path, const char *text, struct buf *why)
{
    const struct option_set *set = file_rows();
    return options_apply(set->rows, set->count, path, text, options, why);
}

static uint64_t on_run(void *ctx)
{
    const struct program *p = ctx;
    return exporter_run(p->host);
}

static bool on_synced(void *ctx)
{
    const struct program *p = ctx;
    return exporter_synced(p->host);
}

static void on_trouble(void *ctx, const char *error, bool degraded)
{
    const struct program *p = ctx;
    exporter_trouble(p->host, error, degraded);
}

static void on_hangup(void *ctx, int signum)
{
    struct program *p = ctx;
    (void)signum;
    file_reopen(p->file);
}

/* Children ignore SIGHUP, which a terminal sends to the whole group; one that was started by hand opens its files
 * anew. False: no memory. */
static bool obey_hangup(struct program *p)
{
    struct sigaction now;
    if (sigaction(SIGHUP, NULL, &now) < 0 || now.sa_handler == SIG_IGN)
        return true;
    return loop_on_signal(exporter_loop(p->host), SIGHUP, on_hangup, p) == 0;
}

static void program_close(void *exporter)
{
    struct program *p = exporter;
    file_free(&p->file);
    free(p);
}

static void *program_open(struct exporter_host *host, const void *options, const char **why)
{
    static const struct file_events events = {
        .run = on_run, .synced = on_synced, .trouble = on_trouble};
    tzset();
    *why = "no memory, or no thread, for writing files";
    struct program *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->host = host;
    p->file = file_new(exporter_loop(host), options, exporter_log(host), &events, p);
    if (!p->file || !obey_hangup(p)) {
        program_close(p);
        return NULL;
    }
    return p;
}

static void push(void *exporter, struct delivery *delivery)
{
    struct program *p = exporter;
    file_push(p->file, delivery);
}

static void cancel(void *exporter, struct delivery *delivery)
{
    struct program *p = exporter;
    file_cancel(p->file, delivery);
}

static void progressed(void *exporter, struct delivery *delivery)
{
    struct program *p = exporter;
    file_progressed(p->file, delivery);
}

int main(int argc, char **argv)
{
    static const struct exporter_ops ops = {
        .type = "file",
        .summary = "writes telemetry to files, as the OpenTelemetry Collector's file exporter does",
        .flags = "  --path FILE         where to, required; the other options of docs/configuration.md, exporters::file,\n"
                 "                      are flags as well, with \".\" between their keys:\n"
                 "  --format FORMAT     json: a line a batch; proto: length and protobuf\n"
                 "  --compression ALGO  none, zstd\n"
                 "  --append BOOL       continue the file instead of emptying it\n"
                 "  --rotation.max_megabytes N, --rotation.max_days N, --rotation.max_backups N,\n"
                 "  --rotation.localtime BOOL\n"
                 "  --group_by.enabled BOOL, --group_by.resource_attribute KEY, --group_by.max_open_files N\n"
                 "  --create_directory BOOL, --directory_permissions OCTAL\n",
        .wishes = {.in_flight = 2}, /* one is written, one becomes text */
        .mode = MASQUES__BUS__MODE__DURABLE,
        .options_bytes = sizeof(struct file_options),
        .defaults = defaults,
        .option = option,
        .check = file_options_check,
        .open = program_open,
        .push = push,
        .cancel = cancel,
        .progressed = progressed,
        .close = program_close,
    };
    return exporter_main(argc, argv, &ops);
}
