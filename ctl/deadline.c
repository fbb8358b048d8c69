// SPDX-License-Identifier: Apache-2.0
#include "ctl/deadline.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>

#include "shared/base/clock.h"

int deadline_wait(int fd, short events, uint64_t until_ms)
{
    while (true) {
        uint64_t now = clock_mono_ms();
        struct pollfd ready = {.fd = fd, .events = events};
        int n = poll(&ready, 1, now < until_ms ? (int)(until_ms - now) : 0);
        if (n > 0)
            return GW_OK;
        if (n == 0)
            return GW_ERR_AGAIN;
        if (errno != EINTR)
            return GW_ERR_IO;
    }
}
