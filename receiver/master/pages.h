// SPDX-License-Identifier: Apache-2.0
/* The gateway's endpoints for people and machines that watch it: the health endpoint, and the one for metrics where
 * the configuration has it. Both answer GET /metrics. */
#ifndef MASQUES_MASTER_PAGES_H
#define MASQUES_MASTER_PAGES_H

#include "receiver/master/family.h"
#include "receiver/master/ports.h"

/* What the gateway knows of itself. */
struct standing {
    bool staying;              /* it is not ending, and not handing over */
    uint64_t started_mono_ns;  /* since when the master runs */
    uint64_t up_since_ns;      /* wall clock; 0: telemetry was never accepted so far */
    uint64_t up_since_mono_ns; /* the same moment */
    uint64_t reloaded_ns;      /* wall clock; when the configuration was last read anew, or that was tried; 0: never */
    char reload_error[CONFIG_ERROR_BYTES]; /* why that changed nothing; "": it was taken */
};

struct pages;

/* To answer on those of `ports` that are open: from pages_open() on, or after so many ms (0: at once); who asks before
 * waits. All borrowed. Returns owned; NULL: no memory. */
struct pages *pages_new(struct loop *loop, const struct ports *ports, const struct config *config,
                        const struct family *family, const struct standing *standing, uint32_t within_ms);
void pages_open(struct pages *pages);
void pages_free(struct pages **pages);

#endif
