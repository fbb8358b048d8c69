// SPDX-License-Identifier: Apache-2.0
/* What the beat tells of exporters and of who was heard. */
#include "tests/unit/router/house.h"

#include <inttypes.h>

#include "router/report.h"
#include "shared/control/packet.h"

#define LOGS 1u
#define TRACES 3u

static const struct peer_id worker = {.name = "worker/1", .worker = true, .incarnation = 1};

/* The beat as the master gets it: packed, and owned by the caller. */
struct asked {
    struct house *house;
    Masques__Control__Beat *beat;
    size_t size;
};

static void read_beat(void *arg)
{
    struct asked *a = arg;
    Masques__Control__Beat beat = MASQUES__CONTROL__BEAT__INIT;
    router_fill_beat(a->house->router, &beat);
    a->size = masques__control__beat__get_packed_size(&beat);
    uint8_t *bytes = malloc(a->size);
    ck_assert_ptr_nonnull(bytes);
    masques__control__beat__pack(&beat, bytes);
    a->beat = masques__control__beat__unpack(NULL, a->size, bytes);
    ck_assert_ptr_nonnull(a->beat);
    free(bytes);
}

static Masques__Control__Beat *ask(struct house *h)
{
    struct asked a = {.house = h};
    house_call(h, read_beat, &a);
    ck_assert_uint_le(a.size, PACKET_MAX_BYTES);
    return a.beat;
}

static void done_with(Masques__Control__Beat *beat)
{
    masques__control__beat__free_unpacked(beat, NULL);
}

/* One batch of logs with the numbers low..high of a session. Waits for its verdict. */
static void publish_of(struct test_peer *p, const char *service, uint64_t number, unsigned signal,
                       int64_t low, int64_t high, bool twice)
{
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    Masques__Bus__Publish publish = MASQUES__BUS__PUBLISH__INIT;
    Masques__Bus__Batch batch = MASQUES__BUS__BATCH__INIT, *batches[] = {&batch, &batch};
    Masques__Bus__Sources sources = MASQUES__BUS__SOURCES__INIT;
    Masques__Bus__Source source = MASQUES__BUS__SOURCE__INIT, *list[] = {&source};
    struct slice payloads[] = {slice_of("bytes"), slice_of("bytes")};
    source.service = (ProtobufCBinaryData){strlen(service), (uint8_t *)(uintptr_t)service};
    source.session = (ProtobufCBinaryData){1, (uint8_t *)(uintptr_t) "s"};
    source.numbered = true;
    source.lowest = low;
    source.highest = high;
    source.count = (uint32_t)(high - low + 1);
    sources.n_sources = 1;
    sources.sources = list;
    batch.number = number;
    batch.signal = (Masques__Bus__Signal)signal;
    batch.records = source.count;
    batch.received_ns = 1000 + number;
    batch.sources = &sources;
    publish.lowest_open = 1;
    publish.n_batches = twice ? 2 : 1;
    publish.batches = batches;
    frame.body_case = BODY(PUBLISH);
    frame.publish = &publish;
    peer_say(p, &frame, payloads, publish.n_batches);
    for (size_t answered = 0; answered < publish.n_batches;) {
        const Masques__Bus__PublishVerdict *v = peer_wait(p, BODY(PUBLISH_VERDICT))->publish_verdict;
        answered += v->n_stored + v->n_refused;
    }
}

static void publish(struct test_peer *p, uint64_t number, unsigned signal, int64_t low, int64_t high,
                    bool twice)
{
    publish_of(p, "claude-code", number, signal, low, high, twice);
}

START_TEST(stored_batches_are_seen_once)
{
    struct house h;
    struct test_peer w;
    house_make(&h);
    house_subscribe(&h, "a", 1u << LOGS, false);
    house_start(&h);
    Masques__Control__Beat *beat = ask(&h);
    ck_assert_uint_eq(beat->n_seen, 0);
    done_with(beat);
    peer_join(&w, &h, &worker);
    publish(&w, 1, LOGS, 0, 9, false);
    publish(&w, 1, LOGS, 0, 9, false); /* published again */
    publish(&w, 2, LOGS, 10, 19, true); /* twice in one message */
    publish(&w, 3, TRACES, 0, 9, false); /* nobody wants them: refused */
    /* Far enough on for a gap to count at once. */
    publish(&w, 4, LOGS, 25, 25 + 3000, false);
    beat = ask(&h);
    ck_assert_uint_eq(beat->n_seen, 1);
    ck_assert_str_eq(beat->seen[0]->service, "claude-code");
    ck_assert_uint_eq(beat->seen[0]->signal, LOGS);
    ck_assert_uint_eq(beat->seen[0]->records, 20 + 3001);
    ck_assert_uint_eq(beat->seen[0]->last_ns, 1004);
    ck_assert_uint_eq(beat->seen[0]->sessions, 1);
    ck_assert_uint_eq(beat->seen[0]->lost_before_us, 5);
    ck_assert_uint_eq(beat->sequence_gaps, 5);
    done_with(beat);
    peer_close(&w);
    house_end(&h);
}
END_TEST

static void say_trouble(struct test_peer *p, const char *error)
{
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    Masques__Bus__Heartbeat heartbeat = MASQUES__BUS__HEARTBEAT__INIT;
    heartbeat.sequence = 1;
    heartbeat.health = MASQUES__BUS__HEALTH__HEALTH_DEGRADED;
    heartbeat.error = (char *)(uintptr_t)error;
    frame.body_case = BODY(HEARTBEAT);
    frame.heartbeat = &heartbeat;
    peer_say(p, &frame, NULL, 0);
}

/* The first queue of an exporter; NULL: none. */
static const Masques__Control__Queue *queue_of(const Masques__Control__Beat *beat, const char *name)
{
    for (size_t i = 0; i < beat->n_queues; i++)
        if (strcmp(beat->queues[i]->exporter, name) == 0)
            return beat->queues[i];
    return NULL;
}

START_TEST(owner_and_error_of_an_exporter_are_told)
{
    struct house h;
    struct test_peer a, guest;
    const struct peer_id configured = {.name = "a", .signals = 1u << LOGS | 1u << TRACES, .mode = MASQUES__BUS__MODE__DURABLE};
    const struct peer_id attached = {.name = "tail", .signals = 1u << LOGS, .mode = MASQUES__BUS__MODE__LIVE};
    house_make(&h);
    house_subscribe(&h, "a", 1u << LOGS | 1u << TRACES, false);
    house_start(&h);
    peer_join(&a, &h, &configured);
    peer_join(&guest, &h, &attached);
    say_trouble(&guest, "the \"disk\" is full");
    for (bool told = false; !told;) { /* the suite has a limit */
        Masques__Control__Beat *beat = ask(&h);
        const Masques__Control__Queue *queue = queue_of(beat, "tail");
        ck_assert_ptr_nonnull(queue);
        told = strcmp(queue->state, "degraded") == 0;
        if (told) {
            ck_assert_str_eq(queue->error, "the \"disk\" is full");
            ck_assert_str_eq(queue->owner, "attached");
            ck_assert_str_eq(queue_of(beat, "a")->owner, "configured");
            ck_assert_str_eq(queue_of(beat, "a")->error, "");
        }
        done_with(beat);
    }
    peer_close(&a);
    peer_close(&guest);
    house_end(&h);
}
END_TEST

START_TEST(losses_are_told_by_reason)
{
    struct house h;
    struct test_peer w;
    house_make(&h);
    h.settings.max_bytes = 8u << 20;
    h.settings.max_batch = 1u << 20;
    house_subscribe(&h, "a", 1u << LOGS, true);
    house_start(&h);
    peer_join(&w, &h, &worker);
    for (uint64_t number = 1; number < 100; number++)
        worker_store(&w, number, 1, LOGS, 1, 256 * 1024);
    Masques__Control__Beat *beat = ask(&h);
    ck_assert_uint_eq(beat->n_queues, 1);
    const Masques__Control__Queue *queue = beat->queues[0];
    ck_assert_uint_gt(queue->lost, 0);
    ck_assert_uint_eq(queue->lost + queue->records, 99);
    ck_assert_uint_eq(queue->n_losses, 1);
    ck_assert_str_eq(queue->losses[0]->name, "space");
    ck_assert_uint_eq(queue->losses[0]->value, queue->lost);
    done_with(beat);
    peer_close(&w);
    house_end(&h);
}
END_TEST

/* As many services as there may be with names as long as they may be, and the size is looked at. */
START_TEST(beat_is_bounded)
{
    struct house h;
    struct test_peer w;
    char service[SEEN_NAME_BYTES];
    house_make(&h);
    house_subscribe(&h, "a", 1u << LOGS, false);
    house_start(&h);
    peer_join(&w, &h, &worker);
    for (uint64_t i = 0; i < 2 * REPORT_SEEN_MAX; i++) {
        snprintf(service, sizeof service, "%0128" PRIu64, i);
        publish_of(&w, service, i + 1, LOGS, 0, 0, false);
    }
    Masques__Control__Beat *beat = ask(&h);
    ck_assert_uint_eq(beat->n_seen, REPORT_SEEN_MAX);
    ck_assert_str_eq(beat->seen[0]->service, service);
    done_with(beat);
    peer_close(&w);
    house_end(&h);
}
END_TEST

SUITE_MAIN("router/report", stored_batches_are_seen_once, owner_and_error_of_an_exporter_are_told,
           losses_are_told_by_reason, beat_is_bounded)
