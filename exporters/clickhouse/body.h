// SPDX-License-Identifier: Apache-2.0
/* The body of one INSERT: rows of a part as blocks of Native, compressed, made piece by piece while it is sent. */
#ifndef MASQUES_EXPORTERS_CLICKHOUSE_BODY_H
#define MASQUES_EXPORTERS_CLICKHOUSE_BODY_H

#include "exporters/clickhouse/block.h"
#include "exporters/clickhouse/compress.h"
#include "exporters/clickhouse/rows.h"

#define BODY_BLOCK_ROWS 2048u
#define BODY_BLOCK_BYTES (16u * 1024 * 1024) /* a block ends soon after that many, about */

struct body;

/* `count` rows of part number `part`, from its row `first` on, with the columns in `mask`. The delivery and the cut are
 * borrowed for the body's life. Returns owned; NULL: no memory. */
struct body *body_new(struct delivery *delivery, const struct cut *cut, size_t part, uint32_t first,
                      uint32_t count, uint64_t mask, enum clickhouse_compress kind);
void body_free(struct body **body);

/* client_pull_fn and client_rewind_fn; the context is the body. */
int body_pull(void *body, struct slice *piece);
int body_rewind(void *body);

/* Bytes of all blocks so far, before they were compressed. */
uint64_t body_native_bytes(const struct body *body);

#endif
