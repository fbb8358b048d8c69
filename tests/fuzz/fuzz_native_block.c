// SPDX-License-Identifier: Apache-2.0
/* Any request that passes the walk, planned and made into blocks as the ClickHouse exporter does it: every record must be
 * in one part, and every block must be what a strict reader of the Native format expects, to its last byte. The first byte
 * chooses the signal, the second how many rows a part and a block may have, and which columns are left out. */
#include <stdint.h>
#include <stdlib.h>

#include "exporters/clickhouse/block.h"
#include "exporters/clickhouse/plan.h"
#include "shared/otlp/walk.h"
#include "tests/support/native_reader.h"

#define RECEIVED_NS UINT64_C(1795000000000000000)
#define OUT_MAX_BYTES ((size_t)1 << 30)
#define PART_BYTES 4096u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz {
    enum otlp_signal signal;
    struct slice request;
    uint32_t part_rows, block_rows;
    uint64_t without; /* this column; COLUMNS or more: with all of them */
    struct buf out;
};

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

static void check_block(struct slice block, enum table_kind table, uint64_t mask, uint32_t rows)
{
    struct wire w = wire_of(block);
    uint64_t columns, found;
    MUST(wire_varint(&w, &columns) == GW_OK && wire_varint(&w, &found) == GW_OK && found == rows);
    for (size_t i = 0; i < block_column_count(table); i++) {
        struct native_column c;
        if (!(mask >> i & 1))
            continue;
        MUST(columns-- > 0);
        MUST(native_read_column(&w, rows, &c));
        MUST(slice_is(c.name, block_column_name(table, i)) && slice_is(c.type, block_column_type(table, i)));
        native_free(&c);
    }
    MUST(columns == 0 && wire_left(&w) == 0);
}

static void write_block(struct fuzz *f, struct block *block, enum table_kind table, uint64_t mask)
{
    uint32_t rows = block_rows(block);
    buf_clear(&f->out);
    MUST(block_write(block, &f->out) == 0 && (f->out.len > 0) == (rows > 0));
    if (rows)
        check_block(buf_slice(&f->out), table, mask, rows);
}

static void make_part(struct fuzz *f, const struct plan_part *part)
{
    uint64_t mask = f->without < block_column_count(part->table) ? ~(UINT64_C(1) << f->without) : UINT64_MAX;
    struct block *block = block_new(part->table, mask);
    struct otlp_reader reader;
    uint32_t rows = 0;
    MUST(block);
    otlp_reader_init(&reader, f->signal, f->request);
    while (otlp_reader_next(&reader)) {
        const struct otlp_record *r = &reader.now;
        if (r->index < part->first || r->index > part->last || row_table(r) != part->table ||
            row_day(row_time_ns(r, RECEIVED_NS)) != part->day)
            continue;
        MUST(block_add(block, r, RECEIVED_NS) == 0);
        rows++;
        if (block_rows(block) == f->block_rows)
            write_block(f, block, part->table, mask);
    }
    write_block(f, block, part->table, mask);
    MUST(rows == part->rows && rows <= f->part_rows);
    block_free(&block);
}

static void make_blocks(struct fuzz *f, uint64_t records)
{
    const struct plan_limits limits = {.version = PLAN_VERSION, .rows = f->part_rows, .bytes = PART_BYTES};
    struct plan *plan = plan_new(&limits);
    struct otlp_reader reader;
    uint64_t rows = 0;
    size_t count;
    MUST(plan);
    otlp_reader_init(&reader, f->signal, f->request);
    while (otlp_reader_next(&reader))
        MUST(plan_add(plan, row_table(&reader.now), row_day(row_time_ns(&reader.now, RECEIVED_NS)),
                      reader.now.bytes.len) == 0);
    const struct plan_part *parts = plan_parts(plan, &count);
    for (size_t i = 0; i < count; i++) {
        make_part(f, &parts[i]);
        rows += parts[i].rows;
    }
    MUST(rows == records);
    plan_free(&plan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct otlp_walk_result result;
    if (size < 2)
        return 0;
    struct fuzz f = {.signal = (enum otlp_signal)(data[0] % OTLP_SIGNALS + 1),
                     .request = slice_make(data + 2, size - 2),
                     .part_rows = 1 + data[1] % 16,
                     .block_rows = 1 + data[1] / 16 % 4,
                     .without = data[1] / 4,
                     .out = buf_make(OUT_MAX_BYTES)};
    if (otlp_walk(f.signal, f.request, NULL, &result) == GW_OK)
        make_blocks(&f, result.records);
    buf_free(&f.out);
    return 0;
}
