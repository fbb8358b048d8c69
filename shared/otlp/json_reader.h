// SPDX-License-Identifier: Apache-2.0
/* What the two halves of the JSON reader share: json_in.c, which goes through messages and lists,
 * and json_scalar.c, which reads what is in them. For nobody else. */
#ifndef MASQUES_OTLP_JSON_READER_H
#define MASQUES_OTLP_JSON_READER_H

#include "shared/otlp/json_in.h"
#include "shared/otlp/json_scan.h"
#include "shared/otlp/schema.h"
#include "shared/otlp/walk.h"
#include "shared/otlp/wire_out.h"

/* Where the bytes of a field begin in those of its message, and how many records there were by
 * then. What a key says stands in one run, up to where the next field begins. */
struct json_mark {
    uint32_t at;
    uint32_t records;
};

/* A message whose object is open. */
struct json_frame {
    const struct otlp_schema *schema;
    uint8_t message; /* enum otlp_message */
    uint8_t number;  /* of the field at hand; 0: none, or an unknown one */
    uint8_t member;  /* of the oneof that is written; 0: none */
    bool list;       /* inside the list of that field */
    bool first;      /* nothing was read of the object, or of the list, yet */
    uint32_t index;  /* of the item at hand, in the list */
    uint32_t keys;   /* bit n: field n was given */
    uint32_t written; /* bit n: and is in the output, from marks[n] on */
    struct json_mark marks[OTLP_NUMBER_MAX + 1];
};

struct json_reader {
    struct json_scan in;
    struct wire_out out;
    const uint8_t *text; /* the beginning */
    struct otlp_json_result *result;
    uint64_t max_records;
    uint32_t max_depth;
    uint32_t records;
    uint32_t depth; /* frames in use */
    /* Which field came last behind the one in the index: clients keep an order. 0: don't know. */
    uint8_t next[OTLP_MESSAGES][OTLP_NUMBER_MAX + 1];
    struct json_frame frames[OTLP_DEPTH_MAX];
};

static inline struct json_frame *json_reader_frame(struct json_reader *r)
{
    return &r->frames[r->depth - 1];
}

/* Notes the fault, whose place is where the scan stands. Returns the error for it. */
int json_reader_fail(struct json_reader *r, enum otlp_json_fault fault, const char *why,
                     uint64_t limit);

/* The failure of a scan that returned `err`. Returns `err`. */
int json_reader_fail_scan(struct json_reader *r, int err);

/* There was no room in the output. Returns the error. */
int json_reader_fail_room(struct json_reader *r);

/* Counts something mended, which begins at `at` in the text. */
void json_reader_mend(struct json_reader *r, const char *why, const uint8_t *at);

/* The same for the value that the scan stands at, which is passed over. */
int json_reader_mend_skip(struct json_reader *r, const char *why);

/* Bytes of field `number` follow: all that write into a message call this first. If it is a member
 * of a oneof, the one before gives way. */
void json_reader_begin(struct json_reader *r, struct json_frame *f, const struct otlp_field *field,
                       uint32_t number);

/* Takes what was written of field `number` back, if anything. */
void json_reader_forget(struct json_reader *r, struct json_frame *f, uint32_t number);

#endif
