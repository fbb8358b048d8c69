// SPDX-License-Identifier: Apache-2.0
/* The files alone: what the directory holds is what was written and nothing else. That a death at any step leaves no
 * half of a letter is in test_dead_letters.c. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "router/dead_letter_files.h"
#include "tests/support/suite.h"

struct place {
    char dir[64];
    int fd;
    struct dead_letter_files files;
    uint64_t sum; /* of the numbers that were seen */
    unsigned seen;
};

static void place_make(struct place *p)
{
    *p = (struct place){.dir = "/tmp/masques-letter-files-XXXXXX"};
    ck_assert_ptr_nonnull(mkdtemp(p->dir));
    p->fd = open(p->dir, O_RDONLY | O_DIRECTORY);
    ck_assert_int_eq(dead_letter_files_init(&p->files, p->fd, false, NULL), 0);
}

static void place_end(struct place *p)
{
    if (p->files.fd >= 0)
        unlinkat(p->fd, "dead-letters", AT_REMOVEDIR);
    dead_letter_files_fini(&p->files);
    close(p->fd);
    ck_assert_int_eq(rmdir(p->dir), 0); /* nothing else was left */
}

static void write_one(struct place *p, uint64_t number, const char *payload)
{
    const struct dead_letter letter = {.number = number,
                                       .signal = 1,
                                       .first = 7,
                                       .last = 7,
                                       .records = 1,
                                       .payload_bytes = slice_of(payload).len,
                                       .payload_checksum = dead_letter_checksum(slice_of(payload)),
                                       .exporter = slice_of("sink"),
                                       .reason = slice_of("bad")};
    ck_assert_int_eq(dead_letter_files_write(&p->files, &letter, slice_of(payload)), 0);
}

static int see(void *ctx, uint64_t number)
{
    struct place *p = ctx;
    p->sum += number;
    p->seen++;
    return number == 99 ? GW_ERR_NOMEM : GW_OK;
}

static int touch(const struct place *p, const char *name)
{
    int fd = openat(p->files.fd, name, O_WRONLY | O_CREAT, 0600);
    return fd < 0 ? -1 : close(fd);
}

START_TEST(the_directory_comes_with_the_first_letter)
{
    struct place p;
    struct stat st;
    place_make(&p);
    ck_assert_int_eq(p.files.fd, -1);
    ck_assert_int_eq(dead_letter_files_each(&p.files, see, &p), 0);
    ck_assert_int_eq(fstatat(p.fd, "dead-letters", &st, 0), -1);
    write_one(&p, 3, "abc");
    ck_assert_int_eq(fstatat(p.fd, "dead-letters/0000000000000003.dead", &st, 0), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0600);
    ck_assert_int_eq(dead_letter_files_remove(&p.files, 3), 0);
    ck_assert_int_eq(dead_letter_files_remove(&p.files, 3), 0);
    place_end(&p);
}
END_TEST

START_TEST(only_letters_are_seen_and_what_was_not_finished_goes)
{
    struct place p;
    place_make(&p);
    write_one(&p, 3, "abc");
    write_one(&p, UINT64_C(5) << 32, "");
    ck_assert_int_eq(touch(&p, "0000000000000004.tmp"), 0);
    ck_assert_int_eq(touch(&p, "000000000000000G.dead"), 0);
    ck_assert_int_eq(touch(&p, "3.dead"), 0);
    for (unsigned again = 1; again <= 2; again++) { /* from the first entry every time */
        ck_assert_int_eq(dead_letter_files_each(&p.files, see, &p), 0);
        ck_assert_uint_eq(p.seen, 2 * again);
        ck_assert_uint_eq(p.sum, again * ((UINT64_C(5) << 32) + 3));
    }
    ck_assert_int_eq(faccessat(p.files.fd, "0000000000000004.tmp", F_OK, 0), -1);
    ck_assert_int_eq(unlinkat(p.files.fd, "000000000000000G.dead", 0), 0);
    ck_assert_int_eq(unlinkat(p.files.fd, "3.dead", 0), 0);
    write_one(&p, 99, "");
    ck_assert_int_eq(dead_letter_files_each(&p.files, see, &p), GW_ERR_NOMEM);
    ck_assert_int_eq(dead_letter_files_remove(&p.files, 99), 0);
    ck_assert_int_eq(dead_letter_files_remove(&p.files, 3), 0);
    ck_assert_int_eq(dead_letter_files_remove(&p.files, UINT64_C(5) << 32), 0);
    place_end(&p);
}
END_TEST

START_TEST(a_letter_under_another_name_is_not_taken_for_that_one)
{
    struct place p;
    uint8_t room[DEAD_LETTER_HEADER_MAX_BYTES];
    struct dead_letter letter;
    struct blob *payload;
    uint64_t bytes;
    place_make(&p);
    write_one(&p, 3, "abc");
    ck_assert_int_eq(dead_letter_files_header(&p.files, 3, room, &letter, &bytes), 0);
    ck_assert(slice_is(letter.reason, "bad"));
    ck_assert_int_eq(dead_letter_files_payload(&p.files, 3, &payload), 0);
    ck_assert(slice_is(slice_make(payload->data, payload->len), "abc"));
    blob_drop(payload);
    ck_assert_int_eq(renameat(p.files.fd, "0000000000000003.dead", p.files.fd, "0000000000000004.dead"), 0);
    ck_assert_int_eq(dead_letter_files_header(&p.files, 4, room, &letter, &bytes), GW_ERR_CORRUPT);
    ck_assert_int_eq(dead_letter_files_payload(&p.files, 4, &payload), GW_ERR_CORRUPT);
    ck_assert_int_eq(dead_letter_files_payload(&p.files, 3, &payload), GW_ERR_NOT_FOUND);
    ck_assert_int_eq(dead_letter_files_remove(&p.files, 4), 0);
    place_end(&p);
}
END_TEST

SUITE_MAIN("router/dead_letter_files", the_directory_comes_with_the_first_letter,
           only_letters_are_seen_and_what_was_not_finished_goes,
           a_letter_under_another_name_is_not_taken_for_that_one)
