// SPDX-License-Identifier: Apache-2.0
/* Going over a signal's log batch by batch, with holes and damage shown as such; and the digests of
 * groups. */
#ifndef MASQUES_ROUTER_STORE_WALK_H
#define MASQUES_ROUTER_STORE_WALK_H

#include "router/store/store_internal.h"

enum walk_found {
    WALK_BATCH,
    WALK_DAMAGED, /* a quarantined batch, or a run of them */
    WALK_HOLE,    /* no batch: walk.next is where the log goes on */
    WALK_END,
};

/* Embedded; at, next and entry are the caller's to read. */
struct walk {
    struct store *store;
    struct chain *chain;
    struct position at;
    struct position next; /* behind what was found */
    struct segment *segment;
    const struct segment_entry *entry; /* of the batch that was found; until the next look */
};

struct walk walk_from(struct store *store, unsigned signal, struct position at);

/* What stands at walk->at: an enum walk_found, or a negative error. Stepping on: walk->at =
 * walk->next. */
int walk_look(struct walk *walk);

/* The digest of the group that is put together, batch by batch; one at a time in a store. */
void walk_digest_begin(struct store *store);
void walk_digest_add(struct store *store, const struct segment_entry *entry);
uint64_t walk_digest_end(struct store *store);

/* Digest of the batches from `from` up to sequence `next`; GW_ERR_CORRUPT: not all of them can be
 * produced. */
int walk_digest(struct store *store, unsigned signal, struct position from, uint64_t next,
                uint64_t *digest) GW_MUST_CHECK;
/* Digest of what is left of the pending group that lies across sequence `before`; 0: none does, or
 * the rest cannot be produced (which shows when it is handed out). */
uint64_t walk_rest_digest(struct store *store, const struct cursor *cursor, unsigned signal,
                          uint64_t before);

#endif
