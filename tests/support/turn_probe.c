// SPDX-License-Identifier: Apache-2.0
/* A library to be preloaded into a worker (LD_PRELOAD): measures how long each turn of its loop takes, from the return
 * of epoll_wait() to the next call, in CPU time of the thread that waits, which other processes do not disturb, and on
 * the clock; what the whole process has used by then; and the largest block that this thread gave back, since the kernel
 * takes its time for it. The file that TURN_PROBE names has the largest of each, as a struct turns; whoever reads it may
 * set them back to 0, and has the largest from then on. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define PROGRAM "masques-receiver-worker" /* the one that started it has the library too */

typedef int (*epoll_wait_fn)(int, struct epoll_event *, int, int);

/* glibc's free(), under the name that is not ours. */
extern void __libc_free(void *block);

struct turns {
    _Atomic uint64_t longest_cpu; /* ns */
    _Atomic uint64_t longest_wall;
    _Atomic uint64_t largest_freed; /* bytes */
    _Atomic uint64_t process_cpu; /* of all threads, at the end of the last turn, ns */
};

static _Thread_local struct turns *mine; /* of the loop's thread */

struct turn {
    struct turns *turns; /* the file, mapped */
    uint64_t cpu, wall;  /* at its beginning */
};

static uint64_t read_clock(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static struct turns *map_file(void)
{
    int fd = open(getenv("TURN_PROBE"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, sizeof(struct turns)) != 0)
        abort();
    void *at = mmap(NULL, sizeof(struct turns), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (at == MAP_FAILED)
        abort();
    return at;
}

static void begin(struct turn *turn)
{
    turn->wall = read_clock(CLOCK_MONOTONIC);
    turn->cpu = read_clock(CLOCK_THREAD_CPUTIME_ID);
}

static void end(struct turn *turn)
{
    uint64_t cpu = read_clock(CLOCK_THREAD_CPUTIME_ID) - turn->cpu;
    uint64_t wall = read_clock(CLOCK_MONOTONIC) - turn->wall;
    if (cpu > turn->turns->longest_cpu)
        turn->turns->longest_cpu = cpu;
    if (wall > turn->turns->longest_wall)
        turn->turns->longest_wall = wall;
    turn->turns->process_cpu = read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

void free(void *block)
{
    if (mine && block) {
        uint64_t size = malloc_usable_size(block);
        if (size > mine->largest_freed)
            mine->largest_freed = size;
    }
    __libc_free(block);
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
    if (!turn.turns)
        mine = turn.turns = map_file();
    else
        end(&turn);
    int n = real(fd, events, count, timeout);
    begin(&turn);
    return n;
}
