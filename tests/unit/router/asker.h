// SPDX-License-Identifier: Apache-2.0
/* For the tests of what masquesctl asks: a peer that asks, and what came back, kept. */
#ifndef MASQUES_TESTS_ROUTER_ASKER_H
#define MASQUES_TESTS_ROUTER_ASKER_H

#include "tests/unit/router/house.h"

#define ASKER_EXPORTERS 128
#define ASKER_LETTERS 512

struct asked_exporter {
    char name[64], type[32], state[32], error[64];
    Masques__Bus__Owner owner;
    Masques__Bus__Mode mode;
    uint32_t pid;
    size_t lanes;
    uint64_t pending, delivered, rejected, lost; /* of all lanes */
    char reasons[128];                           /* "space=3 " of all lanes */
};

struct asked_letter {
    uint64_t number, records, bytes, first;
    char exporter[64], reason[64];
};

struct asked {
    unsigned answers;
    char error[256];
    uint64_t count;
    size_t exporters, letters;
    struct asked_exporter exporter[ASKER_EXPORTERS];
    struct asked_letter letter[ASKER_LETTERS];
};

static inline void asker_join(struct test_peer *p, struct house *h, const char *name)
{
    const struct peer_id id = {.name = name, .control = true};
    peer_join(p, h, &id);
}

static inline void ask(struct test_peer *p, Masques__Bus__Request *request, uint64_t number)
{
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    request->number = number;
    frame.body_case = BODY(REQUEST);
    frame.request = request;
    peer_say(p, &frame, NULL, 0);
}

static inline void keep_exporter(struct asked_exporter *to, const Masques__Bus__Exporter *e)
{
    memset(to, 0, sizeof *to);
    snprintf(to->name, sizeof to->name, "%s", e->name);
    snprintf(to->type, sizeof to->type, "%s", e->type);
    snprintf(to->state, sizeof to->state, "%s", e->state);
    snprintf(to->error, sizeof to->error, "%s", e->error);
    to->owner = e->owner;
    to->mode = e->mode;
    to->pid = e->pid;
    to->lanes = e->n_lanes;
    for (size_t i = 0; i < e->n_lanes; i++) {
        to->pending += e->lanes[i]->pending;
        to->delivered += e->lanes[i]->delivered;
        to->rejected += e->lanes[i]->rejected;
        to->lost += e->lanes[i]->lost;
        for (size_t k = 0; k < e->lanes[i]->n_losses; k++) {
            size_t len = strlen(to->reasons);
            snprintf(to->reasons + len, sizeof to->reasons - len, "%s=%d ",
                     e->lanes[i]->losses[k]->reason, (int)e->lanes[i]->losses[k]->records);
        }
    }
}

/* All answers to that question; the asker must be sent none to another meanwhile. */
static inline const struct asked *answers(struct test_peer *p, uint64_t number)
{
    static struct asked asked;
    bool more = true;
    memset(&asked, 0, sizeof asked);
    while (more) {
        const Masques__Bus__Answer *a = peer_wait(p, BODY(ANSWER))->answer;
        ck_assert_uint_eq(a->number, number);
        asked.answers++;
        snprintf(asked.error, sizeof asked.error, "%s", a->error);
        asked.count += a->count;
        for (size_t i = 0; i < a->n_exporters; i++) {
            ck_assert_uint_lt(asked.exporters, ASKER_EXPORTERS);
            keep_exporter(&asked.exporter[asked.exporters++], a->exporters[i]);
        }
        for (size_t i = 0; i < a->n_dead_letters; i++) {
            const Masques__Bus__DeadLetter *l = a->dead_letters[i];
            ck_assert_uint_lt(asked.letters, ASKER_LETTERS);
            struct asked_letter *to = &asked.letter[asked.letters++];
            *to = (struct asked_letter){l->number, l->records, l->bytes, l->id->first, "", ""};
            snprintf(to->exporter, sizeof to->exporter, "%s", l->exporter);
            snprintf(to->reason, sizeof to->reason, "%s", l->reason);
        }
        more = a->more;
    }
    return &asked;
}

static inline const struct asked *ask_list(struct test_peer *p)
{
    Masques__Bus__Request request = MASQUES__BUS__REQUEST__INIT;
    Masques__Bus__List list = MASQUES__BUS__LIST__INIT;
    request.what_case = MASQUES__BUS__REQUEST__WHAT_LIST;
    request.list = &list;
    ask(p, &request, 1);
    return answers(p, 1);
}

/* NULL: there is none of that name. */
static inline const struct asked_exporter *ask_exporter(struct test_peer *p, const char *name)
{
    const struct asked *list = ask_list(p);
    for (size_t i = 0; i < list->exporters; i++)
        if (strcmp(list->exporter[i].name, name) == 0)
            return &list->exporter[i];
    return NULL;
}

static inline void ask_detach(struct test_peer *p, uint64_t number, const char *name, bool drain,
                              uint32_t within_ms)
{
    Masques__Bus__Request request = MASQUES__BUS__REQUEST__INIT;
    Masques__Bus__Detach detach = MASQUES__BUS__DETACH__INIT;
    detach.name = (char *)(uintptr_t)name;
    detach.drain = drain;
    detach.within_ms = within_ms;
    request.what_case = MASQUES__BUS__REQUEST__WHAT_DETACH;
    request.detach = &detach;
    ask(p, &request, number);
}

static inline void ask_flush(struct test_peer *p, uint64_t number, uint32_t within_ms)
{
    Masques__Bus__Request request = MASQUES__BUS__REQUEST__INIT;
    Masques__Bus__Flush flush = MASQUES__BUS__FLUSH__INIT;
    flush.within_ms = within_ms;
    request.what_case = MASQUES__BUS__REQUEST__WHAT_FLUSH;
    request.flush = &flush;
    ask(p, &request, number);
}

static inline const struct asked *ask_letters(struct test_peer *p, const char *exporter)
{
    Masques__Bus__Request request = MASQUES__BUS__REQUEST__INIT;
    Masques__Bus__DeadLetterList list = MASQUES__BUS__DEAD_LETTER_LIST__INIT;
    list.exporter = (char *)(uintptr_t)exporter;
    request.what_case = MASQUES__BUS__REQUEST__WHAT_DEAD_LETTER_LIST;
    request.dead_letter_list = &list;
    ask(p, &request, 2);
    return answers(p, 2);
}

/* `number` 0: all. */
static inline const struct asked *ask_replay(struct test_peer *p, const char *exporter,
                                             uint64_t number)
{
    Masques__Bus__Request request = MASQUES__BUS__REQUEST__INIT;
    Masques__Bus__DeadLetterReplay replay = MASQUES__BUS__DEAD_LETTER_REPLAY__INIT;
    replay.exporter = (char *)(uintptr_t)exporter;
    replay.n_numbers = number != 0;
    replay.numbers = &number;
    request.what_case = MASQUES__BUS__REQUEST__WHAT_DEAD_LETTER_REPLAY;
    request.dead_letter_replay = &replay;
    ask(p, &request, 3);
    return answers(p, 3);
}

static inline const struct asked *ask_drop(struct test_peer *p, const char *exporter,
                                           uint64_t number)
{
    Masques__Bus__Request request = MASQUES__BUS__REQUEST__INIT;
    Masques__Bus__DeadLetterDrop drop = MASQUES__BUS__DEAD_LETTER_DROP__INIT;
    drop.exporter = (char *)(uintptr_t)exporter;
    drop.n_numbers = number != 0;
    drop.numbers = &number;
    request.what_case = MASQUES__BUS__REQUEST__WHAT_DEAD_LETTER_DROP;
    request.dead_letter_drop = &drop;
    ask(p, &request, 4);
    return answers(p, 4);
}

#endif
