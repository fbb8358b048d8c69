// SPDX-License-Identifier: Apache-2.0
#include "exporters/clickhouse/printout.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARGS_MAX 12

/* Writes with these arguments; the texts are NUL-terminated and the caller's. */
static int print(const char *const *args, struct buf *out, struct buf *why)
{
    char *argv[ARGS_MAX] = {(char *)"program"};
    int argc = 1;
    for (; args[argc - 1]; argc++)
        argv[argc] = (char *)args[argc - 1];
    ck_assert(printout_wanted(argc, argv));
    *out = buf_make(1u << 20);
    *why = buf_make(10000);
    int rc = printout_write(argc, argv, out, why);
    buf_byte(out, '\0');
    buf_byte(why, '\0');
    return rc;
}

#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void check(const char *const *args, const char *has, const char *lacks)
{
    struct buf out, why;
    int rc = print(args, &out, &why);
    ck_assert_msg(rc == 0, "%s", (const char *)why.data);
    ck_assert_msg(strstr((const char *)out.data, has), "%s is not in\n%s", has, (const char *)out.data);
    ck_assert_msg(!lacks || !strstr((const char *)out.data, lacks), "%s is in\n%s", lacks, (const char *)out.data);
    buf_free(&out);
    buf_free(&why);
}

static void check_wrong(const char *const *args, const char *words)
{
    struct buf out, why;
    ck_assert_int_eq(print(args, &out, &why), 1);
    ck_assert_msg(strstr((const char *)why.data, words), "%s", (const char *)why.data);
    ck_assert_uint_eq(out.len, 1);
    buf_free(&out);
    buf_free(&why);
}

START_TEST(flags_say_what_is_printed)
{
    check(ARGS("--print-ddl"), "CREATE TABLE IF NOT EXISTS `default`.`otel_logs` (\n", "CREATE OR REPLACE VIEW");
    check(ARGS("--print-ddl"), "text(tokenizer", NULL);
    check(ARGS("--print-ddl=25.8"), "tokenbf_v1", "text(tokenizer");
    check(ARGS("--print-views"), "CREATE OR REPLACE VIEW `default`.claude_code_sessions", "CREATE TABLE");
    check(ARGS("--print-ddl", "--print-views"), "CREATE OR REPLACE VIEW", NULL);
    check(ARGS("--print-ddl", "--database", "otel"), "CREATE DATABASE IF NOT EXISTS `otel`;\n", "`default`");
    check(ARGS("--database=otel", "--ttl", "24h", "--print-ddl"), "toIntervalDay(1)", NULL);
    check(ARGS("--metrics_tables.sum.name", "s", "--print-views"), "FROM `default`.`s`", "otel_metrics_sum`");
    check(ARGS("--print-ddl", "--table-engine.params", "x"), "MergeTree(x)", NULL);
}
END_TEST

START_TEST(what_is_wrong_is_said)
{
    check_wrong(ARGS("--print-ddl=now"), "expected a version such as 25.8");
    check_wrong(ARGS("--print-ddl", "--nonsense", "1"), "nonsense: unknown option");
    check_wrong(ARGS("--print-ddl", "--ttl", "x"), "ttl: got \"x\"");
    check_wrong(ARGS("--print-ddl", "--ttl"), "--ttl: needs a value");
    check_wrong(ARGS("--print-ddl", "x"), "x: no flag");
    check_wrong(ARGS("--print-ddl", "--config", "/nowhere/at/all.yaml"), "/nowhere/at/all.yaml");
    char *none[] = {(char *)"program", (char *)"--print-ddls", (char *)"--router", (char *)"x"};
    ck_assert(!printout_wanted(4, none));
}
END_TEST

START_TEST(a_configuration_has_the_options)
{
    static const char text[] = "receivers: {otlp: {protocols: {grpc: }}}\n"
                               "exporters:\n"
                               "  clickhouse: {endpoint: 'http://h', database: one, ttl: 1h}\n"
                               "  clickhouse/b: {endpoint: 'http://h', database: two}\n"
                               "service:\n"
                               "  pipelines: {logs: {receivers: [otlp], exporters: [clickhouse, clickhouse/b]}}\n";
    char path[] = "/tmp/masques-printout-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, sizeof text - 1), sizeof text - 1);
    close(fd);
    check(ARGS("--print-ddl", "--config", path), "`one`.`otel_logs`", "`two`");
    check(ARGS("--print-ddl", "--config", path, "--name", "clickhouse/b"), "`two`.`otel_logs`", "`one`");
    check(ARGS("--database", "three", "--print-ddl", "--config", path), "toIntervalHour(1)", "`one`");
    check_wrong(ARGS("--print-ddl", "--config", path, "--name", "clickhouse/c"),
                "no pipeline has an exporter clickhouse/c");
    unlink(path);
}
END_TEST

SUITE_MAIN("exporters/clickhouse/printout", flags_say_what_is_printed, what_is_wrong_is_said,
           a_configuration_has_the_options)
