// SPDX-License-Identifier: Apache-2.0
/* OTLP/JSON requests, turned into the protobuf bytes of the same request: by events, in one pass,
 * without a tree. Besides the output it takes 20 KiB of stack, whatever the input.
 *
 * Taken (OTLP specification, "JSON Protobuf Encoding", and what clients and the OpenTelemetry
 * Collector make of it): keys in lowerCamelCase or as in the .proto files; 64-bit integers as
 * strings or numbers, with a fraction of zeros or an exponent if need be; enums as numbers or
 * names; doubles as numbers or strings, "NaN", "Infinity" and "-Infinity"; ids in hex of any case;
 * other bytes in base64 of either alphabet, padded or not; null for what is absent. Unknown keys
 * are passed over with all that is inside them.
 *
 * Mended, counted, and no reason to lose a record:
 * - a number that does not fit, or has a fraction, where AnyValue or a data point wants an
 *   integer: it becomes a double; in other fields it is clamped, and a fraction dropped;
 * - a double beyond the range of doubles: an infinity;
 * - a value of the wrong type, an id or base64 that is none: absent; where an AnyValue is wanted it
 *   becomes an empty one, in a list of numbers a zero;
 * - an unknown name of an enum: 0;
 * - a string with bytes that are no UTF-8: '?' for each; with lone surrogates: U+FFFD;
 * - a key or a oneof given twice: the last counts.
 *
 * Refused: text that is no JSON (RFC 8259), a request that is no object, a limit exceeded. */
#ifndef MASQUES_OTLP_JSON_IN_H
#define MASQUES_OTLP_JSON_IN_H

#include "shared/base/buf.h"
#include "shared/otlp/signal.h"

struct otlp_json_limits {
    uint32_t max_depth;   /* messages, the request being 1; 0 or too large: OTLP_DEPTH_MAX */
    uint64_t max_records; /* 0: OTLP_RECORDS_MAX */
    size_t max_out_bytes; /* of protobuf; 0 or too large: 2^28 - 1 */
};

enum otlp_json_fault {
    OTLP_JSON_FAULT_NONE,
    OTLP_JSON_FAULT_SYNTAX,
    OTLP_JSON_FAULT_DEPTH,   /* of messages, or of what is passed over */
    OTLP_JSON_FAULT_RECORDS,
    OTLP_JSON_FAULT_SIZE,    /* of the protobuf */
};

#define OTLP_JSON_PATH_BYTES 368u

/* Where something was, and what. */
struct otlp_json_place {
    const char *why; /* static text, without the place; NULL: there was nothing */
    size_t offset;   /* in the text */
    /* "resourceLogs[0].scopeLogs[2].logRecords[7].body": names of the schema only, never text of
     * the request; the middle of a deep one left out. Empty: the request itself. */
    char path[OTLP_JSON_PATH_BYTES];
};

struct otlp_json_result {
    uint64_t records; /* log records, spans or data points, as otlp_walk() counts them */
    uint64_t mended;  /* values */
    struct otlp_json_place first_mended;
    /* On failure: */
    enum otlp_json_fault fault;
    struct otlp_json_place at;
    uint64_t limit; /* the one that was exceeded; 0: none of them */
};

/* Appends the request that `text` (borrowed) means to `out`: bytes that otlp_walk() accepts.
 * `limits` may be NULL. `*result` is always set. After a failure `out` is as long as before.
 * 0; GW_ERR_MALFORMED: OTLP_JSON_FAULT_SYNTAX; GW_ERR_TOO_LARGE: one of the other faults;
 * GW_ERR_NOMEM: `out` is full or cannot grow; GW_ERR_INVALID: no such signal. */
int otlp_json_in(enum otlp_signal signal, struct slice text, const struct otlp_json_limits *limits,
                 struct buf *out, struct otlp_json_result *result) GW_MUST_CHECK;

/* Appends one sentence for the sender on what was wrong: "resourceLogs[0]: a comma or } is missing
 * at byte 1234"; nothing after a success. */
void otlp_json_explain(const struct otlp_json_result *result, struct buf *text);

/* Appends one sentence for the sender on what was mended: "3 values were mended, the first at
 * resourceLogs[0]…: not a string, at byte 1234"; nothing if nothing was. */
void otlp_json_explain_mended(const struct otlp_json_result *result, struct buf *text);

#endif
