// SPDX-License-Identifier: Apache-2.0
#include "ctl/http_get.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ctl/deadline.h"
#include "shared/base/clock.h"

#define READ_BYTES 65536u
#define HOST_MAX_BYTES 64u
#define PATH_MAX_BYTES 2048u

/* "[::1]:13133" -> "::1", "13133". */
static bool split(const char *address, char host[HOST_MAX_BYTES], const char **port)
{
    const char *colon = strrchr(address, ':');
    if (!colon)
        return false;
    size_t len = (size_t)(colon - address);
    if (len >= 2 && address[0] == '[' && colon[-1] == ']') {
        address++;
        len -= 2;
    }
    if (len == 0 || len >= HOST_MAX_BYTES)
        return false;
    memcpy(host, address, len);
    host[len] = '\0';
    *port = colon + 1;
    return true;
}

/* Returns the descriptor, not connected yet, or -1. */
static int start(const char *address)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    char host[HOST_MAX_BYTES];
    const char *port = NULL;
    if (!split(address, host, &port) || getaddrinfo(host, port, &hints, &found) != 0) {
        errno = EINVAL;
        return -1;
    }
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen) != 0 && errno != EINPROGRESS) {
        int error = errno;
        close(fd);
        fd = -1;
        errno = error;
    }
    freeaddrinfo(found);
    return fd;
}

/* A connection that could not be made shows when it can be written to. 0; GW_ERR_AGAIN; GW_ERR_IO with errno. */
static int await_connection(int fd, uint64_t until_ms)
{
    int error = 0;
    socklen_t size = sizeof error;
    int err = deadline_wait(fd, POLLOUT, until_ms);
    if (err == GW_OK && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
        return GW_ERR_IO;
    if (err == GW_OK && error) {
        errno = error;
        return GW_ERR_IO;
    }
    return err;
}

static int send_all(int fd, const char *bytes, size_t left, uint64_t until_ms)
{
    while (left) {
        ssize_t n = send(fd, bytes, left, MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            return GW_ERR_IO;
        bytes += n > 0 ? n : 0;
        left -= n > 0 ? (size_t)n : 0;
        int err = left ? deadline_wait(fd, POLLOUT, until_ms) : GW_OK;
        if (err != GW_OK)
            return err;
    }
    return GW_OK;
}

static int say(int fd, const char *address, const char *path, uint64_t until_ms)
{
    char request[PATH_MAX_BYTES + 256];
    int n = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n",
                     path[0] ? path : "/", address);
    if (n < 0 || (size_t)n >= sizeof request)
        return GW_ERR_INVALID;
    int err = await_connection(fd, until_ms);
    return err == GW_OK ? send_all(fd, request, (size_t)n, until_ms) : err;
}

static int hear(int fd, uint64_t until_ms, struct buf *bytes, struct http_answer *out)
{
    while (true) {
        int err = deadline_wait(fd, POLLIN, until_ms);
        uint8_t *room = err == GW_OK ? buf_reserve(bytes, READ_BYTES) : NULL;
        if (!room)
            return err != GW_OK ? err : GW_ERR_NOMEM;
        ssize_t n = read(fd, room, READ_BYTES);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (n < 0)
            return GW_ERR_IO;
        if (n == 0)
            return GW_ERR_MALFORMED;
        bytes->len += (size_t)n;
        int64_t used = http_answer_parse(buf_slice(bytes), out);
        if (used != GW_ERR_INCOMPLETE)
            return used < 0 ? (int)used : GW_OK;
    }
}

int http_get(const char *address, const char *path, uint32_t timeout_ms, struct buf *bytes,
             struct http_answer *out, struct buf *why)
{
    uint64_t until = clock_mono_ms() + timeout_ms;
    int err = GW_ERR_IO;
    int fd = start(address);
    if (fd >= 0) {
        err = say(fd, address, path, until);
        if (err == GW_OK)
            err = hear(fd, until, bytes, out);
        int error = errno;
        close(fd);
        errno = error;
    }
    if (err == GW_ERR_IO)
        buf_printf(why, "cannot ask the health endpoint %s: %s", address, strerror(errno));
    else if (err == GW_ERR_AGAIN)
        buf_printf(why, "the health endpoint %s has not answered for %g s", address, timeout_ms / 1000.0);
    else if (err != GW_OK)
        buf_printf(why, "the health endpoint %s gives no answer that can be read: %s", address, gw_strerror(err));
    return err;
}
