// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exporters/clickhouse/insert.h"
#include "exporters/clickhouse/printout.h"
#include "exporters/common/exporter.h"
#include "shared/config/exporter_options.h"

/* What the runtime keeps for us. */
struct program {
    struct insert *insert;
    struct exporter_host *host;
};

static const struct option_set *clickhouse_set(void)
{
    return &exporter_kind_find(slice_of("clickhouse"))->options;
}

/* What clickhouse-client calls the user and the password, too: for who starts the program by hand. The master gives
 * all options, so that nothing of this is left. */
static void from_environment(struct clickhouse_options *o)
{
    const char *user = getenv("CLICKHOUSE_USER");
    const char *password = getenv("CLICKHOUSE_PASSWORD");
    if (user && strlen(user) < sizeof o->username)
        strcpy(o->username, user);
    if (password && strlen(password) < sizeof o->password)
        strcpy(o->password, password);
}

static void defaults(void *options)
{
    const struct option_set *set = clickhouse_set();
    options_default(set->rows, set->count, options);
    from_environment(options);
}

static int option(void *options, const char *path, const char *text, struct buf *why)
{
    const struct option_set *set = clickhouse_set();
    return options_apply(set->rows, set->count, path, text, options, why);
}

static void on_trouble(void *ctx, const char *error, bool degraded)
{
    const struct program *p = ctx;
    exporter_trouble(p->host, error, degraded);
}

static void program_close(void *exporter)
{
    struct program *p = exporter;
    insert_free(&p->insert);
    free(p);
}

static void *program_open(struct exporter_host *host, const void *options, const char **why)
{
    *why = "no memory";
    struct program *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->host = host;
    p->insert = insert_new(exporter_loop(host), options, exporter_log(host), on_trouble, p, why);
    if (p->insert)
        return p;
    program_close(p);
    return NULL;
}

static void push(void *exporter, struct delivery *delivery)
{
    struct program *p = exporter;
    insert_push(p->insert, delivery);
}

static void cancel(void *exporter, struct delivery *delivery)
{
    struct program *p = exporter;
    insert_cancel(p->insert, delivery);
}

static void progressed(void *exporter, struct delivery *delivery)
{
    struct program *p = exporter;
    insert_progressed(p->insert, delivery);
}

/* Every process of the machine can read what stands among the arguments. */
static bool shows_password(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--password") == 0 || strncmp(argv[i], "--password=", 11) == 0)
            return true;
    return false;
}

int main(int argc, char **argv)
{
    static const struct exporter_ops ops = {
        .type = "clickhouse",
        .summary = "writes telemetry to ClickHouse, into the tables of the OpenTelemetry Collector's ClickHouse exporter",
        .flags = "  --endpoint URL      http://HOST:8123 or https://HOST:8443, required; the other options of\n"
                 "                      docs/configuration.md, exporters::clickhouse, are flags as well, with \".\" between\n"
                 "                      their keys:\n"
                 "  --username NAME, --username_file FILE, --password_file FILE\n"
                 "                      without these: CLICKHOUSE_USER and CLICKHOUSE_PASSWORD of the environment\n"
                 "  --database NAME, --create_schema BOOL, --ttl DURATION\n"
                 "  --compress ALGO     zstd, lz4, gzip, none\n"
                 "  --tls.ca_file FILE, --tls.cert_file FILE, --tls.key_file FILE\n"
                 PRINTOUT_FLAGS,
        .wishes = {.max_records = 100000, .max_bytes = 32u << 20, .linger_ms = 1000, .in_flight = 4},
        .mode = MASQUES__BUS__MODE__DURABLE,
        .options_bytes = sizeof(struct clickhouse_options),
        .defaults = defaults,
        .option = option,
        .check = clickhouse_options_check,
        .open = program_open,
        .push = push,
        .cancel = cancel,
        .progressed = progressed,
        .close = program_close,
    };
    if (shows_password(argc, argv)) {
        fputs("masques-exporter-clickhouse: a password among the arguments is seen by everybody; give it as "
              "CLICKHOUSE_PASSWORD in the environment, or with --password_file FILE\n",
              stderr);
        return EXIT_FAILURE;
    }
    return printout_wanted(argc, argv) ? printout_main(argc, argv) : exporter_main(argc, argv, &ops);
}
