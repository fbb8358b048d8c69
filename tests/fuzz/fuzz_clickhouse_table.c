// SPDX-License-Identifier: Apache-2.0
/* Bytes as a server's answers about a table, and as its words about an INSERT. */
#include <stdlib.h>
#include <string.h>

#include "exporters/clickhouse/answer.h"
#include "exporters/clickhouse/block.h"
#include "exporters/clickhouse/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    enum table_kind kind = (enum table_kind)(data[0] % TABLE_KINDS);
    struct client_reply reply = {.outcome = CLIENT_REPLIED, .status = 500, .exception = data[1] * 4,
                                 .text = slice_make(data + 2, size - 2)};
    uint64_t mask = table_read_columns(kind, reply.text);
    if (block_column_count(kind) < 64 && mask >> block_column_count(kind))
        abort();
    struct buf out = buf_make(1u << 24);
    table_empty_block(kind, mask, reply.text, &out);
    table_name_missing(kind, mask, &out);
    struct table table = {.mask = mask};
    table_read_engine(reply.text, 1, &table);
    if (!table.place)
        abort();
    struct answer answer;
    answer_of_insert(&reply, 1, &answer);
    if (memchr(answer.text, '\0', sizeof answer.text) == NULL)
        abort();
    buf_free(&out);
    return 0;
}
