// SPDX-License-Identifier: Apache-2.0
#include "exporters/common/run.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exporters/common/session.h"
#include "shared/control/child.h"

#define TIDY_MS 1000u
#define NAME_WAIT_MS 3000u      /* by hand: the name of one that died without BYE is free after 2 s */
#define PATIENCE_MS 3000u       /* by hand: with a router that does not answer, before it is said */
#define CONFIRM_MS 500u         /* at the end: for the router to confirm the last verdicts */
#define ERROR_MAX_BYTES 256u

enum state {
    STATE_WAITING,  /* no session with the router */
    STATE_RUNNING,  /* takes deliveries */
    STATE_DRAINING, /* finishes what it holds */
    STATE_DETACHED, /* the router does not know the name any more */
    STATE_CLOSED,   /* the destination is gone for good */
};

static const char *const state_names[] = {
    [STATE_WAITING] = "waiting for the router",
    [STATE_RUNNING] = "running",
    [STATE_DRAINING] = "draining",
    [STATE_DETACHED] = "detached",
    [STATE_CLOSED] = "closed",
};

struct exporter_host {
    const struct exporter_ops *ops;
    void *exporter; /* what ops->open() returned; NULL before and after */
    void *options;
    struct exporter_settings settings;
    struct log log;
    struct loop *loop;
    struct link_context *context;
    struct reader *reader;
    struct session *session;
    struct child *child;         /* NULL: started by hand */
    struct loop_timer *deadline; /* of the drain, or of waiting for the name */
    struct loop_timer *tidy;
    struct loop_timer *patience; /* by hand: the router should have answered by then */
    enum state state;
    bool degraded;
    bool complained; /* the log has what degrades it */
    bool detached; /* it is the router that wants it to end */
    bool ending;
    int exit_code;
    uint64_t refused_since_ms; /* 0: the name was not refused */
    char error[ERROR_MAX_BYTES];
    uint64_t beat_lists[2][SESSION_SIGNALS];
};

struct loop *exporter_loop(struct exporter_host *host)
{
    return host->loop;
}

const struct log *exporter_log(const struct exporter_host *host)
{
    return &host->log;
}

bool exporter_synced(const struct exporter_host *host)
{
    return host->settings.synced;
}

uint64_t exporter_run(const struct exporter_host *host)
{
    return host->session ? session_run(host->session) : 0; /* it is not there while it opens */
}

/* ---- state ---- */

static bool is_last(enum state state)
{
    return state == STATE_DETACHED || state == STATE_CLOSED;
}

static void set_state(struct exporter_host *host, enum state state)
{
    if (host->state == state || is_last(host->state))
        return;
    host->state = state;
    if (host->child)
        child_beat(host->child);
}

static void set_trouble(struct exporter_host *host, const char *error, bool degraded)
{
    snprintf(host->error, sizeof host->error, "%s", error ? error : "");
    host->degraded = error && degraded;
}

void exporter_trouble(struct exporter_host *host, const char *error, bool degraded)
{
    set_trouble(host, error, degraded);
    if (host->degraded && !host->complained)
        log_warn(&host->log, "degraded: %s; it is tried again", error);
    else if (!error && host->complained)
        log_info(&host->log, "not degraded any more");
    host->complained = host->degraded || (error && host->complained);
}

/* The loop ends after this turn. */
static void end(struct exporter_host *host, int exit_code)
{
    if (!host->ending)
        host->exit_code = exit_code;
    if (host->detached)
        set_state(host, STATE_DETACHED);
    host->ending = true;
    loop_stop(host->loop);
}

void exporter_closed(struct exporter_host *host, const char *why)
{
    if (host->state == STATE_CLOSED)
        return;
    log_info(&host->log, "%s: nothing more is delivered here", why);
    set_trouble(host, why, false);
    if (host->session) /* not yet while it opens */
        session_stop_taking(host->session);
    set_state(host, STATE_CLOSED);
    end(host, EXIT_SUCCESS);
}

/* ---- draining ---- */

static void on_deadline(void *ctx)
{
    struct exporter_host *host = ctx;
    size_t left = session_in_progress(host->session);
    if (left)
        log_warn(&host->log, "%zu deliveries are left unfinished; the router keeps them", left);
    end(host, EXIT_SUCCESS);
}

/* A drain ends when nothing is held any more; unconfirmed verdicts get a little time of their own. */
static void drain_step(struct exporter_host *host)
{
    if (host->state != STATE_DRAINING || session_in_progress(host->session))
        return;
    if (session_unconfirmed(host->session) == 0 || !session_is_up(host->session))
        end(host, EXIT_SUCCESS);
    else
        loop_timer_set(host->deadline, CONFIRM_MS);
}

static void drain(struct exporter_host *host, uint32_t within_ms)
{
    if (host->state == STATE_DRAINING || is_last(host->state))
        return;
    session_stop_taking(host->session);
    set_state(host, STATE_DRAINING);
    loop_timer_set(host->deadline, within_ms ? within_ms : host->settings.drain_ms);
    if (host->ops->flush)
        host->ops->flush(host->exporter);
    drain_step(host);
}

/* ---- the session's events ---- */

/* Whether `fd` is the directory of the store that the router welcomes us to, which may be another than last time. */
static bool store_is(int fd, const Masques__Bus__Welcome *w)
{
    struct stat st;
    return fd >= 0 && fstat(fd, &st) == 0 && st.st_dev == (dev_t)w->device && st.st_ino == (ino_t)w->inode;
}

/* The store's directory, if it is on this machine and may be read. -1: it is not. */
static int store_find(const Masques__Bus__Welcome *welcome)
{
    int fd = open(welcome->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    /* Another host, or container, may have another directory there; and what is listed may not be readable. */
    if (store_is(fd, welcome) && faccessat(fd, ".", R_OK | X_OK, AT_EACCESS) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static void on_push(void *ctx, struct delivery *delivery)
{
    struct exporter_host *host = ctx;
    host->ops->push(host->exporter, delivery);
}

static void on_cancel(void *ctx, struct delivery *delivery)
{
    struct exporter_host *host = ctx;
    host->ops->cancel(host->exporter, delivery);
}

static void on_progressed(void *ctx, struct delivery *delivery)
{
    struct exporter_host *host = ctx;
    if (host->ops->progressed)
        host->ops->progressed(host->exporter, delivery);
}

static bool on_welcome(void *ctx, const Masques__Bus__Welcome *welcome)
{
    struct exporter_host *host = ctx;
    host->settings.synced |= welcome->synced;
    if (welcome->directory[0] && !store_is(host->settings.store_fd, welcome)) {
        host->settings.store_fd = store_find(welcome);
        reader_set_store(host->reader, host->settings.store_fd);
    }
    return host->settings.store_fd >= 0;
}

static void on_router_drain(void *ctx, uint32_t within_ms)
{
    struct exporter_host *host = ctx;
    log_info(&host->log, "the router detaches this exporter");
    host->detached = true;
    drain(host, within_ms);
}

static void on_refused(void *ctx, bool fenced, const char *why)
{
    struct exporter_host *host = ctx;
    if (fenced) {
        log_error(&host->log, "another exporter took the name \"%s\": %s", host->settings.name, why);
        end(host, EXIT_FAILURE);
        return;
    }
    uint64_t now = loop_now_ms(host->loop);
    if (host->refused_since_ms == 0) {
        host->refused_since_ms = now;
        log_warn(&host->log, "%s", why);
    }
    /* Our own last session may still count as alive; a name that another really has is not ours to wait for. */
    bool by_hand = !host->child && !session_was_up(host->session);
    if (by_hand && now - host->refused_since_ms >= NAME_WAIT_MS) {
        log_error(&host->log, "the name \"%s\" stays in use; --name gives another, --replace takes it",
                  host->settings.name);
        end(host, EXIT_FAILURE);
    }
}

static void on_changed(void *ctx)
{
    struct exporter_host *host = ctx;
    if (!host->session) /* still being made */
        return;
    if (host->detached && !session_is_up(host->session)) { /* HELLO would register the name again */
        end(host, EXIT_SUCCESS);
        return;
    }
    if (host->state == STATE_DRAINING) {
        drain_step(host);
        return;
    }
    bool up = session_is_up(host->session);
    if (up)
        host->refused_since_ms = 0;
    set_state(host, up ? STATE_RUNNING : STATE_WAITING);
}

static void on_health(void *ctx, Masques__Bus__Health *health, const char **error)
{
    const struct exporter_host *host = ctx;
    *health = host->state == STATE_CLOSED ? MASQUES__BUS__HEALTH__HEALTH_CLOSED
              : host->degraded            ? MASQUES__BUS__HEALTH__HEALTH_DEGRADED
                                          : MASQUES__BUS__HEALTH__HEALTH_OK;
    if (host->error[0])
        *error = host->error;
}

static const struct session_events session_events = {
    .push = on_push,
    .cancel = on_cancel,
    .progressed = on_progressed,
    .welcome = on_welcome,
    .drain = on_router_drain,
    .refused = on_refused,
    .changed = on_changed,
    .health = on_health,
};

/* ---- the master's events ---- */

static void on_master_drain(void *ctx, uint32_t within_ms)
{
    drain(ctx, within_ms);
}

static void on_master_stop(void *ctx)
{
    end(ctx, EXIT_SUCCESS);
}

static void fill_beat(void *ctx, Masques__Control__Beat *beat)
{
    struct exporter_host *host = ctx;
    beat->state = (char *)state_names[host->state];
    if (host->error[0])
        beat->error = host->error;
    if (!host->session) /* it could not be opened */
        return;
    const struct session_counters *counters = session_counters(host->session);
    memcpy(host->beat_lists[0], counters->delivered, sizeof counters->delivered);
    memcpy(host->beat_lists[1], counters->rejected, sizeof counters->rejected);
    beat->n_delivered = SESSION_SIGNALS;
    beat->delivered = host->beat_lists[0];
    beat->n_rejected = SESSION_SIGNALS;
    beat->rejected = host->beat_lists[1];
}

static const struct child_events child_events = {
    .drain = on_master_drain,
    .stop = on_master_stop,
    .fill_beat = fill_beat,
};

/* By hand: the first signal drains, the second ends. */
static void on_signal(void *ctx, int signum)
{
    struct exporter_host *host = ctx;
    (void)signum;
    if (host->state == STATE_DRAINING)
        end(host, EXIT_SUCCESS);
    else
        drain(host, host->settings.drain_ms);
}

/* ---- start and end ---- */

static void on_tidy(void *ctx)
{
    struct exporter_host *host = ctx;
    reader_tidy(host->reader);
    loop_timer_set(host->tidy, TIDY_MS);
}

/* Nobody watches over one that was started by hand but the one who did it. */
static void on_patience_over(void *ctx)
{
    struct exporter_host *host = ctx;
    if (!session_was_up(host->session) && host->refused_since_ms == 0)
        log_warn(&host->log, "no router answers at %s: waiting for it", host->settings.endpoint);
}

/* The identity that HELLO claims. */
static struct session_identity identity_of(const struct exporter_host *host)
{
    const struct exporter_settings *set = &host->settings;
    const struct exporter_wishes *own = &host->ops->wishes;
    const struct exporter_wishes *given = &set->wishes;
    return (struct session_identity){
        .name = set->name,
        .type = host->ops->type,
        .signals = set->signals,
        .mode = set->mode,
        .start = set->start,
        .max_records = given->max_records ? given->max_records : own->max_records,
        .max_bytes = given->max_bytes ? given->max_bytes : own->max_bytes,
        .linger_ms = given->linger_ms ? given->linger_ms : own->linger_ms,
        .in_flight = given->in_flight ? given->in_flight : own->in_flight,
        .local = set->store_fd >= 0,
        .replace = set->replace,
        .credit_bytes = host->ops->credit_bytes ? host->ops->credit_bytes : SESSION_CREDIT_BYTES,
    };
}

/* What must be there before anything runs. NULL, or what could not be had. */
static const char *host_build(struct exporter_host *host)
{
    host->loop = loop_new();
    host->context = link_context_new();
    host->reader = reader_new(host->settings.store_fd);
    if (!host->loop || !host->context || !host->reader)
        return "no memory";
    host->deadline = loop_timer_new(host->loop, on_deadline, host);
    host->tidy = loop_timer_new(host->loop, on_tidy, host);
    host->patience = loop_timer_new(host->loop, on_patience_over, host);
    return host->deadline && host->tidy && host->patience ? NULL : "no memory";
}

/* The destination, then the way to the router. NULL, or what failed. */
static const char *host_open(struct exporter_host *host)
{
    const char *why = "cannot be opened";
    host->exporter = host->ops->open(host, host->options, &why);
    if (!host->exporter)
        return why;
    struct session_identity identity = identity_of(host);
    host->session = session_new(host->loop, host->context, host->settings.endpoint, &identity,
                                host->reader, &session_events, host, &host->log);
    return host->session ? NULL : "no memory";
}

/* Listens to whoever may end us: the master, or signals. NULL, or what failed. */
static const char *host_obey(struct exporter_host *host, bool spawned)
{
    if (spawned) {
        host->child = child_new(host->loop, &child_events, host, &host->log);
        return host->child ? NULL : "no memory";
    }
    if (loop_on_signal(host->loop, SIGTERM, on_signal, host) < 0 ||
        loop_on_signal(host->loop, SIGINT, on_signal, host) < 0)
        return "no memory";
    return NULL;
}

static void host_tear_down(struct exporter_host *host)
{
    if (host->exporter)
        host->ops->close(host->exporter);
    session_free(&host->session);
    child_free(&host->child);
    loop_timer_free(&host->deadline);
    loop_timer_free(&host->tidy);
    loop_timer_free(&host->patience);
    if (host->reader)
        reader_free(&host->reader);
    if (host->loop)
        loop_free(&host->loop);
    if (host->context)
        link_context_free(&host->context);
}

/* The master shows the reason, and tries again. */
static void say_failure(struct exporter_host *host, const char *why)
{
    log_error(&host->log, "cannot start: %s", why);
    snprintf(host->error, sizeof host->error, "%s", why);
    if (host->child)
        child_beat(host->child);
}

int run_exporter(const struct exporter_ops *ops, void *options, const struct exporter_settings *settings, bool spawned)
{
    struct exporter_host host = {.ops = ops, .options = options, .settings = *settings};
    host.log = (struct log){.who = settings->name, .level = settings->log_level, .fd = STDERR_FILENO};
    const char *why = host_build(&host);
    if (!why)
        why = host_obey(&host, spawned);
    if (!why)
        why = host_open(&host);
    if (why) {
        say_failure(&host, why);
        host.exit_code = EXIT_FAILURE;
    } else {
        if (host.child)
            child_ready(host.child, ops->type);
        else
            loop_timer_set(host.patience, PATIENCE_MS);
        loop_timer_set(host.tidy, TIDY_MS);
        loop_run(host.loop);
    }
    host_tear_down(&host);
    return host.exit_code;
}
