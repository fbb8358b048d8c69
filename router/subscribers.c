// SPDX-License-Identifier: Apache-2.0
#include "router/subscribers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "router/replay.h"

#define SIGNALS_MASK 0xEu /* bits 1 to 3 */
#define DEFAULT_MAX_BYTES (1u << 20)
#define DEFAULT_MAX_RECORDS 8192u
#define DEFAULT_IN_FLIGHT 4u
#define IN_FLIGHT_MAX 32u /* half of what the store lets lie between cursor and highest sent */
#define LINGER_MAX_MS 60000u

struct subscribers {
    struct store *store;
    const struct log *log;
    struct subscriber **list;
    size_t count;
};

/* How the journal's type says whose a registration is. */
static const char *const prefixes[] = {
    [OWNER_CONFIG] = "",
    [OWNER_ATTACHED] = "attached:",
    [OWNER_NONE] = "orphaned:",
};

static enum subscriber_owner owner_of(const char *type, const char **bare)
{
    for (unsigned owner = OWNER_ATTACHED; owner <= OWNER_NONE; owner++) {
        size_t len = strlen(prefixes[owner]);
        if (strncmp(type, prefixes[owner], len) == 0) {
            *bare = type + len;
            return (enum subscriber_owner)owner;
        }
    }
    *bare = type;
    return OWNER_CONFIG;
}

/* ---- the list ---- */

struct subscriber *subscribers_by_name(const struct subscribers *s, const char *name)
{
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->list[i]->name, name) == 0)
            return s->list[i];
    return NULL;
}

static struct subscriber *add(struct subscribers *s, const char *name)
{
    struct subscriber **list = realloc(s->list, (s->count + 1) * sizeof *list);
    if (!list)
        return NULL;
    s->list = list;
    struct subscriber *sub = calloc(1, sizeof *sub);
    if (!sub)
        return NULL;
    snprintf(sub->name, sizeof sub->name, "%s", name);
    sub->retry = retry_from(NULL);
    list[s->count++] = sub;
    return sub;
}

static void subscriber_free(struct subscriber *sub)
{
    for (unsigned i = 0; i < STORE_SIGNALS; i++) {
        free(sub->lanes[i].list);
        retry_since_fini(&sub->lanes[i].since);
    }
    free(sub);
}

static void remove_subscriber(struct subscribers *s, struct subscriber *sub)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->list[i] == sub)
            s->list[i] = s->list[--s->count];
    subscriber_free(sub);
}

/* Brings the store's registration up to what the subscriber says. */
static int put(struct subscribers *s, struct subscriber *sub, enum store_start start)
{
    char type[STORE_NAME_MAX_BYTES + 1];
    int len = snprintf(type, sizeof type, "%s%s", prefixes[sub->owner], sub->type);
    if (len < 0 || (size_t)len >= sizeof type)
        return GW_ERR_INVALID;
    int err = store_consumer_register(s->store, sub->name, type, sub->signals, sub->mode, start,
                                      &sub->consumer);
    if (err == GW_OK)
        store_consumer_set_share(s->store, sub->consumer, sub->max_lag_bytes,
                                 sub->refuse_when_full);
    for (unsigned i = 0; i < STORE_SIGNALS; i++)
        sub->lanes[i].ask = true;
    return err;
}

/* Deliveries of signals that it does not take any more are to be withdrawn. */
static void retire_given_up(struct subscriber *sub)
{
    for (unsigned signal = 1; signal <= STORE_SIGNALS; signal++) {
        struct lane *lane = subscriber_lane(sub, signal);
        for (size_t i = 0; i < lane->count && !subscriber_takes(sub, signal); i++)
            subscriber_set_state(sub, &lane->list[i], DELIVERY_RETIRED);
    }
}

static void unregister(struct subscribers *s, struct subscriber *sub)
{
    int err = store_consumer_unregister(s->store, sub->consumer);
    if (err != GW_OK)
        log_warn(s->log, "%s: unregistering is not written yet: %s", sub->name, gw_strerror(err));
    remove_subscriber(s, sub);
}

/* ---- start ---- */

/* The subscriber as the configuration has it. On error it is as before, a new one is no more. */
static int register_configured(struct subscribers *s, const Masques__Control__Subscription *said)
{
    struct subscriber *mine = subscribers_by_name(s, said->name);
    bool known = mine != NULL;
    if (!known)
        mine = add(s, said->name);
    if (!mine)
        return GW_ERR_NOMEM;
    struct subscriber before = *mine;
    snprintf(mine->type, sizeof mine->type, "%s", said->type);
    mine->owner = OWNER_CONFIG;
    mine->mode = said->lossy ? STORE_LOSSY : STORE_DURABLE;
    mine->signals = said->signals & SIGNALS_MASK;
    mine->retry = retry_from(said->retry);
    mine->max_lag_bytes = said->max_lag_bytes;
    mine->refuse_when_full = said->refuse_when_full;
    mine->leave_ms = 0;
    int err = put(s, mine, STORE_WHERE_LEFT_OFF);
    if (err == GW_OK) {
        retire_given_up(mine);
        return GW_OK;
    }
    *mine = before;
    if (!known)
        remove_subscriber(s, mine);
    return err;
}

/* Neither configuration nor anybody's registration names it any more: never a reason to refuse data. */
static int orphan(struct subscribers *s, struct subscriber *sub)
{
    struct subscriber before = *sub;
    log_warn(s->log,
             "%s is not in the configuration any more: what it was owed is kept while there is room",
             sub->name);
    sub->owner = OWNER_NONE;
    sub->mode = STORE_LOSSY;
    int err = put(s, sub, STORE_WHERE_LEFT_OFF);
    if (err != GW_OK)
        *sub = before;
    return err;
}

/* A registration that the store knows and the configuration does not name. *dropped: it is no more.
 */
static int adopt(struct subscribers *s, struct store_consumer *consumer, uint64_t now_ms,
                 bool *dropped)
{
    const char *bare;
    enum subscriber_owner owner = owner_of(store_consumer_type(consumer), &bare);
    enum store_mode mode = store_consumer_mode(consumer);
    const char *name = store_consumer_name(consumer);
    if (owner == OWNER_CONFIG && mode != STORE_DURABLE) {
        log_info(s->log, "%s is not in the configuration any more: dropped", name);
        *dropped = true;
        return store_consumer_unregister(s->store, consumer);
    }
    struct subscriber *sub = add(s, name);
    if (!sub)
        return GW_ERR_NOMEM;
    snprintf(sub->type, sizeof sub->type, "%s", bare);
    sub->consumer = consumer;
    sub->owner = owner;
    sub->mode = mode;
    sub->signals = store_consumer_signals(consumer);
    if (mode == STORE_LIVE)
        sub->leave_ms = now_ms + SUBSCRIBERS_LIVE_GRACE_MS;
    if (owner != OWNER_CONFIG)
        return GW_OK;
    return orphan(s, sub);
}

static int adopt_others(struct subscribers *s, uint64_t now_ms)
{
    int err = GW_OK;
    size_t i = 0;
    struct store_consumer *consumer;
    while (err == GW_OK && (consumer = store_consumer_at(s->store, i)) != NULL) {
        bool dropped = false; /* its place is the next one's */
        if (!subscribers_by_name(s, store_consumer_name(consumer)))
            err = adopt(s, consumer, now_ms, &dropped);
        i += !dropped;
    }
    return err;
}

struct subscribers *subscribers_new(struct store *store,
                                    Masques__Control__Subscription *const *configured, size_t count,
                                    uint64_t now_ms, const struct log *log, int *err)
{
    struct subscribers *s = calloc(1, sizeof *s);
    *err = s ? GW_OK : GW_ERR_NOMEM;
    if (!s)
        return NULL;
    s->store = store;
    s->log = log;
    for (size_t i = 0; *err == GW_OK && i < count; i++)
        *err = register_configured(s, configured[i]);
    if (*err == GW_OK)
        *err = adopt_others(s, now_ms);
    if (*err != GW_OK)
        subscribers_free(&s);
    return s;
}

/* ---- another configuration ---- */

static bool names(Masques__Control__Subscription *const *configured, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(configured[i]->name, name) == 0)
            return true;
    return false;
}

/* The configuration has let go of it. */
static int let_go(struct subscribers *s, struct subscriber *sub)
{
    if (sub->mode == STORE_DURABLE)
        return orphan(s, sub);
    log_info(s->log, "%s is not in the configuration any more: dropped", sub->name);
    subscribers_detach(s, sub);
    return GW_OK;
}

int subscribers_reconfigure(struct subscribers *s,
                            Masques__Control__Subscription *const *configured, size_t count)
{
    int first = GW_OK;
    for (size_t i = 0; i < count; i++) {
        int err = register_configured(s, configured[i]);
        if (err != GW_OK)
            log_warn(s->log, "%s cannot be registered: %s", configured[i]->name, gw_strerror(err));
        first = first == GW_OK ? err : first;
    }
    for (size_t i = s->count; i-- > 0;) {
        struct subscriber *sub = s->list[i];
        if (sub->owner != OWNER_CONFIG || names(configured, count, sub->name))
            continue;
        int err = let_go(s, sub);
        if (err != GW_OK)
            log_warn(s->log, "%s cannot be let go: %s", sub->name, gw_strerror(err));
        first = first == GW_OK ? err : first;
    }
    return first;
}

void subscribers_detach(struct subscribers *s, struct subscriber *sub)
{
    if (sub->session)
        session_set_owner(sub->session, NULL);
    unregister(s, sub);
}

void subscribers_free(struct subscribers **at)
{
    struct subscribers *s = *at;
    *at = NULL;
    if (!s)
        return;
    for (size_t i = 0; i < s->count; i++)
        subscriber_free(s->list[i]);
    free(s->list);
    free(s);
}

/* ---- sessions ---- */

static enum store_mode mode_of(Masques__Bus__Mode mode)
{
    switch (mode) {
    case MASQUES__BUS__MODE__LIVE:
        return STORE_LIVE;
    case MASQUES__BUS__MODE__DURABLE:
        return STORE_DURABLE;
    case MASQUES__BUS__MODE__LOSSY:
        return STORE_LOSSY;
    default:
        return (enum store_mode)0;
    }
}

static uint32_t at_most(uint32_t value, uint32_t max, uint32_t otherwise)
{
    if (value == 0)
        return otherwise;
    return value < max ? value : max;
}

static void take_wishes(struct subscriber *sub, const Masques__Bus__Wishes *wishes)
{
    static const Masques__Bus__Wishes none = MASQUES__BUS__WISHES__INIT;
    if (!wishes)
        wishes = &none;
    sub->max_bytes = wishes->max_bytes ? wishes->max_bytes : DEFAULT_MAX_BYTES;
    sub->max_records = wishes->max_records ? wishes->max_records : DEFAULT_MAX_RECORDS;
    sub->linger_ms = at_most(wishes->linger_ms, LINGER_MAX_MS, 0);
    sub->in_flight = at_most(wishes->in_flight, IN_FLIGHT_MAX, DEFAULT_IN_FLIGHT);
}

/* Registers one that the configuration does not name. */
static int attach(struct subscribers *s, struct subscriber *sub, const Masques__Bus__Hello *hello)
{
    sub->owner = OWNER_ATTACHED;
    sub->mode = mode_of(hello->mode);
    sub->signals = hello->signals & SIGNALS_MASK;
    sub->leave_ms = 0;
    if (strlen(hello->type) >= sizeof sub->type || sub->mode == 0 || sub->signals == 0)
        return GW_ERR_INVALID;
    memcpy(sub->type, hello->type, strlen(hello->type) + 1);
    enum store_start start = hello->start == MASQUES__BUS__START__NOW      ? STORE_NOW
                             : hello->start == MASQUES__BUS__START__OLDEST ? STORE_OLDEST
                                                                           : STORE_WHERE_LEFT_OFF;
    /* Live means from now on, unless it says otherwise. */
    if (sub->mode == STORE_LIVE && start == STORE_WHERE_LEFT_OFF)
        start = STORE_NOW;
    return put(s, sub, start);
}

int subscribers_admit(struct subscribers *s, struct session *session,
                      const Masques__Bus__Hello *hello)
{
    struct subscriber *sub = subscribers_by_name(s, hello->name);
    bool known = sub != NULL;
    if (!known && hello->start == MASQUES__BUS__START__REGISTERED)
        return GW_ERR_NOT_FOUND;
    if (!known)
        sub = add(s, hello->name);
    if (!sub)
        return GW_ERR_NOMEM;
    struct subscriber before = *sub;
    int err = sub->owner == OWNER_CONFIG && known ? GW_OK : attach(s, sub, hello);
    if (err != GW_OK) {
        *sub = before;
        if (!known)
            remove_subscriber(s, sub);
        return err;
    }
    sub->session = session;
    sub->left = false;
    sub->local = hello->local;
    sub->credit_known = false;
    sub->credit = 0;
    sub->out_bytes = 0;
    replay_closed(sub);
    sub->health = MASQUES__BUS__HEALTH__HEALTH_OK;
    sub->error[0] = '\0';
    take_wishes(sub, hello->wishes);
    session_set_owner(session, sub);
    return GW_OK;
}

void subscribers_closed(struct subscribers *s, struct session *session)
{
    struct subscriber *sub = session_owner(session);
    if (!sub)
        return;
    sub->session = NULL;
    sub->left = session_left(session);
    sub->out_bytes = 0;
    replay_closed(sub);
    for (unsigned i = 0; i < STORE_SIGNALS; i++)
        lane_clear(&sub->lanes[i]);
    if (sub->mode == STORE_LIVE)
        unregister(s, sub);
    else
        store_consumer_reset(s->store, sub->consumer);
}

void subscribers_tick(struct subscribers *s, uint64_t now_ms)
{
    for (size_t i = s->count; i-- > 0;) {
        struct subscriber *sub = s->list[i];
        if (!sub->session && sub->leave_ms && now_ms >= sub->leave_ms)
            unregister(s, sub);
    }
}

/* ---- what is seen ---- */

uint32_t subscribers_wanted(const struct subscribers *s)
{
    uint32_t wanted = 0;
    for (size_t i = 0; i < s->count; i++)
        if (s->list[i]->owner != OWNER_NONE)
            wanted |= s->list[i]->signals;
    return wanted;
}

size_t subscribers_count(const struct subscribers *s)
{
    return s->count;
}

struct subscriber *subscribers_at(const struct subscribers *s, size_t i)
{
    return i < s->count ? s->list[i] : NULL;
}

struct subscriber *subscribers_of(const struct subscribers *s,
                                  const struct store_consumer *consumer)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->list[i]->consumer == consumer)
            return s->list[i];
    return NULL;
}
