// SPDX-License-Identifier: Apache-2.0
#include "receiver/master/standard_files.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Read-only: writing fails as it does on a closed descriptor (EBADF), which the console takes for its end. */
static int fill_gaps(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF)
            continue;
        int got = open("/dev/null", O_RDONLY); /* the lowest free number: fd itself */
        if (got < 0)
            return GW_ERR_IO;
    }
    return GW_OK;
}

/* Opening the file behind a descriptor anew makes a description whose flags nobody else shares. Where that is not
 * allowed (a pipe of another user) log_write() still asks before it writes. Sockets cannot be opened and need not
 * be; files never block. */
static void free_stderr(void)
{
    struct stat st;
    if (fstat(STDERR_FILENO, &st) != 0 || !(S_ISFIFO(st.st_mode) || isatty(STDERR_FILENO)))
        return;
    int fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return;
    dup2(fd, STDERR_FILENO);
    close(fd);
}

int standard_files_prepare(void)
{
    int err = fill_gaps();
    if (err == GW_OK)
        free_stderr();
    return err;
}
