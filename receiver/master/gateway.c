// SPDX-License-Identifier: Apache-2.0
#include "receiver/master/gateway.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "receiver/master/control_socket.h"
#include "receiver/master/family.h"
#include "receiver/master/greeting.h"
#include "receiver/master/notify.h"
#include "receiver/master/pages.h"
#include "receiver/master/ports.h"
#include "receiver/master/ready_file.h"
#include "receiver/master/reload.h"
#include "receiver/master/standard_files.h"
#include "receiver/master/upgrade.h"
#include "shared/base/clock.h"
#include "shared/base/entropy.h"

#define HAND_OVER_WORKERS_MS 5000u   /* requests in flight, at most */
#define HAND_OVER_EXPORTERS_MS 1000u /* deliveries in progress, at most */
#define HAND_OVER_PAGES_MS 5000u     /* who asks meanwhile whether we are well waits for the start, but not longer */

enum course {
    COURSE_STAY,
    COURSE_HAND_OVER, /* the family ends, and another image of the program follows */
    COURSE_END,
};

struct gateway {
    const struct arguments *arguments;
    char **argv;
    char image[IMAGE_PATH_BYTES];
    struct config *config;
    struct log log;
    struct runtime_dir runtime;
    struct ports ports;
    uint64_t run; /* goes on over a hand-over: to exporters that is no new start of the gateway */
    bool goes_on; /* there was a family before this one */
    struct loop *loop;
    struct family_parts parts; /* the family borrows them */
    struct family *family;
    struct registrar *registrar;
    struct reload *reload;
    struct upgrade *upgrade;
    struct control_socket *control;
    struct pages *pages;
    struct standing standing;
    enum course course;
    bool reload_again;                  /* SIGHUP came while it could not be done */
    bool hand_over_again;               /* SIGUSR2 did */
    struct control_asker *reload_asker; /* who waits for the end of the reload; NULL: nobody */
    int exit_code;
};

static int fail(const char *sentence)
{
    fprintf(stderr, "masques-receiver: %s\n", sentence);
    return EXIT_FAILURE;
}

static void take_course(struct gateway *g, enum course course)
{
    g->course = course;
    g->standing.staying = course == COURSE_STAY;
}

/* ---- reload ----------------------------------------------------------------------------------------------------- */

/* Why neither a reload nor a hand-over can begin now; NULL: it can. */
static const char *occupied(const struct gateway *g)
{
    if (g->course != COURSE_STAY)
        return "the gateway is ending";
    if (!family_runs(g->family))
        return "the gateway is starting";
    if (reload_under_way(g->reload))
        return "the configuration is being read again already";
    if (upgrade_under_way(g->upgrade))
        return "another image of the program is being prepared";
    return NULL;
}

static void answer_reload(struct gateway *g, const char *error)
{
    Masques__Control__MasterAnswer answer = MASQUES__CONTROL__MASTER_ANSWER__INIT;
    struct control_asker *asker = g->reload_asker;
    g->reload_asker = NULL;
    answer.error = (char *)error;
    if (asker)
        control_socket_answer(asker, &answer);
}

static void refuse_reload(struct gateway *g, const char *why)
{
    snprintf(g->standing.reload_error, sizeof g->standing.reload_error, "%s", why);
    log_error(&g->log, "the configuration stays as it is: %s", why);
    notify_ready("accepting telemetry; the configuration could not be read again");
    answer_reload(g, why);
}

static void begin_reload(struct gateway *g)
{
    struct config_error err;
    struct config *next = NULL;
    char why[512];
    g->standing.reloaded_ns = clock_wall_ns();
    notify_reloading("reading the configuration again");
    if (!g->arguments->config) {
        refuse_reload(g, "the gateway was started without a configuration file");
        return;
    }
    if (config_load(g->arguments->config, &next, &err) != GW_OK) {
        refuse_reload(g, err.text);
        return;
    }
    for (size_t i = 0; i < next->warning_count; i++)
        log_warn(&g->log, "%s", next->warnings[i]);
    if (reload_begin(g->reload, next, why) != GW_OK) {
        refuse_reload(g, why);
        return;
    }
    g->standing.reload_error[0] = '\0';
    log_set_level(&g->log, (enum log_level)g->config->masques.log_level);
}

/* What came while it could not be done. A hand-over first: the next image reads the configuration anyway. */
static void do_what_waits(struct gateway *g)
{
    if (g->hand_over_again && !occupied(g)) {
        g->hand_over_again = false;
        upgrade_check(g->upgrade);
    }
    if (g->reload_again && !occupied(g)) {
        g->reload_again = false;
        begin_reload(g);
    }
}

/* A signal, now or as soon as it can be; while the family ends it is for nothing. `again` is its flag. */
static void follow(struct gateway *g, const char *signal_name, bool *again)
{
    const char *why = occupied(g);
    *again = g->course == COURSE_STAY;
    if (why)
        log_info(&g->log, "%s: %s; %s", signal_name, why, *again ? "it is followed after that" : "nothing is done");
    do_what_waits(g);
}

static void reload_done(void *ctx)
{
    struct gateway *g = ctx;
    notify_ready("accepting telemetry");
    answer_reload(g, "");
    do_what_waits(g);
}

static void asked_to_reload(void *ctx, int signum)
{
    struct gateway *g = ctx;
    (void)signum;
    follow(g, "SIGHUP", &g->reload_again);
}

/* ---- hand-over -------------------------------------------------------------------------------------------------- */

static void begin_hand_over(void *ctx, const char *error)
{
    struct gateway *g = ctx;
    uint64_t grace_ms = g->config->masques.grace_ns / CLOCK_NS_PER_MS;
    if (error) {
        log_error(&g->log, "this image of the program stays: %s", error);
        do_what_waits(g);
        return;
    }
    if (occupied(g))
        return;
    log_info(&g->log, "handing over to %s: finishing the requests in flight", g->image);
    notify_reloading("handing over to another image of the program");
    take_course(g, COURSE_HAND_OVER);
    pages_free(&g->pages); /* who asks meanwhile waits for the next image */
    family_hand_over(g->family, grace_ms < HAND_OVER_WORKERS_MS ? (uint32_t)grace_ms : HAND_OVER_WORKERS_MS,
                     HAND_OVER_EXPORTERS_MS);
}

static void asked_to_hand_over(void *ctx, int signum)
{
    struct gateway *g = ctx;
    (void)signum;
    follow(g, "SIGUSR2", &g->hand_over_again);
}

/* ---- what the family tells -------------------------------------------------------------------------------------- */

static void family_is_ready(void *ctx)
{
    struct gateway *g = ctx;
    g->standing.up_since_ns = clock_wall_ns();
    g->standing.up_since_mono_ns = clock_mono_ns();
    pages_open(g->pages);
    greeting_print(stderr, g->ports.list, g->ports.count);
    const char *file = g->arguments->ready_file;
    if (file && ready_file_write(file, g->ports.list, g->ports.count, family_bus(g->family)) != GW_OK)
        log_error(&g->log, "cannot write the ready file %s: %s", file, strerror(errno));
    notify_ready("accepting telemetry");
    do_what_waits(g);
}

static void family_failed(void *ctx, const char *why)
{
    struct gateway *g = ctx;
    if (g->course == COURSE_END)
        return;
    take_course(g, COURSE_END);
    g->exit_code = fail(why);
    family_end(g->family);
}

static void family_ended(void *ctx)
{
    struct gateway *g = ctx;
    loop_stop(g->loop);
}

static void family_detached(void *ctx, const char *name)
{
    struct gateway *g = ctx;
    registrar_detached(g->registrar, name);
}

static void stranger_ended(void *ctx, pid_t pid, int status)
{
    struct gateway *g = ctx;
    upgrade_ended(g->upgrade, pid, status);
}

static const struct family_events family_events = {
    .ready = family_is_ready,
    .failed = family_failed,
    .ended = family_ended,
    .detached = family_detached,
    .stranger_ended = stranger_ended,
};

/* ---- questions of masquesctl ------------------------------------------------------------------------------------ */

static void answer_where(struct gateway *g, struct control_asker *asker)
{
    Masques__Control__MasterAnswer answer = MASQUES__CONTROL__MASTER_ANSWER__INIT;
    const struct listener *health = ports_health(&g->ports);
    if (health) {
        answer.health = (char *)health->address;
        answer.health_path = g->config->health.path;
    }
    answer.bus = (char *)family_bus(g->family);
    answer.store = (char *)family_store(g->family);
    control_socket_answer(asker, &answer);
}

/* registrar_fn; `ctx` is who asked. */
static void answer_error(void *ctx, const char *error)
{
    Masques__Control__MasterAnswer answer = MASQUES__CONTROL__MASTER_ANSWER__INIT;
    answer.error = (char *)(error ? error : "");
    control_socket_answer(ctx, &answer);
}

static void asked_by_control(struct gateway *g, struct control_asker *asker)
{
    const char *why = occupied(g);
    if (why) {
        answer_error(asker, why);
        return;
    }
    g->reload_asker = asker;
    begin_reload(g);
}

static void asked(void *ctx, struct control_asker *asker, const Masques__Control__MasterRequest *request)
{
    struct gateway *g = ctx;
    switch (request->what_case) {
    case MASQUES__CONTROL__MASTER_REQUEST__WHAT_ATTACH:
        registrar_attach(g->registrar, request->attach, answer_error, asker);
        break;
    case MASQUES__CONTROL__MASTER_REQUEST__WHAT_WHERE:
        answer_where(g, asker);
        break;
    case MASQUES__CONTROL__MASTER_REQUEST__WHAT_RELOAD:
        asked_by_control(g, asker);
        break;
    default:
        answer_error(asker, "this version of the gateway does not know the question");
        break;
    }
}

/* ---- signals ---------------------------------------------------------------------------------------------------- */

static void asked_to_end(void *ctx, int signum)
{
    struct gateway *g = ctx;
    if (g->course == COURSE_END) {
        log_warn(&g->log, "asked a second time: ending at once");
        g->exit_code = EXIT_FAILURE;
        family_end(g->family);
        return;
    }
    take_course(g, COURSE_END);
    log_info(&g->log, "%s: finishing what is in flight", strsignal(signum));
    notify_stopping("finishing what is in flight");
    answer_reload(g, "the gateway is ending");
    family_drain(g->family, g->config->masques.grace_ns / CLOCK_NS_PER_MS);
}

static bool on_terminal(void)
{
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

/* Those first whose default would end a gateway that is about to start, though they do not ask for that. */
static const int signals[] = {SIGHUP, SIGUSR2, SIGTERM, SIGINT};
#define NOT_TO_END 2u
#define ALL_SIGNALS (sizeof signals / sizeof signals[0])

/* Blocked while nobody watches them: what comes then waits, also over execv(2). */
static void block_signals(int how, size_t count)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < count; i++)
        sigaddset(&set, signals[i]);
    sigprocmask(how, &set, NULL);
}

/* A daemon's operator means something else with SIGHUP than a terminal that goes away. Whether it comes from a terminal
 * is asked now: when it comes the terminal is gone. nohup(1) has it ignored. */
static int watch_signals(struct gateway *g)
{
    struct sigaction before;
    int err = loop_on_signal(g->loop, SIGTERM, asked_to_end, g);
    if (err == GW_OK)
        err = loop_on_signal(g->loop, SIGINT, asked_to_end, g);
    if (err == GW_OK)
        err = loop_on_signal(g->loop, SIGUSR2, asked_to_hand_over, g);
    if (err == GW_OK && (sigaction(SIGHUP, NULL, &before) != 0 || before.sa_handler != SIG_IGN))
        err = loop_on_signal(g->loop, SIGHUP, on_terminal() ? asked_to_end : asked_to_reload, g);
    return err;
}

/* ---- start and end ---------------------------------------------------------------------------------------------- */

/* Everything that lives on the loop. */
static int bring_up(struct gateway *g, char why[512])
{
    snprintf(why, 512, "no memory");
    g->loop = loop_new();
    if (!g->loop || watch_signals(g) != GW_OK)
        return GW_ERR_NOMEM;
    g->parts = (struct family_parts){
        .config = g->config,
        .runtime = &g->runtime,
        .listeners = g->ports.list,
        .listener_count = g->ports.otlp_count,
        .run = g->run,
        .log = &g->log,
    };
    g->family = family_new(g->loop, &g->parts, &family_events, g, why);
    if (!g->family)
        return GW_ERR_INVALID;
    g->control = control_socket_new(g->loop, g->runtime.path, asked, g, &g->log, why);
    if (!g->control)
        return GW_ERR_IO;
    g->registrar = registrar_new(g->loop, g->family, g->config, &g->log, why);
    if (!g->registrar)
        return GW_ERR_IO;
    snprintf(why, 512, "no memory");
    g->reload = reload_new(g->loop, g->family, g->registrar, g->config, reload_done, g, &g->log);
    g->upgrade = upgrade_new(g->loop, g->image, g->arguments->config, begin_hand_over, g, &g->log);
    g->pages = pages_new(g->loop, &g->ports, g->config, g->family, &g->standing, g->goes_on ? HAND_OVER_PAGES_MS : 0);
    return g->reload && g->upgrade && g->pages ? GW_OK : GW_ERR_NOMEM;
}

static void take_down(struct gateway *g)
{
    g->reload_asker = NULL;
    control_socket_free(&g->control);
    pages_free(&g->pages);
    upgrade_free(&g->upgrade);
    registrar_free(&g->registrar);
    family_free(&g->family);
    reload_free(&g->reload);
    loop_free(&g->loop);
}

static void close_all(struct gateway *g)
{
    take_down(g);
    ports_close(&g->ports);
    runtime_dir_close(&g->runtime);
    config_free(&g->config);
}

static int open_places(struct gateway *g, char why[512])
{
    struct inherited inherited;
    const char *ready_file = g->arguments->ready_file;
    int err = inherited_read(&inherited, why);
    g->goes_on = inherited.handed_over;
    g->run = inherited.run ? inherited.run : entropy_u64() | 1;
    if (err == GW_OK)
        err = runtime_dir_open(&g->runtime, g->config->masques.runtime_directory, inherited.lock, why);
    if (err == GW_OK)
        err = ports_open(&g->ports, g->config, &inherited, why);
    if (err == GW_OK && ready_file)
        err = ready_file_clear(ready_file, why);
    return err;
}

/* One family's life. 0, or an error with one sentence in `why`. */
static int live(struct gateway *g, char why[512])
{
    int err = bring_up(g, why);
    if (err != GW_OK)
        return err;
    take_course(g, COURSE_STAY);
    block_signals(SIG_UNBLOCK, ALL_SIGNALS);
    family_start(g->family);
    loop_run(g->loop);
    block_signals(SIG_BLOCK, ALL_SIGNALS);
    loop_turn(g->loop); /* one that came between the two is known to the loop, and to nobody who comes after it */
    return GW_OK;
}

/* Returns only when it could not be done. */
static void become_next(struct gateway *g)
{
    struct inherited what = ports_to_leave(&g->ports);
    what.lock = g->runtime.lock;
    what.run = g->run;
    upgrade_become(g->image, g->argv, &what);
    log_error(&g->log, "cannot become %s: %s; going on as before", g->image, strerror(errno));
}

static int run(struct gateway *g)
{
    char why[512] = "the standard descriptors cannot be put in order";
    block_signals(SIG_BLOCK, NOT_TO_END);
    if (standard_files_prepare() != GW_OK)
        return fail(why);
    g->log = (struct log){"receiver", (enum log_level)g->config->masques.log_level, STDERR_FILENO};
    for (size_t i = 0; i < g->config->warning_count; i++)
        log_warn(&g->log, "%s", g->config->warnings[i]);
    snprintf(why, sizeof why, "cannot find out which program this is");
    if (image_path(g->argv[0], g->image) != GW_OK || open_places(g, why) != GW_OK)
        return fail(why);
    if (!g->runtime.store_on_tmpfs && !g->config->masques.store.directory[0])
        log_warn(&g->log, "the store's directory %s is not on tmpfs: writing it costs the disk",
                 g->runtime.store);
    for (;;) {
        if (live(g, why) != GW_OK)
            return fail(why);
        if (g->course != COURSE_HAND_OVER)
            return g->exit_code;
        take_down(g);
        g->goes_on = true;
        become_next(g);
    }
}

int gateway_run(const struct arguments *arguments, char **argv, struct config *config)
{
    struct gateway *g = calloc(1, sizeof *g);
    if (!g) {
        config_free(&config);
        return fail("no memory");
    }
    *g = (struct gateway){.arguments = arguments, .argv = argv, .config = config, .runtime.lock = -1,
                          .standing.started_mono_ns = clock_mono_ns()};
    int code = run(g);
    close_all(g);
    free(g);
    return code;
}
