// SPDX-License-Identifier: Apache-2.0
#include "shared/base/program.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool find_in(const char *directory, const char *below, const char *name, char path[512])
{
    int len = snprintf(path, 512, "%s/%s%s", directory, below, name);
    return len > 0 && len < 512 && access(path, X_OK) == 0;
}

int program_find(const char *directory, const char *name, char path[512], char why[512])
{
    char self[400];
    if (directory && find_in(directory, "", name, path))
        return GW_OK;
    if (directory) {
        snprintf(why, 512, "%s is not in %.300s", name, directory);
        return GW_ERR_NOT_FOUND;
    }
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n < 0) {
        snprintf(why, 512, "cannot find where this program stands: %s", strerror(errno));
        return GW_ERR_NOT_FOUND;
    }
    self[n] = '\0';
    char *slash = strrchr(self, '/');
    if (slash)
        *slash = '\0';
    if (find_in(self, "", name, path) || find_in(self, "../libexec/masques/", name, path))
        return GW_OK;
    snprintf(why, 512, "%s is not installed: it is neither in %.300s nor in ../libexec/masques", name,
             self);
    return GW_ERR_NOT_FOUND;
}
