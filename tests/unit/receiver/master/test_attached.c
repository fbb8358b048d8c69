// SPDX-License-Identifier: Apache-2.0
/* The list of attached exporters and its file; what is wrong with a wish. */
#include "receiver/master/attached.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <masques/bus.pb-c.h>

#include "receiver/master/attach_check.h"
#include "tests/support/suite.h"
#include "tests/unit/receiver/master/stage.h"

#define LOGS (1u << CONFIG_LOGS)

/* A wish with one option; "" for none. */
struct wish {
    Masques__Control__Attached attached;
    Masques__Control__Option option;
    Masques__Control__Option *list[1];
};

static const Masques__Control__Attached *wish(struct wish *w, const char *name, const char *type, const char *path,
                                              const char *value)
{
    masques__control__attached__init(&w->attached);
    masques__control__option__init(&w->option);
    w->attached.name = (char *)name;
    w->attached.type = (char *)type;
    w->attached.signals = LOGS;
    w->attached.mode = 2;
    w->option.path = (char *)path;
    w->option.value = (char *)value;
    w->list[0] = &w->option;
    w->attached.options = w->list;
    w->attached.n_options = path[0] != '\0';
    return &w->attached;
}

START_TEST(a_wish_is_resolved)
{
    struct wish w;
    struct config_exporter out;
    char why[512] = "";
    ck_assert_msg(attach_check(wish(&w, "debug/x", "debug", "format", "json"), &out, why) == GW_OK, "%s", why);
    ck_assert_str_eq(out.id, "debug/x");
    ck_assert_str_eq(out.kind->type, "debug");
    ck_assert_uint_eq(out.signals, LOGS);
}
END_TEST

START_TEST(what_is_wrong_is_said)
{
    static const struct {
        const char *name, *type, *path, *value;
        uint32_t signals, mode, start;
        const char *why;
    } cases[] = {
        {"teapot", "teapot", "", "", LOGS, 2, 0, "there is no exporter of the type \"teapot\""},
        {"debug/x", "", "", "", LOGS, 2, 0, "there is no exporter of the type \"\""},
        {"debug/x", "nop", "", "", LOGS, 2, 0, "the name \"debug/x\" does not begin with the exporter's type \"nop\""},
        {"", "nop", "", "", LOGS, 2, 0, "\"\" is no name of an exporter"},
        {"nop/", "nop", "", "", LOGS, 2, 0, "\"nop/\" is no name of an exporter"},
        {"nop", "nop", "", "", 0, 2, 0, "nop: at least one of the signals"},
        {"nop", "nop", "", "", 1u, 2, 0, "nop: at least one of the signals"},
        {"nop", "nop", "", "", LOGS, 4, 0, "nop: the mode or where to start from"},
        {"nop", "nop", "", "", LOGS, 2, 4, "nop: the mode or where to start from"},
        {"nop", "nop", "format", "json", LOGS, 2, 0, "nop: format: unknown option"},
        {"nop", "nop", "a\n\033[2J", "b", LOGS, 2, 0, "nop: \"a\\x0a\\x1b[2J\": unknown option"},
        {"debug", "debug", "format", "morse", LOGS, 2, 0, "debug: format: got \"morse\""},
        {"file", "file", "", "", LOGS, 2, 0, "file: path must be non-empty"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct wish w;
        struct config_exporter out;
        char why[512] = "";
        wish(&w, cases[i].name, cases[i].type, cases[i].path, cases[i].value);
        w.attached.signals = cases[i].signals;
        w.attached.mode = cases[i].mode;
        w.attached.start = cases[i].start;
        ck_assert_int_eq(attach_check(&w.attached, &out, why), GW_ERR_INVALID);
        ck_assert_msg(strstr(why, cases[i].why) == why, "%zu: %s", i, why);
    }
}
END_TEST

static bool has_name(const char *path, const char *name)
{
    char bytes[4096];
    int fd = open(path, O_RDONLY);
    ssize_t n = read(fd, bytes, sizeof bytes);
    close(fd);
    return n > 0 && memmem(bytes, (size_t)n, name, strlen(name));
}

static struct attached *read_back(const struct stage *s, const char *directory)
{
    struct attached *list = attached_new(directory);
    ck_assert_ptr_nonnull(list);
    char why[512] = "";
    ck_assert_msg(attached_read(list, &s->log, why) == GW_OK, "%s", why);
    return list;
}

START_TEST(it_is_read_back_as_it_was_written)
{
    struct stage s;
    struct wish w;
    char directory[256], why[512] = "";
    stage_open(&s);
    stage_path(&s, ".", directory);
    struct attached *list = read_back(&s, directory); /* no file is an empty list */
    ck_assert_ptr_null(attached_at(list, 0));
    ck_assert_ptr_nonnull(attached_add(list, wish(&w, "nop/a", "nop", "", ""), why));
    ck_assert_ptr_nonnull(attached_add(list, wish(&w, "debug/b", "debug", "format", "json"), why));
    ck_assert_ptr_nonnull(attached_add(list, wish(&w, "nop/c", "nop", "", ""), why));
    attached_remove(list, "nop/a");
    attached_remove(list, "nobody");
    ck_assert_int_eq(attached_write(list, why), GW_OK);
    attached_free(&list);
    list = read_back(&s, directory);
    ck_assert_str_eq(attached_at(list, 0)->exporter.id, "debug/b");
    ck_assert_str_eq(attached_at(list, 0)->wanted->options[0]->value, "json");
    ck_assert_uint_eq(attached_at(list, 0)->wanted->mode, 2);
    ck_assert_ptr_eq(attached_find(list, "nop/c"), attached_at(list, 1));
    ck_assert_ptr_null(attached_find(list, "nop/a"));
    ck_assert_ptr_null(attached_at(list, 2));
    attached_free(&list);
    stage_close(&s);
}
END_TEST

START_TEST(a_damaged_file_is_put_aside)
{
    struct stage s;
    char path[256], directory[256], aside[256];
    stage_open(&s);
    stage_path(&s, ".", directory);
    stage_path(&s, "attached", path);
    stage_path(&s, "attached.damaged", aside);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    ck_assert_int_eq(write(fd, "\xff\xff\xff\xff", 4), 4);
    close(fd);
    struct attached *list = read_back(&s, directory);
    ck_assert_ptr_null(attached_at(list, 0));
    ck_assert_int_eq(access(aside, F_OK), 0);
    ck_assert_int_ne(access(path, F_OK), 0);
    attached_free(&list);
    stage_close(&s);
}
END_TEST

START_TEST(one_that_this_version_does_not_know_stays_in_the_file_only)
{
    struct stage s;
    struct wish known, unknown;
    char path[256], directory[256];
    uint8_t bytes[1024];
    Masques__Control__AttachedList whole = MASQUES__CONTROL__ATTACHED_LIST__INIT;
    Masques__Control__Attached *entries[3];
    stage_open(&s);
    stage_path(&s, ".", directory);
    stage_path(&s, "attached", path);
    wish(&unknown, "teapot/x", "teapot", "", "");
    wish(&known, "nop/x", "nop", "", "");
    entries[0] = &unknown.attached;
    entries[1] = entries[2] = &known.attached; /* and twice is once */
    whole.n_attached = 3;
    whole.attached = entries;
    size_t len = masques__control__attached_list__pack(&whole, bytes);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    ck_assert_int_eq(write(fd, bytes, len), (ssize_t)len);
    close(fd);
    struct attached *list = read_back(&s, directory);
    ck_assert_str_eq(attached_at(list, 0)->exporter.id, "nop/x");
    ck_assert_ptr_null(attached_at(list, 1));
    for (int removed = 0; removed < 2; removed++) {
        char why[512] = "";
        ck_assert_int_eq(attached_write(list, why), GW_OK);
        attached_free(&list);
        ck_assert_int_eq(has_name(path, "teapot/x"), !removed);
        list = read_back(&s, directory);
        ck_assert_int_eq(attached_remove(list, "teapot/x"), !removed);
    }
    attached_free(&list);
    stage_close(&s);
}
END_TEST

START_TEST(a_file_that_cannot_be_read_stays_and_is_an_error)
{
    struct stage s;
    char path[256], directory[256], why[512] = "";
    stage_open(&s);
    stage_path(&s, ".", directory);
    stage_path(&s, "attached", path);
    ck_assert_int_eq(mkdir(path, 0700), 0); /* opened, but not read */
    struct attached *list = attached_new(directory);
    ck_assert_int_eq(attached_read(list, &s.log, why), GW_ERR_IO);
    ck_assert_msg(strstr(why, "cannot read ") == why && strstr(why, "Is a directory"), "%s", why);
    ck_assert_int_eq(access(path, F_OK), 0);
    attached_free(&list);
    stage_close(&s);
}
END_TEST

START_TEST(a_settled_one_starts_from_its_registration)
{
    struct stage s;
    struct wish w;
    char directory[256], why[512] = "";
    stage_open(&s);
    stage_path(&s, ".", directory);
    struct attached *list = read_back(&s, directory);
    ck_assert_ptr_nonnull(attached_add(list, wish(&w, "nop/a", "nop", "", ""), why));
    wish(&w, "nop/live", "nop", "", "");
    w.attached.mode = MASQUES__BUS__MODE__LIVE; /* its registration goes when it leaves */
    ck_assert_ptr_nonnull(attached_add(list, &w.attached, why));
    attached_settle(list, "nop/a");
    attached_settle(list, "nop/live");
    attached_settle(list, "nobody");
    ck_assert_int_eq(attached_write(list, why), GW_OK);
    attached_free(&list);
    list = read_back(&s, directory);
    ck_assert_uint_eq(attached_find(list, "nop/a")->wanted->start, MASQUES__BUS__START__REGISTERED);
    ck_assert_uint_eq(attached_find(list, "nop/live")->wanted->start, 0);
    attached_free(&list);
    stage_close(&s);
}
END_TEST

START_TEST(a_place_that_cannot_be_written_is_an_error)
{
    char why[512] = "";
    struct attached *list = attached_new("/proc/none");
    ck_assert_int_eq(attached_write(list, why), GW_ERR_IO);
    ck_assert_msg(strstr(why, "cannot write /proc/none/attached: ") == why, "%s", why);
    attached_free(&list);
}
END_TEST

SUITE_MAIN("attached", a_wish_is_resolved, what_is_wrong_is_said, it_is_read_back_as_it_was_written,
           a_damaged_file_is_put_aside, one_that_this_version_does_not_know_stays_in_the_file_only,
           a_file_that_cannot_be_read_stays_and_is_an_error, a_settled_one_starts_from_its_registration,
           a_place_that_cannot_be_written_is_an_error)
