// SPDX-License-Identifier: Apache-2.0
/* The one list of errors that our functions return: 0 or a negative enum gw_err. Parsers return the bytes they
 * consumed (>= 0), GW_ERR_INCOMPLETE (give me more) or GW_ERR_MALFORMED (refuse it). */
#ifndef MASQUES_BASE_ERR_H
#define MASQUES_BASE_ERR_H

enum gw_err {
    GW_OK = 0,
    GW_ERR_NOMEM = -1,      /* no memory, or over a cap of ours */
    GW_ERR_IO = -2,         /* the system call failed: errno tells why */
    GW_ERR_INCOMPLETE = -3, /* the bytes end too early: wait for more */
    GW_ERR_MALFORMED = -4,  /* the bytes can never become right */
    GW_ERR_TOO_LARGE = -5,  /* over a limit that the contract names */
    GW_ERR_FULL = -6,       /* no room now, perhaps later */
    GW_ERR_NOT_FOUND = -7,
    GW_ERR_EXISTS = -8,
    GW_ERR_INVALID = -9,     /* an argument or a setting that makes no sense */
    GW_ERR_UNSUPPORTED = -10, /* a version, coding or feature that we do not have */
    GW_ERR_CORRUPT = -11,    /* a checksum does not fit */
    GW_ERR_CLOSED = -12,     /* the other end is gone */
    GW_ERR_AGAIN = -13,      /* nothing was done, try later */
};

#define GW_MUST_CHECK __attribute__((warn_unused_result))

/* The error's name in words ("no memory"). Never NULL. Static text. */
const char *gw_strerror(int err);

#endif
