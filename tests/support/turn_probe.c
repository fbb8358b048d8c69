// SPDX-License-Identifier: Apache-2.0
/* A library to be preloaded into a worker (LD_PRELOAD): measures how long each turn of its loop takes, from the return
 * of epoll_wait() to the next call, in CPU time of the thread that waits, which other processes do not disturb, and on
 * the clock. After every turn that is the longest so far, the file that TURN_PROBE names says "CPU-US WALL-US", of the
 * longest of each. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define PROGRAM "masques-receiver-worker" /* the one that started it has the library too */

typedef int (*epoll_wait_fn)(int, struct epoll_event *, int, int);

struct turn {
    int fd;
    uint64_t cpu, wall;         /* at its beginning, ns */
    uint64_t max_cpu, max_wall; /* us */
};

static uint64_t read_clock(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void begin(struct turn *turn)
{
    turn->wall = read_clock(CLOCK_MONOTONIC);
    turn->cpu = read_clock(CLOCK_THREAD_CPUTIME_ID);
}

static void end(struct turn *turn)
{
    uint64_t cpu = (read_clock(CLOCK_THREAD_CPUTIME_ID) - turn->cpu) / 1000;
    uint64_t wall = (read_clock(CLOCK_MONOTONIC) - turn->wall) / 1000;
    char text[64];
    if (cpu <= turn->max_cpu && wall <= turn->max_wall)
        return;
    turn->max_cpu = cpu > turn->max_cpu ? cpu : turn->max_cpu;
    turn->max_wall = wall > turn->max_wall ? wall : turn->max_wall;
    int n = snprintf(text, sizeof text, "%-20llu %-20llu\n", (unsigned long long)turn->max_cpu,
                     (unsigned long long)turn->max_wall);
    if (pwrite(turn->fd, text, (size_t)n, 0) < 0)
        abort();
}

/* ZeroMQ's threads wait in epoll_wait() too: only the first thread, the loop's, is measured. */
int epoll_wait(int fd, struct epoll_event *events, int count, int timeout)
{
    static epoll_wait_fn real;
    static struct turn turn;
    if (!real)
        real = (epoll_wait_fn)dlsym(RTLD_NEXT, "epoll_wait");
    if (gettid() != getpid() || strcmp(program_invocation_short_name, PROGRAM) != 0)
        return real(fd, events, count, timeout);
    if (turn.fd == 0)
        turn.fd = open(getenv("TURN_PROBE"), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    else
        end(&turn);
    int n = real(fd, events, count, timeout);
    begin(&turn);
    return n;
}
