// SPDX-License-Identifier: Apache-2.0
#include "receiver/master/inherited.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/base/buf.h"

#define SYSTEMD_FIRST 3 /* SD_LISTEN_FDS_START */
#define TEXT_BYTES 8192u

static bool listens(int fd)
{
    int type = 0;
    int accepts = 0;
    socklen_t len = sizeof type;
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_STREAM &&
           getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &len) == 0 && accepts;
}

/* A number that is all of the text; -1: it is none. */
static long number(const char *text)
{
    char *end;
    if (!text || text[0] < '0' || text[0] > '9')
        return -1;
    long value = strtol(text, &end, 10);
    return *end == '\0' && value < 1000000000 ? value : -1;
}

static int add(struct inherited *in, long fd, struct slice name, struct slice endpoint, char why[512])
{
    if (in->count == INHERITED_MAX) {
        snprintf(why, 512, "more than %u inherited sockets", INHERITED_MAX);
        return GW_ERR_INVALID;
    }
    if (fd < 0 || !listens((int)fd)) {
        snprintf(why, 512, "the inherited descriptor %ld (%.*s) is no listening stream socket", fd, (int)name.len,
                 (const char *)name.data);
        return GW_ERR_INVALID;
    }
    struct inherited_socket *s = &in->sockets[in->count++];
    s->fd = (int)fd;
    snprintf(s->name, sizeof s->name, "%.*s", (int)name.len, (const char *)name.data);
    snprintf(s->endpoint, sizeof s->endpoint, "%.*s", (int)endpoint.len, (const char *)endpoint.data);
    fcntl((int)fd, F_SETFD, FD_CLOEXEC);
    return GW_OK;
}

/* ---- of ourselves ----------------------------------------------------------------------------------------------- */

/* "grpc=5@127.0.0.1:4317", "lock=4" */
static int read_word(struct inherited *in, char *word, char why[512])
{
    char *equals = strchr(word, '=');
    if (!equals)
        return GW_OK;
    char *at = strchr(equals, '@');
    *equals = '\0';
    if (at)
        *at = '\0';
    if (strcmp(word, "run") == 0) {
        in->run = strtoull(equals + 1, NULL, 10);
        return GW_OK;
    }
    long fd = number(equals + 1);
    if (strcmp(word, "lock") != 0)
        return add(in, fd, slice_of(word), slice_of(at ? at + 1 : ""), why);
    in->lock = (int)fd;
    if (fd >= 0)
        fcntl((int)fd, F_SETFD, FD_CLOEXEC);
    return GW_OK;
}

static int read_own(struct inherited *in, char *text, char why[512])
{
    char *rest = NULL;
    char *word = strtok_r(text, " ", &rest);
    int err = GW_OK;
    if (number(word) != getpid()) /* of another process, which has started us */
        return GW_OK;
    in->handed_over = true;
    while (err == GW_OK && (word = strtok_r(NULL, " ", &rest)))
        err = read_word(in, word, why);
    return err;
}

/* ---- of systemd ------------------------------------------------------------------------------------------------- */

static int read_systemd(struct inherited *in, char why[512])
{
    const char *names = getenv("LISTEN_FDNAMES");
    long count = number(getenv("LISTEN_FDS"));
    int err = GW_OK;
    if (number(getenv("LISTEN_PID")) != getpid())
        return GW_OK;
    for (long i = 0; err == GW_OK && i < count; i++) {
        size_t len = names ? strcspn(names, ":") : 0;
        err = add(in, SYSTEMD_FIRST + i, slice_make(names, len), slice_of(""), why);
        if (names)
            names += len + (names[len] == ':');
    }
    return err;
}

int inherited_read(struct inherited *in, char why[512])
{
    static const char *const variables[] = {INHERITED_VARIABLE, "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"};
    const char *own = getenv(INHERITED_VARIABLE);
    *in = (struct inherited){.lock = -1};
    int err = GW_OK;
    if (own) {
        char *text = strdup(own);
        err = text ? read_own(in, text, why) : GW_ERR_NOMEM;
        free(text);
    }
    if (err == GW_OK && !in->handed_over)
        err = read_systemd(in, why);
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
        unsetenv(variables[i]);
    return err;
}

/* ---- handing out ------------------------------------------------------------------------------------------------ */

static bool has_name(const struct inherited *in, const struct inherited_socket *s, const char *protocol,
                     const char *endpoint)
{
    return strcmp(s->name, protocol) == 0 && (!in->handed_over || strcmp(s->endpoint, endpoint) == 0);
}

static int hand_out(struct inherited_socket *s)
{
    int fd = s->fd;
    s->fd = -1;
    return fd;
}

int inherited_take(struct inherited *in, const char *protocol, const struct endpoint *endpoint)
{
    struct buf text = buf_make(INHERITED_ENDPOINT_BYTES);
    endpoint_print(endpoint, &text);
    buf_byte(&text, '\0');
    const char *wanted = buf_ok(&text) ? (const char *)text.data : "";
    struct inherited_socket *found = NULL;
    for (size_t i = 0; i < in->count && !found; i++)
        if (in->sockets[i].fd >= 0 && has_name(in, &in->sockets[i], protocol, wanted))
            found = &in->sockets[i];
    for (size_t i = 0; i < in->count && !found; i++)
        if (in->sockets[i].fd >= 0 && listener_is_bound_to(in->sockets[i].fd, endpoint))
            found = &in->sockets[i];
    buf_free(&text);
    return found ? hand_out(found) : -1;
}

int inherited_finish(struct inherited *in, char why[512])
{
    int err = GW_OK;
    for (size_t i = 0; i < in->count; i++) {
        struct listener left = {.fd = -1};
        if (in->sockets[i].fd < 0)
            continue;
        listener_adopt(&left, "", hand_out(&in->sockets[i]));
        if (!in->handed_over) {
            snprintf(why, 512, "the inherited socket %s%s%s matches no configured endpoint", in->sockets[i].name,
                     in->sockets[i].name[0] ? " on " : "", left.address[0] ? left.address : "no internet address");
            err = GW_ERR_INVALID;
        }
        listener_close(&left);
    }
    return err;
}

/* ---- leaving behind --------------------------------------------------------------------------------------------- */

static void set_inheritable(const struct inherited *what, bool inheritable)
{
    int flags = inheritable ? 0 : FD_CLOEXEC;
    for (size_t i = 0; i < what->count; i++)
        fcntl(what->sockets[i].fd, F_SETFD, flags);
    if (what->lock >= 0)
        fcntl(what->lock, F_SETFD, flags);
}

int inherited_leave(const struct inherited *what)
{
    struct buf text = buf_make(TEXT_BYTES);
    buf_printf(&text, "%d run=%" PRIu64 " lock=%d", getpid(), what->run, what->lock);
    for (size_t i = 0; i < what->count; i++)
        buf_printf(&text, " %s=%d@%s", what->sockets[i].name, what->sockets[i].fd, what->sockets[i].endpoint);
    buf_byte(&text, '\0');
    bool set = buf_ok(&text) && setenv(INHERITED_VARIABLE, (const char *)text.data, 1) == 0;
    buf_free(&text);
    if (!set)
        return GW_ERR_NOMEM;
    set_inheritable(what, true);
    return GW_OK;
}

void inherited_keep(const struct inherited *what)
{
    unsetenv(INHERITED_VARIABLE);
    set_inheritable(what, false);
}
