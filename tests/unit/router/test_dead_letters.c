// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "router/dead_letters.h"
#include "router/rejections.h"
#include "tests/support/suite.h"

static const uint8_t uuid[DEAD_LETTER_UUID_BYTES] = {1, 2, 3};

struct room {
    char dir[64];
    int fd, quiet;
    struct dead_letters_options options;
    struct dead_letters *letters;
    struct log log;
    /* the hook */
    struct io_hook hook;
    char steps[128]; /* one character a step */
    size_t fail_at;  /* 0: never; otherwise the step that fails and all after it */
    int error;
};

/* ---- the room ---- */

static size_t before_step(void *ctx, enum io_step step, size_t bytes, int *error)
{
    struct room *r = ctx;
    static const char names[] = {[IO_CREATE] = 'c', [IO_WRITE] = 'w', [IO_RESIZE] = 'z',
                                 [IO_RENAME] = 'r', [IO_UNLINK] = 'u', [IO_SYNC] = 's'};
    size_t n = strlen(r->steps);
    if (n + 1 < sizeof r->steps)
        r->steps[n] = names[step];
    if (r->fail_at == 0 || n + 1 < r->fail_at)
        return SIZE_MAX;
    *error = r->error;
    return bytes / 2;
}

static void after_step(void *ctx)
{
    (void)ctx;
}

static void room_open(struct room *r, uint64_t generation)
{
    memset(r->steps, 0, sizeof r->steps);
    r->fail_at = 0;
    r->options = (struct dead_letters_options){.store_fd = r->fd,
                                               .uuid = uuid,
                                               .generation = generation,
                                               .quota_bytes = r->options.quota_bytes,
                                               .synced = true,
                                               .hook = &r->hook,
                                               .log = &r->log};
    r->letters = dead_letters_open(&r->options);
    ck_assert_ptr_nonnull(r->letters);
}

static void room_make(struct room *r)
{
    memset(r, 0, sizeof *r);
    r->options.quota_bytes = 64u << 20;
    snprintf(r->dir, sizeof r->dir, "/tmp/masques-letters-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(r->dir));
    r->fd = open(r->dir, O_RDONLY | O_DIRECTORY);
    r->quiet = open("/dev/null", O_WRONLY);
    r->log = (struct log){"test", LOG_LEVEL_ERROR, STDERR_FILENO};
    r->hook = (struct io_hook){.before = before_step, .after = after_step, .ctx = r};
    room_open(r, 1);
}

/* What it says is meant to be said. */
static void hush(struct room *r)
{
    r->log.fd = r->quiet;
}

static void room_again(struct room *r, uint64_t generation)
{
    dead_letters_free(&r->letters);
    room_open(r, generation);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void room_end(struct room *r)
{
    dead_letters_free(&r->letters);
    close(r->fd);
    close(r->quiet);
    nftw(r->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static size_t files(const struct room *r)
{
    char path[96];
    size_t count = 0;
    snprintf(path, sizeof path, "%s/dead-letters", r->dir);
    DIR *d = opendir(path);
    for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d))
        count += e->d_name[0] != '.';
    if (d)
        closedir(d);
    return count;
}

/* ---- verdicts ---- */

#define REJECTS_MAX 100

struct verdict {
    Masques__Bus__DeliveryVerdict said;
    Masques__Bus__DeliveryId id;
    Masques__Bus__Rejected rejected[REJECTS_MAX];
    Masques__Bus__Rejected *pointers[REJECTS_MAX];
    struct slice payloads[REJECTS_MAX];
};

static void verdict_make(struct verdict *v, uint64_t first)
{
    memset(v, 0, sizeof *v);
    masques__bus__delivery_verdict__init(&v->said);
    masques__bus__delivery_id__init(&v->id);
    v->id.generation = 1;
    v->id.exporter = (char *)(uintptr_t) "a";
    v->id.signal = MASQUES__BUS__SIGNAL__LOGS;
    v->id.first = first;
    v->id.last = first + 9;
    v->said.id = &v->id;
    v->said.rejected = v->pointers;
}

static void verdict_add(struct verdict *v, uint64_t index, uint64_t count, const char *reason,
                        const char *bytes)
{
    size_t i = v->said.n_rejected++;
    ck_assert_uint_lt(i, REJECTS_MAX);
    masques__bus__rejected__init(&v->rejected[i]);
    v->rejected[i].first = index;
    v->rejected[i].count = count;
    v->rejected[i].reason = (char *)(uintptr_t)reason;
    v->pointers[i] = &v->rejected[i];
    v->payloads[i] = slice_of(bytes);
}

static int keep(struct room *r, const struct verdict *v)
{
    return rejections_keep(r->letters, &v->said, v->payloads, v->said.n_rejected, 77, false);
}

static void keep_one(struct room *r, uint64_t first, const char *bytes)
{
    struct verdict v;
    verdict_make(&v, first);
    verdict_add(&v, 3, 1, "bad", bytes);
    ck_assert_int_eq(keep(r, &v), 0);
}

static const struct dead_letter *at(const struct room *r, size_t i)
{
    ck_assert_uint_lt(i, dead_letters_count(r->letters));
    return &dead_letters_at(r->letters, i)->letter;
}

static void ck_payload(const struct room *r, size_t i, const char *bytes)
{
    struct blob *payload;
    ck_assert_int_eq(dead_letters_read(r->letters, at(r, i)->number, &payload), 0);
    ck_assert_msg(slice_is(slice_make(payload->data, payload->len), bytes), "%.*s",
                  (int)payload->len, (const char *)payload->data);
    blob_drop(payload);
}

/* ---- tests ---- */

START_TEST(letters_are_there_again_after_a_restart)
{
    struct room r;
    room_make(&r);
    keep_one(&r, 100, "one");
    keep_one(&r, 200, "two");
    room_again(&r, 2);
    ck_assert_uint_eq(dead_letters_count(r.letters), 2);
    ck_assert_uint_eq(at(&r, 0)->first, 100);
    ck_assert_uint_eq(at(&r, 0)->last, 109);
    ck_assert_uint_eq(at(&r, 0)->index, 3);
    ck_assert_uint_eq(at(&r, 0)->records, 1);
    ck_assert_uint_eq(at(&r, 0)->rejected_ns, 77);
    ck_assert_uint_eq(at(&r, 0)->signal, 1);
    ck_assert_str_eq((const char *)at(&r, 0)->exporter.data, "a");
    ck_assert_str_eq((const char *)at(&r, 0)->reason.data, "bad");
    ck_payload(&r, 0, "one");
    ck_payload(&r, 1, "two");
    ck_assert_uint_eq(dead_letters_stats(r.letters).letters, 2);
    room_end(&r);
}
END_TEST

START_TEST(a_number_is_never_given_twice)
{
    struct room r;
    room_make(&r);
    keep_one(&r, 100, "one");
    uint64_t number = at(&r, 0)->number;
    ck_assert_int_eq(dead_letters_remove(r.letters, number), 0);
    keep_one(&r, 200, "two");
    ck_assert_uint_gt(at(&r, 0)->number, number);
    ck_assert_int_eq(dead_letters_remove(r.letters, at(&r, 0)->number), 0);
    room_again(&r, 2);
    keep_one(&r, 300, "three");
    ck_assert_uint_gt(at(&r, 0)->number, number + 1);
    room_end(&r);
}
END_TEST

START_TEST(it_is_synced_before_its_name_and_the_directory_after_it)
{
    struct room r;
    room_make(&r);
    keep_one(&r, 100, "one");
    /* directory and its name; file: header, payload, sync, rename; the directory */
    ck_assert_str_eq(r.steps, "cscwwsrs");
    room_end(&r);
}
END_TEST

START_TEST(the_same_verdict_again_replaces_its_letters)
{
    struct room r;
    struct verdict v;
    room_make(&r);
    verdict_make(&v, 100);
    verdict_add(&v, 0, 1, "bad", "one");
    verdict_add(&v, 0, 1, "worse", "two"); /* an exporter that does not count */
    verdict_add(&v, 7, 2, "worst", "three");
    ck_assert_int_eq(keep(&r, &v), 0);
    keep_one(&r, 200, "other");
    uint64_t number = at(&r, 0)->number;
    for (uint64_t generation = 2; generation < 4; generation++) {
        ck_assert_int_eq(keep(&r, &v), 0);
        ck_assert_uint_eq(dead_letters_count(r.letters), 4);
        ck_assert_uint_eq(files(&r), 4);
        ck_assert_uint_eq(at(&r, 0)->number, number);
        ck_payload(&r, 0, "one");
        ck_payload(&r, 1, "two");
        ck_payload(&r, 2, "three");
        room_again(&r, generation);
    }
    room_end(&r);
}
END_TEST

START_TEST(what_a_later_verdict_does_not_reject_leaves_no_letter)
{
    struct room r;
    struct verdict v;
    room_make(&r);
    verdict_make(&v, 100);
    verdict_add(&v, 0, 1, "bad", "one");
    verdict_add(&v, 5, 1, "worse", "two");
    ck_assert_int_eq(keep(&r, &v), 0);
    keep_one(&r, 200, "other");
    v.said.n_rejected = 1;
    ck_assert_int_eq(keep(&r, &v), 0);
    ck_assert_uint_eq(dead_letters_count(r.letters), 2);
    v.said.n_rejected = 0;
    ck_assert_int_eq(keep(&r, &v), 0);
    ck_assert_uint_eq(dead_letters_count(r.letters), 1);
    ck_assert_uint_eq(files(&r), 1);
    ck_payload(&r, 0, "other");
    room_end(&r);
}
END_TEST

START_TEST(rejections_of_one_reason_are_one_letter)
{
    struct room r;
    struct verdict v;
    room_make(&r);
    verdict_make(&v, 100);
    verdict_add(&v, 4, 1, "bad", "one");
    verdict_add(&v, 5, 1, "worse", "x");
    verdict_add(&v, 8, 2, "bad", "two");
    verdict_add(&v, 9, 1, "bad", ""); /* without its bytes: a letter of its own */
    ck_assert_int_eq(keep(&r, &v), 0);
    ck_assert_uint_eq(dead_letters_count(r.letters), 3);
    ck_payload(&r, 0, "onetwo");
    ck_assert_uint_eq(at(&r, 0)->records, 3);
    ck_assert_uint_eq(at(&r, 0)->index, 4);
    ck_payload(&r, 1, "x");
    ck_payload(&r, 2, "");
    ck_assert_uint_eq(at(&r, 2)->records, 1);
    ck_assert_uint_eq(at(&r, 2)->payload_bytes, 0);
    room_end(&r);
}
END_TEST

/* A character of two bytes lies across the limit. */
START_TEST(a_reason_that_is_cut_stays_text)
{
    struct room r;
    struct verdict v;
    char reason[DEAD_LETTER_REASON_MAX_BYTES + 8];
    room_make(&r);
    memset(reason, 'x', sizeof reason);
    memcpy(reason + DEAD_LETTER_REASON_MAX_BYTES - 1, "\xc3\xa9", 2);
    reason[sizeof reason - 1] = '\0';
    verdict_make(&v, 100);
    verdict_add(&v, 0, 1, reason, "one");
    ck_assert_int_eq(keep(&r, &v), 0);
    ck_assert_uint_eq(at(&r, 0)->reason.len, DEAD_LETTER_REASON_MAX_BYTES - 1);
    room_again(&r, 2);
    ck_assert_uint_eq(at(&r, 0)->reason.len, DEAD_LETTER_REASON_MAX_BYTES - 1);
    ck_payload(&r, 0, "one");
    room_end(&r);
}
END_TEST

START_TEST(more_reasons_than_letters_lose_nothing)
{
    struct room r;
    struct verdict v;
    char reasons[REJECTS_MAX][8];
    room_make(&r);
    verdict_make(&v, 100);
    for (size_t i = 0; i < REJECTS_MAX; i++) {
        snprintf(reasons[i], sizeof reasons[i], "%zu", i);
        verdict_add(&v, i, 1, reasons[i], i == 90 ? "" : "x");
    }
    ck_assert_int_eq(keep(&r, &v), 0);
    uint64_t records = 0, bytes = 0;
    for (size_t i = 0; i < dead_letters_count(r.letters); i++) {
        records += at(&r, i)->records;
        bytes += at(&r, i)->payload_bytes;
    }
    ck_assert_uint_eq(records, REJECTS_MAX);
    ck_assert_uint_eq(bytes, REJECTS_MAX - 1);
    ck_assert_uint_le(dead_letters_count(r.letters), REJECTIONS_LETTERS_MAX);
    room_end(&r);
}
END_TEST

START_TEST(beyond_the_quota_a_rejection_is_only_counted)
{
    struct room r;
    room_make(&r);
    hush(&r);
    r.options.quota_bytes = 3 * DEAD_LETTERS_BLOCK_BYTES;
    room_again(&r, 2);
    for (uint64_t first = 100; first < 103; first++)
        keep_one(&r, first, "one");
    struct verdict v;
    verdict_make(&v, 200);
    verdict_add(&v, 0, 1, "bad", "x");
    ck_assert_int_eq(keep(&r, &v), GW_ERR_FULL);
    ck_assert_uint_eq(dead_letters_count(r.letters), 3);
    ck_assert_uint_eq(dead_letters_stats(r.letters).dropped, 1);
    keep_one(&r, 100, "two"); /* takes no more room than before */
    ck_payload(&r, 0, "two");
    ck_assert_int_eq(dead_letters_remove(r.letters, at(&r, 0)->number), 0);
    ck_assert_int_eq(keep(&r, &v), 0);
    /* The quota outlives the router. */
    room_again(&r, 3);
    v.id.first++;
    ck_assert_int_eq(keep(&r, &v), GW_ERR_FULL);
    room_end(&r);
}
END_TEST

START_TEST(without_room_for_any_a_rejection_is_only_counted)
{
    struct room r;
    struct verdict v;
    room_make(&r);
    hush(&r);
    r.options.quota_bytes = 0;
    room_again(&r, 2);
    verdict_make(&v, 200);
    verdict_add(&v, 0, 1, "bad", "x");
    ck_assert_int_eq(keep(&r, &v), GW_ERR_FULL);
    ck_assert_uint_eq(dead_letters_count(r.letters), 0);
    ck_assert_uint_eq(dead_letters_stats(r.letters).dropped, 1);
    room_end(&r);
}
END_TEST

START_TEST(whatever_fails_leaves_no_half_of_a_letter)
{
    struct room r;
    struct verdict v;
    room_make(&r);
    hush(&r);
    keep_one(&r, 100, "one");
    verdict_make(&v, 200);
    verdict_add(&v, 0, 1, "bad", "some bytes");
    /* file, header, payload, sync, rename, directory */
    for (size_t fail = 1; fail <= 6; fail++) {
        room_again(&r, fail + 1);
        r.fail_at = fail;
        r.error = fail % 2 ? ENOSPC : EIO;
        ck_assert_int_lt(keep(&r, &v), 0);
        uint64_t kept = dead_letters_count(r.letters);
        ck_assert_uint_eq(kept, fail == 6 ? 2 : 1);
        room_again(&r, fail + 1); /* as after a death at that step */
        ck_assert_uint_eq(dead_letters_count(r.letters), kept);
        ck_assert_uint_eq(files(&r), kept);
        ck_payload(&r, 0, "one");
    }
    /* What is there already is replaced when the verdict comes again. */
    ck_assert_int_eq(keep(&r, &v), 0);
    ck_assert_uint_eq(dead_letters_count(r.letters), 2);
    room_end(&r);
}
END_TEST

static void spoil(const struct room *r, size_t i, off_t at_byte)
{
    char path[128];
    char byte = 0;
    snprintf(path, sizeof path, "%s/dead-letters/%016llx.dead", r->dir,
             (unsigned long long)at(r, i)->number);
    int fd = open(path, O_RDWR);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq((int)pread(fd, &byte, 1, at_byte), 1);
    byte ^= 1;
    ck_assert_int_eq((int)pwrite(fd, &byte, 1, at_byte), 1);
    close(fd);
}

START_TEST(a_damaged_letter_is_left_alone_and_costs_no_other)
{
    struct room r;
    struct blob *payload;
    room_make(&r);
    hush(&r);
    keep_one(&r, 100, "one");
    keep_one(&r, 200, "two");
    keep_one(&r, 300, "three");
    spoil(&r, 0, 40); /* its header */
    spoil(&r, 1, 124 + 4); /* behind "a", "bad" and the zeros: its payload */
    room_again(&r, 2);
    ck_assert_uint_eq(dead_letters_count(r.letters), 2);
    ck_assert_uint_eq(dead_letters_stats(r.letters).damaged, 1);
    ck_assert_uint_eq(files(&r), 3);
    ck_assert_int_eq(dead_letters_read(r.letters, at(&r, 0)->number, &payload), GW_ERR_CORRUPT);
    ck_assert_ptr_null(payload);
    ck_payload(&r, 1, "three");
    room_end(&r);
}
END_TEST

START_TEST(letters_of_another_store_are_not_taken_for_ours)
{
    static const uint8_t other[DEAD_LETTER_UUID_BYTES] = {9};
    struct room r;
    room_make(&r);
    hush(&r);
    keep_one(&r, 100, "one");
    dead_letters_free(&r.letters);
    r.options.uuid = other;
    r.options.generation = 2;
    r.letters = dead_letters_open(&r.options);
    ck_assert_uint_eq(dead_letters_count(r.letters), 0);
    ck_assert_uint_eq(files(&r), 1);
    room_end(&r);
}
END_TEST

START_TEST(the_rejections_of_a_letter_that_is_still_here_are_not)
{
    struct room r;
    struct verdict v;
    room_make(&r);
    keep_one(&r, 100, "one");
    verdict_make(&v, at(&r, 0)->number | DEAD_LETTER_SEQUENCE_BIT);
    v.id.last = v.id.first;
    verdict_add(&v, 0, 1, "still bad", "one");
    ck_assert_int_eq(keep(&r, &v), 0);
    room_again(&r, 2); /* before the old one was removed */
    ck_assert_uint_eq(dead_letters_count(r.letters), 1);
    ck_assert_str_eq((const char *)at(&r, 0)->reason.data, "bad");
    ck_assert_int_eq(keep(&r, &v), 0);
    ck_assert_int_eq(dead_letters_remove(r.letters, at(&r, 0)->number), 0);
    room_again(&r, 3); /* and after it */
    ck_assert_uint_eq(dead_letters_count(r.letters), 1);
    ck_assert_str_eq((const char *)at(&r, 0)->reason.data, "still bad");
    room_end(&r);
}
END_TEST

SUITE_MAIN("router/dead_letters", letters_are_there_again_after_a_restart,
           a_number_is_never_given_twice, it_is_synced_before_its_name_and_the_directory_after_it,
           the_same_verdict_again_replaces_its_letters,
           what_a_later_verdict_does_not_reject_leaves_no_letter,
           rejections_of_one_reason_are_one_letter, a_reason_that_is_cut_stays_text,
           more_reasons_than_letters_lose_nothing, beyond_the_quota_a_rejection_is_only_counted,
           without_room_for_any_a_rejection_is_only_counted, whatever_fails_leaves_no_half_of_a_letter,
           a_damaged_letter_is_left_alone_and_costs_no_other,
           letters_of_another_store_are_not_taken_for_ours,
           the_rejections_of_a_letter_that_is_still_here_are_not)
