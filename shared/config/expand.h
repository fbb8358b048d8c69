// SPDX-License-Identifier: Apache-2.0
/* ${env:NAME}, ${NAME}, ${env:NAME:-default} and $$ in the values of a document, by the collector's
 * rules (confmap): the innermost reference first, and again until none is left; a value that is
 * nothing but one reference is read as YAML, so that it can be a number, a list or a map; within a
 * longer text it is text. Keys are left alone. */
#ifndef MASQUES_CONFIG_EXPAND_H
#define MASQUES_CONFIG_EXPAND_H

#include "shared/config/yaml.h"

#define EXPAND_ROUNDS_MAX 1000u /* references replaced in one value; the collector's number */
#define EXPAND_TOTAL_MAX 10000u /* in one document */
#define EXPAND_BYTES_MAX 65536u /* of one value */

/* Looks up an environment variable: its value (borrowed until the next call), or NULL when it is
 * not set. */
typedef const char *(*expand_lookup)(void *context, const char *name);

/* Expands every value of the document in place. A variable that is not set and has no default gives
 * null and a warning. 0; GW_ERR_INVALID: said in `report`; GW_ERR_NOMEM. */
int expand_document(struct yaml_doc *doc, expand_lookup lookup, void *context,
                    struct report *report) GW_MUST_CHECK;

#endif
