// SPDX-License-Identifier: Apache-2.0
#include "exporters/file/backup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define STAMP_LEN 23u /* "2022-09-14T05-02-14.173" */
#define DAY_MS INT64_C(86400000)
#define TRIES 10000 /* milliseconds that may be taken one after the other */

/* A path in its parts; all borrowed from it. */
struct parts {
    int directory; /* bytes, with the "/" */
    const char *name;
    size_t stem;           /* bytes of the name before the extension */
    const char *extension; /* with its dot; "": none */
};

static struct parts parts_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    struct parts p = {.name = slash ? slash + 1 : path};
    const char *dot = strrchr(p.name, '.');
    p.directory = (int)(p.name - path);
    p.extension = dot ? dot : p.name + strlen(p.name);
    p.stem = (size_t)(p.extension - p.name);
    return p;
}

int backup_name(const char *path, int64_t ms, bool local, char *out, size_t room)
{
    struct parts p = parts_of(path);
    struct tm tm;
    char stamp[32];
    time_t s = (time_t)(ms / 1000);
    if (!(local ? localtime_r(&s, &tm) : gmtime_r(&s, &tm)) ||
        strftime(stamp, sizeof stamp, "%Y-%m-%dT%H-%M-%S", &tm) == 0)
        return GW_ERR_TOO_LARGE;
    int n = snprintf(out, room, "%.*s%.*s-%s.%03d%s", p.directory, path, (int)p.stem, p.name, stamp,
                     (int)(ms % 1000), p.extension);
    return n > 0 && (size_t)n < room ? 0 : GW_ERR_TOO_LARGE;
}

/* Reads "2022-09-14T05-02-14.173", exactly. */
static bool stamp_read(const char *at, bool local, int64_t *ms)
{
    static const char shape[] = "dddd-dd-ddTdd-dd-dd.ddd";
    struct tm tm = {.tm_isdst = -1};
    for (size_t i = 0; i < STAMP_LEN; i++)
        if (shape[i] == 'd' ? at[i] < '0' || at[i] > '9' : at[i] != shape[i])
            return false;
    int milli;
    if (sscanf(at, "%4d-%2d-%2dT%2d-%2d-%2d.%3d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
               &tm.tm_min, &tm.tm_sec, &milli) != 7)
        return false;
    if (tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_hour > 23 ||
        tm.tm_min > 59 || tm.tm_sec > 60)
        return false;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    time_t s = local ? mktime(&tm) : timegm(&tm);
    *ms = (int64_t)s * 1000 + milli;
    return true;
}

bool backup_time(const char *path, const char *name, bool local, int64_t *ms)
{
    struct parts p = parts_of(path);
    size_t len = strlen(name), extension = strlen(p.extension);
    if (len != p.stem + 1 + STAMP_LEN + extension || memcmp(name, p.name, p.stem) != 0 ||
        name[p.stem] != '-' || strcmp(name + len - extension, p.extension) != 0)
        return false;
    return stamp_read(name + p.stem + 1, local, ms);
}

int backup_make(const char *path, int64_t now_ms, bool local)
{
    char to[PATH_MAX];
    for (int64_t i = 0; i < TRIES; i++) {
        if (backup_name(path, now_ms + i, local, to, sizeof to) < 0)
            return GW_ERR_TOO_LARGE;
        if (renameat2(AT_FDCWD, path, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
            return 0;
        if (errno == EINVAL || errno == ENOSYS) { /* a file system without it */
            if (access(to, F_OK) == 0)
                continue;
            return rename(path, to) == 0 ? 0 : GW_ERR_IO;
        }
        if (errno != EEXIST)
            return GW_ERR_IO;
    }
    return GW_ERR_IO;
}

struct found {
    int64_t ms;
    char *name;
};

static int newest_first(const void *a, const void *b)
{
    const struct found *x = a, *y = b;
    return x->ms == y->ms ? strcmp(y->name, x->name) : x->ms < y->ms ? 1 : -1;
}

/* The backups in the open directory, `*count` of them; owned. */
static struct found *list(DIR *directory, const char *path, bool local, size_t *count)
{
    struct found *all = NULL;
    struct dirent *entry;
    int64_t ms;
    *count = 0;
    while ((entry = readdir(directory))) {
        if (!backup_time(path, entry->d_name, local, &ms))
            continue;
        struct found *more = realloc(all, (*count + 1) * sizeof *more);
        char *name = strdup(entry->d_name);
        if (more)
            all = more;
        if (!more || !name) { /* what is not listed stays until next time */
            free(name);
            break;
        }
        all[(*count)++] = (struct found){ms, name};
    }
    return all;
}

size_t backup_prune(const char *path, int64_t now_ms, const struct backup_rules *rules)
{
    struct parts p = parts_of(path);
    char directory[PATH_MAX];
    size_t count, removed = 0;
    if (rules->max_backups == 0 && rules->max_days == 0)
        return 0;
    snprintf(directory, sizeof directory, "%.*s", p.directory, path);
    DIR *open_directory = opendir(directory[0] ? directory : ".");
    if (!open_directory)
        return 0;
    struct found *all = list(open_directory, path, rules->local, &count);
    if (count)
        qsort(all, count, sizeof *all, newest_first);
    for (size_t i = 0; i < count; i++) {
        bool many = rules->max_backups && i >= rules->max_backups;
        bool old = rules->max_days && all[i].ms < now_ms - (int64_t)rules->max_days * DAY_MS;
        if ((many || old) && unlinkat(dirfd(open_directory), all[i].name, 0) == 0)
            removed++;
        free(all[i].name);
    }
    free(all);
    closedir(open_directory);
    return removed;
}
