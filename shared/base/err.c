// SPDX-License-Identifier: Apache-2.0
#include "shared/base/err.h"

#include <stddef.h>

static const char *const texts[] = {
    [-GW_OK] = "no error",
    [-GW_ERR_NOMEM] = "no memory",
    [-GW_ERR_IO] = "input/output error",
    [-GW_ERR_INCOMPLETE] = "incomplete",
    [-GW_ERR_MALFORMED] = "malformed",
    [-GW_ERR_TOO_LARGE] = "too large",
    [-GW_ERR_FULL] = "full",
    [-GW_ERR_NOT_FOUND] = "not found",
    [-GW_ERR_EXISTS] = "exists already",
    [-GW_ERR_INVALID] = "invalid",
    [-GW_ERR_UNSUPPORTED] = "not supported",
    [-GW_ERR_CORRUPT] = "corrupt",
    [-GW_ERR_CLOSED] = "closed",
    [-GW_ERR_AGAIN] = "try again",
};

const char *gw_strerror(int err)
{
    size_t at = err <= 0 ? (size_t)-err : sizeof texts;
    return at < sizeof texts / sizeof texts[0] && texts[at] ? texts[at] : "unknown error";
}
