// SPDX-License-Identifier: Apache-2.0
/* The Prometheus text format, version 0.0.4: one family after the other, each its HELP and TYPE and then its samples.
 * Whoever writes takes care that a family comes once and a set of labels once in it. */
#ifndef MASQUES_MASTER_EXPOSITION_H
#define MASQUES_MASTER_EXPOSITION_H

#include <stdbool.h>

#include "shared/base/buf.h"

#define EXPOSITION_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

struct exposition_label {
    const char *name;  /* [a-zA-Z_][a-zA-Z0-9_]* */
    const char *value; /* any text */
};

/* Begins a family. `type`: "counter", "gauge" or "untyped". */
void exposition_family(struct buf *out, const char *name, const char *type, const char *help);

/* A sample of it. */
void exposition_u64(struct buf *out, const char *name, const struct exposition_label *labels, size_t count,
                    uint64_t value);
/* `value` is finite. */
void exposition_double(struct buf *out, const char *name, const struct exposition_label *labels, size_t count,
                       double value);

/* True when the text may stand in a name behind its first letter. */
bool exposition_can_be_named(const char *text);

#endif
