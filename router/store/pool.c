// SPDX-License-Identifier: Apache-2.0
#include "router/store/pool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int pool_open(struct pool *pool, const struct dir *dir, uint64_t file_bytes_max)
{
    *pool = (struct pool){.next = 1, .file_bytes_max = file_bytes_max};
    uint64_t *numbers;
    size_t count;
    int err = dir_list(dir->free, &numbers, &count);
    if (err)
        return err;
    for (size_t i = 0; i < count && !err; i++) {
        char name[DIR_FILE_NAME_BYTES];
        struct stat st;
        dir_file_name(numbers[i], name);
        pool->next = numbers[i] + 1;
        if (fstatat(dir->free, name, &st, 0) != 0)
            continue;
        uint64_t bytes = (uint64_t)st.st_size;
        if (pool->count == POOL_FILES_MAX || bytes == 0 || bytes > file_bytes_max) {
            err = io_unlink(dir->hook, dir->free, name);
            continue;
        }
        pool->files[pool->count++] = (struct pool_file){numbers[i], bytes};
        pool->bytes += bytes;
    }
    free(numbers);
    return err;
}

static struct pool_file pop(struct pool *pool)
{
    struct pool_file f = pool->files[--pool->count];
    pool->bytes -= f.bytes;
    return f;
}

void pool_drop(const struct dir *dir, int fd, uint64_t number)
{
    int saved = errno;
    char name[DIR_FILE_NAME_BYTES];
    dir_file_name(number, name);
    if (fd >= 0)
        close(fd);
    /* What cannot be removed now is found by the next pool_open(). */
    int err = io_unlink(dir->hook, dir->free, name);
    (void)err;
    errno = saved;
}

int pool_take(struct pool *pool, const struct dir *dir, uint64_t bytes, int *fd, uint64_t *number)
{
    struct pool_file f = {pool->next, 0};
    if (pool->count)
        f = pop(pool);
    else
        pool->next++;
    char name[DIR_FILE_NAME_BYTES];
    dir_file_name(f.number, name);
    *number = f.number;
    int err = io_open(dir->hook, dir->free, name, fd);
    if (err)
        return err;
    err = io_resize(dir->hook, *fd, f.bytes, bytes);
    if (err) {
        pool_drop(dir, *fd, f.number);
        *fd = -1;
    }
    return err;
}

int pool_give(struct pool *pool, const struct dir *dir, int from_dir, const char *name,
              uint64_t bytes)
{
    if (pool->count == POOL_FILES_MAX || bytes > pool->file_bytes_max)
        return io_unlink(dir->hook, from_dir, name);
    char to[DIR_FILE_NAME_BYTES];
    dir_file_name(pool->next, to);
    int err = io_rename(dir->hook, from_dir, name, dir->free, to);
    if (err)
        return err;
    pool->files[pool->count++] = (struct pool_file){pool->next++, bytes};
    pool->bytes += bytes;
    return 0;
}

bool pool_shrink(struct pool *pool, const struct dir *dir)
{
    if (!pool->count)
        return false;
    pool_drop(dir, -1, pop(pool).number);
    return true;
}
