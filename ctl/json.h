// SPDX-License-Identifier: Apache-2.0
/* Members and items of JSON text, with the commas between them where they belong. */
#ifndef MASQUES_CTL_JSON_H
#define MASQUES_CTL_JSON_H

#include "shared/base/buf.h"

/* A key and its colon, behind a comma unless it is the first of its object. */
void json_member(struct buf *out, const char *key);
void json_text(struct buf *out, const char *key, const char *text);
void json_number(struct buf *out, const char *key, uint64_t value);

/* The comma before an item of a list, unless it is the first. */
void json_item(struct buf *out);

#endif
