// SPDX-License-Identifier: Apache-2.0
#include "receiver/worker/remark.h"

#define SAY_EVERY_MS 10000u
#define PEER_BYTES 80u

/* The sender has to change something: its data or its address. */
static bool is_the_senders(enum otlp_cause cause)
{
    return cause > OTLP_ACCEPTED && cause < OTLP_BAD_REQUEST;
}

static void say(struct intake *intake, const struct conn *conn, struct log_gate *gate,
                const char *what, const char *of, struct slice message)
{
    char peer[PEER_BYTES];
    uint64_t times = log_gate_pass(gate, loop_now_ms(intake->loop), SAY_EVERY_MS);
    if (times)
        log_warn(intake->log, "%s from %s %s: %.*s (%llu times)", of,
                 conn_peer(conn, peer, sizeof peer), what, (int)message.len,
                 message.len ? (const char *)message.data : "", (unsigned long long)times);
}

void remark_answer(struct intake *intake, const struct conn *conn, enum otlp_signal signal,
                   const struct request_answer *answer)
{
    const char *of = signal ? otlp_signal_name(signal) : "a request";
    if (answer->cause == OTLP_ACCEPTED && answer->message.len == 0)
        return;
    if (answer->cause == OTLP_ACCEPTED) {
        say(intake, conn, &intake->mended_gate, "were damaged", of, answer->message);
    } else if (is_the_senders(answer->cause)) {
        struct slice message = answer->message;
        if (message.len == 0)
            message = slice_of(otlp_status_of(answer->cause)->message);
        say(intake, conn, &intake->refused_gate, "refused", of, message);
    }
}
