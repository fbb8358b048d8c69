// SPDX-License-Identifier: Apache-2.0
#include "receiver/master/store_room.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define PATH_BYTES 600

uint64_t store_room_limit(struct slice text)
{
    uint64_t value = 0;
    size_t at = 0;
    for (; at < text.len && text.data[at] >= '0' && text.data[at] <= '9'; at++) {
        if (value > (UINT64_MAX - 9) / 10)
            return UINT64_MAX;
        value = value * 10 + (uint64_t)(text.data[at] - '0');
    }
    return at > 0 ? value : UINT64_MAX;
}

static bool read_text(const char *path, char *text, size_t room)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, text, room - 1);
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    return n > 0;
}

static uint64_t limit_in(const char *path)
{
    char text[32];
    return read_text(path, text, sizeof text) ? store_room_limit(slice_of(text)) : UINT64_MAX;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* cgroup v2: our own group and every one above it can have a limit. */
static uint64_t unified_limit(void)
{
    char text[PATH_BYTES / 2];
    char path[PATH_BYTES];
    uint64_t least = UINT64_MAX;
    if (!read_text("/proc/self/cgroup", text, sizeof text) || strncmp(text, "0::/", 4) != 0)
        return limit_in("/sys/fs/cgroup/memory.max");
    text[strcspn(text, "\n")] = '\0';
    for (;;) {
        snprintf(path, sizeof path, "/sys/fs/cgroup%s/memory.max", text + 3);
        least = smaller(least, limit_in(path));
        char *slash = strrchr(text + 3, '/');
        if (!slash || slash[1] == '\0')
            return least;
        slash[slash == text + 3] = '\0';
    }
}

uint64_t store_room_disk(const char *directory, uint64_t wanted)
{
    struct statvfs fs;
    if (statvfs(directory, &fs) != 0)
        return wanted;
    return smaller(wanted, (uint64_t)fs.f_blocks * fs.f_frsize / 10 * 9);
}

uint64_t store_room(const char *directory, uint64_t wanted)
{
    struct statvfs fs;
    uint64_t room = wanted;
    if (statvfs(directory, &fs) == 0)
        room = smaller(room, (uint64_t)fs.f_blocks * fs.f_frsize / 2);
    uint64_t memory = smaller(unified_limit(), limit_in("/sys/fs/cgroup/memory/memory.limit_in_bytes"));
    return smaller(room, memory / 4);
}
