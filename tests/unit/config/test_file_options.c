// SPDX-License-Identifier: Apache-2.0
/* The options of the file exporter: the collector's defaults, and what it refuses, in its words. */
#include <stdio.h>
#include <string.h>

#include "shared/config/config.h"
#include "shared/config/exporter_options.h"
#include "tests/support/suite.h"

static const char *no_environment(void *context, const char *name)
{
    (void)context, (void)name;
    return NULL;
}

/* 0, or an error in `error`; `options` are those of the exporter. */
static int load(const char *text, struct config **config, struct config_error *error)
{
    char all[1000];
    snprintf(all, sizeof all,
             "receivers: {otlp: {protocols: {grpc: }}}\n"
             "exporters: {file: {%s}}\n"
             "service: {pipelines: {logs: {receivers: [otlp], exporters: [file]}}}\n",
             text);
    return config_from_text("f", slice_of(all), no_environment, NULL, config, error);
}

static const struct {
    const char *text;
    const char *why; /* stands in the message; NULL: it is right */
} cases[] = {
    {"", "path must be non-empty"},
    {"path: \"\"", "path must be non-empty"},
    {"path: a", NULL},
    {"path: a, format: json", NULL},
    {"path: a, format: proto, compression: zstd", NULL},
    {"path: a, format: json, compression: zstd", NULL},
    {"path: a, format: xml", "expected one of: json, proto"},
    {"path: a, compression: gzip", "expected one of: none, zstd"},
    {"path: a, append: true", NULL},
    {"path: a, append: true, compression: zstd", "append and compression enabled at the same time is not supported"},
    {"path: a, append: true, rotation: {}", "append and rotation enabled at the same time is not supported"},
    {"path: a, append: true, rotation: ", "append and rotation enabled at the same time is not supported"},
    {"path: a, append: true, rotation: {max_days: 1}", "append and rotation enabled at the same time is not supported"},
    {"path: a, rotation: {max_megabytes: 1, max_days: 2, max_backups: 3, localtime: true}", NULL},
    {"path: a, flush_interval: -1s", "flush_interval"},
    {"path: a, flush_interval: 1000000", NULL},
    {"path: a, encoding: text", "masques-collector does not have this setting of the collector"},
    {"path: a, nonsense: 1", "nonsense"},
    {"path: a, group_by: {enabled: true}", "path must contain exactly one * when group_by is enabled"},
    {"path: a/*/*, group_by: {enabled: true}", "path must contain exactly one * when group_by is enabled"},
    {"path: \"*/a\", group_by: {enabled: true}", "path must not start with * when group_by is enabled"},
    {"path: a/*, group_by: {enabled: true, resource_attribute: \"\"}",
     "resource_attribute must not be empty when group_by is enabled"},
    {"path: a/*, group_by: {enabled: true, max_open_files: 0}", "max_open_files"},
    {"path: a/*, group_by: {enabled: true}", NULL},
    {"path: a, group_by: {enabled: false}", NULL},
    {"path: a, create_directory: true, directory_permissions: \"0700\"", NULL},
    {"path: a, directory_permissions: \"0700\"", "directory_permissions requires create_directory to be true"},
    {"path: a, create_directory: true, directory_permissions: \"0888\"", "must be an octal number"},
    {"path: a, create_directory: true, directory_permissions: \"7777\"", "bits that are no permissions"},
};

START_TEST(what_the_collector_refuses_is_refused)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct config *config = NULL;
        struct config_error error = {.text = ""};
        int rc = load(cases[i].text, &config, &error);
        if (cases[i].why)
            ck_assert_msg(rc < 0 && strstr(error.text, cases[i].why), "%s: %s", cases[i].text, error.text);
        else
            ck_assert_msg(rc == 0, "%s: %s", cases[i].text, error.text);
        config_free(&config);
    }
}
END_TEST

START_TEST(the_defaults_are_the_collectors)
{
    struct file_options o = {.append = true};
    const struct option_set *set = &exporter_kind_find(slice_of("file"))->options;
    options_default(set->rows, set->count, &o);
    ck_assert(o.format == FILE_JSON && o.compression == FILE_PLAIN);
    ck_assert(!o.append && !o.rotation && !o.localtime && !o.group_by && !o.create_directory);
    ck_assert_uint_eq(o.max_bytes, 100 * SIZE_MIB);
    ck_assert_uint_eq(o.max_days, 0);
    ck_assert_uint_eq(o.max_backups, 100);
    ck_assert_uint_eq(o.flush_interval_ns, 1000000000u);
    ck_assert_str_eq(o.resource_attribute, "fileexporter.path_segment");
    ck_assert_uint_eq(o.max_open_files, 100);
    ck_assert_uint_eq(file_options_directory_mode(&o), 0755);
    ck_assert_int_eq(options_apply(set->rows, set->count, "flush_interval", "5", &o, NULL), 0);
    ck_assert_uint_eq(o.flush_interval_ns, 5); /* a bare number is nanoseconds */
    ck_assert_int_eq(options_apply(set->rows, set->count, "rotation::max_days", "2", &o, NULL), 0);
    ck_assert(o.rotation); /* its map is there from now on */
}
END_TEST

SUITE_MAIN("config/file_options", what_the_collector_refuses_is_refused, the_defaults_are_the_collectors)
