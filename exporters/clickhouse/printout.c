// SPDX-License-Identifier: Apache-2.0
#include "exporters/clickhouse/printout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exporters/clickhouse/views.h"
#include "shared/config/config.h"

#define DDL_FLAG "--print-ddl"
#define VIEWS_FLAG "--print-views"
#define PATH_BYTES 128u
#define TEXT_BYTES (4u << 20)
#define WHY_BYTES 4096u

struct request {
    bool ddl, views;
    uint32_t version;
    const char *config; /* NULL: the defaults */
    const char *name;   /* NULL: the first of its type */
    struct clickhouse_options options;
};

static bool is_ddl(const char *arg)
{
    size_t n = strlen(DDL_FLAG);
    return strncmp(arg, DDL_FLAG, n) == 0 && (arg[n] == '\0' || arg[n] == '=');
}

bool printout_wanted(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (is_ddl(argv[i]) || strcmp(argv[i], VIEWS_FLAG) == 0)
            return true;
    return false;
}

static const struct option_set *rows(void)
{
    return &exporter_kind_find(slice_of("clickhouse"))->options;
}

/* The exporter of the configuration that is meant, or NULL. */
static const struct config_exporter *exporter_of(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->exporter_count; i++) {
        const struct config_exporter *e = &config->exporters[i];
        if (strcmp(e->kind->type, "clickhouse") == 0 && (!name || strcmp(e->id, name) == 0))
            return e;
    }
    return NULL;
}

static int read_config(struct request *r, struct buf *why)
{
    struct config *config;
    struct config_error error;
    if (!r->config)
        return 0;
    int rc = config_load(r->config, &config, &error);
    if (rc < 0) {
        buf_text(why, error.text);
        return rc;
    }
    const struct config_exporter *e = exporter_of(config, r->name);
    if (e)
        r->options = e->options.clickhouse;
    else
        buf_printf(why, "%s: no pipeline has an exporter %s", r->config, r->name ? r->name : "clickhouse");
    config_free(&config);
    return e ? 0 : GW_ERR_NOT_FOUND;
}

/* "--tls.ca-file" as the path of an option. */
static int apply(struct request *r, const char *flag, const char *value, struct buf *why)
{
    char path[PATH_BYTES];
    size_t n = 0;
    for (const char *c = flag; *c && *c != '=' && n + 3 < sizeof path; c++) {
        if (*c == '.')
            path[n++] = ':';
        path[n++] = *c == '.' ? ':' : *c == '-' ? '_' : *c;
    }
    path[n] = '\0';
    return options_apply(rows()->rows, rows()->count, path, value, &r->options, why);
}

/* One of our own flags, with its value where it has one? */
static bool own_flag(struct request *r, const char *flag, const char *value)
{
    size_t n = strcspn(flag, "=");
    if (n == strlen("config") && strncmp(flag, "config", n) == 0)
        r->config = value;
    else if (n == strlen("name") && strncmp(flag, "name", n) == 0)
        r->name = value;
    else
        return false;
    return true;
}

static int read_version(struct request *r, const char *arg, struct buf *why)
{
    const char *value = strchr(arg, '=');
    r->ddl = true;
    if (!value)
        return 0;
    r->version = ddl_version(slice_of(value + 1));
    if (r->version)
        return 0;
    buf_printf(why, "%s: expected a version such as 25.8", DDL_FLAG);
    return GW_ERR_INVALID;
}

/* All flags once: those that say where the options come from, or (`options`) those that change them. */
static int read_flags(struct request *r, int argc, char **argv, bool options, struct buf *why)
{
    int rc = 0;
    for (int i = 1; rc == 0 && i < argc; i++) {
        const char *arg = argv[i];
        if (is_ddl(arg)) {
            rc = read_version(r, arg, why);
            continue;
        }
        if (strcmp(arg, VIEWS_FLAG) == 0) {
            r->views = true;
            continue;
        }
        const char *value = strchr(arg, '=');
        if (strncmp(arg, "--", 2) != 0 || (!value && i + 1 == argc)) {
            buf_printf(why, "%s: %s", arg, strncmp(arg, "--", 2) != 0 ? "no flag" : "needs a value");
            return GW_ERR_INVALID;
        }
        value = value ? value + 1 : argv[++i];
        if (!own_flag(r, arg + 2, value) && options)
            rc = apply(r, arg + 2, value, why);
    }
    return rc;
}

int printout_write(int argc, char **argv, struct buf *out, struct buf *why)
{
    struct request *r = calloc(1, sizeof *r);
    int rc = r ? 0 : GW_ERR_NOMEM;
    if (r) {
        r->version = DDL_VERSION_MAX;
        options_default(rows()->rows, rows()->count, &r->options);
        rc = read_flags(r, argc, argv, false, why);
    }
    if (rc == 0)
        rc = read_config(r, why);
    if (rc == 0)
        rc = read_flags(r, argc, argv, true, why);
    if (rc == 0 && r->ddl)
        ddl_script(out, &r->options, r->version);
    if (rc == 0 && r->views)
        views_script(out, &r->options);
    if (rc == 0 && !buf_ok(out))
        rc = GW_ERR_NOMEM;
    if (rc == GW_ERR_NOMEM)
        buf_text(why, "no memory");
    free(r);
    return rc == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int printout_main(int argc, char **argv)
{
    struct buf out = buf_make(TEXT_BYTES), why = buf_make(WHY_BYTES);
    int code = printout_write(argc, argv, &out, &why);
    if (code == EXIT_SUCCESS && (fwrite(out.data, 1, out.len, stdout) != out.len || fflush(stdout) != 0)) {
        buf_text(&why, "cannot write");
        code = EXIT_FAILURE;
    }
    if (why.len)
        fprintf(stderr, "masques-exporter-clickhouse: %.*s\n", (int)why.len, (const char *)why.data);
    buf_free(&out);
    buf_free(&why);
    return code;
}
