// SPDX-License-Identifier: Apache-2.0
/* Requests as the text of the blocks that are made of them, for the tests of this room. */
#ifndef MASQUES_TESTS_CLICKHOUSE_BLOCK_TEXT_H
#define MASQUES_TESTS_CLICKHOUSE_BLOCK_TEXT_H

#include <check.h>

#include "exporters/clickhouse/block.h"
#include "shared/otlp/walk.h"
#include "tests/support/native_reader.h"
#include "tests/unit/otlp/message.h"

#define RECEIVED_NS UINT64_C(1795000000000000001)
#define ALL_COLUMNS UINT64_MAX
#define BLOCK_TEXT_MAX_BYTES ((size_t)1 << 28)

/* Adds the request's records of `table` to the block. Returns how many there were. */
static inline uint32_t add_request(struct block *block, enum table_kind table, enum otlp_signal signal,
                                   struct slice request)
{
    struct otlp_walk_result result;
    struct otlp_reader reader;
    uint32_t rows = 0;
    ck_assert_int_eq(otlp_walk(signal, request, NULL, &result), GW_OK);
    block_new_batch(block);
    otlp_reader_init(&reader, signal, request);
    while (otlp_reader_next(&reader)) {
        if (row_table(&reader.now) != table)
            continue;
        ck_assert_int_eq(block_add(block, &reader.now, RECEIVED_NS), 0);
        rows++;
    }
    return rows;
}

/* Reads one block that consists of the columns in `mask` and fills `in` to the end. Appends, unless `text` is NULL, a line
 * for every column: its name, a colon, and its rows, with a blank before each. */
static inline void read_block(struct slice in, enum table_kind table, uint64_t mask, uint64_t rows, struct buf *text)
{
    struct wire w = wire_of(in);
    uint64_t columns, found;
    ck_assert_int_eq(wire_varint(&w, &columns), GW_OK);
    ck_assert_int_eq(wire_varint(&w, &found), GW_OK);
    ck_assert_uint_eq(found, rows);
    for (size_t i = 0; i < block_column_count(table); i++) {
        struct native_column c;
        if (!(mask >> i & 1))
            continue;
        columns--;
        ck_assert_msg(native_read_column(&w, rows, &c), "%s", block_column_name(table, i));
        ck_assert(slice_is(c.name, block_column_name(table, i)));
        ck_assert(slice_is(c.type, block_column_type(table, i)));
        if (text)
            buf_printf(text, "%s:", block_column_name(table, i));
        for (uint64_t row = 0; text && row < rows; row++) {
            buf_byte(text, ' ');
            native_row_text(&c, row, text);
        }
        if (text)
            buf_byte(text, '\n');
        native_free(&c);
    }
    ck_assert_uint_eq(columns, 0);
    ck_assert_uint_eq(wire_left(&w), 0);
}

/* The block is written and read. The text ends with a NUL; the caller frees. */
static inline struct buf text_of(struct block *block, enum table_kind table, uint64_t mask, uint64_t rows)
{
    struct buf out = buf_make(BLOCK_TEXT_MAX_BYTES);
    struct buf text = buf_make(BLOCK_TEXT_MAX_BYTES);
    size_t guess = block_bytes(block);
    ck_assert_uint_eq(block_rows(block), rows);
    ck_assert_int_eq(block_write(block, &out), 0);
    ck_assert(buf_ok(&out));
    ck_assert_uint_eq(block_rows(block), 0);
    if (rows) {
        ck_assert_uint_le(out.len, guess + 128 * block_column_count(table) + 1024);
        ck_assert_uint_le(guess, 2 * out.len + 64 * block_column_count(table));
        read_block(buf_slice(&out), table, mask, rows, &text);
    } else {
        ck_assert_uint_eq(out.len, 0);
    }
    buf_byte(&text, 0);
    buf_free(&out);
    return text;
}

/* All of `table` in the request, as text. Frees the request. */
static inline struct buf text_of_request(enum table_kind table, enum otlp_signal signal, struct buf *request)
{
    struct block *block = block_new(table, ALL_COLUMNS);
    ck_assert_ptr_nonnull(block);
    uint32_t rows = add_request(block, table, signal, buf_slice(request));
    struct buf text = text_of(block, table, ALL_COLUMNS, rows);
    block_free(&block);
    buf_free(request);
    return text;
}

/* The column's line is this one: "Body: 'a' 'b'". */
static inline void expect_line(const struct buf *text, const char *line)
{
    size_t name = (size_t)(strchr(line, ':') + 1 - line);
    for (const char *at = (const char *)text->data; *at; at = strchr(at, '\n') + 1) {
        if (strncmp(at, line, name) != 0)
            continue;
        size_t len = (size_t)(strchr(at, '\n') - at);
        ck_assert_msg(len == strlen(line) && strncmp(at, line, len) == 0, "want %s\n got %.*s", line, (int)len, at);
        return;
    }
    ck_abort_msg("no column of %s", line);
}

#endif
