// SPDX-License-Identifier: Apache-2.0
/* For the router's tests: a whole router on a store of its own, in a thread of its own, and peers
 * made of bare sockets that say exactly what a test wants said. Everything that waits fails after
 * LIMIT_MS. */
#ifndef MASQUES_TESTS_ROUTER_HOUSE_H
#define MASQUES_TESTS_ROUTER_HOUSE_H

#include <event2/event.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include "router/router.h"
#include "router/store/store.h"
#include "shared/base/clock.h"
#include "tests/support/suite.h"

#define LIMIT_MS 120000u
#define NEVER_MS 3600000u /* a wait that no test lives to see the end of */
#define KINDS 64 /* of messages: field numbers of Frame's body */
#define SUBSCRIPTIONS_MAX 4

typedef void (*house_fn)(void *arg);

struct house {
    char dir[64];
    char store_dir[96];
    char endpoint[128];
    Masques__Control__RouterSettings settings;
    Masques__Control__Subscription subs[SUBSCRIPTIONS_MAX];
    Masques__Control__Subscription *sub_pointers[SUBSCRIPTIONS_MAX];
    uint32_t beat_ms, silence_ms;
    struct log log;
    struct loop *loop;
    struct link_context *context; /* libzmq's own, shared with the peers: inproc needs that */
    struct router *router;
    struct event *wake;
    int pipe[2];
    int quiet; /* /dev/null */
    pthread_t thread;
    sem_t started, called;
    house_fn fn;
    void *arg;
    bool stop;
    unsigned starts;
    bool drained; /* read after a call into the loop */
    char detached[256]; /* names, each behind a blank; likewise */
    char why[768];
};

/* ---- the router's thread ---- */

static inline void house_woken(evutil_socket_t fd, short what, void *arg)
{
    struct house *h = arg;
    char byte;
    (void)what;
    ck_assert_int_eq((int)read(fd, &byte, 1), 1);
    if (h->stop)
        loop_stop(h->loop);
    else
        h->fn(h->arg);
    sem_post(&h->called);
}

static inline void house_drained(void *ctx)
{
    struct house *h = ctx;
    h->drained = true;
}

static inline void house_detached(void *ctx, const char *name)
{
    struct house *h = ctx;
    size_t len = strlen(h->detached);
    snprintf(h->detached + len, sizeof h->detached - len, " %s", name);
}

static inline void *house_thread(void *arg)
{
    struct house *h = arg;
    enum router_failure failure;
    struct router_options options = {
        .endpoint = h->endpoint,
        .run = 7,
        .settings = &h->settings,
        .beat_ms = h->beat_ms,
        .silence_ms = h->silence_ms,
        .drained = house_drained,
        .detached = house_detached,
        .ctx = h,
    };
    h->loop = loop_new();
    ck_assert_ptr_nonnull(h->loop);
    h->router = router_new(h->loop, h->context, &options, &h->log, h->why, sizeof h->why, &failure);
    h->wake = event_new(loop_base(h->loop), h->pipe[0], EV_READ | EV_PERSIST, house_woken, h);
    ck_assert_ptr_nonnull(h->wake);
    ck_assert_int_eq(event_add(h->wake, NULL), 0);
    sem_post(&h->started);
    if (h->router)
        loop_run(h->loop);
    router_free(&h->router);
    event_free(h->wake);
    loop_free(&h->loop);
    return NULL;
}

/* Calls fn(arg) in the router's loop and returns after it. */
static inline void house_call(struct house *h, house_fn fn, void *arg)
{
    h->fn = fn;
    h->arg = arg;
    ck_assert_int_eq((int)write(h->pipe[1], "", 1), 1);
    sem_wait(&h->called);
}

static inline void house_start(struct house *h)
{
    h->stop = false;
    h->drained = false;
    if (!h->endpoint[0] || strncmp(h->endpoint, "inproc:", 7) == 0) /* libzmq frees names late */
        snprintf(h->endpoint, sizeof h->endpoint, "inproc://router-%u", ++h->starts);
    ck_assert_int_eq(pthread_create(&h->thread, NULL, house_thread, h), 0);
    sem_wait(&h->started);
    ck_assert_msg(h->router != NULL, "%s", h->why);
}

static inline void house_stop(struct house *h)
{
    h->stop = true;
    house_call(h, NULL, NULL);
    pthread_join(h->thread, NULL);
}

static inline void house_restart(struct house *h)
{
    house_stop(h);
    house_start(h);
}

/* ---- the house ---- */

/* A temporary directory and settings for a small store; the test changes what it wants before
 * house_start(). */
static inline void house_make(struct house *h)
{
    memset(h, 0, sizeof *h);
    snprintf(h->dir, sizeof h->dir, "/tmp/masques-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(h->dir));
    snprintf(h->store_dir, sizeof h->store_dir, "%s/store", h->dir);
    masques__control__router_settings__init(&h->settings);
    h->settings.store_directory = h->store_dir;
    h->settings.max_bytes = 64u << 20;
    h->settings.memory_bytes = 32u << 20;
    h->settings.max_batch = 8u << 20;
    h->settings.dead_letter_bytes = 1u << 20;
    h->settings.subscriptions = h->sub_pointers;
    /* The suites run once more over a store that syncs (tests/CMakeLists.txt). */
    const char *fsync = getenv("HOUSE_FSYNC");
    if (fsync)
        h->settings.fsync = (Masques__Control__Fsync)atoi(fsync);
    h->settings.fsync_interval_ms = 50;
    h->beat_ms = 100;
    h->silence_ms = 10 * LIMIT_MS;
    h->log = (struct log){"router", LOG_LEVEL_WARN, STDERR_FILENO};
    h->context = (struct link_context *)zmq_ctx_new();
    ck_assert_ptr_nonnull(h->context);
    ck_assert_int_eq(pipe(h->pipe), 0);
    h->quiet = open("/dev/null", O_WRONLY);
    sem_init(&h->started, 0, 0);
    sem_init(&h->called, 0, 0);
}

/* What is tested is loud, and meant to be. */
static inline void house_hush(struct house *h)
{
    h->log.fd = h->quiet;
}

/* An exporter that the configuration names. */
static inline void house_subscribe(struct house *h, const char *name, uint32_t signals, bool lossy)
{
    size_t i = h->settings.n_subscriptions++;
    ck_assert(i < SUBSCRIPTIONS_MAX);
    masques__control__subscription__init(&h->subs[i]);
    h->subs[i].name = (char *)(uintptr_t)name;
    h->subs[i].type = (char *)(uintptr_t) "test";
    h->subs[i].signals = signals;
    h->subs[i].lossy = lossy;
    h->sub_pointers[i] = &h->subs[i];
}

static inline int house_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

/* Stops the router and removes everything. Peers must be closed. */
static inline void house_end(struct house *h)
{
    house_stop(h);
    zmq_ctx_term(h->context);
    close(h->pipe[0]);
    close(h->pipe[1]);
    close(h->quiet);
    sem_destroy(&h->started);
    sem_destroy(&h->called);
    nftw(h->dir, house_remove, 8, FTW_DEPTH | FTW_PHYS);
}

/* ---- what the router tells the master ---- */

struct house_queue {
    struct house *house;
    const char *exporter;
    unsigned signal;
    bool found;
    uint64_t records, delivered, rejected, lost;
    char state[32];
    bool accepting;
    uint64_t accepted, refused; /* of the signal */
};

static inline void house_read_queue(void *arg)
{
    struct house_queue *q = arg;
    Masques__Control__Beat beat = MASQUES__CONTROL__BEAT__INIT;
    router_fill_beat(q->house->router, &beat);
    q->accepting = beat.accepting;
    q->accepted = beat.accepted[q->signal - 1];
    q->refused = beat.refused[q->signal - 1];
    for (size_t i = 0; i < beat.n_queues; i++) {
        const Masques__Control__Queue *queue = beat.queues[i];
        if (strcmp(queue->exporter, q->exporter) != 0 || queue->signal != q->signal)
            continue;
        q->found = true;
        q->records = queue->records;
        q->delivered = queue->delivered;
        q->rejected = queue->rejected;
        q->lost = queue->lost;
        snprintf(q->state, sizeof q->state, "%s", queue->state);
    }
}

static inline struct house_queue house_queue(struct house *h, const char *exporter, unsigned signal)
{
    struct house_queue q = {.house = h, .exporter = exporter, .signal = signal};
    house_call(h, house_read_queue, &q);
    return q;
}

static inline void house_do_expect(void *arg)
{
    void **both = arg;
    router_expect(((struct house *)both[0])->router, both[1]);
}

static inline void house_expect(struct house *h, const char *name, uint32_t pid, uint32_t spawn)
{
    Masques__Control__Expect expect = MASQUES__CONTROL__EXPECT__INIT;
    expect.name = (char *)(uintptr_t)name;
    expect.pid = pid;
    expect.spawn = spawn;
    void *both[] = {h, &expect};
    house_call(h, house_do_expect, both);
}

static inline void house_do_reconfigure(void *arg)
{
    struct house *h = arg;
    Masques__Control__Reconfigure now = MASQUES__CONTROL__RECONFIGURE__INIT;
    now.n_subscriptions = h->settings.n_subscriptions;
    now.subscriptions = h->settings.subscriptions;
    router_reconfigure(h->router, &now);
}

/* The subscriptions of the settings hold from now on. */
static inline void house_reconfigure(struct house *h)
{
    house_call(h, house_do_reconfigure, h);
}

/* ---- a peer ---- */

struct peer_id {
    const char *name;
    bool worker, control;
    uint32_t pid;
    uint64_t attempt;
    bool replace;
    uint8_t incarnation; /* repeated */
    /* Exporters: */
    uint32_t signals;
    Masques__Bus__Mode mode;
    Masques__Bus__Start start;
    bool local;
    uint32_t max_records;
    uint64_t max_bytes;
    uint32_t linger_ms, in_flight;
    Masques__Bus__DeliveryState **deliveries;
    size_t delivery_count;
};

struct test_peer {
    struct house *house;
    void *socket;
    uint64_t session;
    uint64_t credit, max_batch; /* of WELCOME */
    uint32_t wanted;
    Masques__Bus__Frame *frame; /* what client_wait() returned last */
    uint8_t *payload;           /* its payload frames, one behind the other */
    size_t payload_len, payload_frames;
    unsigned seen[KINDS]; /* messages that came, by kind */
};

static inline void peer_open(struct test_peer *p, struct house *h)
{
    memset(p, 0, sizeof *p);
    p->house = h;
    p->socket = zmq_socket(h->context, ZMQ_DEALER);
    ck_assert_ptr_nonnull(p->socket);
    int none = 0;
    zmq_setsockopt(p->socket, ZMQ_LINGER, &none, sizeof none);
    ck_assert_int_eq(zmq_connect(p->socket, h->endpoint), 0);
}

static inline void peer_drop_frame(struct test_peer *p)
{
    if (p->frame)
        masques__bus__frame__free_unpacked(p->frame, NULL);
    free(p->payload);
    p->frame = NULL;
    p->payload = NULL;
    p->payload_len = p->payload_frames = 0;
}

static inline void peer_close(struct test_peer *p)
{
    peer_drop_frame(p);
    zmq_close(p->socket);
    p->socket = NULL;
}

static inline void peer_say(struct test_peer *p, Masques__Bus__Frame *frame,
                            const struct slice *payloads, size_t count)
{
    frame->version = BUS_VERSION;
    frame->oldest = BUS_OLDEST_VERSION;
    if (frame->session == 0)
        frame->session = p->session;
    size_t len = masques__bus__frame__get_packed_size(frame);
    uint8_t *bytes = malloc(len ? len : 1);
    ck_assert_ptr_nonnull(bytes);
    masques__bus__frame__pack(frame, bytes);
    ck_assert_int_ge(zmq_send(p->socket, bytes, len, count ? ZMQ_SNDMORE : 0), 0);
    free(bytes);
    for (size_t i = 0; i < count; i++)
        ck_assert_int_ge(
            zmq_send(p->socket, payloads[i].data, payloads[i].len, i + 1 < count ? ZMQ_SNDMORE : 0),
            0);
}

/* The next message into p->frame. False: none within `ms`. */
static inline bool peer_hear(struct test_peer *p, uint64_t ms)
{
    zmq_pollitem_t item = {p->socket, 0, ZMQ_POLLIN, 0};
    if (zmq_poll(&item, 1, (long)ms) <= 0)
        return false;
    peer_drop_frame(p);
    int more = 1;
    while (more) {
        zmq_msg_t part;
        zmq_msg_init(&part);
        ck_assert_int_ge(zmq_msg_recv(&part, p->socket, 0), 0);
        size_t len = zmq_msg_size(&part);
        if (!p->frame) {
            p->frame = masques__bus__frame__unpack(NULL, len, zmq_msg_data(&part));
            ck_assert_ptr_nonnull(p->frame);
        } else {
            p->payload = realloc(p->payload, p->payload_len + len + 1);
            ck_assert_ptr_nonnull(p->payload);
            memcpy(p->payload + p->payload_len, zmq_msg_data(&part), len);
            p->payload_len += len;
            p->payload_frames++;
        }
        more = zmq_msg_more(&part);
        zmq_msg_close(&part);
    }
    ck_assert(p->frame->body_case < KINDS);
    p->seen[p->frame->body_case]++;
    return true;
}

/* The next message of that kind; others are passed over, but counted. False: none within `ms`. */
static inline bool peer_wait_ms(struct test_peer *p, Masques__Bus__Frame__BodyCase kind,
                                uint64_t ms)
{
    uint64_t deadline = clock_mono_ms() + ms;
    for (uint64_t now = clock_mono_ms(); now < deadline; now = clock_mono_ms())
        if (peer_hear(p, deadline - now) && p->frame->body_case == kind)
            return true;
    return false;
}

#define BODY(kind) MASQUES__BUS__FRAME__BODY_##kind

static inline const Masques__Bus__Frame *peer_wait(struct test_peer *p,
                                                   Masques__Bus__Frame__BodyCase kind)
{
    ck_assert_msg(peer_wait_ms(p, kind, LIMIT_MS), "no message of kind %d", (int)kind);
    return p->frame;
}

static inline void peer_hello(struct test_peer *p, const struct peer_id *id)
{
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    Masques__Bus__Hello hello = MASQUES__BUS__HELLO__INIT;
    Masques__Bus__Wishes wishes = MASQUES__BUS__WISHES__INIT;
    uint8_t incarnation[STORE_INCARNATION_BYTES];
    memset(incarnation, id->incarnation, sizeof incarnation);
    hello.name = (char *)(uintptr_t)id->name;
    hello.kind = id->worker    ? MASQUES__BUS__PEER_KIND__PEER_WORKER
                 : id->control ? MASQUES__BUS__PEER_KIND__PEER_CONTROL
                               : MASQUES__BUS__PEER_KIND__PEER_EXPORTER;
    hello.pid = id->pid ? id->pid : 100;
    hello.attempt = id->attempt ? id->attempt : 1;
    hello.replace = id->replace;
    hello.type = (char *)(uintptr_t) "test";
    if (id->worker) {
        hello.incarnation.data = incarnation;
        hello.incarnation.len = sizeof incarnation;
    }
    hello.signals = id->signals;
    hello.mode = id->mode;
    hello.start = id->start;
    hello.local = id->local;
    wishes.max_records = id->max_records;
    wishes.max_bytes = id->max_bytes;
    wishes.linger_ms = id->linger_ms;
    wishes.in_flight = id->in_flight;
    hello.wishes = &wishes;
    hello.deliveries = id->deliveries;
    hello.n_deliveries = id->delivery_count;
    frame.body_case = BODY(HELLO);
    frame.hello = &hello;
    p->session = 0;
    peer_say(p, &frame, NULL, 0);
}

/* HELLO on a new socket, and its WELCOME. */
static inline void peer_join(struct test_peer *p, struct house *h, const struct peer_id *id)
{
    peer_open(p, h);
    peer_hello(p, id);
    const Masques__Bus__Welcome *welcome = peer_wait(p, BODY(WELCOME))->welcome;
    p->session = welcome->session;
    p->credit = welcome->credit;
    p->max_batch = welcome->max_batch;
    p->wanted = welcome->wanted;
}

static inline void peer_bye(struct test_peer *p)
{
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    Masques__Bus__Bye bye = MASQUES__BUS__BYE__INIT;
    frame.body_case = BODY(BYE);
    frame.bye = &bye;
    peer_say(p, &frame, NULL, 0);
}

/* ---- a worker ---- */

/* One PUBLISH of `count` batches numbered from `number`, each of `records` records and `bytes`
 * bytes. */
static inline void worker_publish(struct test_peer *p, uint64_t number, size_t count,
                                  unsigned signal, uint32_t records, size_t bytes)
{
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    Masques__Bus__Publish publish = MASQUES__BUS__PUBLISH__INIT;
    Masques__Bus__Batch *batches = calloc(count, sizeof *batches);
    Masques__Bus__Batch **pointers = calloc(count, sizeof(void *));
    struct slice *payloads = calloc(count, sizeof *payloads);
    uint8_t *data = malloc(bytes * count);
    ck_assert(batches && pointers && payloads && data);
    for (size_t i = 0; i < count; i++) {
        masques__bus__batch__init(&batches[i]);
        batches[i].number = number + i;
        batches[i].signal = (Masques__Bus__Signal)signal;
        batches[i].records = records;
        batches[i].received_ns = 1000 + number + i;
        pointers[i] = &batches[i];
        memset(data + i * bytes, (int)(number + i), bytes);
        payloads[i] = slice_make(data + i * bytes, bytes);
    }
    publish.lowest_open = 1;
    publish.n_batches = count;
    publish.batches = pointers;
    frame.body_case = BODY(PUBLISH);
    frame.publish = &publish;
    peer_say(p, &frame, payloads, count);
    free(data);
    free(payloads);
    free(pointers);
    free(batches);
}

/* Waits for the verdict on one PUBLISH of one batch. 0: stored; otherwise its masques.bus.Reason.
 */
static inline int worker_verdict(struct test_peer *p, uint64_t number)
{
    for (;;) {
        const Masques__Bus__PublishVerdict *v =
            peer_wait(p, BODY(PUBLISH_VERDICT))->publish_verdict;
        for (size_t i = 0; i < v->n_stored; i++)
            if (v->stored[i] == number)
                return 0;
        for (size_t i = 0; i < v->n_refused; i++)
            if (v->refused[i]->number == number)
                return (int)v->refused[i]->reason;
    }
}

/* Publishes batches numbered from `number` and waits until all of them are stored. */
static inline void worker_store(struct test_peer *p, uint64_t number, size_t count, unsigned signal,
                                uint32_t records, size_t bytes)
{
    worker_publish(p, number, count, signal, records, bytes);
    for (size_t stored = 0; stored < count;) {
        const Masques__Bus__PublishVerdict *v =
            peer_wait(p, BODY(PUBLISH_VERDICT))->publish_verdict;
        ck_assert_uint_eq(v->n_refused, 0);
        stored += v->n_stored;
    }
}

/* ---- an exporter ---- */

/* The id of a delivery, kept beyond its message. */
struct kept_id {
    Masques__Bus__DeliveryId id;
    uint8_t store[STORE_UUID_BYTES];
    char exporter[64];
    uint32_t attempt;
    uint64_t records, bytes, digest;
};

/* The id, with pointers into where `kept` lies now. */
static inline Masques__Bus__DeliveryId *id_of(struct kept_id *kept)
{
    kept->id.store.data = kept->store;
    kept->id.exporter = kept->exporter;
    return &kept->id;
}

static inline void keep_id(struct kept_id *kept, const Masques__Bus__Deliver *deliver)
{
    kept->id = *deliver->id;
    memcpy(kept->store, deliver->id->store.data, sizeof kept->store);
    snprintf(kept->exporter, sizeof kept->exporter, "%s", deliver->id->exporter);
    kept->attempt = deliver->attempt;
    kept->records = deliver->records;
    kept->bytes = deliver->bytes;
    kept->digest = deliver->digest;
}

static inline void ck_same_delivery(const struct kept_id *a, const struct kept_id *b)
{
    ck_assert_mem_eq(a->store, b->store, sizeof a->store);
    ck_assert_str_eq(a->exporter, b->exporter);
    ck_assert_int_eq(a->id.signal, b->id.signal);
    ck_assert_uint_eq(a->id.generation, b->id.generation);
    ck_assert_uint_eq(a->id.first, b->id.first);
    ck_assert_uint_eq(a->id.last, b->id.last);
    ck_assert_uint_eq(a->records, b->records);
    ck_assert_uint_eq(a->digest, b->digest);
}

static inline void exporter_credit(struct test_peer *p, uint64_t bytes)
{
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    Masques__Bus__Credit credit = MASQUES__BUS__CREDIT__INIT;
    credit.bytes = bytes;
    frame.body_case = BODY(CREDIT);
    frame.credit = &credit;
    peer_say(p, &frame, NULL, 0);
}

/* HELLO, WELCOME, and a credit of 16 MiB. */
static inline void exporter_join(struct test_peer *p, struct house *h, const struct peer_id *id)
{
    peer_join(p, h, id);
    exporter_credit(p, 16u << 20);
}

static inline struct kept_id exporter_take(struct test_peer *p)
{
    struct kept_id kept;
    keep_id(&kept, peer_wait(p, BODY(DELIVER))->deliver);
    return kept;
}

/* `bytes`: of what is rejected, in a payload frame; NULL: not given. */
static inline void exporter_says_with(struct test_peer *p, struct kept_id *kept,
                                      Masques__Bus__Outcome outcome, uint32_t after_ms,
                                      uint64_t rejected, const char *bytes)
{
    struct slice payload = slice_of(bytes ? bytes : "");
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    Masques__Bus__DeliveryVerdict verdict = MASQUES__BUS__DELIVERY_VERDICT__INIT;
    Masques__Bus__Rejected reject = MASQUES__BUS__REJECTED__INIT;
    Masques__Bus__Rejected *rejects[] = {&reject};
    reject.count = rejected;
    reject.reason = (char *)(uintptr_t) "bad";
    verdict.id = id_of(kept);
    verdict.outcome = outcome;
    verdict.after_ms = after_ms;
    verdict.n_rejected = rejected != 0;
    verdict.rejected = rejects;
    frame.body_case = BODY(DELIVERY_VERDICT);
    frame.delivery_verdict = &verdict;
    peer_say(p, &frame, &payload, bytes != NULL);
}

static inline void exporter_says(struct test_peer *p, struct kept_id *kept,
                                 Masques__Bus__Outcome outcome, uint32_t after_ms,
                                 uint64_t rejected)
{
    exporter_says_with(p, kept, outcome, after_ms, rejected, NULL);
}

/* DONE, and its confirmation. */
static inline void exporter_done(struct test_peer *p, struct kept_id *kept)
{
    exporter_says(p, kept, MASQUES__BUS__OUTCOME__DONE, 0, 0);
    const Masques__Bus__VerdictOk *ok = peer_wait(p, BODY(VERDICT_OK))->verdict_ok;
    ck_assert_uint_eq(ok->id->first, kept->id.first);
    ck_assert_uint_eq(ok->id->last, kept->id.last);
}

static inline void exporter_notes(struct test_peer *p, struct kept_id *kept, const char *note)
{
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    Masques__Bus__Progress progress = MASQUES__BUS__PROGRESS__INIT;
    progress.id = id_of(kept);
    progress.note.data = (uint8_t *)(uintptr_t)note;
    progress.note.len = strlen(note);
    frame.body_case = BODY(PROGRESS);
    frame.progress = &progress;
    peer_say(p, &frame, NULL, 0);
}

/* Says a note for a delivery that never was and waits for its CANCEL: what was said before is
 * heard, and what was answered before has come. */
static inline void exporter_echo(struct test_peer *p)
{
    static const char name[] = "nobody's";
    struct kept_id bogus = {0};
    masques__bus__delivery_id__init(&bogus.id);
    memcpy(bogus.exporter, name, sizeof name);
    bogus.id.first = 1u << 30;
    exporter_notes(p, &bogus, "?");
    while (peer_wait(p, BODY(CANCEL))->cancel->id->first != 1u << 30)
        ;
}

static inline void house_do_nothing(void *arg)
{
    (void)arg;
}

/* Returns when the router has finished the turn in which it heard what was said so far, and what it
 * sent in it has come. */
static inline void exporter_sync(struct test_peer *p)
{
    exporter_echo(p);
    house_call(p->house, house_do_nothing, NULL); /* perhaps within that turn … */
    house_call(p->house, house_do_nothing, NULL); /* … but this is a later one */
    exporter_echo(p);
}

#endif
