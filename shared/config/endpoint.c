// SPDX-License-Identifier: Apache-2.0
#include "shared/config/endpoint.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "shared/config/size.h"

static bool is_name_byte(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '-' || c == '_' || c == '.';
}

/* A DNS name or an IPv4 address. All digits and points can only be meant as an address. */
static bool is_plain_host(const char *host)
{
    struct in_addr v4;
    if (host[strspn(host, "0123456789.")] == '\0')
        return host[0] == '\0' || inet_pton(AF_INET, host, &v4) == 1;
    if (host[0] == '.' || host[0] == '-' || strstr(host, ".."))
        return false;
    for (const char *at = host; *at; at++)
        if (!is_name_byte((uint8_t)*at))
            return false;
    return true;
}

/* What stands between the brackets: an IPv6 address with an optional zone (RFC 4007 section 11). */
static bool is_bracket_host(const char *host)
{
    char address[INET6_ADDRSTRLEN];
    struct in6_addr v6;
    size_t n = strcspn(host, "%");
    if (n >= sizeof address)
        return false;
    memcpy(address, host, n);
    address[n] = '\0';
    if (inet_pton(AF_INET6, address, &v6) != 1)
        return false;
    if (host[n] == '\0')
        return true;
    if (host[n + 1] == '\0')
        return false;
    for (const char *at = host + n + 1; *at; at++)
        if (!is_name_byte((uint8_t)*at))
            return false;
    return true;
}

int endpoint_parse(struct slice text, struct endpoint *e)
{
    struct endpoint found = {0};
    uint64_t port;
    size_t colon = text.len;
    while (colon > 0 && text.data[colon - 1] != ':')
        colon--;
    if (colon == 0)
        return GW_ERR_MALFORMED;
    struct slice digits = slice_make(text.data + colon, text.len - colon);
    if (size_parse_number(digits, &port) < 0 || port > UINT16_MAX)
        return GW_ERR_MALFORMED;
    found.port = (uint16_t)port;

    struct slice host = slice_make(text.data, colon - 1);
    bool brackets = host.len >= 2 && host.data[0] == '[' && host.data[host.len - 1] == ']';
    if (brackets)
        host = slice_make(host.data + 1, host.len - 2);
    if (host.len >= sizeof found.host || memchr(host.data, '\0', host.len))
        return GW_ERR_MALFORMED;
    memcpy(found.host, host.data, host.len);
    if (brackets ? !is_bracket_host(found.host) : !is_plain_host(found.host))
        return GW_ERR_MALFORMED;
    if (strcasecmp(found.host, "localhost") == 0)
        strcpy(found.host, "127.0.0.1");
    *e = found;
    return 0;
}

void endpoint_print(const struct endpoint *e, struct buf *out)
{
    bool brackets = strchr(e->host, ':') != NULL;
    if (brackets)
        buf_byte(out, '[');
    buf_text(out, e->host);
    if (brackets)
        buf_byte(out, ']');
    buf_byte(out, ':');
    buf_u64(out, e->port);
}
