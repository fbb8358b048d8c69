// SPDX-License-Identifier: Apache-2.0
#include "exporters/file/trouble.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define AFTER_DEGRADED_MS 1000u
#define AFTER_PASSING_MS 100u

/* What passes without anybody's doing; everything else is for an operator. */
static bool passes(int error)
{
    return error == ENOMEM || error == EINTR || error == EAGAIN || error == EMFILE || error == ENFILE;
}

/* The end of a long path says more than its beginning. */
static const char *shown(const char *path)
{
    size_t len = strlen(path);
    return len > 120 ? path + len - 120 : path;
}

void trouble_note(struct trouble *t, const char *what, const char *path, int error)
{
    if (t->error)
        return;
    t->error = error ? error : EIO;
    t->degraded = !passes(t->error);
    snprintf(t->text, sizeof t->text, "%s %s failed: %s", what, shown(path), strerror(t->error));
}

void trouble_say(struct trouble *t, const char *path, const char *why)
{
    if (t->error)
        return;
    t->error = EIO;
    t->degraded = true;
    snprintf(t->text, sizeof t->text, "%s %s", shown(path), why);
}

uint32_t trouble_after_ms(const struct trouble *t)
{
    return t->degraded ? AFTER_DEGRADED_MS : AFTER_PASSING_MS;
}

bool trouble_is_of_name(const struct trouble *t)
{
    return t->error == ENAMETOOLONG || t->error == EISDIR || t->error == ENOTDIR ||
           t->error == ELOOP;
}
