// SPDX-License-Identifier: Apache-2.0
/* What a reply of ClickHouse means: the one place where its errors become ours. The exception's code decides, never the
 * status alone, which differs between versions; without a code it is a proxy or the network that speaks.
 * Codes: ClickHouse, src/Common/ErrorCodes.cpp. */
#ifndef MASQUES_EXPORTERS_CLICKHOUSE_ANSWER_H
#define MASQUES_EXPORTERS_CLICKHOUSE_ANSWER_H

#include "exporters/clickhouse/client.h"

#define ANSWER_TEXT_BYTES 256u
#define ANSWER_HOLD_MS 10000u /* an operator is needed: a look now and then */

enum answer_class {
    ANSWER_DONE,  /* it is written */
    ANSWER_RETRY, /* the same again, later */
    ANSWER_HOLD,  /* the same again, but before that an operator must act */
    ANSWER_STALE, /* as HOLD, unless a fresh look at the table helps */
    ANSWER_BAD,   /* there are rows that the table will never take */
    ANSWER_LARGE, /* too much at once */
    ANSWER_OURS,  /* the body could not be made: nothing is wrong with the server */
};

struct answer {
    enum answer_class class;
    bool open;      /* it may have been written all the same */
    bool elsewhere; /* another host may do better */
    uint32_t after_ms;
    int64_t code;   /* the exception's; -1: none */
    char text[ANSWER_TEXT_BYTES]; /* in words, one line; the server's, where it spoke. "" with DONE and OURS */
};

/* Sets the words, cut where there is no room. */
void answer_say(struct answer *answer, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The answer to an INSERT of so many rows. */
void answer_of_insert(const struct client_reply *reply, uint64_t rows, struct answer *out);
/* The answer to any other statement, which is never open: it can be said again. */
void answer_of_query(const struct client_reply *reply, struct answer *out);

#endif
