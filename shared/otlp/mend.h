// SPDX-License-Identifier: Apache-2.0
/* Gets what is sound out of an Export*ServiceRequest in which otlp_walk() found a fault, so that
 * one bad string, value or record does not cost the sender a batch. Works in place on the bytes,
 * in one pass, without allocation or recursion; the time is linear in the bytes, whatever they
 * hold.
 *
 * What is done about a fault depends on the innermost of these that it is inside of, with sound
 * lengths from the request down to there:
 *
 *   a string that is not UTF-8        every bad byte becomes '?'                     strings + 1
 *   KeyValue.value                    loses its inside: an empty AnyValue            parts + 1
 *   the value field itself (behind    the KeyValue ends before it: its value is      parts + 1
 *     the key; its length, its type)    absent, which means the same
 *   a KeyValue or EntityRef of a      is left out                                    parts + 1
 *     Resource, Scope or Metric
 *   a Resource or Scope               loses its inside                               parts + 1
 *   a log record, span or data point  is left out                                    rejected + 1
 *   a Metric                          is left out with all its points: those read,   rejected + n
 *                                       and those that can still be told behind the
 *                                       fault; counted as 1 when there is none
 *   anything else                     the request is refused
 *
 * A LogRecord's body is no attribute: if it is malformed, so is the record. Nesting over the
 * limit is a fault like others; too many records (those left out count too) refuse the request.
 *
 * What is left out is closed up to the left. The lengths around it become smaller but keep their
 * bytes: they are padded (0x80 continuation bytes, which every varint may have up to 10 bytes), so
 * nothing has to be moved to the right and each byte moves at most once. */
#ifndef MASQUES_OTLP_MEND_H
#define MASQUES_OTLP_MEND_H

#include "shared/otlp/walk.h"

struct otlp_mend_result {
    uint64_t records;  /* that are left; with `rejected`: those of the request as it came */
    uint64_t rejected; /* log records, spans or data points left out */
    /* Mended; what was inside of something left out does not count: */
    uint64_t strings;
    uint64_t parts;
    /* The first of each, when there is one; offsets count in the request as it came, `record` is
     * empty. */
    struct otlp_walk_result first_rejected;
    struct otlp_walk_result first_string;
    struct otlp_walk_result first_part;
    /* On failure; otherwise its fault is OTLP_FAULT_NONE. As otlp_walk() gives it. */
    struct otlp_walk_result refusal;
};

/* Mends the request in `bytes`, which is borrowed, and makes `*len` what is left of its length
 * (never more). Afterwards otlp_walk() with the same limits passes and counts `out->records`. A
 * request without a fault stays as it is, bit for bit. `limits` may be NULL; `*out` is always set.
 * 0; GW_ERR_MALFORMED, GW_ERR_TOO_LARGE, GW_ERR_INVALID: as otlp_walk(); the bytes may then be half
 * mended and are of no further use, `*len` is as it was. */
int otlp_mend(enum otlp_signal signal, uint8_t *bytes, size_t *len,
              const struct otlp_limits *limits, struct otlp_mend_result *out) GW_MUST_CHECK;

/* Appends what happened, for the sender's partial_success and our log: "3 log records left out,
 * first resource_logs.scope_logs.log_records.attributes: length 300 runs past the end at byte
 * 1234; 2 strings with invalid UTF-8 mended, first ...". Of a refusal only the reason, as
 * otlp_walk_explain(). Nothing from inside the request is quoted. Nothing is appended when there
 * was nothing to mend. */
void otlp_mend_explain(const struct otlp_mend_result *out, struct buf *text);

#endif
