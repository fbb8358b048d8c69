// SPDX-License-Identifier: Apache-2.0
#include "shared/control/packet.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

int packet_send(int fd, const ProtobufCMessage *message)
{
    size_t len = protobuf_c_message_get_packed_size(message);
    if (len > PACKET_MAX_BYTES)
        return GW_ERR_TOO_LARGE;
    uint8_t *bytes = malloc(len ? len : 1);
    if (!bytes)
        return GW_ERR_NOMEM;
    protobuf_c_message_pack(message, bytes);
    ssize_t sent;
    do
        sent = send(fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    int err = errno;
    free(bytes);
    if (sent >= 0)
        return GW_OK;
    return err == EAGAIN || err == ENOBUFS ? GW_ERR_AGAIN : GW_ERR_CLOSED;
}

int packet_receive(int fd, const ProtobufCMessageDescriptor *type, ProtobufCMessage **message)
{
    ssize_t size;
    do
        size = recv(fd, NULL, 0, MSG_DONTWAIT | MSG_PEEK | MSG_TRUNC);
    while (size < 0 && errno == EINTR);
    if (size < 0)
        return errno == EAGAIN ? GW_ERR_AGAIN : GW_ERR_CLOSED;
    if (size == 0) /* a packet of ours is never empty: end of file */
        return GW_ERR_CLOSED;
    if (size > (ssize_t)PACKET_MAX_BYTES) {
        size = recv(fd, NULL, 0, MSG_DONTWAIT); /* takes it away */
        return GW_ERR_TOO_LARGE;
    }
    uint8_t *bytes = malloc((size_t)size);
    if (!bytes)
        return GW_ERR_NOMEM;
    ssize_t got = recv(fd, bytes, (size_t)size, MSG_DONTWAIT);
    *message = got == size ? protobuf_c_message_unpack(type, NULL, (size_t)size, bytes) : NULL;
    free(bytes);
    return *message ? GW_OK : GW_ERR_MALFORMED;
}

static bool write_all(int fd, const uint8_t *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, bytes, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        bytes += n;
        len -= (size_t)n;
    }
    return true;
}

int packet_memfd(const char *name, const ProtobufCMessage *message)
{
    size_t len = protobuf_c_message_get_packed_size(message);
    uint8_t *bytes = malloc(len ? len : 1);
    if (!bytes)
        return GW_ERR_NOMEM;
    protobuf_c_message_pack(message, bytes);
    int fd = memfd_create(name, MFD_CLOEXEC);
    if (fd >= 0 && !write_all(fd, bytes, len)) {
        close(fd);
        fd = -1;
    }
    free(bytes);
    return fd >= 0 ? fd : GW_ERR_IO;
}

int packet_from_fd(int fd, const ProtobufCMessageDescriptor *type, ProtobufCMessage **message)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return GW_ERR_IO;
    size_t len = (size_t)st.st_size;
    uint8_t *bytes = malloc(len ? len : 1);
    if (!bytes)
        return GW_ERR_NOMEM;
    ssize_t got = pread(fd, bytes, len, 0);
    *message = got == (ssize_t)len ? protobuf_c_message_unpack(type, NULL, len, bytes) : NULL;
    free(bytes);
    return *message ? GW_OK : GW_ERR_MALFORMED;
}
