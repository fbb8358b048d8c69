// SPDX-License-Identifier: Apache-2.0
/* The master of a running gateway, asked over `control.sock` of its runtime directory (proto/masques/control.proto):
 * one packet each way. */
#ifndef MASQUES_CTL_MASTER_H
#define MASQUES_CTL_MASTER_H

#include <masques/control.pb-c.h>

#include "shared/base/buf.h"

/* Asks and waits for the answer: as long as the master does not fall silent for `timeout_ms`, which is found out by asking
 * it something else meanwhile. `runtime`: the runtime directory, "" for the default. 0 and the answer, owned
 * by the caller (masques__control__master_answer__free_unpacked), with whatever error it speaks of; otherwise one
 * sentence in `why` (appended). GW_ERR_NOT_FOUND: no gateway runs there; GW_ERR_IO; GW_ERR_TOO_LARGE: of the question;
 * GW_ERR_AGAIN: no answer in time; GW_ERR_MALFORMED, GW_ERR_CLOSED, GW_ERR_NOMEM. */
int master_ask(const char *runtime, const Masques__Control__MasterRequest *request, uint32_t timeout_ms,
               Masques__Control__MasterAnswer **answer, struct buf *why) GW_MUST_CHECK;

#endif
