// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "exporters/common/settings.h"
#include "shared/control/runtime_path.h"
#include "tests/support/suite.h"

struct options {
    char size[32];
    char deep[32];
};

static int option(void *target, const char *path, const char *text, struct buf *why)
{
    struct options *o = target;
    if (strcmp(path, "max_size") == 0) {
        snprintf(o->size, sizeof o->size, "%s", text);
        return 0;
    }
    if (strcmp(path, "tls::ca_file") == 0) {
        snprintf(o->deep, sizeof o->deep, "%s", text);
        return 0;
    }
    buf_printf(why, "%s: unknown option", path);
    return GW_ERR_NOT_FOUND;
}

static void defaults(void *target)
{
    strcpy(((struct options *)target)->size, "default");
}

static const struct exporter_ops ops = {
    .type = "test",
    .summary = "tests",
    .mode = MASQUES__BUS__MODE__LOSSY,
    .options_bytes = sizeof(struct options),
    .defaults = defaults,
    .option = option,
};

static enum settings_flags_outcome read_flags(const char *const *args, struct options *options,
                                              struct exporter_settings *out, struct buf *why)
{
    char *argv[16] = {(char *)"program"};
    int argc = 1;
    for (; args[argc - 1]; argc++)
        argv[argc] = (char *)args[argc - 1];
    memset(options, 0, sizeof *options);
    *why = buf_make(4096);
    return settings_from_flags(argc, argv, &ops, options, out, why);
}

START_TEST(without_flags_only_the_router_is_missing)
{
    static const char *const args[] = {"--router", "ipc:///run/bus", NULL};
    struct options options;
    struct exporter_settings set;
    struct buf why;
    ck_assert_int_eq(read_flags(args, &options, &set, &why), SETTINGS_RUN);
    ck_assert_str_eq(set.endpoint, "ipc:///run/bus");
    ck_assert_str_eq(set.name, "test");
    ck_assert_uint_eq(set.signals, 0xe);
    ck_assert_int_eq(set.mode, MASQUES__BUS__MODE__LOSSY);
    ck_assert_int_eq(set.start, MASQUES__BUS__START__WHERE_LEFT_OFF);
    ck_assert_int_eq(set.store_fd, -1);
    ck_assert_str_eq(options.size, "default");
    buf_free(&why);
}
END_TEST

START_TEST(every_flag_is_taken_in_both_spellings)
{
    static const char *const args[] = {"--router=tcp://a:1", "--name", "x/y", "--signals=logs,traces",
                                       "--mode", "durable", "--from=oldest", "--replace",
                                       "--log-level", "debug", "--max-size=5", "--tls.ca-file", "f",
                                       "--store=/", NULL};
    struct options options;
    struct exporter_settings set;
    struct buf why;
    ck_assert_int_eq(read_flags(args, &options, &set, &why), SETTINGS_RUN);
    ck_assert_str_eq(set.endpoint, "tcp://a:1");
    ck_assert_str_eq(set.name, "x/y");
    ck_assert_uint_eq(set.signals, 1u << 1 | 1u << 3);
    ck_assert_int_eq(set.mode, MASQUES__BUS__MODE__DURABLE);
    ck_assert_int_eq(set.start, MASQUES__BUS__START__OLDEST);
    ck_assert(set.replace);
    ck_assert_int_eq(set.log_level, LOG_LEVEL_DEBUG);
    ck_assert_str_eq(options.size, "5");
    ck_assert_str_eq(options.deep, "f");
    ck_assert_int_ge(set.store_fd, 0);
    close(set.store_fd);
    buf_free(&why);
}
END_TEST

START_TEST(of_a_store_given_twice_one_stays_open)
{
    static const char *const args[] = {"--router=tcp://a:1", "--store=/", "--store=/tmp", NULL};
    struct options options;
    struct exporter_settings set;
    struct buf why;
    int lowest = dup(STDERR_FILENO);
    close(lowest);
    ck_assert_int_eq(read_flags(args, &options, &set, &why), SETTINGS_RUN);
    ck_assert_int_eq(set.store_fd, lowest);
    close(set.store_fd);
    buf_free(&why);
}
END_TEST

START_TEST(what_is_wrong_is_said_in_one_sentence)
{
    static const struct {
        const char *const args[4];
        const char *said;
    } cases[] = {
        {{NULL},
         "--router ENDPOINT is missing: where the router listens, for instance ipc:///run/masques/" RUNTIME_BUS_SOCKET},
        {{"--router"}, "--router needs a value"},
        {{"logs"}, "\"logs\" is no flag"},
        {{"--signals", "logs,x"}, "--signals: \"x\" is none of logs, metrics, traces"},
        {{"--signals", "logs,"}, "--signals: \"\" is none of"},
        {{"--mode", "fast"}, "--mode: \"fast\" is none of live, durable, lossy"},
        {{"--from", "then"}, "--from: \"then\" is none of last, now, oldest"},
        {{"--store", "/nowhere/at/all"}, "--store: cannot open the directory /nowhere/at/all: No such"},
        {{"--other", "1"}, "other: unknown option"},
        {{"--router=ipc:///r", "--name="}, "--name must not be empty"},
        {{"--router=x"}, "\"x\" is no endpoint of a router"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct options options;
        struct exporter_settings set;
        struct buf why;
        ck_assert_int_eq(read_flags(cases[i].args, &options, &set, &why), SETTINGS_WRONG);
        buf_byte(&why, '\0');
        ck_assert_msg(strncmp((const char *)why.data, cases[i].said, strlen(cases[i].said)) == 0, "%s",
                      (const char *)why.data);
        buf_free(&why);
    }
}
END_TEST

START_TEST(a_flag_as_long_as_can_be_is_refused)
{
    char flag[5000] = "--";
    memset(flag + 2, 'a', sizeof flag - 3);
    const char *const args[] = {flag, "1", NULL};
    struct options options;
    struct exporter_settings set;
    struct buf why;
    ck_assert_int_eq(read_flags(args, &options, &set, &why), SETTINGS_WRONG);
    buf_free(&why);
}
END_TEST

START_TEST(help_and_version_need_nothing_else)
{
    static const char *const help[] = {"--help", NULL};
    static const char *const version[] = {"--version", NULL};
    struct options options;
    struct exporter_settings set;
    struct buf why;
    ck_assert_int_eq(read_flags(help, &options, &set, &why), SETTINGS_HELP);
    ck_assert_int_eq(read_flags(version, &options, &set, &why), SETTINGS_VERSION);
    settings_help(&ops, &why);
    ck_assert(buf_ok(&why) && why.len > 0);
    buf_free(&why);
}
END_TEST

START_TEST(the_masters_settings_say_the_same)
{
    Masques__Control__Settings settings = MASQUES__CONTROL__SETTINGS__INIT;
    Masques__Control__ExporterSettings mine = MASQUES__CONTROL__EXPORTER_SETTINGS__INIT;
    Masques__Control__Option one = MASQUES__CONTROL__OPTION__INIT;
    Masques__Control__Option *list[] = {&one};
    settings.name = (char *)"debug/verbose";
    settings.bus_endpoint = (char *)"ipc:///run/bus";
    settings.log_level = 99;
    settings.role_case = MASQUES__CONTROL__SETTINGS__ROLE_EXPORTER;
    settings.exporter = &mine;
    mine.type = (char *)"debug";
    mine.signals = 2;
    mine.store_fd = 6;
    mine.drain_ms = 77;
    mine.n_options = 1;
    mine.options = list;
    one.path = (char *)"tls::ca_file";
    one.value = (char *)"f";
    struct options options = {0};
    struct exporter_settings set;
    struct buf why = buf_make(4096);
    ck_assert_int_eq(settings_from_master(&settings, &ops, &options, &set, &why), 0);
    ck_assert_str_eq(set.name, "debug/verbose");
    ck_assert_str_eq(set.endpoint, "ipc:///run/bus");
    ck_assert_uint_eq(set.signals, 2);
    ck_assert_int_eq(set.store_fd, 6);
    ck_assert_uint_eq(set.drain_ms, 77);
    ck_assert_int_eq(set.log_level, LOG_LEVEL_DEBUG);
    ck_assert_str_eq(options.deep, "f");
    one.path = (char *)"no::such";
    ck_assert_int_eq(settings_from_master(&settings, &ops, &options, &set, &why), GW_ERR_INVALID);
    buf_clear(&why);
    settings.role_case = MASQUES__CONTROL__SETTINGS__ROLE__NOT_SET;
    ck_assert_int_eq(settings_from_master(&settings, &ops, &options, &set, &why), GW_ERR_INVALID);
    buf_free(&why);
}
END_TEST

/* ---- wishes and place of the configuration ---- */

static int read_given(Masques__Control__ExporterSettings *mine, struct exporter_settings *out,
                      struct buf *why)
{
    static struct options options;
    Masques__Control__Settings settings = MASQUES__CONTROL__SETTINGS__INIT;
    settings.name = (char *)"test/one";
    settings.bus_endpoint = (char *)"ipc:///bus";
    settings.role_case = MASQUES__CONTROL__SETTINGS__ROLE_EXPORTER;
    settings.exporter = mine;
    *why = buf_make(4096);
    return settings_from_master(&settings, &ops, &options, out, why);
}

START_TEST(what_the_configuration_says_about_deliveries_is_taken)
{
    Masques__Control__ExporterSettings mine = MASQUES__CONTROL__EXPORTER_SETTINGS__INIT;
    struct exporter_settings set;
    struct buf why;
    mine.max_records = 100;
    mine.max_bytes = 2000;
    mine.linger_ms = 30;
    mine.in_flight = 4;
    mine.synced = true;
    mine.mode = MASQUES__BUS__MODE__DURABLE; /* without `attached` it says nothing */
    ck_assert_int_eq(read_given(&mine, &set, &why), 0);
    ck_assert_uint_eq(set.wishes.max_records, 100);
    ck_assert_uint_eq(set.wishes.max_bytes, 2000);
    ck_assert_uint_eq(set.wishes.linger_ms, 30);
    ck_assert_uint_eq(set.wishes.in_flight, 4);
    ck_assert(set.synced);
    ck_assert_int_eq(set.mode, ops.mode);
    buf_free(&why);
}
END_TEST

START_TEST(one_started_by_hand_may_be_made_for_another_mode)
{
    struct exporter_ops other = ops;
    struct exporter_settings set;
    struct options options;
    struct buf why = buf_make(1024);
    char *argv[] = {(char *)"program", (char *)"--router=ipc:///r", (char *)"--mode=durable", NULL};
    other.mode_by_hand = MASQUES__BUS__MODE__LIVE;
    ck_assert_int_eq(settings_from_flags(2, argv, &other, &options, &set, &why), SETTINGS_RUN);
    ck_assert_int_eq(set.mode, MASQUES__BUS__MODE__LIVE);
    ck_assert_int_eq(settings_from_flags(3, argv, &other, &options, &set, &why), SETTINGS_RUN);
    ck_assert_int_eq(set.mode, MASQUES__BUS__MODE__DURABLE);
    buf_free(&why);
}
END_TEST

START_TEST(an_attached_one_has_its_mode_and_place_from_the_master)
{
    Masques__Control__ExporterSettings mine = MASQUES__CONTROL__EXPORTER_SETTINGS__INIT;
    struct exporter_settings set;
    struct buf why;
    mine.attached = true;
    mine.mode = MASQUES__BUS__MODE__DURABLE;
    mine.start = MASQUES__BUS__START__OLDEST;
    ck_assert_int_eq(read_given(&mine, &set, &why), 0);
    ck_assert_int_eq(set.mode, MASQUES__BUS__MODE__DURABLE);
    ck_assert_int_eq(set.start, MASQUES__BUS__START__OLDEST);
    buf_free(&why);
    mine.mode = 0; /* as its type has it */
    ck_assert_int_eq(read_given(&mine, &set, &why), 0);
    ck_assert_int_eq(set.mode, ops.mode);
    buf_free(&why);
    mine.mode = 9;
    ck_assert_int_eq(read_given(&mine, &set, &why), GW_ERR_INVALID);
    ck_assert_uint_gt(why.len, 0);
    buf_free(&why);
}
END_TEST

SUITE_MAIN("exporters/common/settings", without_flags_only_the_router_is_missing,
           every_flag_is_taken_in_both_spellings, of_a_store_given_twice_one_stays_open,
           what_is_wrong_is_said_in_one_sentence, a_flag_as_long_as_can_be_is_refused, help_and_version_need_nothing_else,
           the_masters_settings_say_the_same,
           what_the_configuration_says_about_deliveries_is_taken,
           one_started_by_hand_may_be_made_for_another_mode,
           an_attached_one_has_its_mode_and_place_from_the_master)
