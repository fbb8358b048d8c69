// SPDX-License-Identifier: Apache-2.0
/* masques-store-memory DIRECTORY GIB: what a backlog costs the router in memory. Fills a store with batches of zeros that
 * nobody takes, and gives the file system back what they occupy as soon as a segment is sealed (a hole reads as zeros,
 * so that the batches are still there and whole). Prints memory on the way, then the time and memory of a recovery, and
 * reads groups from the oldest on. By hand: it writes GIB through the page cache. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "router/store/store.h"
#include "shared/base/clock.h"

#define BATCH_BYTES 62000u
#define BATCH_RECORDS 100u
#define BATCHES_A_COMMIT 8u
#define LOGS 1u
#define GROUPS 20000u /* that are read at the end */
/* What stays of a sealed segment: header and snapshot, index and footer. */
#define HEAD_BYTES (64u << 10)
#define FOOT_BYTES (128u << 10)

static const uint8_t zeros[BATCH_BYTES];

static int fail(const char *what)
{
    fprintf(stderr, "masques-store-memory: %s: %s\n", what, strerror(errno));
    return EXIT_FAILURE;
}

/* Proportional set size of this process, in KiB. */
static unsigned long pss_kib(void)
{
    char line[128];
    unsigned long kib = 0;
    FILE *f = fopen("/proc/self/smaps_rollup", "re");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "Pss: %lu kB", &kib) == 1)
            break;
    if (f)
        fclose(f);
    return kib;
}

/* Punches the segments that are not the newest: `from` and on, by number. Returns the next to look at. */
static uint64_t punch(const char *directory, uint64_t from)
{
    for (;; from++) {
        char path[512], next[512];
        struct stat st;
        snprintf(path, sizeof path, "%s/logs/%016" PRIx64 ".seg", directory, from);
        snprintf(next, sizeof next, "%s/logs/%016" PRIx64 ".seg", directory, from + 2);
        if (access(next, F_OK) != 0)
            return from;
        int fd = open(path, O_RDWR | O_CLOEXEC);
        if (fd < 0)
            continue;
        if (fstat(fd, &st) == 0 && st.st_size > HEAD_BYTES + FOOT_BYTES)
            (void)!fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, HEAD_BYTES,
                             st.st_size - HEAD_BYTES - FOOT_BYTES);
        close(fd);
    }
}

static int fill(struct store *store, uint64_t *number)
{
    for (unsigned i = 0; i < BATCHES_A_COMMIT; i++, ++*number) {
        struct store_batch b = {.signal = LOGS,
                                .number = *number,
                                .lowest_open = *number,
                                .records = BATCH_RECORDS,
                                .received_ns = clock_wall_ns(),
                                .payload = {zeros, sizeof zeros}};
        memset(b.incarnation, 1, sizeof b.incarnation);
        int err = store_append(store, &b);
        if (err)
            return err;
    }
    return store_commit(store, NULL, NULL);
}

static void read_groups(struct store *store, struct store_consumer *c)
{
    unsigned groups = 0;
    uint64_t batches = 0;
    const struct store_wishes wishes = {.max_records = 10000, .max_bytes = 8u << 20};
    struct store_group g;
    while (groups < GROUPS && store_group_next(store, c, LOGS, &wishes, &g) == GW_OK) {
        batches += g.last - g.first + 1;
        if (store_group_done(store, c, LOGS, g.first, 0) != GW_OK)
            break;
        if (++groups % 64 == 0 && store_commit(store, NULL, NULL) != GW_OK)
            break;
    }
    printf("read %u groups, %" PRIu64 " batches from the oldest on: PSS %lu KiB\n", groups, batches, pss_kib());
}

static int recover(const struct store_options *o)
{
    struct store *store;
    struct store_report report;
    uint64_t began = clock_mono_ns();
    if (store_open(o, &store, &report) != GW_OK)
        return fail(report.error);
    printf("recovered %" PRIu64 " batches in %.1f ms: PSS %lu KiB\n", report.batches,
           (double)(clock_mono_ns() - began) / 1e6, pss_kib());
    read_groups(store, store_consumer_find(store, "late"));
    store_close(&store);
    return EXIT_SUCCESS;
}

/* Memory that the first one has given back to its allocator must not be counted. */
static int in_another_process(const struct store_options *o)
{
    int status;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        char max[32];
        snprintf(max, sizeof max, "%" PRIu64, o->max_bytes);
        execl("/proc/self/exe", "masques-store-memory", "--recover", o->directory, max, (char *)NULL);
        _exit(EXIT_FAILURE);
    }
    if (pid < 0 || waitpid(pid, &status, 0) < 0)
        return fail("fork");
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    struct store *store;
    struct store_report report;
    struct store_consumer *c;
    uint64_t number = 1, bytes = 0, shown = 0, punched = 1;
    uint64_t wanted = argc == 3 ? strtoull(argv[2], NULL, 10) << 30 : 0;
    const struct log log = {"store", LOG_LEVEL_WARN, STDERR_FILENO};
    if (argc == 4 && strcmp(argv[1], "--recover") == 0) {
        const struct store_options again = {
            .directory = argv[2], .max_bytes = strtoull(argv[3], NULL, 10), .log = &log};
        return recover(&again);
    }
    if (!wanted) {
        fputs("usage: masques-store-memory DIRECTORY GIB\n", stderr);
        return 2;
    }
    const struct store_options o = {.directory = argv[1], .max_bytes = 2 * wanted, .log = &log};
    if (store_open(&o, &store, &report) != GW_OK ||
        store_consumer_register(store, "late", "file", 1u << LOGS, STORE_DURABLE, STORE_OLDEST, &c) != GW_OK)
        return fail(argv[1]);
    printf("empty: PSS %lu KiB\n", pss_kib());
    for (; bytes < wanted; bytes += (uint64_t)BATCHES_A_COMMIT * BATCH_BYTES) {
        if (fill(store, &number) != GW_OK)
            return fail("cannot write");
        if (number % 1024 < BATCHES_A_COMMIT)
            punched = punch(argv[1], punched);
        if (bytes >> 30 >= shown + 10 || (bytes >> 30 && !shown)) {
            shown = bytes >> 30;
            printf("%" PRIu64 " GiB: PSS %lu KiB\n", shown, pss_kib());
            fflush(stdout);
        }
    }
    printf("%" PRIu64 " GiB, %" PRIu64 " batches: PSS %lu KiB\n", bytes >> 30, number - 1, pss_kib());
    store_close(&store);
    return in_another_process(&o);
}
