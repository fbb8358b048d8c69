// SPDX-License-Identifier: Apache-2.0
/* What the writing thread does with deliveries, a round of them at a time. A round has two halves, with the router's
 * journal between them:
 *
 *   plan    finds out what an earlier attempt has left in the files (by its note), and chooses for every delivery a
 *           stage: messages that can be written without rotating in between, and where they will stand;
 *           now the note of every stage goes to the router
 *   write   appends the stages, syncs where that is asked for
 *
 * A stage is written as a whole or not at all: what failed is cut off. So bytes at a noted place are whole messages,
 * or were left by a process that died. */
#ifndef MASQUES_EXPORTERS_FILE_WORK_H
#define MASQUES_EXPORTERS_FILE_WORK_H

#include "exporters/file/load.h"
#include "exporters/file/note.h"
#include "exporters/file/outputs.h"

/* Messages of a stage that go to one file. */
struct work_piece {
    uint32_t file;         /* of the load */
    struct output *output; /* borrowed from the set, for the round */
    uint64_t offset;       /* where it is planned to stand */
    size_t at;             /* in the file's bytes */
    size_t len;
};

struct work {
    struct load load;
    struct note note; /* of the last stage, this process's or another's; count 0: none */
    bool look;        /* it is another's and not yet held against the files */
    size_t from;      /* the stage: messages from..to-1; the same: none */
    size_t to;
    struct work_piece pieces[NOTE_FILES_MAX];
    size_t piece_count;
    bool news; /* messages were written that no note tells of as written */
    bool left; /* something was written that could not be cut off: the note that tells of it must stay */
    uint32_t blamed; /* the file that `trouble` is of */
    struct trouble trouble;
};

/* Plans a round. Works whose `trouble` is set are left out; so are, for this round, those without a stage. */
void work_plan(struct work *const *works, size_t count, struct outputs *outputs,
               const struct output_rules *rules, int64_t now_ms);

/* Writes the round. Afterwards messages are `written`, or `trouble` is set, or (something before it in the round
 * failed, or it was given up by setting to = from) the stage is gone and can be planned again. */
void work_write(struct work *const *works, size_t count, struct outputs *outputs,
                const struct output_rules *rules);

/* The stage will not be written. */
void work_give_up(struct work *work);

/* Does the last note say too little, or tell of a stage that is not in the files? Whoever reads it later would take for
 * this delivery's what another, equal one has written there since. */
bool work_note_is_old(const struct work *work);

/* Sets the note to say what is to be written, and what is. False: there are more messages than a note can tell of. */
bool work_note(struct work *work);

#endif
