// SPDX-License-Identifier: Apache-2.0
/* What is found out about a file in which an earlier process was to write. */
#include <errno.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include "exporters/file/work.h"
#include "tests/support/suite.h"
#include "tests/unit/exporters/file/directory.h"

#define NOBODY 65534
#define LINES 3

static int failing_syncs; /* so many fail from now on */

/* In place of the C library's. */
int fdatasync(int fd)
{
    struct stat st;
    if (failing_syncs == 0)
        return fstat(fd, &st);
    failing_syncs--;
    errno = EIO;
    return -1;
}

static bool no_attributes;

ssize_t fgetxattr(int fd, const char *name, void *value, size_t room)
{
    if (!no_attributes)
        return syscall(SYS_fgetxattr, fd, name, value, room);
    errno = ENOTSUP;
    return -1;
}

static const char *const lines[LINES] = {"{\"a\":1}\n", "{\"b\":2}\n", "{\"c\":3}\n"};

struct scene {
    struct directory directory;
    struct file_options options;
    struct log log;
    struct output_rules rules;
    struct outputs *outputs;
    struct work work;
};

/* A delivery of three lines for "data.jsonl", as `note` tells of it: to stand at `offset` of the file of that name. */
static void scene_make(struct scene *s, const char *noted, uint64_t offset)
{
    struct stat st;
    struct load *load = &s->work.load;
    s->options.append = true;
    s->log = (struct log){.who = "test", .level = LOG_LEVEL_ERROR, .fd = 2};
    s->rules = (struct output_rules){.options = &s->options, .log = &s->log, .run = 1, .writer = 2, .synced = true};
    s->outputs = outputs_new(1);
    ck_assert_ptr_nonnull(s->outputs);
    load->files = calloc(1, sizeof *load->files);
    load->messages = calloc(LINES, sizeof *load->messages);
    ck_assert(load->files && load->messages);
    load->file_count = 1;
    load->files[0] = (struct load_file){.path = strdup(directory_path(&s->directory, "data.jsonl")),
                                        .bytes = buf_make(4096)};
    for (size_t i = 0; i < LINES; i++) {
        load->messages[load->count++] =
            (struct load_message){.at = load->files[0].bytes.len, .len = strlen(lines[i])};
        buf_text(&load->files[0].bytes, lines[i]);
    }
    ck_assert_int_eq(stat(directory_path(&s->directory, noted), &st), 0);
    s->work.look = true;
    s->work.note = (struct note){.count = LINES, .to = LINES, .file_count = 1};
    s->work.note.files[0] = (struct note_file){.device = st.st_dev, .inode = st.st_ino, .offset = offset};
}

static void scene_free(struct scene *s)
{
    outputs_free(&s->outputs);
    load_free(&s->work.load);
    directory_free(&s->directory);
}

static void plan(struct scene *s)
{
    struct work *work = &s->work;
    work->trouble = (struct trouble){.error = 0};
    work_plan(&work, 1, s->outputs, &s->rules, 0);
}

static unsigned written(const struct scene *s)
{
    unsigned count = 0;
    for (size_t i = 0; i < s->work.load.count; i++)
        count += s->work.load.messages[i].written;
    return count;
}

START_TEST(what_stands_there_is_not_planned_again)
{
    struct scene s = {.directory = directory_new()};
    directory_put(&s.directory, "data.jsonl", "old\n{\"a\":1}\n{\"b\":2}\n");
    scene_make(&s, "data.jsonl", 4);
    plan(&s);
    ck_assert_int_eq(s.work.trouble.error, 0);
    ck_assert_uint_eq(written(&s), 2);
    ck_assert(s.work.from == 2 && s.work.to == 3);
    scene_free(&s);
}
END_TEST

START_TEST(a_file_that_may_not_be_read_is_written_to_all_the_same)
{
    struct scene s = {.directory = directory_new()};
    directory_put(&s.directory, "data.jsonl", "old\n{\"a\":1}\n");
    scene_make(&s, "data.jsonl", 4);
    ck_assert_int_eq(chmod(s.work.load.files[0].path, 0200), 0);
    if (geteuid() == 0) { /* who may read everything */
        ck_assert_int_eq(chown(s.work.load.files[0].path, NOBODY, NOBODY), 0);
        ck_assert_int_eq(chmod(s.directory.path, 0755), 0);
        ck_assert_int_eq(seteuid(NOBODY), 0);
    }
    plan(&s);
    ck_assert_msg(s.work.trouble.error == 0, "%s", s.work.trouble.text);
    ck_assert_uint_eq(written(&s), 0);
    ck_assert(s.work.from == 0 && s.work.to == 3);
    ck_assert_int_eq(seteuid(getuid()), 0);
    scene_free(&s);
}
END_TEST

/* A second sync of the same pages would say that all is well. */
START_TEST(what_cannot_be_synced_in_a_rotated_file_does_not_count)
{
    struct scene s = {.directory = directory_new()};
    directory_put(&s.directory, "data.jsonl.1", "old\n{\"a\":1}\n{\"b\":2}\n");
    scene_make(&s, "data.jsonl.1", 4);
    /* Who wrote it has left its mark in it. */
    struct stat st;
    int fd = open(directory_path(&s.directory, "data.jsonl.1"), O_RDWR);
    ck_assert_int_eq(fstat(fd, &st), 0);
    ck_assert_int_eq(mark_write(fd, directory_path(&s.directory, "data.jsonl.1"), &st,
                                &(struct mark){.run = 1, .writer = 1, .emptied = true}), 0);
    close(fd);
    failing_syncs = 1;
    plan(&s);
    ck_assert_int_eq(s.work.trouble.error, EIO);
    ck_assert_uint_eq(written(&s), 0);
    plan(&s);
    ck_assert_int_eq(s.work.trouble.error, 0);
    ck_assert_uint_eq(written(&s), 0);
    ck_assert(s.work.from == 0 && s.work.to == 3);
    directory_check(&s.directory, "data.jsonl.1", "old\n");
    scene_free(&s);
}
END_TEST

/* Somebody else's line stands behind it, and stays. */
START_TEST(what_cannot_be_synced_in_the_middle_is_written_again)
{
    struct scene s = {.directory = directory_new()};
    directory_put(&s.directory, "data.jsonl", "old\n{\"a\":1}\n{\"b\":2}\n{\"c\":3}\nelse\n");
    scene_make(&s, "data.jsonl", 4);
    failing_syncs = 1;
    plan(&s);
    ck_assert_int_eq(s.work.trouble.error, 0);
    ck_assert_uint_eq(written(&s), 0);
    ck_assert(s.work.from == 0 && s.work.to == 3);
    directory_check(&s.directory, "data.jsonl", "old\n{\"a\":1}\n{\"b\":2}\n{\"c\":3}\nelse\n");
    scene_free(&s);
}
END_TEST

/* On a file system without attributes the mark stays behind. */
START_TEST(that_a_rotated_file_without_a_mark_may_have_it_twice_is_said)
{
    struct scene s = {.directory = directory_new()};
    char said[256] = "";
    directory_put(&s.directory, "data.jsonl.1", "old\n{\"a\":1}\n");
    scene_make(&s, "data.jsonl.1", 4);
    s.log.level = LOG_LEVEL_WARN;
    s.log.fd = open(directory_path(&s.directory, "log"), O_RDWR | O_CREAT, 0600);
    no_attributes = true;
    plan(&s);
    ck_assert_int_eq(s.work.trouble.error, 0);
    ck_assert_uint_eq(written(&s), 0);
    ck_assert_int_gt(pread(s.log.fd, said, sizeof said - 1, 0), 0);
    ck_assert_msg(strstr(said, "may be there twice") != NULL, "%s", said);
    close(s.log.fd);
    scene_free(&s);
}
END_TEST

SUITE_MAIN("work", what_stands_there_is_not_planned_again,
           a_file_that_may_not_be_read_is_written_to_all_the_same,
           what_cannot_be_synced_in_a_rotated_file_does_not_count,
           what_cannot_be_synced_in_the_middle_is_written_again,
           that_a_rotated_file_without_a_mark_may_have_it_twice_is_said)
