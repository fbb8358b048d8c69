// SPDX-License-Identifier: Apache-2.0
/* The health answer (receiver/master/health.h) for people: a line about the whole, and a table of its children. */
#ifndef MASQUES_CTL_HEALTH_VIEW_H
#define MASQUES_CTL_HEALTH_VIEW_H

#include "shared/base/buf.h"

#define HEALTH_VIEW_CHILDREN_MAX 4096u

/* Appends the text to `out`. What is not known in the answer is passed over, what is missing is shown as nothing.
 * 0; GW_ERR_MALFORMED: no JSON object, or `children` is no list of objects; GW_ERR_TOO_LARGE: more children than
 * HEALTH_VIEW_CHILDREN_MAX. */
int health_view(struct slice json, struct buf *out) GW_MUST_CHECK;

#endif
