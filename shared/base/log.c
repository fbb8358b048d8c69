// SPDX-License-Identifier: Apache-2.0
#include "shared/base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_BYTES 4096u

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

/* Copies text into the line; what could steer a terminal or fake a line of ours becomes \xNN. */
static size_t escape(char *line, size_t at, size_t room, const char *text)
{
    for (; *text && at + 5 < room; text++) {
        unsigned char c = (unsigned char)*text;
        if (c < 0x20 || c == 0x7f)
            at += (size_t)snprintf(line + at, room - at, "\\x%02x", c);
        else
            line[at++] = (char)c;
    }
    return at;
}

void log_write(const struct log *log, enum log_level level, const char *format, ...)
{
    if (!log || level > log->level)
        return;
    char text[LINE_BYTES / 2];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);

    char line[LINE_BYTES];
    size_t at = escape(line, stamp(line, sizeof line, log, level), sizeof line - 1, text);
    line[at++] = '\n';
    /* One write, so that the lines of several processes do not mix. A log that cannot be written is dropped:
     * there is nowhere left to say so. */
    ssize_t written = write(log->fd, line, at);
    (void)written;
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
