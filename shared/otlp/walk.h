// SPDX-License-Identifier: Apache-2.0
/* The door keeper: proves that the bytes of an Export*ServiceRequest are well-formed OTLP, so
 * that they can travel on as they are and be read everywhere without further checks. One pass,
 * no allocation, no recursion.
 *
 * Proven on success: every varint has at most 10 bytes; every length lies inside its parent;
 * field numbers are 1..2^29-1; there are no groups and no unknown wire types; every field that
 * OTLP has carries its own wire type (repeated numbers: packed or not); every string is UTF-8;
 * messages nest no deeper than the limit. Unknown fields are passed over, their insides unread.
 * Not looked at: the length of ids, the range of enums, doubled keys. */
#ifndef MASQUES_OTLP_WALK_H
#define MASQUES_OTLP_WALK_H

#include "shared/base/buf.h"
#include "shared/otlp/schema.h"

/* Messages inside each other, the request being 1: what protobuf's own parsers allow, and the
 * most that any reader of ours makes room for. */
#define OTLP_DEPTH_MAX 100u
#define OTLP_RECORDS_MAX 1000000u

struct otlp_limits {
    uint32_t max_depth;   /* 1..OTLP_DEPTH_MAX; 0 or more than that: OTLP_DEPTH_MAX */
    uint64_t max_records; /* 0: OTLP_RECORDS_MAX */
};

enum otlp_fault {
    OTLP_FAULT_NONE,
    OTLP_FAULT_TAG,       /* no field starts here */
    OTLP_FAULT_NUMBER,    /* a varint, fixed32 or fixed64 is cut off or too long */
    OTLP_FAULT_LENGTH,    /* a length runs past the end of the message that it stands in */
    OTLP_FAULT_WIRE_TYPE, /* a known field with the wire type of another kind */
    OTLP_FAULT_PACKED,    /* packed numbers do not fill their length */
    OTLP_FAULT_UTF8,      /* a string that is none */
    OTLP_FAULT_DEPTH,
    OTLP_FAULT_RECORDS,
};

struct otlp_walk_result {
    uint64_t records; /* log records, spans or data points; if there is a fault, before it */
    /* On failure: */
    enum otlp_fault fault;
    const char *why;  /* static text, without the place */
    size_t offset;    /* where the bytes at fault begin; of UTF-8 the first bad byte */
    uint64_t length;  /* OTLP_FAULT_LENGTH: what it said; DEPTH, RECORDS: the limit */
    enum otlp_signal signal;
    /* The record that the fault is in, from its tag to its end, when all lengths around it are
     * sound: cutting it out would mend the request. Otherwise empty. Borrowed from the request. */
    struct slice record;
    uint32_t path_len; /* field numbers from the request inwards, to the field at fault */
    uint32_t path[OTLP_DEPTH_MAX];
};

/* Walks `request`, which is borrowed. `limits` may be NULL (the defaults). `*out` is always set.
 * 0; GW_ERR_MALFORMED; GW_ERR_TOO_LARGE: OTLP_FAULT_DEPTH or OTLP_FAULT_RECORDS; GW_ERR_INVALID:
 * no such signal. */
int otlp_walk(enum otlp_signal signal, struct slice request, const struct otlp_limits *limits,
              struct otlp_walk_result *out) GW_MUST_CHECK;

/* Appends one sentence for the sender: "resource_logs.scope_logs.log_records: length 300 runs
 * past the end at byte 1234". Nothing from inside the request is quoted. Nothing is appended
 * after a walk that succeeded. */
void otlp_walk_explain(const struct otlp_walk_result *out, struct buf *text);

#endif
