// SPDX-License-Identifier: Apache-2.0
#include "receiver/master/runtime_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "shared/control/runtime_path.h"

#define SHARED_MEMORY "/dev/shm"

/* A directory that somebody else can enter could be given a socket of theirs in place of ours. */
static int make_private(const char *path, char why[512])
{
    struct stat st;
    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        snprintf(why, 512, "cannot create the runtime directory %s: %s", path, strerror(errno));
        return GW_ERR_IO;
    }
    if (lstat(path, &st) != 0 || !S_ISDIR(st.st_mode)) {
        snprintf(why, 512, "the runtime directory %s is not a directory", path);
        return GW_ERR_INVALID;
    }
    if (st.st_uid != geteuid()) {
        snprintf(why, 512, "the runtime directory %s belongs to user %u, not to us (user %u)", path,
                 st.st_uid, geteuid());
        return GW_ERR_INVALID;
    }
    if ((st.st_mode & 077) && chmod(path, 0700) != 0) {
        snprintf(why, 512, "cannot close the runtime directory %s to others: %s", path,
                 strerror(errno));
        return GW_ERR_IO;
    }
    return GW_OK;
}

static void holder(int fd, char text[32])
{
    ssize_t n = pread(fd, text, 31, 0);
    text[n > 0 ? n : 0] = '\0';
    text[strcspn(text, "\n")] = '\0';
}

/* A lock goes with the description of the open file, so an inherited one is held on without a gap. */
static void prefer_inherited(struct runtime_dir *dir, int inherited)
{
    struct stat ours;
    struct stat theirs;
    if (inherited < 0)
        return;
    if (fstat(dir->lock, &ours) != 0 || fstat(inherited, &theirs) != 0 || ours.st_dev != theirs.st_dev ||
        ours.st_ino != theirs.st_ino) {
        close(inherited);
        return;
    }
    close(dir->lock);
    dir->lock = inherited;
}

static int take_lock(struct runtime_dir *dir, int inherited, char why[512])
{
    char path[128];
    char pid[32];
    snprintf(path, sizeof path, "%s/" RUNTIME_LOCK, dir->path);
    dir->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (dir->lock < 0) {
        snprintf(why, 512, "cannot open %s: %s", path, strerror(errno));
        return GW_ERR_IO;
    }
    prefer_inherited(dir, inherited);
    if (flock(dir->lock, LOCK_EX | LOCK_NB) != 0) {
        holder(dir->lock, pid);
        snprintf(why, 512,
                 "another masques-receiver (process %s) runs with the runtime directory %s; give "
                 "this one its own with masques: runtime_directory",
                 pid, dir->path);
        runtime_dir_close(dir);
        return GW_ERR_EXISTS;
    }
    int n = snprintf(pid, sizeof pid, "%d\n", getpid());
    /* In this order: over a hand-over it is never without the number. */
    if (pwrite(dir->lock, pid, (size_t)n, 0) != n || ftruncate(dir->lock, n) != 0) {
        snprintf(why, 512, "cannot write %s: %s", path, strerror(errno));
        runtime_dir_close(dir);
        return GW_ERR_IO;
    }
    return GW_OK;
}

static bool on_tmpfs(const char *path)
{
    struct statfs fs;
    return statfs(path, &fs) == 0 && (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC);
}

/* FNV-1a: only tells the directories of several gateways apart. */
static uint32_t name_hash(const char *text)
{
    uint32_t hash = 2166136261u;
    for (; *text; text++)
        hash = (hash ^ (uint8_t)*text) * 16777619u;
    return hash;
}

static int place_store(struct runtime_dir *dir, char why[512])
{
    dir->store_on_tmpfs = true;
    snprintf(dir->store, sizeof dir->store, "%s/store", dir->path);
    if (on_tmpfs(dir->path))
        return GW_OK;
    dir->store_on_tmpfs = on_tmpfs(SHARED_MEMORY) && access(SHARED_MEMORY, W_OK | X_OK) == 0;
    if (!dir->store_on_tmpfs)
        return GW_OK;
    char parent[80];
    snprintf(parent, sizeof parent, SHARED_MEMORY "/masques-%u-%08x", geteuid(),
             name_hash(dir->path));
    int err = make_private(parent, why);
    if (err == GW_OK)
        snprintf(dir->store, sizeof dir->store, "%s/store", parent);
    return err;
}

int runtime_dir_open(struct runtime_dir *dir, const char *wanted, int inherited, char why[512])
{
    char path[RUNTIME_PATH_BYTES];
    dir->lock = -1;
    if (runtime_path(wanted, path) != GW_OK) {
        snprintf(why, 512, "the path of the runtime directory %s is too long", wanted);
        return GW_ERR_INVALID;
    }
    int err = make_private(path, why);
    if (err != GW_OK)
        return err;
    char *real = realpath(path, NULL);
    if (!real || strlen(real) >= sizeof dir->path) {
        snprintf(why, 512, "the path of the runtime directory %s is too long", path);
        free(real);
        return GW_ERR_INVALID;
    }
    snprintf(dir->path, sizeof dir->path, "%s", real);
    free(real);
    err = take_lock(dir, inherited, why);
    if (err == GW_OK)
        err = place_store(dir, why);
    if (err != GW_OK)
        runtime_dir_close(dir);
    return err;
}

void runtime_dir_close(struct runtime_dir *dir)
{
    if (dir->lock >= 0)
        close(dir->lock);
    dir->lock = -1;
}
