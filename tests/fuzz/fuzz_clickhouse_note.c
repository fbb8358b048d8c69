// SPDX-License-Identifier: Apache-2.0
/* Bytes as the note of a ClickHouse delivery: what is read is written as a note that says the same. */
#include <stdlib.h>

#include "exporters/clickhouse/note.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct note note, back;
    if (note_read(slice_make(data, size), &note) < 0)
        return 0;
    struct buf out = buf_make(16 * NOTE_MAX_BYTES), again = out;
    note_write(&note, &out);
    if (size <= NOTE_MAX_BYTES) {
        if (!buf_ok(&out) || note_read(buf_slice(&out), &back) < 0)
            abort();
        note_write(&back, &again);
        if (!slice_eq(buf_slice(&out), buf_slice(&again)))
            abort();
        note_fini(&back);
    }
    (void)!note_reject(&note, UINT32_MAX, UINT32_MAX - 1, 1, "reason", 0);
    note_fini(&note);
    buf_free(&out);
    buf_free(&again);
    return 0;
}
