// SPDX-License-Identifier: Apache-2.0
#include "receiver/master/ready_file.h"

#include <fcntl.h>
#include <stdio.h>
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

int ready_file_write(const char *path, const struct listener *listeners, size_t count,
                     const char *bus)
{
    struct buf text = buf_make(8192);
    struct buf temporary = buf_make(8192);
    compose(&text, listeners, count, bus);
    buf_printf(&temporary, "%s.%d", path, getpid());
    buf_byte(&temporary, '\0');
    int err = buf_ok(&text) && buf_ok(&temporary) ? GW_OK : GW_ERR_NOMEM;
    if (err == GW_OK) {
        const char *name = (const char *)temporary.data;
        int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        bool written = fd >= 0 && write(fd, text.data, text.len) == (ssize_t)text.len;
        if (fd >= 0)
            close(fd);
        if (!written || rename(name, path) != 0) {
            unlink(name);
            err = GW_ERR_IO;
        }
    }
    buf_free(&text);
    buf_free(&temporary);
    return err;
}
