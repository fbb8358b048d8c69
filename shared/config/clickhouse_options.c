// SPDX-License-Identifier: Apache-2.0
/* The options of the ClickHouse exporter: what they demand of each other, and where its secrets come from. Their rows
 * stand in shared/config/clickhouse_rows.c. */
#include "shared/config/clickhouse_options.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "shared/config/clickhouse_hosts.h"
#include "shared/config/duration.h"
#include "shared/config/option.h"
#include "shared/config/pairs.h"

#define DEFAULT_USER "default"
#define ENGINE_FAMILY "MergeTree"

static int refuse(struct buf *why, const char *text)
{
    buf_text(why, text);
    return GW_ERR_INVALID;
}

static int check_endpoint(const struct clickhouse_options *o, struct buf *why)
{
    struct clickhouse_hosts hosts;
    if (!o->endpoint[0])
        return refuse(why, "endpoint must be specified, such as http://HOST:8123");
    int rc = clickhouse_hosts_parse(slice_of(o->endpoint), &hosts, why);
    if (rc < 0)
        return rc;
    if (!hosts.tls && (o->ca_file[0] || o->cert_file[0] || o->key_file[0] || o->insecure_skip_verify))
        return refuse(why, "tls has no effect with an endpoint of http://; write https://");
    if (!o->cert_file[0] != !o->key_file[0])
        return refuse(why, "tls::cert_file and tls::key_file are both needed where one of them is written");
    return 0;
}

static int check_secrets(const struct clickhouse_options *o, struct buf *why)
{
    if (o->username[0] && o->username_file[0])
        return refuse(why, "username and username_file must not both be written");
    if (o->password[0] && o->password_file[0])
        return refuse(why, "password and password_file must not both be written");
    if (strcmp(o->password, OPTION_REDACTED) == 0 || strcmp(o->username, OPTION_REDACTED) == 0)
        return refuse(why, "username or password is what print-config writes instead of a secret, not the secret");
    return 0;
}

/* Names that say what this exporter itself says, in each request; and what would undo that each row is written once. */
static int check_params(const struct clickhouse_options *o, struct buf *why)
{
    static const struct {
        const char *name;
        const char *instead;
    } ours[] = {
        {"query", "it is the exporter's own"},
        {"database", "write it as `database` of the exporter"},
        {"user", "write `username`"},
        {"username", "write `username` of the exporter"},
        {"password", "write `password` of the exporter"},
        {"compress", "write `compress` of the exporter"},
        {"decompress", "write `compress` of the exporter"},
        {"enable_http_compression", "write `compress` of the exporter"},
        {"default_format", "rows are written in the format Native"},
        {"session_id", "a session would make inserts wait for each other"},
        {"query_id", "it would be the same for every insert"},
        {"dial_timeout", "write `timeout` of the exporter"},
        {"async_insert", "inserts are large and carry tokens; they are not asynchronous"},
        {"wait_for_async_insert", "inserts are not asynchronous"},
        {"insert_deduplication_token", "it is the exporter's own, another one for every insert"},
        {"insert_deduplicate", "rows would be written twice"},
        {"deduplicate_insert", "rows would be written twice"},
        {"max_insert_block_size", "blocks have the size that keeps an insert whole"},
        {"min_insert_block_size_rows", "blocks have the size that keeps an insert whole"},
        {"min_insert_block_size_bytes", "blocks have the size that keeps an insert whole"},
    };
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
        if (pairs_has(slice_of(o->connection_params), slice_of(ours[i].name))) {
            buf_printf(why, "connection_params must not have %s: %s", ours[i].name, ours[i].instead);
            return GW_ERR_INVALID;
        }
    }
    return 0;
}

static int check_tables(const struct clickhouse_options *o, struct buf *why)
{
    const char *const names[] = {o->logs_table,    o->traces_table,    o->gauge_table,
                                 o->sum_table,     o->summary_table,   o->histogram_table,
                                 o->exponential_histogram_table};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        for (size_t k = 0; k < i; k++) {
            if (strcmp(names[i], names[k]) != 0)
                continue;
            buf_printf(why, "two tables have the name %s", names[i]);
            return GW_ERR_INVALID;
        }
    }
    return 0;
}

/* What the tables are created with. */
static int check_schema(const struct clickhouse_options *o, struct buf *why)
{
    size_t len = strlen(o->engine_name);
    if (o->ttl_ns % (uint64_t)DURATION_S_NS)
        return refuse(why, "ttl must be whole seconds");
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)o->engine_name[i]))
            return refuse(why, "table_engine::name must be a name alone; what stands between its parentheses is "
                               "table_engine::params");
    if (len < strlen(ENGINE_FAMILY) || strcmp(o->engine_name + len - strlen(ENGINE_FAMILY), ENGINE_FAMILY) != 0)
        return refuse(why, "table_engine::name must be of the MergeTree family; tables of other engines are written "
                           "to where they are there, with create_schema: false");
    if (o->json && o->create_schema)
        return refuse(why, "json: tables with JSON columns are not created here; where they are there already, they "
                           "are written to: add create_schema: false");
    return 0;
}

int clickhouse_options_check(const void *options, struct buf *why)
{
    static int (*const checks[])(const struct clickhouse_options *, struct buf *) = {
        check_endpoint, check_secrets, check_params, check_tables, check_schema,
    };
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof checks / sizeof checks[0]; i++)
        rc = checks[i](options, why);
    return rc;
}

/* ---- secrets ---- */

/* The first line of a file, without what ends it. */
static int read_line(const char *path, const char *option, struct buf *out, struct buf *why)
{
    char text[CLICKHOUSE_SECRET_BYTES];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text);
    int error = errno;
    if (fd >= 0)
        close(fd);
    if (n < 0) {
        buf_printf(why, "%s: cannot read %s: %s", option, path, strerror(error));
        return GW_ERR_IO;
    }
    size_t len = 0;
    while (len < (size_t)n && text[len] != '\n' && text[len] != '\r' && text[len] != '\0')
        len++;
    if (len == sizeof text) {
        buf_printf(why, "%s: the first line of %s is longer than %zu bytes", option, path, sizeof text - 1);
        return GW_ERR_IO;
    }
    buf_append(out, text, len);
    explicit_bzero(text, sizeof text);
    return buf_ok(out) ? 0 : GW_ERR_NOMEM;
}

static int secret(const char *text, const char *path, const char *option, struct buf *out, struct buf *why)
{
    if (path[0])
        return read_line(path, option, out, why);
    buf_text(out, text);
    return buf_ok(out) ? 0 : GW_ERR_NOMEM;
}

int clickhouse_credentials(const struct clickhouse_options *o, struct buf *user, struct buf *password,
                           struct buf *why)
{
    int rc = secret(o->username, o->username_file, "username_file", user, why);
    if (rc == 0)
        rc = secret(o->password, o->password_file, "password_file", password, why);
    if (rc == 0 && password->len && !user->len)
        buf_text(user, DEFAULT_USER);
    return rc < 0 || buf_ok(user) ? rc : GW_ERR_NOMEM;
}
