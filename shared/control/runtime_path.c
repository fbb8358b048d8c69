// SPDX-License-Identifier: Apache-2.0
#include "shared/control/runtime_path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int runtime_path(const char *wanted, char path[RUNTIME_PATH_BYTES])
{
    const char *xdg = getenv("XDG_RUNTIME_DIR");
    if (strlen(wanted) >= RUNTIME_PATH_BYTES)
        return GW_ERR_TOO_LARGE;
    if (wanted[0])
        snprintf(path, RUNTIME_PATH_BYTES, "%s", wanted);
    else if (geteuid() == 0)
        snprintf(path, RUNTIME_PATH_BYTES, "/run/masques");
    else if (xdg && xdg[0] == '/' && strlen(xdg) < RUNTIME_PATH_BYTES - 16)
        snprintf(path, RUNTIME_PATH_BYTES, "%s/masques", xdg);
    else
        snprintf(path, RUNTIME_PATH_BYTES, "/tmp/masques-%u", geteuid());
    return GW_OK;
}
