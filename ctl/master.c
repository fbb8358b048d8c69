// SPDX-License-Identifier: Apache-2.0
#include "ctl/master.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "ctl/deadline.h"
#include "shared/base/clock.h"
#include "shared/control/packet.h"
#include "shared/control/runtime_path.h"

#define AGAIN_MS 20
#define ELSEWHERE "; --runtime names another directory"

/* Why nobody could be reached in `directory`, as far as the files there tell. */
static int unreachable(const char *directory, int error, struct buf *why)
{
    char bus[RUNTIME_PATH_BYTES + sizeof "/" RUNTIME_BUS_SOCKET];
    struct stat st;
    snprintf(bus, sizeof bus, "%s/" RUNTIME_BUS_SOCKET, directory);
    if (error == EACCES || error == EPERM) {
        buf_printf(why, "no permission to enter the runtime directory %s", directory);
        if (stat(directory, &st) == 0)
            buf_printf(why, ", which belongs to user %u", st.st_uid);
        return GW_ERR_IO;
    }
    if (error == EAGAIN) {
        buf_printf(why, "the gateway with the runtime directory %s is there, but does not listen", directory);
        return GW_ERR_AGAIN;
    }
    if (error != ENOENT && error != ECONNREFUSED && error != ENOTDIR) {
        buf_printf(why, "cannot reach the gateway with the runtime directory %s: %s", directory, strerror(error));
        return GW_ERR_IO;
    }
    if (error == ENOENT && stat(bus, &st) == 0)
        buf_printf(why,
                   "the gateway with the runtime directory %s has no " RUNTIME_CONTROL_SOCKET
                   ": it is older than masquesctl, or has ended",
                   directory);
    else
        buf_printf(why, "no gateway runs with the runtime directory %s" ELSEWHERE, directory);
    return GW_ERR_NOT_FOUND;
}

static int reach(const char *directory, uint32_t timeout_ms, int *fd, struct buf *why)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval limit = {timeout_ms / 1000, (long)(timeout_ms % 1000) * 1000};
    int n = snprintf(address.sun_path, sizeof address.sun_path, "%s/" RUNTIME_CONTROL_SOCKET, directory);
    if (n < 0 || (size_t)n >= sizeof address.sun_path) {
        buf_printf(why, "the path of the runtime directory %s is too long", directory);
        return GW_ERR_INVALID;
    }
    *fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (*fd < 0) {
        buf_printf(why, "cannot open a socket: %s", strerror(errno));
        return GW_ERR_IO;
    }
    /* Of connect(), where the queue of those who wait is full. */
    if (setsockopt(*fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) == 0 &&
        connect(*fd, (struct sockaddr *)&address, sizeof address) == 0)
        return GW_OK;
    int error = errno;
    close(*fd);
    return unreachable(directory, error, why);
}

static int receive(int fd, Masques__Control__MasterAnswer **answer)
{
    ProtobufCMessage *message = NULL;
    int err = packet_receive(fd, &masques__control__master_answer__descriptor, &message);
    *answer = (Masques__Control__MasterAnswer *)message;
    return err;
}

/* Whether it answers at once what it can answer at once. */
static bool lives(const char *directory, uint32_t timeout_ms)
{
    Masques__Control__MasterRequest request = MASQUES__CONTROL__MASTER_REQUEST__INIT;
    Masques__Control__Where where = MASQUES__CONTROL__WHERE__INIT;
    Masques__Control__MasterAnswer *answer = NULL;
    struct buf ignored = buf_make(1024);
    int fd = -1;
    request.what_case = MASQUES__CONTROL__MASTER_REQUEST__WHAT_WHERE;
    request.where = &where;
    int err = reach(directory, timeout_ms, &fd, &ignored);
    if (err == GW_OK) {
        err = packet_send(fd, &request.base);
        if (err == GW_OK)
            err = deadline_wait(fd, POLLIN, clock_mono_ms() + timeout_ms);
        if (err == GW_OK)
            err = receive(fd, &answer);
        close(fd);
    }
    if (answer)
        masques__control__master_answer__free_unpacked(answer, NULL);
    buf_free(&ignored);
    return err == GW_OK;
}

/* What is done first and answered then may take its time: an exporter that is to come, or to finish what it holds. */
static bool takes_time(const Masques__Control__MasterRequest *request)
{
    return request->what_case != MASQUES__CONTROL__MASTER_REQUEST__WHAT_WHERE;
}

static int exchange(int fd, const char *directory, const Masques__Control__MasterRequest *request,
                    uint32_t timeout_ms, Masques__Control__MasterAnswer **answer)
{
    int err = packet_send(fd, &request->base);
    if (err == GW_OK)
        err = deadline_wait(fd, POLLIN, clock_mono_ms() + timeout_ms);
    while (err == GW_ERR_AGAIN && takes_time(request) && lives(directory, timeout_ms))
        err = deadline_wait(fd, POLLIN, clock_mono_ms() + timeout_ms);
    return err == GW_OK ? receive(fd, answer) : err;
}

static void complain(int err, const char *directory, uint32_t timeout_ms, struct buf *why)
{
    if (err == GW_ERR_AGAIN)
        buf_printf(why, "the gateway with the runtime directory %s has not answered for %g s", directory,
                   timeout_ms / 1000.0);
    else if (err == GW_ERR_CLOSED)
        buf_printf(why, "the gateway with the runtime directory %s went away without an answer", directory);
    else if (err == GW_ERR_TOO_LARGE)
        buf_text(why, "these are too many or too long options for one request");
    else
        buf_printf(why, "the gateway with the runtime directory %s gives no answer that can be read: %s",
                   directory, gw_strerror(err));
}

/* A master that becomes another image of its program, or has just begun, has no socket for a moment; its lock it has.
 * True: after a little wait. */
static bool comes_back(const char *directory, uint64_t until_ms)
{
    const struct timespec little = {.tv_nsec = AGAIN_MS * CLOCK_NS_PER_MS};
    char path[RUNTIME_PATH_BYTES + sizeof "/" RUNTIME_LOCK];
    char text[32] = "";
    snprintf(path, sizeof path, "%s/" RUNTIME_LOCK, directory);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
    if (fd >= 0)
        close(fd);
    long pid = n > 0 ? strtol(text, NULL, 10) : 0;
    if (pid <= 0 || (kill((pid_t)pid, 0) != 0 && errno != EPERM) || clock_mono_ms() >= until_ms)
        return false;
    nanosleep(&little, NULL);
    return true;
}

int master_ask(const char *runtime, const Masques__Control__MasterRequest *request, uint32_t timeout_ms,
               Masques__Control__MasterAnswer **answer, struct buf *why)
{
    char directory[RUNTIME_PATH_BYTES];
    int fd = -1;
    int err = runtime_path(runtime, directory);
    if (err != GW_OK) {
        buf_printf(why, "the path of the runtime directory %s is too long", runtime);
        return err;
    }
    const uint64_t until_ms = clock_mono_ms() + timeout_ms;
    const size_t before = why->len;
    bool again;
    do {
        why->len = before;
        err = reach(directory, timeout_ms, &fd, why);
        if (err == GW_OK) {
            err = exchange(fd, directory, request, timeout_ms, answer);
            close(fd);
            if (err != GW_OK)
                complain(err, directory, timeout_ms, why);
        }
        again = err == GW_ERR_NOT_FOUND || (err == GW_ERR_CLOSED && !takes_time(request));
    } while (again && comes_back(directory, until_ms));
    return err;
}
