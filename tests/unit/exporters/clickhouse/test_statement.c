// SPDX-License-Identifier: Apache-2.0
#include "exporters/clickhouse/statement.h"

#include "shared/config/exporter_options.h"
#include "tests/support/suite.h"

static struct clickhouse_options options_new(void)
{
    const struct option_set *set = &exporter_kind_find(slice_of("clickhouse"))->options;
    struct clickhouse_options o = {.create_schema = false};
    options_default(set->rows, set->count, &o);
    strcpy(o.database, "my db");
    return o;
}

START_TEST(an_insert_has_its_settings_in_its_address)
{
    struct clickhouse_options o = options_new();
    struct buf out = buf_make(STATEMENT_MAX_BYTES);
    strcpy(o.connection_params, "max_memory_usage=1&log_comment=a%20b");
    statement_insert("http://h:8123", &o, TABLE_LOGS, slice_of("0a/1/logs/1-2/ch/a.b/3/0-9:4+2/1"), &out);
    ck_assert_str_eq((const char *)out.data,
                     "http://h:8123/?query=INSERT%20INTO%20%60my%20db%60.%60otel_logs%60%20FORMAT%20Native"
                     "&async_insert=0&insert_deduplicate=1&min_insert_block_size_rows=1048449"
                     "&min_insert_block_size_bytes=268402944"
                     "&insert_deduplication_token=0a/1/logs/1-2/ch/a.b/3/0-9%3A4%2B2/1"
                     "&max_memory_usage=1&log_comment=a%20b");
    buf_clear(&out);
    o.connection_params[0] = '\0';
    statement_insert("http://h:8123", &o, TABLE_SUM, slice_make(NULL, 0), &out);
    ck_assert_ptr_null(strstr((const char *)out.data, "token"));
    buf_free(&out);
}
END_TEST

START_TEST(other_statements_have_the_parameters_too)
{
    struct clickhouse_options o = options_new();
    struct buf out = buf_make(STATEMENT_MAX_BYTES);
    strcpy(o.connection_params, "a=b");
    statement_query("https://h", &o, &out);
    ck_assert_str_eq((const char *)out.data, "https://h/?async_insert=0&a=b");
    buf_free(&out);
}
END_TEST

SUITE_MAIN("statement", an_insert_has_its_settings_in_its_address, other_statements_have_the_parameters_too)
