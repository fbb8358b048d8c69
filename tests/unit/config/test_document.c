// SPDX-License-Identifier: Apache-2.0
/* docs/configuration.md and the files of config/ agree with the option tables. */
#include "shared/config/config.h"
#include "shared/config/processor.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>

/* A file of the repository. */
static const char *path_of(const char *name)
{
    static char path[1000];
    const char *fixtures = getenv("MASQUES_FIXTURES");
    ck_assert_msg(fixtures != NULL, "MASQUES_FIXTURES is not set");
    snprintf(path, sizeof path, "%s/../../%s", fixtures, name);
    return path;
}

static struct buf read_document(const char *name)
{
    struct buf text = buf_make(1u << 20);
    FILE *file = fopen(path_of(name), "r");
    ck_assert_ptr_nonnull(file);
    uint8_t *at = buf_reserve(&text, 1u << 19);
    text.len = fread(at, 1, (1u << 19) - 1, file);
    buf_byte(&text, '\0');
    fclose(file);
    return text;
}

static size_t options_of(const struct option_set *set, const char *document)
{
    char heading[100];
    snprintf(heading, sizeof heading, "### `%s`", set->where);
    const char *section = strstr(document, heading);
    ck_assert_msg(section != NULL, "no heading %s", heading);
    const char *end = strstr(section + 1, "\n## ");
    for (size_t i = 0; i < set->count; i++) {
        struct buf line = buf_make(2000);
        buf_byte(&line, '\n');
        option_document(&set->rows[i], &line);
        buf_text(&line, "\n");
        buf_byte(&line, '\0');
        const char *found = strstr(section, (const char *)line.data);
        ck_assert_msg(found && (!end || found < end), "%s lacks%s", set->where,
                      (const char *)line.data);
        buf_free(&line);
    }
    return set->count;
}

/* Lines that document an option: those of tables whose first cell is `code` and that have five
 * cells. */
static size_t option_lines(const char *document)
{
    size_t lines = 0;
    for (const char *at = document; (at = strstr(at, "\n| `")); at++) {
        size_t bars = 0;
        for (const char *c = at + 1; *c && *c != '\n'; c++)
            bars += *c == '|';
        lines += bars == 6;
    }
    return lines;
}

START_TEST(the_document_has_each_option_as_its_row_says_and_no_other)
{
    struct buf document = read_document("docs/configuration.md");
    const char *text = (const char *)document.data;
    size_t count, kinds;
    const struct exporter_kind *list = exporter_kinds(&kinds);
    count = options_of(config_otlp_options(), text);
    count += options_of(config_health_options(), text);
    count += options_of(config_telemetry_options(), text);
    count += options_of(config_metrics_options(), text);
    count += options_of(config_file_storage_options(), text);
    count += options_of(config_delivery_options(), text);
    count += options_of(processor_batch_options(), text);
    count += options_of(processor_limiter_options(), text);
    count += options_of(config_masques_options(), text);
    for (size_t i = 0; i < kinds; i++)
        if (strcmp(list[i].type, "console") != 0) /* the other name of debug */
            count += options_of(&list[i].options, text);
    ck_assert_uint_eq(option_lines(text), count);
    buf_free(&document);
}
END_TEST

/* A piece of the service section stands for itself when the components that it names are there. */
static void check_example(struct slice example)
{
    static const char components[] = "receivers: {otlp: {protocols: {grpc: }}}\n"
                                     "exporters: {debug: , console/json: }\n";
    static const char pipelines[] = "  pipelines: {logs: {receivers: [otlp], exporters: [debug, console/json]}}\n";
    struct config *config;
    struct config_error error;
    struct buf text = buf_make(100000);
    bool is_service = example.len > 8 && memcmp(example.data, "service:", 8) == 0;
    if (is_service)
        buf_text(&text, components);
    buf_slice_append(&text, example);
    if (is_service && !memmem(example.data, example.len, "pipelines:", 10))
        buf_text(&text, pipelines);
    int rc = config_from_text("example", buf_slice(&text), NULL, NULL, &config, &error);
    ck_assert_msg(rc == 0, "%s in\n%.*s", error.text, (int)text.len, (const char *)text.data);
    ck_assert_uint_eq(config->warning_count, 0);
    config_free(&config);
    buf_free(&text);
}

static size_t check_examples(const char *name)
{
    static const char fence[] = "```yaml\n";
    struct buf document = read_document(name);
    size_t count = 0;
    for (const char *from = (const char *)document.data; (from = strstr(from, fence)); count++) {
        from += sizeof fence - 1;
        const char *to = strstr(from, "```");
        ck_assert_ptr_nonnull(to);
        check_example(slice_make(from, (size_t)(to - from)));
        from = to + 3;
    }
    buf_free(&document);
    return count;
}

START_TEST(the_examples_of_the_documents_are_configurations)
{
    ck_assert_uint_ge(check_examples("docs/configuration.md"), 6);
    ck_assert_uint_ge(check_examples("docs/clickhouse.md"), 1);
}
END_TEST

static struct config *load(const char *name)
{
    struct config *config;
    struct config_error error;
    int rc = config_load(path_of(name), &config, &error);
    ck_assert_msg(rc == 0, "%s", error.text);
    ck_assert_uint_eq(config->warning_count, 0);
    return config;
}

START_TEST(console_yaml_is_what_runs_without_a_file)
{
    struct config *file = load("config/console.yaml"), *none = config_default();
    struct buf a = buf_make(100000), b = buf_make(100000);
    config_print(file, &a);
    config_print(none, &b);
    ck_assert(slice_eq(buf_slice(&a), buf_slice(&b)));
    buf_free(&a);
    buf_free(&b);
    config_free(&file);
    config_free(&none);
}
END_TEST

START_TEST(claude_code_yaml_takes_every_address_and_writes_json)
{
    unsetenv("MASQUES_HOST");
    struct config *c = load("config/claude-code.yaml");
    ck_assert_str_eq(c->otlp.grpc.endpoint.host, "0.0.0.0");
    ck_assert_str_eq(c->otlp.http.endpoint.host, "0.0.0.0");
    ck_assert_str_eq(c->health.endpoint.host, "0.0.0.0");
    ck_assert_uint_eq(c->exporters[0].options.console.format, CONSOLE_JSON);
    ck_assert_uint_eq(config_signals(c), 14);
    config_free(&c);
}
END_TEST

START_TEST(nop_yaml_forgets_everything)
{
    struct config *c = load("config/nop.yaml");
    ck_assert_str_eq(c->exporters[0].kind->program, "nop");
    ck_assert_uint_eq(config_signals(c), 14);
    ck_assert(c->health.enabled);
    config_free(&c);
}
END_TEST

START_TEST(clickhouse_yaml_writes_everything_and_waits_on_the_disk)
{
    unsetenv("CLICKHOUSE_ENDPOINT");
    unsetenv("MASQUES_HOST");
    struct config *c = load("config/clickhouse.yaml");
    const struct clickhouse_options *o = &c->exporters[0].options.clickhouse;
    ck_assert_str_eq(c->exporters[0].kind->program, "clickhouse");
    ck_assert_str_eq(o->endpoint, "http://127.0.0.1:8123");
    ck_assert_str_eq(o->database, "otel");
    ck_assert_uint_eq(config_signals(c), 14);
    ck_assert(c->health.enabled && c->file_storage.enabled);
    ck_assert_str_eq(c->masques.store.directory, "/var/lib/masques");
    ck_assert_str_eq(c->otlp.grpc.endpoint.host, "0.0.0.0");
    config_free(&c);
}
END_TEST

SUITE_MAIN("document", the_document_has_each_option_as_its_row_says_and_no_other,
           the_examples_of_the_documents_are_configurations, console_yaml_is_what_runs_without_a_file,
           claude_code_yaml_takes_every_address_and_writes_json, nop_yaml_forgets_everything,
           clickhouse_yaml_writes_everything_and_waits_on_the_disk)
