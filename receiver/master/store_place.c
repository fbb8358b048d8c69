// SPDX-License-Identifier: Apache-2.0
#include "receiver/master/store_place.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "receiver/master/store_room.h"

/* The directories above `path`. */
static bool make_parents(const char *path, mode_t mode)
{
    char above[CONFIG_STORE_DIRECTORY_BYTES];
    snprintf(above, sizeof above, "%s", path);
    for (char *slash = strchr(above + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        if (slash[strspn(slash, "/")] == '\0')
            break;
        *slash = '\0';
        if (mkdir(above, mode) != 0 && errno != EEXIST)
            return false;
        *slash = '/';
    }
    return true;
}

static int make(const char *path, const struct config_store *store, char why[512])
{
    if ((!store->create_parents || make_parents(path, store->parent_mode)) &&
        (mkdir(path, 0700) == 0 || errno == EEXIST))
        return GW_OK;
    snprintf(why, 512, "cannot create the store's directory %.300s: %s", path,
             errno == ENOENT ? "the directory above it is not there" : strerror(errno));
    return GW_ERR_IO;
}

/* Somebody else's directory may be changed under us by whoever owns it; root's is as good as ours. */
static int check(const struct store_place *place, char why[512])
{
    struct stat st;
    if (fstat(place->fd, &st) != 0 || (st.st_uid != geteuid() && st.st_uid != 0)) {
        snprintf(why, 512, "the store's directory %.300s belongs to user %u, not to us (user %u)", place->path,
                 st.st_uid, geteuid());
        return GW_ERR_INVALID;
    }
    if (faccessat(place->fd, ".", W_OK | X_OK, AT_EACCESS) != 0) {
        snprintf(why, 512, "cannot write to the store's directory %.300s: %s", place->path, strerror(errno));
        return GW_ERR_IO;
    }
    return GW_OK;
}

static bool is_in_memory(int fd)
{
    struct statfs fs;
    return fstatfs(fd, &fs) == 0 && (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC);
}

/* A store in memory must leave room for everything else there, dead letters included; one on a disk for the rest of
 * the disk. */
static void measure(struct store_place *place, const struct config_store *store, const struct runtime_dir *runtime,
                    const struct log *log)
{
    bool memory = place->configured ? place->in_memory : runtime->store_on_tmpfs;
    uint64_t wanted = store->max_bytes;
    uint64_t room = memory              ? store_room(place->path, wanted)
                    : place->configured ? store_room_disk(place->path, wanted)
                                        : wanted;
    place->max_bytes = room;
    place->dead_letter_bytes = store->dead_letter_bytes;
    if (memory && place->dead_letter_bytes > room / 4)
        place->dead_letter_bytes = room / 4;
    if (room < wanted)
        log_warn(log, "the store in %s gets %llu MiB instead of %llu MiB: %s", place->path,
                 (unsigned long long)(room >> 20), (unsigned long long)(wanted >> 20),
                 memory ? "half of the file system, or a quarter of the memory that the cgroup allows"
                        : "nine tenths of the file system");
}

int store_place_open(struct store_place *place, const struct config_store *store, const struct runtime_dir *runtime,
                     const struct log *log, char why[512])
{
    *place = (struct store_place){.fd = -1, .configured = store->directory[0] != '\0'};
    const char *path = place->configured ? store->directory : runtime->store;
    int err = make(path, store, why);
    if (err != GW_OK)
        return err;
    place->path = realpath(path, NULL);
    if (place->path)
        place->fd = open(place->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (place->fd < 0) {
        snprintf(why, 512, "cannot open the store's directory %.300s: %s", path, strerror(errno));
        return GW_ERR_IO;
    }
    err = check(place, why);
    if (err != GW_OK)
        return err;
    place->in_memory = is_in_memory(place->fd);
    if (place->configured && place->in_memory)
        log_warn(log, "the store's directory %s lies in memory (tmpfs): what waits there is lost when the machine stops",
                 place->path);
    measure(place, store, runtime, log);
    return GW_OK;
}

void store_place_close(struct store_place *place)
{
    if (place->fd >= 0)
        close(place->fd);
    place->fd = -1;
    free(place->path);
    place->path = NULL;
}

Masques__Control__Fsync store_place_fsync(const struct store_place *place, const struct config_store *store)
{
    if (!place->configured || store->fsync == CONFIG_FSYNC_NEVER)
        return MASQUES__CONTROL__FSYNC__FSYNC_NONE;
    return store->fsync == CONFIG_FSYNC_INTERVAL ? MASQUES__CONTROL__FSYNC__FSYNC_INTERVAL
                                                 : MASQUES__CONTROL__FSYNC__FSYNC_ALWAYS;
}

bool store_place_survives(const struct store_place *place, const struct config_store *store)
{
    return store_place_fsync(place, store) != MASQUES__CONTROL__FSYNC__FSYNC_NONE;
}
