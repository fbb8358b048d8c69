// SPDX-License-Identifier: Apache-2.0
#include "exporters/clickhouse/views.h"
#include "shared/config/exporter_options.h"
#include "tests/support/suite.h"

#include <string.h>

static struct clickhouse_options options(void)
{
    struct clickhouse_options o;
    const struct option_set *set = &exporter_kind_find(slice_of("clickhouse"))->options;
    memset(&o, 0, sizeof o);
    options_default(set->rows, set->count, &o);
    strcpy(o.database, "my db");
    strcpy(o.logs_table, "logs");
    strcpy(o.sum_table, "sums");
    return o;
}

static const struct {
    const char *script;
    const char *renamed;
    const char *why;
} cases[] = {
    {"", "", "nothing"},
    {"FROM otel_logs", "FROM `my db`.`logs`", "a table"},
    {"FROM otel_metrics_sum\n", "FROM `my db`.`sums`\n", "another one"},
    {"FROM otel_metrics_summary", "FROM `my db`.`otel_metrics_summary`", "one with the default name"},
    {"otel_logs2 my_otel_logs", "otel_logs2 my_otel_logs", "other names that have it in them"},
    {"FROM claude_code_events", "FROM `my db`.claude_code_events", "a view"},
    {"VIEW claude_code_x AS", "VIEW `my db`.claude_code_x AS", "one that is made"},
    {"'otel_logs claude_code_x'", "'otel_logs claude_code_x'", "a text"},
    {"'it\\'s otel_logs' otel_logs", "'it\\'s otel_logs' `my db`.`logs`", "a quote in a text"},
    {"'' otel_logs", "'' `my db`.`logs`", "an empty text"},
    {"-- otel_logs isn't\notel_logs", "-- otel_logs isn't\n`my db`.`logs`", "a comment"},
    {"1 - -otel_logs", "1 - -`my db`.`logs`", "no comment"},
    {"'open", "'open", "a text without its end"},
    {"'open\\", "'open\\", "in the middle of an escape"},
    {"claude_code_", "claude_code_", "the prefix alone"},
};

START_TEST(names_become_those_of_the_options)
{
    struct clickhouse_options o = options();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf out = buf_make(1000);
        views_rename(&out, &o, slice_of(cases[i].script));
        ck_assert_msg(slice_is(buf_slice(&out), cases[i].renamed), "%s: %.*s", cases[i].why, (int)out.len,
                      (const char *)out.data);
        buf_free(&out);
    }
}
END_TEST

START_TEST(on_a_cluster_views_are_made_everywhere)
{
    struct clickhouse_options o = options();
    struct buf out = buf_make(1000);
    strcpy(o.cluster, "c");
    views_rename(&out, &o, slice_of("CREATE OR REPLACE VIEW claude_code_x AS SELECT * FROM claude_code_y"));
    ck_assert(slice_is(buf_slice(&out), "CREATE OR REPLACE VIEW `my db`.claude_code_x ON CLUSTER `c` AS SELECT * "
                                        "FROM `my db`.claude_code_y"));
    buf_free(&out);
}
END_TEST

START_TEST(the_script_is_part_of_the_program)
{
    struct clickhouse_options o = options();
    struct buf out = buf_make(1u << 20);
    views_script(&out, &o);
    buf_byte(&out, '\0');
    ck_assert(buf_ok(&out));
    const char *text = (const char *)out.data;
    ck_assert_ptr_nonnull(strstr(text, "CREATE OR REPLACE VIEW `my db`.claude_code_sessions AS\n"));
    ck_assert_ptr_nonnull(strstr(text, "FROM `my db`.`sums`\n"));
    ck_assert_ptr_null(strstr(text, "FROM otel_"));
    buf_free(&out);
}
END_TEST

SUITE_MAIN("exporters/clickhouse/views", names_become_those_of_the_options, on_a_cluster_views_are_made_everywhere,
           the_script_is_part_of_the_program)
