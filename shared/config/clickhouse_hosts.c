// SPDX-License-Identifier: Apache-2.0
#include "shared/config/clickhouse_hosts.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define NATIVE_PORT 9000u
#define NATIVE_TLS_PORT 9440u

/* A scheme as it may be written. */
struct scheme {
    const char *prefix;
    bool http; /* otherwise ClickHouse's own protocol, which is not spoken here */
    bool tls;
};

static const struct scheme schemes[] = {
    {"http://", true, false},
    {"https://", true, true},
    {"tcp://", false, false},
    {"clickhouse://", false, false},
    {"native://", false, false},
    {"tls://", false, true},
};

static struct slice cut_front(struct slice text, size_t n)
{
    return slice_make(text.data + n, text.len - n);
}

static struct slice trim(struct slice text)
{
    while (text.len && text.data[0] == ' ')
        text = cut_front(text, 1);
    while (text.len && text.data[text.len - 1] == ' ')
        text.len--;
    return text;
}

static size_t length_before(struct slice text, const char *any)
{
    size_t n = 0;
    while (n < text.len && !(text.data[n] && strchr(any, text.data[n])))
        n++;
    return n;
}

static const struct scheme *scheme_of(struct slice text)
{
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        size_t n = strlen(schemes[i].prefix);
        if (text.len >= n && strncasecmp((const char *)text.data, schemes[i].prefix, n) == 0)
            return &schemes[i];
    }
    return NULL;
}

/* "[::1]" has its colons between brackets. */
static bool has_port(struct slice host)
{
    size_t from = 0;
    while (from < host.len && host.data[0] == '[' && host.data[from] != ']')
        from++;
    return memchr(host.data + from, ':', host.len - from) != NULL;
}

/* Like endpoint_parse(), which makes an address of "localhost": a certificate is for the name. */
static int parse_host(struct slice text, uint16_t port, struct endpoint *out)
{
    struct buf whole = buf_make(ENDPOINT_HOST_BYTES + 16);
    buf_slice_append(&whole, text);
    if (!has_port(text))
        buf_printf(&whole, ":%u", port);
    int rc = buf_ok(&whole) ? endpoint_parse(buf_slice(&whole), out) : GW_ERR_MALFORMED;
    if (rc == 0 && length_before(text, ":") == strlen("localhost") &&
        strncasecmp((const char *)text.data, "localhost", strlen("localhost")) == 0)
        strcpy(out->host, "localhost");
    buf_free(&whole);
    return rc < 0 || !out->host[0] || !out->port ? GW_ERR_MALFORMED : 0;
}

static int refuse(struct buf *why, const char *text)
{
    buf_text(why, text);
    return GW_ERR_INVALID;
}

/* One of the hosts; a scheme may stand before each, but it is one for all. */
static int add_host(struct slice item, const struct scheme *scheme, struct clickhouse_hosts *out,
                    struct buf *why)
{
    const struct scheme *own = scheme_of(item);
    if (own && own != scheme)
        return refuse(why, "endpoint: all hosts have one scheme, http:// or https://");
    if (own)
        item = cut_front(item, strlen(own->prefix));
    item = trim(item);
    if (item.len && item.data[item.len - 1] == '/')
        item.len--;
    if (item.len && memchr(item.data, '/', item.len))
        return refuse(why, "endpoint must not hold a path; write the database as `database`");
    if (out->count == CLICKHOUSE_HOSTS_MAX) {
        buf_printf(why, "endpoint: more than %u hosts", CLICKHOUSE_HOSTS_MAX);
        return GW_ERR_INVALID;
    }
    uint16_t port = scheme->tls ? CLICKHOUSE_HTTPS_PORT : CLICKHOUSE_HTTP_PORT;
    if (parse_host(item, port, &out->items[out->count]) < 0)
        return refuse(why, "endpoint: expected http://HOST:PORT or https://HOST:PORT, further hosts "
                           "after a comma");
    out->count++;
    return 0;
}

/* What stands where hosts should, and where it belongs. Only what cannot be a secret is repeated. */
static int check_rest(struct slice rest, struct buf *why)
{
    if (length_before(rest, "@") < rest.len)
        return refuse(why, "endpoint must not hold a user or a password; write them as `username` and "
                           "`password` (better: `password: ${env:NAME}`, or `password_file`)");
    if (length_before(rest, "?#") < rest.len)
        return refuse(why, "endpoint must not hold parameters; write settings of ClickHouse under "
                           "`connection_params`, and `database`, `username`, `password`, `compress` and "
                           "`timeout` as options of the exporter; dial_timeout and other parameters of the "
                           "collector's driver have no use here");
    return 0;
}

/* The HTTP interface of the hosts that were given by ClickHouse's own protocol. */
static int answer_native(struct slice text, const struct scheme *scheme, struct buf *why)
{
    struct slice rest = cut_front(text, strlen(scheme->prefix));
    const uint8_t *at = rest.len ? memrchr(rest.data, '@', rest.len) : NULL;
    bool tls = scheme->tls || memmem(rest.data, rest.len, "secure=true", 11);
    if (at)
        rest = cut_front(rest, (size_t)(at - rest.data) + 1);
    rest.len = length_before(rest, "/?#");
    struct clickhouse_hosts hosts = {.tls = tls};
    while (rest.len && hosts.count < CLICKHOUSE_HOSTS_MAX) {
        size_t n = length_before(rest, ",");
        struct endpoint *e = &hosts.items[hosts.count];
        if (parse_host(trim(slice_make(rest.data, n)), NATIVE_PORT, e) < 0)
            break;
        hosts.tls = hosts.tls || e->port == NATIVE_TLS_PORT;
        hosts.count++;
        rest = cut_front(rest, n < rest.len ? n + 1 : n);
    }
    buf_printf(why,
               "endpoint: %.*s is ClickHouse's native protocol, and this exporter speaks its HTTP interface; write ",
               (int)strlen(scheme->prefix), scheme->prefix);
    for (size_t i = 0; i < hosts.count; i++) {
        hosts.items[i].port = hosts.tls ? CLICKHOUSE_HTTPS_PORT : CLICKHOUSE_HTTP_PORT;
        if (i == 0)
            buf_text(why, hosts.tls ? "https://" : "http://");
        else
            buf_byte(why, ',');
        endpoint_print(&hosts.items[i], why);
    }
    buf_text(why, hosts.count ? " (or the port of its HTTP interface, if that is another one)"
                              : "http://HOST:8123");
    return GW_ERR_INVALID;
}

int clickhouse_hosts_parse(struct slice text, struct clickhouse_hosts *out, struct buf *why)
{
    text = trim(text);
    const struct scheme *scheme = scheme_of(text);
    if (!scheme)
        return refuse(why, "endpoint: expected http://HOST:PORT or https://HOST:PORT, further hosts after "
                           "a comma");
    if (!scheme->http)
        return answer_native(text, scheme, why);
    struct slice rest = cut_front(text, strlen(scheme->prefix));
    *out = (struct clickhouse_hosts){.tls = scheme->tls};
    int rc = check_rest(rest, why);
    while (rc == 0) {
        size_t n = length_before(rest, ",");
        rc = add_host(trim(slice_make(rest.data, n)), scheme, out, why);
        if (n == rest.len)
            break;
        rest = cut_front(rest, n + 1);
    }
    return rc;
}

void clickhouse_hosts_url(const struct clickhouse_hosts *hosts, size_t index, struct buf *out)
{
    buf_text(out, hosts->tls ? "https://" : "http://");
    endpoint_print(&hosts->items[index], out);
}
