// SPDX-License-Identifier: Apache-2.0
#include "receiver/master/ready_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/json_text.h"

static void compose(struct buf *out, const struct listener *listeners, size_t count, const char *bus)
{
    buf_printf(out, "{\"pid\":%d", getpid());
    for (size_t i = 0; i < count; i++) {
        buf_printf(out, ",\"%s\":", listeners[i].protocol);
        json_text_string(out, slice_of(listeners[i].address));
    }
    buf_text(out, ",\"bus\":");
    json_text_string(out, slice_of(bus));
    buf_text(out, "}\n");
}

/* The file that is renamed into place, as text with its NUL. */
static struct buf beside(const char *path)
{
    struct buf name = buf_make(8192);
    buf_printf(&name, "%s.%d", path, getpid());
    buf_byte(&name, '\0');
    return name;
}

/* 0, or errno. A full disk writes a part and says nothing, a network's says so on close. */
static int write_file(const char *name, struct slice text)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return errno;
    ssize_t n = write(fd, text.data, text.len);
    int err = n == (ssize_t)text.len ? 0 : n < 0 ? errno : ENOSPC;
    if (close(fd) != 0 && err == 0)
        err = errno;
    return err;
}

/* 0, or errno; the file itself stays as it was on error. `text` empty: only tries. */
static int replace(const char *path, struct slice text)
{
    struct buf name = beside(path);
    const char *temporary = (const char *)name.data;
    int err = buf_ok(&name) ? write_file(temporary, text) : ENAMETOOLONG;
    if (err == 0 && text.len && rename(temporary, path) != 0)
        err = errno;
    if (buf_ok(&name) && (err != 0 || !text.len))
        unlink(temporary);
    buf_free(&name);
    return err;
}

int ready_file_clear(const char *path, char why[512])
{
    struct stat st;
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) { /* renaming over /dev/stdout would replace it */
        snprintf(why, 512, "cannot write the ready file %s: it exists and is not a file", path);
        return GW_ERR_IO;
    }
    int err = replace(path, slice_of(""));
    if (err == 0 && unlink(path) != 0 && errno != ENOENT)
        err = errno;
    if (err == 0)
        return GW_OK;
    snprintf(why, 512, "cannot write the ready file %s: %s", path, strerror(err));
    return GW_ERR_IO;
}

int ready_file_write(const char *path, const struct listener *listeners, size_t count,
                     const char *bus)
{
    struct buf text = buf_make(8192);
    compose(&text, listeners, count, bus);
    int err = buf_ok(&text) ? replace(path, buf_slice(&text)) : ENOMEM;
    buf_free(&text);
    errno = err;
    return err == 0 ? GW_OK : GW_ERR_IO;
}
