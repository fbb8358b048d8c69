// SPDX-License-Identifier: Apache-2.0
/* Compresses a body as a stream, in the codings of HTTP that ClickHouse reads: zstd (RFC 8878), lz4 (its frame format),
 * gzip (RFC 1952), or not at all. */
#ifndef MASQUES_EXPORTERS_CLICKHOUSE_COMPRESS_H
#define MASQUES_EXPORTERS_CLICKHOUSE_COMPRESS_H

#include "shared/base/buf.h"
#include "shared/config/clickhouse_options.h"

/* As Content-Encoding spells it; NULL with CLICKHOUSE_PLAIN. */
const char *compress_name(enum clickhouse_compress kind);

struct compress;

/* Returns owned; NULL: no memory. */
struct compress *compress_new(enum clickhouse_compress kind);
void compress_free(struct compress **compress);

/* Begins a stream anew; the one before may be unfinished. 0; GW_ERR_NOMEM. */
int compress_begin(struct compress *compress) GW_MUST_CHECK;
/* Appends to `out` what `bytes` come to; what is short of a whole block may be kept back. 0; GW_ERR_NOMEM: also when
 * `out` is full. */
int compress_add(struct compress *compress, struct slice bytes, struct buf *out) GW_MUST_CHECK;
/* Appends the rest and the stream's end. */
int compress_end(struct compress *compress, struct buf *out) GW_MUST_CHECK;

#endif
