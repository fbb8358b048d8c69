// SPDX-License-Identifier: Apache-2.0
#include "exporters/clickhouse/body.h"

#include <stdlib.h>

#define OUT_MAX_BYTES ((size_t)1 << 31)
#define LOOK_ROWS 64u /* the size of a block is looked at every so many rows */

struct body {
    struct delivery *delivery;
    const struct cut *cut;
    size_t part;
    uint32_t first, end; /* rows of the part */
    struct rows rows;
    struct block *block;
    struct compress *compress;
    struct buf native, out;
    uint64_t native_bytes;
    bool begun, ended;
};

struct body *body_new(struct delivery *delivery, const struct cut *cut, size_t part, uint32_t first,
                      uint32_t count, uint64_t mask, enum clickhouse_compress kind)
{
    struct body *b = calloc(1, sizeof *b);
    if (!b)
        return NULL;
    b->delivery = delivery;
    b->cut = cut;
    b->part = part;
    b->first = first;
    b->end = first + count;
    b->native = buf_make(OUT_MAX_BYTES);
    b->out = buf_make(OUT_MAX_BYTES);
    rows_init(&b->rows, delivery, cut, part);
    b->block = block_new(cut->parts[part].table, mask);
    b->compress = compress_new(kind);
    if (!b->block || !b->compress)
        body_free(&b);
    return b;
}

void body_free(struct body **body)
{
    struct body *b = *body;
    *body = NULL;
    if (!b)
        return;
    rows_fini(&b->rows);
    block_free(&b->block);
    compress_free(&b->compress);
    buf_free(&b->native);
    buf_free(&b->out);
    free(b);
}

static bool is_full(const struct body *b)
{
    uint32_t rows = block_rows(b->block);
    return rows == BODY_BLOCK_ROWS ||
           (rows && rows % LOOK_ROWS == 0 && block_bytes(b->block) >= BODY_BLOCK_BYTES);
}

/* The next block, into `native`. 0, perhaps with `ended`; or an error. */
static int fill(struct body *b)
{
    uint32_t moves = b->rows.moves;
    int rc = 0;
    block_new_batch(b->block);
    while (b->rows.row < b->end && !is_full(b)) {
        rc = rows_next(&b->rows);
        if (rc <= 0)
            return rc < 0 ? rc : GW_ERR_CORRUPT; /* there were more of them when the delivery was cut */
        if (b->rows.row <= b->first)
            continue;
        if (b->rows.moves != moves)
            block_new_batch(b->block);
        moves = b->rows.moves;
        rc = block_add(b->block, &b->rows.reader.now, b->rows.received_ns);
        if (rc < 0)
            return rc;
    }
    b->ended = b->rows.row == b->end;
    rc = block_write(b->block, &b->native);
    return b->ended || rc < 0 ? rc : rows_pause(&b->rows);
}

static int step(struct body *b)
{
    int rc = 0;
    if (!b->begun)
        rc = compress_begin(b->compress);
    b->begun = true;
    if (rc == 0)
        rc = fill(b);
    if (rc < 0)
        return rc;
    b->native_bytes += b->native.len;
    rc = compress_add(b->compress, buf_slice(&b->native), &b->out);
    buf_clear(&b->native);
    if (rc == 0 && b->ended)
        rc = compress_end(b->compress, &b->out);
    return rc;
}

int body_pull(void *body, struct slice *piece)
{
    struct body *b = body;
    buf_clear(&b->out);
    while (!b->ended && b->out.len == 0) {
        int rc = step(b);
        if (rc < 0)
            return rc;
    }
    *piece = buf_slice(&b->out);
    return piece->len > 0;
}

int body_rewind(void *body)
{
    struct body *b = body;
    rows_fini(&b->rows);
    rows_init(&b->rows, b->delivery, b->cut, b->part);
    block_clear(b->block);
    buf_clear(&b->native);
    buf_clear(&b->out);
    b->native_bytes = 0;
    b->begun = b->ended = false;
    return 0;
}

uint64_t body_native_bytes(const struct body *b)
{
    return b->native_bytes;
}
