// SPDX-License-Identifier: Apache-2.0
/* What the operator should know about the data that clients send: what was mended, left out or refused for what it is.
 * Said in our own log with the peer, at most every ten seconds of a kind; the counters have all of it. */
#ifndef MASQUES_WORKER_REMARK_H
#define MASQUES_WORKER_REMARK_H

#include "receiver/worker/conn.h"
#include "receiver/worker/request.h"

/* About an answer that is about to go out; signal 0: not known. */
void remark_answer(struct intake *intake, const struct conn *conn, enum otlp_signal signal,
                   const struct request_answer *answer);

#endif
