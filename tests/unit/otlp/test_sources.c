// SPDX-License-Identifier: Apache-2.0
#include "shared/otlp/sources.h"

#include "tests/support/suite.h"
#include "tests/unit/otlp/message.h"

/* A resource with its service and scope; the records go into `scope`, which is freed. */
static void put_resource(struct buf *batch, const char *service, struct buf *scope)
{
    struct buf resource = message();
    struct buf holder = message();
    put_child(&holder, 2, scope);
    if (service)
        put_attribute(&resource, 1, "service.name", service);
    put_child(&holder, 1, &resource);
    put_child(batch, 1, &holder);
}

static void put_record(struct buf *scope, const char *session, int64_t sequence)
{
    struct buf record = message();
    put_attribute(&record, 6, "event.name", "api_request"); /* as long a key as session.id */
    if (session)
        put_attribute(&record, 6, "session.id", session);
    put_attribute(&record, 6, "terminal.types", "as long a key as event.sequence");
    if (sequence >= 0)
        put_int_attribute(&record, 6, "event.sequence", sequence);
    put_child(scope, 2, &record);
}

START_TEST(sessions_are_told_apart)
{
    struct buf batch = message();
    struct buf scope = message();
    struct sources sources;
    put_record(&scope, "aaaaaaaa-1", 7);
    put_record(&scope, "aaaaaaaa-2", 100);
    put_record(&scope, "aaaaaaaa-1", 5);
    put_record(&scope, "aaaaaaaa-1", -1);
    put_record(&scope, "aaaaaaaa-1", 9);
    put_record(&scope, NULL, 3);
    put_resource(&batch, "claude-code", &scope);
    scope = message();
    put_record(&scope, "aaaaaaaa-1", 1); /* the same session, but of another service */
    put_record(&scope, "s", -1);
    put_resource(&batch, NULL, &scope);
    sources_collect(OTLP_LOGS, buf_slice(&batch), &sources);
    static const struct {
        const char *service;
        const char *session;
        uint32_t count;
        bool numbered;
        int64_t lowest;
        int64_t highest;
    } wanted[] = {
        {"claude-code", "aaaaaaaa-1", 4, true, 5, 9}, {"claude-code", "aaaaaaaa-2", 1, true, 100,
                                                       100},
        {"claude-code", "", 1, true, 3, 3},           {"", "aaaaaaaa-1", 1, true, 1, 1},
        {"", "s", 1, false, 0, 0},
    };
    ck_assert_uint_eq(sources.used, 5);
    ck_assert_uint_eq(sources.more, 0);
    for (uint32_t i = 0; i < 5; i++) {
        const struct source *source = &sources.list[i];
        ck_assert(slice_is(source->service, wanted[i].service));
        ck_assert(slice_is(source->session, wanted[i].session));
        ck_assert_uint_eq(source->count, wanted[i].count);
        ck_assert_int_eq(source->numbered, wanted[i].numbered);
        ck_assert_int_eq(source->lowest, wanted[i].lowest);
        ck_assert_int_eq(source->highest, wanted[i].highest);
    }
    buf_free(&batch);
}
END_TEST

START_TEST(the_list_is_bounded)
{
    struct buf batch = message();
    struct buf scope = message();
    struct sources sources;
    for (int i = 0; i < 40; i++) {
        char session[16];
        snprintf(session, sizeof session, "session-%d", i % 20);
        put_record(&scope, session, i);
    }
    put_resource(&batch, "x", &scope);
    sources_collect(OTLP_LOGS, buf_slice(&batch), &sources);
    ck_assert_uint_eq(sources.used, SOURCES_MAX);
    ck_assert_uint_eq(sources.more, 2 * (20 - SOURCES_MAX));
    for (uint32_t i = 0; i < SOURCES_MAX; i++) {
        ck_assert_uint_eq(sources.list[i].count, 2);
        ck_assert_int_eq(sources.list[i].highest, i + 20);
    }
    buf_free(&batch);
}
END_TEST

static struct source source_of_attribute(const void *attribute, size_t len)
{
    struct buf record = message();
    put_slice(&record, 6, slice_make(attribute, len));
    struct buf batch = request_of(&record);
    struct sources sources;
    sources_collect(OTLP_LOGS, buf_slice(&batch), &sources);
    ck_assert_uint_eq(sources.used, 1);
    struct source source = sources.list[0];
    source.session = slice_make(NULL, source.session.len); /* the bytes go */
    buf_free(&batch);
    return source;
}

START_TEST(attributes_of_odd_shapes_are_read)
{
    static const struct {
        const char *why;
        const char *attribute;
        size_t len;
        size_t session_len;
        bool numbered;
        int64_t lowest;
    } cases[] = {
        {"value before key", "\x12\x03\x0a\x01s\x0a\x0asession.id", 17, 1, false, 0},
        {"a number as session", "\x0a\x0asession.id\x12\x02\x18\x01", 16, 0, false, 0},
        {"a sequence in digits", "\x0a\x0e" "event.sequence\x12\x04\x0a\x02" "42", 22, 0, true, 42},
        {"a sequence that is no number", "\x0a\x0e" "event.sequence\x12\x04\x0a\x02" "4x", 22, 0,
         false, 0},
        {"an empty sequence", "\x0a\x0e" "event.sequence\x12\x02\x0a\x00", 20, 0, false, 0},
        {"a double sequence", "\x0a\x0e" "event.sequence\x12\x09\x21\0\0\0\0\0\0\xf8\x3f", 27, 0,
         false, 0},
        {"a negative sequence",
         "\x0a\x0e" "event.sequence\x12\x0b\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 29, 0,
         true, -1},
        {"an empty attribute", "", 0, 0, false, 0},
        {"half a key", "\x0a\x00", 2, 0, false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct source source = source_of_attribute(cases[i].attribute, cases[i].len);
        ck_assert_msg(source.session.len == cases[i].session_len, "%s", cases[i].why);
        ck_assert_msg(source.numbered == cases[i].numbered, "%s", cases[i].why);
        ck_assert_msg(source.lowest == cases[i].lowest, "%s", cases[i].why);
        ck_assert_msg(source.count == 1, "%s", cases[i].why);
    }
}
END_TEST

START_TEST(long_names_are_cut)
{
    char name[400];
    struct buf batch = message();
    struct buf scope = message();
    struct sources sources;
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = 0;
    put_record(&scope, name, 1);
    put_resource(&batch, name, &scope);
    sources_collect(OTLP_LOGS, buf_slice(&batch), &sources);
    ck_assert_uint_eq(sources.list[0].session.len, SOURCES_NAME_MAX_BYTES);
    ck_assert_uint_eq(sources.list[0].service.len, SOURCES_NAME_MAX_BYTES);
    buf_free(&batch);
}
END_TEST

START_TEST(the_first_of_two_attributes_counts)
{
    struct buf record = message();
    put_attribute(&record, 6, "session.id", "first");
    put_attribute(&record, 6, "session.id", "second");
    put_int_attribute(&record, 6, "event.sequence", 1);
    put_int_attribute(&record, 6, "event.sequence", 2);
    struct buf batch = request_of(&record);
    struct sources sources;
    sources_collect(OTLP_LOGS, buf_slice(&batch), &sources);
    ck_assert(slice_is(sources.list[0].session, "first"));
    ck_assert_int_eq(sources.list[0].highest, 1);
    buf_free(&batch);
}
END_TEST

START_TEST(spans_and_points_are_counted_by_service)
{
    struct buf batch = message();
    struct buf scope = message();
    struct sources sources;
    put_record(&scope, "as attribute 6, which is not a span's", 1);
    put_record(&scope, NULL, 2);
    put_resource(&batch, "service", &scope);
    sources_collect(OTLP_TRACES, buf_slice(&batch), &sources);
    ck_assert_uint_eq(sources.used, 1);
    ck_assert(slice_is(sources.list[0].service, "service"));
    ck_assert_uint_eq(sources.list[0].count, 2);
    ck_assert(!sources.list[0].numbered);
    ck_assert_uint_eq(sources.list[0].session.len, 0);
    buf_free(&batch);

    struct buf metric = message();
    PUT_RAW(&metric, 5, "\x0a\x00\x0a\x00\x0a\x00");
    batch = metrics_request_of(&metric);
    sources_collect(OTLP_METRICS, buf_slice(&batch), &sources);
    ck_assert_uint_eq(sources.used, 1);
    ck_assert_uint_eq(sources.list[0].count, 3);
    buf_free(&batch);
}
END_TEST

START_TEST(resources_without_records_are_no_sources)
{
    struct buf batch = message();
    struct buf scope = message();
    struct sources sources;
    put_resource(&batch, "silent", &scope);
    sources_collect(OTLP_LOGS, buf_slice(&batch), &sources);
    ck_assert_uint_eq(sources.used, 0);
    ck_assert_uint_eq(sources.more, 0);
    buf_free(&batch);
}
END_TEST

START_TEST(a_captured_session_has_no_gaps)
{
    for (size_t i = 0; i < FIXTURES; i++) {
        if (fixtures[i].signal != OTLP_LOGS || strncmp(fixtures[i].name, "claude-code.tool.",
                                                       17) != 0)
            continue;
        struct buf batch = load_fixture(&fixtures[i]);
        struct sources sources;
        sources_collect(OTLP_LOGS, buf_slice(&batch), &sources);
        ck_assert_uint_eq(sources.used, 1);
        ck_assert(slice_is(sources.list[0].service, "claude-code"));
        ck_assert_uint_eq(sources.list[0].session.len, 36);
        ck_assert_uint_eq(sources.list[0].count, fixtures[i].records);
        ck_assert_int_eq(sources.list[0].highest - sources.list[0].lowest + 1,
                         (int64_t)fixtures[i].records);
        buf_free(&batch);
    }
}
END_TEST

SUITE_MAIN("otlp/sources", sessions_are_told_apart, the_list_is_bounded,
           attributes_of_odd_shapes_are_read, long_names_are_cut,
           the_first_of_two_attributes_counts, spans_and_points_are_counted_by_service,
           resources_without_records_are_no_sources, a_captured_session_has_no_gaps)
