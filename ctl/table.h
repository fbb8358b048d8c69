// SPDX-License-Identifier: Apache-2.0
/* A table for people: columns as wide as what stands in them, two spaces between, and notes under the rows that need
 * one, so that a table without them fits a terminal of 80 columns. Texts of others are made harmless
 * (shared/base/printable.h). */
#ifndef MASQUES_CTL_TABLE_H
#define MASQUES_CTL_TABLE_H

#include "shared/base/buf.h"

#define TABLE_COLUMNS_MAX 16u

struct table_column {
    const char *title;
    bool right; /* numbers */
    uint32_t limit; /* columns of one cell; 0: any */
};

struct table {
    const struct table_column *columns; /* borrowed */
    size_t column_count;
    size_t at;  /* the column that the next cell goes to */
    struct buf text; /* of all cells and notes, each ended by a newline; a note begins with a tab */
    uint32_t widths[TABLE_COLUMNS_MAX];
    size_t rows;
};

/* `count` <= TABLE_COLUMNS_MAX. */
void table_init(struct table *t, const struct table_column *columns, size_t count);
void table_fini(struct table *t);

/* The next cell, from left to right, row by row. */
void table_text(struct table *t, struct slice text);
void table_word(struct table *t, const char *text);
void table_number(struct table *t, uint64_t number);
void table_bytes(struct table *t, uint64_t bytes); /* "12.3 MiB" */
void table_age(struct table *t, uint64_t ms);      /* "350ms", "12s", "3m05s", "2h07m", "5d03h"; 0: "-" */

/* A line of its own under the row that is complete now: `what`, then `text`, as long as it likes to be. Empty text:
 * none. */
void table_note(struct table *t, const char *what, struct slice text);

/* Appends titles and rows. */
void table_print(const struct table *t, struct buf *out);

/* The words of table_bytes() and table_age(), for sentences. */
void table_bytes_text(uint64_t bytes, struct buf *out);
void table_age_text(uint64_t ms, struct buf *out);

#endif
