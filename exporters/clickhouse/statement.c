// SPDX-License-Identifier: Apache-2.0
#include "exporters/clickhouse/statement.h"

#include <ctype.h>

#include "exporters/clickhouse/ddl.h"

/* The server makes one block of an insert up to these sizes, its own defaults: a token stands for a block. */
#define BLOCK_SETTINGS "&min_insert_block_size_rows=1048449&min_insert_block_size_bytes=268402944"

/* RFC 3986 section 2.1. */
static void percent(struct slice text, struct buf *out)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (c < 0x80 && (isalnum(c) || strchr("-._~/", c)))
            buf_byte(out, c);
        else
            buf_printf(out, "%%%02X", c);
    }
}

static void params(const struct clickhouse_options *options, struct buf *out)
{
    if (options->connection_params[0])
        buf_printf(out, "&%s", options->connection_params);
    buf_byte(out, '\0');
}

void statement_insert(const char *host_url, const struct clickhouse_options *options,
                      enum table_kind kind, struct slice token, struct buf *out)
{
    struct buf text = buf_make(STATEMENT_MAX_BYTES);
    buf_text(&text, "INSERT INTO ");
    ddl_qualified(&text, options, kind, "");
    buf_text(&text, " FORMAT Native");
    buf_printf(out, "%s/?query=", host_url);
    percent(buf_slice(&text), out);
    buf_text(out, "&async_insert=0&insert_deduplicate=1" BLOCK_SETTINGS);
    if (token.len) {
        buf_text(out, "&insert_deduplication_token=");
        percent(token, out);
    }
    params(options, out);
    buf_free(&text);
}

void statement_query(const char *host_url, const struct clickhouse_options *options, struct buf *out)
{
    buf_printf(out, "%s/?async_insert=0", host_url);
    params(options, out);
}
