// SPDX-License-Identifier: Apache-2.0
/* From the configuration to what each child is started with (masques.control.Settings). */
#ifndef MASQUES_MASTER_SETTINGS_H
#define MASQUES_MASTER_SETTINGS_H

#include "receiver/master/family.h"
#include "receiver/master/store_place.h"

/* What all children have in common, and the room that their settings borrow while they are started. */
struct settings_shared {
    const struct family_parts *parts;
    char bus_endpoint[128];
    uint64_t run;
    uint32_t workers;
    struct store_place store;
    struct settings_scratch *scratch;
};

/* How many workers there are: as configured, else one a core that we may use, four at most. */
uint32_t settings_workers(const struct config *config);

/* Prepares; creates the store's directory. Borrows `parts`. 0, or an error with one sentence in `why`. */
int settings_share(struct settings_shared *shared, const struct family_parts *parts, uint64_t run,
                   uint32_t workers, char why[512]) GW_MUST_CHECK;
void settings_unshare(struct settings_shared *shared);

/* Fills in settings and descriptors of one child; borrowed from `shared` until the next call. 0; GW_ERR_TOO_LARGE: an
 * option does not fit; GW_ERR_NOMEM. */
int settings_fill(struct settings_shared *shared, const struct member *m,
                  Masques__Control__Settings *settings, struct spawn_request *request) GW_MUST_CHECK;

/* The exporters that the configuration names, as the router is told of them; borrowed until the next call. */
void settings_subscriptions(struct settings_shared *shared, Masques__Control__Reconfigure *out);

/* True when both exporters would be started with the same settings, their names aside. */
bool settings_same(struct settings_shared *shared, const struct config_exporter *a,
                   const struct config_exporter *b);

#endif
