// SPDX-License-Identifier: Apache-2.0
/* One exporter, as the router sees it: its registration in the store, its session while it has one,
 * and for every signal a lane with the deliveries that it was handed. Shared by the modules of
 * dispatching (subscribers, dispatch, settle, report); nobody else looks inside. */
#ifndef MASQUES_ROUTER_SUBSCRIBER_H
#define MASQUES_ROUTER_SUBSCRIBER_H

#include <stdbool.h>

#include "router/retry.h"
#include "router/sessions.h"
#include "router/store/store.h"

enum delivery_state {
    DELIVERY_READY,  /* taken from the store, waits for credit */
    DELIVERY_FORMED, /* sent as soon as the journal has it; weighs on the credit */
    DELIVERY_OUT, /* sent, or held by the exporter since an earlier session; weighs on the credit */
    DELIVERY_WAITING, /* RETRY: goes back to the store at due_ms */
    DELIVERY_RETIRED, /* its id is no more: CANCEL is to be said */
};

/* A group of the store that the exporter was handed. */
struct delivery {
    uint64_t generation, first, last; /* the id, with exporter and signal */
    uint64_t records, bytes;
    uint32_t attempt;
    enum delivery_state state;
    uint64_t due_ms;
    uint64_t ticket; /* not sent before store_is_written() */
    uint64_t sent_ms; /* DELIVERY_OUT: since when */
};

/* The dead letter that the exporter has in hand (router/replay.h). */
struct replay {
    uint64_t out;    /* its number; 0: none */
    uint64_t bytes;  /* that weigh on the credit */
    uint64_t due_ms; /* the next one not before; 0: at once */
    uint64_t after;  /* number: those behind it come first, so that one that waits does not keep them waiting */
};

/* One signal of one exporter. */
struct lane {
    struct delivery *list;
    size_t count, cap;
    /* What the store holds for it in no group yet, as far as it was told: only decides when to ask
     * the store. */
    uint64_t open_records, open_bytes;
    uint64_t since_ms;  /* when the oldest of that came */
    uint64_t formed_ms; /* when the last group was formed of it */
    bool ask;           /* the store may have more than open_bytes tells: groups of old, backlog */
    bool blocked;       /* the store hands out no more before something is settled */
    uint64_t pause_ms;  /* the journal failed: not before this time; 0: no pause */
    struct retry_since since; /* of deliveries that failed */
};

/* Who owns the registration; written into the journal as a prefix of the type. */
enum subscriber_owner {
    OWNER_CONFIG,   /* the configuration names it */
    OWNER_ATTACHED, /* it came by itself */
    OWNER_NONE, /* orphaned: the configuration named it once, and it is not done with what it was
                   owed */
};

struct subscriber {
    char name[SESSION_NAME_MAX_BYTES + 1];
    char type[STORE_NAME_MAX_BYTES + 1]; /* without the prefix */
    enum subscriber_owner owner;
    enum store_mode mode;
    uint32_t signals; /* bit n: takes signal n */
    struct retry retry;
    uint64_t max_lag_bytes; /* its share of the store; 0: the store's default */
    bool refuse_when_full;  /* over its share it refuses new data rather than losing its oldest */
    struct store_consumer *consumer;
    struct session *session; /* NULL: away */
    bool left;               /* away because it said BYE: it does not come back by itself */
    uint64_t
        leave_ms; /* LIVE and away since before the router's start: unregistered then; 0: not so */
    /* Of the session: */
    bool local;        /* reads extents */
    bool credit_known; /* CREDIT was heard */
    uint64_t credit;   /* bytes that may be out */
    uint64_t out_bytes;
    uint64_t max_bytes; /* wishes, defaults filled in */
    uint32_t max_records, linger_ms, in_flight;
    Masques__Bus__Health health;
    char error[256]; /* the last one, in words; stays while it is away */
    struct replay replay;
    struct lane lanes[STORE_SIGNALS]; /* index: signal - 1 */
};

/* The delivery of that id; NULL: none. */
struct delivery *lane_find(struct lane *lane, uint64_t generation, uint64_t first, uint64_t last);
/* One more, zeroed; valid until the lane changes. NULL: no memory. */
struct delivery *lane_add(struct lane *lane);
/* The others stay in their order, which is that of handing out. */
void lane_remove(struct lane *lane, struct delivery *delivery);
/* How many weigh on the wish for deliveries at a time: all but those RETIRED. */
size_t lane_busy(const struct lane *lane);
/* Forgets the deliveries, keeps the memory; the store has to be asked again. */
void lane_clear(struct lane *lane);

static inline struct lane *subscriber_lane(struct subscriber *sub, unsigned signal)
{
    return &sub->lanes[signal - 1];
}

static inline bool subscriber_takes(const struct subscriber *sub, unsigned signal)
{
    return signal >= 1 && signal <= STORE_SIGNALS && (sub->signals >> signal & 1u);
}

/* A delivery begins or ceases to weigh on the credit: the only way to change the state. */
void subscriber_set_state(struct subscriber *sub, struct delivery *delivery,
                          enum delivery_state state);
/* What is said about it: "configured", "attached", "orphaned"; and "running", "degraded", "closed", "away",
 * "orphaned". Static text. */
const char *subscriber_owner_name(const struct subscriber *sub);
const char *subscriber_state_name(const struct subscriber *sub);
/* Some delivery waits for credit: nothing may overtake it. */
bool subscriber_waits(const struct subscriber *sub);
/* Takes the delivery out of its lane. */
void subscriber_remove(struct subscriber *sub, unsigned signal, struct delivery *delivery);

#endif
