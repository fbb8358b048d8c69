// SPDX-License-Identifier: Apache-2.0
#include "exporters/clickhouse/table.h"

#include <stdio.h>

#include "exporters/clickhouse/block.h"
#include "tests/support/suite.h"

static bool has(enum table_kind kind, uint64_t mask, const char *name)
{
    for (size_t i = 0; i < block_column_count(kind); i++)
        if (strcmp(block_column_name(kind, i), name) == 0)
            return mask >> i & 1;
    ck_abort_msg("there is no column %s", name);
    return false;
}

START_TEST(columns_that_are_there_are_written)
{
    uint64_t mask = table_read_columns(TABLE_LOGS, slice_of(
        "Timestamp\tDateTime64(9)\t\t\t\tDelta(8), ZSTD(1)\t\n"
        "TimestampTime\tDateTime\tDEFAULT\ttoDateTime(Timestamp)\t\t\t\n"
        "Body\tString\t\t\t\tZSTD(1)\t\n"
        "ServiceName\tLowCardinality(String)\tDEFAULT\t'x'\t\t\t\n"
        "EventName\tString\tMATERIALIZED\tLogAttributes['event.name']\t\t\t\n"
        "TraceId\tString\tALIAS\tx\t\t\t\n"
        "Extra\tString\t\t\t\t\t\n"));
    ck_assert(has(TABLE_LOGS, mask, "Timestamp"));
    ck_assert(has(TABLE_LOGS, mask, "Body"));
    ck_assert(has(TABLE_LOGS, mask, "ServiceName"));
    ck_assert(!has(TABLE_LOGS, mask, "EventName")); /* the server fills it */
    ck_assert(!has(TABLE_LOGS, mask, "TraceId"));
    ck_assert(!has(TABLE_LOGS, mask, "SpanId"));
    ck_assert_uint_eq(table_read_columns(TABLE_LOGS, slice_of("")), 0);
    struct buf names = buf_make(1024);
    table_name_missing(TABLE_LOGS, ~(UINT64_C(1) << 0 | UINT64_C(1) << 2), &names);
    buf_byte(&names, '\0');
    char expected[200];
    snprintf(expected, sizeof expected, "%s, %s", block_column_name(TABLE_LOGS, 0), block_column_name(TABLE_LOGS, 2));
    ck_assert_str_eq((const char *)names.data, expected);
    buf_free(&names);
}
END_TEST

START_TEST(a_nested_is_written_whole_or_not_at_all)
{
    static const char all[] = "Timestamp\tx\t\nEvents.Timestamp\tx\t\nEvents.Name\tx\t\nEvents.Attributes\tx\t\n"
                              "Links.TraceId\tx\t\nLinks.SpanId\tx\t\nLinks.TraceState\tx\t\n";
    uint64_t mask = table_read_columns(TABLE_TRACES, slice_of(all)); /* Links.Attributes is missing */
    ck_assert(has(TABLE_TRACES, mask, "Events.Name") && has(TABLE_TRACES, mask, "Timestamp"));
    ck_assert(!has(TABLE_TRACES, mask, "Links.TraceId") && !has(TABLE_TRACES, mask, "Links.SpanId"));
    char more[sizeof all + 40];
    snprintf(more, sizeof more, "%sEvents.Severity\tx\t\n", all); /* one that we do not fill */
    mask = table_read_columns(TABLE_TRACES, slice_of(more));
    ck_assert(!has(TABLE_TRACES, mask, "Events.Name"));
    snprintf(more, sizeof more, "%sEvents.Severity\tx\tALIAS\n", all);
    mask = table_read_columns(TABLE_TRACES, slice_of(more));
    ck_assert(has(TABLE_TRACES, mask, "Events.Name"));
}
END_TEST

START_TEST(the_empty_block_has_every_column_of_the_table)
{
    struct slice answer = slice_of("Body\tString\t\n"
                                   "Time\tDateTime(\\'UTC\\')\t\n"
                                   "Computed\tString\tMATERIALIZED\tx\n"
                                   "EventName\tFixedString(3)\t\n");
    uint64_t mask = table_read_columns(TABLE_LOGS, answer);
    struct buf out = buf_make(1024);
    table_empty_block(TABLE_LOGS, mask, answer, &out);
    static const char expected[] = "\3\0" "\4Body\6String" "\4Time\17DateTime('UTC')" "\11EventName\6String";
    ck_assert_uint_eq(out.len, sizeof expected - 1);
    ck_assert_mem_eq(out.data, expected, out.len);
    buf_free(&out);
}
END_TEST

START_TEST(windows_are_found)
{
    static const struct {
        const char *answer;
        bool dedup;
        const char *why;
    } cases[] = {
        {"MergeTree\tMergeTree ORDER BY a SETTINGS non_replicated_deduplication_window = 100, index_granularity = 8192\t0\t10000\tenable\t", true, "its own"},
        {"MergeTree\tMergeTree ORDER BY a SETTINGS index_granularity = 8192, non_replicated_deduplication_window = 100\t0\t10000\t\t", true, "an older server"},
        {"MergeTree\tMergeTree ORDER BY a SETTINGS index_granularity = 8192\t0\t10000\tenable\t", false, "the default"},
        {"MergeTree\tMergeTree ORDER BY a\t50\t10000\tenable\t", true, "the server's own default"},
        {"MergeTree\tMergeTree ORDER BY a SETTINGS non_replicated_deduplication_window = 0\t50\t10000\tenable\t", false, "switched off"},
        {"MergeTree\tMergeTree ORDER BY a SETTINGS non_replicated_deduplication_window = 9\t0\t10000\tdisable\t", false, "the user's profile"},
        {"ReplicatedMergeTree\tReplicatedMergeTree(\\'/p\\', \\'r\\') ORDER BY a\t0\t10000\tenable\t/p", true, "replicated"},
        {"ReplicatedMergeTree\tReplicatedMergeTree(\\'/p\\', \\'r\\') ORDER BY a SETTINGS replicated_deduplication_window = 0\t0\t10000\tenable\t/p", false, "replicated, off"},
        {"ReplicatedMergeTree\tReplicatedMergeTree ORDER BY a SETTINGS replicated_deduplication_window_for_async_inserts = 0\t0\t10000\tenable\t/p", true, "another setting"},
        {"SharedMergeTree\tSharedMergeTree ORDER BY a\t0\t10000\tenable\t", true, "shared"},
        {"Null\tNull\t0\t10000\tenable\t", false, "no storage"},
        {"Distributed\tDistributed(c, d, t)\t0\t10000\tenable\t", false, "not known"},
        {"", false, "nothing was told"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct table table = {.mask = 5};
        table_read_engine(slice_of(cases[i].answer), 77, &table);
        ck_assert_msg(table.dedup == cases[i].dedup, "%s", cases[i].why);
        ck_assert_uint_ne(table.place, 0);
        ck_assert_uint_eq(table.mask, 5);
    }
}
END_TEST

START_TEST(replicas_share_a_place)
{
    struct table a = {.mask = 0}, b = a, c = a, d = a;
    table_read_engine(slice_of("ReplicatedMergeTree\tx\t0\t10000\tenable\t/p/1\n"), 77, &a);
    table_read_engine(slice_of("ReplicatedMergeTree\tx\t0\t10000\tenable\t/p/1\n"), 78, &b);
    table_read_engine(slice_of("ReplicatedMergeTree\tx\t0\t10000\tenable\t/p/2\n"), 78, &c);
    table_read_engine(slice_of("MergeTree\tx\t0\t10000\tenable\t\n"), 78, &d);
    ck_assert_uint_eq(a.place, b.place);
    ck_assert_uint_ne(a.place, c.place);
    ck_assert_uint_eq(d.place, 78);
}
END_TEST

START_TEST(names_are_quoted)
{
    struct buf out = buf_make(4096);
    table_ask_engine("a'b", "c\\d", &out);
    ck_assert_ptr_nonnull(memmem(out.data, out.len, "database = 'a\\'b' AND name = 'c\\\\d'", 34));
    buf_free(&out);
}
END_TEST

SUITE_MAIN("table", columns_that_are_there_are_written, a_nested_is_written_whole_or_not_at_all,
           the_empty_block_has_every_column_of_the_table, windows_are_found, replicas_share_a_place, names_are_quoted)
