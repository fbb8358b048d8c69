// SPDX-License-Identifier: Apache-2.0
/* What the journal knows of one consumer: who it is, and for each of its signals a cursor.
 * Everything here is memory and arithmetic: no files, no clock. Live changes and the journal's
 * entries go through the same functions, so that reading the journal gives what was there when it
 * was written.
 *
 *   start          cursor                       next                 end of the log
 *     |  answered    | group | group | group      |   in no group yet    |
 *     +--------------+-------+-------+-----…------+----------------------+
 *
 * The groups lie side by side from cursor to next, in order; each is pending or done. When the
 * first one is done the cursor moves behind it. What is lost beyond `next` becomes a group that is
 * done at once. */
#ifndef MASQUES_ROUTER_STORE_CONSUMER_H
#define MASQUES_ROUTER_STORE_CONSUMER_H

#include <stdbool.h>
#include <stdint.h>

#include "router/store/position.h"
#include "router/store/store.h"

enum group_state {
    GROUP_WAITING = 0, /* to be handed out */
    GROUP_SENT = 1,    /* handed out, no verdict yet */
    GROUP_DONE = 2,    /* answered or lost */
};

struct group {
    struct position start; /* of its first batch */
    struct position next;  /* behind its last batch */
    uint64_t generation;
    uint64_t digest;
    uint8_t *note; /* owned */
    uint32_t note_bytes;
    uint32_t attempts;
    enum group_state state;
    bool maybe_twice;
};

struct cursor {
    bool active;           /* the consumer takes the signal */
    struct position start; /* of the first batch that is its own */
    struct position at;    /* behind the contiguous prefix that is done */
    struct position next;  /* behind its last group */
    uint64_t delivered, rejected;
    uint64_t lost[STORE_LOSS_END]; /* index: enum store_loss */
    struct group *groups;
    uint32_t count, cap;
};

struct store_consumer {
    uint32_t id; /* in the journal; never used twice in a store */
    char name[STORE_NAME_MAX_BYTES + 1];
    char type[STORE_NAME_MAX_BYTES + 1];
    enum store_mode mode;
    uint64_t max_lag_bytes; /* its share; 0: the default. This and the next are not in the journal */
    bool refuse_when_full;
    uint32_t signals;                     /* bit n: signal n */
    struct cursor cursors[STORE_SIGNALS]; /* index: signal - 1 */
};

/* All zero but id; owned. NULL: no memory. */
struct store_consumer *consumer_new(uint32_t id);
void consumer_free(struct store_consumer **consumer);

/* The cursor for a signal that the consumer takes, NULL otherwise. */
struct cursor *consumer_cursor(struct store_consumer *consumer, unsigned signal);

/* Begins (again) at `start` with counters as they are: what was counted so far stays, as if it had
 * been stored. */
void cursor_begin(struct cursor *cursor, struct position start);
/* Forgets the groups. */
void cursor_clear(struct cursor *cursor);

/* The pending group that begins at sequence `first`, NULL: none. Valid until the groups change. */
struct group *cursor_find(struct cursor *cursor, uint64_t first);

/* Copies `group` (but for its note, which it must not have) behind the last one; its start is
 * cursor->next. GW_ERR_INVALID: it does not begin there; GW_ERR_NOMEM. */
int cursor_push(struct cursor *cursor, const struct group *group) GW_MUST_CHECK;

/* `first` is answered: rejected of its records (at most all), the rest delivered. False: no such
 * pending group. */
bool cursor_done(struct cursor *cursor, uint64_t first, uint64_t rejected);
/* All its records are lost. */
bool cursor_lose_group(struct cursor *cursor, uint64_t first, enum store_loss reason);

/* The last note of a pending group. GW_ERR_NOT_FOUND, GW_ERR_NOMEM. */
int cursor_note(struct cursor *cursor, uint64_t first, const uint8_t *note,
                uint32_t bytes) GW_MUST_CHECK;

/* What is told of each pending group that cursor_lose() or cursor_replace() retires, before it
 * happens. */
typedef void (*cursor_retired_fn)(void *ctx, const struct group *group);

/* Everything pending before `before` is lost. A pending group that lies across it is cut: its rest
 * gets `digest` and waits. False without change: no memory. *records: how many were lost. */
bool cursor_lose(struct cursor *cursor, struct position before, uint64_t digest,
                 enum store_loss reason, cursor_retired_fn retired, void *ctx, uint64_t *records);

/* A piece that a retired group falls into. */
struct group_piece {
    struct position next; /* behind it; it begins where the one before ends */
    uint64_t digest;
    bool lost;
};

/* The pending group `first` is retired, the pieces take its place. GW_ERR_NOT_FOUND;
 * GW_ERR_INVALID: they do not cover it exactly; GW_ERR_NOMEM. */
int cursor_replace(struct cursor *cursor, uint64_t first, const struct group_piece *pieces,
                   uint32_t count, enum store_loss reason, cursor_retired_fn retired,
                   void *ctx) GW_MUST_CHECK;

/* Records, batches and bytes that are neither delivered, rejected nor lost, given the end of the
 * log. */
void cursor_pending(const struct cursor *cursor, struct position end, struct position *pending);

/* Sum over all reasons. */
uint64_t cursor_lost(const struct cursor *cursor);

#endif
