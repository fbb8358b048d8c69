// SPDX-License-Identifier: Apache-2.0
#include "shared/base/log.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "shared/base/slice.h"
#include "shared/base/utf8.h"

#define LINE_BYTES 4096u /* at most PIPE_BUF: a pipe takes a line whole or not at all */

/* Lines that could not be written since the last one that could. Of the process and not of a struct log: a process
 * has one stderr, on which all its logs and threads write. */
static atomic_ullong dropped;

static const char *const names[] = {
    [LOG_LEVEL_ERROR] = "error",
    [LOG_LEVEL_WARN] = "warn",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_DEBUG] = "debug",
};

const char *log_level_name(enum log_level level)
{
    return names[level];
}

int log_level_parse(const char *name)
{
    for (int i = 0; i <= LOG_LEVEL_DEBUG; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

static size_t stamp(char *line, size_t room, const struct log *log, enum log_level level)
{
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    int n = snprintf(line, room, "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ %-5s %s: ",
                     utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min,
                     utc.tm_sec, now.tv_nsec / 1000000, names[level], log->who);
    return n < 0 ? 0 : (size_t)n < room ? (size_t)n : room - 1;
}

/* Bytes at the front that may be shown as they are; 0: the first one may not. C1 controls (U+0080..U+009F) steer a
 * terminal like those below U+0020. */
static size_t harmless(struct slice text)
{
    uint8_t c = text.data[0];
    if (c < 0x80)
        return c >= 0x20 && c != 0x7f;
    return c == 0xc2 && text.len > 1 && text.data[1] < 0xa0 ? 0 : utf8_sequence(text);
}

/* Copies text into the line; what could steer a terminal or fake a line of ours becomes \xNN. */
static size_t escape(char *line, size_t at, size_t room, struct slice text)
{
    while (text.len > 0 && at + 5 < room) {
        size_t n = harmless(text);
        if (n == 0)
            at += (size_t)snprintf(line + at, room - at, "\\x%02x", text.data[0]);
        else
            memcpy(line + at, text.data, n);
        at += n;
        n = n ? n : 1;
        text = slice_make(text.data + n, text.len - n);
    }
    return at;
}

/* Writes at once or not at all: a reader that has stopped must not stop us. One write, so that the lines of several
 * processes do not mix. False: not written. */
static bool put(int fd, const char *line, size_t len)
{
    ssize_t n = send(fd, line, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno == ENOTSOCK) {
        struct pollfd ask = {.fd = fd, .events = POLLOUT};
        if (poll(&ask, 1, 0) != 1 || ask.revents != POLLOUT)
            return false;
        n = write(fd, line, len);
    }
    return n == (ssize_t)len;
}

static bool put_text(const struct log *log, enum log_level level, const char *text)
{
    char line[LINE_BYTES];
    size_t at = escape(line, stamp(line, sizeof line, log, level), sizeof line - 1, slice_of(text));
    line[at++] = '\n';
    return put(log->fd, line, at);
}

/* Says how many lines are missing. False: not even that could be written. */
static bool confess(const struct log *log)
{
    char text[80];
    unsigned long long lines = atomic_exchange(&dropped, 0);
    if (lines == 0)
        return true;
    snprintf(text, sizeof text, "%llu line(s) of this log were dropped: nobody took them", lines);
    if (put_text(log, LOG_LEVEL_WARN, text))
        return true;
    atomic_fetch_add(&dropped, lines);
    return false;
}

void log_set_level(struct log *log, enum log_level level)
{
    __atomic_store_n(&log->level, level, __ATOMIC_RELAXED);
}

void log_write(const struct log *log, enum log_level level, const char *format, ...)
{
    if (!log || level > __atomic_load_n(&log->level, __ATOMIC_RELAXED))
        return;
    char text[LINE_BYTES / 2];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (!confess(log) || !put_text(log, level, text))
        atomic_fetch_add(&dropped, 1);
}

uint64_t log_gate_pass(struct log_gate *gate, uint64_t now_ms, uint64_t every_ms)
{
    if (now_ms < gate->next_ms) {
        gate->held++;
        return 0;
    }
    uint64_t passes = gate->held + 1;
    gate->held = 0;
    gate->next_ms = now_ms + every_ms;
    return passes;
}
