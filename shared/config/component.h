// SPDX-License-Identifier: Apache-2.0
/* The ids of components, "type" or "type/name", and which of the collector's components exist
 * here. */
#ifndef MASQUES_CONFIG_COMPONENT_H
#define MASQUES_CONFIG_COMPONENT_H

#include "shared/config/config.h"
#include "shared/config/names.h"

struct component_id {
    char text[CONFIG_ID_BYTES]; /* "debug/verbose", without the spaces around the "/" */
    size_t type_len;            /* of its type: the bytes before "/" */
};

/* Takes an id apart (grammar of the collector's component.ID; CONFIG_ID_BYTES bounds its length).
 * 0, or GW_ERR_MALFORMED. */
int component_id_parse(struct slice text, struct component_id *id) GW_MUST_CHECK;

/* The id's type; borrows `id`. */
struct slice component_type(const struct component_id *id);

enum component_kind {
    COMPONENT_RECEIVER,
    COMPONENT_PROCESSOR,
    COMPONENT_EXPORTER,
    COMPONENT_EXTENSION,
    COMPONENT_CONNECTOR,
};

/* Is there a component of that type? If not, says so: GW_ERR_INVALID. */
int component_check(enum component_kind kind, struct slice type, struct report *report,
                    struct place at, const char *path) GW_MUST_CHECK;

#endif
