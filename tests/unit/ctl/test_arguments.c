// SPDX-License-Identifier: Apache-2.0
#include "ctl/arguments.h"

#include <stdio.h>
#include <string.h>

#include <masques/bus.pb-c.h>

#include "tests/support/suite.h"

#define WORDS_MAX 32

struct line {
    char text[512];
    char *argv[WORDS_MAX];
    int argc;
    struct arguments arguments;
    struct buf why;
    int err;
};

/* A command line whose words are separated by single spaces; "_" in it stands for an empty word. */
static void parse(struct line *l, const char *text)
{
    *l = (struct line){.argc = 1, .why = buf_make(1000)};
    l->argv[0] = (char *)"masquesctl";
    snprintf(l->text, sizeof l->text, "%s", text);
    for (char *word = strtok(l->text, " "); word; word = strtok(NULL, " "))
        l->argv[l->argc++] = strcmp(word, "_") == 0 ? (char *)"" : word;
    l->err = arguments_parse(l->argc, l->argv, &l->arguments, &l->why);
    buf_byte(&l->why, '\0');
}

static void done(struct line *l)
{
    arguments_free(&l->arguments);
    buf_free(&l->why);
}

static const struct {
    const char *line;
    enum arguments_command command;
} right[] = {
    {"status", COMMAND_STATUS},
    {"status --json --timeout 2s --runtime /run/x", COMMAND_STATUS},
    {"--json status", COMMAND_STATUS},
    {"exporters --router tcp://h:1", COMMAND_EXPORTERS},
    {"attach file/archive --path /tmp/x", COMMAND_ATTACH},
    {"attach console", COMMAND_ATTACH},
    {"detach file/archive", COMMAND_DETACH},
    {"detach file/archive --drain --within 30s", COMMAND_DETACH},
    {"tail", COMMAND_TAIL},
    {"tail --signals logs --match text --format json", COMMAND_TAIL},
    {"dead-letters list", COMMAND_LETTERS_LIST},
    {"dead-letters list file/archive", COMMAND_LETTERS_LIST},
    {"dead-letters replay", COMMAND_LETTERS_REPLAY},
    {"dead-letters replay --all", COMMAND_LETTERS_REPLAY},
    {"dead-letters replay file/archive 1 2", COMMAND_LETTERS_REPLAY},
    {"dead-letters drop 7", COMMAND_LETTERS_DROP},
    {"dead-letters drop file/archive --all", COMMAND_LETTERS_DROP},
    {"drain", COMMAND_DRAIN},
    {"drain --within=5m", COMMAND_DRAIN},
    {"reload", COMMAND_RELOAD},
    {"validate config.yaml", COMMAND_VALIDATE},
    {"--help", COMMAND_NONE},
    {"--version", COMMAND_NONE},
    {"tail --help", COMMAND_TAIL},
    {"--help attach", COMMAND_ATTACH},
};

START_TEST(what_is_right_is_read)
{
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        struct line l;
        parse(&l, right[i].line);
        ck_assert_msg(l.err == GW_OK, "%s: %s", right[i].line, (const char *)l.why.data);
        ck_assert_msg(l.arguments.command == right[i].command, "%s", right[i].line);
        done(&l);
    }
}
END_TEST

static const struct {
    const char *line, *says;
} wrong[] = {
    {"", "no command is given"},
    {"nonsense", "unknown command: nonsense"},
    {"list", "unknown command: list"}, /* a word of a group alone */
    {"status extra", "one word too many: extra (masquesctl status --help"},
    {"status --signals logs", "not an option here: --signals"},
    {"status --nonsense", "unknown option: --nonsense"},
    {"-h", "unknown option: -h"},
    {"status --json=yes", "takes no value"},
    {"status --timeout", "needs a value: --timeout"},
    {"status --timeout 5", "no time from 1ms to 24h"},
    {"status --timeout 0s", "no time from 1ms to 24h"},
    {"status --timeout -5s", "no time from 1ms to 24h"},
    {"status --timeout 25h", "no time from 1ms to 24h"},
    {"status --router ipc://x", "not an option here: --router"},
    {"--router ipc://x status", "not an option of this command: router (masquesctl status"},
    {"attach file --router ipc://x", "not an option here: --router"},
    {"validate config.yaml --json", "not an option here: --json"},
    {"--json validate config.yaml", "not an option of this command: json (masquesctl validate"},
    {"attach", "a word is missing: TYPE/NAME"},
    {"attach _", "one word too many"},
    {"attach file --path", "needs a value: --path"},
    {"attach file other", "one word too many: other"},
    {"attach file --mode sometimes", "\"sometimes\" is none of durable, live, lossy"},
    {"attach file --from yesterday", "is none of oldest, now, last"},
    {"attach file --signals logs,", "\"\" is none of logs, metrics, traces"},
    {"attach file --signals spans", "\"spans\" is none of logs, metrics, traces"},
    {"detach", "a word is missing: NAME"},
    {"detach file --within 5s", "only with --drain"},
    {"tail --format xml", "\"xml\" is none of pretty, json"},
    {"tail console", "one word too many"},
    {"dead-letters", "a word is missing behind: dead-letters"},
    {"dead-letters burn", "no such command: burn (masquesctl dead-letters --help"},
    {"dead-letters list 12", "no exporter: 12"},
    {"dead-letters drop", "what is to be dropped is missing"},
    {"dead-letters drop file/archive", "what is to be dropped is missing"},
    {"dead-letters drop 1 --all", "do not go together"},
    {"dead-letters drop file 1x", "no number of a dead letter: 1x"},
    {"dead-letters drop 99999999999999999999", "no number of a dead letter: 9"},
    {"validate", "a word is missing: FILE"},
};

START_TEST(what_is_wrong_is_said)
{
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct line l;
        parse(&l, wrong[i].line);
        ck_assert_msg(l.err == GW_ERR_INVALID, "\"%s\" is taken", wrong[i].line);
        ck_assert_msg(strstr((const char *)l.why.data, wrong[i].says) != NULL, "\"%s\": %s", wrong[i].line,
                      (const char *)l.why.data);
        done(&l);
    }
}
END_TEST

START_TEST(defaults_are_what_the_help_says)
{
    struct line l;
    parse(&l, "attach file");
    ck_assert_uint_eq(l.arguments.timeout_ms, 5000);
    ck_assert_uint_eq(l.arguments.signals, 0xe);
    ck_assert_uint_eq(l.arguments.mode, MASQUES__BUS__MODE__MODE_UNSPECIFIED);
    ck_assert_uint_eq(l.arguments.start, MASQUES__BUS__START__WHERE_LEFT_OFF);
    ck_assert_uint_eq(l.arguments.within_ms, 0);
    ck_assert_str_eq(l.arguments.runtime, "");
    done(&l);
}
END_TEST

START_TEST(what_attach_does_not_know_is_the_exporter_s)
{
    static const struct {
        const char *path, *value;
    } options[] = {
        {"path", "/tmp/x"}, {"rotation::max_megabytes", "5"}, {"group_by::enabled", "true"},
        {"flush_interval", "1s"}, {"format", "proto"}, {"empty", ""}, {"timeout", "9s"}, {"json", "x"},
    };
    struct line l;
    parse(&l, "attach file/archive --signals traces,logs --path /tmp/x --rotation.max_megabytes 5 --from oldest "
              "--group_by::enabled=true --flush-interval 1s --mode durable --timeout 3s --format proto --empty= -- "
              "--timeout 9s --json x");
    ck_assert_msg(l.err == GW_OK, "%s", (const char *)l.why.data);
    const struct arguments *a = &l.arguments;
    ck_assert_str_eq(a->subject, "file/archive");
    ck_assert_uint_eq(a->signals, 1u << 1 | 1u << 3);
    ck_assert_uint_eq(a->mode, MASQUES__BUS__MODE__DURABLE);
    ck_assert_uint_eq(a->start, MASQUES__BUS__START__OLDEST);
    ck_assert_uint_eq(a->timeout_ms, 3000);
    ck_assert(!a->json);
    ck_assert_uint_eq(a->option_count, sizeof options / sizeof options[0]);
    for (size_t i = 0; i < a->option_count; i++) {
        ck_assert_str_eq(a->options[i].path, options[i].path);
        ck_assert_str_eq(a->options[i].value, options[i].value);
    }
    done(&l);
}
END_TEST

START_TEST(a_name_of_an_option_that_fits_nowhere_is_refused)
{
    char line[512], name[300];
    struct line l;
    memset(name, '.', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    snprintf(line, sizeof line, "attach file --%s=x", name);
    parse(&l, line);
    ck_assert_int_eq(l.err, GW_ERR_INVALID);
    done(&l);
    parse(&l, "attach file --=x");
    ck_assert_int_eq(l.err, GW_ERR_INVALID);
    done(&l);
}
END_TEST

START_TEST(numbers_of_letters_are_kept_in_order)
{
    struct line l;
    parse(&l, "dead-letters drop 12 file/archive 7");
    ck_assert_int_eq(l.err, GW_OK);
    ck_assert_str_eq(l.arguments.subject, "file/archive");
    ck_assert_uint_eq(l.arguments.number_count, 2);
    ck_assert_uint_eq(l.arguments.numbers[0], 12);
    ck_assert_uint_eq(l.arguments.numbers[1], 7);
    done(&l);
}
END_TEST

/* Every command is in the program's help, and its own help tells its usage, options and exit codes. */
START_TEST(every_command_has_a_help_text)
{
    struct buf all = buf_make(100000);
    arguments_help(&(struct arguments){.command = COMMAND_NONE}, &all);
    buf_byte(&all, '\0');
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        if (right[i].command == COMMAND_NONE)
            continue;
        struct buf own = buf_make(100000);
        arguments_help(&(struct arguments){.command = right[i].command}, &own);
        buf_byte(&own, '\0');
        const char *text = (const char *)own.data;
        char usage[100], listed[100];
        const char *colon = strchr(text, ':');
        snprintf(usage, sizeof usage, "usage: %.*s", (int)(colon - text), text);
        snprintf(listed, sizeof listed, "\n  %.*s ", (int)(colon - text - 11), text + 11);
        ck_assert_msg(strstr(text, usage) && strstr(text, "--help") && strstr(text, "Exit codes"), "%s", text);
        ck_assert_msg(strstr((const char *)all.data, listed) != NULL, "%s", listed);
        buf_free(&own);
    }
    buf_free(&all);
}
END_TEST

static void help_to(struct line *l, struct buf *text)
{
    *text = buf_make(100000);
    ck_assert_int_eq(l->err, GW_OK);
    ck_assert(l->arguments.help);
    arguments_help(&l->arguments, text);
    buf_byte(text, '\0');
}

START_TEST(a_group_has_a_help_text_of_its_own)
{
    static const char *const words[] = {"dead-letters --help", "--help dead-letters"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        struct line l;
        struct buf text;
        parse(&l, words[i]);
        help_to(&l, &text);
        const char *said = (const char *)text.data;
        ck_assert_msg(strstr(said, "  dead-letters list ") && strstr(said, "  dead-letters replay ") &&
                          strstr(said, "  dead-letters drop ") && !strstr(said, "  status "),
                      "%s", said);
        buf_free(&text);
        done(&l);
    }
}
END_TEST

/* What would be refused is not offered. */
START_TEST(the_help_offers_what_is_taken)
{
    static const struct {
        const char *line, *option;
        bool offered;
    } cases[] = {
        {"exporters --help", "--router", true}, {"status --help", "--router", false},
        {"status --help", "--json", true},      {"validate --help", "--json", false},
        {"validate --help", "--timeout", false}, {"--help", "--router", true},
        {"tail --help", "--within", false},     {"drain --help", "--within", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct line l;
        struct buf text;
        parse(&l, cases[i].line);
        help_to(&l, &text);
        bool offered = strstr((const char *)text.data, cases[i].option) != NULL;
        ck_assert_msg(offered == cases[i].offered, "%s: %s", cases[i].line, cases[i].option);
        buf_free(&text);
        done(&l);
    }
}
END_TEST

SUITE_MAIN("ctl/arguments", what_is_right_is_read, what_is_wrong_is_said, defaults_are_what_the_help_says,
           what_attach_does_not_know_is_the_exporter_s, a_name_of_an_option_that_fits_nowhere_is_refused,
           numbers_of_letters_are_kept_in_order, every_command_has_a_help_text,
           a_group_has_a_help_text_of_its_own, the_help_offers_what_is_taken)
