// SPDX-License-Identifier: Apache-2.0
/* A worker without its family: starts masques-receiver-worker with one listening socket, stands in for the router
 * and does with the batches what standard input says. For tests of the door and for measuring a worker alone.
 *
 *   worker_host [NAME=NUMBER]... WORKER-PROGRAM DIRECTORY
 *
 * NAME is a number of WorkerSettings in control.proto (headers_timeout_ms=300). DIRECTORY takes the bus socket. Standard output: "port N worker PID", then answers. Commands, one a line:
 *   store          every batch is stored (the default)
 *   refuse N MS    every batch is refused with masques.bus.Reason N
 *   hold           no verdicts; `store` answers what has come meanwhile
 *   down, up       the router goes away, and comes back without its memory
 *   stats          prints "messages M batches B distinct D records R bytes Y verdict-less V"
 *   beat           prints the worker's last beat: "beat STATE accepting 0|1 beats=N NAME=NUMBER..."
 *   drain          SIGTERM to the worker
 * At the end of input, or of the worker, prints the stats and "exit CODE user SECONDS sys SECONDS". */
#include <arpa/inet.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <masques/control.pb-c.h>

#include "shared/base/buf.h"
#include "shared/bus/link.h"
#include "shared/control/child.h"
#include "shared/control/packet.h"

#define CREDIT_BYTES (64u << 20)
#define BEAT_MS 1000u
#define NUMBERS_MAX (1u << 22) /* of one worker's life, for telling what came twice */

enum answer { ANSWER_STORE, ANSWER_REFUSE, ANSWER_HOLD };

struct host {
    struct loop *loop;
    struct link_context *context;
    struct log log;
    char endpoint[160];
    struct link *link;
    struct loop_timer *beat;
    struct event *input; /* commands */
    struct event *up;    /* the worker's beats */
    uint32_t route; /* of the worker; 0: none yet */
    uint64_t session;
    enum answer answer;
    uint32_t reason;
    uint32_t after_ms;
    pid_t worker;
    int control;
    int life;
    uint64_t messages, batches, distinct, records, bytes;
    uint8_t *seen;     /* bit by number */
    uint64_t *waiting; /* numbers without a verdict */
    size_t waiting_count, waiting_cap;
    struct buf last_beat;
    unsigned beats; /* so far */
};

static void fail(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

/* ---- the router's part ---- */

static void send_frame(struct host *host, Masques__Bus__Frame *frame)
{
    frame->session = host->session;
    if (host->link && link_send(host->link, host->route, frame, NULL, 0) != GW_OK)
        fprintf(stderr, "worker_host: a message could not be sent\n");
}

static void welcome(struct host *host, const struct link_message *message)
{
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    Masques__Bus__Welcome body = MASQUES__BUS__WELCOME__INIT;
    host->route = message->route;
    body.session = ++host->session;
    body.run = 1;
    body.credit = CREDIT_BYTES;
    body.wanted = 0xe;
    body.max_batch = 256u << 20;
    frame.body_case = MASQUES__BUS__FRAME__BODY_WELCOME;
    frame.welcome = &body;
    send_frame(host, &frame);
}

static void say_reset(struct host *host, uint32_t route)
{
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    Masques__Bus__Reset body = MASQUES__BUS__RESET__INIT;
    frame.body_case = MASQUES__BUS__FRAME__BODY_RESET;
    frame.reset = &body;
    host->route = route;
    send_frame(host, &frame);
}

/* Answers everything that waits. */
static void give_verdicts(struct host *host)
{
    if (host->answer == ANSWER_HOLD || host->waiting_count == 0)
        return;
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    Masques__Bus__PublishVerdict body = MASQUES__BUS__PUBLISH_VERDICT__INIT;
    size_t n = host->waiting_count;
    Masques__Bus__Refusal *refusals = calloc(n, sizeof *refusals);
    Masques__Bus__Refusal **list = calloc(n, sizeof(Masques__Bus__Refusal *));
    if (!refusals || !list)
        fail("calloc");
    if (host->answer == ANSWER_STORE) {
        body.n_stored = n;
        body.stored = host->waiting;
    } else {
        for (size_t i = 0; i < n; i++) {
            masques__bus__refusal__init(&refusals[i]);
            refusals[i].number = host->waiting[i];
            refusals[i].reason = (Masques__Bus__Reason)host->reason;
            refusals[i].after_ms = host->after_ms;
            list[i] = &refusals[i];
        }
        body.n_refused = n;
        body.refused = list;
    }
    frame.body_case = MASQUES__BUS__FRAME__BODY_PUBLISH_VERDICT;
    frame.publish_verdict = &body;
    send_frame(host, &frame);
    host->waiting_count = 0;
    free(refusals);
    free(list);
}

static void note_batch(struct host *host, const Masques__Bus__Batch *batch, size_t len)
{
    host->batches++;
    if (batch->number < NUMBERS_MAX && !(host->seen[batch->number / 8] & 1u << batch->number % 8)) {
        host->seen[batch->number / 8] |= (uint8_t)(1u << batch->number % 8);
        host->distinct++;
        host->records += batch->records;
        host->bytes += len;
    }
    if (host->waiting_count == host->waiting_cap) {
        host->waiting_cap = host->waiting_cap ? host->waiting_cap * 2 : 64;
        host->waiting = realloc(host->waiting, host->waiting_cap * sizeof *host->waiting);
        if (!host->waiting)
            fail("realloc");
    }
    host->waiting[host->waiting_count++] = batch->number;
}

static void take_publish(struct host *host, const struct link_message *message)
{
    const Masques__Bus__Publish *publish = message->frame->publish;
    host->messages++;
    if (message->payload_count != publish->n_batches)
        fprintf(stderr, "worker_host: payloads do not fit the batches\n");
    for (size_t i = 0; i < publish->n_batches && i < message->payload_count; i++)
        note_batch(host, publish->batches[i], message->payloads[i].len);
    give_verdicts(host);
}

static void bus_message(void *ctx, struct link_message *message)
{
    struct host *host = ctx;
    if (message->frame->body_case == MASQUES__BUS__FRAME__BODY_HELLO)
        welcome(host, message);
    else if (message->frame->session != host->session)
        say_reset(host, message->route);
    else if (message->frame->body_case == MASQUES__BUS__FRAME__BODY_PUBLISH)
        take_publish(host, message);
    link_message_free(&message);
}

static void beat(void *ctx)
{
    struct host *host = ctx;
    loop_timer_set(host->beat, BEAT_MS);
    if (!host->link || !host->route)
        return;
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    Masques__Bus__Heartbeat body = MASQUES__BUS__HEARTBEAT__INIT;
    body.wanted = 0xe;
    frame.body_case = MASQUES__BUS__FRAME__BODY_HEARTBEAT;
    frame.heartbeat = &body;
    send_frame(host, &frame);
    link_check(host->link);
}

static void router_up(struct host *host)
{
    const char *why = NULL;
    host->link = link_bind(host->loop, host->context, host->endpoint, bus_message, host,
                           &host->log, &why);
    if (!host->link) {
        fprintf(stderr, "worker_host: %s: %s\n", host->endpoint, why);
        exit(EXIT_FAILURE);
    }
    host->route = 0;
    host->waiting_count = 0;
    host->session += 1000; /* the old one is not known any more */
}

/* ---- the master's part ---- */

static int listen_somewhere(uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(fd, 1024) != 0 || getsockname(fd, (struct sockaddr *)&address, &size) != 0)
        fail("listen");
    *port = ntohs(address.sin_port);
    return fd;
}

/* Puts the descriptors where child.h says, beyond any place that they may stand at now. */
static void place_fds(const int *fds, size_t count)
{
    int high[8];
    for (size_t i = 0; i < count; i++)
        high[i] = fcntl(fds[i], F_DUPFD, 100);
    for (size_t i = 0; i < count; i++)
        dup2(high[i], CHILD_FD_CONTROL + (int)i);
    for (size_t i = 0; i < count; i++)
        close(high[i]);
}

/* NAME=NUMBER into the settings. */
static bool set_number(Masques__Control__WorkerSettings *settings, const char *text)
{
    char name[64];
    const char *equals = strchr(text, '=');
    if (!equals || (size_t)(equals - text) >= sizeof name)
        return false;
    snprintf(name, sizeof name, "%.*s", (int)(equals - text), text);
    const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field_by_name(
        &masques__control__worker_settings__descriptor, name);
    uint64_t value = strtoull(equals + 1, NULL, 10);
    uint32_t small = (uint32_t)value;
    if (!field || (field->type != PROTOBUF_C_TYPE_UINT32 && field->type != PROTOBUF_C_TYPE_UINT64)) {
        fprintf(stderr, "worker_host: no such number: %s\n", name);
        exit(EXIT_FAILURE);
    }
    bool wide = field->type == PROTOBUF_C_TYPE_UINT64;
    memcpy((char *)settings + field->offset, wide ? (const void *)&value : (const void *)&small,
           wide ? sizeof value : sizeof small);
    return true;
}

static void start_worker(struct host *host, const char *program, int listener, char **numbers)
{
    Masques__Control__Settings settings = MASQUES__CONTROL__SETTINGS__INIT;
    Masques__Control__WorkerSettings worker = MASQUES__CONTROL__WORKER_SETTINGS__INIT;
    Masques__Control__Listener entry = MASQUES__CONTROL__LISTENER__INIT;
    Masques__Control__Listener *list[] = {&entry};
    int control[2], life[2];
    char name[] = "worker/1";
    char protocol[] = "grpc";
    entry.fd = CHILD_FD_FIRST;
    entry.protocol = protocol;
    worker.n_listeners = 1;
    worker.listeners = list;
    worker.wanted = 0xe;
    while (set_number(&worker, *numbers))
        numbers++;
    settings.name = name;
    settings.parent = (uint32_t)getpid();
    settings.log_level = LOG_LEVEL_INFO;
    settings.bus_endpoint = host->endpoint;
    settings.role_case = MASQUES__CONTROL__SETTINGS__ROLE_WORKER;
    settings.worker = &worker;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control) != 0 ||
        pipe2(life, O_CLOEXEC) != 0)
        fail("socketpair");
    int memfd = packet_memfd("settings", &settings.base);
    host->worker = fork();
    if (host->worker == 0) {
        place_fds((const int[]){control[1], life[0], memfd, listener}, 4);
        execl(program, program, "--child", (char *)NULL);
        _exit(127);
    }
    close(control[1]);
    close(life[0]);
    close(memfd);
    close(listener);
    host->control = control[0];
    host->life = life[1];
}

static void note_beat(struct host *host, const Masques__Control__Beat *beat_)
{
    struct buf *text = &host->last_beat;
    buf_clear(text);
    buf_printf(text, "beat %s accepting %d beats=%u", beat_->state, beat_->accepting, ++host->beats);
    for (size_t i = 0; i < beat_->n_numbers; i++)
        buf_printf(text, " %s=%llu", beat_->numbers[i]->name,
                   (unsigned long long)beat_->numbers[i]->value);
}

static void control_readable(evutil_socket_t fd, short what, void *arg)
{
    struct host *host = arg;
    ProtobufCMessage *message = NULL;
    (void)what;
    int err;
    while ((err = packet_receive(fd, &masques__control__up__descriptor, &message)) == GW_OK) {
        const Masques__Control__Up *up = (const Masques__Control__Up *)message;
        if (up->body_case == MASQUES__CONTROL__UP__BODY_BEAT)
            note_beat(host, up->beat);
        protobuf_c_message_free_unpacked(message, NULL);
    }
    if (err == GW_ERR_CLOSED) {
        event_del(host->up);
        loop_stop(host->loop);
    }
}

/* ---- commands ---- */

static void print_stats(const struct host *host)
{
    printf("messages %llu batches %llu distinct %llu records %llu bytes %llu verdict-less %zu\n",
           (unsigned long long)host->messages, (unsigned long long)host->batches,
           (unsigned long long)host->distinct, (unsigned long long)host->records,
           (unsigned long long)host->bytes, host->waiting_count);
}

static void obey(struct host *host, const char *line)
{
    unsigned reason, after;
    if (strcmp(line, "store") == 0) {
        host->answer = ANSWER_STORE;
        give_verdicts(host);
    } else if (sscanf(line, "refuse %u %u", &reason, &after) == 2) {
        host->answer = ANSWER_REFUSE;
        host->reason = reason;
        host->after_ms = after;
        give_verdicts(host);
    } else if (strcmp(line, "hold") == 0) {
        host->answer = ANSWER_HOLD;
    } else if (strcmp(line, "down") == 0) {
        link_drop(&host->link);
    } else if (strcmp(line, "up") == 0) {
        router_up(host);
    } else if (strcmp(line, "stats") == 0) {
        print_stats(host);
    } else if (strcmp(line, "beat") == 0) {
        printf("%.*s\n", (int)host->last_beat.len, (const char *)host->last_beat.data);
    } else if (strcmp(line, "drain") == 0) {
        kill(host->worker, SIGTERM);
    } else {
        printf("? %s\n", line);
    }
    printf("ok\n");
    fflush(stdout);
}

static void command(evutil_socket_t fd, short what, void *arg)
{
    struct host *host = arg;
    static char text[4096];
    static size_t len;
    (void)what;
    ssize_t n = read(fd, text + len, sizeof text - 1 - len);
    if (n <= 0) {
        event_del(host->input);
        loop_stop(host->loop);
        return;
    }
    len += (size_t)n;
    text[len] = 0;
    char *at = text, *end;
    while ((end = strchr(at, '\n'))) {
        *end = 0;
        obey(host, at);
        at = end + 1;
    }
    len = strlen(at);
    memmove(text, at, len);
}

static void wait_for_worker(struct host *host)
{
    int status = 0;
    struct rusage usage;
    close(host->life); /* the worker takes this for the end of its master */
    if (wait4(host->worker, &status, 0, &usage) < 0)
        fail("wait4");
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    printf("exit %d user %.3f sys %.3f\n", code,
           (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6,
           (double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec / 1e6);
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: worker_host [NAME=NUMBER]... WORKER-PROGRAM DIRECTORY\n");
        return EXIT_FAILURE;
    }
    const char *program = argv[argc - 2];
    const char *directory = argv[argc - 1];
    struct host host = {.log = {"host", LOG_LEVEL_INFO, STDERR_FILENO}};
    uint16_t port;
    snprintf(host.endpoint, sizeof host.endpoint, "ipc://%s/bus-%d", directory, (int)getpid());
    host.last_beat = buf_make(65536);
    host.seen = calloc(NUMBERS_MAX / 8, 1);
    int listener = listen_somewhere(&port);
    start_worker(&host, program, listener, argv + 1);
    host.loop = loop_new();
    host.context = link_context_new();
    host.beat = loop_timer_new(host.loop, beat, &host);
    if (!host.seen || !host.loop || !host.context || !host.beat)
        fail("memory");
    router_up(&host);
    loop_timer_set(host.beat, BEAT_MS);
    host.input =
        event_new(loop_base(host.loop), STDIN_FILENO, EV_READ | EV_PERSIST, command, &host);
    host.up = event_new(loop_base(host.loop), host.control, EV_READ | EV_PERSIST,
                        control_readable, &host);
    event_add(host.input, NULL);
    event_add(host.up, NULL);
    printf("port %u worker %d\n", port, (int)host.worker);
    fflush(stdout);
    loop_run(host.loop);
    print_stats(&host);
    wait_for_worker(&host);
    event_free(host.input);
    event_free(host.up);
    link_close(&host.link);
    loop_timer_free(&host.beat);
    loop_free(&host.loop);
    link_context_free(&host.context);
    unlink(host.endpoint + strlen("ipc://"));
    buf_free(&host.last_beat);
    free(host.seen);
    free(host.waiting);
    return EXIT_SUCCESS;
}
