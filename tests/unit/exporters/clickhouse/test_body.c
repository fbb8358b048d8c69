// SPDX-License-Identifier: Apache-2.0
/* A delivery cut into parts, their rows, and the bodies made of them: whole, in spans, and in turns with others. */
#include "exporters/clickhouse/body.h"

#include <stdio.h>

#include "tests/support/suite.h"
#include "tests/unit/exporters/clickhouse/fake_delivery.h"
#include "tests/unit/exporters/console/wire_writer.h"

#define DAY_NS UINT64_C(86400000000000)
#define T0 (UINT64_C(20000) * DAY_NS)
#define LIMITS ((struct plan_limits){.version = PLAN_VERSION, .rows = 100000, .bytes = 1u << 30})

/* A batch of log records, their bodies numbered from `first`; every `other`th is of the next day. */
static void add_batch(struct delivery *d, size_t first, size_t count, size_t other, size_t padding)
{
    struct buf records = ww_new(), resource_logs = ww_new();
    for (size_t i = first; i < first + count; i++) {
        struct buf record = ww_new(), value = ww_new(), text = buf_make(1 << 24);
        buf_printf(&text, "<%zu>", i);
        for (size_t k = 0; k < padding; k++)
            buf_byte(&text, 'x');
        ww_fixed64(&record, 1, T0 + (other && i % other == 0 ? DAY_NS : 0));
        ww_bytes(&value, 1, buf_slice(&text));
        ww_message(&record, 5, &value);
        ww_message(&records, 2, &record);
        buf_free(&text);
    }
    ww_message(&resource_logs, 2, &records);
    ww_message(fake_batch(d), 1, &resource_logs);
}

static uint64_t varuint(struct slice *in)
{
    uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        ck_assert_uint_gt(in->len, 0);
        uint8_t byte = in->data[0];
        *in = slice_make(in->data + 1, in->len - 1);
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return value;
    }
}

/* The blocks of a body that is not compressed and has one column, Body: their sizes, and the bodies one after the other. */
struct content {
    size_t blocks;
    uint64_t rows[64];
    struct buf text;
};

static void read_block(struct content *c, struct slice in)
{
    ck_assert_uint_eq(varuint(&in), 1);
    uint64_t rows = c->rows[c->blocks++] = varuint(&in);
    for (int i = 0; i < 2; i++) { /* name and type */
        size_t n = varuint(&in);
        in = slice_make(in.data + n, in.len - n);
    }
    for (uint64_t i = 0; i < rows; i++) {
        size_t n = varuint(&in);
        buf_append(&c->text, in.data, n);
        in = slice_make(in.data + n, in.len - n);
    }
    ck_assert_uint_eq(in.len, 0);
}

static uint64_t body_column(void)
{
    for (size_t i = 0; i < block_column_count(TABLE_LOGS); i++)
        if (strcmp(block_column_name(TABLE_LOGS, i), "Body") == 0)
            return UINT64_C(1) << i;
    ck_abort();
    return 0;
}

static struct body *body_of(struct delivery *d, const struct cut *cut, size_t part, uint32_t first, uint32_t count)
{
    struct body *b = body_new(d, cut, part, first, count, body_column(), CLICKHOUSE_PLAIN);
    ck_assert_ptr_nonnull(b);
    return b;
}

/* False: it has ended. */
static bool pull(struct body *b, struct content *c)
{
    struct slice piece;
    int rc = body_pull(b, &piece);
    ck_assert_int_ge(rc, 0);
    if (rc > 0)
        read_block(c, piece);
    return rc > 0;
}

static struct content content_of(struct body *b)
{
    struct content c = {.text = buf_make(1u << 28)};
    while (pull(b, &c))
        ;
    return c;
}

/* "<first><first+1>...", without those that are every `other`th, or only those. */
static void check_text(struct content *c, size_t first, size_t count, size_t other, bool only)
{
    struct buf expected = buf_make(1u << 28);
    for (size_t i = first; i < first + count; i++)
        if (!other || (i % other == 0) == only)
            buf_printf(&expected, "<%zu>", i);
    ck_assert_uint_eq(c->text.len, expected.len);
    ck_assert_mem_eq(c->text.data, expected.data, expected.len);
    buf_free(&expected);
    buf_free(&c->text);
}

START_TEST(blocks_have_at_most_so_many_rows)
{
    struct delivery d;
    struct cut cut;
    fake_delivery_init(&d, MASQUES__BUS__SIGNAL__LOGS);
    for (size_t i = 0; i < 5; i++)
        add_batch(&d, i * 4001, 4001, 0, 0);
    ck_assert_int_eq(cut_read(&cut, &d, &LIMITS), 0);
    ck_assert_uint_eq(cut.count, 1);
    struct body *b = body_of(&d, &cut, 0, 0, 20005);
    struct content c = content_of(b);
    ck_assert_uint_eq(c.blocks, 20005 / BODY_BLOCK_ROWS + 1);
    ck_assert_uint_eq(c.rows[0], BODY_BLOCK_ROWS);
    ck_assert_uint_eq(c.rows[c.blocks - 1], 20005 % BODY_BLOCK_ROWS);
    check_text(&c, 0, 20005, 0, false);
    ck_assert_uint_gt(body_native_bytes(b), 20005);
    ck_assert_int_eq(body_rewind(b), 0);
    c = content_of(b);
    check_text(&c, 0, 20005, 0, false);
    body_free(&b);
    cut_free(&cut);
    fake_delivery_fini(&d);
}
END_TEST

START_TEST(large_rows_end_a_block_early)
{
    struct delivery d;
    struct cut cut;
    fake_delivery_init(&d, MASQUES__BUS__SIGNAL__LOGS);
    add_batch(&d, 0, 300, 0, 200000);
    ck_assert_int_eq(cut_read(&cut, &d, &LIMITS), 0);
    struct body *b = body_of(&d, &cut, 0, 0, 300);
    struct content c = content_of(b);
    ck_assert_uint_ge(c.blocks, 2);
    for (size_t i = 0; i < c.blocks; i++)
        ck_assert_uint_le(c.rows[i] * 200000, BODY_BLOCK_BYTES + 64u * 200010);
    buf_free(&c.text);
    body_free(&b);
    cut_free(&cut);
    fake_delivery_fini(&d);
}
END_TEST

START_TEST(parts_have_their_own_rows)
{
    struct delivery d;
    struct cut cut;
    fake_delivery_init(&d, MASQUES__BUS__SIGNAL__LOGS);
    for (size_t i = 0; i < 4; i++)
        add_batch(&d, i * 5000, 5000, 7, 0);
    ck_assert_int_eq(cut_read(&cut, &d, &LIMITS), 0);
    ck_assert_uint_eq(cut.count, 2);
    for (size_t part = 0; part < 2; part++) {
        struct body *b = body_of(&d, &cut, part, 0, cut.parts[part].rows);
        struct content c = content_of(b);
        check_text(&c, 0, 20000, 7, part == 0); /* record 0 is of the other day: its part is the first */
        body_free(&b);
    }
    cut_free(&cut);
    fake_delivery_fini(&d);
}
END_TEST

START_TEST(parts_begin_where_they_begin)
{
    struct delivery d;
    struct cut cut;
    struct plan_limits limits = LIMITS;
    limits.rows = 700;
    fake_delivery_init(&d, MASQUES__BUS__SIGNAL__LOGS);
    for (size_t i = 0; i < 10; i++)
        add_batch(&d, i * 300, 300, 0, 0);
    ck_assert_int_eq(cut_read(&cut, &d, &limits), 0);
    ck_assert_uint_eq(cut.count, 5);
    for (size_t part = 0; part < 5; part++) {
        struct body *b = body_of(&d, &cut, part, 0, cut.parts[part].rows);
        struct content c = content_of(b);
        check_text(&c, part * 700, cut.parts[part].rows, 0, false);
        body_free(&b);
    }
    ck_assert_uint_eq(cut.starts[3].record, 2100);
    ck_assert_uint_eq(cut.starts[4].place.batch, 9);
    cut_free(&cut);
    fake_delivery_fini(&d);
}
END_TEST

START_TEST(spans_are_rows_of_the_part)
{
    static const uint32_t spans[][2] = {{0, 1}, {5, 3}, {299, 2}, {8000, 1000}, {9999, 1}, {1, 9999}};
    struct delivery d;
    struct cut cut;
    fake_delivery_init(&d, MASQUES__BUS__SIGNAL__LOGS);
    for (size_t i = 0; i < 4; i++)
        add_batch(&d, i * 2500, 2500, 0, 0);
    ck_assert_int_eq(cut_read(&cut, &d, &LIMITS), 0);
    for (size_t i = 0; i < sizeof spans / sizeof spans[0]; i++) {
        struct body *b = body_of(&d, &cut, 0, spans[i][0], spans[i][1]);
        struct content c = content_of(b);
        check_text(&c, spans[i][0], spans[i][1], 0, false);
        body_free(&b);
    }
    cut_free(&cut);
    fake_delivery_fini(&d);
}
END_TEST

/* Every batch is gone when the next one of any delivery is read (a sanitizer sees who reads it nevertheless). */
START_TEST(deliveries_are_read_in_turns)
{
    struct delivery d[2];
    struct cut cut[2];
    struct body *b[2];
    struct content c[2] = {{.text = buf_make(1u << 28)}, {.text = buf_make(1u << 28)}};
    for (size_t i = 0; i < 2; i++) {
        fake_delivery_init(&d[i], MASQUES__BUS__SIGNAL__LOGS);
        for (size_t k = 0; k < 4; k++)
            add_batch(&d[i], k * 12345, 12345, i ? 3 : 0, 0);
        ck_assert_int_eq(cut_read(&cut[i], &d[i], &LIMITS), 0);
        b[i] = body_of(&d[i], &cut[i], i, 0, cut[i].parts[i].rows);
    }
    bool more = true;
    while (more) {
        bool first = pull(b[0], &c[0]);
        more = pull(b[1], &c[1]) || first;
    }
    check_text(&c[0], 0, 4 * 12345, 0, false);
    check_text(&c[1], 0, 4 * 12345, 3, false);
    for (size_t i = 0; i < 2; i++) {
        body_free(&b[i]);
        cut_free(&cut[i]);
        fake_delivery_fini(&d[i]);
    }
}
END_TEST

START_TEST(a_row_counts_with_what_stands_around_it)
{
    struct delivery d;
    struct cut cut;
    struct buf resource = ww_new(), resource_logs = ww_new(), logs = ww_new(), key_value = ww_new(), value = ww_new();
    char text[1000];
    memset(text, 'x', sizeof text);
    fake_delivery_init(&d, MASQUES__BUS__SIGNAL__LOGS);
    ww_text(&key_value, 1, "k");
    ww_bytes(&value, 1, slice_make(text, sizeof text));
    ww_message(&key_value, 2, &value);
    ww_message(&resource, 1, &key_value);
    ww_message(&resource_logs, 1, &resource);
    for (int i = 0; i < 10; i++) {
        struct buf record = ww_new();
        ww_fixed64(&record, 1, T0);
        ww_message(&logs, 2, &record);
    }
    ww_message(&resource_logs, 2, &logs);
    ww_message(fake_batch(&d), 1, &resource_logs);
    ck_assert_int_eq(cut_read(&cut, &d, &LIMITS), 0);
    ck_assert_uint_ge(cut.parts[0].bytes, 10 * sizeof text);
    ck_assert_uint_le(cut.parts[0].bytes, 10 * (sizeof text + 50));
    cut_free(&cut);
    fake_delivery_fini(&d);
}
END_TEST

SUITE_MAIN("body", blocks_have_at_most_so_many_rows, large_rows_end_a_block_early, parts_have_their_own_rows,
           parts_begin_where_they_begin, spans_are_rows_of_the_part, deliveries_are_read_in_turns,
           a_row_counts_with_what_stands_around_it)
