// SPDX-License-Identifier: Apache-2.0
#include "receiver/master/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 1024

static int resolve(const struct endpoint *e, struct addrinfo **out, char why[512])
{
    char port[8];
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    snprintf(port, sizeof port, "%u", e->port);
    /* "": every address of the host; the IPv6 wildcard takes IPv4 too, where the kernel has IPv6 at all. */
    const char *host = e->host[0] ? e->host : NULL;
    int err = getaddrinfo(host, port, &hints, out);
    if (err == 0)
        return GW_OK;
    snprintf(why, 512, "cannot listen on %s:%s: %s", e->host, port, gai_strerror(err));
    return GW_ERR_INVALID;
}

/* Of the wildcard's addresses the IPv6 one comes first. */
static const struct addrinfo *choose(const struct addrinfo *list, bool any)
{
    for (const struct addrinfo *a = list; any && a; a = a->ai_next)
        if (a->ai_family == AF_INET6)
            return a;
    return list;
}

static int open_socket(const struct addrinfo *a, bool any)
{
    int on = 1;
    int off = 0;
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (a->ai_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, any ? &off : &on, sizeof on);
    if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int err = errno;
    close(fd);
    errno = err;
    return -1;
}

static void explain(char why[512], const char *protocol, const struct endpoint *e, int err)
{
    const char *host = e->host[0] ? e->host : "*";
    if (err == EADDRINUSE)
        snprintf(why, 512,
                 "cannot listen on %s:%u for %s: the port is in use (by another gateway or an "
                 "OpenTelemetry Collector?)",
                 host, e->port, protocol);
    else if (err == EACCES || err == EPERM)
        snprintf(why, 512,
                 "cannot listen on %s:%u for %s: no permission (ports below 1024 need "
                 "CAP_NET_BIND_SERVICE)",
                 host, e->port, protocol);
    else
        snprintf(why, 512, "cannot listen on %s:%u for %s: %s", host, e->port, protocol,
                 strerror(err));
}

static void note_address(struct listener *l)
{
    struct sockaddr_storage bound;
    socklen_t len = sizeof bound;
    char host[NI_MAXHOST];
    char port[NI_MAXSERV];
    l->address[0] = '\0';
    if (getsockname(l->fd, (struct sockaddr *)&bound, &len) != 0 ||
        getnameinfo((struct sockaddr *)&bound, len, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return;
    bool six = bound.ss_family == AF_INET6;
    snprintf(l->address, sizeof l->address, "%s%.200s%s:%s", six ? "[" : "", host, six ? "]" : "", port);
}

int listener_open(struct listener *l, const char *protocol, const struct endpoint *endpoint,
                  char why[512])
{
    bool any = endpoint->host[0] == '\0';
    struct addrinfo *list = NULL;
    l->protocol = protocol;
    l->fd = -1;
    int err = resolve(endpoint, &list, why);
    if (err != GW_OK)
        return err;
    l->fd = open_socket(choose(list, any), any);
    if (l->fd < 0 && any && errno == EAFNOSUPPORT)
        l->fd = open_socket(list, any);
    if (l->fd < 0)
        explain(why, protocol, endpoint, errno);
    freeaddrinfo(list);
    if (l->fd < 0)
        return GW_ERR_IO;
    note_address(l);
    return GW_OK;
}

void listener_adopt(struct listener *l, const char *protocol, int fd)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags >= 0)
        fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    l->protocol = protocol;
    l->fd = fd;
    note_address(l);
}

static bool same_address(const struct sockaddr_storage *a, const struct sockaddr *b)
{
    if (a->ss_family != b->sa_family)
        return false;
    if (a->ss_family == AF_INET) {
        const struct sockaddr_in *one = (const struct sockaddr_in *)a;
        const struct sockaddr_in *two = (const struct sockaddr_in *)b;
        return one->sin_port == two->sin_port && one->sin_addr.s_addr == two->sin_addr.s_addr;
    }
    const struct sockaddr_in6 *one = (const struct sockaddr_in6 *)a;
    const struct sockaddr_in6 *two = (const struct sockaddr_in6 *)b;
    return one->sin6_port == two->sin6_port && one->sin6_scope_id == two->sin6_scope_id &&
           memcmp(&one->sin6_addr, &two->sin6_addr, sizeof one->sin6_addr) == 0;
}

bool listener_is_bound_to(int fd, const struct endpoint *endpoint)
{
    struct sockaddr_storage bound;
    socklen_t len = sizeof bound;
    struct addrinfo *list = NULL;
    char why[512];
    if (endpoint->port == 0 || getsockname(fd, (struct sockaddr *)&bound, &len) != 0 ||
        (bound.ss_family != AF_INET && bound.ss_family != AF_INET6) || resolve(endpoint, &list, why) != GW_OK)
        return false;
    bool same = false;
    for (const struct addrinfo *a = list; a && !same; a = a->ai_next)
        same = same_address(&bound, a->ai_addr);
    freeaddrinfo(list);
    return same;
}

void listener_close(struct listener *l)
{
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
}
