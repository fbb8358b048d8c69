// SPDX-License-Identifier: Apache-2.0
/* What the tests of the store share: a directory of their own, batches whose bytes follow from
 * their number. */
#ifndef MASQUES_TESTS_STORE_FIXTURE_H
#define MASQUES_TESTS_STORE_FIXTURE_H

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "router/store/store.h"

#define LOGS 1u
#define METRICS 2u
#define TRACES 3u
#define BIT(signal) (1u << (signal))

static inline const struct log *quiet_log(void)
{
    static const struct log log = {.who = "test", .level = LOG_LEVEL_ERROR, .fd = -1};
    return &log;
}

static inline void make_dir(char *path, size_t size)
{
    const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(path, size, "%s/masques-store-XXXXXX", base);
    ck_assert_ptr_nonnull(mkdtemp(path));
}

static inline int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

static inline void remove_dir(const char *path)
{
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline uint32_t payload_length(uint64_t number)
{
    return 40 + (uint32_t)(number * 2654435761u % 900);
}

/* The bytes of batch `number`. */
static inline void payload_fill(uint64_t number, uint8_t *at, size_t len)
{
    uint64_t x = number * 0x9e3779b97f4a7c15u + 1;
    for (size_t i = 0; i < len; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        at[i] = (uint8_t)x;
    }
}

static inline uint32_t batch_records(uint64_t number)
{
    return 1 + (uint32_t)(number % 7);
}

/* A batch of worker `worker`, its payload in `bytes`. */
static inline struct store_batch batch_make(uint8_t worker, uint64_t number, unsigned signal,
                                            uint64_t lowest_open, uint8_t *bytes, size_t len)
{
    struct store_batch b = {
        .signal = signal, .number = number, .lowest_open = lowest_open, .stream = 7};
    memset(b.incarnation, worker, sizeof b.incarnation);
    b.records = batch_records(number);
    b.received_ns = 1000 + number;
    payload_fill(number, bytes, len);
    b.payload = slice_make(bytes, len);
    return b;
}

struct settled {
    int err[64];
    uint64_t sequence[64];
    void *token[64];
    unsigned count;
};

static inline void note_settled(void *ctx, void *token, int err, uint64_t sequence)
{
    struct settled *s = ctx;
    s->err[s->count] = err;
    s->sequence[s->count] = sequence;
    s->token[s->count++] = token;
}

/* Appends and commits one batch; returns its outcome. */
static inline int put(struct store *store, uint64_t number, unsigned signal, size_t len)
{
    uint8_t *bytes = malloc(len);
    struct store_batch b = batch_make(1, number, signal, number, bytes, len);
    struct settled s = {0};
    int err = store_append(store, &b);
    if (!err) {
        ck_assert_int_eq(store_commit(store, note_settled, &s), 0);
        ck_assert_uint_eq(s.count, 1);
        err = s.err[0];
    }
    free(bytes);
    return err;
}

static inline struct store *open_store(const struct store_options *options)
{
    struct store *store = NULL;
    struct store_report report;
    int err = store_open(options, &store, &report);
    ck_assert_msg(err == 0, "%s", report.error);
    return store;
}

static inline struct store_consumer *join(struct store *store, const char *name, uint32_t signals,
                                          enum store_mode mode, enum store_start start)
{
    struct store_consumer *c = NULL;
    ck_assert_int_eq(store_consumer_register(store, name, "test", signals, mode, start, &c), 0);
    return c;
}

/* stored = delivered + rejected + lost + pending, for everybody. */
static inline void check_counts(struct store *store)
{
    for (size_t i = 0; store_consumer_at(store, i); i++) {
        for (unsigned signal = 1; signal <= STORE_SIGNALS; signal++) {
            struct store_counts n;
            if (store_consumer_counts(store, store_consumer_at(store, i), signal, &n) != 0)
                continue;
            ck_assert_uint_eq(n.stored, n.delivered + n.rejected + n.lost + n.pending);
            ck_assert_uint_ge(n.pending, n.open_records);
        }
    }
}

/* ---- short ways to say what tests do ---- */

#define KIB 1024u

static inline struct store_options options_for(char *path, size_t size, uint64_t max_bytes,
                                               uint32_t segment_bytes)
{
    make_dir(path, size);
    return (struct store_options){.directory = path,
                                  .max_bytes = max_bytes,
                                  .segment_bytes = segment_bytes,
                                  .log = quiet_log()};
}

/* As after the death of the router: the tail has no footer. */
static inline struct store *reopen(struct store **store, const struct store_options *o)
{
    store_close(store);
    return open_store(o);
}

static inline struct store_group next_group(struct store *store, struct store_consumer *c,
                                            unsigned signal, uint32_t max_records)
{
    struct store_wishes wishes = {.max_records = max_records, .linger_over = true};
    struct store_group g;
    ck_assert_int_eq(store_group_next(store, c, signal, &wishes, &g), 0);
    return g;
}

static inline void done(struct store *store, struct store_consumer *c, unsigned signal,
                        uint64_t first, uint64_t rejected)
{
    ck_assert_int_eq(store_group_done(store, c, signal, first, rejected), 0);
    ck_assert_int_eq(store_commit(store, NULL, NULL), 0);
}

/* Delivers everything; returns how many batches came, each of which must be intact. */
static inline unsigned drain(struct store *store, struct store_consumer *c, unsigned signal)
{
    struct store_wishes wishes = {.linger_over = true};
    struct store_group g;
    unsigned batches = 0;
    while (store_group_next(store, c, signal, &wishes, &g) == 0) {
        const struct store_extent *x;
        size_t n;
        ck_assert_int_eq(store_group_extents(store, c, signal, g.first, &x, &n), 0);
        for (size_t i = 0; i < n; i++) {
            uint8_t *got = malloc(x[i].length), *want = malloc(x[i].length);
            ck_assert_int_eq(store_read(store, signal, &x[i], got), 0);
            payload_fill(x[i].received_ns - 1000, want, x[i].length);
            ck_assert_mem_eq(got, want, x[i].length);
            free(got);
            free(want);
        }
        batches += (unsigned)n;
        done(store, c, signal, g.first, 0);
    }
    return batches;
}

static inline struct store_counts counts(struct store *store, struct store_consumer *c,
                                         unsigned signal)
{
    struct store_counts n;
    ck_assert_int_eq(store_consumer_counts(store, c, signal, &n), 0);
    ck_assert_uint_eq(n.stored, n.delivered + n.rejected + n.lost + n.pending);
    return n;
}

static inline uint64_t stored_bytes(struct store *store)
{
    struct store_stats stats;
    store_stats(store, &stats);
    return stats.bytes;
}

static inline void segment_path(char *path, size_t size, const char *dir, uint64_t number)
{
    snprintf(path, size, "%s/logs/%016" PRIx64 ".seg", dir, number);
}

static inline void flip(const char *path, uint64_t offset)
{
    uint8_t byte;
    int fd = open(path, O_RDWR);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pread(fd, &byte, 1, (off_t)offset), 1);
    byte ^= 0x10;
    ck_assert_int_eq(pwrite(fd, &byte, 1, (off_t)offset), 1);
    close(fd);
}

#endif
