// SPDX-License-Identifier: Apache-2.0
#include "receiver/master/control_socket.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "shared/control/packet.h"
#include "shared/control/runtime_path.h"

#define BACKLOG 16
#define NO_ROOM_MS 1000u /* without descriptors nobody is let in for so long */

struct control_asker {
    struct control_socket *socket;
    struct control_asker *next;
    int fd;
    struct event *readable;
    struct loop_timer *idle;
};

struct control_socket {
    struct loop *loop;
    const struct log *log;
    control_socket_fn asked;
    void *ctx;
    struct sockaddr_un address;
    int fd;
    struct event *accepting;
    struct loop_timer *pause;
    struct control_asker *askers;
    unsigned count;
};

/* ---- one asker -------------------------------------------------------------------------------------------------- */

static void asker_free(struct control_asker *asker)
{
    struct control_asker **at = &asker->socket->askers;
    while (*at != asker)
        at = &(*at)->next;
    *at = asker->next;
    asker->socket->count--;
    if (asker->readable)
        event_free(asker->readable);
    loop_timer_free(&asker->idle);
    close(asker->fd);
    free(asker);
}

static void asker_idle(void *ctx)
{
    asker_free(ctx);
}

static void asker_says(evutil_socket_t fd, short what, void *arg)
{
    struct control_asker *asker = arg;
    struct control_socket *socket = asker->socket;
    ProtobufCMessage *message = NULL;
    (void)what;
    int err = packet_receive(fd, &masques__control__master_request__descriptor, &message);
    if (err == GW_ERR_AGAIN)
        return;
    if (err != GW_OK) {
        if (err != GW_ERR_CLOSED)
            log_warn(socket->log, "%s: a packet that is no question: %s", RUNTIME_CONTROL_SOCKET, gw_strerror(err));
        asker_free(asker);
        return;
    }
    event_del(asker->readable);
    loop_timer_cancel(asker->idle);
    socket->asked(socket->ctx, asker, (const Masques__Control__MasterRequest *)message);
    protobuf_c_message_free_unpacked(message, NULL);
}

void control_socket_answer(struct control_asker *asker, const Masques__Control__MasterAnswer *answer)
{
    Masques__Control__MasterAnswer whole = *answer;
    whole.pid = (uint32_t)getpid(); /* an answer without anything would be an empty packet: the end of the file */
    int err = packet_send(asker->fd, &whole.base);
    if (err != GW_OK && err != GW_ERR_CLOSED)
        log_warn(asker->socket->log, "%s: an answer could not be sent: %s", RUNTIME_CONTROL_SOCKET, gw_strerror(err));
    if (err != GW_OK || event_add(asker->readable, NULL) != 0)
        asker_free(asker);
    else
        loop_timer_set(asker->idle, CONTROL_SOCKET_IDLE_MS);
}

/* ---- connections ------------------------------------------------------------------------------------------------ */

static bool may_ask(int fd)
{
    struct ucred peer;
    socklen_t len = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && (peer.uid == geteuid() || peer.uid == 0);
}

/* Takes the descriptor. */
static void welcome(struct control_socket *socket, int fd)
{
    struct control_asker *asker = calloc(1, sizeof *asker);
    if (!asker) {
        close(fd);
        return;
    }
    *asker = (struct control_asker){.socket = socket, .next = socket->askers, .fd = fd};
    socket->askers = asker;
    socket->count++;
    asker->readable = event_new(loop_base(socket->loop), fd, EV_READ | EV_PERSIST, asker_says, asker);
    asker->idle = loop_timer_new(socket->loop, asker_idle, asker);
    if (!asker->readable || !asker->idle || event_add(asker->readable, NULL) != 0) {
        asker_free(asker);
        return;
    }
    loop_timer_set(asker->idle, CONTROL_SOCKET_IDLE_MS);
}

static void pause_over(void *ctx)
{
    struct control_socket *socket = ctx;
    if (event_add(socket->accepting, NULL) != 0)
        loop_timer_set(socket->pause, NO_ROOM_MS);
}

/* Who cannot be taken stays at the door, and would wake the loop without end. */
static void wait_for_room(struct control_socket *socket, int err)
{
    if (err != EMFILE && err != ENFILE && err != ENOMEM && err != ENOBUFS)
        return;
    log_warn(socket->log, "%s: a connection waits: %s", RUNTIME_CONTROL_SOCKET, strerror(err));
    event_del(socket->accepting);
    loop_timer_set(socket->pause, NO_ROOM_MS);
}

static void somebody_connects(evutil_socket_t fd, short what, void *arg)
{
    struct control_socket *socket = arg;
    (void)what;
    for (;;) {
        int asker = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (asker < 0) {
            wait_for_room(socket, errno);
            return;
        }
        if (socket->count < CONTROL_SOCKET_ASKERS_MAX && may_ask(asker)) {
            welcome(socket, asker);
        } else {
            log_warn(socket->log, "%s: a connection is refused: %s", RUNTIME_CONTROL_SOCKET,
                     socket->count < CONTROL_SOCKET_ASKERS_MAX ? "another user" : "too many of them");
            close(asker);
        }
    }
}

/* ---- life ------------------------------------------------------------------------------------------------------- */

static int place(struct control_socket *s, const char *directory, char why[512])
{
    struct sockaddr_un *address = &s->address;
    address->sun_family = AF_UNIX;
    int len = snprintf(address->sun_path, sizeof address->sun_path, "%s/" RUNTIME_CONTROL_SOCKET, directory);
    if (len < 0 || (size_t)len >= sizeof address->sun_path) {
        snprintf(why, 512, "the path of the runtime directory %.300s is too long", directory);
        return GW_ERR_INVALID;
    }
    unlink(address->sun_path); /* of a former run: the directory is under our lock */
    return GW_OK;
}

static int listen_there(struct control_socket *s, char why[512])
{
    s->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s->fd >= 0 && bind(s->fd, (struct sockaddr *)&s->address, sizeof s->address) == 0 &&
        chmod(s->address.sun_path, 0600) == 0 && listen(s->fd, BACKLOG) == 0)
        return GW_OK;
    snprintf(why, 512, "cannot listen on %s: %s", s->address.sun_path, strerror(errno));
    return GW_ERR_IO;
}

struct control_socket *control_socket_new(struct loop *loop, const char *directory,
                                          control_socket_fn asked, void *ctx, const struct log *log,
                                          char why[512])
{
    struct control_socket *s = calloc(1, sizeof *s);
    snprintf(why, 512, "no memory");
    if (!s)
        return NULL;
    *s = (struct control_socket){.loop = loop, .log = log, .asked = asked, .ctx = ctx, .fd = -1};
    if (place(s, directory, why) != GW_OK || listen_there(s, why) != GW_OK)
        goto fail;
    s->accepting = event_new(loop_base(loop), s->fd, EV_READ | EV_PERSIST, somebody_connects, s);
    s->pause = loop_timer_new(loop, pause_over, s);
    if (!s->accepting || !s->pause || event_add(s->accepting, NULL) != 0) {
        snprintf(why, 512, "no memory");
        goto fail;
    }
    return s;

fail:
    control_socket_free(&s);
    return NULL;
}

void control_socket_free(struct control_socket **at)
{
    struct control_socket *s = *at;
    *at = NULL;
    if (!s)
        return;
    while (s->askers)
        asker_free(s->askers);
    if (s->accepting)
        event_free(s->accepting);
    loop_timer_free(&s->pause);
    if (s->fd >= 0) {
        close(s->fd);
        unlink(s->address.sun_path);
    }
    free(s);
}
