// SPDX-License-Identifier: Apache-2.0
/* The console between a bound link that plays the router and a pipe that plays the terminal. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "exporters/common/session.h"
#include "exporters/console/console.h"
#include "tests/support/suite.h"
#include "tests/unit/exporters/console/wire_writer.h"

#define LIMIT_MS 120000u
#define BIG_BYTES 200000u /* far more than the pipe holds */

struct world;
typedef bool (*step_fn)(struct world *w);

struct world {
    char dir[64];
    char endpoint[96];
    int fds[2]; /* the terminal */
    struct loop *loop;
    struct link_context *context;
    struct link *router;
    struct reader *reader;
    struct session *session;
    struct console *console;
    struct loop_timer *limit;
    struct log log;
    uint32_t route;
    bool welcomed;
    unsigned heartbeats;
    unsigned verdicts;
    unsigned closed;
    size_t got; /* bytes read from the terminal */
    char text[4096];
    struct buf request;
    const step_fn *step;
};

static void say(struct world *w, Masques__Bus__Frame *frame, const struct slice *payload)
{
    struct link_payload list = {0};
    if (payload)
        list.bytes = *payload;
    frame->session = 1;
    ck_assert_int_eq(link_send(w->router, w->route, frame, &list, payload != NULL), 0);
}

static void router_hears(void *ctx, struct link_message *message)
{
    struct world *w = ctx;
    w->route = message->route;
    switch (message->frame->body_case) {
    case MASQUES__BUS__FRAME__BODY_HELLO: {
        Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
        Masques__Bus__Welcome welcome = MASQUES__BUS__WELCOME__INIT;
        welcome.session = 1;
        frame.body_case = MASQUES__BUS__FRAME__BODY_WELCOME;
        frame.welcome = &welcome;
        say(w, &frame, NULL);
        break;
    }
    case MASQUES__BUS__FRAME__BODY_CREDIT:
        w->welcomed = true;
        break;
    case MASQUES__BUS__FRAME__BODY_HEARTBEAT: {
        /* answered, or the session would be over after 2 s */
        Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
        Masques__Bus__Heartbeat beat = MASQUES__BUS__HEARTBEAT__INIT;
        frame.body_case = MASQUES__BUS__FRAME__BODY_HEARTBEAT;
        frame.heartbeat = &beat;
        say(w, &frame, NULL);
        w->heartbeats++;
        break;
    }
    case MASQUES__BUS__FRAME__BODY_DELIVERY_VERDICT:
        ck_assert_int_eq(message->frame->delivery_verdict->outcome, MASQUES__BUS__OUTCOME__DONE);
        w->verdicts++;
        break;
    default:
        break;
    }
    link_message_free(&message);
}

static void say_about(struct world *w, bool cancel, uint64_t first)
{
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    Masques__Bus__DeliveryId id = MASQUES__BUS__DELIVERY_ID__INIT;
    Masques__Bus__Deliver deliver = MASQUES__BUS__DELIVER__INIT;
    Masques__Bus__Cancel withdrawn = MASQUES__BUS__CANCEL__INIT;
    id.exporter = (char *)"debug";
    id.signal = MASQUES__BUS__SIGNAL__LOGS;
    id.first = id.last = first;
    deliver.id = withdrawn.id = &id;
    deliver.attempt = 1;
    deliver.records = 1;
    frame.body_case = cancel ? MASQUES__BUS__FRAME__BODY_CANCEL : MASQUES__BUS__FRAME__BODY_DELIVER;
    if (cancel)
        frame.cancel = &withdrawn;
    else
        frame.deliver = &deliver;
    struct slice payload = buf_slice(&w->request);
    say(w, &frame, cancel ? NULL : &payload);
}

/* ---- the exporter ---- */

static void on_push(void *ctx, struct delivery *delivery)
{
    struct world *w = ctx;
    console_push(w->console, delivery);
}

static void on_cancel(void *ctx, struct delivery *delivery)
{
    struct world *w = ctx;
    console_cancel(w->console, delivery);
}

static void on_drain(void *ctx, uint32_t within_ms)
{
    (void)ctx;
    (void)within_ms;
}

static void on_refused(void *ctx, bool fenced, const char *why)
{
    (void)ctx;
    (void)fenced;
    (void)why;
}

static void on_changed(void *ctx)
{
    (void)ctx;
}

static void on_health(void *ctx, Masques__Bus__Health *health, const char **error)
{
    (void)ctx;
    (void)health;
    (void)error;
}

static void on_closed(void *ctx, const char *why)
{
    struct world *w = ctx;
    (void)why;
    w->closed++;
}

static void on_trouble(void *ctx, const char *error)
{
    (void)ctx;
    (void)error;
}

static bool on_welcome(void *ctx, const Masques__Bus__Welcome *welcome)
{
    (void)ctx;
    (void)welcome;
    return false;
}

static const struct session_events session_events = {on_push, on_cancel, NULL, on_welcome, on_drain, on_refused, on_changed,
                                                     on_health};
static const struct console_events console_events = {on_closed, on_trouble};

static bool pipe_is_full(struct world *w);
static bool read_all_but_the_last(struct world *w);
static bool read_the_rest(struct world *w);

static bool chore(void *ctx)
{
    struct world *w = ctx;
    while (*w->step && (*w->step)(w))
        w->step++;
    if (!*w->step)
        loop_stop(w->loop);
    /* Nothing of the loop tells of bytes in the pipe: those steps are asked again at once. */
    return *w->step == pipe_is_full || *w->step == read_all_but_the_last || *w->step == read_the_rest;
}

static void too_long(void *ctx)
{
    (void)ctx;
    ck_abort_msg("the step never came through");
}

/* Takes `request`, which every delivery then carries. */
static void play_matching(struct world *w, uint32_t format, const char *match, struct buf request,
                          const step_fn *steps)
{
    memset(w, 0, sizeof *w);
    setenv("TZ", "UTC", 1);
    snprintf(w->dir, sizeof w->dir, "/tmp/masques-console-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(w->dir));
    snprintf(w->endpoint, sizeof w->endpoint, "ipc://%s/bus", w->dir);
    ck_assert_int_eq(pipe(w->fds), 0);
    ck_assert_int_ge(fcntl(w->fds[1], F_SETPIPE_SZ, 4096), 0);
    w->log = (struct log){.who = "test", .level = LOG_LEVEL_ERROR, .fd = STDERR_FILENO};
    w->request = request;
    w->step = steps;
    w->loop = loop_new();
    w->context = link_context_new();
    w->reader = reader_new(-1);
    const char *why = NULL;
    w->router = link_bind(w->loop, w->context, w->endpoint, router_hears, w, &w->log, &why);
    ck_assert_msg(w->router != NULL, "%s", why);
    struct console_options options = {.format = format, .color = CONSOLE_COLOR_AUTO};
    snprintf(options.match, sizeof options.match, "%s", match);
    w->console = console_new(w->loop, w->fds[1], &options, &console_events, w);
    const struct session_identity identity = {.name = "debug", .type = "console", .signals = 0xe};
    w->session = session_new(w->loop, w->context, w->endpoint, &identity, w->reader,
                             &session_events, w, &w->log);
    ck_assert_int_eq(loop_add_chore(w->loop, chore, w), 0);
    w->limit = loop_timer_new(w->loop, too_long, w);
    loop_timer_set(w->limit, LIMIT_MS);
    loop_run(w->loop);
    console_free(&w->console);
    session_free(&w->session);
    link_close(&w->router);
    loop_timer_free(&w->limit);
    loop_free(&w->loop);
    link_context_free(&w->context);
    reader_free(&w->reader);
    buf_free(&w->request);
    if (w->fds[0] >= 0)
        close(w->fds[0]);
    close(w->fds[1]);
    char path[96];
    snprintf(path, sizeof path, "%s/bus", w->dir);
    unlink(path);
    rmdir(w->dir);
}

static void play(struct world *w, uint32_t format, struct buf request, const step_fn *steps)
{
    play_matching(w, format, "", request, steps);
}

static struct buf request_of(size_t body_bytes)
{
    struct buf record = ww_new(), body = ww_new(), text = ww_new();
    ww_fixed64(&record, 1, 1795348800123000000u);
    for (size_t i = 0; i < body_bytes; i++)
        buf_byte(&text, 'x');
    ww_bytes(&body, 1, buf_slice(&text));
    buf_free(&text);
    ww_message(&record, 5, &body);
    return ww_request("checkout", "lib", &record);
}

/* ---- steps ---- */

static bool up(struct world *w)
{
    return w->welcomed;
}

static bool deliver(struct world *w)
{
    say_about(w, false, 1);
    return true;
}

static bool deliver_other(struct world *w)
{
    say_about(w, false, 2);
    return true;
}

static bool cancel(struct world *w)
{
    say_about(w, true, 1);
    return true;
}

static bool verdict_came(struct world *w)
{
    return w->verdicts == 1;
}

static bool closed(struct world *w)
{
    return w->closed == 1;
}

static bool pipe_is_full(struct world *w)
{
    int waiting = 0;
    ck_assert_int_eq(ioctl(w->fds[0], FIONREAD, &waiting), 0);
    return waiting >= 4096;
}

static bool two_heartbeats(struct world *w)
{
    return w->heartbeats >= 2;
}

static bool cancelled(struct world *w)
{
    return session_in_progress(w->session) == 0;
}

static bool close_reading_end(struct world *w)
{
    close(w->fds[0]);
    w->fds[0] = -1;
    return true;
}

/* Reads what is there; true when all of the big text has come but its last byte. */
static bool read_all_but_the_last(struct world *w)
{
    int waiting = 0;
    ck_assert_int_eq(ioctl(w->fds[0], FIONREAD, &waiting), 0);
    char piece[4096];
    size_t want = (size_t)waiting < sizeof piece ? (size_t)waiting : sizeof piece;
    ck_assert_uint_eq(w->verdicts, 0); /* never before the last byte was taken */
    if (want == 0)
        return false;
    ssize_t n = read(w->fds[0], piece, want);
    ck_assert_int_gt(n, 0);
    w->got += (size_t)n;
    return w->got > BIG_BYTES - 8192;
}

static bool read_the_rest(struct world *w)
{
    int waiting = 0;
    ck_assert_int_eq(ioctl(w->fds[0], FIONREAD, &waiting), 0);
    char piece[4096];
    while (waiting > 0) {
        ssize_t n = read(w->fds[0], piece, sizeof piece < (size_t)waiting ? sizeof piece : (size_t)waiting);
        ck_assert_int_gt(n, 0);
        w->got += (size_t)n;
        waiting -= (int)n;
    }
    return w->verdicts == 1;
}

static bool text_came(struct world *w)
{
    ssize_t n = read(w->fds[0], w->text, sizeof w->text - 1);
    ck_assert_int_gt(n, 0);
    return true;
}

static bool pipe_is_empty(struct world *w)
{
    int waiting = -1;
    ck_assert_int_eq(ioctl(w->fds[0], FIONREAD, &waiting), 0);
    ck_assert_int_eq(waiting, 0);
    return true;
}

/* ---- tests ---- */

START_TEST(pretty_prints_lines)
{
    static const step_fn steps[] = {up, deliver, verdict_came, text_came, NULL};
    struct world w;
    play(&w, CONSOLE_PRETTY, request_of(3), steps);
    ck_assert_str_eq(w.text, "12:00:00.123  log     checkout      xxx\n");
}
END_TEST

START_TEST(json_prints_one_line_a_batch)
{
    static const step_fn steps[] = {up, deliver, verdict_came, text_came, NULL};
    struct world w;
    play(&w, CONSOLE_JSON, request_of(3), steps);
    ck_assert_str_eq(w.text, "{\"resourceLogs\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\","
                             "\"value\":{\"stringValue\":\"checkout\"}}]},\"scopeLogs\":[{\"scope\":"
                             "{\"name\":\"lib\"},\"logRecords\":[{\"timeUnixNano\":"
                             "\"1795348800123000000\",\"body\":{\"stringValue\":\"xxx\"}}]}]}]}\n");
}
END_TEST

/* Both formats: what matches is shown, what does not is done with all the same. */
START_TEST(what_does_not_match_is_not_shown_and_done)
{
    static const step_fn shown[] = {up, deliver, verdict_came, text_came, NULL};
    static const step_fn hidden[] = {up, deliver, verdict_came, pipe_is_empty, NULL};
    static const uint32_t formats[] = {CONSOLE_PRETTY, CONSOLE_JSON};
    for (size_t i = 0; i < 2; i++) {
        struct world w;
        play_matching(&w, formats[i], "CHECKOUT", request_of(3), shown);
        ck_assert(strstr(w.text, "checkout") && strchr(w.text, '\n') == w.text + strlen(w.text) - 1);
        play_matching(&w, formats[i], "something else", request_of(3), hidden);
    }
}
END_TEST

START_TEST(a_stopped_terminal_stops_no_heartbeat_and_no_verdict_comes_early)
{
    static const step_fn steps[] = {up, deliver, pipe_is_full, two_heartbeats, read_all_but_the_last,
                                    read_the_rest, NULL};
    struct world w;
    play(&w, CONSOLE_JSON, request_of(BIG_BYTES), steps);
    ck_assert_uint_gt(w.got, BIG_BYTES);
}
END_TEST

START_TEST(a_closed_terminal_is_told_and_gives_no_verdict)
{
    static const step_fn steps[] = {up, close_reading_end, deliver, closed, NULL};
    struct world w;
    play(&w, CONSOLE_PRETTY, request_of(3), steps);
    ck_assert_uint_eq(w.verdicts, 0);
}
END_TEST

START_TEST(a_withdrawn_delivery_gives_no_verdict_and_blocks_no_other)
{
    static const step_fn steps[] = {up, deliver, pipe_is_full, cancel, cancelled, deliver_other,
                                    read_the_rest, NULL};
    struct world w;
    play(&w, CONSOLE_JSON, request_of(BIG_BYTES), steps);
    ck_assert_uint_eq(w.verdicts, 1);
    ck_assert_uint_gt(w.got, 2 * BIG_BYTES); /* what was begun is written to its end */
}
END_TEST

START_TEST(colour_follows_the_option_then_the_terminal)
{
    int fds[2];
    ck_assert_int_eq(pipe(fds), 0);
    unsetenv("NO_COLOR");
    ck_assert(!console_wants_color(CONSOLE_COLOR_AUTO, fds[1]));
    ck_assert(console_wants_color(CONSOLE_COLOR_ALWAYS, fds[1]));
    int terminal = posix_openpt(O_RDWR | O_NOCTTY);
    if (terminal >= 0) {
        ck_assert(console_wants_color(CONSOLE_COLOR_AUTO, terminal));
        ck_assert(!console_wants_color(CONSOLE_COLOR_NEVER, terminal));
        setenv("NO_COLOR", "1", 1);
        ck_assert(!console_wants_color(CONSOLE_COLOR_AUTO, terminal));
        ck_assert(console_wants_color(CONSOLE_COLOR_ALWAYS, terminal));
        close(terminal);
    }
    close(fds[0]);
    close(fds[1]);
}
END_TEST

SUITE_MAIN("exporters/console/console", pretty_prints_lines, json_prints_one_line_a_batch,
           what_does_not_match_is_not_shown_and_done,
           a_stopped_terminal_stops_no_heartbeat_and_no_verdict_comes_early,
           a_closed_terminal_is_told_and_gives_no_verdict,
           a_withdrawn_delivery_gives_no_verdict_and_blocks_no_other,
           colour_follows_the_option_then_the_terminal)
