// SPDX-License-Identifier: Apache-2.0
/* What went wrong with a file, in words, and what it means for a delivery: the one place where errors of the system
 * become verdicts. A missing directory, a missing permission or a full disk is no end of anything: the delivery is
 * asked for again later, and an operator is told. */
#ifndef MASQUES_EXPORTERS_FILE_TROUBLE_H
#define MASQUES_EXPORTERS_FILE_TROUBLE_H

#include <stdbool.h>
#include <stdint.h>

#define TROUBLE_TEXT_BYTES 256u

struct trouble {
    int error;     /* errno; 0: none */
    bool degraded; /* an operator must act */
    char text[TROUBLE_TEXT_BYTES];
};

/* Notes that doing `what` ("writing") with `path` failed with the errno `error`, unless something is noted already. */
void trouble_note(struct trouble *t, const char *what, const char *path, int error);

/* The same with a reason in words of our own, for which an operator must act. */
void trouble_say(struct trouble *t, const char *path, const char *why);

/* Milliseconds after which it is worth another try. */
uint32_t trouble_after_ms(const struct trouble *t);

/* Is it the name that cannot be a file's (too long, a directory, below a file), which no waiting mends? */
bool trouble_is_of_name(const struct trouble *t);

#endif
