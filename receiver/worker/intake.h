// SPDX-License-Identifier: Apache-2.0
/* What a request needs from its worker, whichever transport it came by. One a worker; embedded there. */
#ifndef MASQUES_WORKER_INTAKE_H
#define MASQUES_WORKER_INTAKE_H

#include "receiver/worker/counters.h"
#include "receiver/worker/endpoint.h"
#include "receiver/worker/jobs.h"
#include "receiver/worker/ledger.h"
#include "receiver/worker/limits.h"
#include "receiver/worker/refine.h"
#include "receiver/worker/uplink.h"

#define INTAKE_SCRATCH_BYTES (64u << 10)

struct intake {
    struct loop *loop;
    const struct log *log;
    struct limits limits;
    struct ledger ledger;
    struct counters counters;
    struct endpoint_config endpoints; /* the paths; `wanted` follows the router's word */
    struct refinery refinery; /* of the loop */
    struct jobs *jobs;        /* NULL: everything is done on the loop */
    struct uplink *uplink;
    struct buf scratch; /* texts of one answer; whoever writes one clears it first */
    struct log_gate mended_gate;
    struct log_gate refused_gate;
};

/* Which signals have a taker at this moment. */
static inline const struct endpoint_config *intake_endpoints(struct intake *intake)
{
    intake->endpoints.wanted = uplink_wanted(intake->uplink, intake->endpoints.wanted);
    return &intake->endpoints;
}

#endif
