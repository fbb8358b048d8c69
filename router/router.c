// SPDX-License-Identifier: Apache-2.0
#include "router/router.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "router/dispatch.h"
#include "router/report.h"
#include "router/requests.h"
#include "shared/base/clock.h"

#define TMPFS_MAGIC_NUMBER 0x01021994 /* statfs(2) */
#define DEFAULT_MEMORY_BYTES (64u << 20)
#define MAX_BATCH_BYTES (1u << 30)
#define DEFAULT_INTERVAL_MS 1000u
#define SESSION_SHIFT 32 /* a generation of the store has so many bits of session numbers */

struct router {
    struct loop *loop;
    const struct log *log;
    struct router_options options;
    struct store *store;
    struct store_report found;
    struct sessions *sessions;
    struct subscribers *subscribers;
    struct dead_letters *letters;
    struct ingress *ingress;
    struct dispatch *dispatch;
    struct requests *requests;
    struct report *report;
    struct seen *seen;
    struct loop_timer *deadline; /* of the drain */
    struct loop_timer *interval; /* between syncs, where the policy is an interval */
    bool draining;
    bool told; /* options.drained() was called */
};

/* ---- sessions ---- */

static bool is_worker(const struct session *session)
{
    return session_kind(session) == MASQUES__BUS__PEER_KIND__PEER_WORKER;
}

static bool is_control(const struct session *session)
{
    return session_kind(session) == MASQUES__BUS__PEER_KIND__PEER_CONTROL;
}

static int on_admit(void *ctx, struct session *session, const Masques__Bus__Hello *hello)
{
    struct router *r = ctx;
    if (is_worker(session))
        return ingress_admit(r->ingress, session, hello);
    if (is_control(session)) /* asks, and owns nothing */
        return GW_OK;
    int err = subscribers_admit(r->subscribers, session, hello);
    if (err == GW_ERR_NOT_FOUND && r->options.detached) /* whoever starts it has not heard that it was detached */
        r->options.detached(r->options.ctx, hello->name);
    return err;
}

static uint64_t max_batch(const struct router *r)
{
    uint64_t limit = r->options.settings->max_batch;
    uint64_t of_store = store_max_batch(r->store);
    return limit && limit < of_store ? limit : of_store;
}

/* So that an exporter on this machine finds the store's files. */
static void show_directory(const struct router *r, Masques__Bus__Welcome *welcome)
{
    struct stat st;
    welcome->synced = r->options.settings->fsync == MASQUES__CONTROL__FSYNC__FSYNC_ALWAYS;
    if (fstat(store_directory_fd(r->store), &st) != 0)
        return;
    welcome->directory = r->options.settings->store_directory; /* packed, never written to */
    welcome->device = st.st_dev;
    welcome->inode = st.st_ino;
}

static void on_welcome(void *ctx, struct session *session, Masques__Bus__Welcome *welcome)
{
    struct router *r = ctx;
    welcome->run = r->options.run;
    welcome->store.data = (uint8_t *)(uintptr_t)store_uuid(r->store); /* packed, never written to */
    welcome->store.len = STORE_UUID_BYTES;
    welcome->wanted = subscribers_wanted(r->subscribers);
    welcome->max_batch = max_batch(r);
    welcome->generation = store_generation(r->store);
    if (is_worker(session))
        ingress_welcome(r->ingress, welcome);
    else
        show_directory(r, welcome);
}

static void on_opened(void *ctx, struct session *session, const Masques__Bus__Hello *hello)
{
    struct router *r = ctx;
    log_debug(r->log, "%s is here (process %d)", session_name(session), (int)session_pid(session));
    if (is_worker(session))
        ingress_opened(r->ingress);
    else if (!is_control(session))
        dispatch_opened(r->dispatch, session, hello);
}

static void on_closed(void *ctx, struct session *session, const char *why)
{
    struct router *r = ctx;
    log_debug(r->log, "%s is gone: %s", session_name(session), why);
    if (is_worker(session)) {
        ingress_closed(r->ingress, session);
        return;
    }
    if (is_control(session)) {
        requests_closed(r->requests, session);
        return;
    }
    dispatch_closed(r->dispatch, session);
    subscribers_closed(r->subscribers, session);
}

static void on_message(void *ctx, struct session *session, const struct link_message *message)
{
    struct router *r = ctx;
    if (is_control(session)) {
        if (message->frame->body_case == MASQUES__BUS__FRAME__BODY_REQUEST)
            requests_came(r->requests, session, message->frame->request);
    } else if (!is_worker(session))
        dispatch_message(r->dispatch, session, message);
    else if (message->frame->body_case == MASQUES__BUS__FRAME__BODY_PUBLISH)
        ingress_publish(r->ingress, session, message, subscribers_wanted(r->subscribers));
}

static void on_heartbeat(void *ctx, struct session *session, Masques__Bus__Heartbeat *heartbeat)
{
    struct router *r = ctx;
    heartbeat->health = ingress_health(r->ingress);
    if (is_worker(session))
        heartbeat->wanted = subscribers_wanted(r->subscribers);
}

static void on_tick(void *ctx)
{
    struct router *r = ctx;
    ingress_tick(r->ingress);
    subscribers_tick(r->subscribers, loop_now_ms(r->loop));
}

static const struct sessions_events sessions_events = {
    .admit = on_admit,
    .welcome = on_welcome,
    .opened = on_opened,
    .closed = on_closed,
    .message = on_message,
    .fill_heartbeat = on_heartbeat,
    .tick = on_tick,
};

/* ---- the turn ---- */

/* store_retired_fn */
static void on_retired(void *ctx, struct store_consumer *consumer, unsigned signal, uint64_t first,
                       uint64_t last)
{
    struct router *r = ctx;
    if (r->dispatch) /* nothing is in hand while the store opens */
        dispatch_retired(r->dispatch, consumer, signal, first, last);
}

static void drain_is_over(struct router *r)
{
    if (r->told)
        return;
    r->told = true;
    r->options.drained(r->options.ctx);
}

static void on_deadline(void *ctx)
{
    drain_is_over(ctx);
}

static uint64_t interval_ms(const struct router *r)
{
    uint32_t ms = r->options.settings->fsync_interval_ms;
    return ms ? ms : DEFAULT_INTERVAL_MS;
}

static void on_interval(void *ctx)
{
    struct router *r = ctx;
    store_want_sync(r->store);
    loop_timer_set(r->interval, interval_ms(r));
}

/* Comes before the link's own chore, which looks for what the sending here has hidden from the
 * loop. */
static bool turn(void *ctx)
{
    struct router *r = ctx;
    struct ingress_fresh fresh;
    ingress_commit(r->ingress, &fresh);
    dispatch_fresh(r->dispatch, &fresh);
    bool more = dispatch_turn(r->dispatch);
    requests_turn(r->requests);
    ingress_start(r->ingress);
    sessions_end_of_turn(r->sessions);
    if (r->draining && !more && ingress_idle(r->ingress) && dispatch_idle(r->dispatch))
        drain_is_over(r);
    return more;
}

/* Comes behind the link's chore: what that has received must not wait for another event. */
static bool turn_again(void *ctx)
{
    const struct router *r = ctx;
    return sessions_unfinished(r->sessions);
}

void router_drain(struct router *r, uint32_t within_ms)
{
    r->draining = true;
    dispatch_drain(r->dispatch);
    loop_timer_set(r->deadline, within_ms);
}

void router_reconfigure(struct router *r, const Masques__Control__Reconfigure *reconfigure)
{
    int err = subscribers_reconfigure(r->subscribers, reconfigure->subscriptions,
                                      reconfigure->n_subscriptions);
    if (err == GW_OK)
        log_info(r->log, "the configuration names %zu exporters now", reconfigure->n_subscriptions);
}

void router_expect(struct router *r, const Masques__Control__Expect *expect)
{
    sessions_expect(r->sessions, expect->name, (pid_t)expect->pid, expect->spawn);
}

/* ---- what is seen ---- */

void router_fill_beat(struct router *r, Masques__Control__Beat *beat)
{
    struct report_sources from = {.store = r->store,
                                  .sessions = r->sessions,
                                  .subscribers = r->subscribers,
                                  .ingress = r->ingress,
                                  .seen = r->seen,
                                  .letters = r->letters,
                                  .torn_bytes = r->found.torn_bytes,
                                  .wall_ns = clock_wall_ns(),
                                  .now_ms = loop_now_ms(r->loop)};
    report_fill(r->report, &from, beat);
    beat->state = (char *)(uintptr_t)(r->draining ? "draining" : "running");
    if (ingress_error(r->ingress)[0])
        beat->error = (char *)(uintptr_t)ingress_error(r->ingress); /* packed, never written to */
}

static bool outlives_power(const struct store *store)
{
    struct statfs fs;
    return fstatfs(store_directory_fd(store), &fs) == 0 && fs.f_type != TMPFS_MAGIC_NUMBER;
}

void router_say_left(const struct router *r)
{
    report_left(r->log, r->store, r->subscribers, r->options.settings->store_directory,
                outlives_power(r->store));
}

/* ---- life ---- */

static enum store_sync sync_of(Masques__Control__Fsync fsync)
{
    switch (fsync) {
    case MASQUES__CONTROL__FSYNC__FSYNC_NONE:
        return STORE_SYNC_NONE;
    case MASQUES__CONTROL__FSYNC__FSYNC_INTERVAL:
        return STORE_SYNC_INTERVAL;
    default: /* what we do not know must not be less safe than it says */
        return STORE_SYNC_ALWAYS;
    }
}

static int open_store(struct router *r, char *why, size_t why_size)
{
    const Masques__Control__RouterSettings *settings = r->options.settings;
    uint64_t batch = settings->max_batch < MAX_BATCH_BYTES ? settings->max_batch : MAX_BATCH_BYTES;
    struct store_options options = {
        .directory = settings->store_directory,
        .max_bytes = settings->max_bytes,
        .segment_bytes =
            settings->segment_bytes < UINT32_MAX ? (uint32_t)settings->segment_bytes : 0,
        .max_batch_bytes = (uint32_t)batch,
        .sync = sync_of(settings->fsync),
        .background = true,
        .now_ns = clock_wall_ns(),
        .log = r->log,
        .on_retired = on_retired,
        .ctx = r,
    };
    int err = store_open(&options, &r->store, &r->found);
    if (err != GW_OK)
        snprintf(why, why_size, "%s",
                 r->found.error[0] ? r->found.error : "the store cannot be opened");
    else
        report_recovery(r->log, &r->found);
    return err;
}

/* Binds, with the turn's chores on both sides of the link's. */
static int open_bus(struct router *r, struct link_context *context, char *why, size_t why_size)
{
    struct sessions_options options = {
        .endpoint = r->options.endpoint,
        .first_session = store_generation(r->store) << SESSION_SHIFT,
        .beat_ms = r->options.beat_ms,
        .silence_ms = r->options.silence_ms,
    };
    const char *fault = gw_strerror(GW_ERR_NOMEM);
    if (loop_add_chore(r->loop, turn, r) == GW_OK)
        r->sessions = sessions_new(r->loop, context, &options, &sessions_events, r, r->log, &fault);
    if (r->sessions && loop_add_chore(r->loop, turn_again, r) == GW_OK)
        return GW_OK;
    snprintf(why, why_size, "cannot listen on %s: %s", r->options.endpoint, fault);
    return GW_ERR_IO;
}

static struct dead_letters *open_letters(const struct router *r)
{
    struct dead_letters_options options = {
        .store_fd = store_directory_fd(r->store),
        .uuid = store_uuid(r->store),
        .generation = store_generation(r->store),
        .quota_bytes = r->options.settings->dead_letter_bytes,
        .synced = r->options.settings->fsync != MASQUES__CONTROL__FSYNC__FSYNC_NONE,
        .log = r->log,
    };
    return dead_letters_open(&options);
}

static struct requests *new_requests(struct router *r)
{
    struct requests_house house = {
        .loop = r->loop,
        .store = r->store,
        .sessions = r->sessions,
        .subscribers = r->subscribers,
        .dispatch = r->dispatch,
        .letters = r->letters,
        .log = r->log,
        .detached = r->options.detached,
        .ctx = r->options.ctx,
    };
    return requests_new(&house);
}

static int build(struct router *r, char *why, size_t why_size)
{
    const Masques__Control__RouterSettings *settings = r->options.settings;
    uint64_t memory = settings->memory_bytes ? settings->memory_bytes : DEFAULT_MEMORY_BYTES;
    int err;
    r->subscribers = subscribers_new(r->store, settings->subscriptions, settings->n_subscriptions,
                                     loop_now_ms(r->loop), r->log, &err);
    if (!r->subscribers) {
        snprintf(why, why_size, "the exporters cannot be registered: %s", gw_strerror(err));
        return err;
    }
    /* Half of the memory for what workers send, half for what travels with its bytes to exporters.
     */
    r->seen = seen_new();
    r->ingress = ingress_new(r->loop, r->store, r->sessions, memory / 2, r->seen,
                             settings->store_directory, r->log);
    r->letters = open_letters(r);
    if (r->letters)
        r->dispatch = dispatch_new(r->loop, r->store, r->sessions, r->subscribers, r->letters,
                                   memory / 2, r->log);
    r->requests = r->dispatch ? new_requests(r) : NULL;
    r->report = report_new();
    r->deadline = loop_timer_new(r->loop, on_deadline, r);
    r->interval = loop_timer_new(r->loop, on_interval, r);
    snprintf(why, why_size, "no memory");
    if (!r->seen || !r->ingress || !r->requests || !r->report || !r->deadline || !r->interval)
        return GW_ERR_NOMEM;
    if (settings->fsync == MASQUES__CONTROL__FSYNC__FSYNC_INTERVAL)
        loop_timer_set(r->interval, interval_ms(r));
    return GW_OK;
}

static enum router_failure failure_of(int err)
{
    return err == GW_ERR_UNSUPPORTED || err == GW_ERR_CORRUPT || err == GW_ERR_INVALID
               ? ROUTER_FAILURE_LASTING
               : ROUTER_FAILURE_PASSING;
}

struct router *router_new(struct loop *loop, struct link_context *context,
                          const struct router_options *options, const struct log *log, char *why,
                          size_t why_size, enum router_failure *failure)
{
    struct router *r = calloc(1, sizeof *r);
    int err = GW_ERR_NOMEM;
    snprintf(why, why_size, "no memory");
    if (r) {
        r->loop = loop;
        r->log = log;
        r->options = *options;
        err = open_store(r, why, why_size);
    }
    if (err == GW_OK)
        err = open_bus(r, context, why, why_size);
    if (err == GW_OK)
        err = build(r, why, why_size);
    if (err == GW_OK)
        return r;
    *failure = failure_of(err);
    router_free(&r);
    return NULL;
}

void router_free(struct router **at)
{
    struct router *r = *at;
    *at = NULL;
    if (!r)
        return;
    loop_remove_chore(r->loop, turn, r);
    loop_remove_chore(r->loop, turn_again, r);
    loop_timer_free(&r->deadline);
    loop_timer_free(&r->interval);
    requests_free(&r->requests);
    dispatch_free(&r->dispatch);
    ingress_free(&r->ingress);
    sessions_free(&r->sessions);
    subscribers_free(&r->subscribers);
    dead_letters_free(&r->letters);
    report_free(&r->report);
    seen_free(&r->seen);
    if (r->store)
        store_close(&r->store);
    free(r);
}
