// SPDX-License-Identifier: Apache-2.0
/* A directory of its own for a test, and what lies in it. */
#ifndef MASQUES_TESTS_FILE_DIRECTORY_H
#define MASQUES_TESTS_FILE_DIRECTORY_H

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/buf.h"

struct directory {
    char path[64];
};

static inline struct directory directory_new(void)
{
    struct directory d;
    strcpy(d.path, "/tmp/masques-file-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(d.path));
    return d;
}

/* The path of a file in it; static, the next call overwrites it. */
static inline const char *directory_path(const struct directory *d, const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", d->path, name);
    return path;
}

static inline void directory_free(struct directory *d)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", d->path);
    ck_assert_int_eq(system(command), 0);
}

static inline void directory_put(const struct directory *d, const char *name, const char *text)
{
    FILE *file = fopen(directory_path(d, name), "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

static inline void directory_add(const struct directory *d, const char *name, const char *text)
{
    FILE *file = fopen(directory_path(d, name), "a");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

/* Is the file's text that one? NULL: it must not be there. */
static inline void directory_check(const struct directory *d, const char *name, const char *text)
{
    char got[4096] = "";
    FILE *file = fopen(directory_path(d, name), "r");
    if (!text) {
        ck_assert_msg(!file, "%s is there", name);
        return;
    }
    ck_assert_msg(file != NULL, "%s is missing", name);
    size_t n = fread(got, 1, sizeof got - 1, file);
    got[n] = '\0';
    fclose(file);
    ck_assert_str_eq(got, text);
}

/* Files in it that are not hidden. */
static inline size_t directory_count(const struct directory *d)
{
    size_t count = 0;
    DIR *all = opendir(d->path);
    ck_assert_ptr_nonnull(all);
    for (struct dirent *entry; (entry = readdir(all));)
        count += entry->d_name[0] != '.';
    closedir(all);
    return count;
}

/* The one file that is neither hidden nor called `name`; static. */
static inline const char *directory_other(const struct directory *d, const char *name)
{
    static char other[300];
    other[0] = '\0';
    DIR *all = opendir(d->path);
    ck_assert_ptr_nonnull(all);
    for (struct dirent *entry; (entry = readdir(all));)
        if (entry->d_name[0] != '.' && strcmp(entry->d_name, name) != 0)
            snprintf(other, sizeof other, "%s", entry->d_name);
    closedir(all);
    return other;
}

#endif
