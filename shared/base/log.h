// SPDX-License-Identifier: Apache-2.0
/* Our own log: one line a message on stderr (telemetry goes to stdout), "2026-11-22T10:00:00.123Z info  router: …".
 * A struct log is made once at start and passed down as a const pointer; whoever made it may change its level. Bytes of
 * peers are escaped. */
#ifndef MASQUES_BASE_LOG_H
#define MASQUES_BASE_LOG_H

#include <stdint.h>

enum log_level {
    LOG_LEVEL_ERROR = 0, /* something does not work and stays so without an operator */
    LOG_LEVEL_WARN = 1,  /* something went wrong and is dealt with */
    LOG_LEVEL_INFO = 2,  /* starts, stops, changes of state */
    LOG_LEVEL_DEBUG = 3,
};

struct log {
    const char *who; /* process name; borrowed for the life of the log */
    enum log_level level;
    int fd;
};

/* Writes one line; control characters and bytes that are no UTF-8 are escaped; cut at 4 KiB. Never waits: a line that the other end does not take at
 * once is dropped and counted, and the next one that goes through is preceded by one that says how many. */
void log_write(const struct log *log, enum log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define log_error(log, ...) log_write((log), LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(log, ...) log_write((log), LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(log, ...) log_write((log), LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(log, ...) log_write((log), LOG_LEVEL_DEBUG, __VA_ARGS__)

/* From now on, for everybody who has the log, in every thread. */
void log_set_level(struct log *log, enum log_level level);

/* "error", "warn", "info", "debug" to a level and back; -1 when there is no such level. */
int log_level_parse(const char *name);
const char *log_level_name(enum log_level level);

/* Lets a repeated message through at most once per `every_ms`. Embedded where the message is written. */
struct log_gate {
    uint64_t next_ms;
    uint64_t held; /* messages held back since the last one that passed */
};

/* 0: hold it back (counted). Otherwise 1 + the number held back since; the caller says so if it is > 1. */
uint64_t log_gate_pass(struct log_gate *gate, uint64_t now_ms, uint64_t every_ms);

#endif
