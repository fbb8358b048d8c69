// SPDX-License-Identifier: Apache-2.0
#include "exporters/file/tail.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "exporters/file/encoding.h"

#define CHUNK_BYTES 65536u

/* As pread(2), but all of it. Bytes read: fewer only at the end of the file; -1: errno. */
static ssize_t read_at(int fd, uint8_t *to, size_t len, uint64_t offset)
{
    size_t done = 0;
    while (done < len) {
        ssize_t n = pread(fd, to + done, len - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return (ssize_t)done;
}

static int find_line(int fd, uint64_t from, uint64_t size, uint64_t *end)
{
    uint8_t chunk[CHUNK_BYTES];
    for (uint64_t to = size; to > from;) {
        size_t len = to - from < sizeof chunk ? (size_t)(to - from) : sizeof chunk;
        ssize_t n = read_at(fd, chunk, len, to - len);
        if (n < 0)
            return GW_ERR_IO;
        const uint8_t *newline = memrchr(chunk, '\n', (size_t)n);
        if (newline) {
            *end = to - len + (uint64_t)(newline - chunk) + 1;
            return 0;
        }
        to -= len;
    }
    *end = from;
    return 0;
}

static int find_frame(int fd, uint64_t from, uint64_t size, uint64_t *end)
{
    uint8_t head[ENCODING_LENGTH_BYTES];
    for (*end = from; size - *end >= sizeof head;) {
        ssize_t n = read_at(fd, head, sizeof head, *end);
        if (n < 0)
            return GW_ERR_IO;
        uint64_t len = (uint64_t)head[0] << 24 | (uint64_t)head[1] << 16 | (uint64_t)head[2] << 8 | head[3];
        if (n < (ssize_t)sizeof head || len == 0 || len > size - *end - sizeof head)
            return 0;
        *end += sizeof head + len;
    }
    return 0;
}

int tail_find(int fd, uint64_t from, uint64_t size, bool framed, uint64_t *end)
{
    return framed ? find_frame(fd, from, size, end) : find_line(fd, from, size, end);
}

int tail_match(int fd, uint64_t offset, uint64_t limit, struct slice bytes, uint64_t *matched)
{
    uint8_t chunk[CHUNK_BYTES];
    *matched = 0;
    while (*matched < bytes.len && offset + *matched < limit) {
        uint64_t left = limit - offset - *matched;
        size_t len = bytes.len - *matched < sizeof chunk ? bytes.len - (size_t)*matched : sizeof chunk;
        if (len > left)
            len = (size_t)left;
        ssize_t n = read_at(fd, chunk, len, offset + *matched);
        if (n < 0)
            return GW_ERR_IO;
        const uint8_t *wanted = bytes.data + *matched;
        size_t same = 0;
        while (same < (size_t)n && chunk[same] == wanted[same])
            same++;
        *matched += same;
        if (same < len)
            return 0;
    }
    return 0;
}

/* Writes the bytes over what stands there, also where all else is appended. */
static int write_over(int fd, const uint8_t *from, size_t len, uint64_t offset)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_APPEND) < 0)
        return GW_ERR_IO;
    ssize_t n = 0;
    while (len && ((n = pwrite(fd, from, len, (off_t)offset)) > 0 || (n < 0 && errno == EINTR))) {
        size_t done = n > 0 ? (size_t)n : 0;
        from += done;
        offset += done;
        len -= done;
    }
    int error = errno;
    int restored = fcntl(fd, F_SETFL, flags);
    errno = error;
    return len || restored < 0 ? GW_ERR_IO : 0;
}

int tail_fill(int fd, uint64_t offset, struct slice bytes)
{
    uint8_t chunk[CHUNK_BYTES];
    size_t first = bytes.len, end = 0; /* of what differs */
    for (size_t at = 0; at < bytes.len; at += sizeof chunk) {
        size_t len = bytes.len - at < sizeof chunk ? bytes.len - at : sizeof chunk;
        ssize_t n = read_at(fd, chunk, len, offset + at);
        if (n < 0)
            return GW_ERR_IO;
        for (size_t i = 0; i < len; i++) {
            if ((ssize_t)i >= n || (chunk[i] != bytes.data[at + i] && chunk[i] != 0))
                return GW_ERR_NOT_FOUND;
            if (chunk[i] == bytes.data[at + i])
                continue;
            first = at + i < first ? at + i : first;
            end = at + i + 1;
        }
    }
    return first < end ? write_over(fd, bytes.data + first, end - first, offset + first) : 0;
}
