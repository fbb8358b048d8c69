// SPDX-License-Identifier: Apache-2.0
/* The files of dead letters (router/dead_letter_format.h has their bytes) in the directory "dead-letters" of a store:
 * each is whole on its medium under its own name, or not there. Knows nothing of what the letters are for; that is
 * router/dead_letters.h, the only caller. */
#ifndef MASQUES_ROUTER_DEAD_LETTER_FILES_H
#define MASQUES_ROUTER_DEAD_LETTER_FILES_H

#include <stdbool.h>

#include "router/dead_letter_format.h"
#include "router/store/io.h"
#include "shared/base/blob.h"

/* Embedded. */
struct dead_letter_files {
    int store_fd;               /* borrowed; the store's directory */
    int fd;                     /* the directory; -1: not there yet */
    bool synced;                /* what is written must survive a power cut */
    bool unsynced;              /* names have changed since the last sync */
    const struct io_hook *hook; /* NULL outside of tests */
};

/* Looks for the directory; it comes into being with the first letter. GW_OK also when it is not there; GW_ERR_IO with
 * errno: it cannot be opened, and is as if it were not there. */
int dead_letter_files_init(struct dead_letter_files *files, int store_fd, bool synced,
                           const struct io_hook *hook) GW_MUST_CHECK;
void dead_letter_files_fini(struct dead_letter_files *files);

/* Calls `each` with the number of every letter, in no order, until it fails; files that a write did not finish are
 * removed. 0; what `each` said; GW_ERR_NOMEM. */
int dead_letter_files_each(const struct dead_letter_files *files, int (*each)(void *ctx, uint64_t number),
                           void *ctx) GW_MUST_CHECK;

/* In place of the letter with this number, if there is one; its name is lasting after dead_letter_files_sync(). 0;
 * GW_ERR_FULL: no space on the device; GW_ERR_IO; with errno. */
int dead_letter_files_write(struct dead_letter_files *files, const struct dead_letter *letter,
                            struct slice payload) GW_MUST_CHECK;
/* 0, also when it is not there; GW_ERR_IO with errno. Lasting after dead_letter_files_sync(). */
int dead_letter_files_remove(struct dead_letter_files *files, uint64_t number) GW_MUST_CHECK;
/* 0; GW_ERR_IO. */
int dead_letter_files_sync(struct dead_letter_files *files) GW_MUST_CHECK;

/* The header alone, and that the file has the length that it says: the payload is looked at when it is wanted. The
 * texts point into `room`. *file_bytes is set whenever the file has a length. GW_ERR_IO; GW_ERR_CORRUPT; errors as
 * dead_letter_get(). */
int dead_letter_files_header(const struct dead_letter_files *files, uint64_t number,
                             uint8_t room[DEAD_LETTER_HEADER_MAX_BYTES], struct dead_letter *letter,
                             uint64_t *file_bytes) GW_MUST_CHECK;
/* The payload: a blob held once by the caller. GW_ERR_NOT_FOUND, GW_ERR_CORRUPT, GW_ERR_IO, GW_ERR_NOMEM. */
int dead_letter_files_payload(const struct dead_letter_files *files, uint64_t number,
                              struct blob **payload) GW_MUST_CHECK;

#endif
