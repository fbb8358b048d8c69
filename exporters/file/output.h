// SPDX-License-Identifier: Apache-2.0
/* One file that is written: opened, emptied once a run, freed of what an interrupted write has left, appended to,
 * rotated, and opened anew when its path leads to another file (logrotate). All of it may block, so it belongs to the
 * writing thread.
 *
 * What is no regular file (/dev/stdout, a pipe) is written, and nothing else of this applies. */
#ifndef MASQUES_EXPORTERS_FILE_OUTPUT_H
#define MASQUES_EXPORTERS_FILE_OUTPUT_H

#include <sys/types.h>

#include "exporters/file/mark.h"
#include "exporters/file/trouble.h"
#include "shared/base/log.h"
#include "shared/base/slice.h"
#include "shared/config/exporter_options.h"

/* What is the same for all files of an exporter. */
struct output_rules {
    const struct file_options *options; /* borrowed */
    const struct log *log;              /* borrowed */
    uint64_t run;                       /* of the gateway */
    uint64_t writer;                    /* random: this process */
    bool synced;                        /* what is written must survive a power cut */
};

struct output {
    char *path; /* owned */
    int fd;     /* -1: not open */
    bool regular;
    dev_t device;
    ino_t inode;
    mode_t mode;
    int64_t born_ms;
    struct mark mark;
    bool marked;         /* the mark could be set */
    bool foreign;        /* somebody else's, of no whole messages: to be rotated before anything is written */
    bool torn;           /* bytes behind `whole` could not be cut off yet */
    bool unsynced;       /* written since the last good sync */
    bool name_unsynced;  /* made since the last good sync of its directory */
    uint64_t whole;      /* where the next message goes */
    uint64_t round;      /* `whole` when the round began: what a failed sync falls back to */
    uint64_t planned;    /* `whole` as it will be when all that is planned is written */
    uint64_t started;    /* the writing back of what lies before it was begun */
    uint64_t dropped;    /* what lies before it was taken out of the page cache */
    bool in_round;       /* something is planned */
    uint64_t used;       /* for whoever must close one: rises with use */
};

/* A file that is not open. `path` is copied. NULL: no memory. */
struct output *output_new(const char *path);
/* Closes and frees. */
void output_free(struct output **output);

/* Makes sure that the path's own file is open and may be appended to at `whole`; directories are made where the
 * options say so. 0; GW_ERR_IO: `trouble` says what is in the way. */
int output_ready(struct output *o, const struct output_rules *rules,
                 struct trouble *trouble) GW_MUST_CHECK;

/* Should it be rotated before `bytes` more are planned? `now_ms`: wall clock. */
bool output_is_due(const struct output *o, const struct output_rules *rules, uint64_t bytes,
                   int64_t now_ms);

/* Renames the file, removes backups as the options say and opens a new one. As output_ready(). */
int output_rotate(struct output *o, const struct output_rules *rules, int64_t now_ms,
                  struct trouble *trouble) GW_MUST_CHECK;

/* Appends all of `bytes`, or nothing: what a failed write has left is cut off. As output_ready(). */
int output_write(struct output *o, const struct output_rules *rules, struct slice bytes,
                 struct trouble *trouble) GW_MUST_CHECK;

/* Cuts the file back to `whole`, of which it is known that nobody else's bytes lie behind it. */
void output_cut(struct output *o, const struct output_rules *rules, uint64_t whole);

/* fdatasync, and the directory's where the file is new; those above it, too, where the options let them be made. After a
 * failure nothing that was written since the last good sync counts: the caller cuts it off. As output_ready(). */
int output_sync(struct output *o, const struct output_rules *rules, struct trouble *trouble) GW_MUST_CHECK;

/* The round is over: notes now and then how far the file is whole. */
void output_settle(struct output *o);

/* What was there before this process: what lies behind it is this process's own. 0 where that is not known. */
uint64_t output_found(const struct output *o);

/* Closes the file; the next output_ready() opens it again. */
void output_close(struct output *o);

#endif
