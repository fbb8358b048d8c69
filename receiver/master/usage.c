// SPDX-License-Identifier: Apache-2.0
#include "receiver/master/usage.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* proc(5): the fields of /proc/PID/stat behind the name in brackets, which may hold anything; state is 3. */
#define FIRST_FIELD 3u
#define FIELD_UTIME 14u
#define FIELD_STIME 15u
#define FIELD_RSS 24u /* pages */

struct fields {
    unsigned long long utime, stime, rss;
};

static bool read_stat(pid_t pid, struct fields *fields)
{
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n <= 0)
        return false;
    text[n] = '\0';
    char *at = strrchr(text, ')');
    *fields = (struct fields){0};
    for (unsigned field = FIRST_FIELD; at && field <= FIELD_RSS; field++) {
        at = strchr(at + 1, ' ');
        unsigned long long value = at ? strtoull(at, NULL, 10) : 0;
        if (field == FIELD_UTIME)
            fields->utime = value;
        else if (field == FIELD_STIME)
            fields->stime = value;
        else if (field == FIELD_RSS)
            fields->rss = value;
    }
    return at != NULL;
}

static double seconds_of(int who)
{
    struct rusage r;
    if (getrusage(who, &r) != 0)
        return 0;
    return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
           (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

/* A child that has ended and was waited for is in RUSAGE_CHILDREN, and no member has its pid any more. */
struct usage usage_of(const struct family *family)
{
    struct usage usage = {.cpu_s = seconds_of(RUSAGE_SELF) + seconds_of(RUSAGE_CHILDREN)};
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    double ticks = (double)sysconf(_SC_CLK_TCK);
    struct fields fields;
    if (read_stat(getpid(), &fields))
        usage.rss_bytes = fields.rss * page;
    for (size_t i = 0; family_at(family, i); i++) {
        const struct member *m = family_at(family, i);
        if (!member_lives(m) || !read_stat(m->pid, &fields))
            continue;
        usage.cpu_s += (double)(fields.utime + fields.stime) / ticks;
        usage.rss_bytes += fields.rss * page;
    }
    return usage;
}
