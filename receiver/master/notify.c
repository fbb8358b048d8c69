// SPDX-License-Identifier: Apache-2.0
#include "receiver/master/notify.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "shared/base/clock.h"

#define NS_PER_US 1000u

/* A path, or, with an "@" in front, a name of the abstract namespace. */
static void send_text(const char *text)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t len = path ? strlen(path) : 0;
    if (len < 2 || len >= sizeof to.sun_path || (path[0] != '/' && path[0] != '@'))
        return;
    memcpy(to.sun_path, path, len);
    if (path[0] == '@')
        to.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    sendto(fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&to,
           (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
    close(fd);
}

void notify_ready(const char *status)
{
    char text[512];
    snprintf(text, sizeof text, "READY=1\nMAINPID=%d\nSTATUS=%s\n", getpid(), status);
    send_text(text);
}

void notify_reloading(const char *status)
{
    char text[256];
    snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\nSTATUS=%s\n", clock_mono_ns() / NS_PER_US,
             status);
    send_text(text);
}

void notify_stopping(const char *status)
{
    char text[256];
    snprintf(text, sizeof text, "STOPPING=1\nSTATUS=%s\n", status);
    send_text(text);
}
