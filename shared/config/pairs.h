// SPDX-License-Identifier: Apache-2.0
/* Names and values as one text, name=value&name=value: the form in which a map of texts is kept in an option's field,
 * travels to a child and can stand in a URL's query as it is. In values every byte other than letters, digits and
 * "-._~" is %XX (RFC 3986 section 2.1). */
#ifndef MASQUES_CONFIG_PAIRS_H
#define MASQUES_CONFIG_PAIRS_H

#include "shared/base/buf.h"

#define PAIRS_NAME_BYTES_MAX 128u

/* Can it be a name? Letters, digits, "_" and ".", at most PAIRS_NAME_BYTES_MAX of them. */
bool pairs_is_name(struct slice name);

/* Can it be a value? UTF-8 is not asked for; control characters are refused. */
bool pairs_is_value(struct slice value);

/* Appends a pair. */
void pairs_add(struct buf *pairs, struct slice name, struct slice value);

/* Takes the first pair off `*rest`: its name (borrowed from there) and its value (decoded, in place of what `value`
 * held). 1: there was one; 0: nothing is left; GW_ERR_MALFORMED: not of the form; GW_ERR_NOMEM. */
int pairs_next(struct slice *rest, struct slice *name, struct buf *value) GW_MUST_CHECK;

/* Reads `text` and appends it as pairs_add() would have written it. 0; GW_ERR_MALFORMED: not of the form, a name or
 * value that cannot be one, or a name given twice; GW_ERR_NOMEM. */
int pairs_canonical(struct slice text, struct buf *out) GW_MUST_CHECK;

/* Is there a pair of that name? */
bool pairs_has(struct slice text, struct slice name);

#endif
